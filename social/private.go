package social

import (
	"context"

	"cohort/store"
)

// What a member keeps to herself: nobody else learns of any of it.

// MaxNote bounds the characters of a note about somebody.
const MaxNote = 2000

// Note writes what by wants to remember about an account; an empty text forgets it.
func (s *Service) Note(ctx context.Context, by *store.Account, target store.ID, text string) error {
	if len([]rune(text)) > MaxNote {
		return &Invalid{Field: "comment", Key: "invalid.note_long", Args: map[string]any{"Max": MaxNote}}
	}
	return s.tx(ctx, "note", func(tx *store.Tx) error {
		a, err := other(ctx, tx, by, target)
		if err != nil {
			return err
		}
		return tx.SetNote(ctx, by.ID, a.ID, CleanText(text, MaxNote))
	})
}

// MuteDomain hides from by what comes from the addresses of a domain. *Invalid for what is no domain and
// for our own.
func (s *Service) MuteDomain(ctx context.Context, by *store.Account, domain string) error {
	name, ok := NormalizeHost(domain)
	switch {
	case !ok:
		return &Invalid{Field: "domain", Key: "invalid.domain"}
	case name == s.Config.Domain, name == s.Config.Host:
		return &Invalid{Field: "domain", Key: "invalid.domain_own"}
	}
	return s.tx(ctx, "mute domain", func(tx *store.Tx) error { return tx.InsertDomainMute(ctx, by.ID, name) })
}

// UnmuteDomain undoes MuteDomain. A domain that is not muted is no error.
func (s *Service) UnmuteDomain(ctx context.Context, by *store.Account, domain string) error {
	name, ok := NormalizeHost(domain)
	if !ok {
		return &Invalid{Field: "domain", Key: "invalid.domain"}
	}
	return s.tx(ctx, "unmute domain", func(tx *store.Tx) error { return tx.DeleteDomainMute(ctx, by.ID, name) })
}

// Dismiss removes one of by's notifications. store.ErrNotFound for anybody else's.
func (s *Service) Dismiss(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "dismiss", func(tx *store.Tx) error { return tx.DismissNotification(ctx, by.ID, id) })
}

// DismissAll removes all that by has been told.
func (s *Service) DismissAll(ctx context.Context, by *store.Account) error {
	return s.tx(ctx, "dismiss all", func(tx *store.Tx) error { return tx.ClearNotifications(ctx, by.ID) })
}
