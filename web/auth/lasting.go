package auth

import (
	"sync"

	"cohort/store"
)

// Lasting counts the connections that last, so that neither one account nor all together hold too many.
type Lasting struct {
	each, inAll int

	mu  sync.Mutex
	of  map[store.ID]int
	all int
}

// NewLasting counts up to each connections of one account and up to inAll of all.
func NewLasting(each, inAll int) *Lasting {
	return &Lasting{each: each, inAll: inAll, of: map[store.ID]int{}}
}

// Enter reports whether account may have one more. If so, it is counted until Leave.
func (l *Lasting) Enter(account store.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.inAll || l.of[account] >= l.each {
		return false
	}
	l.all++
	l.of[account]++
	return true
}

// Leave gives back what Enter counted.
func (l *Lasting) Leave(account store.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[account]--; l.of[account] == 0 {
		delete(l.of, account)
	}
}
