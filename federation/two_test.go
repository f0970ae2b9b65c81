package federation_test

import (
	"errors"
	"slices"
	"testing"

	"cohort/social"
	"cohort/store"
)

// A follow, posts, a reply, a favourite, a boost, an edit and a delete cross between two instances.
func TestTwoInstancesTalk(t *testing.T) {
	school, employer := newInstance(t, "school"), newInstance(t, "employer")
	ada, lin := school.person("ada"), employer.person("lin")

	adaThere := employer.sees(ada, school)
	employer.follow(lin, adaThere)
	run(t, employer, school)
	rel, err := employer.db.Relationship(t.Context(), lin.ID, adaThere.ID)
	if err != nil || !rel.Following {
		t.Fatalf("the follow was not accepted: %+v, %v", rel, err)
	}

	post := school.publish(ada, social.Draft{Text: "你好，世界 #hello", Visibility: store.Public})
	quiet := school.publish(ada, social.Draft{Text: "for followers", Visibility: store.Followers})
	run(t, school, employer)
	if got := employer.home(lin); !slices.Equal(got, []string{"for followers", "你好，世界 #hello"}) {
		t.Fatalf("home of lin: %q", got)
	}

	there, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), post.URI)
	if err != nil {
		t.Fatal(err)
	}
	employer.publish(lin, social.Draft{Text: "@ada@" + school.host + " hello back", ReplyTo: there.ID})
	if err := employer.social.Like(t.Context(), lin, there.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := employer.social.Boost(t.Context(), lin, there.ID, ""); err != nil {
		t.Fatal(err)
	}
	run(t, employer, school)
	mine, err := school.db.Post(t.Context(), store.AsAccount(ada.ID), post.ID)
	if err != nil {
		t.Fatal(err)
	}
	if mine.RepliesCount != 1 || mine.LikesCount != 1 || mine.BoostsCount != 1 {
		t.Errorf("counts at the author's: %d replies, %d likes, %d boosts", mine.RepliesCount, mine.LikesCount, mine.BoostsCount)
	}
	notes, err := school.db.Notifications(t.Context(), ada.ID, store.Page{Limit: 20}, store.NotificationFilter{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, n := range notes.Items {
		kinds[n.Kind]++
	}
	for _, k := range []string{store.NotifyMention, store.NotifyLike, store.NotifyBoost, store.NotifyFollow} {
		if kinds[k] != 1 {
			t.Errorf("%d notifications %q", kinds[k], k)
		}
	}

	if _, err := school.social.Edit(t.Context(), ada, post.ID, social.Draft{Text: "changed"}); err != nil {
		t.Fatal(err)
	}
	if _, err := school.social.DeletePost(t.Context(), ada, quiet.ID); err != nil {
		t.Fatal(err)
	}
	if err := employer.social.Unlike(t.Context(), lin, there.ID); err != nil {
		t.Fatal(err)
	}
	if err := employer.social.Unboost(t.Context(), lin, there.ID); err != nil {
		t.Fatal(err)
	}
	run(t, school, employer)
	if there, err = employer.db.Post(t.Context(), store.AsAccount(lin.ID), there.ID); err != nil || social.PlainText(there.HTML, 100) != "changed" {
		t.Errorf("after the edit: %+v, %v", there, err)
	}
	if _, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), quiet.URI); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the deleted post is still there: %v", err)
	}
	if mine, err = school.db.Post(t.Context(), store.AsAccount(ada.ID), post.ID); err != nil || mine.LikesCount != 0 || mine.BoostsCount != 0 {
		t.Errorf("after taking back: %+v, %v", mine, err)
	}

	if err := employer.social.Unfollow(t.Context(), lin, adaThere.ID); err != nil {
		t.Fatal(err)
	}
	run(t, employer, school)
	if a, err := school.db.Account(t.Context(), ada.ID); err != nil || a.FollowersCount != 0 {
		t.Errorf("followers after unfollow: %+v, %v", a, err)
	}
	noDeadJobs(t, school, employer)
}

