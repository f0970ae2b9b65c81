package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
)

// keysOf are the fields of the TSV-like lists below that must be there, nested by dots.
func hasFields(t *testing.T, got answer, fields string) {
	t.Helper()
	for f := range strings.FieldsSeq(fields) {
		got.field(t, strings.Split(f, ".")...)
	}
}

func TestInstance(t *testing.T) {
	h := newHouse(t)
	h.person("head")
	for _, path := range []string{"/api/v1/instance", "/api/v2/instance", "/api/v1/instance/extended_description"} {
		if got := h.get(path, ""); got.code != http.StatusOK || strings.Contains(string(got.body), `"head`) {
			t.Errorf("%s before anything was said: %d %s", path, got.code, got.body)
		}
	}
	h.must(h.s.SetAbout(t.Context(), social.AboutChange{
		Description: new("A school"), Contact: new("head"), ContactEmail: new("head@school.example"), About: new("One <b>\n\nTwo"), Rules: &[]string{"Be kind"},
	}, 0))
	v2 := h.get("/api/v2/instance", "")
	hasFields(t, v2, `domain title version source_url description usage.users.active_month thumbnail.url thumbnail.description thumbnail.blurhash thumbnail.versions icon languages
 configuration.urls.streaming configuration.urls.status configuration.urls.about configuration.urls.privacy_policy configuration.urls.terms_of_service configuration.vapid.public_key
 configuration.accounts.max_featured_tags configuration.accounts.max_pinned_statuses configuration.accounts.max_profile_fields configuration.accounts.profile_field_name_limit
 configuration.accounts.profile_field_value_limit configuration.accounts.max_display_name_length configuration.accounts.max_note_length
 configuration.statuses.max_characters configuration.statuses.max_media_attachments configuration.statuses.characters_reserved_per_url
 configuration.media_attachments.supported_mime_types configuration.media_attachments.description_limit configuration.media_attachments.image_size_limit
 configuration.media_attachments.image_matrix_limit configuration.media_attachments.video_size_limit configuration.media_attachments.video_frame_rate_limit configuration.media_attachments.video_matrix_limit
 configuration.polls.max_options configuration.polls.max_characters_per_option configuration.polls.min_expiration configuration.polls.max_expiration configuration.translation.enabled
 configuration.timelines_access.live_feeds.local configuration.timelines_access.hashtag_feeds.remote configuration.timelines_access.trending_link_feeds.local configuration.limited_federation
 registrations.enabled registrations.approval_required registrations.message registrations.min_age registrations.reason_required registrations.url api_versions.mastodon contact.email contact.account.id rules`)
	if v := v2.field(t, "version"); v != "4.3.0 (compatible; Cohort 0.1.0)" {
		t.Errorf("version %v", v)
	}
	if v := v2.field(t, "configuration", "urls", "streaming"); v != "wss://school.example" {
		t.Errorf("streaming %v", v)
	}
	if v2.field(t, "registrations", "enabled") != true || v2.field(t, "registrations", "approval_required") != true {
		t.Errorf("registrations %v", v2.field(t, "registrations"))
	}
	v1 := h.get("/api/v1/instance", "")
	hasFields(t, v1, `uri title short_description description email version urls.streaming_api stats.user_count stats.status_count stats.domain_count thumbnail languages registrations
 approval_required invites_enabled configuration.accounts.max_featured_tags configuration.statuses.max_characters configuration.statuses.max_media_attachments
 configuration.statuses.characters_reserved_per_url configuration.media_attachments.supported_mime_types configuration.polls.max_options contact_account.id rules`)
	if got := h.get("/api/v1/instance/extended_description", ""); got.field(t, "content") != "<p>One &lt;b&gt;</p><p>Two</p>" {
		t.Errorf("%s", got.body)
	}
	if v2.field(t, "description") != "A school" || v1.field(t, "description") != "A school" || v2.field(t, "contact", "email") != "head@school.example" ||
		v1.field(t, "email") != "head@school.example" || v2.field(t, "contact", "account", "username") != "head" || v1.field(t, "contact_account", "username") != "head" {
		t.Errorf("it says %s and %s", v2.body, v1.body)
	}
	if got := h.get("/api/v1/instance/rules", ""); !strings.Contains(string(got.body), "Be kind") {
		t.Errorf("%s", got.body)
	}
	if got := h.get("/api/v1/instance/languages", ""); !strings.Contains(string(got.body), `"中文"`) {
		t.Errorf("%s", got.body)
	}
}

