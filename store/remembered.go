package store

import (
	"context"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// Some rows are asked for again and again by requests that come close together: whose token it is, who wrote the posts of a
// page, what was decided about a server. They are remembered for a moment. A transaction of this process that writes to
// their table makes it forget them before its caller is answered; what other processes write is seen when the
// moment is over. Reads inside a transaction remember nothing.

// moment is how long that is.
const moment = 250 * time.Millisecond

// kinds is a set of what is remembered by the table it is in.
type kinds uint8

const (
	ofAccounts kinds = 1 << iota // all columns but those of ofCounts
	ofCounts                     // counts of an account, and when it last wrote
	ofUsers
	ofTokens
	ofPolicies
	ofFollows
	ofApps
)

const (
	kindsCount       = 7
	allKinds   kinds = 1<<kindsCount - 1
)

var kindOf = map[string]kinds{
	"accounts": ofAccounts | ofCounts, "users": ofUsers, "tokens": ofTokens, "domain_policies": ofPolicies, "follows": ofFollows, "apps": ofApps,
}

// countsOnly are the statements that write to accounts, but to no other columns than those of ofCounts.
var countsOnly = map[string]bool{
	addFollower: true, addFollowing: true, dropFollower: true, dropFollowing: true,
	authorCounts: true, authorCountDown: true, boosterCountDown: true,
}

var writtenTable = regexp.MustCompile(`\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)`)

// writes caches kindsWritten: texts are constant.
var writes sync.Map

// kindsWritten tells to what a statement writes.
func kindsWritten(text string) kinds {
	if known, ok := writes.Load(text); ok {
		return known.(kinds) //nolint:forcetypeassert // nothing else is stored
	}
	var to kinds
	for _, found := range writtenTable.FindAllStringSubmatch(text, -1) {
		to |= kindOf[found[1]]
	}
	if countsOnly[text] {
		to = ofCounts
	}
	writes.Store(text, to)
	return to
}

// editions number the states of the tables.
type editions struct {
	number [kindsCount]atomic.Uint64
	last   atomic.Int64 // when there was a new one, in Unix nanoseconds
}

// of is a number that is another one after each write to any of the tables.
func (e *editions) of(tables kinds) (sum uint64) {
	for i := range e.number {
		if tables&(1<<i) != 0 {
			sum += e.number[i].Load()
		}
	}
	return sum
}

// written is called after a commit, before it is acknowledged.
func (e *editions) written(tables kinds) {
	if tables == 0 {
		return
	}
	for i := range e.number {
		if tables&(1<<i) != 0 {
			e.number[i].Add(1)
		}
	}
	e.last.Store(time.Now().UnixNano())
}

// Settle waits until what this process wrote is seen by every other one, a moment at most. It is for commands beside a
// running server: when one has returned, what it decided holds.
func (db *DB) Settle(ctx context.Context) {
	if left := moment - time.Since(time.Unix(0, db.recent.now.last.Load())); left > 0 {
		pause(ctx, left)
	}
}

// remembered keeps what was read for at most a moment, and only while none of tables is written to. It keeps between
// limit and twice as many values, which are shared and never written to.
type remembered[K comparable, V any] struct {
	tables kinds
	moment time.Duration
	limit  int
	now    *editions

	mu           sync.Mutex
	young, older map[K]reading[V]
}

// reading is a value with the state of the tables before it was read.
type reading[V any] struct {
	value   V
	edition uint64
	at      time.Time
}

func newRemembered[K comparable, V any](now *editions, tables kinds, limit int) *remembered[K, V] {
	return &remembered[K, V]{tables: tables, moment: moment, limit: limit, now: now}
}

// edition has to be asked for before what is put is read.
func (m *remembered[K, V]) edition() uint64 { return m.now.of(m.tables) }

func (m *remembered[K, V]) get(key K) (value V, ok bool) {
	edition := m.edition()
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.young[key]
	if !ok {
		r, ok = m.older[key]
	}
	// The clock of the machine, for this is about other processes, and not about times in rows.
	if !ok || r.edition != edition || time.Since(r.at) > m.moment {
		return value, false
	}
	return r.value, true
}

// or is what is remembered of key, or else what read gives, unless that fails.
func (m *remembered[K, V]) or(key K, read func() (V, error)) (V, error) {
	value, ok := m.get(key)
	if ok {
		return value, nil
	}
	edition := m.edition()
	value, err := read()
	if err == nil {
		m.put(key, value, edition)
	}
	return value, err
}

// all is or for several keys: read gets those that are not remembered.
func (m *remembered[K, V]) all(keys []K, read func(missing []K) (map[K]V, error)) (map[K]V, error) {
	found := make(map[K]V, len(keys))
	var missing []K
	edition := m.edition()
	for _, key := range keys {
		if _, ok := found[key]; ok {
			continue
		}
		if value, ok := m.get(key); ok {
			found[key] = value
		} else {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	values, err := read(missing)
	for key, value := range values {
		found[key] = value
		m.put(key, value, edition)
	}
	return found, err
}

func (m *remembered[K, V]) put(key K, value V, edition uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= m.limit {
		m.young, m.older = make(map[K]reading[V]), m.young
	}
	m.young[key] = reading[V]{value: value, edition: edition, at: time.Now()}
}
