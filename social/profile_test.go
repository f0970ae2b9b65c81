package social

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"cohort/store"
)

func ptr[T any](v T) *T { return &v }

func TestProfileRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada")
		for name, c := range map[string]struct {
			c   ProfileChange
			key string
		}{
			"long name":      {ProfileChange{Name: ptr(strings.Repeat("a", MaxName+1))}, "invalid.name_long"},
			"long bio":       {ProfileChange{Bio: ptr(strings.Repeat("a", MaxBio+1))}, "invalid.bio_long"},
			"visibility":     {ProfileChange{DefaultVisibility: ptr(store.InCircle)}, "invalid.visibility"},
			"language":       {ProfileChange{Language: ptr("xxxxxxxxxxxx")}, "invalid.language"},
			"own language":   {ProfileChange{DefaultLanguage: ptr("a\x00\xff\u202eb")}, "invalid.language"},
			"many fields":    {ProfileChange{Fields: ptr(make([]store.Field, MaxFields+1))}, "invalid.fields_many"},
			"long field":     {ProfileChange{Fields: &[]store.Field{{Name: "x", Value: strings.Repeat("a", MaxFieldChars+1)}}}, "invalid.field_long"},
			"no picture":     {ProfileChange{Avatar: strings.NewReader("<svg/>")}, "invalid.image_type"},
			"broken picture": {ProfileChange{Header: bytes.NewReader(asPNG(t, corners(8, 8))[:60])}, "invalid.image_broken"},
		} {
			_, err := w.s.UpdateProfile(t.Context(), ada, c.c)
			w.refused(name, err, &Invalid{Key: c.key})
		}
		if a := w.account(ada); a.Name != "ada" || a.Avatar != "" || a.BioSource != "" {
			t.Errorf("after refused changes: %+v", a)
		}
	})
}

func TestProfile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(rem, ada)
		odd := "a\x00\xff\u202eb"
		a, err := w.s.UpdateProfile(ctx, ada, ProfileChange{
			Name: &odd, Bio: &odd, AvatarAlt: &odd, HeaderAlt: &odd,
			Fields: &[]store.Field{{Name: odd, Value: odd}, {Name: " ", Value: "x"}}, Avatar: bytes.NewReader(asPNG(t, corners(8, 8))),
			Locked: ptr(true), Bot: ptr(true), DefaultVisibility: ptr(store.Followers),
		})
		w.ok(err)
		if a.Name != "ab" || a.Kind != store.KindBot || !a.Locked || a.Avatar == "" || len(a.Fields) != 1 || a.Fields[0] != (store.Field{Name: "ab", Value: "ab"}) {
			t.Errorf("stored %+v", a)
		}
		u, err := w.db.User(ctx, ada.ID)
		if err != nil || u.Language != "" || u.DefaultLanguage != "" || u.DefaultVisibility != store.Followers {
			t.Errorf("stored %+v, %v", u, err)
		}
		if got := w.said(ada); !slices.Equal(got, []string{"update_actor https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		if a, err = w.s.UpdateProfile(ctx, ada, ProfileChange{RemoveAvatar: true, Bot: ptr(false), DefaultLanguage: ptr("zh-Hans")}); err != nil || a.Avatar != "" || a.Kind != store.KindPerson || a.Name != "ab" {
			t.Errorf("stored %+v, %v", a, err)
		}
	})
}

// A picture is its owner's alone.
func TestPicturesOfOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, eve := w.person("ada"), w.person("eve")
		pic := w.picture(ada)
		_, err := w.s.UpdateMedia(ctx, eve, pic, ptr("forged"), nil)
		w.refused("another's", err, store.ErrNotFound)
		_, err = w.s.UpdateMedia(ctx, ada, 12345, ptr("x"), nil)
		w.refused("none", err, store.ErrNotFound)
		_, err = w.s.UpdateMedia(ctx, ada, pic, ptr(strings.Repeat("a", maxAlt+1)), nil)
		w.refused("a long description", err, &Invalid{Key: "invalid.alt_long"})
		m, err := w.s.UpdateMedia(ctx, ada, pic, ptr("a\x00 view"), &Focus{X: 9, Y: -9})
		if err != nil || m.Alt != "a view" || m.FocusX != 1 || m.FocusY != -1 {
			t.Errorf("%+v, %v", m, err)
		}
		_, err = w.s.Upload(ctx, ada, bytes.NewReader(make([]byte, MaxUpload+1)), "", Focus{})
		w.refused("too large", err, &Invalid{Key: "invalid.image_large"})
	})
}

