package pages

import (
	"testing"

	"cohort/social"
	"cohort/store"
)

// What members type as text is shown as text on every page, and runs on none.
func TestTypedTextIsEscaped(t *testing.T) {
	h := newHouse(t)
	evil := `a < b">'<script>alert(1)</script><img src=x>`
	ada, bob := h.person("ada"), h.person("bob")
	_, err := h.s.UpdateProfile(t.Context(), ada, social.ProfileChange{Name: &evil, Bio: &evil, Fields: &[]store.Field{{Name: evil, Value: evil}}})
	if err != nil {
		t.Fatal(err)
	}
	circle, err := h.s.CreateCircle(t.Context(), social.CircleDraft{Slug: "2012-3", Name: evil, Unit: evil, From: 2009, To: 2012})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*store.Account{ada, bob} {
		if _, err := h.s.GrantSeat(t.Context(), a, social.SeatGrant{Type: "alumnus", Unit: evil, From: 2009, To: 2012, Reason: "roster"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.s.Follow(t.Context(), bob, ada.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	post := h.publish(ada, social.Draft{Text: "@bob " + evil, Summary: evil, Visibility: store.Public})
	h.publish(ada, social.Draft{Text: evil, Summary: evil, Circle: circle.ID})
	b := h.as(bob)
	for path, texts := range map[string][]string{
		"/": {evil}, "/@ada": {evil}, "/@ada/" + post.ID.String(): {evil}, "/c/2012-3": {evil}, "/c/2012-3?tab=about": {evil}, "/inbox": nil, "/circles": {evil},
		"/search?q=ada": {evil}, "/compose?reply=" + post.ID.String(): nil,
	} {
		page := b.open(path).shows(texts...)
		if page.has("<script>alert") || page.has("<img src=x") {
			t.Errorf("%s holds %s", path, page.body)
		}
	}
}
