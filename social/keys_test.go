package social

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"cohort/store"
)

func TestKeysRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, id := range map[string]store.ID{"nobody": 12345, "somebody elsewhere": w.remote("rem", "r.example").ID} {
			if k, err := w.s.KeysFor(t.Context(), id); k != nil || !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s has keys: %v", name, err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM actor_keys`); n != 0 || len(w.s.keys.making) != 0 {
			t.Errorf("%d rows, %d in the making", n, len(w.s.keys.making))
		}
	})
}

// However many ask at once, in this process and in others, an actor has one pair of keys.
func TestKeysAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada")
		secret := strings.Repeat("s", 32)
		services := []*Service{w.s, newTestService(t, w.db, secret), newTestService(t, w.db, secret)}
		got := make([]*Keys, 12)
		w.ok(errors.Join(together(12, func(i int) (err error) {
			got[i], err = services[i%3].KeysFor(t.Context(), ada.ID)
			return err
		})...))
		for _, k := range got {
			if !k.RSA.Equal(got[0].RSA) || !k.Ed25519.Equal(got[0].Ed25519) || k.PublicPEM != got[0].PublicPEM {
				t.Fatal("two keys for one actor")
			}
		}
		k := got[0]
		digest := sha256.Sum256([]byte("words"))
		sig, err := rsa.SignPKCS1v15(rand.Reader, k.RSA, crypto.SHA256, digest[:])
		if err != nil || rsa.VerifyPKCS1v15(&k.RSA.PublicKey, crypto.SHA256, digest[:], sig) != nil {
			t.Errorf("RSA: %v", err)
		}
		if !ed25519.Verify(k.PublicEd25, []byte("words"), ed25519.Sign(k.Ed25519, []byte("words"))) {
			t.Error("Ed25519: the halves do not belong together")
		}
		if again, err := newTestService(t, w.db, secret).KeysFor(t.Context(), ada.ID); err != nil || !again.RSA.Equal(k.RSA) {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// What is in the rows opens with the secret of this instance only, and only for the actor and kind it is for.
func TestSealedKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob := w.person("ada"), w.person("bob")
		if _, err := w.s.KeysFor(ctx, ada.ID); err != nil {
			t.Fatal(err)
		}
		rows, err := w.db.ActorKeys(ctx, ada.ID)
		w.ok(err)
		for _, row := range rows {
			raw, err := base64.StdEncoding.DecodeString(row.PrivateSealed)
			if err != nil || strings.Contains(row.PrivateSealed, "PRIVATE") || strings.Contains(string(raw), "PRIVATE") {
				t.Errorf("%s: the private key stands there", row.Kind)
			}
			if _, err := w.s.keys.open(ada.ID, row.Kind, row.PrivateSealed); err != nil {
				t.Errorf("%s: %v", row.Kind, err)
			}
			raw[len(raw)-1] ^= 1
			for name, try := range map[string]func() ([]byte, error){
				"another's":    func() ([]byte, error) { return w.s.keys.open(bob.ID, row.Kind, row.PrivateSealed) },
				"another kind": func() ([]byte, error) { return w.s.keys.open(ada.ID, row.Kind+"x", row.PrivateSealed) },
				"altered":      func() ([]byte, error) { return w.s.keys.open(ada.ID, row.Kind, base64.StdEncoding.EncodeToString(raw)) },
				"cut":          func() ([]byte, error) { return w.s.keys.open(ada.ID, row.Kind, row.PrivateSealed[:8]) },
				"no base64":    func() ([]byte, error) { return w.s.keys.open(ada.ID, row.Kind, "§") },
				"nothing":      func() ([]byte, error) { return w.s.keys.open(ada.ID, row.Kind, "") },
				"another start": func() ([]byte, error) {
					return newTestService(t, w.db, strings.Repeat("o", 32)).keys.open(ada.ID, row.Kind, row.PrivateSealed)
				},
			} {
				if der, err := try(); err == nil || der != nil {
					t.Errorf("%s %s: it opens", row.Kind, name)
				} else if strings.Contains(err.Error(), row.PrivateSealed) && row.PrivateSealed != "" {
					t.Errorf("%s %s: the error shows the row", row.Kind, name)
				}
			}
		}
		other := newTestService(t, w.db, strings.Repeat("o", 32))
		if _, err := other.KeysFor(ctx, ada.ID); err == nil || !strings.Contains(err.Error(), "secrets file") {
			t.Errorf("with the wrong secret: %v", err)
		}
		if again, err := w.db.ActorKeys(ctx, ada.ID); err != nil || len(again) != len(rows) || again[0] != rows[0] {
			t.Errorf("with the wrong secret the keys were replaced: %v", err)
		}
		// Rows that are moved to another actor are no keys of hers.
		moved := make([]store.ActorKey, 0, len(rows))
		for _, row := range rows {
			row.AccountID = bob.ID
			moved = append(moved, row)
		}
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.InsertActorKeys(ctx, moved) })
		if _, err := w.s.KeysFor(ctx, bob.ID); err == nil {
			t.Error("bob signs with ada's key")
		}
	})
}

func TestSecretsAreLongEnough(t *testing.T) {
	for _, secret := range []string{"", "short", strings.Repeat("s", 31)} {
		if _, err := New(Config{Secret: []byte(secret)}, nil, nil, nil); err == nil {
			t.Errorf("a secret of %d bytes is taken", len(secret))
		}
	}
}
