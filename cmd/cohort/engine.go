package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"cohort/store"
)

// sweepEvery is how often expired rows are looked for.
const sweepEvery = 10 * time.Minute

// The database is read as a whole once it has been served for a while, and then
// every day, to find damage that nobody happened to meet.
const (
	checkAfter = 10 * time.Minute
	checkEvery = 24 * time.Hour
)

// engine runs one instance in this process: its listeners, its worker and the
// regular sweeping. The lock of a database that was served before is taken
// first, so that a second server hears of the first one and not of its
// address; then the addresses, before anything is made, so that a busy one
// changes nothing.
type engine struct {
	config   Config
	log      *slog.Logger
	entrance *entrance
	extra    []extraListener
	doors    *doors
	figures  *metrics
	probes   *probes
	instance *instance
	worker   *store.Worker
	lock     *os.File // on the SQLite database; nil for PostgreSQL
}

// extraListener is for the operator: figures or profiles.
type extraListener struct {
	name     string
	listener net.Listener
	handler  http.Handler
}

// newEngine takes the lock, if there is one to take, and the addresses. pprof is an address on this machine, or
// empty.
func newEngine(ctx context.Context, config Config, pprof string, log *slog.Logger) (_ *engine, err error) {
	e := &engine{config: config, log: log, doors: newDoors(log), figures: newMetrics()}
	defer func() {
		if err != nil {
			e.release()
		}
	}()
	if path, ok := config.SQLitePath(); ok && servedBefore(path) {
		if e.lock, err = lockServing(path); err != nil {
			return nil, err
		}
	}
	if e.entrance, err = openEntrance(ctx, config, log); err != nil {
		return nil, err
	}
	if config.Metrics.Listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", e.figures.handler())
		if err = e.listenExtra(ctx, "metrics.listen", config.Metrics.Listen, mux); err != nil {
			return nil, err
		}
	}
	if pprof != "" {
		if err = e.listenExtra(ctx, "--pprof", pprof, pprofHandler()); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *engine) listenExtra(ctx context.Context, key, address string, handler http.Handler) error {
	listener, err := openListener(ctx, key, address)
	if err == nil {
		e.extra = append(e.extra, extraListener{key, listener, handler})
	}
	return err
}

// release gives the addresses and the lock back when the engine will not run.
func (e *engine) release() {
	e.unlock()
	if e.entrance != nil {
		e.entrance.close()
	}
	for _, extra := range e.extra {
		extra.listener.Close()
	}
}

// unlock lets other processes serve the database.
func (e *engine) unlock() {
	if e.lock != nil {
		e.lock.Close()
		e.lock = nil
	}
}

// open brings the database up to date and opens the instance. An SQLite
// database that another process serves is refused before it is touched.
func (e *engine) open(ctx context.Context) error {
	if path, ok := e.config.SQLitePath(); ok && e.lock == nil {
		if err := makeDataFolder(path); err != nil {
			return err
		}
		var err error
		if e.lock, err = lockServing(path); err != nil {
			return err
		}
	}
	if err := migrateDatabase(ctx, e.config, e.log); err != nil {
		return err
	}
	var err error
	e.instance, err = openInstance(ctx, e.config, e.log)
	return err
}

// run serves app and does the jobs of handlers until ctx ends, then drains: no
// new request or job is begun, those in progress have eight seconds. It closes
// the instance and gives the addresses back.
func (e *engine) run(ctx context.Context, app http.Handler, handlers map[string]store.Handler, permanent func(string) bool) error {
	i := e.instance
	e.worker = store.NewWorker(i.db, store.WorkerConfig{Handlers: e.counted(handlers), Log: e.log, Permanent: permanent})
	i.social.Wake = e.worker.Wake
	e.probes = &probes{ping: i.db.Ready, log: e.log}
	e.figures.watch(i.queueFigures, i.db.Size, e.log)

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	e.takeOver(background)
	var jobs sync.WaitGroup
	jobs.Go(func() {
		if err := e.worker.Run(background); err != nil {
			e.log.Error("the worker ended", "error", err)
		}
	})
	jobs.Go(func() { e.sweep(background) })
	jobs.Go(func() { i.social.Relay(background) })
	jobs.Go(func() { e.check(background, checkAfter) })
	err := e.entrance.prepare(background)
	if err == nil {
		e.openDoors(app)
		err = e.doors.wait(ctx)
	}
	e.probes.stopping.Store(true)
	err = errors.Join(err, e.drain(ctx))
	stop()
	jobs.Wait()
	err = errors.Join(err, i.close())
	e.unlock()
	return err
}

