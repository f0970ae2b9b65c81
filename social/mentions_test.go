package social

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/store"
)

// elsewhere are the people whom looking up would find, and what happens while it is done.
type elsewhere struct {
	w      *world
	people map[string]string // handle to host
	during func()
	asked  []string
}

func (e *elsewhere) find(_ context.Context, names []MentionRef) map[MentionRef]*store.Account {
	found := map[MentionRef]*store.Account{}
	for _, m := range names {
		e.asked = append(e.asked, m.String())
		if e.people[m.Handle] != m.Host {
			continue
		}
		a, err := e.w.db.AccountByHandle(e.w.t.Context(), m.Handle, m.Host)
		if errors.Is(err, store.ErrNotFound) {
			a, err = e.w.remote(m.Handle, m.Host), nil
		}
		e.w.ok(err)
		found[m] = a
	}
	if e.during != nil {
		e.during()
	}
	return found
}

// lookUp does the jobs that look people up, with find.
func (w *world) lookUp(find Finder) {
	w.t.Helper()
	worker := store.NewWorker(w.db, store.WorkerConfig{Log: w.s.Log, Handlers: map[string]store.Handler{
		MentionsJob:     func(ctx context.Context, job store.Job) error { return w.s.RunMentions(ctx, job, find) },
		store.JobCreate: func(context.Context, store.Job) error { return store.ErrTemporary },
		store.JobUpdate: func(context.Context, store.Job) error { return store.ErrTemporary },
		store.JobDelete: func(context.Context, store.Job) error { return store.ErrTemporary },
	}})
	_, err := worker.RunOnce(w.t.Context())
	w.ok(err)
}

// deliveries are the jobs of a post but those that look people up.
func (w *world) deliveries(p *store.Post) []string {
	w.t.Helper()
	return slices.DeleteFunc(w.sending(p.ID), func(s string) bool { return strings.HasPrefix(s, MentionsJob) })
}

// goesTo fails the test unless exactly these deliveries of a post wait.
func (w *world) goesTo(what string, p *store.Post, want ...string) {
	w.t.Helper()
	if got := w.deliveries(p); !slices.Equal(got, want) {
		w.t.Errorf("%s: the deliveries are %q, want %q", what, got, want)
	}
}

// shown is a post as one reads it who has it on a page.
func (w *world) shown(v store.Viewer, id store.ID) *store.PostView {
	w.t.Helper()
	posts, err := w.db.PostsByID(w.t.Context(), v, []store.ID{id})
	w.ok(err)
	views, err := w.db.Views(w.t.Context(), v, posts)
	w.ok(err)
	if len(views) != 1 {
		w.t.Fatalf("%d views of %d", len(views), id)
	}
	return views[0]
}

