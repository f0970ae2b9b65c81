package main

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxConfigBytes bounds the configuration file; a larger one is a mistake.
const maxConfigBytes = 1 << 20

// Config is everything an operator can set, as it is after the environment,
// the file and the defaults were laid over each other and found valid: paths
// are absolute and instance.url is in its normal form.
//
// Every field with a toml tag is a key; config.example.toml describes each.
type Config struct {
	Instance     InstanceConfig     `toml:"instance"`
	Server       ServerConfig       `toml:"server"`
	Database     DatabaseConfig     `toml:"database"`
	Media        MediaConfig        `toml:"media"`
	Federation   FederationConfig   `toml:"federation"`
	Limits       LimitsConfig       `toml:"limits"`
	Registration RegistrationConfig `toml:"registration"`
	Secrets      SecretsConfig      `toml:"secrets"`
	Mail         MailConfig         `toml:"mail"`
	Log          LogConfig          `toml:"log"`
	Metrics      MetricsConfig      `toml:"metrics"`

	// baseURL is instance.url once it was found valid.
	baseURL *url.URL
	// trusted and allowed are the parsed lists of the same meaning.
	trusted, allowed []netip.Prefix
}

// InstanceConfig says which instance this is.
type InstanceConfig struct {
	URL           string   `toml:"url"`
	AccountDomain string   `toml:"account_domain"`
	Name          string   `toml:"name"`
	Kind          string   `toml:"kind"`
	Languages     []string `toml:"languages"`
}

// ServerConfig says where and how it listens.
type ServerConfig struct {
	Listen         string   `toml:"listen"`
	TLSCert        string   `toml:"tls_cert"`
	TLSKey         string   `toml:"tls_key"`
	ACMEEmail      string   `toml:"acme_email"`
	ACMEDirectory  string   `toml:"acme_directory"`
	TrustedProxies []string `toml:"trusted_proxies"`
}

// DatabaseConfig says where the rows are and how safely they are written.
type DatabaseConfig struct {
	URL         string `toml:"url"`
	Synchronous string `toml:"synchronous"`
}

// MediaConfig says where uploaded and cached files are.
type MediaConfig struct {
	URL string `toml:"url"`
}

// FederationConfig says which other servers are spoken with.
type FederationConfig struct {
	Mode            string   `toml:"mode"`
	AllowedNetworks []string `toml:"allowed_networks"`
	AuthorizedFetch bool     `toml:"authorized_fetch"`
}

// LimitsConfig switches the rate limits.
type LimitsConfig struct {
	Enabled bool `toml:"enabled"`
}

// RegistrationConfig says who may open an account.
type RegistrationConfig struct {
	Mode string `toml:"mode"`
}

// SecretsConfig says where the instance secret is.
type SecretsConfig struct {
	File string `toml:"file"`
}

// MailConfig says how mail leaves.
type MailConfig struct {
	URL  string `toml:"url"`
	From string `toml:"from"`
}

// LogConfig says how much is logged and in which form.
type LogConfig struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// MetricsConfig says where the figures are read.
type MetricsConfig struct {
	Listen string `toml:"listen"`
}

// DefaultConfig is the configuration of an instance that was told nothing: it
// answers to this machine only and keeps its data in ./data.
func DefaultConfig() Config {
	return Config{
		Instance: InstanceConfig{
			URL:       "http://localhost:8080",
			Name:      "Cohort",
			Kind:      "school",
			Languages: []string{"zh", "en"},
		},
		Server:       ServerConfig{Listen: "127.0.0.1:8080", TrustedProxies: []string{}},
		Database:     DatabaseConfig{URL: "sqlite:data/cohort.db", Synchronous: "full"},
		Media:        MediaConfig{URL: "file:data/media"},
		Federation:   FederationConfig{Mode: "open", AllowedNetworks: []string{}},
		Limits:       LimitsConfig{Enabled: true},
		Registration: RegistrationConfig{Mode: "approval"},
		Secrets:      SecretsConfig{File: "data/secrets"},
		Log:          LogConfig{Level: "info", Format: "text"},
	}
}