// The heart: a member with an account elsewhere takes her seat in a circle here. What is said there
// reaches her and nobody else on her server.
func TestCircleAcrossServers(t *testing.T) {
	school, employer := newInstance(t, "school"), newInstance(t, "employer")
	chen, outsider := school.person("chen"), school.person("outsider")
	lin, colleague := employer.person("lin"), employer.person("colleague")
	linHere := school.sees(lin, employer)
	circle := school.class(chen, linHere)

	there := employer.sees(circle.Account, school)
	if there.Kind != store.KindCircle {
		t.Fatalf("the circle is a %s elsewhere", there.Kind)
	}
	employer.follow(lin, there)
	employer.follow(colleague, there)
	run(t, employer, school)
	if m, err := employer.db.Membership(t.Context(), there.ID, lin.ID); err != nil || !m.Current(employer.db.Now()) {
		t.Fatalf("lin does not sit in the circle: %+v, %v", m, err)
	}
	if m, err := employer.db.Membership(t.Context(), there.ID, colleague.ID); err != nil || m.Current(employer.db.Now()) {
		t.Fatalf("the colleague is not left waiting: %+v, %v", m, err)
	}

	post := school.publish(chen, social.Draft{Text: "reunion in May?", Circle: circle.ID})
	run(t, school, employer)
	if got := employer.home(lin); !slices.Contains(got, "reunion in May?") {
		t.Fatalf("home of lin: %q", got)
	}
	if got := employer.home(colleague); len(got) != 0 {
		t.Errorf("home of the colleague: %q", got)
	}
	for who, v := range map[string]store.Viewer{"colleague": store.AsAccount(colleague.ID), "visitor": store.Anonymous} {
		if _, err := employer.db.PostByURI(t.Context(), v, post.URI); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the %s on the member's server: %v", who, err)
		}
	}
	if _, err := school.db.Post(t.Context(), store.AsAccount(outsider.ID), post.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an outsider at the hub: %v", err)
	}

	seen, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), post.URI)
	if err != nil {
		t.Fatal(err)
	}
	reply := employer.publish(lin, social.Draft{Text: "I am in", ReplyTo: seen.ID, Visibility: store.Public})
	if reply.Visibility != store.InCircle || reply.PendingAt.IsZero() {
		t.Fatalf("the reply is %s, pending %v", reply.Visibility, reply.PendingAt)
	}
	run(t, employer, school)
	if got := school.home(chen); !slices.Contains(got, "I am in") {
		t.Fatalf("home of chen: %q", got)
	}
	mine, err := employer.db.Post(t.Context(), store.AsAccount(lin.ID), reply.ID)
	if err != nil || !mine.PendingAt.IsZero() {
		t.Errorf("the hub's announce did not release the reply: %+v, %v", mine, err)
	}

	if _, err := employer.social.Boost(t.Context(), lin, seen.ID, ""); !errors.Is(err, &social.Invalid{Key: "invalid.not_boostable"}) {
		t.Errorf("boosting a circle post: %v", err)
	}
	if _, err := employer.social.Edit(t.Context(), lin, reply.ID, social.Draft{Text: "I am in, with cake"}); err != nil {
		t.Fatal(err)
	}
	run(t, employer, school)
	if atHub, err := school.db.PostByURI(t.Context(), store.AsAccount(chen.ID), reply.URI); err != nil || social.PlainText(atHub.HTML, 100) != "I am in, with cake" {
		t.Errorf("after the edit at the hub: %+v, %v", atHub, err)
	}
	if _, err := employer.social.DeletePost(t.Context(), lin, reply.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := school.social.DeletePost(t.Context(), chen, post.ID); err != nil {
		t.Fatal(err)
	}
	run(t, employer, school)
	if got := school.home(chen); len(got) != 0 {
		t.Errorf("home of chen after the deletes: %q", got)
	}
	if got := employer.home(lin); len(got) != 0 {
		t.Errorf("home of lin after the deletes: %q", got)
	}
	noDeadJobs(t, school, employer)
}

// Who loses the seat reads nothing more, on either server.
func TestLosingASeat(t *testing.T) {
	school, employer := newInstance(t, "school"), newInstance(t, "employer")
	chen, lin := school.person("chen"), employer.person("lin")
	circle := school.class(chen)
	seat, err := school.social.GrantSeat(t.Context(), school.sees(lin, employer), classGrant)
	if err != nil {
		t.Fatal(err)
	}
	there := employer.sees(circle.Account, school)
	employer.follow(lin, there)
	run(t, employer, school)
	post := school.publish(chen, social.Draft{Text: "before", Circle: circle.ID})
	run(t, school, employer)

	if err := school.social.RevokeSeat(t.Context(), seat.ID, "a mistake", 0); err != nil {
		t.Fatal(err)
	}
	school.publish(chen, social.Draft{Text: "after", Circle: circle.ID})
	run(t, school, employer)
	if got := employer.home(lin); len(got) != 0 {
		t.Errorf("home of lin: %q", got)
	}
	if _, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), post.URI); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the earlier post: %v", err)
	}
	if _, err := employer.social.Publish(t.Context(), lin, social.Draft{Text: "let me in", Circle: there.ID}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("publishing afterwards: %v", err)
	}
	noDeadJobs(t, school, employer)
}
