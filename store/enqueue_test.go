package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func enqueuePost(t *testing.T, db *store.DB, p *store.Post) []string {
	t.Helper()
	ctx := context.Background()
	var n int
	if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.EnqueuePost(ctx, "create", p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return drain(t, db, n)
}

// drain lists the inboxes of all waiting jobs with their lanes' numbers, and
// empties the queue.
func drain(t *testing.T, db *store.DB, want int) []string {
	t.Helper()
	var inboxes []string
	w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
		"create": func(_ context.Context, job store.Job) error {
			inboxes = append(inboxes, job.Target)
			return nil
		},
		"delete": func(_ context.Context, job store.Job) error {
			inboxes = append(inboxes, job.Target)
			return nil
		},
	}})
	runOnce(t, w, want)
	slices.Sort(inboxes)
	return inboxes
}

// Who is sent a post: those it is for, as far as they may receive it.
func TestEnqueuePost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada, eve := storetest.Account(t, db, "ada"), storetest.Account(t, db, "eve")
		bob, bea := storetest.Remote(t, db, "bob", "b.example"), storetest.Remote(t, db, "bea", "b.example")
		cat, dan := storetest.Remote(t, db, "cat", "c.example"), storetest.Remote(t, db, "dan", "d.example")
		fay := storetest.Remote(t, db, "fay", "f.example")
		for _, follower := range []*store.Account{bob, bea, cat, eve, fay} {
			storetest.Follow(t, db, follower, ada)
		}
		ctx := context.Background()
		tx := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Tx(ctx, f); err != nil {
				t.Fatal(err)
			}
		}
		tx(func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE accounts SET host_suspended_at = 1 WHERE id = $1`, int64(fay.ID))
			return err
		})
		tx(func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE accounts SET shared_inbox = '' WHERE id IN ($1, $2)`, int64(dan.ID), int64(cat.ID))
			return err
		})
		circle := storetest.Circle(t, db, "class", ada, bob, dan)
		far := storetest.Remote(t, db, "club", "hub.example")
		tx(func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE accounts SET kind = 'circle' WHERE id = $1`, int64(far.ID))
			return err
		})
		storetest.Join(t, db, far, ada)
		loud := storetest.Post(t, db, dan, store.Public, 0, nil)

		b, c, d := "https://b.example/inbox", cat.URI+"/inbox", dan.URI+"/inbox"
		for name, test := range map[string]struct {
			post *store.Post
			want []string
		}{
			"public":                {storetest.Post(t, db, ada, store.Public, 0, nil), []string{b, c}},
			"unlisted with mention": {storetest.Post(t, db, ada, store.Unlisted, 0, nil, dan), []string{b, c, d}},
			"followers":             {storetest.Post(t, db, ada, store.Followers, 0, nil), []string{b, c}},
			"direct":                {storetest.Post(t, db, ada, store.Direct, 0, nil, dan, eve), []string{d}},
			"direct to suspended":   {storetest.Post(t, db, ada, store.Direct, 0, nil, fay), nil},
			"nobody follows":        {storetest.Post(t, db, eve, store.Public, 0, nil), nil},
			"circle here":           {storetest.Post(t, db, ada, "", circle.ID, nil, cat), []string{b, d}},
			"circle, remote author": {storetest.Post(t, db, bob, "", circle.ID, nil), []string{b, d}},
			"circle elsewhere":      {storetest.Post(t, db, ada, "", far.ID, nil, bob), []string{"https://hub.example/inbox"}},
			"boost":                 {storetest.Post(t, db, ada, store.Public, 0, &store.Post{BoostOfID: loud.ID}), []string{b, c, d}},
			"hidden":                {storetest.Post(t, db, ada, store.Public, 0, nil), nil},
		} {
			if name == "hidden" {
				tx(func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE posts SET hidden_at = 1 WHERE id = $1`, int64(test.post.ID))
					return err
				})
			}
			want := slices.Clone(test.want)
			slices.Sort(want)
			if got := enqueuePost(t, db, test.post); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		unknown := &store.Post{ID: 12, AuthorID: ada.ID, Visibility: store.InCircle, CircleID: 99}
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.EnqueuePost(ctx, "create", unknown)
			return err
		}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a circle that does not exist: %v", err)
		}
	})
}

