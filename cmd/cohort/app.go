package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"

	"cohort/federation"
	"cohort/store"
	"cohort/web"
	"cohort/web/api"
	"cohort/web/auth"
	"cohort/web/i18n"
	"cohort/web/mail"
	"cohort/web/pages"
)

// application is what an engine runs: what answers requests, and what does the
// jobs.
type application struct {
	handler  http.Handler
	jobs     map[string]store.Handler
	mailer   *mail.Mailer
	mailSpot string // the folder of mail, where no server takes it
}

// newApplication puts everything that people and servers meet over an opened
// instance.
func newApplication(i *instance) (*application, error) {
	a := &application{}
	var err error
	if a.mailer, a.mailSpot, err = newMailer(i.config, i.log); err != nil {
		return nil, err
	}
	who := auth.New(i.social, i.config.TrustedProxies())
	shown, err := pages.New(pages.Config{MailToFiles: a.mailSpot != ""}, i.social, i.federation, who, i.log)
	if err != nil {
		return nil, err
	}
	texts := func(accepted, key string, args map[string]any) string {
		if accepted == "" || accepted == "*" { // a program that did not ask for any
			return i18n.T("en", key, args)
		}
		return i18n.T(i18n.Match(accepted, "", i.config.Instance.Languages), key, args)
	}
	a.handler = web.New(web.Deps{
		Social: i.social, Fed: i.federation, Auth: who, Pages: shown, Texts: texts, Log: i.log,
		API: api.New(i.social, i.federation, who, texts, i.log),
	})
	a.jobs = i.social.Handlers()
	maps.Copy(a.jobs, i.federation.Handlers())
	maps.Copy(a.jobs, mail.NewJobs(a.mailer, i.social, i.log).Handlers())
	return a, nil
}

// newMailer prepares for sending mail; spot is the folder it is written into,
// where no server takes it.
func newMailer(config Config, log *slog.Logger) (mailer *mail.Mailer, spot string, err error) {
	if config.Mail.URL == "" {
		spot = filepath.Join(config.DataDir(), "mail")
	}
	mailer, err = mail.New(mail.Config{
		URL: config.Mail.URL, From: config.MailFrom(), FromName: config.Instance.Name, Folder: spot, Log: log,
	})
	if err != nil {
		return nil, "", fmt.Errorf("mail.url: %w", err)
	}
	return mailer, spot, nil
}

// runApplication serves an application until ctx ends.
func (e *engine) runApplication(ctx context.Context, a *application) error {
	return e.run(ctx, a.handler, a.jobs, federation.Permanent)
}
