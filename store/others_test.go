package store_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// heard collects what a process learns of others.
type heard struct {
	told    chan string
	changed chan struct{}
}

// listenTo starts listening on db and waits until it does.
func listenTo(t *testing.T, db *store.DB) heard {
	t.Helper()
	h := heard{make(chan string, 100), make(chan struct{}, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		db.Others(ctx, func(text string) { h.told <- text }, func() { h.changed <- struct{}{} })
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	return h
}

func soon[T any](t *testing.T, what string, c <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
	return got
}

func setSetting(t *testing.T, db *store.DB, value string) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetSetting(t.Context(), "x", value) }); err != nil {
		t.Fatal(err)
	}
}

// A process on SQLite notices what others write within a second.
func TestOthersWrite(t *testing.T) {
	c := storetest.Config(t)
	db, other := storetest.OpenWith(t, c), storetest.OpenWith(t, c)
	h := listenTo(t, db)
	soon(t, "it to listen", h.changed)
	began := time.Now()
	setSetting(t, other, "theirs")
	soon(t, "the change", h.changed)
	if took := time.Since(began); took > time.Second {
		t.Errorf("noticed after %s", took)
	}
	if err := other.TellOthers(t.Context(), "nobody is told"); err != nil {
		t.Error(err)
	}
	select {
	case text := <-h.told:
		t.Errorf("told %q", text)
	default:
	}
}

// Whoever hears of a change and asks again gets no answer from before it.
func TestNothingRememberedAfterNews(t *testing.T) {
	configs := []store.Config{storetest.Config(t)}
	if c, ok := storetest.PostgresConfig(t); ok {
		configs = append(configs, c)
	}
	for _, c := range configs {
		db, other := storetest.OpenWith(t, c), storetest.OpenWith(t, c)
		ctx := t.Context()
		ada := storetest.Account(t, db, "ada")
		h := listenTo(t, db)
		soon(t, "it to listen", h.changed)
		for range 5 {
			a, err := other.Account(ctx, ada.ID)
			if err != nil {
				t.Fatal(err)
			}
			a.Name = rand.Text()
			asking, stop := context.WithCancel(ctx)
			var asked sync.WaitGroup
			asked.Go(func() { // so that something is always remembered
				for asking.Err() == nil {
					_, _ = db.Account(ctx, ada.ID)
				}
			})
			if err := other.Tx(ctx, func(tx *store.Tx) error { return tx.UpdateAccount(ctx, a) }); err != nil {
				t.Fatal(err)
			}
			if err := other.TellOthers(ctx, "ada changed"); err != nil {
				t.Fatal(err)
			}
			if db.Postgres() {
				soon(t, "the news", h.told)
			} else {
				soon(t, "the change", h.changed)
			}
			if got, err := db.Account(ctx, ada.ID); err != nil || got.Name != a.Name {
				t.Errorf("after the news: %q, want %q, %v", got.Name, a.Name, err)
			}
			stop()
			asked.Wait()
		}
	}
}

// What this process writes is no news to it.
func TestOwnWritesAreNoNews(t *testing.T) {
	c := storetest.Config(t)
	db, other := storetest.OpenWith(t, c), storetest.OpenWith(t, c)
	version := func() int64 {
		v, err := db.OthersVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := version()
	for range 3 {
		setSetting(t, db, rand.Text())
		if _, err := db.Setting(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if version() != before {
		t.Error("our own writes count")
	}
	setSetting(t, other, "theirs")
	if version() == before {
		t.Error("another's write does not")
	}
}

// Processes on PostgreSQL tell each other, and do not hear themselves.
func TestOthersTell(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if !db.Postgres() {
			return // nobody is told there, see above
		}
		c, _ := storetest.PostgresConfig(t)
		db, other, elsewhere := storetest.OpenWith(t, c), storetest.OpenWith(t, c), db
		h := listenTo(t, db)
		soon(t, "it to listen", h.changed)
		for _, text := range []string{"hello", "", `{"a":"é' \" $1"}`, strings.Repeat("x", store.MaxTold)} {
			for _, unheard := range []*store.DB{db, elsewhere} {
				if err := unheard.TellOthers(t.Context(), "to myself, or to another instance"); err != nil {
					t.Fatal(err)
				}
			}
			if err := other.TellOthers(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			if got := soon(t, "to be told", h.told); got != text {
				t.Errorf("told %.40q, want %.40q", got, text)
			}
		}
		if err := other.TellOthers(t.Context(), strings.Repeat("x", store.MaxTold+1)); err == nil {
			t.Error("more than fits was told")
		}
	})
}
