package i18n

import (
	"embed"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/feature/plural"
)

//go:embed testdata
var broken embed.FS

func TestBrokenLocalesAreRefused(t *testing.T) {
	for dir, want := range map[string]string{
		"testdata/syntax": "en.toml", "testdata/number": "a.b is neither", "testdata/twice": "a.b is there twice",
		"testdata/form": "plural form", "testdata/name": "not named after a language", "testdata/none": "file does not exist",
	} {
		_, err := load(broken, dir)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", dir, err, want)
		}
	}
}

var placeholders = regexp.MustCompile(`\{[A-Za-z_]+\}`)

// named lists the placeholders of a text, over all its forms.
func named(m message) []string {
	var all []string
	for _, text := range m.forms {
		all = append(all, placeholders.FindAllString(text, -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestLocalesSayTheSame(t *testing.T) {
	all, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 2 || len(all[Default].messages) < 100 {
		t.Fatalf("%d locales, %d texts", len(all), len(all[Default].messages))
	}
	for code, l := range all {
		for key, m := range all[Default].messages {
			other, ok := l.messages[key]
			if !ok {
				t.Errorf("%s lacks %s", code, key)
				continue
			}
			if !slices.Equal(named(m), named(other)) {
				t.Errorf("%s in %s has %v, in %s %v", key, code, named(other), Default, named(m))
			}
		}
		for key, m := range l.messages {
			if _, ok := all[Default].messages[key]; !ok {
				t.Errorf("%s has %s, which %s lacks", code, key, Default)
			}
			for form, text := range m.forms {
				if text == "" || text != strings.TrimSpace(text) {
					t.Errorf("%s in %s is %q", key, code, text)
				}
				if strings.ContainsAny(text, "<>") {
					t.Errorf("%s in %s has markup: %q", key, code, text)
				}
				if form == plural.One && code == "zh" {
					t.Errorf("%s has a singular, which Chinese does not have", key)
				}
			}
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		lang, key string
		args      map[string]any
		want      string
	}{
		{"zh", "nav.home", nil, "首页"},
		{"en", "nav.home", nil, "Home"},
		{"fr", "nav.home", nil, "Home"},
		{"en", "no.such_key", nil, "no.such_key"},
		{"en", "audience.servers", map[string]any{"count": 1}, "1 server"},
		{"en", "audience.servers", map[string]any{"count": int64(1234567)}, "1,234,567 servers"},
		{"en", "audience.servers", map[string]any{"count": 0}, "0 servers"},
		{"zh", "audience.servers", map[string]any{"count": 1}, "1 台服务器"},
		{"en", "audience.servers", map[string]any{"count": "many"}, "many servers"},
		{"en", "post.by", map[string]any{"name": "{name} {count}"}, "Post by {name} {count}"},
		{"en", "post.by", map[string]any{"other": "x"}, "Post by {name}"},
	} {
		if got := T(c.lang, c.key, c.args); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.key, c.lang, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	both := []string{"zh", "en"}
	for _, c := range []struct {
		header, override string
		available        []string
		want             string
	}{
		{"", "", both, "zh"},
		{"en-GB,en;q=0.9", "", both, "en"},
		{"zh-TW,zh;q=0.9,en;q=0.1", "", both, "zh"},
		{"zh-Hans-CN", "", []string{"en", "zh"}, "zh"},
		{"fr-CH, de;q=0.5", "", both, "zh"},
		{"en", "zh", both, "zh"},
		{"en", "../../etc", both, "en"},
		{"en", "fr", both, "en"},
		{"en", "", []string{"zh"}, "zh"},
		{";;;=,q", "", both, "zh"},
		{strings.Repeat("en,", 1000), "", both, "zh"},
		{"zh", "", nil, "zh"},
	} {
		if got := Match(c.header, c.override, c.available); got != c.want {
			t.Errorf("Match(%.20q, %q, %v) is %s, want %s", c.header, c.override, c.available, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", -1234567: "-1,234,567", -12: "-12"} {
		if got := Number(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 9, 1, 18, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		back   time.Duration
		zh, en string
	}{
		{-time.Hour, "刚刚", "just now"},
		{59 * time.Second, "刚刚", "just now"},
		{time.Minute, "1 分钟前", "1 min ago"},
		{59 * time.Minute, "59 分钟前", "59 min ago"},
		{23 * time.Hour, "23 小时前", "23 h ago"},
		{6 * 24 * time.Hour, "6 天前", "6 d ago"},
		{31 * 24 * time.Hour, "8月1日", "1 Aug"},
		{365 * 24 * time.Hour, "2025年9月1日", "1 Sep 2025"},
	} {
		if zh, en := Ago("zh", now.Add(-c.back), now), Ago("en", now.Add(-c.back), now); zh != c.zh || en != c.en {
			t.Errorf("%s ago is %q and %q, want %q and %q", c.back, zh, en, c.zh, c.en)
		}
	}
	if zh, en := DateTime("zh", now), DateTime("en", now); zh != "2026年9月1日 18:05" || en != "1 Sep 2026, 18:05" {
		t.Errorf("a minute is written %q and %q", zh, en)
	}
}

func TestLanguageNames(t *testing.T) {
	if LanguageName("zh") != "中文" || LanguageName("tlh") != "tlh" {
		t.Error("languages do not call themselves by their names")
	}
	for _, code := range Languages() {
		if !slices.Contains(WrittenLanguages(), code) {
			t.Errorf("nobody can write in %s", code)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"", "en", "zh-Hans;q=0.5, *", "x-y-z", "\x00", strings.Repeat("a-", 400)} {
		f.Add(s, "")
	}
	both := []string{"zh", "en"}
	f.Fuzz(func(t *testing.T, header, override string) {
		if got := Match(header, override, both); !slices.Contains(both, got) {
			t.Errorf("Match(%q, %q) is %q", header, override, got)
		}
	})
}

func BenchmarkT(b *testing.B) {
	args := map[string]any{"count": 29, "circle": "2012(3)", "servers": "6"}
	b.ReportAllocs()
	for b.Loop() {
		T("zh", "audience.circle_count", args)
	}
}
