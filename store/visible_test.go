package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// The matrix: what of each visibility, by one author and with one recipient, is seen by whom. Letters stand for
// Public, Unlisted, Followers, Direct, Limited and Circle.
var matrix = []struct{ relation, sees string }{
	{"author", "PUFDLC"},
	{"author as signer", "PUFDLC"},
	{"anonymous", "PU"},
	{"stranger", "PU"},
	{"follower", "PUF"},
	{"asked to follow", "PU"},
	{"recipient", "PUFDL"},
	{"blocked", ""},
	{"blocked follower", ""},
	{"blocked recipient", ""},
	{"one who blocks the author", "PU"},
	{"suspended", ""},
	{"suspended member", ""},
	{"with a suspended server", ""},
	{"deleted", ""},
	{"circle's own actor", "PUC"},
	{"another circle's actor", "PU"},
	{"member", "PUC"},
	{"member mentioned", "PUFDLC"},
	{"steward", "PUC"},
	{"member blocked", ""},
	{"steward blocked", "C"},
	{"former member", "PU"},
	{"expired member", "PU"},
	{"member until later", "PUC"},
	{"waiting", "PU"},
	{"barred", "PU"},
	{"member of another circle", "PU"},
	{"guest", "PUC"},
	{"guest from elsewhere", "PUC"},
	{"guest from elsewhere as signer", "PU"},
	{"member elsewhere", "PUC"},
	{"member elsewhere as signer", "PUC"},
	{"mirror member", "PUC"},
	{"member on an unapproved server", "PU"},
	{"member on a server that was dropped", "PU"},
	{"server of a stranger", "PU"},
	{"server of a follower", "PUF"},
	{"server of a recipient", "PUFDL"},
	{"server of a member", "PUC"},
	{"server of a mirror member", "PUC"},
	{"server of a guest", "PU"},
	{"server of a blocked member", "PU"},
	{"server of an unapproved member", "PU"},
	{"server that was dropped", "PU"},
	{"server of a former member", "PU"},
	{"server of a suspended member", "PU"},
	{"server unknown here", "PU"},
}

var letters = map[string]string{"P": store.Public, "U": store.Unlisted, "F": store.Followers, "D": store.Direct, "L": store.Limited, "C": store.InCircle}

// cast makes the matrix's author, circle and everyone who looks.
func cast(t *testing.T, w *stage) map[string]store.Viewer {
	ada, circle := w.person("ada", ""), w.circle("circle", "")
	other := w.circle("other", "")
	as := map[string]store.Viewer{
		"author": store.AsAccount(ada), "author as signer": store.AsSigner(ada), "anonymous": store.Anonymous,
		"circle's own actor": store.AsAccount(circle), "another circle's actor": store.AsAccount(other),
	}
	local := func(name string) store.ID {
		id := w.person(strings.ReplaceAll(name, " ", "_"), "")
		as[name] = store.AsAccount(id)
		return id
	}
	local("stranger")
	w.follow(local("follower"), ada, true)
	w.follow(local("asked to follow"), ada, false)
	w.block(ada, local("blocked"))
	blockedFollower := local("blocked follower")
	w.follow(blockedFollower, ada, true)
	w.block(ada, blockedFollower)
	w.block(local("one who blocks the author"), ada)
	w.set(local("suspended"), "suspended_at")
	w.set(local("deleted"), "deleted_at")
	hostless := w.person("hostless", "sunk.example")
	as["with a suspended server"] = store.AsAccount(hostless)
	w.set(hostless, "host_suspended_at")
	suspended := local("suspended member")
	w.member(circle, suspended, seat{})
	w.set(suspended, "suspended_at")
	for name, s := range map[string]seat{
		"member": {}, "member mentioned": {}, "steward": {role: "steward"}, "former member": {ended: true}, "expired member": {expires: -time.Hour},
		"member until later": {expires: time.Hour}, "waiting": {waiting: true}, "guest": {via: "web"},
	} {
		w.member(circle, local(name), s)
	}
	for name, s := range map[string]seat{"member blocked": {}, "steward blocked": {role: "steward"}} {
		id := local(name)
		w.member(circle, id, s)
		w.block(ada, id)
	}
	barred := local("barred")
	w.member(circle, barred, seat{ended: true})
	w.exec(`INSERT INTO bars (circle_id, account_id, seat_id, reason, created_at) VALUES ($1, $2, 0, 'x', 1)`, int64(circle), int64(barred))
	w.member(other, local("member of another circle"), seat{})
	named := []store.ID{local("recipient"), local("blocked recipient"), as["member mentioned"].AccountID()}
	w.block(ada, named[1])
	named = append(named, castElsewhere(t, w, as, ada, circle))
	w.posts(ada, circle, named)
	return as
}

