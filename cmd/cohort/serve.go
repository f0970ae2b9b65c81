package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/signal"
	"path/filepath"
	"syscall"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/web"
	"cohort/web/api"
	"cohort/web/auth"
	"cohort/web/i18n"
	"cohort/web/mail"
	"cohort/web/pages"
)

// serveCommand is "cohort serve".
type serveCommand struct {
	Pprof string `name:"pprof" placeholder:"ADDR" help:"Offer profiles at this address of this machine, such as 127.0.0.1:6060."`
}

// Run serves the configured instance until it is told to stop.
func (c *serveCommand) Run(p *program) error {
	config, err := p.load()
	if err != nil {
		return err
	}
	log, err := newLogger(config.Log, p.errOut)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	e, err := newEngine(ctx, config, c.Pprof, log)
	if err != nil {
		return err
	}
	if err := e.open(ctx); err != nil {
		e.release()
		return err
	}
	if err := p.inviteAdmin(ctx, e.instance); err != nil {
		e.release()
		return err
	}
	return e.serve(ctx)
}

// inviteAdmin prints the one-time link with which the first admin is made. It goes to the terminal and
// never into the log.
func (p *program) inviteAdmin(ctx context.Context, i *instance) error {
	raw, err := i.social.SetupLink(ctx)
	if err != nil || raw == "" {
		return err
	}
	_, err = fmt.Fprintf(p.out, "Create the first admin here (the link works once, for a week):\n\n  %s/setup/%s\n\n", i.social.Config.BaseURL, raw)
	return err
}

// serve puts everything that answers and works over an opened instance, and runs it until ctx ends.
func (e *engine) serve(ctx context.Context) error {
	app, err := e.app()
	if err != nil {
		return err
	}
	handlers, err := e.handlers()
	if err != nil {
		return err
	}
	return e.run(ctx, app, handlers, federation.Permanent)
}

// app is what answers requests.
func (e *engine) app() (http.Handler, error) {
	i := e.instance
	who := auth.New(i.social, e.config.TrustedProxies())
	people, err := pages.New(pages.Config{MailToFiles: e.config.Mail.URL == ""}, i.social, i.federation, who, e.log)
	if err != nil {
		return nil, err
	}
	texts := func(lang, key string, args map[string]any) string {
		return i18n.T(i18n.Match(lang, "", e.config.Instance.Languages), key, args)
	}
	clients := api.New(i.social, i.federation, who, texts, e.log)
	return web.New(web.Deps{Social: i.social, Fed: i.federation, Auth: who, API: clients, Pages: people, Texts: texts, Log: e.log}), nil
}

// handlers are what does the jobs, by kind.
func (e *engine) handlers() (map[string]store.Handler, error) {
	i := e.instance
	mailer, err := mail.New(mail.Config{
		URL: e.config.Mail.URL, From: e.config.MailFrom(), FromName: e.config.Instance.Name,
		Folder: filepath.Join(e.config.DataDir(), "mail"), Log: e.log,
	})
	if err != nil {
		return nil, fmt.Errorf("mail.url: %w", err)
	}
	all := i.federation.Handlers()
	maps.Copy(all, mail.NewJobs(mailer, i.social, e.log).Handlers())
	all[store.FanOutJob] = func(ctx context.Context, job store.Job) error {
		return i.db.RunFanOut(ctx, job, func(p *store.Post, accounts []store.ID) {
			i.social.Hub.Publish(social.Event{Kind: social.EventUpdate, Post: p.ID, Accounts: accounts, Local: p.Host == ""})
		})
	}
	return all, nil
}
