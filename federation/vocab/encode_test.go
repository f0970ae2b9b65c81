package vocab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/activity/streams"
)

const (
	school = "https://school.example"
	circle = school + "/circles/3"
	member = "https://firm.example/users/2"
)

func noteOut() *Note {
	at := time.Date(2026, 11, 23, 10, 5, 0, 120e6, time.UTC)
	return &Note{
		ID: school + "/posts/1", Type: "Note", URL: school + "/@mei/1", AttributedTo: school + "/users/7",
		InReplyTo: "https://firm.example/posts/é1", Content: "<p>Hi \"<b>\" 你好 \u2028</p>\n", Language: "zh-Hans",
		Summary: "old times", Sensitive: true, Published: at, Updated: at.Truncate(time.Second),
		To: []string{Public}, Cc: []string{school + "/users/7/followers", member},
		Context: school + "/contexts/1", Replies: school + "/posts/1/replies",
		Mentions: []Mention{{Href: member, Name: "@bo@firm.example"}},
		Hashtags: []string{"reunion", "同学"}, HashtagBase: school + "/tags/",
		Attachments: []Attachment{{
			Type: "Image", MediaType: "image/png", URL: school + "/media/1.png", Name: "A red gate",
			Blurhash: "UBL_:rOpGG", Width: 1200, Height: 800, FocalX: -0.5, FocalY: 0.25,
		}, {Type: "Document", MediaType: "audio/ogg", URL: school + "/media/2.ogg"}},
	}
}

func circleOut() *Actor {
	return &Actor{
		ID: circle, Type: "Group", PreferredUsername: "2012-3", Name: "Class 2012(3)", Summary: "<p>Posts stay here.</p>",
		URL: school + "/c/2012-3", Webfinger: "2012-3@school.example", Inbox: circle + "/inbox", SharedInbox: school + "/inbox",
		Outbox: circle + "/outbox", Followers: circle + "/followers", Following: circle + "/following",
		Featured: circle + "/featured", Members: circle + "/members", AttributedTo: circle + "/moderators",
		PublicKeys:       []PublicKey{{ID: circle + "#main-key", Owner: circle, PEM: "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"}},
		AssertionMethods: []Multikey{{ID: circle + "#ed25519-key", Controller: circle, PublicKeyMultibase: "z6MkExample"}},
		Icon:             Image{URL: school + "/media/3.png", MediaType: "image/png", Alt: "The old gate"},
		Image:            Image{URL: school + "/media/4.png", MediaType: "image/png"},
		Fields:           []Field{{Name: "year", Value: "2012"}, {Name: "class", Value: "<b>3</b>"}},
		Emojis:           []Emoji{{ID: school + "/emojis/1", Shortcode: "gate", URL: school + "/media/5.png", MediaType: "image/png"}},
		ManuallyApproves: true, AlsoKnownAs: []string{"https://old.example/c/3"}, MovedTo: "https://new.example/c/3",
		AttributionDomains: []string{"school.example"}, Generator: "cohort", Suspended: true, Memorial: true,
		Implements: []string{CapabilityCircles, "https://datatracker.ietf.org/doc/html/rfc9421"},
		Published:  time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC), Updated: time.Date(2026, 9, 2, 8, 0, 0, 5e6, time.UTC),
	}
}

