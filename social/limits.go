package social

import (
	"sync"
	"time"
)

// Limit is a token bucket: Burst at once, refilled evenly over Per.
type Limit struct {
	Name  string
	Burst int
	Per   time.Duration
}

// The limits that apply, each counted per key: an account, an address, or a mailbox.
var (
	LimitAPI      = Limit{"api", 300, 5 * time.Minute}
	LimitPublic   = Limit{"public", 600, 5 * time.Minute}
	LimitPost     = Limit{"post", 60, 10 * time.Minute}
	LimitMedia    = Limit{"media", 30, 30 * time.Minute}
	LimitSignIn   = Limit{"sign-in", 10, 5 * time.Minute}
	LimitSignUp   = Limit{"sign-up", 5, 30 * time.Minute}
	LimitMail     = Limit{"mail", 4, 30 * time.Minute}
	LimitFollow   = Limit{"follow", 100, time.Hour}
	LimitDelete   = Limit{"delete", 60, 30 * time.Minute}
	LimitLookup   = Limit{"lookup", 30, 5 * time.Minute}
	LimitNewApps  = Limit{"apps", 60, 10 * time.Minute}
	LimitRemoteIP = Limit{"inbox", 3000, time.Minute}
)

// maxBuckets bounds the memory that strangers can make us use.
const maxBuckets = 50_000

type bucket struct {
	tokens float64
	at     time.Time
}

// Limits counts in memory; a restart forgets, which harms nobody.
type Limits struct {
	enabled bool
	now     func() time.Time
	mu      sync.Mutex
	buckets map[string]*bucket
}

// NewLimits makes a counter; when not enabled everything is allowed.
func NewLimits(enabled bool, now func() time.Time) *Limits {
	return &Limits{enabled: enabled, now: now, buckets: map[string]*bucket{}}
}

// Usage is what a client is told about its limit.
type Usage struct {
	Limit     int
	Remaining int
	Reset     time.Time // when the bucket is full again
	Wait      time.Duration
}

// Take spends one of key's tokens of l and reports whether there was one.
func (l *Limits) Take(limit Limit, key string) (Usage, bool) {
	now := l.now()
	if !l.enabled {
		return Usage{Limit: limit.Burst, Remaining: limit.Burst, Reset: now}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key = limit.Name + "\x00" + key
	b := l.buckets[key]
	if b == nil {
		l.makeRoom(now)
		b = &bucket{tokens: float64(limit.Burst), at: now}
		l.buckets[key] = b
	}
	rate := float64(limit.Burst) / limit.Per.Seconds()
	since := max(0, now.Sub(b.at).Seconds()) // a clock that was set back takes nothing away
	b.tokens = min(float64(limit.Burst), b.tokens+since*rate)
	b.at = now
	ok := b.tokens >= 1
	if ok {
		b.tokens--
	}
	u := Usage{Limit: limit.Burst, Remaining: int(b.tokens), Reset: now.Add(seconds((float64(limit.Burst) - b.tokens) / rate))}
	if !ok {
		u.Wait = seconds((1 - b.tokens) / rate)
	}
	return u, ok
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// makeRoom forgets buckets that nobody used for an hour, and if that is not enough, some others: a
// flood of addresses may win a fresh bucket, but not our memory. The lock is held.
func (l *Limits) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for k, b := range l.buckets {
		if now.Sub(b.at) > time.Hour {
			delete(l.buckets, k)
		}
	}
	for k := range l.buckets {
		if len(l.buckets) < maxBuckets*9/10 {
			return
		}
		delete(l.buckets, k)
	}
}
