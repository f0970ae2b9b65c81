package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cohort/store"
)

// Bounds of what a request may say.
const (
	maxParams = 1000 // values
	maxDepth  = 6
	maxName   = 256 // bytes
	formMem   = 1 << 20
)

// errParams refuses what cannot be read at all.
var errParams = echo.NewHTTPError(http.StatusBadRequest, "The parameters cannot be read")

// Params is what a client sent: a tree, whatever its shape was. The query, a form, a multipart form
// and JSON all give the same; x[]=, x[0]=, x=, x[y]= and JSON lists and objects too. The body goes
// before the query. The zero value has nothing in it.
type Params struct {
	values []string
	kids   map[string]*Params
	order  []string // names of kids as they came
	file   *multipart.FileHeader
}

// params reads a request's query and body. It is read once and kept.
func params(c echo.Context) (*Params, error) {
	const key = "params"
	if p, ok := c.Get(key).(*Params); ok {
		return p, nil
	}
	p := &Params{}
	n := 0
	if err := p.addValues(c.Request().URL.Query(), &n); err != nil {
		return nil, err
	}
	body := &Params{}
	if err := body.read(c, &n); err != nil {
		return nil, err
	}
	for _, name := range body.order {
		p.kid(name, true)
		p.kids[name] = body.kids[name]
	}
	c.Set(key, p)
	return p, nil
}

// read reads the body by its content type, and by its first byte where a client names none.
func (p *Params) read(c echo.Context, n *int) error {
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if kind == "multipart/form-data" {
		return p.readMultipart(c, n)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	if err != nil {
		return unreadable(err)
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 {
		return nil
	}
	if strings.HasSuffix(kind, "json") || kind == "" && trimmed[0] == '{' {
		return p.readJSON(trimmed, n)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return errParams
	}
	return p.addValues(values, n)
}

// unreadable keeps apart a body that is too large and one that is broken.
func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return errParams
}

func (p *Params) readMultipart(c echo.Context, n *int) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxMultipart)
	if err := r.ParseMultipartForm(formMem); err != nil {
		return unreadable(err)
	}
	if err := p.addValues(r.MultipartForm.Value, n); err != nil {
		return err
	}
	for name, files := range r.MultipartForm.File {
		at, err := p.at(name)
		if err != nil {
			return err
		}
		at.file = files[0]
	}
	return nil
}

