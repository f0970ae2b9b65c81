package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// newLogger writes to out as the configuration says. Lines that are logged
// with a request's context carry the request's id.
func newLogger(config LogConfig, out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(config.Level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if config.Format == "json" {
		return slog.New(requestLog{slog.NewJSONHandler(out, options)}), nil
	}
	return slog.New(requestLog{slog.NewTextHandler(out, options)}), nil
}

// asConfigured is the log of a command that goes on for long or changes the
// database's form.
func asConfigured(config LogConfig) LogConfig { return config }

// warningsOnly is the log of a command, whose result matters more than how it
// came about. Who asked for every detail gets it.
func warningsOnly(config LogConfig) LogConfig {
	if config.Level == "info" {
		config.Level = "warn"
	}
	return config
}

type requestKey struct{}

// withRequest marks ctx as belonging to the request called id.
func withRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// requestLog adds the request's id to what is logged on its behalf.
type requestLog struct{ slog.Handler }

// Handle is part of slog.Handler.
func (h requestLog) Handle(ctx context.Context, record slog.Record) error {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		record.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs is part of slog.Handler.
func (h requestLog) WithAttrs(attributes []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attributes)}
}

// WithGroup is part of slog.Handler.
func (h requestLog) WithGroup(name string) slog.Handler {
	return requestLog{h.Handler.WithGroup(name)}
}
