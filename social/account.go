package social

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cohort/store"
)

// Registration is what someone types to get an account.
type Registration struct {
	Handle, Email, Password string
	Language                string
	Reason                  string // why they want to join, where that is asked
	Invite                  string // the secret of an invitation, where one is needed
	Agreed                  bool   // they accept the rules
}

// The ways of registration.
const (
	RegistrationOpen     = "open"
	RegistrationApproval = "approval"
	RegistrationInvite   = "invite"
	RegistrationClosed   = "closed"
)

// Register makes an account that waits for its mailbox to be confirmed and, where the instance says
// so, for approval. The code is sent by mail in the same transaction. *Invalid names what is wrong.
//
// Whether a mailbox has an account already is told to its owner, by mail, and to nobody else: all else is
// as if it had none, but the account that is made can never be confirmed. A mailbox that nobody has
// confirmed yet goes to whoever named it last.
func (s *Service) Register(ctx context.Context, r Registration) (*store.Account, error) {
	if s.Config.Registration == RegistrationClosed {
		return nil, ErrForbidden
	}
	handle, email, err := s.checkIdentity(r.Handle, r.Email, r.Password)
	if err != nil {
		return nil, err
	}
	if ReservedHandle(handle) {
		return nil, &Invalid{Field: "username", Key: "invalid.handle_reserved"}
	}
	if !r.Agreed {
		return nil, &Invalid{Field: "agreement", Key: "invalid.agreement"}
	}
	if s.Config.Registration == RegistrationApproval && strings.TrimSpace(r.Reason) == "" {
		return nil, &Invalid{Field: "reason", Key: "invalid.reason_empty"}
	}
	if len(r.Reason) > 2000 {
		return nil, &Invalid{Field: "reason", Key: "invalid.reason"}
	}
	if _, ok := s.Limits.Take(LimitMail, "sign-up "+email); !ok {
		return nil, ErrLimited
	}
	hash, err := HashPassword(r.Password)
	if err != nil {
		return nil, err
	}
	a := &store.Account{Kind: store.KindPerson, Handle: handle}
	err = s.insertOnce(ctx, "register", func(tx *store.Tx) error {
		u := &store.User{
			Email: mailAddress(r.Email, email), EmailKey: email, PasswordHash: hash, Role: store.RoleMember, DefaultVisibility: store.Public,
			Language: languageTag(r.Language), DefaultLanguage: languageTag(r.Language), Reason: CleanText(r.Reason, 2000),
		}
		return s.register(ctx, tx, a, u, r.Invite)
	})
	return a, err
}

// register is the transaction of Register.
func (s *Service) register(ctx context.Context, tx *store.Tx, a *store.Account, u *store.User, invite string) error {
	a.ID = tx.NewID()
	if s.Config.Registration == RegistrationInvite {
		err := tx.UseLink(ctx, "invite", store.HashSecret(invite), a.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = &Invalid{Field: "invite", Key: "invalid.invite"}
		}
		if err != nil {
			return err
		}
	}
	if s.Config.Registration == RegistrationOpen || s.Config.Registration == RegistrationInvite {
		u.ApprovedAt = tx.Now
	}
	owner, err := tx.UserByEmail(ctx, u.EmailKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case owner.ConfirmedAt.IsZero():
		if err := tx.SetEmail(ctx, owner.AccountID, "", noMailbox(owner.AccountID)); err != nil {
			return err
		}
	default:
		u.Email, u.EmailKey = "", noMailbox(a.ID)
		if err := s.insertPerson(ctx, tx, a, u); err != nil {
			return err
		}
		return s.tellOwner(ctx, tx, owner)
	}
	if err := s.insertPerson(ctx, tx, a, u); err != nil {
		return err
	}
	return s.sendCode(ctx, tx, a.ID, "confirm", u.Email)
}

