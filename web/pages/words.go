package pages

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cohort/web/i18n"
)

// words are the functions that templates call, bound to one language.
type words struct {
	lang   string
	zone   *time.Location
	now    func() time.Time
	assets *Assets
	// drawing is the markup of an icon up to its name.
	drawing string
}

func (w words) funcs() template.FuncMap {
	return template.FuncMap{
		"t": w.t, "say": w.say, "number": i18n.Number,
		"date": w.date, "datetime": w.datetime, "ago": w.ago, "iso": iso,
		"asset": w.assets.URL, "icon": w.icon,
		"langname": i18n.LanguageName, "htmllang": htmlLang, "switchlang": switchLang,
		"in": in, "field": w.field, "current": current, "pictures": pictures, "focuses": w.focusChoices,
		"paragraphs": paragraphs, "fieldrows": fieldRows, "plain": plain,
		"name": displayName, "glyph": glyph, "hue": hue, "mark": mark, "focus": focus,
		"audience": w.audience, "audienceword": w.audienceWord, "ring": ring, "preset": preset,
		"visibilities": visibilities, "kind": w.kind, "notice": w.notice,
		"errortitle": w.errorTitle, "errortext": w.errorText,
		"scope": w.scope, "topics": topics, "topic": findTopic, "join": strings.Join,
	}
}

// t is a text: t "key" "name" value "name" value ...
func (w words) t(key string, pairs ...any) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("pages: text %s: a name without a value", key)
	}
	args := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return "", fmt.Errorf("pages: text %s: argument %d is not a name", key, i)
		}
		args[name] = pairs[i+1]
	}
	return i18n.T(w.lang, key, args), nil
}

// say is a text whose key comes with a view.
func (w words) say(key string, args map[string]any) string { return i18n.T(w.lang, key, args) }

func (w words) text(key string) string { return i18n.T(w.lang, key, nil) }

func (w words) date(t time.Time) string     { return i18n.Date(w.lang, t.In(w.zone)) }
func (w words) datetime(t time.Time) string { return i18n.DateTime(w.lang, t.In(w.zone)) }
func (w words) ago(t time.Time) string {
	return i18n.Ago(w.lang, t.In(w.zone), w.now().In(w.zone))
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// icon is a drawing from icons.svg; it always stands beside words.
func (w words) icon(name string) template.HTML {
	return template.HTML(w.drawing + name + `"/></svg>`) //nolint:gosec // names are written in our templates and tables
}

// htmlLang is the value of lang: browsers choose Han glyphs by the script.
func htmlLang(code string) string {
	if code == "zh" {
		return "zh-Hans"
	}
	return code
}

// switchLang is the address of the same page in another language.
func switchLang(path, code string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "/?lang=" + url.QueryEscape(code)
	}
	q := u.Query()
	q.Set("lang", code)
	u.RawQuery = q.Encode()
	return u.String()
}

// scope is what a part of a page gets: its subject and the page around it.
type scope struct {
	Page *Page
	It   any
}

func in(v View, it any) scope { return scope{Page: v.page(), It: it} }

func current(nav, entry string) template.HTMLAttr {
	if nav == entry {
		return `aria-current="page"`
	}
	return ""
}

// picture is one of the numbered places for pictures in the composer.
type picture struct {
	N int
	MediaView
}

// Old says that the picture is uploaded already.
func (p picture) Old() bool { return p.ID != "" }

// pictures are the places of a composer: first those taken, then free ones.
func pictures(c Composer) []picture {
	places := make([]picture, max(c.MaxMedia, len(c.Media)))
	for i := range places {
		places[i].N = i + 1
		if i < len(c.Media) {
			places[i].MediaView = c.Media[i]
		}
	}
	return places
}

// focusChoice is one of nine parts of a picture to keep in view.
type focusChoice struct {
	Value, Label string
	Chosen       bool
}

func (w words) focusChoices(m MediaView) []focusChoice {
	choices := []focusChoice{
		{Value: "0,0", Label: w.text("focus.middle")},
		{Value: "0,1", Label: w.text("focus.top")},
		{Value: "0,-1", Label: w.text("focus.bottom")},
		{Value: "-1,0", Label: w.text("focus.left")},
		{Value: "1,0", Label: w.text("focus.right")},
		{Value: "-1,1", Label: w.text("focus.top_left")},
		{Value: "1,1", Label: w.text("focus.top_right")},
		{Value: "-1,-1", Label: w.text("focus.bottom_left")},
		{Value: "1,-1", Label: w.text("focus.bottom_right")},
	}
	third := func(v float64) int { return int(math.Round(max(-1, min(1, v)))) }
	now := fmt.Sprintf("%d,%d", third(m.FocusX), third(m.FocusY))
	for i := range choices {
		choices[i].Chosen = choices[i].Value == now
	}
	return choices
}

func displayName(p Person) string {
	if p.Name != "" {
		return p.Name
	}
	name, _, _ := strings.Cut(p.Handle, "@")
	return name
}

// titles follow a family name; such a name has no given name to take from.
var titles = []string{"老师", "教授", "校长", "主任", "先生", "女士", "同学"}

// glyph is the sign on the tile of somebody without a picture: of a Han name
// the last glyph, which belongs to the given name, else the first letter.
func glyph(p Person) string {
	name := []rune(strings.TrimSpace(displayName(p)))
	if len(name) == 0 {
		return "·"
	}
	for _, r := range name {
		if !unicode.Is(unicode.Han, r) {
			return strings.ToUpper(string(name[0]))
		}
	}
	for _, title := range titles {
		if strings.HasSuffix(string(name), title) {
			return string(name[0])
		}
	}
	if len(name) > 4 {
		return string(name[0])
	}
	return string(name[len(name)-1])
}

// hue is one of six tints, always the same for one account.
func hue(p Person) int {
	h := fnv.New32a()
	// A hash never fails to be written to.
	_, _ = h.Write([]byte(p.Handle))
	return int(h.Sum32() % 6)
}

// mark is what stands in a circle's filled ring: of a year its last two
// digits, of a Han name its first glyph, else up to two initials.
func mark(c CircleRef) string {
	if c.Mark != "" {
		return c.Mark
	}
	name := []rune(c.Name)
	if len(name) >= 4 {
		if _, err := strconv.Atoi(string(name[:4])); err == nil {
			return string(name[2:4])
		}
	}
	var initials []rune
	for _, word := range strings.Fields(c.Name) {
		first := []rune(word)[0]
		if unicode.Is(unicode.Han, first) {
			return string(first)
		}
		if len(initials) < 2 && (unicode.IsLetter(first) || unicode.IsDigit(first)) {
			initials = append(initials, unicode.ToUpper(first))
		}
	}
	return string(initials)
}

// focus names the classes that keep the important part of a cropped picture in
// view, in five steps each way.
func focus(m MediaView) string {
	step := func(v float64) int {
		n := int((v+1)*2 + 0.5)
		return max(0, min(4, n))
	}
	return fmt.Sprintf("fx%d fy%d", step(m.FocusX), step(-m.FocusY))
}
