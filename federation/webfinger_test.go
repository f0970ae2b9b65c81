package federation_test

import (
	"net/http"
	"testing"

	"cohort/federation/fedtest"
)

const wellKnown = "/.well-known/webfinger"

// names has a peer answer every question with one address and actor.
func names(p *fedtest.Peer, subject string, a *fedtest.Actor) {
	p.Serve(wellKnown, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = w.Write(marshal(doc{"subject": "acct:" + subject, "links": []any{doc{"rel": "self", "type": "application/activity+json", "href": a.ID}}}))
	}))
}

// Somebody is found under the address that her own server and its domain agree on, and each is asked once.
func TestAddressIsAskedForOnce(t *testing.T) {
	for name, c := range map[string]struct {
		typedAt          string // shop, where the ids are, or town
		shopSays, saysIn string // whose address it is according to the two
		foundAt          string
		shop, town       int // questions
	}{
		"the ids' own host":                {"shop", "shop", "", "shop", 1, 0},
		"another domain":                   {"town", "town", "town", "town", 1, 1},
		"by the ids' host":                 {"shop", "town", "town", "town", 1, 1},
		"a domain that does not agree":     {"shop", "town", "shop", "shop", 1, 1},
		"a domain that takes her over":     {"town", "shop", "town", "shop", 1, 1},
		"a domain that knows the ids only": {"town", "shop", "shop", "shop", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(t, "school")
			peers := map[string]*fedtest.Peer{"shop": fedtest.NewPeer(t, "shop"), "town": fedtest.NewPeer(t, "town")}
			mia := peers["shop"].Actor("mia")
			names(peers["shop"], "mia@"+peers[c.shopSays].Host, mia)
			if c.saysIn != "" {
				names(peers["town"], "mia@"+peers[c.saysIn].Host, mia)
			}
			a, err := in.fed.ResolveAccount(t.Context(), "mia@"+peers[c.typedAt].Host)
			if err != nil {
				t.Fatal(err)
			}
			if a.URI != mia.ID || a.Domain != peers[c.foundAt].Host {
				t.Errorf("found %s at %s", a.URI, a.Domain)
			}
			if shop, town := peers["shop"].Gets(wellKnown), peers["town"].Gets(wellKnown); shop != c.shop || town != c.town {
				t.Errorf("asked the ids' host %d times, the domain %d times", shop, town)
			}
			if n := peers["shop"].Gets("/users/mia"); n != 1 {
				t.Errorf("fetched her %d times", n)
			}
		})
	}
}
