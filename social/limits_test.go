package social

import (
	"strconv"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestLimits(t *testing.T) {
	c := &clock{time.UnixMilli(1_700_000_000_000)}
	l := NewLimits(true, c.now)
	limit := Limit{"test", 5, 50 * time.Second}
	for i := range 5 {
		if u, ok := l.Take(limit, "ada"); !ok || u.Remaining != 4-i || u.Limit != 5 {
			t.Fatalf("%d: %+v", i, u)
		}
	}
	for range 3 {
		u, ok := l.Take(limit, "ada")
		if ok || u.Remaining != 0 || u.Wait != 10*time.Second || u.Reset.Sub(c.t) != 50*time.Second {
			t.Fatalf("the sixth: %+v", u)
		}
	}
	if _, ok := l.Take(limit, "bob"); !ok {
		t.Error("bob pays for ada")
	}
	if _, ok := l.Take(Limit{"other", 5, time.Second}, "ada"); !ok {
		t.Error("one limit pays for another")
	}
	c.t = c.t.Add(9 * time.Second)
	if _, ok := l.Take(limit, "ada"); ok {
		t.Error("refilled too early")
	}
	c.t = c.t.Add(time.Second)
	if _, ok := l.Take(limit, "ada"); !ok {
		t.Error("not refilled")
	}
	if _, ok := l.Take(limit, "ada"); ok {
		t.Error("refilled twice")
	}
	c.t = c.t.Add(time.Hour)
	if u, ok := l.Take(limit, "ada"); !ok || u.Remaining != 4 {
		t.Errorf("after an hour: %+v", u)
	}
	// A clock that is set back neither gives nor takes.
	c.t = c.t.Add(-24 * time.Hour)
	if u, ok := l.Take(limit, "ada"); !ok || u.Remaining != 3 {
		t.Errorf("after the clock went back: %+v", u)
	}
	c.t = c.t.Add(20 * time.Second)
	if u, ok := l.Take(limit, "ada"); !ok || u.Remaining != 4 {
		t.Errorf("after the clock went on: %+v", u)
	}
}

func TestLimitsAreBounded(t *testing.T) {
	c := &clock{time.UnixMilli(1_700_000_000_000)}
	l := NewLimits(true, c.now)
	for range 10 {
		l.Take(LimitSignIn, "attacked")
	}
	for i := range maxBuckets * 3 {
		c.t = c.t.Add(time.Millisecond)
		l.Take(LimitAPI, strconv.Itoa(i))
		if i%5000 == 0 {
			l.Take(LimitSignIn, "attacked")
		}
		if len(l.buckets) > maxBuckets {
			t.Fatalf("%d buckets", len(l.buckets))
		}
	}
	c.t = c.t.Add(2 * time.Hour)
	for i := range maxBuckets {
		l.Take(LimitAPI, "new "+strconv.Itoa(i))
	}
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
}

func TestLimitsOff(t *testing.T) {
	l := NewLimits(false, time.Now)
	for range 1000 {
		if _, ok := l.Take(Limit{"test", 1, time.Hour}, "ada"); !ok {
			t.Fatal("limited")
		}
	}
	if len(l.buckets) != 0 {
		t.Error("it counts all the same")
	}
}