func TestNothingIsSaidHonestly(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), "read write follow push")
	for path, want := range map[string]string{
		"/api/v1/custom_emojis": "[]", "/api/v1/announcements": "[]", "/api/v1/instance/peers": "[]", "/api/v1/instance/activity": "[]", "/api/v1/instance/domain_blocks": "[]",
		"/api/v1/instance/translation_languages": "{}", "/api/v1/filters": "[]", "/api/v2/filters": "[]", "/api/v1/conversations": "[]", "/api/v1/trends": "[]",
		"/api/v1/trends/tags": "[]", "/api/v1/trends/statuses": "[]", "/api/v1/trends/links": "[]", "/api/v1/suggestions": "[]", "/api/v2/suggestions": "[]",
		"/api/v1/followed_tags": "[]", "/api/v1/scheduled_statuses": "[]", "/api/v1/directory": "[]", "/api/v1/timelines/link?url=https://b.example/": "[]",
		"/api/v1/notifications/requests/merged": `{"merged":true}`,
	} {
		if got := h.get(path, token); got.code != http.StatusOK || string(got.body) != want {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	for _, path := range []string{"/api/v1/push/subscription", "/api/v1/instance/privacy_policy", "/api/v1/instance/terms_of_service", "/api/v2/filters/1", "/api/v1/scheduled_statuses/1", "/api/v1/timelines/direct", "/api/v1/unknown", "/api/v3/instance"} {
		if got := h.get(path, token); got.code != http.StatusNotFound || got.field(t, "error") == "" {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	for _, r := range refusals() {
		got := h.do(r.Method, r.address("1"), token, nil)
		if got.code != http.StatusNotFound && got.code != http.StatusUnprocessableEntity && string(got.body) != "{}" {
			t.Errorf("%s: %d %s", r, got.code, got.body)
		}
		if got := h.do(r.Method, r.address("1"), "", nil); got.code != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", r, got.code)
		}
	}
	if got := h.get("/api/v1/notifications/policy", token); got.field(t, "filter_not_following") != false || got.field(t, "summary", "pending_requests_count") != 0.0 {
		t.Errorf("%s", got.body)
	}
	if got := h.do(http.MethodDelete, "/api/v1/custom_emojis", token, nil); got.code != http.StatusMethodNotAllowed || got.field(t, "error") == "" {
		t.Errorf("wrong method: %d %s", got.code, got.body)
	}
}

func TestMarkersAndPreferences(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada, "read write")
	if got := h.get("/api/v1/markers?timeline[]=home", token); string(got.body) != "{}\n" {
		t.Errorf("none: %s", got.body)
	}
	got := h.form("/api/v1/markers", token, url.Values{"home[last_read_id]": {"103"}, "other[last_read_id]": {"1"}})
	if got.code != http.StatusOK || got.field(t, "home", "last_read_id") != "103" || got.field(t, "home", "version") != 1.0 {
		t.Errorf("%d %s", got.code, got.body)
	}
	got = h.json(http.MethodPost, "/api/v1/markers", token, map[string]any{"home": map[string]any{"last_read_id": "104"}, "notifications": map[string]any{"last_read_id": "7"}})
	if got.field(t, "home", "version") != 2.0 || got.field(t, "notifications", "last_read_id") != "7" {
		t.Errorf("%s", got.body)
	}
	got = h.get("/api/v1/markers?timeline[]=notifications", token)
	if strings.Contains(string(got.body), "home") || got.field(t, "notifications", "updated_at") == "" {
		t.Errorf("%s", got.body)
	}
	if got := h.form("/api/v1/markers", token, url.Values{"home[last_read_id]": {"abc"}}); got.code != http.StatusUnprocessableEntity {
		t.Errorf("no id: %d %s", got.code, got.body)
	}
	got = h.get("/api/v1/preferences", token)
	for _, f := range []string{"posting:default:visibility", "posting:default:sensitive", "posting:default:language", "reading:expand:media", "reading:expand:spoilers"} {
		got.field(t, f)
	}
}

func TestSearch(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, "read")
	p := h.publish(bob, "hello #gophers", store.Public)
	secret := h.publish(bob, "for nobody", store.Followers)
	names := func(got answer, kind, field string) string {
		t.Helper()
		list, _ := got.field(t, kind).([]any)
		var out []string
		for _, v := range list {
			if m, ok := v.(map[string]any); ok {
				out = append(out, m[field].(string))
			}
		}
		return strings.Join(out, " ")
	}
	if got := h.get("/api/v2/search?q=bo&resolve=true", token); names(got, "accounts", "acct") != "bob" {
		t.Errorf("%s", got.body)
	}
	if got := h.get("/api/v2/search?q=%23goph&type=hashtags", token); names(got, "hashtags", "name") != "gophers" || names(got, "accounts", "acct") != "" {
		t.Errorf("%s", got.body)
	}
	if got := h.get("/api/v1/search?q=goph", token); !strings.Contains(string(got.body), `"hashtags":["gophers"]`) {
		t.Errorf("%s", got.body)
	}
	for _, q := range []string{p.URI, p.URL, houseURL + "/posts/" + p.ID.String()} {
		if got := h.get("/api/v2/search?resolve=true&q="+url.QueryEscape(q), token); names(got, "statuses", "id") != p.ID.String() {
			t.Errorf("%s: %s", q, got.body)
		}
	}
	if got := h.get("/api/v2/search?q="+url.QueryEscape(houseURL+"/@bob"), token); names(got, "accounts", "acct") != "bob" {
		t.Errorf("%s", got.body)
	}
	none := string(h.get("/api/v2/search?resolve=true&q="+url.QueryEscape(houseURL+"/posts/1"), token).body)
	for _, tok := range []string{"", token} {
		if got := h.get("/api/v2/search?resolve=true&q="+url.QueryEscape(secret.URI), tok); string(got.body) != none {
			t.Errorf("a hidden post: %s", got.body)
		}
	}
	h.must(h.s.Block(t.Context(), ada, bob.ID))
	if got := h.get("/api/v2/search?q=bob", token); names(got, "accounts", "acct") != "bob" {
		t.Errorf("whom one blocks is found: %s", got.body)
	}
	for _, q := range []string{"limit=60000000&q=b", "limit=-1&q=b", "limit=x&q=b", "q=", "q=" + strings.Repeat("x", 501), "offset=-5&q=b", "offset=99999999&q=b", "q=%00", "q=%25%27%22%3B--", "q=%40%40%40"} {
		if got := h.get("/api/v2/search?"+q, token); got.code != http.StatusOK && got.code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", q, got.code, got.body)
		}
	}
	if got := h.get("/api/v2/search?q=b&offset=20", ""); got.code != http.StatusUnauthorized {
		t.Errorf("pages for nobody: %d", got.code)
	}
	if got := h.get("/api/v1/search?q=b", ""); got.code != http.StatusUnauthorized {
		t.Errorf("v1 for nobody: %d", got.code)
	}
}