// addValues adds the pairs of a query or form, in the order of their names: in a map there is no other.
func (p *Params) addValues(values url.Values, n *int) error {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range values[name] {
			if *n++; *n > maxParams || !plain(v) {
				return errParams
			}
			if err := p.addValue(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain tells whether a text can be stored at all.
func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// path splits a name such as source[privacy] or x[] into its steps.
func path(name string) ([]string, error) {
	if name == "" || len(name) > maxName || !plain(name) {
		return nil, errParams
	}
	first, rest, nested := strings.Cut(name, "[")
	if !nested || first == "" {
		return []string{name}, nil
	}
	steps := []string{first}
	for _, step := range strings.Split(rest, "[") {
		inner, ok := strings.CutSuffix(step, "]")
		if !ok || len(steps) == maxDepth {
			return nil, errParams
		}
		steps = append(steps, inner)
	}
	return steps, nil
}

// addValue puts a value at its place. In x[][a]=1&x[][b]=2&x[][a]=3 a name that repeats begins the
// next item.
func (p *Params) addValue(name, value string) error {
	steps, err := path(name)
	if err != nil {
		return err
	}
	at := p
	for i, step := range steps {
		switch {
		case step != "":
			at = at.kid(step, true)
		case i == len(steps)-1: // x[]=
		default:
			at = at.item(steps[i+1:])
		}
	}
	at.values = append(at.values, value)
	return nil
}

// item is the first item of a list in which nothing stands yet under steps, so that the values of one
// name spread over the items in their order.
func (p *Params) item(steps []string) *Params {
	for i := 0; ; i++ {
		name := strconv.Itoa(i)
		kid := p.kid(name, false)
		if kid == nil {
			return p.kid(name, true)
		}
		if len(steps) == 1 && steps[0] != "" {
			if k := kid.kid(steps[0], false); k != nil && len(k.values) > 0 {
				continue
			}
		}
		return kid
	}
}

// at is the place of a file.
func (p *Params) at(name string) (*Params, error) {
	steps, err := path(name)
	if err != nil {
		return nil, err
	}
	at := p
	for _, step := range steps {
		if step == "" {
			step = "0"
		}
		at = at.kid(step, true)
	}
	return at, nil
}

func (p *Params) kid(name string, add bool) *Params {
	if p == nil {
		return nil
	}
	k := p.kids[name]
	if k == nil && add {
		k = &Params{}
		if p.kids == nil {
			p.kids = map[string]*Params{}
		}
		p.kids[name] = k
		p.order = append(p.order, name)
	}
	return k
}

// readJSON reads one JSON object. Of a name that is there twice the last counts, as in the libraries that
// clients are written with; of what is signed, which goes another way, no name may be.
func (p *Params) readJSON(body []byte, n *int) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return errParams
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errParams
	}
	if _, ok := v.(map[string]any); !ok {
		return errParams
	}
	return p.addJSON(v, n, 0)
}

// addJSON adds a value of JSON. null is as if nothing had been sent.
func (p *Params) addJSON(v any, n *int, depth int) error {
	if *n++; *n > maxParams || depth > maxDepth {
		return errParams
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if len(name) > maxName || !plain(name) {
				return errParams
			}
			if v[name] == nil {
				continue
			}
			if err := p.kid(name, true).addJSON(v[name], n, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := p.kid(strconv.Itoa(i), true).addJSON(item, n, depth+1); err != nil {
				return err
			}
		}
	case string:
		if !plain(v) {
			return errParams
		}
		p.values = append(p.values, v)
	case bool:
		p.values = append(p.values, strconv.FormatBool(v))
	case json.Number:
		p.values = append(p.values, v.String())
	}
	return nil
}

// In is what stands under the names, one inside the other: In("source", "privacy"). It is never nil.
func (p *Params) In(names ...string) *Params {
	for _, name := range names {
		p = p.kid(name, false)
	}
	if p == nil {
		return &Params{}
	}
	return p
}

// Has tells whether anything was sent under the names.
func (p *Params) Has(names ...string) bool {
	q := p.In(names...)
	return len(q.values) > 0 || len(q.kids) > 0 || q.file != nil
}

// Sent tells whether the names were sent at all, be it with an empty list.
func (p *Params) Sent(names ...string) bool {
	for _, name := range names {
		p = p.kid(name, false)
	}
	return p != nil
}

// Text is the value under the names, the last if there are more, "" if there is none.
func (p *Params) Text(names ...string) string {
	v := p.In(names...).values
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

// TextIf is Text, or nil where nothing was sent.
func (p *Params) TextIf(names ...string) *string {
	v := p.In(names...).values
	if len(v) == 0 {
		return nil
	}
	return &v[len(v)-1]
}

// Flag is the yes or no under the names; what is neither is no.
func (p *Params) Flag(names ...string) bool {
	switch strings.ToLower(p.Text(names...)) {
	case "true", "1", "on", "t", "yes":
		return true
	}
	return false
}

// FlagIf is Flag, or nil where nothing was sent.
func (p *Params) FlagIf(names ...string) *bool {
	if p.Text(names...) == "" {
		return nil
	}
	f := p.Flag(names...)
	return &f
}

// Int is the number under the names, or fallback.
func (p *Params) Int(fallback int, names ...string) int {
	n, err := strconv.Atoi(p.Text(names...))
	if err != nil {
		return fallback
	}
	return n
}

// ID is the id under the names, 0 if there is none. Anything that is no id is store.ErrNotFound.
func (p *Params) ID(names ...string) (store.ID, error) {
	t := p.Text(names...)
	if t == "" {
		return 0, nil
	}
	return store.ParseID(t)
}

// Items are the items of a list or of an object with numbers for names, in the order of the numbers;
// other names keep theirs.
func (p *Params) Items(names ...string) []*Params {
	q := p.In(names...)
	keys := slices.Clone(q.order)
	slices.SortStableFunc(keys, func(a, b string) int {
		x, errA := strconv.Atoi(a)
		y, errB := strconv.Atoi(b)
		if errA != nil || errB != nil {
			return 0
		}
		return cmp.Compare(x, y)
	})
	items := make([]*Params, 0, len(keys))
	for _, k := range keys {
		items = append(items, q.kids[k])
	}
	return items
}

// List is a list of texts, however it was sent.
func (p *Params) List(names ...string) []string {
	q := p.In(names...)
	out := slices.Clone(q.values)
	for _, item := range q.Items() {
		out = append(out, item.values...)
	}
	return out
}

// IDs is a list of at most limit ids, each once. Those that are no ids name nothing and are left out.
func (p *Params) IDs(limit int, names ...string) []store.ID {
	var out []store.ID
	for _, t := range p.List(names...) {
		id, err := store.ParseID(t)
		if err != nil || slices.Contains(out, id) {
			continue
		}
		if len(out) == limit {
			break
		}
		out = append(out, id)
	}
	return out
}

// File is the file sent under the names, nil if there is none.
func (p *Params) File(names ...string) *multipart.FileHeader { return p.In(names...).file }

// pathID is the id in the path. What is no id is not found.
func pathID(c echo.Context) (store.ID, error) { return store.ParseID(c.Param("id")) }