// A Delete goes to every inbox that may have the post, in the lane of its Create.
func TestEnqueueToSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		ada := storetest.Account(t, db, "ada")
		p, other := storetest.Post(t, db, ada, store.Public, 0, nil), storetest.Post(t, db, ada, store.Public, 0, nil)
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			for _, h := range []string{"b.example", "a.example"} {
				if err := tx.MarkAttempt(ctx, p.ID, "https://"+h+"/inbox", h); err != nil {
					return err
				}
			}
			return tx.MarkAttempt(ctx, other.ID, "https://c.example/inbox", "c.example")
		}); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.EnqueueToSent(ctx, "delete", p)
			return errors.Join(err, tx.EnqueueTo(ctx, "create", p.ID, ada.ID, []store.Inbox{{Host: "a.example", URL: "https://a.example/inbox"}}))
		}); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		jobs := waitingJobs(t, db, "a.example")
		if len(jobs) != 2 || jobs[0].Kind != "delete" || jobs[0].Lane != jobs[1].Lane {
			t.Errorf("%+v", jobs)
		}
		if got := drain(t, db, 3); !slices.Equal(got, []string{"https://a.example/inbox", "https://a.example/inbox", "https://b.example/inbox"}) {
			t.Errorf("%q", got)
		}
	})
}

// An audience larger than one statement writes is complete and has each inbox once.
func TestEnqueueLargeAudience(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		ada := storetest.Account(t, db, "ada")
		const hosts = 2500
		crowdOfHosts(t, db, ada, hosts, 1)
		p := storetest.Post(t, db, ada, store.Public, 0, nil)
		var n int
		if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.EnqueuePost(ctx, "create", p)
			return err
		}); err != nil || n != hosts {
			t.Fatalf("%d deliveries, %v", n, err)
		}
		var jobs, inboxes, lanes, due int
		if err := db.Scan(ctx, []any{&jobs, &inboxes}, `SELECT COUNT(*), COUNT(DISTINCT target) FROM jobs WHERE kind = 'create' AND object_id = $1`, int64(p.ID)); err != nil {
			t.Fatal(err)
		}
		if err := db.Scan(ctx, []any{&lanes, &due}, `SELECT COUNT(*), COUNT(due_at) FROM lanes WHERE host LIKE 'h%.example'`); err != nil {
			t.Fatal(err)
		}
		if jobs != hosts || inboxes != hosts || lanes != hosts || due != hosts {
			t.Errorf("%d jobs, %d inboxes, %d lanes, %d due", jobs, inboxes, lanes, due)
		}
		news := db.NewID()
		if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.EnqueueKnowing(ctx, "activity", news, ada.ID)
			return err
		}); err != nil || n != hosts {
			t.Errorf("news of the author: %d deliveries, %v", n, err)
		}
		if err := db.Scan(ctx, []any{&jobs, &inboxes}, `SELECT COUNT(*), COUNT(DISTINCT target) FROM jobs WHERE kind = 'activity' AND object_id = $1`, int64(news)); err != nil {
			t.Fatal(err)
		}
		if jobs != hosts || inboxes != hosts {
			t.Errorf("news of the author: %d jobs, %d inboxes", jobs, inboxes)
		}
		if id := db.NewID(); id.Time().Sub(db.Now()) > 0 {
			t.Errorf("ids of rows run ahead: %v", id.Time())
		}
	})
}

// crowdOfHosts gives an account followers on so many servers.
func crowdOfHosts(t testing.TB, db *store.DB, whom *store.Account, hosts, each int) {
	t.Helper()
	ctx := context.Background()
	if err := db.Tx(ctx, func(tx *store.Tx) error {
		for h := range hosts {
			for i := range each {
				host := fmt.Sprintf("h%d.example", h)
				a := &store.Account{
					Kind: store.KindPerson, Handle: fmt.Sprintf("u%d", i), Host: host, Domain: host, URI: fmt.Sprintf("https://%s/u%d", host, i),
					Inbox: fmt.Sprintf("https://%s/u%d/inbox", host, i), SharedInbox: "https://" + host + "/inbox",
				}
				if err := tx.InsertAccount(ctx, a); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) VALUES ($1, $2, $1, $3, 1, 1)`,
					int64(a.ID), int64(whom.ID), a.URI+"/f"); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
