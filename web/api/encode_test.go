package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cohort/store"
)

// decoded reads JSON into maps and lists.
func decoded(t testing.TB, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("not JSON: %v: %.400s", err, raw)
	}
	return v
}

// same fails unless what we write by hand is what the tags say.
func same(t testing.TB, fast []byte, slow any) {
	t.Helper()
	raw, err := json.Marshal(slow)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decoded(t, fast), decoded(t, raw); !reflect.DeepEqual(got, want) {
		t.Errorf("written\n%s\nbut the tags say\n%s", fast, raw)
	}
}

var someTime = time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("x", 3600))

func sampleView(text string) *store.PostView {
	author := &store.Account{
		ID: 1 << 60, Kind: store.KindPerson, Handle: "ada", Name: text, URI: "https://a.example/users/1", URL: "https://a.example/@ada", Bio: "<p>" + text + "</p>",
		Fields: []store.Field{{Name: text, Value: "plain"}, {Name: "web", Value: "https://ada.example <b>"}}, CreatedAt: someTime, LastPostAt: someTime, PostsCount: 3,
	}
	other := &store.Account{ID: 7, Handle: "bob", Host: "b.example", Domain: "b.example", URL: "https://b.example/@bob", AvatarRemote: "https://b.example/a.png", SilencedAt: someTime}
	original := &store.PostView{
		Post:   &store.Post{ID: 5, AuthorID: 7, URI: "https://b.example/5", Visibility: store.Followers, HTML: text, Summary: text, Sensitive: true, CreatedAt: someTime, Language: "zh", LikesCount: 9},
		Author: other, Mentions: []*store.Account{author, other}, Tags: []string{"go", "同窗"},
		Media: []store.Media{
			{ID: 9, MIME: "image/png", File: "f.png", Preview: "p.png", Alt: text, Width: 400, Height: 300, PreviewWidth: 200, PreviewHeight: 150, FocusX: -0.25},
			{ID: 10, MIME: "image/png", RemoteURL: "https://b.example/x.png", Blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj"},
			{ID: 11, MIME: "video/mp4", RemoteURL: "https://b.example/x.mp4"},
		},
		App: &store.App{Name: text}, Liked: true,
	}
	return &store.PostView{
		Post:   &store.Post{ID: 6, AuthorID: author.ID, URI: "https://a.example/posts/6", URL: "https://a.example/@ada/6", BoostOfID: 5, Visibility: store.Public, CreatedAt: someTime, EditedAt: someTime},
		Author: author, Boost: original, App: &store.App{Name: text, Website: "https://app.example"}, Boosted: true,
	}
}

func TestWritingByHandIsWhatTheTagsSay(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		v := sampleView(rapid.String().Draw(rt, "text"))
		for _, me := range []store.ID{0, v.Author.ID} {
			s := h.api.maker(me).status(v)
			same(t, appendStatus(nil, s), s)
			text := v.Author.Name
			s.Text = &text
			same(t, appendStatus(nil, s), s)
			hidden := true
			s.Account.HideCollections = &hidden
			same(t, appendAccount(nil, s.Account), s.Account)
			n := &Notification{ID: 3, Type: "mention", GroupKey: text, CreatedAt: Stamp(someTime), Account: s.Account, Status: s}
			same(t, appendNotification(nil, n), n)
		}
	})
}

func TestGroupsByHand(t *testing.T) {
	for _, g := range []*NotificationGroup{
		{GroupKey: "a", NotificationsCount: 2, Type: "follow", MostRecentID: 4, PageMinID: 3, PageMaxID: 4, LatestAt: Stamp(someTime), SampleAccountIDs: []ID{1, 2}},
		{GroupKey: "b", NotificationsCount: 1, Type: "favourite", MostRecentID: 4, PageMinID: 4, PageMaxID: 4, LatestAt: Stamp(someTime), SampleAccountIDs: []ID{1}, StatusID: 8},
	} {
		same(t, appendGroup(nil, g), g)
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[time.Time]string{
		{}:       "null",
		someTime: `"2026-01-02T02:04:05.678Z"`,
		time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC): `"2026-12-31T23:59:59.000Z"`,
		time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC):     `"12026-01-01T00:00:00.000Z"`,
	} {
		if got := string(appendStamp(nil, Stamp(in))); got != want {
			t.Errorf("%v is written %s, want %s", in, got, want)
		}
	}
	if got := string(appendDay(nil, Day(someTime))); got != `"2026-01-02"` {
		t.Errorf("day %s", got)
	}
}

