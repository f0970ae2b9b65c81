package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/store"
)

// help is the index of the help, or one of its topics.
func (p *Pages) help(v *visit) error {
	topic := v.param("topic")
	if !HelpTopic(topic) {
		return store.ErrNotFound
	}
	return v.show(http.StatusOK, "help", &HelpPage{Topic: topic})
}

// about says whose instance this is.
func (p *Pages) about(v *visit) error {
	s, err := p.site(v.Request().Context())
	if err != nil {
		return err
	}
	view := &AboutPage{
		Members: int(s.stats.Users), Posts: int(s.stats.Posts), Rules: s.rules, More: typed(s.about.About), Terms: typed(s.about.Terms),
		Federation: p.fed.Config.Mode,
	}
	view.Description = plain(s.About)
	if view.Federation == federation.ModePartners {
		if view.Partners, err = v.partners(); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "about", view)
}

// partners are the servers that this one speaks with when it does not speak with all.
func (v *visit) partners() ([]string, error) {
	policies, err := v.p.db.DomainPolicies(v.Request().Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, policy := range policies {
		if policy.Severity == store.Allow {
			names = append(names, policy.Domain)
		}
	}
	return names, nil
}

// manifest lets a phone keep the app on its first screen.
func (p *Pages) manifest(c echo.Context) error {
	return c.Redirect(http.StatusFound, p.assets.URL("manifest.webmanifest"))
}

// favicon is for those who ask for it by its old name.
func (p *Pages) favicon(c echo.Context) error {
	return c.Redirect(http.StatusFound, p.assets.URL("icon.png"))
}

// robotsText keeps search engines to what is public; pages say more precisely what may be indexed.
const robotsText = `User-agent: *
Disallow: /c/
Disallow: /circles
Disallow: /api/
Disallow: /oauth/
Disallow: /settings
Disallow: /search
Disallow: /compose
Disallow: /inbox
Disallow: /join
Disallow: /sign-in
Disallow: /setup/
Disallow: /media/
`

func (p *Pages) robots(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return c.String(http.StatusOK, robotsText)
}