// Whom a text names and nobody here knows is looked up after the answer. The post is there at once; what leaves,
// leaves once, and with the mention.
func TestUnknownNamesAreLookedUpLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, fan, reader := w.person("ada"), w.remote("fan", "fans.example"), w.person("reader")
		w.follows(fan, ada)
		w.follows(reader, ada)
		heard := w.s.Hub.Subscribe(reader.ID, false)
		defer heard.Close()
		p := w.post(ada, Draft{Text: "hello @new@far.example and @nobody@far.example"})
		if w.goesTo("before", p); !w.sees(store.AsAccount(reader.ID), p.ID) || len(w.homes(p)) != 2 {
			t.Error("the post is not shown at once")
		}
		if n := w.count(`SELECT COUNT(*) FROM jobs WHERE kind = $1`, MentionsJob); n != 1 {
			t.Errorf("%d jobs look people up", n)
		}
		if e := <-heard.C; e.Kind != EventUpdate {
			t.Errorf("heard %+v", e)
		}
		for range 2 { // what is remembered from the second reading on must not stay
			if v := w.shown(store.Anonymous, p.ID); len(v.Mentions) != 0 {
				t.Errorf("mentions too early: %+v", v.Mentions)
			}
		}

		e := &elsewhere{w: w, people: map[string]string{"new": "far.example"}}
		w.lookUp(e.find)
		if want := []string{"new@far.example", "nobody@far.example"}; !slices.Equal(e.asked, want) {
			t.Errorf("asked for %q", e.asked)
		}
		w.goesTo("afterwards", p, "create https://fans.example/inbox", "create https://far.example/inbox")
		v := w.shown(store.Anonymous, p.ID)
		if !strings.Contains(v.Post.HTML, `href="https://far.example/@new"`) || !strings.Contains(v.Post.HTML, "@nobody@far.example") {
			t.Errorf("the text is %s", v.Post.HTML)
		}
		if len(v.Mentions) != 1 || v.Mentions[0].Handle != "new" || v.Post.MentionCount != 1 {
			t.Errorf("%d mentions: %+v", v.Post.MentionCount, v.Mentions)
		}
		if !v.Post.EditedAt.IsZero() || !v.Post.HeldAt.IsZero() {
			t.Errorf("edited %v, held %v", v.Post.EditedAt, v.Post.HeldAt)
		}
		if edits, err := w.db.Edits(t.Context(), store.Anonymous, p.ID); err != nil || len(edits) != 1 {
			t.Errorf("%d versions, %v", len(edits), err)
		}
		if e := <-heard.C; e.Kind != EventEdit || e.Post != p.ID {
			t.Errorf("heard %+v", e)
		}
		w.s.LookUpTime = 0
		w.ok(w.s.RunMentions(t.Context(), store.Job{ObjectID: p.ID}, e.find)) // once more, as after a crash
		w.goesTo("done twice", p, "create https://fans.example/inbox", "create https://far.example/inbox")
	})
}

// A letter to people who are all unknown yet reaches them, and nobody else.
func TestLetterToUnknownPeople(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, fan, known := w.person("ada"), w.remote("fan", "fans.example"), w.remote("known", "k.example")
		w.follows(fan, ada)
		e := &elsewhere{w: w, people: map[string]string{"new": "far.example"}}
		p := w.post(ada, Draft{Text: "to @new@far.example alone", Visibility: store.Direct})
		w.lookUp(e.find)
		w.goesTo("the letter", p, "create https://far.example/inbox")
		if v := w.shown(store.AsAccount(ada.ID), p.ID); len(v.Mentions) != 1 {
			t.Errorf("mentions: %+v", v.Mentions)
		}

		// Nobody reads it by an edit before it left either.
		p = w.post(ada, Draft{Text: "to @newer@far.example", Visibility: store.Direct})
		_, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "to @newer@far.example, @known@k.example and @late@late.example"})
		w.ok(err)
		e.people["newer"], e.people["late"] = "far.example", "late.example"
		w.lookUp(e.find)
		w.goesTo("the edited letter", p, "create https://far.example/inbox")
		if w.sees(store.AsSigner(known.ID), p.ID) {
			t.Error("an edit let somebody read it")
		}
	})
}

// beginning is a post by somebody new with a follower elsewhere, which names a stranger at name.example.
func (w *world) beginning(name string, fan *store.Account) (*store.Account, *store.Post, *elsewhere) {
	w.t.Helper()
	ada := w.person(name)
	w.follows(fan, ada)
	e := &elsewhere{w: w, people: map[string]string{"new": name + ".example", "other": name + ".example"}}
	return ada, w.post(ada, Draft{Text: "hello @new@" + name + ".example"}), e
}