// castElsewhere adds the accounts and servers elsewhere, and returns the recipient among them.
func castElsewhere(t *testing.T, w *stage, as map[string]store.Viewer, ada, circle store.ID) store.ID {
	server := func(name, host string) {
		v, err := w.db.AsServer(context.Background(), host)
		if err != nil {
			t.Fatal(err)
		}
		as[name] = v
	}
	remote := func(name, host string, s seat) store.ID {
		id := w.person(strings.ReplaceAll(name, " ", "_"), host)
		as[name], as[name+" as signer"] = store.AsAccount(id), store.AsSigner(id)
		w.member(circle, id, s)
		return id
	}
	remote("member elsewhere", "member.example", seat{})
	remote("mirror member", "mirror.example", seat{via: "mirror"})
	remote("guest from elsewhere", "guest.example", seat{via: "web"})
	remote("member on an unapproved server", "unapproved.example", seat{})
	remote("member on a server that was dropped", "dropped.example", seat{})
	remote("former", "former.example", seat{ended: true})
	w.set(remote("gone", "gone.example", seat{}), "suspended_at")
	blocked := remote("elsewhere and blocked", "blocked.example", seat{})
	w.block(ada, blocked)
	for _, host := range []string{"member.example", "mirror.example", "guest.example", "former.example", "gone.example", "blocked.example"} {
		w.host(circle, host, false)
	}
	w.host(circle, "dropped.example", true)
	w.follow(w.person("fan", "fans.example"), ada, true)
	w.person("nobody", "strange.example")
	recipient := w.person("named", "named.example")
	for name, host := range map[string]string{
		"server of a stranger": "strange.example", "server of a follower": "fans.example", "server of a recipient": "named.example",
		"server of a member": "member.example", "server of a mirror member": "mirror.example", "server of a guest": "guest.example",
		"server of a blocked member": "blocked.example", "server of an unapproved member": "unapproved.example", "server that was dropped": "dropped.example",
		"server of a former member": "former.example", "server of a suspended member": "gone.example", "server unknown here": "new.example",
	} {
		server(name, host)
	}
	return recipient
}

func TestWhoMaySeeWhat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newStage(t, db)
		as := cast(t, w)
		for _, row := range matrix {
			v, ok := as[row.relation]
			if !ok {
				t.Fatalf("nobody is %q", row.relation)
			}
			for letter, visibility := range letters {
				want := strings.Contains(row.sees, letter)
				if got := w.sees(v, visibility); got != want {
					t.Errorf("%s, %s: seen %v, want %v", row.relation, visibility, got, want)
				}
			}
		}
	})
}

// TestStatesOfPosts checks what is gone, hidden or pending, for those who would see it otherwise.
func TestStatesOfPosts(t *testing.T) {
	states := []struct{ name, column, sees string }{
		{"deleted", "deleted_at = 5", ""},
		{"faded", "fades_at = 5", ""},
		{"to fade", "fades_at = 99999999999999", "author,member,circle,server"},
		{"hidden", "hidden_at = 5", "author"},
		{"pending", "pending_at = 5", "author,circle,hub"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newStage(t, db)
		as := cast(t, w)
		hub := w.circle("faraway", "hub.example")
		w.posts(as["author"].AccountID(), hub, nil)
		server, err := db.AsServer(context.Background(), "hub.example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Post(context.Background(), server, w.made[store.InCircle]); err != nil {
			t.Errorf("a hub does not see what is for its circle: %v", err)
		}
		for _, s := range states {
			w.posts(as["author"].AccountID(), as["circle's own actor"].AccountID(), nil)
			w.exec(`UPDATE posts SET ` + s.column + ` WHERE author_id = ` + as["author"].AccountID().String())
			for who, v := range map[string]store.Viewer{
				"author": as["author"], "member": as["member"], "circle": as["circle's own actor"], "server": as["server of a member"],
			} {
				if got, want := w.sees(v, store.InCircle), strings.Contains(s.sees, who); got != want {
					t.Errorf("%s: seen by %s: %v, want %v", s.name, who, got, want)
				}
			}
			if s.name != "to fade" && (w.sees(as["stranger"], store.Public) || w.sees(as["server of a stranger"], store.Public) || w.sees(store.Anonymous, store.Unlisted)) {
				t.Errorf("%s: a public post is seen", s.name)
			}
		}
	})
}

// TestSuspendedAuthor checks that nobody sees the posts of an author or in a circle that is suspended, in each of the ways.
func TestSuspendedAuthor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, column := range []string{"suspended_at", "host_suspended_at", "deleted_at"} {
			w := newStage(t, db)
			as := cast(t, w)
			w.set(as["author"].AccountID(), column)
			for who, v := range as {
				for _, visibility := range letters {
					if w.sees(v, visibility) {
						t.Errorf("%s of author: %s sees what is %s", column, who, visibility)
					}
				}
			}
			w = newStage(t, db)
			as = cast(t, w)
			w.set(as["circle's own actor"].AccountID(), column)
			for who, v := range as {
				if who != "author" && who != "author as signer" && w.sees(v, store.InCircle) {
					t.Errorf("%s of circle: %s sees its post", column, who)
				}
			}
		}
	})
}

func TestServersThatAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newStage(t, db)
		w.exec(`INSERT INTO domain_policies (domain, severity, reason, created_at) VALUES ('bad.example', 'suspend', '', 1), ('loud.example', 'silence', '', 1)`)
		for _, authority := range []string{"", "bad.example", "B.example", "Bad.Example"} {
			if _, err := db.AsServer(context.Background(), authority); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("AsServer(%q): %v", authority, err)
			}
		}
		for _, authority := range []string{"loud.example", "b.example:8443"} {
			if _, err := db.AsServer(context.Background(), authority); err != nil {
				t.Errorf("AsServer(%q): %v", authority, err)
			}
		}
	})
}