// noMailbox stands for the mailbox of an account that has none. It is no mailbox, so nobody names it.
func noMailbox(account store.ID) string { return "none:" + account.String() }

// mailAddress is where mail for a mailbox goes: the part before the @ as its owner types it, the domain in
// the form that key has.
func mailAddress(typed, key string) string {
	typed = strings.TrimSpace(strings.ReplaceAll(typed, "＠", "@"))
	return typed[:strings.LastIndexByte(typed, '@')+1] + EmailDomain(key)
}

// insertTries is how often somebody new is tried to be made while others take the same names.
const insertTries = 20

// insertOnce runs a transaction that makes somebody new. Of two at the same moment with the same handle
// or mailbox the second runs again, and then finds what the first made.
func (s *Service) insertOnce(ctx context.Context, name string, f func(tx *store.Tx) error) (err error) {
	for range insertTries {
		if err = s.tx(ctx, name, f); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// checkIdentity checks handle, mailbox and password together and returns the first two in the form in
// which they are compared.
func (s *Service) checkIdentity(handle, email, password string) (string, string, error) {
	handle = strings.ToLower(strings.TrimSpace(handle))
	if !ValidHandle(handle) {
		return "", "", &Invalid{Field: "username", Key: "invalid.handle"}
	}
	key, err := NormalizeEmail(email)
	if err != nil {
		return "", "", err
	}
	if err := ValidatePassword(password, handle, key); err != nil {
		return "", "", err
	}
	return handle, key, nil
}

// insertPerson stores a new local person with its sign-in. store.ErrConflict for a mailbox that is taken.
func (s *Service) insertPerson(ctx context.Context, tx *store.Tx, a *store.Account, u *store.User) error {
	if _, err := tx.AccountByHandle(ctx, a.Handle, ""); err == nil {
		return &Invalid{Field: "username", Key: "invalid.handle_taken"}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	a.CreatedAt, a.UpdatedAt = tx.Now, tx.Now
	s.localActor(a)
	if err := tx.InsertAccount(ctx, a); err != nil {
		return err
	}
	u.AccountID, u.CreatedAt = a.ID, tx.Now
	return tx.InsertUser(ctx, u)
}

// insertKnown is insertPerson for those who may be told that a mailbox is taken.
func (s *Service) insertKnown(ctx context.Context, tx *store.Tx, a *store.Account, u *store.User) error {
	if _, err := tx.UserByEmail(ctx, u.EmailKey); err == nil {
		return &Invalid{Field: "email", Key: "invalid.email_taken"}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.insertPerson(ctx, tx, a, u)
}

// NewAccount is an account made by the operator: confirmed and approved at once.
type NewAccount struct {
	Handle, Email, Password, Role string
}

// Roles are the roles that an account can have, from least to most.
var Roles = []string{store.RoleMember, store.RoleVerifier, store.RoleModerator, store.RoleAdmin}

// CreateAccount makes an account for the operator. Reserved names are allowed here.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (*store.Account, error) {
	handle, email, err := s.checkIdentity(n.Handle, n.Email, n.Password)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(Roles, n.Role) {
		return nil, &Invalid{Field: "role", Key: "invalid.role"}
	}
	hash, err := HashPassword(n.Password)
	if err != nil {
		return nil, err
	}
	a := &store.Account{Kind: store.KindPerson, Handle: handle}
	err = s.insertOnce(ctx, "create account", func(tx *store.Tx) error {
		u := &store.User{Email: mailAddress(n.Email, email), EmailKey: email, PasswordHash: hash, Role: n.Role, ConfirmedAt: tx.Now, ApprovedAt: tx.Now, DefaultVisibility: store.Public}
		if err := s.insertKnown(ctx, tx, a, u); err != nil {
			return err
		}
		return tx.Audit(ctx, 0, "account.create", a.URI, n.Role)
	})
	return a, err
}

// SignIn checks a mailbox or handle and a password and starts a session. The raw session secret is
// returned once and stored nowhere. Whoever is not known here costs the same time and gets the same
// answer, ErrForbidden, as a wrong password.
func (s *Service) SignIn(ctx context.Context, name, password, agent string) (string, *store.User, error) {
	u, err := s.userNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		CheckPassword("", password) // the same work, so that the time tells nothing
		return "", nil, ErrForbidden
	}
	if err != nil {
		return "", nil, err
	}
	ok := CheckPassword(u.PasswordHash, password)
	a, err := s.DB.Account(ctx, u.AccountID)
	if err != nil {
		return "", nil, err
	}
	if !ok || !a.Live() {
		return "", nil, ErrForbidden
	}
	raw, err := s.StartSession(ctx, u.AccountID, agent)
	return raw, u, err
}

func (s *Service) userNamed(ctx context.Context, name string) (*store.User, error) {
	name = strings.TrimSpace(name)
	if key, err := NormalizeEmail(name); err == nil {
		return s.DB.UserByEmail(ctx, key)
	}
	handle, host, err := ParseAddress(name)
	if err != nil || s.domainOf(host) != "" {
		return nil, store.ErrNotFound
	}
	a, err := s.DB.AccountByHandle(ctx, handle, "")
	if err != nil {
		return nil, err
	}
	return s.DB.User(ctx, a.ID)
}

// SessionLife is how long a browser stays signed in.
const SessionLife = 90 * 24 * time.Hour

// StartSession opens a session for an account that has proved itself.
func (s *Service) StartSession(ctx context.Context, account store.ID, agent string) (string, error) {
	raw, hash := store.NewSecret()
	agent = CleanText(agent, 200)
	err := s.tx(ctx, "start session", func(tx *store.Tx) error {
		return tx.InsertSession(ctx, &store.Session{
			ID: tx.NewID(), TokenHash: hash, AccountID: account, UserAgent: agent,
			CreatedAt: tx.Now, UsedAt: tx.Now, ExpiresAt: tx.Now.Add(SessionLife),
		})
	})
	return raw, err
}

// EndSession signs a browser out.
func (s *Service) EndSession(ctx context.Context, account, session store.ID) error {
	err := s.tx(ctx, "end session", func(tx *store.Tx) error { return tx.EndSession(ctx, account, session) })
	if err == nil {
		s.Hub.Drop(account)
	}
	return err
}

// ChangePassword needs the present password; it ends every other session and every token.
func (s *Service) ChangePassword(ctx context.Context, by *store.Account, session store.ID, old, password string) error {
	u, err := s.DB.User(ctx, by.ID)
	if err != nil {
		return err
	}
	if !CheckPassword(u.PasswordHash, old) {
		return &Invalid{Field: "current_password", Key: "invalid.password_wrong"}
	}
	return s.setPassword(ctx, u, by.Handle, password, session, nil)
}

// setPassword stores a new password and ends everything that the old one opened. before runs first in
// the same transaction.
func (s *Service) setPassword(ctx context.Context, u *store.User, handle, password string, keep store.ID, before func(tx *store.Tx) error) error {
	if err := ValidatePassword(password, handle, u.EmailKey); err != nil {
		return err
	}
	hash, err := HashPassword(password)
	if err != nil {
		return err
	}
	return s.tx(ctx, "set password", func(tx *store.Tx) error {
		if before != nil {
			if err := before(tx); err != nil {
				return err
			}
		}
		if err := tx.SetPassword(ctx, u.AccountID, hash); err != nil {
			return err
		}
		return s.endAccess(ctx, tx, u.AccountID, keep)
	})
}

// endAccess ends sessions but keep, tokens and live streams of an account.
func (s *Service) endAccess(ctx context.Context, tx *store.Tx, account, keep store.ID) error {
	if err := tx.EndSessions(ctx, account, keep); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.Hub.Drop(account) })
	return tx.RevokeTokens(ctx, account)
}

