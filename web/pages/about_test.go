package pages

import (
	"testing"

	"cohort/social"
	"cohort/web/i18n"
)

// The About page shows what the operator said, safely, and nothing where nothing was said.
func TestAboutPage(t *testing.T) {
	h := newHouse(t)
	visitor := h.browser()
	rules, terms, contact := i18n.T("en", "about.rules", nil), i18n.T("en", "about.terms", nil), i18n.T("en", "about.contact", nil)
	for _, path := range []string{"/about", "/"} {
		visitor.open(path).hides(rules, terms, contact, "@school.example")
	}
	h.person("head")
	err := h.s.SetAbout(t.Context(), social.AboutChange{
		Description: new("The <b>first</b> school"), About: new("Since 1905\n\n<script>x</script>"), Terms: new("No harm"), Contact: new("head"),
		ContactEmail: new("desk@school.example"), Rules: &[]string{"Be <i>kind</i>"},
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.shift += siteAge
	for path, more := range map[string][]string{"/about": {"Since 1905", "<script>x</script>", "No harm"}, "/": nil} {
		page := visitor.open(path).shows("The <b>first</b> school", "@head", "desk@school.example", "Be <i>kind</i>").shows(more...)
		if page.has("<b>first") || page.has("<script>x") || page.has("<i>kind") || !page.has(`href="mailto:desk@school.example"`) {
			t.Errorf("%s holds %s", path, page.body)
		}
	}
}
