package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const exampleFile = "../../config.example.toml"

// writeConfig puts text into a file of its own folder and returns its path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problemsOf loads text and returns what is wrong with it.
func problemsOf(t *testing.T, text string, environ ...string) []string {
	t.Helper()
	_, err := LoadConfig(writeConfig(t, text), environ)
	if err == nil {
		return nil
	}
	var invalid *ConfigError
	if !errors.As(err, &invalid) {
		t.Fatalf("error is %T (%v), want *ConfigError", err, err)
	}
	return invalid.Problems
}

func TestConfigRefusals(t *testing.T) {
	public := "[instance]\nurl = \"https://school.example\"\n"
	for name, c := range map[string]struct {
		text string
		// want is how the only problem begins.
		want string
	}{
		"unknown section":          {"[servers]\nlisten = \":1\"", "servers: there is no such section"},
		"unknown top-level key":    {"listen = \":1\"", "listen: there is no such section or key"},
		"unknown key":              {"[server]\nlissen = \":1\"", "server.lissen: there is no such key; [server] has listen"},
		"other case":               {"[server]\nListen = \":1\"", "server.Listen: there is no such key"},
		"section as a value":       {"server = \":1\"", "server: this is a section"},
		"section as a list":        {"[[server]]\nlisten = \":1\"", "server: this is a section"},
		"number for text":          {"[server]\nlisten = 8080", "server.listen: the value must be text"},
		"text for list":            {"[instance]\nlanguages = \"zh\"", "instance.languages: the value must be a list"},
		"numbers in list":          {"[instance]\nlanguages = [1]", "instance.languages: the value must be a list"},
		"text for boolean":         {"[limits]\nenabled = \"true\"", "limits.enabled: the value must be true or false"},
		"not TOML":                 {"[server\n", "line 1, column"},
		"repeated key":             {"[server]\nlisten = \":1\"\nlisten = \":2\"", "line 3, column"},
		"url without scheme":       {"[instance]\nurl = \"school.example\"", "instance.url: \"school.example\" is not a URL"},
		"url of another scheme":    {"[instance]\nurl = \"ftp://school.example\"", "instance.url: the scheme must be https or http"},
		"url with path":            {"[instance]\nurl = \"https://school.example/cohort\"", "instance.url: \"https://school.example/cohort\" must end after the host"},
		"url with query":           {"[instance]\nurl = \"https://school.example?x\"", "instance.url: \"https://school.example?x\" must end"},
		"url with user":            {"[instance]\nurl = \"https://a@school.example\"", "instance.url: a URL with a user name"},
		"url with bad host":        {"[instance]\nurl = \"https://sch_ool.example\"", "instance.url: \"sch_ool.example\" is not a host name"},
		"url with bad port":        {"[instance]\nurl = \"https://school.example:0\"", "instance.url: \"school.example:0\" has no valid port"},
		"url with empty port":      {"[instance]\nurl = \"https://school.example:\"", "instance.url: \"school.example:\" has no valid port"},
		"plain http in the world":  {"[instance]\nurl = \"http://school.example\"", "instance.url: plain http is for localhost only"},
		"plain http by address":    {"[instance]\nurl = \"http://10.0.0.1\"", "instance.url: plain http is for localhost only"},
		"nearly localhost":         {"[instance]\nurl = \"http://notlocalhost\"", "instance.url: plain http is for localhost only"},
		"account domain with path": {"[instance]\naccount_domain = \"school.example/x\"", "instance.account_domain: \"school.example/x\" is not a host name"},
		"account domain as URL":    {"[instance]\naccount_domain = \"https://school.example\"", "instance.account_domain:"},
		"no name":                  {"[instance]\nname = \" \"", "instance.name: the instance needs a name"},
		"name of two lines":        {"[instance]\nname = \"a\\nb\"", "instance.name: must be one line"},
		"long name":                {"[instance]\nname = \"" + strings.Repeat("班", 101) + "\"", "instance.name: longer than 100"},
		"kind":                     {"[instance]\nkind = \"club\"", "instance.kind: \"club\" is not one of school, employer, association"},
		"no language":              {"[instance]\nlanguages = []", "instance.languages: name at least one"},
		"no such language":         {"[instance]\nlanguages = [\"chinese!\"]", "instance.languages: \"chinese!\" is not a language tag"},
		"language twice":           {"[instance]\nlanguages = [\"en\", \"en\"]", "instance.languages: \"en\" is named twice"},
		"listen without port":      {"[server]\nlisten = \"localhost\"", "server.listen: \"localhost\" is not an address"},
		"listen on bad port":       {"[server]\nlisten = \":65536\"", "server.listen: \":65536\" has no valid port"},
		"listen on bad host":       {"[server]\nlisten = \"a b:1\"", "server.listen: \"a b:1\" has no valid host"},
		"certificate without key":  {public + "[server]\ntls_cert = \"a\"", "server.tls_key: must be set"},
		"key without certificate":  {public + "[server]\ntls_key = \"a\"", "server.tls_cert: must be set"},
		"certificate for http":     {"[server]\ntls_cert = \"a\"\ntls_key = \"b\"", "server.tls_cert: needs an instance.url"},
		"ACME and certificate":     {public + "[server]\ntls_cert = \"a\"\ntls_key = \"b\"\nacme_email = \"a@b.example\"", "server.acme_email: either own"},
		"ACME for localhost":       {"[instance]\nurl = \"https://localhost\"\n[server]\nacme_email = \"a@b.example\"", "server.acme_email: needs an instance.url"},
		"ACME for an address":      {"[instance]\nurl = \"https://192.0.2.1\"\n[server]\nacme_email = \"a@b.example\"", "server.acme_email: needs an instance.url"},
		"directory without ACME":   {public + "[server]\nacme_directory = \"https://ca.example/dir\"", "server.acme_directory: needs"},
		"ACME in the clear":        {public + "[server]\nacme_email = \"a@b.example\"\nacme_directory = \"http://ca.example/dir\"", "server.acme_directory: must be"},
		"ACME without address":     {public + "[server]\nacme_email = \"me\"", "server.acme_email: \"me\" is not an e-mail"},
		"proxy by name":            {"[server]\ntrusted_proxies = [\"proxy\"]", "server.trusted_proxies: \"proxy\" is not a network"},
		"network with host bits":   {"[federation]\nallowed_networks = [\"10.0.0.1/8\"]", "federation.allowed_networks: \"10.0.0.1/8\" has bits set"},
		"database kind":            {"[database]\nurl = \"mysql://a:hunter2@b/c\"", "database.url: must be sqlite:PATH or postgres://"},
		"database without path":    {"[database]\nurl = \"sqlite:\"", "database.url: the path is missing"},
		"database options":         {"[database]\nurl = \"sqlite:a.db?mode=memory\"", "database.url: the path must not contain"},
		"database folder":          {"[database]\nurl = \"sqlite:data/\"", "database.url: the path names a folder"},
		"synchronous":              {"[database]\nsynchronous = \"off\"", "database.synchronous: \"off\" is not one of full, normal"},
		"media elsewhere":          {"[media]\nurl = \"s3://bucket\"", "media.url: must be file:FOLDER"},
		"secret among the media":   {"[secrets]\nfile = \"data/media/x\"", "secrets.file: must not be inside"},
		"database among the media": {"[database]\nurl = \"sqlite:data/media/x.db\"", "database.url: must not be inside"},
		"no secrets file":          {"[secrets]\nfile = \"\"", "secrets.file: the path is missing"},
		"federation mode":          {"[federation]\nmode = \"closed\"", "federation.mode: \"closed\" is not one of open, partners, off"},
		"registration mode":        {"[registration]\nmode = \"\"", "registration.mode: \"\" is not one of open, approval"},
		"mail scheme":              {"[mail]\nurl = \"http://mail.example\"", "mail.url: must be smtp://"},
		"mail without host":        {"[mail]\nurl = \"smtp://\"", "mail.url: must be smtp://"},
		"mail with path":           {"[mail]\nurl = \"smtp://mail.example/x\"", "mail.url: must end after the host"},
		"mail port":                {"[mail]\nurl = \"smtp://mail.example:99999\"", "mail.url: has no valid port"},
		"mail sender":              {"[mail]\nfrom = \"School <a@b.example>\"", "mail.from: \"School <a@b.example>\" is not an e-mail"},
		"log level":                {"[log]\nlevel = \"loud\"", "log.level: \"loud\" is not one of debug, info"},
		"log format":               {"[log]\nformat = \"xml\"", "log.format: \"xml\" is not one of text, json"},
		"metrics listen":           {"[metrics]\nlisten = \"9090\"", "metrics.listen: \"9090\" is not an address"},
		"metrics on the same port": {"[metrics]\nlisten = \"127.0.0.1:8080\"", "metrics.listen: must differ"},
	} {
		t.Run(name, func(t *testing.T) {
			got := problemsOf(t, c.text)
			if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
				t.Errorf("problems are %q, want one that begins with %q", got, c.want)
			}
		})
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	got := problemsOf(t, `
[instance]
kind = "club"
colour = "red"
[database]
url = "postgres//u:hunter2@h/d"
[extra]
`,
		"COHORT_LOG_LEVEL=loud", "COHORT_LIMITS_ENABLED=yes", "COHORT_SERVER_PORT=80",
		"COHORT_MAIL_URL=smtp:hunter2@mail.example")
	want := []string{
		"extra:", "instance.colour:", "COHORT_SERVER_PORT:", "limits.enabled (from COHORT_LIMITS_ENABLED):",
		"instance.kind:", "database.url:", "mail.url:", "log.level:",
	}
	if len(got) != len(want) {
		t.Fatalf("problems are %q, want %d", got, len(want))
	}
	for i, prefix := range want {
		if !strings.HasPrefix(got[i], prefix) {
			t.Errorf("problem %d is %q, want one that begins with %q", i, got[i], prefix)
		}
		if strings.Contains(got[i], "hunter2") {
			t.Errorf("problem %d repeats a password: %q", i, got[i])
		}
	}
}

func TestConfigFileThatCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.toml")
	_, err := LoadConfig(missing, nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error is %v, want one that names the missing file", err)
	}
	if _, err := LoadConfig(writeConfig(t, strings.Repeat("#\n", maxConfigBytes)), nil); err == nil {
		t.Error("a file over the limit was read")
	}
}

func TestConfigEnvironment(t *testing.T) {
	path := writeConfig(t, "[instance]\nname = \"File\"\nkind = \"employer\"\n")
	config, err := LoadConfig(path, []string{
		"COHORT_INSTANCE_NAME=Environment",
		"COHORT_INSTANCE_ACCOUNT_DOMAIN=School.Example",
		"COHORT_INSTANCE_LANGUAGES=en, zh-Hant ,",
		"COHORT_SERVER_TRUSTED_PROXIES=",
		"COHORT_LIMITS_ENABLED=false",
		"COHORT_MEDIA_URL=file:pictures",
		"COHORT_TEST_POSTGRES=x", "COHORT_SAMPLES=y", "COHORTX=z",
		"COHORT_PORT=tcp://10.0.0.1:80", "COHORT_PORT_80_TCP=x", "COHORT_SERVICE_HOST=10.0.0.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if config.Instance.Name != "Environment" || config.Instance.Kind != "employer" {
		t.Errorf("name %q, kind %q: the environment must win over the file and leave the rest",
			config.Instance.Name, config.Instance.Kind)
	}
	if config.AccountDomain() != "school.example" {
		t.Errorf("account domain %q", config.AccountDomain())
	}
	if !slices.Equal(config.Instance.Languages, []string{"en", "zh-Hant"}) {
		t.Errorf("languages %q", config.Instance.Languages)
	}
	if config.Limits.Enabled || len(config.TrustedProxies()) != 0 {
		t.Errorf("limits %v, proxies %v", config.Limits.Enabled, config.TrustedProxies())
	}
	if want := filepath.Join(filepath.Dir(path), "pictures"); config.MediaDir() != want {
		t.Errorf("media folder %q, want %q", config.MediaDir(), want)
	}
}

// Every key of the struct can be set by its variable, whatever its type.
func TestConfigEveryKeyHasAVariable(t *testing.T) {
	seen := map[string]bool{}
	config := DefaultConfig()
	for _, key := range config.keys() {
		if seen[key.Environment()] {
			t.Errorf("%s is the variable of two keys", key.Environment())
		}
		seen[key.Environment()] = true
		text := "changed"
		if key.field.Kind() == reflect.Bool {
			text = map[bool]string{true: "false", false: "true"}[key.field.Bool()]
		}
		changed := DefaultConfig()
		if got := applyEnvironment(changed.keys(), []string{key.Environment() + "=" + text}); got != nil {
			t.Errorf("%s: %q", key, got)
		}
		if reflect.DeepEqual(changed, config) {
			t.Errorf("%s does not set %s", key.Environment(), key)
		}
	}
}

func TestConfigPaths(t *testing.T) {
	path := writeConfig(t, `
[instance]
url = "https://school.example"
[server]
tls_cert = "tls/cert.pem"
tls_key = "/etc/cohort/key.pem"
[database]
url = "sqlite:../db/cohort.db"
`)
	config, err := LoadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for got, want := range map[string]string{
		config.Server.TLSCert: filepath.Join(dir, "tls/cert.pem"),
		config.Server.TLSKey:  "/etc/cohort/key.pem",
		config.Database.URL:   "sqlite:" + filepath.Join(filepath.Dir(dir), "db/cohort.db"),
		config.DataDir():      filepath.Join(filepath.Dir(dir), "db"),
		config.Media.URL:      "file:" + filepath.Join(dir, "data/media"),
		config.Secrets.File:   filepath.Join(dir, "data/secrets"),
	} {
		if got != want {
			t.Errorf("path is %q, want %q", got, want)
		}
	}

	t.Chdir(dir)
	config, err = LoadConfig("", []string{"COHORT_DATABASE_URL=postgres:///cohort", "COHORT_SECRETS_FILE=keys/s"})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "data/media"); config.MediaDir() != want {
		t.Errorf("without a file the media folder is %q, want %q", config.MediaDir(), want)
	}
	if want := filepath.Join(dir, "keys"); config.DataDir() != want || config.Database.URL != "postgres:///cohort" {
		t.Errorf("with PostgreSQL the data folder is %q, want %q", config.DataDir(), want)
	}
}

