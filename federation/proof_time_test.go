package federation_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"cohort/federation/fedtest"
	"cohort/federation/proof"
	"cohort/store"
)

// provedFor adds a proof by an actor that holds from one time to another, or for ever where that is zero.
func provedFor(t *testing.T, a *fedtest.Actor, d doc, created, expires time.Time) []byte {
	t.Helper()
	canonical := func(v any) []byte { // members sorted, nothing escaped, no space: canonical for what is written here
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		return bytes.TrimSpace(b.Bytes())
	}
	config := doc{
		"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "verificationMethod": a.ID + "#ed25519-key",
		"proofPurpose": proof.AssertionMethod, "created": created.UTC().Format(time.RFC3339), "@context": d["@context"],
	}
	if !expires.IsZero() {
		config["expires"] = expires.UTC().Format(time.RFC3339)
	}
	first, second := sha256.Sum256(canonical(config)), sha256.Sum256(canonical(d))
	config["proofValue"] = "z" + base58.Encode(ed25519.Sign(a.Ed25519, append(first[:], second[:]...)))
	whole := doc{"proof": config}
	for k, v := range d {
		whole[k] = v
	}
	return canonical(whole)
}

// A proof counts from when it was made until it ends: at the hub, and at a member's server for what the hub passes on.
func TestProofsEnd(t *testing.T) {
	h, m := newHubStage(t), newMemberStage(t)
	m.sit()
	now := time.Now()
	for name, c := range map[string]struct {
		created, expires time.Time
		holds            bool
	}{
		"without an end":      {now, time.Time{}, true},
		"an old one":          {now.AddDate(-3, 0, 0), time.Time{}, true},
		"before its end":      {now, now.Add(time.Hour), true},
		"a clock that is off": {now.Add(50 * time.Minute), time.Time{}, true},
		"after its end":       {now.Add(-2 * time.Hour), now.Add(-time.Second), false},
		"long after its end":  {now.AddDate(-3, 0, 0), now.AddDate(-2, 0, 0), false},
		"before it was made":  {now.Add(70 * time.Minute), time.Time{}, false},
		"of the far future":   {now.AddDate(10, 0, 0), now.AddDate(11, 0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if c.holds {
				want = http.StatusAccepted
			}
			note := h.circleNote(h.lin, "words")
			if got := h.lin.Send(h.inbox(), provedFor(t, h.lin, h.circleActivity("Create", h.lin, note), c.created, c.expires)); got != want {
				t.Errorf("the hub answered %d, want %d", got, want)
			}
			_, err := h.db.PostByURI(t.Context(), store.AsAccount(h.chen.ID), note["id"].(string))
			if c.holds && err != nil || !c.holds && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("at the hub: %v", err)
			}
			note = m.note(m.chen, "words")
			inner := provedFor(t, m.chen, m.inner(m.chen, note), c.created, c.expires)
			if got := m.circle.Send(m.inbox(), m.announce(m.circle, inner)); got != want {
				t.Errorf("the member's server answered %d, want %d", got, want)
			}
			_, err = m.db.PostByURI(t.Context(), store.AsAccount(m.lin.ID), note["id"].(string))
			if c.holds && err != nil || !c.holds && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("at the member's server: %v", err)
			}
		})
	}
}