// What is edited before the looking up, or while it is done, leaves as it reads by then.
func TestEditedBeforeTheLookUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fan := w.remote("fan", "fans.example")
		edit := func(by *store.Account, p *store.Post, text string) {
			_, err := w.s.Edit(t.Context(), by, p.ID, Draft{Text: text})
			w.ok(err)
		}

		ada, p, e := w.beginning("edited", fan)
		edit(ada, p, "rather @other@edited.example")
		w.goesTo("edited", p)
		w.lookUp(e.find)
		w.goesTo("edited, afterwards", p, "create https://edited.example/inbox", "create https://fans.example/inbox")
		if v := w.shown(store.Anonymous, p.ID); len(v.Mentions) != 1 || v.Mentions[0].Handle != "other" || slices.Contains(e.asked, "new@edited.example") {
			t.Errorf("mentions %+v, asked for %q", v.Mentions, e.asked)
		}

		ada, p, e = w.beginning("meanwhile", fan)
		e.during = func() {
			e.during = nil
			edit(ada, p, "rather @other@meanwhile.example")
		}
		w.lookUp(e.find)
		w.goesTo("edited meanwhile", p, "create https://fans.example/inbox", "create https://meanwhile.example/inbox")
		if v := w.shown(store.Anonymous, p.ID); len(v.Mentions) != 1 || v.Mentions[0].Handle != "other" {
			t.Errorf("edited meanwhile: mentions %+v", v.Mentions)
		}

		ada, p, e = w.beginning("restless", fan) // edited again and again
		n := 0
		e.during = func() {
			n++
			edit(ada, p, "hello @new@restless.example and @ghost"+strings.Repeat("o", n)+"@restless.example")
		}
		w.lookUp(e.find)
		w.goesTo("edited all the time", p, "create https://fans.example/inbox", "create https://restless.example/inbox")
		if v := w.shown(store.Anonymous, p.ID); n != lookUpRounds || len(v.Mentions) != 1 || !strings.HasSuffix(v.Post.HTML, "</a></span> and @ghostooo@restless.example</p>") {
			t.Errorf("after %d edits: %s", n, v.Post.HTML)
		}
	})
}

// Whatever else happens before, the post leaves to those who may have it by then, or not at all.
func TestWhatHappensBeforeTheLookUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fan := w.remote("fan", "fans.example")
		ada, p, e := w.beginning("deleted", fan)
		_, err := w.s.DeletePost(t.Context(), ada, p.ID)
		w.ok(err)
		w.lookUp(e.find)
		w.goesTo("deleted", p)
		ada, p, e = w.beginning("gone", fan)
		e.during = func() {
			_, err := w.s.DeletePost(t.Context(), ada, p.ID)
			w.ok(err)
		}
		w.lookUp(e.find)
		w.goesTo("deleted meanwhile", p)

		ada, p, e = w.beginning("suspended", fan)
		w.ok(w.s.Suspend(t.Context(), ada, 0, "spam"))
		w.lookUp(e.find)
		w.goesTo("the author suspended", p)
		if len(e.asked) != 0 {
			t.Errorf("asked for %q in the name of a suspended member", e.asked)
		}

		ada, p, e = w.beginning("blocker", fan)
		e.during = func() {
			a, err := w.db.AccountByHandle(t.Context(), "new", "blocker.example")
			w.ok(err)
			w.ok(w.s.Block(t.Context(), ada, a.ID))
		}
		w.lookUp(e.find)
		w.goesTo("the author blocks whom she named", p, "create https://fans.example/inbox")

		// Who blocks her gets it as she would if she were known before: what to do with it is for her server to say.
		ada, p, e = w.beginning("blocked", fan)
		e.during = func() {
			a, err := w.db.AccountByHandle(t.Context(), "new", "blocked.example")
			w.ok(err)
			w.ok(w.s.ReceiveBlock(t.Context(), a, ada, a.URI+"/blocks/1"))
		}
		w.lookUp(e.find)
		known := w.post(ada, Draft{Text: "hello @new@blocked.example"})
		w.goesTo("blocked by whom she named", p, w.deliveries(known)...)

		_, p, _ = w.beginning("unfound", fan)
		w.lookUp((&elsewhere{w: w}).find)
		w.goesTo("nobody found", p, "create https://fans.example/inbox")
		if v := w.shown(store.Anonymous, p.ID); !v.Post.HeldAt.IsZero() || v.Post.MentionCount != 0 {
			t.Errorf("nobody found: %+v", v.Post)
		}
		if n := w.count(`SELECT COUNT(*) FROM posts WHERE held_at IS NOT NULL`); n != 0 {
			t.Errorf("%d posts are held for good", n)
		}
	})
}