func TestNotesAndMutedDomains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob := w.person("ada"), w.person("bob")
		w.refused("long", w.s.Note(ctx, ada, bob.ID, strings.Repeat("a", MaxNote+1)), &Invalid{Key: "invalid.note_long"})
		w.refused("of oneself", w.s.Note(ctx, ada, ada.ID, "x"), &Invalid{Key: "invalid.self"})
		w.ok(w.s.Note(ctx, ada, bob.ID, "a\x00b"))
		for a, want := range map[*store.Account]string{ada: "ab", bob: ""} {
			if rel, err := w.db.Relationship(ctx, a.ID, bob.ID); err != nil || rel.Note != want {
				t.Errorf("%s reads %q, %v", a.Handle, rel.Note, err)
			}
		}
		for domain, key := range map[string]string{"": "invalid.domain", "a b": "invalid.domain", "\x00": "invalid.domain", "here.example": "invalid.domain_own", "HERE.example": "invalid.domain_own"} {
			w.refused(domain, w.s.MuteDomain(ctx, ada, domain), &Invalid{Key: key})
		}
		for range 5 {
			w.ok(w.s.MuteDomain(ctx, ada, "R.Example"))
		}
		rem := w.remote("rem", "r.example")
		in := w.incoming(rem, "<p>@ada</p>")
		in.Mentions = []string{ada.URI}
		w.same("told", w.told(w.receive(rem, in)))
		w.ok(w.s.UnmuteDomain(ctx, ada, "r.example"))
		w.ok(w.s.UnmuteDomain(ctx, ada, "r.example"))
		in.URI += "2"
		p := w.receive(rem, in)
		w.same("told afterwards", w.told(p), ada)
		n := w.ids(`SELECT id FROM notifications WHERE post_id = $1`, p.ID)[0]
		w.refused("dismissed by another", w.s.Dismiss(ctx, bob, n), store.ErrNotFound)
		w.ok(w.s.DismissAll(ctx, bob))
		w.ok(w.s.Dismiss(ctx, ada, n))
		w.refused("dismissed again", w.s.Dismiss(ctx, ada, n), store.ErrNotFound)
	})
}

// What the sentence above the button says is for members only, and the hub's numbers are the hub's.
func TestAudience(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, eve, lin := w.person("ada"), w.person("eve"), w.remote("lin", "r.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(lin, class)
		_, err := w.s.AudienceOf(ctx, eve, "", class.ID)
		w.refused("a stranger", err, store.ErrNotFound)
		for n := range 2 {
			if a, err := w.s.AudienceOf(ctx, ada, store.Public, class.ID); err != nil || a.People != n+1 || a.Servers != n+1 || !a.Known || a.Visibility != store.InCircle {
				t.Errorf("%+v, %v", a, err)
			}
			w.ok(w.s.ReceiveFollow(ctx, lin, class.Account, lin.URI+"/f/1"))
		}
		there := w.hubElsewhere(eve)
		if a, err := w.s.AudienceOf(ctx, eve, "", there.ID); err != nil || a.Known || a.People != 0 || a.Circle.ID != there.ID {
			t.Errorf("elsewhere: %+v, %v", a, err)
		}
		if a, err := w.s.AudienceOf(ctx, ada, store.Followers, 0); err != nil || a.Visibility != store.Followers || a.Circle != nil {
			t.Errorf("no circle: %+v, %v", a, err)
		}
	})
}

