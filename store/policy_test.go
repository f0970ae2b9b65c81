package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestDomainPolicyMatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		c.do(func(tx *store.Tx) error {
			for domain, severity := range map[string]string{
				"EVIL.Example.": store.Suspend, "loud.example": store.Silence, "deep.loud.example": store.Suspend, "Bücher.example": store.Suspend, "192.0.2.7:8080": store.Suspend, "[2001:db8::1]": store.Suspend,
			} {
				if err := tx.SetDomainPolicy(c.ctx, store.DomainPolicy{Domain: domain, Severity: severity, Reason: "r"}); err != nil {
					return err
				}
			}
			return nil
		})
		for host, want := range map[string]string{
			"evil.example": store.Suspend, "EVIL.Example.": store.Suspend, "sub.evil.example:8443": store.Suspend, "a.b.c.d.evil.example": store.Suspend,
			"Evil.EXAMPLE:443": store.Suspend, "evil.example..": store.Suspend,
			strings.Repeat("x.", 60) + "evil.example": store.Suspend,
			"notevil.example":                         "", "evil.example.org": "", "example": "", "evil": "", "": "", "evil-example": "",
			"loud.example": store.Silence, "x.loud.example": store.Silence, "deep.loud.example": store.Suspend, "x.deep.loud.example": store.Suspend,
			"bücher.example": store.Suspend, "xn--bcher-kva.example": store.Suspend, "BÜCHER.example:80": store.Suspend,
			"192.0.2.7": store.Suspend, "192.0.2.7:443": store.Suspend, "10.192.0.2.7": "", "192.0.2.77": "",
			"[2001:db8::1]:8443": store.Suspend, "2001:db8:0::1": store.Suspend, "[2001:db8::2]": "",
			"evil.example/path": "", "user@evil.example": "", "evil example": "",
		} {
			severity, found, err := db.DomainPolicy(c.ctx, host)
			if err != nil || severity != want || found != (want != "") {
				t.Errorf("%.40q: %q, %v, want %q", host, severity, err, want)
			}
		}
		for _, bad := range []string{"", " ", ".", "..", "a..b", ".example", "a b", "https://evil.example", "*.example", "a@b", strings.Repeat("a", 300), "a\x00b"} {
			err := db.Tx(c.ctx, func(tx *store.Tx) error {
				return tx.SetDomainPolicy(c.ctx, store.DomainPolicy{Domain: bad, Severity: store.Suspend})
			})
			if !errors.Is(err, store.ErrDomain) {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
		if all, err := db.DomainPolicies(c.ctx); err != nil || len(all) != 6 || all[0].Domain != "192.0.2.7" {
			t.Fatalf("%+v, %v", all, err)
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteDomainPolicy(c.ctx, "sub.evil.example") })
	})
}

func TestDomainPolicyMarks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		here := c.person("here")
		at := func(host, domain string) *store.Account {
			c.n++
			a := &store.Account{Kind: store.KindPerson, Handle: strings.ReplaceAll(host, ".", "_"), Host: host, Domain: domain, URI: "https://" + host + "/" + domain}
			c.do(func(tx *store.Tx) error { return tx.InsertAccount(c.ctx, a) })
			return a
		}
		set := func(domain, severity string) {
			*now = now.Add(time.Second)
			c.do(func(tx *store.Tx) error {
				return tx.SetDomainPolicy(c.ctx, store.DomainPolicy{Domain: domain, Severity: severity})
			})
		}
		drop := func(domain string) {
			c.do(func(tx *store.Tx) error { return tx.DeleteDomainPolicy(c.ctx, domain) })
		}
		check := func(what string, a *store.Account, suspended, silenced bool) {
			t.Helper()
			got := c.get(a.ID)
			if got.HostSuspendedAt.IsZero() == suspended || got.SilencedAt.IsZero() == silenced {
				t.Errorf("%s: %s suspended at %v, silenced at %v", what, a.URI, got.HostSuspendedAt, got.SilencedAt)
			}
		}
		evil, sub, look, split := at("evil.example", "evil.example"), at("sub.evil.example:8443", "sub.evil.example:8443"), at("notevil.example", "notevil.example"), at("ap.other.example", "evil.example")
		set("evil.example", store.Suspend)
		late := at("new.evil.example", "new.evil.example")
		for _, a := range []*store.Account{evil, sub, split, late} {
			check("suspended", a, true, false)
		}
		check("suspended", look, false, false)
		check("suspended", here, false, false)

		set("sub.evil.example", store.Suspend)
		drop("EVIL.example")
		check("lifted above", evil, false, false)
		check("lifted above", split, false, false)
		check("still covered", sub, true, false)
		drop("sub.evil.example")
		check("all lifted", sub, false, false)

		// Whom a moderator silenced stays so when the server's policy goes.
		c.do(func(tx *store.Tx) error { return tx.SetSilenced(c.ctx, evil.ID, true) })
		set("evil.example", store.Silence)
		late2 := at("late.evil.example", "late.evil.example")
		check("silenced", sub, false, true)
		check("silenced", late2, false, true)
		set("evil.example", store.Suspend)
		check("made stricter", sub, true, false)
		set("evil.example", store.Silence)
		check("made milder", sub, false, true)
		drop("evil.example")
		check("lifted", sub, false, false)
		check("lifted", late2, false, false)
		check("silenced by hand", evil, false, true)

		// To be allowed is no mark, and no cover against a stricter decision.
		set("evil.example", store.Allow)
		check("allowed", late2, false, false)
		set("sub.evil.example", store.Suspend)
		check("suspended below", sub, true, false)
		drop("sub.evil.example")
		check("allowed again", sub, false, false)
	})
}

func TestHosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		if _, err := db.Host(c.ctx, "b.example"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		speaks := func(want bool) {
			t.Helper()
			if yes, err := db.SpeaksCircles(c.ctx, "b.example"); err != nil || yes != want {
				t.Fatalf("%v, %v", yes, err)
			}
		}
		speaks(false)
		c.do(func(tx *store.Tx) error { return tx.SetSpeaksCircles(c.ctx, "b.example", true) })
		speaks(true)
		c.do(func(tx *store.Tx) error {
			return tx.SeeHost(c.ctx, store.Host{Host: "b.example", Software: "other", ActorURI: "https://b.example/actor"})
		})
		speaks(false)
		if h, err := db.Host(c.ctx, "b.example"); err != nil || h.ActorURI != "https://b.example/actor" || h.SeenAt.IsZero() {
			t.Fatalf("%+v, %v", h, err)
		}
	})
}