// takeOver frees what a process that was killed held. On SQLite this is the
// only one that serves; on PostgreSQL the leases may be another's and end by
// themselves.
func (e *engine) takeOver(ctx context.Context) {
	if e.instance.db.Postgres() {
		return
	}
	n, err := e.instance.db.FreeLeases(ctx)
	switch {
	case err != nil:
		e.log.Error("freeing the jobs of a process that was killed", "error", err)
	case n > 0:
		e.log.Info("the process before this one was killed; its jobs are taken up", "lanes", n)
	}
}

// openDoors begins to answer.
func (e *engine) openDoors(app http.Handler) {
	var figures http.Handler
	if e.config.Local() && e.config.Metrics.Listen == "" {
		figures = e.figures.handler()
	}
	front := observe(e.probes.handler(newHosts(e.config).only(app), figures), e.log, e.figures.request)
	e.doors.open("main", e.entrance.main, front, e.instance.social.Hub.Close)
	if e.entrance.redirect != nil {
		e.doors.open("redirect", e.entrance.redirect, e.entrance.onRedirect, nil)
	}
	for _, extra := range e.extra {
		e.doors.open(extra.name, extra.listener, extra.handler, nil)
	}
	e.log.Info("serving", "url", e.config.Instance.URL, "listen", e.entrance.main.Addr().String(), "version", version)
}

// drain ends requests and jobs together, within drainTime.
func (e *engine) drain(ctx context.Context) error {
	e.log.Info("stopping")
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	var jobs sync.WaitGroup
	jobs.Go(func() {
		if err := e.worker.Drain(limit); err != nil {
			e.log.Warn("jobs were cut off and will run again", "error", err)
		}
	})
	err := e.doors.close(limit)
	jobs.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		e.log.Warn("requests were cut off", "error", err)
		err = nil
	}
	return err
}

// sweep removes expired rows until ctx ends.
func (e *engine) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := e.instance.db.Sweep(ctx, e.instance.files); err != nil && ctx.Err() == nil {
			e.log.Error("sweeping expired rows", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// check looks for damage until ctx ends or some is found, from when on the
// instance is not ready. What can be read is served on.
func (e *engine) check(ctx context.Context, wait time.Duration) {
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = checkEvery
		switch err := e.instance.db.CheckAll(ctx); {
		case errors.Is(err, store.ErrCorrupt):
			e.log.Error("the database is damaged: stop the server and restore a backup", "error", err)
			return
		case err != nil && ctx.Err() == nil:
			e.log.Warn("the database could not be checked", "error", err)
		}
	}
}

// counted has every attempt at a job appear in the figures.
func (e *engine) counted(handlers map[string]store.Handler) map[string]store.Handler {
	all := make(map[string]store.Handler, len(handlers))
	for kind, handler := range handlers {
		all[kind] = func(ctx context.Context, job store.Job) error {
			err := handler(ctx, job)
			e.figures.job(kind, jobOutcome(err))
			return err
		}
	}
	return all
}

// jobOutcome is what an attempt came to, as the worker will judge it.
func jobOutcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, store.ErrDrop):
		return "dropped"
	case errors.Is(err, store.ErrTemporary), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "later"
	}
	return "refused"
}

func (i *instance) queueFigures(ctx context.Context) (queueFigures, error) {
	stats, err := i.db.QueueStats(ctx)
	return queueFigures{Waiting: stats.Waiting, Due: stats.Due, Failing: stats.Failing, Dead: stats.Dead, Oldest: stats.OldestAge}, err
}
