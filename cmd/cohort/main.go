package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"cohort/store"
)

// Exit codes that scripts may rely on.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // see exitCode
)

// commands is the command line: every flag and command of the program.
type commands struct {
	File string `name:"config" placeholder:"FILE" type:"path" help:"The configuration file. Without it the defaults and the environment hold."`
	JSON bool   `name:"json" help:"Print the result as JSON."`

	Serve   serveCommand   `cmd:"" help:"Run the instance until told to end."`
	Demo    demoCommand    `cmd:"" help:"Show two instances with a sample world on this machine."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Config  configCommands `cmd:"" help:"Look at the configuration."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to this version."`

	Account  accountCommands  `cmd:"" help:"Look after accounts."`
	Token    tokenCommands    `cmd:"" help:"Make access tokens."`
	Domain   domainCommands   `cmd:"" help:"Decide about other servers."`
	Circle   circleCommands   `cmd:"" help:"Look after circles."`
	Seat     seatCommands     `cmd:"" help:"Grant verified places."`
	Instance instanceCommands `cmd:"" help:"Say who runs this instance and by which rules."`
	Job      jobCommands      `cmd:"" help:"Look after the queue."`
	Backup   backupCommand    `cmd:"" help:"Write database and media into one file, also while serving."`
	Restore  restoreCommand   `cmd:"" help:"Fill a new instance from a backup."`
}

// program is what a command may touch of the world around it, so that tests
// can run commands without a process.
type program struct {
	ctx     context.Context
	in      io.Reader
	out     io.Writer
	errOut  io.Writer
	environ []string

	configFile string
	json       bool
}

func main() {
	p := &program{ctx: context.Background(), in: os.Stdin, out: os.Stdout, errOut: os.Stderr, environ: os.Environ()}
	os.Exit(p.run(os.Args[1:]))
}

// run carries out one command line and returns the exit code. What went wrong
// is one sentence on errOut.
func (p *program) run(args []string) int {
	var line commands
	shown := -1 // the exit code once help was shown instead of a command run
	parser, err := kong.New(&line,
		kong.Name("cohort"),
		kong.Description("Runs an instance of Cohort and looks after it."),
		kong.Writers(p.out, p.errOut),
		kong.Exit(func(code int) { shown = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: false}),
		kong.Bind(p),
	)
	if err != nil {
		return p.fail(err)
	}
	parsed, err := parser.Parse(args)
	if shown >= 0 {
		return shown
	}
	if err != nil {
		return p.fail(&usageError{err})
	}
	p.configFile, p.json = line.File, line.JSON
	if err := parsed.Run(); err != nil {
		return p.fail(err)
	}
	return exitOK
}

// usageError is a command line that asks for something that cannot be asked
// for.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// valueError is a value on the command line, or a configuration file, with
// which the command could never be done.
type valueError struct{ err error }

func (e *valueError) Error() string { return e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

// fail prints err and returns the exit code that stands for it.
func (p *program) fail(err error) int {
	sentence := err
	if errors.Is(err, store.ErrFull) {
		sentence = store.ErrFull // what exactly did not fit helps nobody
	}
	fmt.Fprintf(p.errOut, "cohort: %v\n", sentence)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(p.errOut, `"cohort --help" lists the commands.`)
	}
	return exitCode(err)
}

// exitCode is 2 for what was asked wrongly: a command line, a value on it or a
// configuration that no machine and no database would make right. Whatever
// else went wrong is 1; asked again later, it may succeed.
func exitCode(err error) int {
	var usage *usageError
	var value *valueError
	var config *ConfigError
	if errors.As(err, &usage) || errors.As(err, &value) || errors.As(err, &config) {
		return exitUsage
	}
	return exitFailed
}

// load is the configuration this command was given.
func (p *program) load() (Config, error) {
	return LoadConfig(p.configFile, p.environ)
}

// setUp is load with the log that the configuration asks for, as howMuch takes
// it: asConfigured or warningsOnly.
func (p *program) setUp(howMuch func(LogConfig) LogConfig) (Config, *slog.Logger, error) {
	config, err := p.load()
	if err != nil {
		return Config{}, nil, err
	}
	log, err := newLogger(howMuch(config.Log), p.errOut)
	return config, log, err
}
