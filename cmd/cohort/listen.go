package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// openListener takes address, which key of the configuration (or flag) asked
// for, and says in a sentence why it could not.
func openListener(ctx context.Context, key, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: another program listens on %s already: %w", key, address, syscall.EADDRINUSE)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: this user may not listen on %s; ports below 1024 need CAP_NET_BIND_SERVICE: %w",
			key, address, syscall.EACCES)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: this machine has no address %s: %w", key, address, syscall.EADDRNOTAVAIL)
	}
	return nil, fmt.Errorf("%s: cannot listen on %s: %w", key, address, err)
}

// entrance is how people and servers reach the instance: the main listener,
// which speaks TLS if that is configured, and for HTTPS on port 443 a second
// one on port 80 that sends everyone to the first.
type entrance struct {
	main net.Listener
	// redirect is nil if there is none.
	redirect net.Listener
	// onRedirect answers on redirect.
	onRedirect http.Handler
	// prepare starts what must run once the listeners are open; it does not
	// wait.
	prepare func(ctx context.Context) error
}

func (e *entrance) close() {
	e.main.Close()
	if e.redirect != nil {
		e.redirect.Close()
	}
}

// openEntrance takes the addresses and reads the certificates. A port 80 that
// cannot be had is logged and done without.
func openEntrance(ctx context.Context, config Config, log *slog.Logger) (*entrance, error) {
	listener, err := openListener(ctx, "server.listen", config.Server.Listen)
	if err != nil {
		return nil, err
	}
	e := &entrance{main: listener, prepare: func(context.Context) error { return nil }}
	if config.Server.TLSCert == "" && config.Server.ACMEEmail == "" {
		return e, nil
	}
	e.onRedirect = redirectTo(config.Instance.URL)
	host, port, err := net.SplitHostPort(config.Server.Listen)
	if err == nil && port == "443" {
		if e.redirect, err = openListener(ctx, "server.listen", net.JoinHostPort(host, "80")); err != nil {
			log.Warn("no redirect from http to https", "reason", err)
		}
	}
	setup, err := e.tlsConfig(config, log)
	if err != nil {
		e.close()
		return nil, err
	}
	e.main = tls.NewListener(listener, setup)
	return e, nil
}

// tlsConfig is for own certificates or for ACME, whichever is configured.
func (e *entrance) tlsConfig(config Config, log *slog.Logger) (*tls.Config, error) {
	setup := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if config.Server.ACMEEmail != "" {
		issued := newACME(config, log, e.redirect != nil)
		setup.GetCertificate = issued.magic.GetCertificate
		setup.NextProtos = append(setup.NextProtos, acmeProtocol)
		e.onRedirect = issued.issuer.HTTPChallengeHandler(e.onRedirect)
		e.prepare = issued.start
		return setup, nil
	}
	own, err := newOwnCertificate(config.Server.TLSCert, config.Server.TLSKey, time.Now, func(err error) {
		log.Error("the renewed certificate is not used", "error", err)
	})
	if err != nil {
		return nil, err
	}
	if err := own.covers(config.BaseURL().Hostname()); err != nil {
		log.Warn("browsers and other servers will refuse the certificate", "reason", err)
	}
	setup.GetCertificate = own.get
	return setup, nil
}

// redirectTo sends every request to the same path on base. The Host header is
// not believed.
func redirectTo(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if !strings.HasPrefix(path, "/") {
			path = "/"
		}
		if r.URL.RawQuery != "" {
			path += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", base+path)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
