package social

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// world is the rules over an empty database, with a second way to its rows: what somebody was given is
// counted there, not asked for through the reads that would hide it.
type world struct {
	t   *testing.T
	s   *Service
	db  *store.DB
	raw *sql.DB
}

// each runs a test on every kind of database there is.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		c := storetest.Config(t)
		f(t, openWorld(t, c, "sqlite", strings.TrimPrefix(c.URL, "sqlite:")))
	})
	if os.Getenv(storetest.EnvPostgres) == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		if c, ok := storetest.PostgresConfig(t); ok {
			f(t, openWorld(t, c, "pgx", c.URL))
		}
	})
}

func openWorld(t *testing.T, c store.Config, driver, source string) *world {
	t.Helper()
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	raw.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := errors.Join(raw.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, s: newTestService(t, db, strings.Repeat("s", 32)), db: db, raw: raw}
}

func newTestService(t *testing.T, db *store.DB, secret string) *Service {
	t.Helper()
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := New(Config{
		BaseURL: storetest.Base, Host: "here.example", Domain: "here.example", Name: "Here", Kind: "school",
		Registration: RegistrationOpen, Secret: []byte(secret), Limits: true,
	}, db, files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// later moves the clock.
func (w *world) later(d time.Duration) {
	now := w.db.Now
	w.db.Now = func() time.Time { return now().Add(d) }
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused fails the test unless err is want.
func (w *world) refused(what string, err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (w *world) person(handle string) *store.Account { return storetest.Account(w.t, w.db, handle) }
func (w *world) remote(name, host string) *store.Account {
	return storetest.Remote(w.t, w.db, name, host)
}

func (w *world) post(by *store.Account, d Draft) *store.Post {
	w.t.Helper()
	p, err := w.s.Publish(w.t.Context(), by, d)
	w.ok(err)
	return p
}

// incoming is a post as another server would send it.
func (w *world) incoming(author *store.Account, html string) IncomingPost {
	return IncomingPost{
		URI: author.URI + "/posts/" + w.db.NewID().String(), HTML: html, Visibility: store.Public, Published: w.db.Now(),
	}
}

func (w *world) receive(author *store.Account, in IncomingPost) *store.Post {
	w.t.Helper()
	p, err := w.s.ReceivePost(w.t.Context(), author, in)
	w.ok(err)
	return p
}

// sees tells whether a viewer may see a post.
func (w *world) sees(v store.Viewer, id store.ID) bool {
	w.t.Helper()
	_, err := w.db.Post(w.t.Context(), v, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) reload(p *store.Post) *store.Post {
	w.t.Helper()
	p, err := w.db.Post(w.t.Context(), store.AsAccount(p.AuthorID), p.ID)
	w.ok(err)
	return p
}

func (w *world) account(a *store.Account) *store.Account {
	w.t.Helper()
	a, err := w.db.Account(w.t.Context(), a.ID)
	w.ok(err)
	return a
}

// tx runs a transaction of the test's own.
func (w *world) tx(f func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	ctx := w.t.Context()
	w.ok(w.db.Tx(ctx, func(tx *store.Tx) error { return f(ctx, tx) }))
}

// count asks the rows themselves.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	for i, a := range args {
		if id, ok := a.(store.ID); ok {
			args[i] = int64(id)
		}
	}
	var n int
	w.ok(w.raw.QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}

func (w *world) ids(query string, args ...any) []store.ID {
	w.t.Helper()
	rows, err := w.raw.QueryContext(context.Background(), query, args...)
	w.ok(err)
	defer rows.Close()
	var ids []store.ID
	for rows.Next() {
		var id int64
		w.ok(rows.Scan(&id))
		ids = append(ids, store.ID(id))
	}
	w.ok(rows.Err())
	return ids
}

// homes are the accounts with a row of the post in their timeline.
func (w *world) homes(p *store.Post) []store.ID {
	w.t.Helper()
	return w.ids(`SELECT account_id FROM timeline WHERE post_id = $1 ORDER BY account_id`, int64(p.ID))
}

// told are the accounts with a notification about the post.
func (w *world) told(p *store.Post) []store.ID {
	w.t.Helper()
	return w.ids(`SELECT account_id FROM notifications WHERE post_id = $1 ORDER BY account_id`, int64(p.ID))
}

// sending lists "kind target" of the jobs that wait for an object.
func (w *world) sending(object store.ID) []string {
	w.t.Helper()
	return w.pairs(`SELECT kind, target FROM jobs WHERE object_id = $1 ORDER BY id`, int64(object))
}

// said lists "kind inbox" of the activities of an actor that wait to be sent.
func (w *world) said(actor *store.Account) []string {
	w.t.Helper()
	return w.pairs(`SELECT a.kind, j.target FROM jobs j JOIN activities a ON a.id = j.object_id WHERE a.actor_id = $1 ORDER BY j.id`, int64(actor.ID))
}

// pairs reads two columns, with a space between them.
func (w *world) pairs(query string, args ...any) []string {
	w.t.Helper()
	rows, err := w.raw.QueryContext(context.Background(), query, args...)
	w.ok(err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var first, second string
		w.ok(rows.Scan(&first, &second))
		out = append(out, first+" "+second)
	}
	w.ok(rows.Err())
	return out
}

// attempted notes that a post was sent to the server of an account.
func (w *world) attempted(p *store.Post, to *store.Account) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.MarkAttempt(ctx, p.ID, to.DeliveryInbox(), to.Host)
	})
}

// same fails the test unless got are exactly these accounts.
func (w *world) same(what string, got []store.ID, want ...*store.Account) {
	w.t.Helper()
	ids := make([]store.ID, 0, len(want))
	for _, a := range want {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	got = slices.Clone(got)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		w.t.Errorf("%s: %v, want %v", what, got, ids)
	}
}

// class is a circle of one class, and the grant that opens it.
func (w *world) class(slug string) *store.Circle {
	w.t.Helper()
	c, err := w.s.CreateCircle(w.t.Context(), CircleDraft{Slug: slug, Name: slug, Unit: "Unit " + slug, From: 2009, To: 2012})
	w.ok(err)
	return c
}

func grantFor(c *store.Circle) SeatGrant {
	return SeatGrant{Type: "alumnus", Unit: c.Unit, From: c.YearFrom, To: c.YearTo, Reason: "on the roster"}
}

func (w *world) seat(a *store.Account, c *store.Circle) *store.Seat {
	w.t.Helper()
	seat, err := w.s.GrantSeat(w.t.Context(), a, grantFor(c))
	w.ok(err)
	return seat
}

// follows makes one account follow another, accepted.
func (w *world) follows(who, whom *store.Account) { storetest.Follow(w.t, w.db, who, whom) }

// state tells how an account stands in a circle: sits, waits, ended or none.
func (w *world) state(c, a *store.Account) string {
	w.t.Helper()
	m, err := w.db.Membership(w.t.Context(), c.ID, a.ID)
	if errors.Is(err, store.ErrNotFound) {
		return "none"
	}
	w.ok(err)
	switch {
	case m.Current(w.db.Now()):
		return "sits"
	case !m.EndedAt.IsZero():
		return "ended"
	case m.VerifiedAt.IsZero():
		return "waits"
	}
	return "expired"
}

// together runs f n times at once and returns what came of each.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// saved writes a membership as it is.
func saved(m *store.Membership) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error { return tx.SaveMembership(ctx, m) }
}
