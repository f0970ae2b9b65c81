package federation

import (
	"sync"
	"time"
)

// recent remembers that something was done lately, within bounds: a failed fetch, a refresh of a key.
type recent struct {
	now func() time.Time
	max int
	mu  sync.Mutex
	at  map[string]time.Time
}

func newRecent(limit int, now func() time.Time) *recent {
	return &recent{now: now, max: limit, at: map[string]time.Time{}}
}

// within tells whether key was noted less than d ago.
func (r *recent) within(key string, d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[key]
	return ok && r.now().Sub(at) < d
}

func (r *recent) note(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	makeRoom(r.at, r.max)
	r.at[key] = r.now()
}

// kept keeps, by a key, what takes a while to make, within bounds: a document just rendered, which goes to
// many hosts; a public key, parsed; a signer. The key must name everything that the value depends on.
type kept[K comparable, V any] struct {
	max    int
	mu     sync.RWMutex
	values map[K]V
}

func newKept[K comparable, V any](limit int) *kept[K, V] {
	return &kept[K, V]{max: limit, values: map[K]V{}}
}

// get returns the value of key, making it if it is not there. What fails is not kept, and two who ask at
// once may both make it.
func (c *kept[K, V]) get(key K, create func() (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := c.values[key]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := create()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	makeRoom(c.values, c.max)
	c.values[key] = v
	return v, nil
}

// makeRoom takes entries out of m until there are fewer than limit. Any will do: what is forgotten costs one
// fetch, or making it once more.
func makeRoom[K comparable, V any](m map[K]V, limit int) {
	for k := range m {
		if len(m) < limit {
			return
		}
		delete(m, k)
	}
}
