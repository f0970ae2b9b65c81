package social

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"cohort/store"
)

// Codes are good for a quarter of an hour and five tries.
const (
	CodeLife  = 15 * time.Minute
	codeTries = 5
)

// CodeFor gives the eight digits of a verification. They are in no row and no job: whoever sends the
// mail computes them.
func (s *Service) CodeFor(id store.ID) string {
	mac := hmac.New(sha256.New, s.Config.Secret)
	fmt.Fprintf(mac, "verification:%d", id)
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(mac.Sum(nil))%100_000_000)
}

// sendCode starts a verification of address and queues its mail.
func (s *Service) sendCode(ctx context.Context, tx *store.Tx, account store.ID, purpose, address string) error {
	v := &store.Verification{ID: tx.NewID(), AccountID: account, Purpose: purpose, Address: address, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(CodeLife)}
	if err := tx.InsertVerification(ctx, v); err != nil {
		return err
	}
	tx.AfterCommit(s.Wake)
	return tx.Enqueue(ctx, MailJob, v.ID, purpose, "mail#0", tx.Now)
}

// ResendCode sends a fresh code to confirm the mailbox of account; the one before is void.
func (s *Service) ResendCode(ctx context.Context, account store.ID) error {
	u, err := s.DB.User(ctx, account)
	if err != nil {
		return err
	}
	if !u.ConfirmedAt.IsZero() || u.EmailKey == noMailbox(account) {
		return nil
	}
	return s.tx(ctx, "resend code", func(tx *store.Tx) error { return s.sendCode(ctx, tx, account, "confirm", u.Email) })
}

// Confirm proves the mailbox of an account by the code sent there. *Invalid for a code that is wrong,
// expired, used, or tried too often; all of these look the same.
func (s *Service) Confirm(ctx context.Context, account store.ID, code string) error {
	return s.withCode(ctx, account, "confirm", code, func(tx *store.Tx, _ *store.Verification) error {
		u, err := tx.User(ctx, account)
		if err != nil {
			return err
		}
		if u.EmailKey == noMailbox(account) {
			return &Invalid{Field: "code", Key: "invalid.code"} // sent to a mailbox that is another's by now
		}
		return tx.SetConfirmed(ctx, account)
	})
}

// withCode counts a try, compares, and runs f with the code used up. The try is counted whatever
// comes of it: in a transaction of its own.
func (s *Service) withCode(ctx context.Context, account store.ID, purpose, code string, f func(tx *store.Tx, v *store.Verification) error) error {
	wrong := &Invalid{Field: "code", Key: "invalid.code"}
	var v *store.Verification
	err := s.tx(ctx, "try code", func(tx *store.Tx) (err error) {
		v, err = tx.TryVerification(ctx, account, purpose)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return wrong
	}
	if err != nil {
		return err
	}
	right := subtle.ConstantTimeCompare([]byte(s.CodeFor(v.ID)), []byte(plainCode(code))) == 1
	if !right || v.Tries > codeTries {
		return wrong
	}
	return s.tx(ctx, "use code", func(tx *store.Tx) error {
		if err := tx.UseVerification(ctx, v.ID); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return wrong
			}
			return err
		}
		return f(tx, v)
	})
}

// plainCode takes the spaces and hyphens out that people type or paste between digits.
func plainCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\u3000' {
			return -1
		}
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, code)
}

// StartReset sends a code for a new password if an account has this mailbox. The answer is the same if
// none has, and so is the work, about: a row is written that nobody is sent.
func (s *Service) StartReset(ctx context.Context, email string) error {
	key, err := NormalizeEmail(email)
	if err != nil {
		return err
	}
	return s.tx(ctx, "start reset", func(tx *store.Tx) error {
		u, err := tx.UserByEmail(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return tx.InsertVerification(ctx, &store.Verification{AccountID: nobody, Purpose: "reset", ExpiresAt: tx.Now})
		}
		if err != nil {
			return err
		}
		return s.sendCode(ctx, tx, u.AccountID, "reset", u.Email)
	})
}

// nobody is the account of whoever has none; it has no row.
const nobody = store.ID(-1)

// FinishReset sets a new password by the code sent to the mailbox. It proves the mailbox too. Without the
// right code nothing tells whether the mailbox has an account: not the answer, and not the work.
func (s *Service) FinishReset(ctx context.Context, email, code, password string) error {
	wrong := &Invalid{Field: "code", Key: "invalid.code"}
	key, err := NormalizeEmail(email)
	if err != nil {
		return wrong
	}
	// A password that will not do must not use up the code. The handle comes in only once the code is right.
	if err := ValidatePassword(password, "", key); err != nil {
		return err
	}
	hash, err := HashPassword(password)
	if err != nil {
		return err
	}
	u, err := s.DB.UserByEmail(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		u, err = &store.User{AccountID: nobody}, nil
	}
	if err != nil {
		return err
	}
	return s.withCode(ctx, u.AccountID, "reset", code, func(tx *store.Tx, _ *store.Verification) error {
		a, err := tx.Account(ctx, u.AccountID)
		if err != nil {
			return err
		}
		if err := ValidatePassword(password, a.Handle, key); err != nil {
			return err
		}
		if err := tx.SetConfirmed(ctx, u.AccountID); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, u.AccountID, hash); err != nil {
			return err
		}
		return s.endAccess(ctx, tx, u.AccountID, 0)
	})
}