// ConfigError holds everything that is wrong with a configuration, one
// sentence each, every sentence beginning with the key it is about.
type ConfigError struct {
	Problems []string
}

func (e *ConfigError) Error() string {
	return "the configuration is not valid:\n  " + strings.Join(e.Problems, "\n  ")
}

// LoadConfig reads the file at path (none if path is empty), lays the
// environment (as os.Environ gives it) over it and the defaults under it, and
// validates the result.
//
// What is wrong is reported all at once as a *ConfigError; no sentence of it
// repeats the value of a key that may hold a password.
func LoadConfig(path string, environ []string) (Config, error) {
	config := DefaultConfig()
	keys := config.keys()
	var problems []string
	dir := "."
	if path != "" {
		dir = filepath.Dir(path)
		text, err := readConfigFile(path)
		if err != nil {
			return Config{}, &valueError{err}
		}
		problems = append(problems, applyTOML(keys, text)...)
	}
	problems = append(problems, applyEnvironment(keys, environ)...)

	base, err := filepath.Abs(dir)
	if err != nil {
		return Config{}, fmt.Errorf("find the folder of the configuration: %w", err)
	}
	problems = append(problems, config.validate()...)
	if len(problems) > 0 {
		return Config{}, &ConfigError{Problems: problems}
	}
	config.resolvePaths(base)
	return config, nil
}

func readConfigFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file %s: %w", path, plainPathError(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file %s: %w", path, plainPathError(err))
	}
	if len(text) > maxConfigBytes {
		return nil, fmt.Errorf("the configuration file %s is larger than 1 MiB", path)
	}
	return text, nil
}

// resolvePaths makes every path absolute, relative ones counted from base.
func (c *Config) resolvePaths(base string) {
	from := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(base, path)
	}
	c.Server.TLSCert = from(c.Server.TLSCert)
	c.Server.TLSKey = from(c.Server.TLSKey)
	c.Secrets.File = from(c.Secrets.File)
	c.Media.URL = "file:" + from(c.MediaDir())
	if path, ok := c.SQLitePath(); ok {
		c.Database.URL = "sqlite:" + from(path)
	}
}

// BaseURL is instance.url, without a path and with the default port left out.
func (c *Config) BaseURL() *url.URL {
	u := *c.baseURL
	return &u
}

// AccountDomain is what stands after the second @ of our handles.
func (c *Config) AccountDomain() string {
	if c.Instance.AccountDomain != "" {
		return c.Instance.AccountDomain
	}
	return c.baseURL.Host
}

// SQLitePath is the database's file, and false for PostgreSQL.
func (c *Config) SQLitePath() (string, bool) {
	return strings.CutPrefix(c.Database.URL, "sqlite:")
}

// MediaDir is the folder of uploaded and cached files.
func (c *Config) MediaDir() string {
	return strings.TrimPrefix(c.Media.URL, "file:")
}

// DataDir is the folder for what the instance writes beside its database:
// mail without a mail server and certificates. With PostgreSQL it is the
// folder of the secrets file.
func (c *Config) DataDir() string {
	if path, ok := c.SQLitePath(); ok {
		return filepath.Dir(path)
	}
	return filepath.Dir(c.Secrets.File)
}

// MailFrom is the sender's address of our mail.
func (c *Config) MailFrom() string {
	if c.Mail.From != "" {
		return c.Mail.From
	}
	host, _ := splitHost(c.AccountDomain())
	return "noreply@" + host
}

// TrustedProxies are the networks whose X-Forwarded-For is believed.
func (c *Config) TrustedProxies() []netip.Prefix { return c.trusted }

// AllowedNetworks are the private networks that may be contacted.
func (c *Config) AllowedNetworks() []netip.Prefix { return c.allowed }

// Local says that this instance is for trying things out on one machine: its
// url is plain http, which validation permits for loopback names alone.
func (c *Config) Local() bool { return c.baseURL.Scheme == "http" }
