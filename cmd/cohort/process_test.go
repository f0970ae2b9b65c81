package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// asProgram has this test binary be the program itself, so that tests can kill
// it without ending themselves.
const asProgram = "COHORT_TEST_AS_PROGRAM"

func init() {
	if os.Getenv(asProgram) != "" {
		main()
	}
}

// process is the program in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *output // both streams
	ended chan struct{}
}

// runProcess starts the program with these arguments. It is killed at the end
// of the test if it still runs.
func runProcess(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startProcess(t, exec.Command(self, args...), environ)
}

func startProcess(t *testing.T, cmd *exec.Cmd, environ []string) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, out: newOutput(), ended: make(chan struct{})}
	cmd.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // its outcome is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// serveProcess runs cohort serve and waits until it answers.
func serveProcess(t *testing.T, environ []string, base string) *process {
	t.Helper()
	p := runProcess(t, environ, "serve")
	p.awaitReady(base)
	return p
}

func (p *process) awaitReady(base string) {
	p.t.Helper()
	waitFor(p.t, "the program to answer", func() error {
		select {
		case <-p.ended:
			p.t.Fatalf("the program ended: %s\n%s", p.cmd.ProcessState, p.out)
		default:
		}
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
		defer cancel()
		code, text, err := askAt(ctx, "GET", base+"/readyz", "", nil)
		if err == nil && code != 200 {
			err = errors.New(text)
		}
		return err
	})
}

// kill ends it as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop ends it as an operator does, and gives the exit code and how long that took.
func (p *process) stop() (code int, took time.Duration) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("stopping: %v", err)
	}
	<-p.ended
	return p.cmd.ProcessState.ExitCode(), time.Since(began)
}
