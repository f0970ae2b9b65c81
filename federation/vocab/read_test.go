package vocab

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestVisibility(t *testing.T) {
	const followers = "https://a.example/users/1/followers"
	bo, cy := "https://b.example/bo", "https://c.example/cy"
	for name, c := range map[string]struct {
		to, cc, mentions []string
		want             string
	}{
		"public":                        {[]string{Public}, []string{followers}, nil, VisibilityPublic},
		"public behind others":          {[]string{bo, Public}, nil, nil, VisibilityPublic},
		"unlisted":                      {[]string{followers}, []string{Public}, nil, VisibilityUnlisted},
		"followers":                     {[]string{followers}, []string{bo}, []string{bo}, VisibilityFollowers},
		"followers in cc":               {[]string{bo}, []string{followers}, []string{bo}, VisibilityFollowers},
		"someone else's followers":      {[]string{"https://b.example/bo/followers"}, nil, nil, VisibilityLimited},
		"direct":                        {[]string{bo, cy}, nil, []string{cy, bo}, VisibilityDirect},
		"limited":                       {[]string{bo, cy}, nil, []string{bo}, VisibilityLimited},
		"limited by cc":                 {[]string{bo}, []string{cy}, []string{bo}, VisibilityLimited},
		"nobody":                        {nil, nil, nil, VisibilityDirect},
		"a lookalike of Public":         {[]string{Public + "s"}, nil, nil, VisibilityLimited},
		"another spelling of followers": {[]string{followers + "/"}, nil, nil, VisibilityLimited},
	} {
		n := &Note{To: c.to, Cc: c.cc}
		for _, id := range c.mentions {
			n.Mentions = append(n.Mentions, Mention{Href: id})
		}
		if got := n.Visibility(followers); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := (&Note{To: []string{"https://a.example/x"}, Audience: []string{Public}}).Visibility(""); got != VisibilityLimited {
		t.Errorf("audience opened a note: %s", got)
	}
	if got := (&Note{To: []string{""}}).Visibility(""); got != VisibilityLimited {
		t.Errorf("an author without followers collection: %s", got)
	}
}

func TestPublicInThreeSpellings(t *testing.T) {
	for _, spelling := range []string{`"Public"`, `"as:Public"`, `"` + Public + `"`, `["https://a.example/x","as:Public"]`, `{"id":"as:Public"}`, `[null,{"id":"Public"}]`} {
		a, err := Decode([]byte(`{"type":"Create","to":` + spelling + `,"object":{"type":"Note","cc":` + spelling + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		n, err := a.Note()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(a.To, Public) || n.Visibility("") != VisibilityUnlisted {
			t.Errorf("%s: %v, %v", spelling, a.To, n.Cc)
		}
	}
}

// The recipients of the note decide; those of the activity only when it has none.
func TestNoteInheritsRecipients(t *testing.T) {
	a, err := Decode([]byte(`{"type":"Create","to":["as:Public"],"object":{"type":"Note","to":["https://a.example/x"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := a.Note(); err != nil || n.Visibility("") != VisibilityLimited {
		t.Errorf("the activity widened the note: %+v, %v", n, err)
	}
	a, err = Decode([]byte(`{"type":"Create","to":["as:Public"],"object":{"type":"Note"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := a.Note(); err != nil || n.Visibility("") != VisibilityPublic {
		t.Errorf("not inherited: %+v, %v", n, err)
	}
}

func TestNoteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"two authors":        {`{"type":"Note","attributedTo":["https://a.example/u","https://b.example/u"]}`, ErrMalformed},
		"two author objects": {`{"type":"Note","attributedTo":[{"id":"https://a.example/u"},{"id":"https://b.example/u"}]}`, ErrMalformed},
		"author and rubbish": {`{"type":"Note","attributedTo":["https://a.example/u",{}]}`, ErrMalformed},
		"author number":      {`{"type":"Note","attributedTo":7}`, ErrMalformed},
		"no type":            {`{"attributedTo":"https://a.example/u"}`, ErrMalformed},
		"several types":      {`{"type":["Note","Person"]}`, ErrMalformed},
		"actor":              {`{"type":"Person","attributedTo":"https://a.example/u","content":"x"}`, ErrWrongKind},
		"activity":           {`{"type":"Create","attributedTo":"https://a.example/u","content":"x"}`, ErrWrongKind},
		"collection":         {`{"type":"OrderedCollection","attributedTo":"https://a.example/u"}`, ErrWrongKind},
		"tombstone":          {`{"type":"Tombstone","content":"x"}`, ErrWrongKind},
		"link":               {`{"type":"Link","href":"https://a.example/"}`, ErrWrongKind},
		"unknown, no text":   {`{"type":"QuoteAuthorization","attributedTo":"https://a.example/u"}`, ErrWrongKind},
		"unknown, no author": {`{"type":"EmojiReact","content":"x"}`, ErrWrongKind},
		"list":               {`[{"type":"Note"}]`, ErrMalformed},
		"second document":    {`{"type":"Note"} {}`, ErrMalformed},
		"content twice":      {`{"type":"Note","content":"a","content":"b"}`, ErrMalformed},
	} {
		if n, err := DecodeNote([]byte(c.doc)); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
	if n, err := DecodeNote([]byte(`{"type":"Note","attributedTo":["https://a.example/u",{"id":"https://a.example/u"}]}`)); err != nil || n.AttributedTo != "https://a.example/u" {
		t.Errorf("the same author twice: %+v, %v", n, err)
	}
}

func TestActorRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"no id":         {`{"type":"Person"}`, ErrMalformed},
		"id null":       {`{"type":"Person","id":null}`, ErrMalformed},
		"id number":     {`{"type":"Person","id":5}`, ErrMalformed},
		"id with NUL":   {`{"type":"Person","id":"https://a.example/\u0000u"}`, ErrMalformed},
		"id in a list":  {`{"type":"Person","id":["https://a.example/u"]}`, ErrMalformed},
		"note":          {`{"type":"Note","id":"https://a.example/u"}`, ErrWrongKind},
		"no type":       {`{"id":"https://a.example/u"}`, ErrWrongKind},
		"type null":     {`{"type":null,"id":"https://a.example/u"}`, ErrWrongKind},
		"unknown type":  {`{"type":"Robot","id":"https://a.example/u"}`, ErrWrongKind},
		"collection":    {`{"type":"Collection","id":"https://a.example/u"}`, ErrWrongKind},
		"several types": {`{"type":["Person","Group"],"id":"https://a.example/u"}`, ErrMalformed},
		"inbox twice":   {`{"type":"Person","id":"https://a.example/u","inbox":"https://a.example/i","inbox":"https://b.example/i"}`, ErrMalformed},
	} {
		if a, err := DecodeActor([]byte(c.doc)); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestKeys(t *testing.T) {
	a, err := DecodeActor(input(t, "actors/keys-in-a-list.json"))
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := a.Key(a.ID + "#other"); !ok || k.Owner != a.ID || k.PEM == "" {
		t.Errorf("got %+v", k)
	}
	if _, ok := a.Key(a.ID); ok || a.Declares(CapabilityCircles) {
		t.Error("found what is not there")
	}
	circle, err := DecodeActor(input(t, "actors/circle.json"))
	if err != nil || !circle.Declares(CapabilityCircles) {
		t.Errorf("capability not found: %v", err)
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]string{
		`"2026-05-01T10:00:00Z"`:            "2026-05-01T10:00:00Z",
		`"2026-05-01T10:00:00.123456789Z"`:  "2026-05-01T10:00:00.123456789Z",
		`"2026-05-01T12:00:00+02:00"`:       "2026-05-01T10:00:00Z",
		`"2026-05-01T10:00Z"`:               "2026-05-01T10:00:00Z",
		`"2026-05-01"`:                      "",
		`"2026-05-01T10:00:00"`:             "",
		`"2026-13-01T10:00:00Z"`:            "",
		`""`:                                "",
		`1777629600`:                        "",
		`null`:                              "",
		`["2026-05-01T10:00:00Z","x"]`:      "2026-05-01T10:00:00Z",
		`{"@value":"2026-05-01T10:00:00Z"}`: "",
	} {
		got := value(in).date()
		if s := got.Format(time.RFC3339Nano); s != want && (want != "" || !got.IsZero()) {
			t.Errorf("date %s: %s", in, s)
		}
	}
	for in, want := range map[string]string{
		`"https://a.example/x"`: "https://a.example/x",
		`"HTTP://a.example/x"`:  "HTTP://a.example/x",
		`"javascript:alert(1)"`: "", `"data:text/html,x"`: "", `"//a.example"`: "", `"https://a.example/ x"`: "", `7`: "", `{}`: "",
		`{"type":"Link","href":"https://a.example/l"}`:                                   "https://a.example/l",
		`[{"href":"https://a.example/v","mediaType":"video/mp4"},"https://a.example/s"]`: "https://a.example/s",
	} {
		if got := value(in).address(); got != want {
			t.Errorf("address %s: %q", in, got)
		}
	}
	for in, want := range map[string]int{`5`: 5, `"5"`: 5, `5.9`: 5, `-1`: 0, `1e300`: 0, `1e999`: 0, `null`: 0, `"x"`: 0, `[5]`: 0} {
		if got := value(in).whole(); got != want {
			t.Errorf("number %s: %d", in, got)
		}
	}
	for in, want := range map[string]string{`en`: "en", `zh-Hans`: "zh-Hans", `und`: "", ``: "", `x y`: "", `"><`: "", `1e`: "", `-e`: ""} {
		if got := languageTag(in); got != want {
			t.Errorf("language %s: %q", in, got)
		}
	}
	if got := value(`"a\u0000b\ud83d\udc4b\n\/"`).text(); got != "ab👋\n/" {
		t.Errorf("text: %q", got)
	}
}

// Every activity that go-fed knows goes to its handler, every other to Other,
// and each handler is given our own reading of it.
func TestResolver(t *testing.T) {
	var called string
	var got *Activity
	handler := func(name string) Handler {
		return func(_ context.Context, a *Activity) error { called, got = name, a; return nil }
	}
	failure := errors.New("refused")
	r, err := NewResolver(Handlers{
		Create: handler("Create"), Update: handler("Update"), Delete: handler("Delete"), Follow: handler("Follow"),
		Accept: handler("Accept"), Reject: handler("Reject"), Undo: handler("Undo"), Like: handler("Like"),
		Announce: handler("Announce"), Block: handler("Block"), Add: handler("Add"), Remove: handler("Remove"),
		Flag: func(context.Context, *Activity) error { return failure }, Other: handler("Other"),
	})
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"Create", "Update", "Delete", "Follow", "Accept", "Reject", "Undo", "Like", "Announce", "Block", "Add", "Remove"}
	names := append([]string{"EmojiReact", "Activity", "Object", "Move"}, own...)
	for name, kind := range kinds {
		if kind == kindActivity && name != "Flag" {
			names = append(names, name)
		}
	}
	for _, name := range names {
		doc := []byte(`{"type":"` + name + `","actor":"https://a.example/u","object":"https://a.example/1"}`)
		typ, err := toType(context.Background(), doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, err := Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Resolve(context.Background(), typ, a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := "Other"
		if slices.Contains(own, name) {
			want = name
		}
		if called != want || got != a {
			t.Errorf("%s went to %s", name, called)
		}
	}
	typ, err := toType(context.Background(), []byte(`{"type":"Flag"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Resolve(context.Background(), typ, &Activity{}); !errors.Is(err, failure) {
		t.Errorf("the handler's error became %v", err)
	}
	if _, err := NewResolver(Handlers{}); err == nil {
		t.Error("a resolver without Other")
	}
}

func TestNormalise(t *testing.T) {
	got, err := normalise(input(t, "activities/emojireact.json"))
	want := `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://pleroma.example/activities/2","type":["EmojiReact","Activity"],` +
		`"actor":["https://pleroma.example/users/ana"],"object":["https://school.example/posts/3"],` +
		`"to":["https://school.example/users/7","https://www.w3.org/ns/activitystreams#Public"]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"note":          {`{"type":"Note","actor":"https://a.example/u"}`, ErrWrongKind},
		"actor":         {`{"type":"Person"}`, ErrWrongKind},
		"id no URI":     {`{"type":"Like","id":"1","actor":"https://a.example/u"}`, ErrMalformed},
		"id not parsed": {`{"type":"Like","id":"https://a.example/%zz"}`, ErrMalformed},
		"actor no URI":  {`{"type":"Like","actor":"ana@a.example"}`, ErrMalformed},
	} {
		if got, err := normalise([]byte(c.doc)); !errors.Is(err, c.want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	// Ids that are none are left out, and an absent id is replaced, because
	// go-fed would hold a property without value.
	for _, id := range []string{`null`, `5`, `{}`, `""`, `"a b"`, `[]`} {
		doc := []byte(`{"type":"Like","id":` + id + `,"object":["%",{"type":"Note"},null,7],"to":["%"]}`)
		got, err := normalise(doc)
		if err != nil || !json.Valid(got) || string(got) != `{"@context":"https://www.w3.org/ns/activitystreams","id":"`+withoutID+`","type":["Like"]}` {
			t.Errorf("id %s: %s, %v", id, got, err)
		}
	}
}