// setupLife is how long the link of the first start is good.
const setupLife = 7 * 24 * time.Hour

// SetupLink makes a one-time link secret with which the first admin is created. It returns "" when
// there is an admin already.
func (s *Service) SetupLink(ctx context.Context) (string, error) {
	n, err := s.DB.CountUsers(ctx, store.RoleAdmin)
	if err != nil || n > 0 {
		return "", err
	}
	raw, hash := store.NewSecret()
	err = s.tx(ctx, "setup link", func(tx *store.Tx) error {
		// Only the newest link works.
		if err := tx.DeleteLinks(ctx, "setup"); err != nil {
			return err
		}
		return tx.InsertLink(ctx, &store.Link{TokenHash: hash, Purpose: "setup", ExpiresAt: tx.Now.Add(setupLife)})
	})
	return raw, err
}

// SetupOpen tells whether a setup secret would still work, without using it.
func (s *Service) SetupOpen(ctx context.Context, raw string) (bool, error) {
	l, err := s.DB.Link(ctx, "setup", store.HashSecret(raw))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || !l.UsedAt.IsZero() || !l.ExpiresAt.After(s.DB.Now()) {
		return false, err
	}
	admins, err := s.DB.CountUsers(ctx, store.RoleAdmin)
	return err == nil && admins == 0, err
}

// Setup creates the first admin with the one-time link. store.ErrNotFound when the link is used,
// expired or unknown, and when there is an admin already, however they came to be.
func (s *Service) Setup(ctx context.Context, raw string, n NewAccount) (*store.Account, error) {
	if open, err := s.SetupOpen(ctx, raw); err != nil {
		return nil, err
	} else if !open {
		return nil, store.ErrNotFound
	}
	handle, email, err := s.checkIdentity(n.Handle, n.Email, n.Password)
	if err != nil {
		return nil, err
	}
	hash, err := HashPassword(n.Password)
	if err != nil {
		return nil, err
	}
	a := &store.Account{Kind: store.KindPerson, Handle: handle}
	err = s.tx(ctx, "setup", func(tx *store.Tx) error {
		if n, err := tx.CountUsers(ctx, store.RoleAdmin); err != nil || n > 0 {
			return errors.Join(err, store.ErrNotFound)
		}
		u := &store.User{Email: mailAddress(n.Email, email), EmailKey: email, PasswordHash: hash, Role: store.RoleAdmin, ConfirmedAt: tx.Now, ApprovedAt: tx.Now, DefaultVisibility: store.Public}
		a.ID = tx.NewID()
		if err := tx.UseLink(ctx, "setup", store.HashSecret(raw), a.ID); err != nil {
			return err
		}
		if err := s.insertKnown(ctx, tx, a, u); err != nil {
			return err
		}
		return tx.Audit(ctx, a.ID, "account.setup", a.URI, "")
	})
	return a, err
}

// takenEvery is how often, at most, somebody is told that their mailbox was used to sign up.
const takenEvery = 24 * time.Hour

// tellOwner tells the owner of a mailbox that it was named to sign up, unless that was told lately.
func (s *Service) tellOwner(ctx context.Context, tx *store.Tx, u *store.User) error {
	told, err := tx.VerificationsSince(ctx, u.AccountID, "taken", tx.Now.Add(-takenEvery))
	if err != nil || told > 0 {
		return err
	}
	return s.sendCode(ctx, tx, u.AccountID, "taken", u.Email)
}

// inviteLife is how long an invitation is good.
const inviteLife = 14 * 24 * time.Hour

// Invite makes the secret of an invitation with which one person can register while registration is by
// invitation only. by is who invites, 0 for the operator.
func (s *Service) Invite(ctx context.Context, by store.ID) (string, error) {
	raw, hash := store.NewSecret()
	err := s.tx(ctx, "invite", func(tx *store.Tx) error {
		if err := tx.Audit(ctx, by, "account.invite", "", ""); err != nil {
			return err
		}
		return tx.InsertLink(ctx, &store.Link{TokenHash: hash, Purpose: "invite", MadeBy: by, ExpiresAt: tx.Now.Add(inviteLife)})
	})
	return raw, err
}
