package main

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/language"
)

const maxInstanceName = 100

// validate checks every value, brings instance.url, instance.account_domain
// and the networks into their normal form, and returns a sentence for each
// problem. Sentences about keys that may hold a password do not repeat them.
func (c *Config) validate() []string {
	var p problems
	c.validateInstance(&p)
	c.validateServer(&p)
	p.check("database.url", c.checkDatabaseURL())
	p.oneOf("database.synchronous", c.Database.Synchronous, "full", "normal")
	c.validateFiles(&p)
	p.oneOf("federation.mode", c.Federation.Mode, "open", "partners", "off")
	c.allowed = p.networks("federation.allowed_networks", c.Federation.AllowedNetworks)
	p.oneOf("registration.mode", c.Registration.Mode, "open", "approval", "invite", "closed")
	p.check("mail.url", checkMailURL(c.Mail.URL))
	if c.Mail.From != "" {
		p.check("mail.from", checkAddress(c.Mail.From))
	}
	p.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("log.format", c.Log.Format, "text", "json")
	if c.Metrics.Listen != "" {
		p.check("metrics.listen", checkListen(c.Metrics.Listen))
		if c.Metrics.Listen == c.Server.Listen {
			p.add("metrics.listen", "must differ from server.listen")
		}
	}
	return p
}

// problems collects sentences, each beginning with its key.
type problems []string

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, key+": "+fmt.Sprintf(format, args...))
}

func (p *problems) check(key string, err error) {
	if err != nil {
		p.add(key, "%v", err)
	}
}

func (p *problems) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

// networks parses CIDRs and single addresses.
func (p *problems) networks(key string, texts []string) []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			networks = append(networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			p.add(key, "%q is not a network such as 10.0.0.0/8 or fd00::/8", text)
			continue
		}
		if network != network.Masked() {
			p.add(key, "%q has bits set after its prefix; the network is %s", text, network.Masked())
			continue
		}
		networks = append(networks, network)
	}
	return networks
}

func (c *Config) validateInstance(p *problems) {
	base, err := parseInstanceURL(c.Instance.URL)
	if err != nil {
		p.check("instance.url", err)
		base = &url.URL{Scheme: "https", Host: "invalid"}
	}
	c.baseURL = base
	if err == nil {
		c.Instance.URL = base.String()
	}
	if c.Instance.AccountDomain != "" {
		domain, err := normalHost(c.Instance.AccountDomain)
		p.check("instance.account_domain", err)
		c.Instance.AccountDomain = domain
	}
	p.check("instance.name", checkName(c.Instance.Name))
	p.oneOf("instance.kind", c.Instance.Kind, "school", "employer", "association")
	p.check("instance.languages", checkLanguages(c.Instance.Languages))
}

// parseInstanceURL returns scheme and host of text in their normal form.
func parseInstanceURL(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return nil, fmt.Errorf("%q is not a URL such as https://school.example", text)
	}
	if parsed.Scheme != "https" && parsed.Scheme != "http" {
		return nil, fmt.Errorf("the scheme must be https or http, not %q", parsed.Scheme)
	}
	if parsed.User != nil {
		return nil, errors.New("a URL with a user name is not an instance's")
	}
	if (parsed.Path != "" && parsed.Path != "/") || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" {
		return nil, fmt.Errorf("%q must end after the host: an instance has a host of its own, not a path", text)
	}
	host, err := normalHost(parsed.Host)
	if err != nil {
		return nil, err
	}
	name, port := splitHost(host)
	if (parsed.Scheme == "https" && port == "443") || (parsed.Scheme == "http" && port == "80") {
		host = strings.TrimSuffix(host, ":"+port)
	}
	if parsed.Scheme == "http" && !loopbackName(name) {
		return nil, fmt.Errorf("plain http is for localhost only; %s needs https, also behind a proxy that ends TLS", name)
	}
	return &url.URL{Scheme: parsed.Scheme, Host: host}, nil
}

// normalHost checks a host with or without port and returns it in lower case,
// international names in their ASCII form.
func normalHost(text string) (string, error) {
	name, port := splitHost(text)
	if port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return "", fmt.Errorf("%q has no valid port", text)
		}
	} else if strings.HasSuffix(text, ":") {
		return "", fmt.Errorf("%q has no valid port", text)
	}
	if address, err := netip.ParseAddr(name); err == nil {
		if address.Is6() {
			name = "[" + address.String() + "]"
		}
	} else {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil || ascii == "" || len(ascii) > 253 || strings.HasSuffix(ascii, ".") {
			return "", fmt.Errorf("%q is not a host name", text)
		}
		name = ascii
	}
	if port != "" {
		name += ":" + port
	}
	return name, nil
}

