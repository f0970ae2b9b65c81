package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// acmeProtocol is how a certificate authority checks us within TLS.
// spec: RFC8737 §6.2.
const acmeProtocol = "acme-tls/1"

// acmeCertificates obtains and renews the certificate of our host and keeps it
// in the folder acme beside the database.
type acmeCertificates struct {
	host   string
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
}

// newACME prepares without contacting anyone. onPort80 says that the HTTP
// challenge can be answered as well as the one within TLS.
func newACME(config Config, log *slog.Logger, onPort80 bool) *acmeCertificates {
	a := &acmeCertificates{host: config.BaseURL().Hostname()}
	logger := zap.New(&slogCore{log: log.With("part", "certificates")})
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil },
		Logger:           logger,
	})
	a.magic = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: filepath.Join(config.DataDir(), "acme")},
		Logger:  logger,
	})
	issuer := certmagic.ACMEIssuer{
		CA:                   certmagic.LetsEncryptProductionCA,
		Email:                config.Server.ACMEEmail,
		Agreed:               true,
		DisableHTTPChallenge: !onPort80,
		Logger:               logger,
	}
	if config.Server.ACMEDirectory != "" {
		issuer.CA = config.Server.ACMEDirectory
		issuer.TestCA = issuer.CA // tried after a failure; no authority but this one is asked
	}
	// The world reaches server.listen as port 443, whatever its number here.
	if _, port, err := net.SplitHostPort(config.Server.Listen); err == nil {
		if number, err := strconv.Atoi(port); err == nil {
			issuer.AltTLSALPNPort = number
		}
	}
	a.issuer = certmagic.NewACMEIssuer(a.magic, issuer)
	a.magic.Issuers = []certmagic.Issuer{a.issuer}
	return a
}

// start begins to obtain and renew in the background until ctx ends.
func (a *acmeCertificates) start(ctx context.Context) error {
	context.AfterFunc(ctx, a.cache.Stop)
	if err := a.magic.ManageAsync(ctx, []string{a.host}); err != nil {
		return fmt.Errorf("server.acme_email: cannot manage the certificate of %s: %w", a.host, err)
	}
	return nil
}

// slogCore hands what the certificate library logs on to our log.
type slogCore struct {
	log    *slog.Logger
	fields []zapcore.Field
}

// Enabled is part of zapcore.Core.
func (c *slogCore) Enabled(level zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(level))
}

// With is part of zapcore.Core.
func (c *slogCore) With(fields []zapcore.Field) zapcore.Core {
	return &slogCore{c.log, append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

// Check is part of zapcore.Core.
func (c *slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write is part of zapcore.Core.
func (c *slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	for _, field := range append(c.fields[:len(c.fields):len(c.fields)], fields...) {
		field.AddTo(encoder)
	}
	attributes := make([]slog.Attr, 0, len(encoder.Fields))
	for name, value := range encoder.Fields {
		attributes = append(attributes, slog.Any(name, value))
	}
	c.log.LogAttrs(context.Background(), slogLevel(entry.Level), entry.Message, attributes...)
	return nil
}

// Sync is part of zapcore.Core.
func (c *slogCore) Sync() error { return nil }

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level <= zapcore.DebugLevel:
		return slog.LevelDebug
	case level == zapcore.InfoLevel:
		return slog.LevelInfo
	case level == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelError
}
