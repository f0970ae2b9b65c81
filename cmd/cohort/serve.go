package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
)

type serveCommand struct {
	Pprof string `help:"Serve profiles of the running program at this address of this machine." placeholder:"ADDR"`
}

// Run serves the configured instance until the process is told to end. What is
// in progress then has eight seconds; further signals, which some programs send
// along with the first, do not cut that short.
func (c serveCommand) Run(p *program) error {
	if c.Pprof != "" {
		if err := checkLoopback(c.Pprof); err != nil {
			return &usageError{fmt.Errorf("--pprof: %w", err)}
		}
	}
	config, log, err := p.setUp(asConfigured)
	if err != nil {
		return err
	}
	growHeap()
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	e, err := newEngine(ctx, config, c.Pprof, log)
	if err != nil {
		return err
	}
	a, err := e.prepare(ctx)
	if err != nil {
		return err
	}
	if err := p.greet(ctx, e, a); err != nil {
		err = errors.Join(err, e.instance.close())
		e.release()
		return err
	}
	return e.runApplication(ctx, a)
}

// prepare opens the instance of an engine and puts the application over it.
// When it fails, the addresses are given back.
func (e *engine) prepare(ctx context.Context) (a *application, err error) {
	defer func() {
		if err != nil {
			e.release()
		}
	}()
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	if a, err = newApplication(e.instance); err != nil {
		return nil, errors.Join(err, e.instance.close())
	}
	return a, nil
}

// greeting is what serve says to whoever started it.
type greeting struct {
	URL string `json:"url"`
	// Setup is the link with which the first admin is made; whoever has it can
	// be that. It is printed and never logged.
	Setup   string   `json:"setup,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

// greet says where the instance is, what a real one would need beyond this,
// and while there is no admin, how to become it.
func (p *program) greet(ctx context.Context, e *engine, a *application) error {
	g := greeting{URL: e.config.Instance.URL, Missing: e.missing(a)}
	secret, err := e.instance.social.SetupLink(ctx)
	if err != nil {
		return err
	}
	if secret != "" {
		g.Setup = e.config.Instance.URL + "/setup/" + secret
	}
	for _, sentence := range g.Missing {
		e.log.Warn(sentence)
	}
	return p.print(g, g.text())
}

func (g greeting) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is open.", g.URL)
	if g.Setup != "" {
		fmt.Fprintf(&b, "\nThere is no admin yet. Whoever opens this link first becomes it; it works once, within seven days:\n  %s", g.Setup)
	}
	return b.String()
}

// missing are the things that an instance for others has and this one has not.
func (e *engine) missing(a *application) []string {
	var all []string
	if e.config.Local() {
		all = append(all, "instance.url is plain http: this instance is for this machine alone; for others it needs an https address, "+
			"with server.tls_cert and tls_key, server.acme_email, or a proxy in front that speaks TLS")
	}
	if a.mailSpot != "" {
		all = append(all, "mail.url is empty: mail is not sent but written as .eml files into "+a.mailSpot)
	}
	return all
}
