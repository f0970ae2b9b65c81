package social

import (
	"context"
	"errors"
	"strings"

	"cohort/store"
)

// The settings in which an instance says something of itself.
const (
	settingDescription = "description"
	settingAbout       = "about"
	settingTerms       = "terms"
	settingEmail       = "contact_email"
	settingContact     = "contact_account"
)

// Limits of what an instance says of itself, in characters.
const (
	MaxDescription = 1_000
	MaxAbout       = 20_000 // also of the terms
	MaxRules       = 50
	MaxRule        = 500
)

// About is what an instance says of itself. What was not set is empty. Texts are plain, as they were
// typed; whoever shows them formats or escapes them.
type About struct {
	Description  string         // a few sentences: the first thing strangers read
	About        string         // whatever else there is to say
	Terms        string         // what people agree to besides the rules
	ContactEmail string         // for people without an account
	Contact      *store.Account // who answers for the instance
	Rules        []store.Rule
}

// About reads it.
func (s *Service) About(ctx context.Context) (About, error) {
	var a About
	var handle string
	for name, at := range map[string]*string{
		settingDescription: &a.Description, settingAbout: &a.About, settingTerms: &a.Terms, settingEmail: &a.ContactEmail, settingContact: &handle,
	} {
		var err error
		if *at, err = s.DB.Setting(ctx, name); err != nil {
			return About{}, err
		}
	}
	var err error
	if a.Rules, err = s.DB.Rules(ctx); err != nil || handle == "" {
		return a, err
	}
	contact, err := s.DB.AccountByHandle(ctx, handle, "")
	switch {
	case errors.Is(err, store.ErrNotFound): // no longer
	case err != nil:
		return About{}, err
	case contact.Live():
		a.Contact = contact
	}
	return a, nil
}

// AboutChange is what SetAbout changes: nil leaves as it is, an empty text takes away.
type AboutChange struct {
	Description, About, Terms, ContactEmail *string
	Contact                                 *string   // a person's handle here
	Rules                                   *[]string // all of them, in their order
}

// SetAbout changes what the instance says of itself. *Invalid for what is too long or no mailbox,
// store.ErrNotFound where nobody here has the contact's handle.
func (s *Service) SetAbout(ctx context.Context, c AboutChange, by store.ID) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	rules, err := cleanRules(c.Rules)
	if err != nil {
		return err
	}
	return s.tx(ctx, "set about", func(tx *store.Tx) error {
		if c.Contact != nil {
			handle, err := s.contactHandle(ctx, tx, *c.Contact)
			if err != nil {
				return err
			}
			settings[settingContact] = handle
		}
		for name, value := range settings {
			if err := tx.SetSetting(ctx, name, value); err != nil {
				return err
			}
			if err := tx.Audit(ctx, by, "instance.set", name, ""); err != nil {
				return err
			}
		}
		if c.Rules == nil {
			return nil
		}
		if err := tx.SetRules(ctx, rules); err != nil {
			return err
		}
		return tx.Audit(ctx, by, "instance.set", "rules", "")
	})
}

// settings are the texts and the mailbox, checked.
func (c AboutChange) settings() (map[string]string, error) {
	settings := map[string]string{}
	for _, text := range []struct {
		name  string
		given *string
		limit int
	}{{settingDescription, c.Description, MaxDescription}, {settingAbout, c.About, MaxAbout}, {settingTerms, c.Terms, MaxAbout}} {
		if text.given == nil {
			continue
		}
		clean := CleanText(*text.given, text.limit+1)
		if len([]rune(clean)) > text.limit {
			return nil, &Invalid{Field: text.name, Key: "invalid.text_long", Args: map[string]any{"Max": text.limit}}
		}
		settings[text.name] = clean
	}
	if c.ContactEmail != nil {
		email, err := NormalizeEmail(*c.ContactEmail)
		if strings.TrimSpace(*c.ContactEmail) == "" {
			email, err = "", nil
		}
		if err != nil {
			return nil, &Invalid{Field: settingEmail, Key: "invalid.email"}
		}
		settings[settingEmail] = email
	}
	return settings, nil
}

// cleanRules tidies rules and leaves out empty ones.
func cleanRules(given *[]string) ([]string, error) {
	if given == nil {
		return nil, nil
	}
	var rules []string
	for _, text := range *given {
		rule := strings.Join(strings.Fields(CleanText(text, 2*MaxRule)), " ")
		if len([]rune(rule)) > MaxRule {
			return nil, &Invalid{Field: "rules", Key: "invalid.text_long", Args: map[string]any{"Max": MaxRule}}
		}
		if rule != "" {
			rules = append(rules, rule)
		}
	}
	if len(rules) > MaxRules {
		return nil, &Invalid{Field: "rules", Key: "invalid.rules_many", Args: map[string]any{"Max": MaxRules}}
	}
	return rules, nil
}

// contactHandle is the handle of somebody here, or empty if address is.
func (s *Service) contactHandle(ctx context.Context, tx *store.Tx, address string) (string, error) {
	if strings.TrimSpace(address) == "" {
		return "", nil
	}
	handle, host, err := ParseAddress(address)
	if err != nil || s.domainOf(host) != "" {
		return "", &Invalid{Field: settingContact, Key: "invalid.handle"}
	}
	account, err := tx.AccountByHandle(ctx, handle, "")
	if err == nil && (account.Kind != store.KindPerson || !account.Live()) {
		err = store.ErrNotFound
	}
	return handle, err
}