// SetPassword is the operator's way to give an account a new password.
func (s *Service) SetPassword(ctx context.Context, account *store.Account, password string) error {
	u, err := s.DB.User(ctx, account.ID)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, u, account.Handle, password, 0, func(tx *store.Tx) error {
		return tx.Audit(ctx, 0, "account.reset-password", account.URI, "")
	})
}

// Approve lets in somebody who waits for approval; a second time changes nothing. store.ErrNotFound for
// whoever does not sign in here.
func (s *Service) Approve(ctx context.Context, account *store.Account, by store.ID) error {
	return s.tx(ctx, "approve", func(tx *store.Tx) error {
		if err := tx.SetApproved(ctx, account.ID); err != nil {
			return err
		}
		return tx.Audit(ctx, by, "account.approve", account.URI, "")
	})
}

// Suspend shuts an account out, here or elsewhere: nobody sees it and it sees nobody. Undone by
// Unsuspend.
func (s *Service) Suspend(ctx context.Context, account *store.Account, by store.ID, reason string) error {
	if account.Local() && account.Kind == store.KindServer {
		return ErrForbidden // it speaks for all of us
	}
	reason = CleanText(reason, 1000)
	return s.tx(ctx, "suspend", func(tx *store.Tx) error {
		if err := tx.SetSuspended(ctx, account.ID, true); err != nil {
			return err
		}
		if err := tx.Audit(ctx, by, "account.suspend", account.URI, reason); err != nil {
			return err
		}
		if !account.Local() {
			return nil
		}
		if err := s.endAccess(ctx, tx, account.ID, 0); err != nil {
			return err
		}
		return s.tellActor(ctx, tx, account, "update_actor")
	})
}