// Accounts of other servers are what these say of them, within their own names.
func TestSaveRemote(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada := w.person("ada")
		actor := func(n string) *store.Account {
			uri := "https://r.example/users/" + n
			return &store.Account{Kind: store.KindPerson, Handle: n, Host: "r.example", Domain: "r.example", URI: uri, Inbox: uri + "/inbox", Name: n}
		}
		for name, change := range map[string]func(a *store.Account){
			"a local id":       func(a *store.Account) { a.URI = ada.URI },
			"another local id": func(a *store.Account) { a.URI = w.s.AccountURI(12345) },
			"our host":         func(a *store.Account) { a.Host = w.s.Config.Host },
			"no host":          func(a *store.Account) { a.Host = "" },
		} {
			a := actor("eve")
			change(a)
			_, err := w.s.SaveRemote(ctx, a)
			w.refused(name, err, ErrForbidden)
		}
		saved := make([]*store.Account, 10)
		w.ok(errors.Join(together(10, func(i int) (err error) {
			saved[i], err = w.s.SaveRemote(ctx, actor("rem"))
			return err
		})...))
		for _, a := range saved {
			if a.ID != saved[0].ID {
				t.Error("one actor is two accounts")
			}
		}
		circle := actor("rem")
		circle.Kind = store.KindCircle
		_, err := w.s.SaveRemote(ctx, circle)
		w.refused("a person who becomes a circle", err, ErrForbidden)
		odd := actor("rem")
		odd.Name, odd.Bio = "<b>x</b>\u202e\x00", `<p onclick="x">hi</p><script>x</script>`
		if a, err := w.s.SaveRemote(ctx, odd); err != nil || strings.ContainsAny(a.Name, "<\u202e\x00") || strings.Contains(a.Bio, "onclick") || strings.Contains(a.Bio, "script") {
			t.Errorf("%+v, %v", a, err)
		}
		other := actor("rem")
		other.URI += "2"
		_, err = w.s.SaveRemote(ctx, other)
		w.refused("another actor with the name", err, store.ErrConflict)
		w.ok(w.s.ReceiveGone(ctx, saved[0]))
		_, err = w.s.SaveRemote(ctx, actor("rem"))
		w.refused("one that is gone", err, ErrForbidden)
	})
}

// A boost of a post that is not known here is kept for later only where somebody follows the booster.
func TestRememberBoost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		in := IncomingBoost{URI: rem.URI + "/boosts/1", PostURI: "https://x.example/posts/1", Visibility: store.Public}
		w.ok(w.s.RememberBoost(ctx, rem, in))
		if n := w.count(`SELECT COUNT(*) FROM jobs`); n != 0 {
			t.Errorf("%d jobs for a stranger's boost", n)
		}
		w.follows(ada, rem)
		for range 5 {
			w.ok(w.s.RememberBoost(ctx, rem, in))
		}
		if n := w.count(`SELECT COUNT(*) FROM jobs WHERE kind = 'fetch'`); n != 1 {
			t.Errorf("%d jobs", n)
		}
		own := w.incoming(rem, "<p>quiet</p>")
		own.Visibility = store.Followers
		p := w.receive(rem, own)
		w.ok(w.s.ReceiveBoost(ctx, rem, IncomingBoost{URI: rem.URI + "/boosts/2", PostURI: p.URI, Visibility: store.Public}))
		w.tx(func(ctx context.Context, tx *store.Tx) error {
			b, err := tx.BoostBy(ctx, rem.ID, p.ID)
			if err == nil && b.Visibility != store.Followers {
				t.Errorf("one's own words for followers are boosted to %s", b.Visibility)
			}
			return err
		})
	})
}

// Pictures that were replaced, removed or refused leave no file, and those of a deleted account neither.
func TestReplacedPicturesLeaveNoFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada := w.person("ada")
		files := func(want ...string) {
			t.Helper()
			var names []string
			w.ok(w.s.Files.Walk(ctx, func(f store.StoredFile) error { names = append(names, f.Name); return nil }))
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) {
				t.Errorf("files %q, want %q", names, want)
			}
		}
		set := func(c ProfileChange) *store.Account {
			t.Helper()
			a, err := w.s.UpdateProfile(ctx, ada, c)
			w.ok(err)
			return a
		}
		png := func() *bytes.Reader { return bytes.NewReader(asPNG(t, corners(8, 8))) }
		first := set(ProfileChange{Avatar: png(), Header: png()})
		files(first.Avatar, first.Header)
		second := set(ProfileChange{Avatar: png()})
		files(second.Avatar, first.Header)
		if _, err := w.s.UpdateProfile(ctx, ada, ProfileChange{Avatar: png(), Header: strings.NewReader("<svg/>")}); err == nil {
			t.Error("a broken header is taken")
		}
		files(second.Avatar, first.Header)
		set(ProfileChange{Name: ptr("Ada")})
		files(second.Avatar, first.Header)
		set(ProfileChange{RemoveHeader: true})
		files(second.Avatar)
		w.ok(w.s.DeleteAccount(ctx, w.account(ada), 0))
		files()
	})
}