// splitHost parts host and port; the port may be missing, and brackets around
// an IPv6 address are taken off.
func splitHost(text string) (name, port string) {
	if name, port, err := net.SplitHostPort(text); err == nil {
		return name, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ""
}

// loopbackName says whether a host can only be this machine.
func loopbackName(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("the instance needs a name")
	}
	if utf8.RuneCountInString(name) > maxInstanceName {
		return fmt.Errorf("longer than %d characters", maxInstanceName)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return errors.New("must be one line of readable text")
	}
	return nil
}

func checkLanguages(tags []string) error {
	if len(tags) == 0 {
		return errors.New("name at least one language")
	}
	for i, tag := range tags {
		if _, err := language.Parse(tag); err != nil {
			return fmt.Errorf("%q is not a language tag such as zh or en", tag)
		}
		if slices.Contains(tags[:i], tag) {
			return fmt.Errorf("%q is named twice", tag)
		}
	}
	return nil
}

func (c *Config) validateServer(p *problems) {
	s := c.Server
	p.check("server.listen", checkListen(s.Listen))
	c.trusted = p.networks("server.trusted_proxies", s.TrustedProxies)
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		p.add("server.tls_key", "must be set when server.tls_cert is")
	case s.TLSCert == "" && s.TLSKey != "":
		p.add("server.tls_cert", "must be set when server.tls_key is")
	case s.TLSCert != "" && c.baseURL.Scheme != "https":
		p.add("server.tls_cert", "needs an instance.url that begins with https")
	}
	if s.ACMEEmail == "" {
		if s.ACMEDirectory != "" {
			p.add("server.acme_directory", "needs server.acme_email")
		}
		return
	}
	if u, err := url.Parse(s.ACMEDirectory); s.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		p.add("server.acme_directory", "must be empty or an address that begins with https")
	}
	p.check("server.acme_email", checkAddress(s.ACMEEmail))
	name, _ := splitHost(c.baseURL.Host)
	if _, err := netip.ParseAddr(name); err == nil || loopbackName(name) || c.baseURL.Scheme != "https" {
		p.add("server.acme_email", "needs an instance.url with https and a public host name")
	}
	if s.TLSCert != "" || s.TLSKey != "" {
		p.add("server.acme_email", "either own certificates or ACME: leave it or server.tls_cert empty")
	}
}

// checkListen accepts host:port, where the host is empty (every address), an
// address or a name.
func checkListen(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:8080 or :443", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no valid port", text)
	}
	if host == "" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if _, err := idna.Lookup.ToASCII(host); err != nil {
		return fmt.Errorf("%q has no valid host", text)
	}
	return nil
}

// checkDatabaseURL never repeats the URL, which may hold a password.
func (c *Config) checkDatabaseURL() error {
	if path, ok := c.SQLitePath(); ok {
		return checkFilePath(path)
	}
	parsed, err := url.Parse(c.Database.URL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") || parsed.Opaque != "" {
		return errors.New("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	}
	return nil
}

func checkFilePath(path string) error {
	switch {
	case path == "":
		return errors.New("the path is missing")
	case strings.ContainsAny(path, "?#\x00"):
		return errors.New("the path must not contain ? or #")
	case strings.HasSuffix(path, "/"), filepath.Clean(path) == ".":
		return errors.New("the path names a folder, not a file")
	}
	return nil
}

// validateFiles checks the media folder and the secrets file. A secret inside
// the media folder would be in every backup, so that is refused.
func (c *Config) validateFiles(p *problems) {
	folder, ok := strings.CutPrefix(c.Media.URL, "file:")
	if !ok || folder == "" || strings.ContainsRune(folder, 0) {
		p.add("media.url", "must be file:FOLDER")
		ok = false
	}
	p.check("secrets.file", checkFilePath(c.Secrets.File))
	if !ok {
		return
	}
	if within(folder, c.Secrets.File) {
		p.add("secrets.file", "must not be inside the folder of media.url, which is backed up")
	}
	if path, sqlite := c.SQLitePath(); sqlite && within(folder, path) {
		p.add("database.url", "must not be inside the folder of media.url")
	}
}

// within says whether path is in folder; both may be relative to one place.
func within(folder, path string) bool {
	folder, path = filepath.Clean(folder), filepath.Clean(path)
	if filepath.IsAbs(folder) != filepath.IsAbs(path) {
		return false
	}
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

// checkMailURL never repeats the URL, which may hold a password.
func checkMailURL(text string) error {
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "smtp" && parsed.Scheme != "smtps") || parsed.Hostname() == "" {
		return errors.New("must be smtp://USER:PASSWORD@HOST:PORT or smtps://…, or empty")
	}
	if strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errors.New("must end after the host and port")
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return errors.New("has no valid port")
		}
	}
	return nil
}

// checkAddress accepts a bare e-mail address.
func checkAddress(text string) error {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || parsed.Name != "" {
		return fmt.Errorf("%q is not an e-mail address", text)
	}
	return nil
}