func TestConfigNormalForms(t *testing.T) {
	for given, want := range map[string]string{
		"https://School.Example/":      "https://school.example",
		"https://school.example:443":   "https://school.example",
		"https://school.example:8443":  "https://school.example:8443",
		"https://一中.example":           "https://xn--4gq1d.example",
		"http://localhost:80":          "http://localhost",
		"http://yizhong.localhost:81":  "http://yizhong.localhost:81",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://[::1]:8080":            "http://[::1]:8080",
		"https://[2001:DB8::1]":        "https://[2001:db8::1]",
		"http://[::ffff:127.0.0.1]:81": "http://[::ffff:127.0.0.1]:81",
	} {
		config, err := LoadConfig("", []string{"COHORT_INSTANCE_URL=" + given})
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if config.Instance.URL != want || config.BaseURL().String() != want {
			t.Errorf("%s became %s, want %s", given, config.Instance.URL, want)
		}
		if config.Local() != strings.HasPrefix(want, "http://") {
			t.Errorf("%s: local is %v", given, config.Local())
		}
		if want := strings.SplitN(want, "://", 2)[1]; config.AccountDomain() != want {
			t.Errorf("%s: account domain %q, want %q", given, config.AccountDomain(), want)
		}
	}
	config, err := LoadConfig("", []string{"COHORT_FEDERATION_ALLOWED_NETWORKS=127.0.0.0/8,::1,fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	if got := config.AllowedNetworks(); len(got) != 3 || got[1].String() != "::1/128" {
		t.Errorf("allowed networks %v", got)
	}
	if got := config.MailFrom(); got != "noreply@localhost" {
		t.Errorf("mail comes from %q", got)
	}
}

// The example names every key with its default, and nothing else.
func TestConfigExampleIsComplete(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]map[string]any
	if err := toml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	for _, key := range config.keys() {
		value, ok := document[key.section][key.name]
		if !ok {
			t.Errorf("the example lacks %s", key)
			continue
		}
		given := reflect.New(key.field.Type()).Elem()
		if err := setFromTOML(given, value); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if !reflect.DeepEqual(given.Interface(), key.field.Interface()) {
			t.Errorf("the example has %s = %v, the default is %v", key, given, key.field)
		}
		delete(document[key.section], key.name)
	}
	for section, rest := range document {
		for name := range rest {
			t.Errorf("the example has %s.%s, which is no key", section, name)
		}
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.Contains(line, " = ") && !strings.HasPrefix(line, "#") && !strings.HasPrefix(lines[i-1], "# ") {
			t.Errorf("line %d of the example has no sentence above it: %s", i+1, line)
		}
	}
	if _, err := LoadConfig(exampleFile, nil); err != nil {
		t.Errorf("the example is not valid: %v", err)
	}
}

func TestConfigDefaultIsValidAndLocal(t *testing.T) {
	t.Chdir(t.TempDir())
	config, err := LoadConfig("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Instance.URL != "http://localhost:8080" || config.Server.Listen != "127.0.0.1:8080" {
		t.Errorf("the default is %s on %s", config.Instance.URL, config.Server.Listen)
	}
	folder, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	if config.DataDir() != folder {
		t.Errorf("data goes to %s, want %s", config.DataDir(), folder)
	}
}

// Whatever stands in a file or a variable is answered with sentences.
func FuzzLoadConfig(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example), "https://school.example:8443")
	f.Add("[instance]\nurl = \"http://[::1%25lo]:1\"", "http://[::1]:")
	f.Add("instance.languages = [[]]", "https://xn--a.example")
	f.Fuzz(func(t *testing.T, text, address string) {
		config := DefaultConfig()
		if len(applyTOML(config.keys(), []byte(text))) == 0 {
			config.Instance.URL = address
			if len(config.validate()) == 0 && config.BaseURL().Host == "" {
				t.Errorf("%q passed without a host", address)
			}
		}
	})
}