// Unsuspend lets a suspended account back in; it has to sign in again.
func (s *Service) Unsuspend(ctx context.Context, account *store.Account, by store.ID) error {
	return s.tx(ctx, "unsuspend", func(tx *store.Tx) error {
		if err := tx.SetSuspended(ctx, account.ID, false); err != nil {
			return err
		}
		if err := tx.Audit(ctx, by, "account.unsuspend", account.URI, ""); err != nil {
			return err
		}
		if !account.Local() {
			return nil
		}
		return s.tellActor(ctx, tx, account, "update_actor")
	})
}

// DeleteAccount removes a local account for good with all it wrote, and tells every server that knows
// it. The handle is never given out again.
func (s *Service) DeleteAccount(ctx context.Context, account *store.Account, by store.ID) error {
	if !account.Local() || account.Kind == store.KindServer || account.Kind == store.KindCircle {
		return ErrForbidden
	}
	var pictures []string
	err := s.tx(ctx, "delete account", func(tx *store.Tx) error {
		now, err := tx.Account(ctx, account.ID)
		if err != nil {
			return err
		}
		pictures = []string{now.Avatar, now.Header}
		// Who has to be told is found before the follows are gone.
		if err := s.tellActor(ctx, tx, account, "delete_actor"); err != nil {
			return err
		}
		if err := tx.Audit(ctx, by, "account.delete", account.URI, ""); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.Hub.Drop(account.ID) })
		return s.bury(ctx, tx, account.ID)
	})
	if err == nil {
		s.DiscardFiles(ctx, pictures...)
	}
	return err
}

// tellActor queues news about an actor of ours for every server that holds a relation to it or was
// sent a post by it.
func (s *Service) tellActor(ctx context.Context, tx *store.Tx, a *store.Account, kind string) error {
	act := &store.Activity{ID: tx.NewID(), Kind: kind, ActorID: a.ID, TargetID: a.ID}
	n, err := tx.EnqueueKnowing(ctx, ActivityJob, act.ID, a.ID)
	if err != nil || n == 0 {
		return err
	}
	tx.AfterCommit(s.Wake)
	return tx.InsertActivity(ctx, act)
}
