package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

// Jobs sends the mails that were queued with what they are about.
type Jobs struct {
	mailer *Mailer
	s      *social.Service
	log    *slog.Logger
}

// NewJobs makes the sender of queued mails.
func NewJobs(m *Mailer, s *social.Service, log *slog.Logger) *Jobs {
	return &Jobs{mailer: m, s: s, log: log}
}

// Handlers are the kinds of job that are done here.
func (j *Jobs) Handlers() map[string]store.Handler {
	return map[string]store.Handler{social.MailJob: j.Send}
}

// Send sends the mail of one verification. What nobody waits for any more, and what the mail server
// refuses for good, is dropped; anything else is tried again later, while the code still works.
func (j *Jobs) Send(ctx context.Context, job store.Job) error {
	v, err := j.s.DB.Verification(ctx, job.ObjectID)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrDrop
	}
	if err != nil {
		return temporary(err)
	}
	if v.Purpose != job.Target || !v.UsedAt.IsZero() || !v.ExpiresAt.After(j.s.DB.Now()) {
		return store.ErrDrop
	}
	message, err := j.message(ctx, v)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrDrop
	}
	if err != nil {
		return temporary(err)
	}
	err = j.mailer.Send(ctx, message)
	if errors.Is(err, ErrRefused) {
		// The address is the person's own business and stays out of the log.
		j.log.Warn("mail refused for good", "verification", v.ID.String(), "purpose", v.Purpose)
		return store.ErrDrop
	}
	if err != nil {
		return temporary(err)
	}
	return nil
}

func temporary(err error) error { return fmt.Errorf("%w: %w", store.ErrTemporary, err) }

// letters are the texts of a mail, by what its verification is for, and the page where it goes on.
var letters = map[string]struct{ subject, text, page string }{
	"confirm": {"mail.confirm.subject", "mail.confirm.text", "/confirm"},
	"reset":   {"mail.reset.subject", "mail.reset.text", "/reset"},
	"taken":   {"mail.taken.subject", "mail.taken.text", "/sign-in"},
}

// message writes the mail of a verification in its reader's language.
func (j *Jobs) message(ctx context.Context, v *store.Verification) (Message, error) {
	letter, known := letters[v.Purpose]
	if !known {
		return Message{}, store.ErrNotFound
	}
	account, err := j.s.DB.Account(ctx, v.AccountID)
	if err != nil {
		return Message{}, err
	}
	user, err := j.s.DB.User(ctx, v.AccountID)
	if err != nil {
		return Message{}, err
	}
	if !account.Live() {
		return Message{}, store.ErrNotFound
	}
	c := j.s.Config
	args := map[string]any{
		"site": c.Name, "host": c.Domain, "handle": account.Handle, "url": c.BaseURL + letter.page,
		"code": j.s.CodeFor(v.ID), "count": minutes(v.ExpiresAt.Sub(v.CreatedAt)),
	}
	if v.Purpose == "taken" {
		delete(args, "code")
	}
	lang := j.language(user)
	return Message{
		To:      v.Address,
		Subject: i18n.T(lang, letter.subject, args),
		Text:    i18n.T(lang, letter.text, args) + "\n",
	}, nil
}

func minutes(d time.Duration) int { return int(d / time.Minute) }

// language is the user's, where the instance speaks it, else the instance's first.
func (j *Jobs) language(u *store.User) string {
	spoken := j.s.Config.Languages
	if slices.Contains(spoken, u.Language) {
		return u.Language
	}
	if len(spoken) > 0 {
		return spoken[0]
	}
	return i18n.Default
}
