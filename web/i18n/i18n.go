package i18n

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Default is the language of texts that another locale lacks, and of people
// whose language we do not speak.
const Default = "en"

//go:embed locales/*.toml
var files embed.FS

// message is one text. A plain one has only "other".
type message struct {
	forms map[plural.Form]string
}

// locale is everything in one language.
type locale struct {
	tag      language.Tag
	messages map[string]message
}

var catalogue = sync.OnceValues(func() (map[string]locale, error) {
	return load(files, "locales")
})

var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// T returns the text of a key in a language, with {name} replaced by
// args["name"] and, where the text has plural forms, the form that fits the
// integer args["count"]. A language or text that is missing falls back to
// Default, and a key known nowhere is returned itself: tests see to it that no
// key in use is such a one.
func T(lang, key string, args map[string]any) string {
	all, err := catalogue()
	if err != nil {
		return key
	}
	l, ok := all[lang]
	if !ok {
		l = all[Default]
	}
	m, ok := l.messages[key]
	if !ok {
		l = all[Default]
		if m, ok = l.messages[key]; !ok {
			return key
		}
	}
	return fill(l.form(m, args["count"]), args)
}

// Has says whether a key has a text.
func Has(key string) bool {
	all, err := catalogue()
	if err != nil {
		return false
	}
	_, ok := all[Default].messages[key]
	return ok
}

// Languages lists the codes of all locales, Default last of none: sorted.
func Languages() []string {
	all, err := catalogue()
	if err != nil {
		return []string{Default}
	}
	codes := make([]string, 0, len(all))
	for code := range all {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// Match picks the language to answer in. override is what the person chose
// (empty if nothing), acceptLanguage the header of that name, available the
// languages this instance offers, the first of which is used when nothing
// fits; empty offers all.
func Match(acceptLanguage, override string, available []string) string {
	if len(available) == 0 {
		available = Languages()
	}
	if slices.Contains(available, override) {
		return override
	}
	tags := make([]language.Tag, len(available))
	for i, code := range available {
		tags[i] = language.Make(code)
	}
	// A header longer than any honest one is not worth parsing.
	if acceptLanguage == "" || len(acceptLanguage) > 1000 {
		return available[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return available[0]
	}
	_, i, confidence := language.NewMatcher(tags).Match(wanted...)
	if confidence == language.No {
		return available[0]
	}
	return available[i]
}

// form picks the plural form for a count.
func (l locale) form(m message, count any) string {
	if len(m.forms) > 1 {
		if n, ok := integer(count); ok {
			if s, ok := m.forms[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)]; ok {
				return s
			}
		}
	}
	return m.forms[plural.Other]
}

func integer(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	}
	return 0, false
}

// fill replaces {name}. A placeholder without a value stays, so that it shows.
func fill(text string, args map[string]any) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		b.WriteString(text[:open])
		if v, ok := args[text[open+1:open+end]]; ok {
			b.WriteString(value(v))
		} else {
			b.WriteString(text[open : open+end+1])
		}
		text = text[open+end+1:]
	}
	b.WriteString(text)
	return b.String()
}

func value(v any) string {
	switch n := v.(type) {
	case string:
		return n
	case int:
		return Number(n)
	case int64:
		return Number(int(n))
	}
	return fmt.Sprint(v)
}

// Number writes an integer with a comma between groups of three digits, as
// both Chinese and English do.
func Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// load reads every locale file; all that is wrong with them is said at once.
func load(fsys embed.FS, dir string) (map[string]locale, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("i18n: %w", err)
	}
	all := map[string]locale{}
	var bad []error
	for _, e := range entries {
		code, _, _ := strings.Cut(e.Name(), ".")
		data, err := fsys.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("i18n: %w", err)
		}
		l, ok := all[code]
		if !ok {
			tag, err := language.Parse(code)
			if err != nil {
				bad = append(bad, fmt.Errorf("i18n: %s: not named after a language: %w", e.Name(), err))
				continue
			}
			l = locale{tag: tag, messages: map[string]message{}}
			all[code] = l
		}
		if err := l.add(data); err != nil {
			bad = append(bad, fmt.Errorf("i18n: %s: %w", e.Name(), err))
		}
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	return all, nil
}

func (l locale) add(data []byte) error {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return err
	}
	return l.collect("", tree)
}

// collect flattens tables to dotted keys. A table of nothing but plural forms
// with "other" among them is one text.
func (l locale) collect(prefix string, tree map[string]any) error {
	for name, v := range tree {
		key := prefix + name
		if _, twice := l.messages[key]; twice {
			return fmt.Errorf("%s is there twice", key)
		}
		switch v := v.(type) {
		case string:
			l.messages[key] = message{forms: map[plural.Form]string{plural.Other: v}}
		case map[string]any:
			m, isText, err := pluralText(key, v)
			if err != nil {
				return err
			}
			if isText {
				l.messages[key] = m
			} else if err := l.collect(key+".", v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither a text nor a table", key)
		}
	}
	return nil
}

func pluralText(key string, table map[string]any) (message, bool, error) {
	if _, ok := table["other"].(string); !ok {
		return message{}, false, nil
	}
	m := message{forms: map[plural.Form]string{}}
	for name, v := range table {
		form, known := pluralForms[name]
		text, isText := v.(string)
		if !known || !isText {
			return m, false, fmt.Errorf("%s has a plural form %q, which is none", key, name)
		}
		m.forms[form] = text
	}
	return m, true, nil
}
