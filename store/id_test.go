package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestParseID(t *testing.T) {
	for _, bad := range []string{"", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "1e3", "0x10", "９", "9223372036854775808", "a", "1\x00"} {
		if id, err := store.ParseID(bad); !errors.Is(err, store.ErrNotFound) || id != 0 {
			t.Errorf("ParseID(%q) = %d, %v", bad, id, err)
		}
	}
	for _, good := range []string{"1", "9223372036854775807"} {
		if id, err := store.ParseID(good); err != nil || id.String() != good {
			t.Errorf("ParseID(%q) = %d, %v", good, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("12")
	f.Add("-0")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := store.ParseID(s); err == nil && (id.String() != s || id <= 0) {
			t.Errorf("ParseID(%q) = %d", s, id)
		}
	})
}

func TestIDsGrowWhateverTheClockDoes(t *testing.T) {
	db := storetest.Open(t)
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	db.Now = func() time.Time { return now }
	last := store.ID(0)
	for _, step := range []time.Duration{0, time.Second, -time.Hour, 0, time.Minute, -24 * time.Hour, 48 * time.Hour} {
		now = now.Add(step)
		for range 1500 { // more than one millisecond holds
			id := db.NewID()
			if id <= last {
				t.Fatalf("after %v: %d follows %d", step, id, last)
			}
			last = id
		}
	}
	if got := last.Time().Sub(now); got < 0 || got > 5*time.Millisecond {
		t.Errorf("the last id is %v from the clock", got)
	}
}

func TestIDsOfManyGoroutinesDiffer(t *testing.T) {
	db := storetest.Open(t)
	var mu sync.Mutex
	seen := map[store.ID]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			ids := make([]store.ID, 0, 4000)
			for range 2000 {
				ids = append(ids, db.NewID(), db.IDAt(time.UnixMilli(1_700_000_000_000)))
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range ids {
				if seen[id] {
					t.Errorf("%d twice", id)
				}
				seen[id] = true
			}
		})
	}
	wg.Wait()
}

func TestIDAt(t *testing.T) {
	db := storetest.Open(t)
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	db.Now = func() time.Time { return now }
	for name, c := range map[string]struct {
		at   time.Time
		want time.Time
	}{
		"none":          {time.Time{}, now},
		"future":        {now.Add(time.Hour), now},
		"far future":    {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), now},
		"before 1970":   {time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), now},
		"now":           {now, now},
		"an hour ago":   {now.Add(-time.Hour), now.Add(-time.Hour)},
		"with a moment": {now.Add(-1234 * time.Millisecond), now.Add(-1234 * time.Millisecond)},
	} {
		got := db.IDAt(c.at).Time()
		if d := got.Sub(c.want); d < 0 || d > 10*time.Millisecond {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A process that follows another never makes an id that the other could have
// made, nor a smaller one, even when the clock was set back in between.
func TestIDsAfterRestart(t *testing.T) {
	ctx := context.Background()
	for name, back := range map[string]time.Duration{
		"clock runs on": -time.Second, "clock stands": 0, "an hour back": time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			c := storetest.Config(t)
			now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
			c.Now = func() time.Time { return now }
			seen := map[store.ID]bool{}
			last := store.ID(0)
			for run := range 5 {
				db, err := store.Open(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				for range 1200 {
					id := db.NewID()
					if seen[id] || id <= last {
						t.Fatalf("run %d: %d after %d", run, id, last)
					}
					seen[id], last = true, id
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				now = now.Add(-back)
			}
		})
	}
}

func TestProcessNumbers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if n := db.ProcessNumber(); n != 0 {
			t.Errorf("the first process has number %d", n)
		}
		// After a long sleep another process may have the number.
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE processes SET owner = 'another' WHERE number = 0`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		before := db.NewID()
		db.ExpireProcess()
		if err := db.Tx(ctx, func(tx *store.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if n := db.ProcessNumber(); n != 1 {
			t.Errorf("the number is still %d", n)
		}
		if id := db.NewID(); id <= before {
			t.Errorf("%d follows %d", id, before)
		}
	})
}

func TestTooManyProcesses(t *testing.T) {
	ctx := context.Background()
	c := storetest.Config(t)
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	c.Now = func() time.Time { return now }
	numbers := map[int]bool{}
	for range 64 {
		db, err := store.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if numbers[db.ProcessNumber()] {
			t.Errorf("number %d twice", db.ProcessNumber())
		}
		numbers[db.ProcessNumber()] = true
		if err := db.Crash(); err != nil {
			t.Fatal(err)
		}
	}
	if db, err := store.Open(ctx, c); !errors.Is(err, store.ErrTooManyProcesses) {
		t.Fatalf("the 65th process: %v, %v", db, err)
	}
	now = now.Add(2 * time.Minute) // the leases of the crashed have ended
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
