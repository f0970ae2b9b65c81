package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

type demoCommand struct {
	SchoolPort   int `hidden:"" default:"8080"`
	EmployerPort int `hidden:"" default:"8081"`
}

// errDemoConfig refuses a configuration that would not be heeded.
var errDemoConfig = &usageError{errors.New("demo brings its own configuration; leave --config out")}

// Run shows two instances that federate with each other on this machine, with
// the sample world, in a folder of their own that goes with them. It ends when
// the process is told to.
func (c demoCommand) Run(p *program) (err error) {
	if p.configFile != "" {
		return errDemoConfig
	}
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	log, err := newLogger(LogConfig{Level: "warn", Format: "text"}, p.errOut)
	if err != nil {
		return err
	}
	d := &demo{log: log}
	if d.dir, err = os.MkdirTemp("", "cohort-demo-"); err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if err := d.takeAddresses(ctx, c); err != nil {
		return err
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.run(ctx, func(w *world) error { return p.print(d.tour(w), d.tourText(w)) })
}

// demo is two engines in one process.
type demo struct {
	dir              string
	log              *slog.Logger
	school, employer *demoServer
}

// demoServer is one of them.
type demoServer struct {
	*engine
	app   *application
	ended chan error
}

// demoConfig is the configuration of one instance of the demo. Everything it
// writes is in a folder of its own, and only this machine can reach it.
func (d *demo) demoConfig(folder, host, name, kind string, port int) (Config, error) {
	dir := filepath.Join(d.dir, folder)
	return LoadConfig("", []string{
		fmt.Sprintf("COHORT_INSTANCE_URL=http://%s:%d", host, port),
		"COHORT_INSTANCE_NAME=" + name,
		"COHORT_INSTANCE_KIND=" + kind,
		fmt.Sprintf("COHORT_SERVER_LISTEN=127.0.0.1:%d", port),
		"COHORT_DATABASE_URL=sqlite:" + filepath.Join(dir, "cohort.db"),
		"COHORT_MEDIA_URL=file:" + filepath.Join(dir, "media"),
		"COHORT_SECRETS_FILE=" + filepath.Join(dir, "secrets"),
		"COHORT_FEDERATION_ALLOWED_NETWORKS=127.0.0.0/8",
		"COHORT_LOG_LEVEL=warn",
	})
}

// takeAddresses makes both engines, or none.
func (d *demo) takeAddresses(ctx context.Context, c demoCommand) error {
	engines := make([]*engine, 0, 2)
	for _, s := range []struct {
		folder, host, name, kind string
		port                     int
	}{
		{"school", "yizhong.localhost", "湘南一中", "school", c.SchoolPort},
		{"employer", "aurora.localhost", "极光科技", "employer", c.EmployerPort},
	} {
		config, err := d.demoConfig(s.folder, s.host, s.name, s.kind, s.port)
		var e *engine
		if err == nil {
			e, err = newEngine(ctx, config, "", d.log.With("instance", s.folder))
		}
		if err != nil {
			for _, taken := range engines {
				taken.release()
			}
			return fmt.Errorf("the demo needs the ports %d and %d: %w", c.SchoolPort, c.EmployerPort, err)
		}
		engines = append(engines, e)
	}
	d.school, d.employer = &demoServer{engine: engines[0]}, &demoServer{engine: engines[1]}
	return nil
}

func (d *demo) servers() []*demoServer { return []*demoServer{d.school, d.employer} }

// prepare opens both instances, or none.
func (d *demo) prepare(ctx context.Context) error {
	for n, s := range d.servers() {
		var err error
		if s.app, err = s.prepare(ctx); err == nil {
			continue
		}
		for _, other := range d.servers()[:n] {
			err = errors.Join(err, other.instance.close())
			other.release()
		}
		for _, other := range d.servers()[n+1:] {
			other.release()
		}
		return err
	}
	return nil
}

// run serves both, furnishes them once they answer, calls furnished, and
// waits for the end.
func (d *demo) run(ctx context.Context, furnished func(*world) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, s := range d.servers() {
		s.ended = make(chan error, 1)
		go func() {
			s.ended <- s.runApplication(ctx, s.app)
			stop()
		}()
	}
	err := d.furnish(ctx, furnished)
	if err == nil {
		<-ctx.Done()
	} else if ctx.Err() != nil {
		err = nil // told to end while furnishing; or a server failed, and says so below
	}
	stop()
	for _, s := range d.servers() {
		err = errors.Join(err, <-s.ended)
	}
	return err
}

func (d *demo) furnish(ctx context.Context, furnished func(*world) error) error {
	for _, s := range d.servers() {
		if err := s.answers(ctx); err != nil {
			return err
		}
	}
	w, err := furnish(ctx, d.school.instance, d.employer.instance)
	if err != nil {
		return err
	}
	return furnished(w)
}

// answers waits until a server is ready.
func (s *demoServer) answers(ctx context.Context) error {
	return until(ctx, s.config.Instance.URL+" to answer", func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.entrance.main.Addr().String()+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// demoTour is where to go and how to sign in.
type demoTour struct {
	School   string   `json:"school"`
	Employer string   `json:"employer"`
	Circle   string   `json:"circle"`
	Folder   string   `json:"folder"`
	SignIns  []signIn `json:"sign_ins"`
}

func (d *demo) tour(w *world) demoTour {
	return demoTour{
		School: d.school.config.Instance.URL, Employer: d.employer.config.Instance.URL,
		Circle: d.school.config.Instance.URL + "/c/" + class2012.Slug, Folder: d.dir, SignIns: w.signIns,
	}
}

func (d *demo) tourText(w *world) string {
	t := d.tour(w)
	var b strings.Builder
	fmt.Fprintf(&b, "Two instances run on this machine and federate with each other:\n\n  %s  %s\n  %s  %s\n\nSign in with:\n\n",
		t.School, d.school.config.Instance.Name, t.Employer, d.employer.config.Instance.Name)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  AT\tHANDLE\tPASSWORD\tROLE\tNAME")
	for _, s := range t.SignIns {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", s.Instance, s.Handle, s.Password, s.Role, s.Name)
	}
	_ = table.Flush() // into memory
	fmt.Fprintf(&b, "\nThe class circle %s is at %s: hemiao, zhouxiao and linwei sit in it and read it,\n"+
		"linwei from the other instance. For everybody else its posts do not exist.\n\n", class2012.Name, t.Circle)
	fmt.Fprintf(&b, "A Mastodon client signs in with the same addresses; one that cannot resolve names under .localhost uses\n"+
		"http://localhost:%s and http://localhost:%s.\n\n", d.school.config.BaseURL().Port(), d.employer.config.BaseURL().Port())
	fmt.Fprintf(&b, "Everything is in %s, mail as .eml files in school/mail and employer/mail there.\n"+
		"Press Ctrl-C to end; the folder is removed then.", t.Folder)
	return b.String()
}