// sent are the documents we send, by the name of their file under testdata/sent.
func sent(t testing.TB) map[string][]byte {
	t.Helper()
	docs := map[string][]byte{}
	add := func(name string, doc []byte, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		docs[name] = doc
	}
	activity := func(name string, a ActivityOut) {
		a.ID = school + "/activities/1"
		if a.Actor == "" {
			a.Actor = school + "/users/7"
		}
		doc, err := EncodeActivity(a)
		add(name, doc, err)
	}
	inner := input(t, "activities/announce-signed.json")
	announced, err := Decode(inner)
	if err != nil {
		t.Fatal(err)
	}
	follow := &ActivityOut{ID: "https://firm.example/activities/81", Type: "Follow", Actor: member, Object: IRI(circle)}
	plain := &Note{ID: school + "/posts/2", AttributedTo: school + "/users/7", Content: "<p>x</p>", To: []string{circle, circle + "/followers"}, Audience: []string{circle}}
	activity("create", ActivityOut{Type: "Create", Published: noteOut().Published, To: noteOut().To, Cc: noteOut().Cc, Object: noteOut()})
	activity("create-in-circle", ActivityOut{Type: "Create", To: plain.To, Audience: plain.Audience, Object: plain, Proof: true})
	activity("update", ActivityOut{Type: "Update", To: []string{Public}, Object: noteOut()})
	activity("update-actor", ActivityOut{Type: "Update", Actor: circle, To: []string{Public}, Object: circleOut()})
	activity("delete", ActivityOut{Type: "Delete", To: []string{Public}, Object: &Tombstone{ID: school + "/posts/1"}})
	activity("delete-actor", ActivityOut{Type: "Delete", To: []string{Public}, Object: IRI(school + "/users/7")})
	activity("follow", ActivityOut{Type: "Follow", To: []string{circle}, Object: IRI(circle)})
	activity("accept", ActivityOut{
		Type: "Accept", Actor: circle, To: []string{member}, Object: follow,
		Result: &Membership{ID: circle + "/memberships/51", Role: "member", Dialect: "native", Expires: time.Date(2027, 11, 23, 0, 0, 0, 0, time.UTC)},
	})
	activity("reject", ActivityOut{Type: "Reject", Actor: circle, To: []string{member}, Summary: "No seat in this class.", Object: follow})
	activity("undo", ActivityOut{Type: "Undo", Object: follow})
	activity("like", ActivityOut{Type: "Like", To: []string{member}, Object: IRI("https://firm.example/posts/%7E1?a=b")})
	activity("announce", ActivityOut{Type: "Announce", Published: noteOut().Published, To: []string{Public}, Cc: []string{member}, Object: IRI("https://firm.example/posts/1")})
	activity("announce-in-circle", ActivityOut{Type: "Announce", Actor: circle, To: []string{circle + "/followers"}, Audience: []string{circle}, Object: Raw(announced.Object.Raw)})
	activity("block", ActivityOut{Type: "Block", Actor: circle, To: []string{member}, Summary: "Repeated harassment", Object: IRI(member), Target: circle})
	activity("remove", ActivityOut{Type: "Remove", Object: IRI("https://firm.example/posts/1"), Target: circle + "/threads/9", Origin: circle})
	sentObjects(add)
	return docs
}

