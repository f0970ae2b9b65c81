package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of every HTTP server here. Handlers that stream lift writeTime for
// their own response.
const (
	headerTime     = 10 * time.Second
	readTime       = 60 * time.Second
	writeTime      = 2 * time.Minute
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// drainTime is how long requests and jobs in progress have to finish once the
// program was told to stop. What has to be done after them still fits into the
// ten seconds that are promised.
const drainTime = 8 * time.Second

// doors are the HTTP servers of one process. They open together and close
// together.
type doors struct {
	log     *slog.Logger
	servers []*http.Server
	failed  chan error
}

func newDoors(log *slog.Logger) *doors {
	return &doors{log: log, failed: make(chan error, 8)}
}

// open serves handler on listener until close. onClose, if not nil, is called
// when closing begins, to end responses that would never end by themselves.
func (d *doors) open(name string, listener net.Listener, handler http.Handler, onClose func()) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(d.log.With("listener", name).Handler(), slog.LevelDebug),
	}
	if onClose != nil {
		server.RegisterOnShutdown(onClose)
	}
	d.servers = append(d.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.failed <- fmt.Errorf("the %s listener on %s failed: %w", name, listener.Addr(), err)
		}
	}()
}

// wait returns nil once ctx ends, or the error of a server that failed.
func (d *doors) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	}
}

// close takes no more requests and waits for those in progress until ctx
// ends; the ones that are left then are cut off.
func (d *doors) close(ctx context.Context) error {
	done := make(chan error, len(d.servers))
	for _, server := range d.servers {
		go func() {
			err := server.Shutdown(ctx)
			if err != nil {
				err = errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
			}
			done <- err
		}()
	}
	var problems []error
	for range d.servers {
		problems = append(problems, <-done)
	}
	return errors.Join(problems...)
}