// A server that hangs holds a post up for a while only; a process that ends leaves the job to the next one.
func TestLookUpsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, fan := w.person("ada"), w.remote("fan", "fans.example")
		w.follows(fan, ada)
		p := w.post(ada, Draft{Text: "hello @new@far.example"})

		ctx, stop := context.WithCancel(t.Context())
		job := store.Job{ObjectID: p.ID, Target: "new@far.example "}
		err := w.s.RunMentions(ctx, job, func(ctx context.Context, _ []MentionRef) map[MentionRef]*store.Account {
			stop()
			<-ctx.Done()
			return nil
		})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, store.ErrTemporary) {
			t.Errorf("stopped: %v", err)
		}
		w.goesTo("stopped", p)

		w.s.LookUpTime = time.Millisecond
		w.lookUp(func(ctx context.Context, _ []MentionRef) map[MentionRef]*store.Account {
			<-ctx.Done()
			return nil
		})
		w.goesTo("a server that hangs", p, "create https://fans.example/inbox")
	})
}

// An edit that brings a new name is held in the same way, and delivered with it: as an Update to those who had the post, and
// as a Create to whom it names, so that each server gets one.
func TestUnknownNamesInAnEdit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, fan := w.person("ada"), w.remote("fan", "fans.example")
		w.follows(fan, ada)
		p := w.post(ada, Draft{Text: "hello"})
		w.attempted(p, fan)
		e := &elsewhere{w: w, people: map[string]string{"new": "far.example", "newer": "far.example"}}
		_, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "hello @new@far.example"})
		w.ok(err)
		w.goesTo("held", p, "create https://fans.example/inbox")
		edited := w.reload(p).EditedAt
		_, err = w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "hello @new@far.example!"})
		w.ok(err)
		w.lookUp(e.find)
		w.goesTo("let out", p, "create https://fans.example/inbox", "update https://fans.example/inbox", "create https://far.example/inbox")
		v := w.shown(store.Anonymous, p.ID)
		if len(v.Mentions) != 1 || !v.Post.EditedAt.After(edited) {
			t.Errorf("mentions %+v, edited %v", v.Mentions, v.Post.EditedAt)
		}

		letter := w.post(ada, Draft{Text: "dear diary", Visibility: store.Direct})
		_, err = w.s.Edit(t.Context(), ada, letter.ID, Draft{Text: "dear @newer@far.example", Visibility: store.Direct})
		w.ok(err)
		w.lookUp(e.find)
		w.goesTo("an edit of a letter", letter)
		if n := w.count(`SELECT COUNT(*) FROM post_recipients WHERE post_id = $1`, letter.ID); n != 0 {
			t.Errorf("an edit added %d readers", n)
		}
	})
}

