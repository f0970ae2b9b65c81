package social

import (
	"errors"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// An invitation lets in one person, once; without one nobody gets in.
func TestInvite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, err := New(Config{BaseURL: "https://school.example", Host: "school.example", Domain: "school.example", Registration: RegistrationInvite, Secret: make([]byte, 32)}, db, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := s.Invite(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		join := func(handle, invite string) error {
			_, err := s.Register(t.Context(), Registration{Handle: handle, Email: handle + "@mail.example", Password: "a long enough passphrase", Invite: invite, Agreed: true})
			return err
		}
		for _, bad := range []string{"", "made up", raw + "x"} {
			if err := join("ada", bad); !errors.Is(err, &Invalid{Key: "invalid.invite"}) {
				t.Errorf("with the invitation %q: %v", bad, err)
			}
		}
		if err := join("ada", raw); err != nil {
			t.Errorf("with a good one: %v", err)
		}
		if err := join("bob", raw); !errors.Is(err, &Invalid{Key: "invalid.invite"}) {
			t.Errorf("with a used one: %v", err)
		}
	})
}
