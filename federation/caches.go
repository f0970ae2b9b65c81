package federation

import (
	"crypto"
	"sync"
	"time"

	"cohort/federation/httpsig"
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
	for k := range r.at {
		if len(r.at) < r.max {
			break
		}
		delete(r.at, k) // any will do: forgetting costs one fetch
	}
	r.at[key] = r.now()
}

// parsedKeys keeps public keys parsed, by their text.
type parsedKeys struct {
	max  int
	mu   sync.RWMutex
	keys map[string]crypto.PublicKey
}

func newParsedKeys(limit int) *parsedKeys {
	return &parsedKeys{max: limit, keys: map[string]crypto.PublicKey{}}
}

func (p *parsedKeys) parse(pem string) (crypto.PublicKey, error) {
	p.mu.RLock()
	key := p.keys[pem]
	p.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	key, err := httpsig.ParsePublicKey(pem)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.keys {
		if len(p.keys) < p.max {
			break
		}
		delete(p.keys, k)
	}
	p.keys[pem] = key
	return key, nil
}

// renderCache keeps documents that were just made: one post goes to many hosts.
type renderCache struct {
	max  int
	mu   sync.Mutex
	docs map[string][]byte
}

func newRenderCache(limit int) *renderCache {
	return &renderCache{max: limit, docs: map[string][]byte{}}
}

// get returns the document of key, making it if it is not there. The key must name everything that the
// document depends on.
func (c *renderCache) get(key string, render func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	doc := c.docs[key]
	c.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	doc, err := render()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.docs {
		if len(c.docs) < c.max {
			break
		}
		delete(c.docs, k)
	}
	c.docs[key] = doc
	return doc, nil
}