// An edit that names people who are known brings it to those of them who never had it, once, if it is open.
func TestKnownNamesInAnEdit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, fan := w.person("ada"), w.person("bob"), w.remote("fan", "fans.example")
		for _, host := range []string{"far.example", "boosted.example", "blocked.example"} {
			w.remote("one", host)
			w.remote("two", host)
		}
		w.remote("named", "fans.example")
		w.follows(fan, ada)
		blocked, err := w.db.AccountByHandle(t.Context(), "two", "blocked.example")
		w.ok(err)
		w.ok(w.s.Block(t.Context(), ada, blocked.ID))
		text := "@named@fans.example @one@far.example @two@far.example @one@boosted.example @two@blocked.example @bob"
		edit := func(p *store.Post, text string) {
			t.Helper()
			_, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: text})
			w.ok(err)
		}
		for _, visibility := range []string{store.Public, store.Unlisted} {
			p := w.post(ada, Draft{Text: "hello", Visibility: visibility})
			w.attempted(p, fan)
			boost, err := w.s.Boost(t.Context(), bob, p.ID, "")
			w.ok(err)
			reader, err := w.db.AccountByHandle(t.Context(), "two", "boosted.example")
			w.ok(err)
			w.attempted(boost, reader)
			before := w.deliveries(p)
			edit(p, text)
			once := slices.Concat(before, []string{"update https://boosted.example/inbox", "update https://fans.example/inbox", "create https://far.example/inbox"})
			w.goesTo(visibility, p, once...)
			edit(p, text+"!") // the Create that waits will say so
			w.goesTo(visibility+", again", p, append(once, "update https://boosted.example/inbox", "update https://fans.example/inbox")...)
			edit(p, "nobody") // who was named and does not know it yet hears nothing more
			w.goesTo(visibility+", named no more", p, append(once, "update https://boosted.example/inbox", "update https://fans.example/inbox",
				"update https://boosted.example/inbox", "update https://fans.example/inbox")...)
		}
		for _, visibility := range []string{store.Followers, store.Direct} {
			p := w.post(ada, Draft{Text: "hello", Visibility: visibility})
			w.attempted(p, fan)
			before := w.deliveries(p)
			edit(p, text)
			w.goesTo(visibility, p, append(before, "update https://fans.example/inbox")...)
		}
		class := w.class("2012-3")
		w.seat(ada, class)
		p := w.post(ada, Draft{Text: "hello", Circle: class.ID})
		edit(p, text)
		w.goesTo("in a circle", p)
	})
}

// A name in a circle post is found as well, and opens nothing.
func TestUnknownNamesInACircle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, far := w.person("ada"), w.remote("far", "far.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(far, class)
		w.ok(w.s.ReceiveFollow(t.Context(), far, class.Account, far.URI+"/follows/1"))
		p := w.post(ada, Draft{Text: "ask @stranger@out.example", Circle: class.ID})
		w.goesTo("held", p)
		e := &elsewhere{w: w, people: map[string]string{"stranger": "out.example"}}
		w.lookUp(e.find)
		w.goesTo("let out", p, "create https://far.example/inbox")
		stranger, err := w.db.AccountByHandle(t.Context(), "stranger", "out.example")
		w.ok(err)
		if w.sees(store.AsSigner(stranger.ID), p.ID) || w.sees(store.AsAccount(stranger.ID), p.ID) {
			t.Error("a mention let a stranger into the circle")
		}
	})
}

// One text makes us ask for a few people only, and known ones or our own need nobody.
func TestHowManyAreLookedUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada")
		w.remote("known", "far.example")
		p := w.post(ada, Draft{Text: "@known@far.example @nobody @ghost@here.example"})
		if n := w.count(`SELECT COUNT(*) FROM jobs WHERE kind = $1`, MentionsJob); n != 0 || !p.HeldAt.IsZero() {
			t.Errorf("%d jobs, held %v", n, p.HeldAt)
		}
		e := &elsewhere{w: w}
		var text strings.Builder
		for i := range 2 * maxLookUps {
			text.WriteString("@" + strings.Repeat("n", i+1) + "@" + strings.Repeat("long.", 48) + "example ")
		}
		p = w.post(ada, Draft{Text: text.String()})
		if got := w.sending(p.ID); len(got) != 1 || len(got[0]) > maxAsked+20 {
			t.Errorf("jobs: %d, %d bytes", len(got), len(strings.Join(got, "")))
		}
		w.lookUp(e.find)
		if len(e.asked) != maxLookUps {
			t.Errorf("asked for %d", len(e.asked))
		}
	})
}
