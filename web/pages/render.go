package pages

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"sync"
	"time"

	"cohort/web/i18n"
)

//go:embed templates/*.html
var templateFiles embed.FS

// ErrNoPage is returned for a name that is not in the page table.
var ErrNoPage = errors.New("pages: no such page")

// Templates shows views as HTML, in any language there is a locale for.
type Templates struct {
	// sets has one parsed copy of all templates per language, with the
	// functions of that language bound to it.
	sets    map[string]*template.Template
	words   map[string]words
	buffers sync.Pool
}

// keepBuffer is the size up to which a buffer is used again, in bytes.
const keepBuffer = 256 << 10

// NewTemplates parses every template once. Dates are written in zone; now is
// the clock that "5 minutes ago" is counted from.
func NewTemplates(assets *Assets, zone *time.Location, now func() time.Time) (*Templates, error) {
	t := &Templates{sets: map[string]*template.Template{}, words: map[string]words{}}
	t.buffers.New = func() any { return new(bytes.Buffer) }
	for _, lang := range i18n.Languages() {
		f := words{
			lang: lang, zone: zone, now: now, assets: assets,
			drawing: `<svg class="i" aria-hidden="true"><use href="` + assets.URL("icons.svg") + "#",
		}
		set, err := template.New("").Funcs(f.funcs()).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		for name := range pageTable {
			if set.Lookup(name+".html") == nil {
				return nil, fmt.Errorf("%w: %s has no template", ErrNoPage, name)
			}
		}
		t.sets[lang], t.words[lang] = set, f
	}
	return t, nil
}

// Execute writes a page. It sets the language of the view and, where they are
// empty, its title and its place in the navigation. Nothing is written when it
// fails, so an error page can follow.
func (t *Templates) Execute(w io.Writer, name, lang string, v View) error {
	info, ok := pageTable[name]
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoPage, name)
	}
	set, ok := t.sets[lang]
	if !ok {
		lang = i18n.Default
		set = t.sets[lang]
	}
	p := v.page()
	p.Lang = lang
	p.shape = info.shape
	if own, ok := v.(titled); ok && p.Title == "" {
		p.Title = own.title(t.words[lang])
	}
	if p.Title == "" {
		p.Title = i18n.T(lang, info.title, nil)
	}
	if p.Nav == "" {
		p.Nav = info.nav
	}
	b, _ := t.buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= keepBuffer {
			b.Reset()
			t.buffers.Put(b)
		}
	}()
	if err := set.ExecuteTemplate(b, name+".html", v); err != nil {
		return fmt.Errorf("pages: %s: %w", name, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("pages: %s: %w", name, err)
	}
	return nil
}