func TestStringsAreJSON(t *testing.T) {
	for _, in := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f", "同窗 🎓", "a\xffb\xc3", "<script>&", "\u2028"} {
		var got string
		if err := json.Unmarshal(appendString(nil, in), &got); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if want := strings.ToValidUTF8(in, "\ufffd"); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// The fields that each entity must have, missing ones being worse for clients than null ones.
var fieldsOf = map[string]string{
	"account": "id username acct url uri display_name note avatar avatar_static avatar_description header header_static header_description locked fields emojis bot group " +
		"discoverable indexable created_at last_status_at statuses_count followers_count following_count hide_collections show_media show_media_replies show_featured roles feature_approval",
	"source": "attribution_domains note fields privacy sensitive language follow_requests_count hide_collections discoverable indexable quote_policy",
	"role":   "id name color permissions highlighted collection_limit",
	"status": "id uri created_at account content visibility sensitive spoiler_text media_attachments mentions tags emojis reblogs_count favourites_count quotes_count replies_count " +
		"url in_reply_to_id in_reply_to_account_id reblog poll card language text edited_at quote quote_approval tagged_collections",
	"marks":        "favourited reblogged muted bookmarked pinned filtered",
	"edit":         "content spoiler_text sensitive created_at account media_attachments emojis",
	"media":        "id type url preview_url remote_url meta description blurhash",
	"relationship": "id following showing_reblogs notifying languages followed_by blocking blocked_by muting muting_notifications muting_expires_at requested requested_by domain_blocking endorsed note",
	"notification": "id type group_key created_at account",
	"group":        "group_key notifications_count type most_recent_notification_id sample_account_ids",
	"field":        "name value verified_at",
}

// complete fails if v, an entity of that name, lacks a field, or has an id that is no string.
func complete(t testing.TB, name string, v any) map[string]any {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%s is %v", name, v)
	}
	for field := range strings.FieldsSeq(fieldsOf[name]) {
		if _, ok := m[field]; !ok {
			t.Errorf("%s lacks %s", name, field)
		}
	}
	if id, ok := m["id"]; ok && name != "role" {
		if s, ok := id.(string); !ok || strings.Trim(s, "0123456789") != "" || s == "" {
			t.Errorf("the id of %s is %v", name, id)
		}
	}
	return m
}

func TestFieldsOfEntities(t *testing.T) {
	h := newHouse(t)
	for _, me := range []store.ID{0, 1 << 60} {
		s := complete(t, "status", decoded(t, appendStatus(nil, h.api.maker(me).status(sampleView("x")))))
		original := complete(t, "status", s["reblog"])
		a := complete(t, "account", s["account"])
		complete(t, "field", a["fields"].([]any)[0])
		complete(t, "account", original["account"])
		for _, m := range original["media_attachments"].([]any) {
			complete(t, "media", m)
		}
		if _, marked := s["favourited"]; marked != (me != 0) {
			t.Errorf("marks for %d: %v", me, marked)
		}
		if me != 0 {
			complete(t, "marks", s)
		}
		if _, told := s["application"]; told != (me != 0) {
			t.Errorf("the app is told to %d: %v", me, told)
		}
	}
	for _, url := range []any{
		decoded(t, appendAccount(nil, h.api.account(&store.Account{ID: 1}))).(map[string]any)["avatar"],
		decoded(t, appendAccount(nil, h.api.account(&store.Account{ID: 1}))).(map[string]any)["header"],
	} {
		if s, _ := url.(string); !strings.HasPrefix(s, houseURL+"/static/") {
			t.Errorf("default picture %v", url)
		}
	}
}