func sentObjects(add func(name string, doc []byte, err error)) {
	doc, err := EncodeNote(noteOut())
	add("note", doc, err)
	doc, err = EncodeNote(&Note{ID: school + "/posts/3", Type: "Article", AttributedTo: school + "/users/7", Name: "Titles", Content: "<p>x</p>"})
	add("article", doc, err)
	doc, err = EncodeActor(circleOut())
	add("circle", doc, err)
	doc, err = EncodeTombstone(school+"/posts/1", "Note", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
	add("tombstone", doc, err)
	doc, err = EncodeCollection(OrderedCollection{ID: circle + "/outbox", AttributedTo: circle, TotalItems: 3, First: circle + "/outbox?page=1", Last: circle + "/outbox?page=2"})
	add("collection", doc, err)
	doc, err = EncodeCollection(OrderedCollection{ID: circle + "/featured", TotalItems: -1, Items: []ObjectOut{}})
	add("collection-empty", doc, err)
	doc, err = EncodeCollectionPage(CollectionPage{
		ID: circle + "/outbox?page=1", PartOf: circle + "/outbox", TotalItems: 3, Next: circle + "/outbox?page=2", Prev: circle + "/outbox?page=0",
		Items: []ObjectOut{IRI(school + "/activities/1")},
	})
	add("page", doc, err)
}

func TestEncode(t *testing.T) {
	docs := sent(t)
	for name, doc := range docs {
		golden(t, "testdata/sent/"+name+".json", append(doc, '\n'))
		if err := Check(doc); err != nil {
			t.Errorf("%s: we would refuse it ourselves: %v", name, err)
		}
	}
	for name, doc := range sent(t) {
		if !bytes.Equal(doc, docs[name]) {
			t.Errorf("%s comes out differently the second time", name)
		}
	}
	files, err := os.ReadDir("testdata/sent")
	if err != nil || len(files) != len(docs) {
		t.Errorf("%d files for %d documents, %v", len(files), len(docs), err)
	}
}

// Every document we send is one that go-fed reads as the type it has.
func TestGoFedReadsWhatWeSend(t *testing.T) {
	for name, doc := range sent(t) {
		var m map[string]any
		if err := json.Unmarshal(doc, &m); err != nil {
			t.Fatal(err)
		}
		typ, err := streams.ToType(context.Background(), m)
		if err != nil || typ.GetTypeName() != m["type"] {
			t.Errorf("%s: %v, %v", name, typ, err)
		}
	}
}

// What peers demand as a list is a list, also when it has one element, and every
// term outside the plain vocabulary is declared, but no other.
func TestShapeOfWhatWeSend(t *testing.T) {
	for name, doc := range sent(t) {
		var m map[string]any
		if err := json.Unmarshal(doc, &m); err != nil {
			t.Fatal(err)
		}
		declared := map[string]bool{}
		if list, ok := m["@context"].([]any); ok {
			if inline, ok := list[len(list)-1].(map[string]any); ok {
				for term := range inline {
					declared[term] = true
				}
			}
		}
		_, body, _ := strings.Cut(string(doc), `"id":`)
		needed := map[string]bool{"co": strings.Contains(body, `"co:`)}
		for _, term := range terms {
			if strings.Contains(body, `"`+term.name+`":`) || strings.Contains(body, `"type":"`+term.name+`"`) {
				needed[term.name], needed[term.prefix] = true, true
			}
		}
		for term := range declared {
			if !needed[term] {
				t.Errorf("%s declares %s for nothing", name, term)
			}
		}
		walk(m, func(key string, v any) {
			switch key {
			case "to", "cc", "tag", "attachment", "orderedItems", "alsoKnownAs":
				if _, ok := v.([]any); !ok {
					t.Errorf("%s: %s is no list", name, key)
				}
			case "bto", "bcc":
				t.Errorf("%s contains %s", name, key)
			}
			if _, ok := termBits[key]; ok && !declared[key] {
				t.Errorf("%s uses %s without declaring it", name, key)
			}
		})
	}
}

// walk calls f for every member of a document but its @context.
func walk(m map[string]any, f func(key string, v any)) {
	for key, v := range m {
		if key == "@context" {
			continue
		}
		f(key, v)
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			if inner, ok := item.(map[string]any); ok {
				walk(inner, f)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	want := noteOut()
	doc, err := EncodeNote(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeNote(doc)
	if err != nil {
		t.Fatal(err)
	}
	got.Raw, got.HashtagBase = nil, want.HashtagBase
	if !reflect.DeepEqual(got, want) {
		t.Errorf("note:\n got %+v\nwant %+v", got, want)
	}
	actor := circleOut()
	if doc, err = EncodeActor(actor); err != nil {
		t.Fatal(err)
	}
	again, err := DecodeActor(doc)
	if err != nil {
		t.Fatal(err)
	}
	again.Raw = nil
	if !reflect.DeepEqual(again, actor) {
		t.Errorf("actor:\n got %+v\nwant %+v", again, actor)
	}
}

func TestEncodeRefuses(t *testing.T) {
	good := ActivityOut{ID: school + "/1", Actor: school + "/u", Type: "Like", Object: IRI(school + "/2")}
	for name, spoil := range map[string]func(a *ActivityOut){
		"no id":             func(a *ActivityOut) { a.ID = "" },
		"relative id":       func(a *ActivityOut) { a.ID = "/1" },
		"no actor":          func(a *ActivityOut) { a.Actor = "" },
		"relative actor":    func(a *ActivityOut) { a.Actor = "u" },
		"unknown type":      func(a *ActivityOut) { a.Type = "Purge" },
		"no object":         func(a *ActivityOut) { a.Object = nil },
		"empty object":      func(a *ActivityOut) { a.Object = IRI("") },
		"relative object":   func(a *ActivityOut) { a.Object = IRI("x") },
		"nil note":          func(a *ActivityOut) { a.Object = (*Note)(nil) },
		"nil actor":         func(a *ActivityOut) { a.Object = (*Actor)(nil) },
		"nil activity":      func(a *ActivityOut) { a.Object = (*ActivityOut)(nil) },
		"nil tombstone":     func(a *ActivityOut) { a.Object = (*Tombstone)(nil) },
		"nil membership":    func(a *ActivityOut) { a.Result = (*Membership)(nil) },
		"note of odd type":  func(a *ActivityOut) { a.Object = &Note{ID: school + "/2", Type: "Person"} },
		"note without id":   func(a *ActivityOut) { a.Object = &Note{} },
		"mention of nobody": func(a *ActivityOut) { a.Object = &Note{ID: school + "/2", Mentions: []Mention{{Name: "@x"}}} },
		"file without url":  func(a *ActivityOut) { a.Object = &Note{ID: school + "/2", Attachments: []Attachment{{}}} },
		"actor of odd type": func(a *ActivityOut) { a.Object = &Actor{ID: school + "/u", Type: "Note"} },
		"actor's bad key": func(a *ActivityOut) {
			a.Object = &Actor{ID: school + "/u", Type: "Person", PublicKeys: []PublicKey{{}}}
		},
		"recipient no URI":   func(a *ActivityOut) { a.To = []string{Public, "Public"} },
		"target no URI":      func(a *ActivityOut) { a.Target = "%" },
		"inner without id":   func(a *ActivityOut) { a.Object = &ActivityOut{Type: "Follow", Actor: member, Object: IRI(circle)} },
		"raw that is a list": func(a *ActivityOut) { a.Object = Raw(`[]`) },
	} {
		a := good
		spoil(&a)
		if doc, err := EncodeActivity(a); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s: %s, %v", name, doc, err)
		}
	}
	good.Object = Raw(`{"a":1`)
	if _, err := EncodeActivity(good); !errors.Is(err, ErrMalformed) {
		t.Errorf("broken raw: %v", err)
	}
	if _, err := EncodeCollection(OrderedCollection{ID: "x"}); !errors.Is(err, ErrUnfit) {
		t.Errorf("collection: %v", err)
	}
	if _, err := EncodeCollectionPage(CollectionPage{ID: circle, Items: []ObjectOut{IRI("x")}}); !errors.Is(err, ErrUnfit) {
		t.Errorf("page: %v", err)
	}
	if _, err := EncodeTombstone("", "Note", time.Time{}); !errors.Is(err, ErrUnfit) {
		t.Errorf("tombstone: %v", err)
	}
}

// A member's signed activity passes through the circle byte for byte, with its
// spacing, escapes and order.
func TestAnnounceKeepsTheInnerBytes(t *testing.T) {
	received, err := Decode(input(t, "activities/announce-signed.json"))
	if err != nil {
		t.Fatal(err)
	}
	inner := string(received.Object.Raw)
	if !strings.Contains(inner, `"type":"Create" ,"id":"https:\/\/`) {
		t.Fatalf("the sample lost its oddities: %s", inner)
	}
	doc, err := EncodeActivity(ActivityOut{ID: circle + "/a", Type: "Announce", Actor: circle, Object: Raw(inner)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	if string(again.Object.Raw) != inner {
		t.Errorf("changed to %s", again.Object.Raw)
	}
	create, err := again.Object.Activity()
	if err != nil {
		t.Fatal(err)
	}
	if string(create.Raw) != inner || !create.Proof || create.ID != "https://firm.example/activities/c1" {
		t.Errorf("read %+v", create)
	}
	n, err := create.Note()
	if err != nil || n.Content != "<p>Reunion in May? 五月</p>" || n.Audience[0] != circle {
		t.Errorf("read %+v, %v", n, err)
	}
}

// Ids leave as they came, although go-fed would re-encode them.
func TestIDsAreExact(t *testing.T) {
	for _, id := range []string{
		"https://firm.example/posts/é", "https://例え.example/1", "HTTPS://firm.example/1", "https://firm.example/%7Ea",
		"https://firm.example/?q=a+b%20c", "tag:firm.example,2026:1", "https://firm.example/a|b",
	} {
		doc, err := EncodeActivity(ActivityOut{ID: id, Type: "Like", Actor: id, To: []string{id}, Audience: []string{id}, Object: IRI(id), Target: id})
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		a, err := Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != id || a.Actor != id || a.To[0] != id || a.Audience[0] != id || a.Object.ID != id || a.Target.ID != id {
			t.Errorf("%s became %s", id, doc)
		}
	}
}
