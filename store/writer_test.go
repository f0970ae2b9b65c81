package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

const insertSetting = `INSERT INTO settings (name, value) VALUES ($1, $2)`

func put(ctx context.Context, db *store.DB, name string) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, insertSetting, name, "x")
		return err
	})
}

func has(t *testing.T, db *store.DB, name string) bool {
	t.Helper()
	var n int
	if err := db.Scan(context.Background(), []any{&n}, `SELECT COUNT(*) FROM settings WHERE name = $1`, name); err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func openFull(t *testing.T) (*store.DB, string) {
	t.Helper()
	c := storetest.Config(t)
	c.Synchronous = "full"
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	return db, strings.TrimPrefix(c.URL, "sqlite:")
}

// The answer comes after COMMIT has returned, never before, and what was
// answered is in a copy of the files taken at that moment.
func TestAnswersComeAfterTheCommit(t *testing.T) {
	db, path := openFull(t)
	ctx := context.Background()
	var committed atomic.Int64
	db.ObserveCommits(func() error { return nil }, func(error) { committed.Add(1) })

	copies := filepath.Join(t.TempDir(), "copies")
	const producers, each = 64, 4
	acknowledged := make([][]string, producers)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("%d.%d", p, i)
				before := committed.Load()
				if err := put(ctx, db, name); err != nil {
					t.Error(err)
					return
				}
				if committed.Load() == before {
					t.Errorf("%s was answered although no commit ended meanwhile", name)
				}
				acknowledged[p] = append(acknowledged[p], name)
			}
		})
	}
	wg.Wait()
	if n := committed.Load(); n > producers*each*3/4 {
		t.Errorf("%d commits for %d use-cases: they were not grouped", n, producers*each)
	}
	copied := snapshot(t, path, copies)
	for _, names := range acknowledged {
		for _, name := range names {
			if !has(t, copied, name) {
				t.Errorf("%s was acknowledged and is not in the copy", name)
			}
		}
	}
}

