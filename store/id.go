package store

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// ID names a row. It is made by us, never by the database: milliseconds since
// 1970 in the upper 48 bits, a process number leased in the database in 6, and
// a counter in 10. Ordering by ID is ordering by time. It tells its time and
// grants nothing: secrets are never IDs.
type ID int64

const (
	processBits = 6
	counterBits = 10
	timeShift   = processBits + counterBits
	// New ids count in the lower half of the counter, ids for others' posts,
	// which lie in the past, in the upper half: the two never meet.
	halfCounter = 1 << (counterBits - 1)
)

// String is the ID in decimal, as it stands in URLs and JSON.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// Time is when the ID was made, to the millisecond.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id) >> timeShift).UTC() }

// ParseID reads what String writes: a positive decimal number without sign,
// leading zero or space. Anything else is ErrNotFound, for it names no row.
func ParseID(s string) (ID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || s[0] < '1' || s[0] > '9' {
		return 0, fmt.Errorf("id %.24q: %w", s, ErrNotFound)
	}
	return ID(n), nil
}

// FirstID is the smallest ID of that moment, for bounds such as "older than
// seven days".
func FirstID(t time.Time) ID {
	ms := t.UnixMilli()
	if ms < 0 {
		ms = 0
	}
	return ID(ms << timeShift)
}

// idMaker makes strictly increasing ids. When the clock stands still, goes
// back, or a millisecond is used up, it runs ahead of the clock and waits
// for it to catch up.
type idMaker struct {
	mu      sync.Mutex
	process int64
	last    int64 // the last millisecond used
	counter int64
	past    int64 // counter for ids in the past
}

// setProcess changes the process number and makes sure that the next id lies
// above every id made before, whichever number is larger, and above floor.
func (m *idMaker) setProcess(number int, floor int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process = int64(number)
	m.last = max(m.last, floor)
	m.counter = halfCounter
}

// next is a new id.
func (m *idMaker) next(now time.Time) ID {
	return m.block(now, 1)
}

// block reserves n ids for rows numbered by blockID and returns the first;
// n is at most a few thousand.
func (m *idMaker) block(now time.Time, n int64) ID {
	ms := now.UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ms > m.last:
		m.last, m.counter = ms, 0
	case m.counter+1 < halfCounter && n == 1:
		m.counter++
	default:
		m.last, m.counter = m.last+1, 0
	}
	first := m.compose(m.last, m.counter)
	if n > 1 {
		// Whole milliseconds, so that row i is first + (i/half)<<16 + i%half.
		m.last += (n - 1) / halfCounter
		m.counter = (n - 1) % halfCounter
	}
	return first
}

// at is an id in the past, for what others made at t. Servers that tell whole
// seconds only are spread over that second.
func (m *idMaker) at(t, now time.Time) ID {
	ms := t.UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.past++
	if ms%1000 == 0 {
		ms = min(ms+(m.past/halfCounter)%1000, now.UnixMilli())
	}
	return m.compose(ms, halfCounter+m.past%halfCounter)
}

// used is the last millisecond of which an id was made.
func (m *idMaker) used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

func (m *idMaker) compose(ms, counter int64) ID {
	return ID(ms<<timeShift | m.process<<counterBits | counter)
}
