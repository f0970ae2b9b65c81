package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

// What clients are told of us besides the facts: the version of Mastodon whose interface this is, in the
// form that the strictest of them read, and the number of that interface.
const (
	speaksVersion = "4.3.0"
	speaksAPI     = 2

	instanceIcon = "/static/0/icon.png"

	imageMatrix = 40_000_000 // pixels
	altLimit    = 1500
)

// figures keeps the counts of the instance for a while: counting reads every account.
type figures struct {
	mu    sync.Mutex
	stats store.Stats
	at    time.Time
}

const figuresLife = 5 * time.Minute

func (f *figures) get(ctx context.Context, db *store.DB) (store.Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := db.Now(); f.at.IsZero() || now.Sub(f.at) > figuresLife {
		stats, err := db.Stats(ctx)
		if err != nil {
			return stats, err
		}
		f.stats, f.at = stats, now
	}
	return f.stats, nil
}

// about is what an instance says of itself.
type about struct {
	description, email string
	contact            any
	rules              []map[string]any
	stats              store.Stats
}

func (a *API) about(ctx context.Context) (about, error) {
	said, err := a.s.About(ctx)
	if err != nil {
		return about{}, err
	}
	got := about{description: said.Description, email: said.ContactEmail, rules: rulesOf(said.Rules)}
	if said.Contact != nil {
		got.contact = a.account(said.Contact)
	}
	got.stats, err = a.figures.get(ctx, a.db)
	return got, err
}

func rulesOf(rules []store.Rule) []map[string]any {
	out := make([]map[string]any, 0, len(rules))
	for _, r := range rules {
		out = append(out, map[string]any{"id": r.ID.String(), "text": r.Text, "hint": "", "translations": map[string]any{}})
	}
	return out
}

func (a *API) version() string {
	return speaksVersion + " (compatible; Cohort " + a.fed.Config.Version + ")"
}

// streamingURL is where WebSockets are opened, without a path.
func (a *API) streamingURL() string { return "ws" + strings.TrimPrefix(a.base, "http") }

func (a *API) open() bool {
	return a.s.Config.Registration == social.RegistrationOpen || a.s.Config.Registration == social.RegistrationApproval
}

// limits is the part of configuration that both versions of the endpoint share. Polls cannot be made
// here: no option is allowed in one.
func limits() map[string]any {
	return map[string]any{
		"statuses": map[string]any{"max_characters": social.MaxCharacters, "max_media_attachments": social.MaxAttachments, "characters_reserved_per_url": 23},
		"media_attachments": map[string]any{
			"supported_mime_types": []string{"image/jpeg", "image/png", "image/gif", "image/webp"}, "description_limit": altLimit,
			"image_size_limit": social.MaxUpload, "image_matrix_limit": imageMatrix,
			"video_size_limit": 0, "video_frame_rate_limit": 0, "video_matrix_limit": 0,
		},
		"polls": map[string]any{"max_options": 0, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746},
	}
}

// Instance describes the instance.
func (a *API) Instance(c echo.Context) error {
	got, err := a.about(c.Request().Context())
	if err != nil {
		return err
	}
	conf := limits()
	conf["urls"] = map[string]any{"streaming": a.streamingURL(), "status": nil, "about": a.base + "/about", "privacy_policy": nil, "terms_of_service": nil}
	conf["vapid"] = map[string]any{"public_key": ""}
	conf["accounts"] = map[string]any{
		"max_display_name_length": social.MaxName, "max_note_length": social.MaxBio, "max_avatar_description_length": altLimit, "max_header_description_length": altLimit,
		"max_featured_tags": 0, "max_pinned_statuses": social.MaxPins, "max_profile_fields": social.MaxFields,
		"profile_field_name_limit": social.MaxFieldChars, "profile_field_value_limit": social.MaxFieldChars,
	}
	conf["translation"] = map[string]any{"enabled": false}
	feeds := map[string]any{"local": "public", "remote": "public"}
	conf["timelines_access"] = map[string]any{"live_feeds": feeds, "hashtag_feeds": feeds, "trending_link_feeds": feeds}
	conf["limited_federation"] = a.fed.Config.Mode != "open"
	return c.JSON(http.StatusOK, map[string]any{
		"domain": a.s.Config.Domain, "title": a.s.Config.Name, "version": a.version(), "source_url": a.base + "/about",
		"description": got.description, "wrapstodon": nil,
		"usage":     map[string]any{"users": map[string]any{"active_month": got.stats.ActiveMonth}},
		"thumbnail": map[string]any{"url": a.base + defaultHeader, "description": "", "blurhash": nil, "versions": map[string]any{}},
		"icon":      []map[string]any{{"src": a.base + instanceIcon, "size": "512x512"}},
		"languages": a.s.Config.Languages, "configuration": conf,
		"registrations": map[string]any{
			"enabled": a.open(), "approval_required": a.s.Config.Registration == social.RegistrationApproval, "reason_required": false,
			"message": nil, "min_age": nil, "url": nil,
		},
		"api_versions": map[string]any{"mastodon": speaksAPI},
		"contact":      map[string]any{"email": got.email, "account": got.contact},
		"rules":        got.rules,
	})
}

// InstanceV1 is Instance as old clients know it.
func (a *API) InstanceV1(c echo.Context) error {
	got, err := a.about(c.Request().Context())
	if err != nil {
		return err
	}
	conf := limits()
	conf["accounts"] = map[string]any{"max_featured_tags": 0}
	return c.JSON(http.StatusOK, map[string]any{
		"uri": a.s.Config.Domain, "title": a.s.Config.Name, "short_description": got.description, "description": got.description,
		"email": got.email, "version": a.version(), "urls": map[string]any{"streaming_api": a.streamingURL()},
		"stats":     map[string]any{"user_count": got.stats.Users, "status_count": got.stats.Posts, "domain_count": got.stats.Hosts},
		"thumbnail": a.base + defaultHeader, "languages": a.s.Config.Languages, "registrations": a.open(),
		"approval_required": a.s.Config.Registration == social.RegistrationApproval, "invites_enabled": a.s.Config.Registration == social.RegistrationInvite,
		"configuration": conf, "contact_account": got.contact, "rules": got.rules,
	})
}

// InstanceRules lists the rules.
func (a *API) InstanceRules(c echo.Context) error {
	rules, err := a.db.Rules(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rulesOf(rules))
}

// InstanceAbout is the longer description.
func (a *API) InstanceAbout(c echo.Context) error {
	said, err := a.s.About(c.Request().Context())
	if err != nil {
		return err
	}
	content := ""
	if said.About != "" {
		content = social.FormatText(said.About, social.TextOptions{}).HTML
	}
	return c.JSON(http.StatusOK, map[string]any{"updated_at": time.UnixMilli(0).UTC().Format(stampFormat), "content": content})
}

// InstanceLanguages lists the languages of the instance.
func (a *API) InstanceLanguages(c echo.Context) error {
	out := []map[string]string{}
	for _, code := range a.s.Config.Languages {
		out = append(out, map[string]string{"code": code, "name": i18n.LanguageName(code)})
	}
	return c.JSON(http.StatusOK, out)
}