// The files are copied at the moment of an answer, while others write.
func TestCopyAtTheMomentOfTheAnswer(t *testing.T) {
	db, path := openFull(t)
	ctx := context.Background()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := put(ctx, db, fmt.Sprintf("noise %d.%d", p, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 5 {
		name := fmt.Sprintf("answer %d", i)
		if err := put(ctx, db, name); err != nil {
			t.Fatal(err)
		}
		copied := snapshot(t, path, filepath.Join(t.TempDir(), name))
		if !has(t, copied, name) {
			t.Errorf("%s was acknowledged and is not in the copy", name)
		}
	}
	close(stop)
	wg.Wait()
}

// snapshot copies the log before the database, so that a checkpoint in
// between takes nothing away, and opens the copy.
func snapshot(t *testing.T, path, dir string) *store.DB {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "copy.db")
	for _, suffix := range []string{"-wal", ""} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return storetest.OpenWith(t, store.Config{URL: "sqlite:" + to})
}

func TestFailedCommitFailsTheWholeGroup(t *testing.T) {
	db, _ := openFull(t)
	ctx := context.Background()
	boom := errors.New("the disk is gone")
	var failing atomic.Bool
	db.ObserveCommits(func() error {
		if failing.Load() {
			return boom
		}
		return nil
	}, func(error) {})
	failing.Store(true)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := put(ctx, db, fmt.Sprint("lost ", i)); !errors.Is(err, boom) {
				t.Errorf("lost %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	failing.Store(false)
	if err := put(ctx, db, "kept"); err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		if has(t, db, fmt.Sprint("lost ", i)) {
			t.Errorf("lost %d is there", i)
		}
	}
}

// In one group, those that fail or panic leave no trace and those beside
// them are kept.
func TestNeighboursInAGroup(t *testing.T) {
	db, _ := openFull(t)
	ctx := context.Background()
	boom := errors.New("boom")
	// Hold the writer until all are waiting.
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			close(held)
			<-hold
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	var after atomic.Int32
	for i := range 30 {
		wg.Go(func() {
			defer func() {
				if v := recover(); (v != nil) != (i%3 == 2) {
					t.Errorf("%d: recovered %v", i, v)
				}
			}()
			err := db.Tx(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(ctx, insertSetting, fmt.Sprint("n", i), "x"); err != nil {
					return err
				}
				tx.AfterCommit(func() { after.Add(1) })
				switch i % 3 {
				case 1:
					return boom
				case 2:
					panic(boom)
				}
				return nil
			})
			if (i%3 == 0) != (err == nil) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	close(hold)
	wg.Wait()
	for i := range 30 {
		if has(t, db, fmt.Sprint("n", i)) != (i%3 == 0) {
			t.Errorf("n%d: kept is %v", i, i%3 != 0)
		}
	}
	if after.Load() != 10 {
		t.Errorf("%d effects after the commit, want 10", after.Load())
	}
}

// Who met a neighbour's row is answered when that is a fact: after the commit, and not at all by it if there
// was none. A group of which nothing is kept needs no commit.
func TestFailedAnswersWaitForTheGroup(t *testing.T) {
	db, _ := openFull(t)
	ctx := context.Background()
	boom := errors.New("the disk is gone")
	var failing atomic.Bool
	var commits atomic.Int32
	db.ObserveCommits(func() error {
		if failing.Load() {
			return boom
		}
		return nil
	}, func(error) { commits.Add(1) })
	group := func(name string) (first, second error) {
		hold, held := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			first = db.Tx(ctx, func(tx *store.Tx) error {
				close(held)
				<-hold
				_, err := tx.Exec(ctx, insertSetting, name, "x")
				return err
			})
		})
		<-held
		wg.Go(func() {
			if second = put(ctx, db, name); second != nil && errors.Is(second, store.ErrConflict) && !has(t, db, name) {
				t.Errorf("%s: answered %v, and is not there", name, second)
			}
		})
		for db.Queued() == 0 {
			runtime.Gosched()
		}
		close(hold)
		wg.Wait()
		return first, second
	}
	for i := range 20 {
		if first, second := group(fmt.Sprint("kept ", i)); first != nil || !errors.Is(second, store.ErrConflict) {
			t.Errorf("%d: the first was answered %v, the second %v", i, first, second)
		}
	}
	failing.Store(true)
	if first, second := group("lost"); !errors.Is(first, boom) || !errors.Is(second, boom) || errors.Is(second, store.ErrConflict) {
		t.Errorf("lost: the first was answered %v, the second %v", first, second)
	}
	before := commits.Load()
	if err := put(ctx, db, "kept 1"); !errors.Is(err, store.ErrConflict) || commits.Load() != before {
		t.Errorf("alone: %v, after %d commits", err, commits.Load()-before)
	}
	failing.Store(false)
	if err := put(ctx, db, "lost"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestGivingUp(t *testing.T) {
	db, _ := openFull(t)
	ctx := context.Background()
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			close(held)
			<-hold
			_, err := tx.Exec(ctx, insertSetting, "holder", "x")
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	waiting, cancel := context.WithCancel(ctx)
	gone := make(chan error, 1)
	go func() {
		gone <- db.Tx(waiting, func(tx *store.Tx) error {
			t.Error("a use-case ran whose caller had given up")
			return nil
		})
	}()
	for db.Queued() == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(hold)
	wg.Wait()

	// Once it has returned nil, the outcome no longer depends on its context.
	running, cancel := context.WithCancel(ctx)
	err := db.Tx(running, func(tx *store.Tx) error {
		_, err := tx.Exec(running, insertSetting, "run", "x")
		cancel()
		return err
	})
	if err != nil || !has(t, db, "run") {
		t.Errorf("cancelled after it ran: %v, kept %v", err, has(t, db, "run"))
	}
	// Statements of a use-case whose context has ended fail, and only it is undone.
	err = db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(running, insertSetting, "never", "x")
		return err
	})
	if !errors.Is(err, context.Canceled) || has(t, db, "never") {
		t.Errorf("a statement with an ended context: %v", err)
	}
}

func TestClosing(t *testing.T) {
	c := storetest.Config(t)
	ctx := context.Background()
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var ok, closed atomic.Int32
	begun := make(chan struct{}, 64)
	for p := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				err := put(ctx, db, fmt.Sprintf("%d.%d", p, i))
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("while closing: %v", err)
					}
					closed.Add(1)
					return
				}
				ok.Add(1)
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 32 {
		<-begun
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if closed.Load() != 16 {
		t.Errorf("%d producers saw the end", closed.Load())
	}
	again, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	var n int32
	if err := again.Scan(ctx, []any{&n}, `SELECT COUNT(*) FROM settings`); err != nil || n != ok.Load() {
		t.Errorf("%d rows for %d acknowledged use-cases, %v", n, ok.Load(), err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
