package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// secret is in the text, the summary and the tag of every post of the circle under test.
const secret = "xyzzy"

// leakTest is a circle with two members, and everybody who must not find a trace of its posts.
type leakTest struct {
	*stage
	t           *testing.T
	ada, circle store.ID
	outsiders   map[string]store.Viewer
	open        *store.Post // a public post of ada's
	posts       []*store.Post
}

func newLeakTest(t *testing.T, db *store.DB) *leakTest {
	l := &leakTest{stage: newStage(t, db), t: t, outsiders: map[string]store.Viewer{"anonymous": store.Anonymous}}
	l.ada, l.circle = l.person("ada", ""), l.stage.circle("circle", "")
	ben := l.person("ben", "")
	l.member(l.circle, l.ada, seat{})
	l.member(l.circle, ben, seat{role: "steward"})
	var named []store.Recipient
	for _, who := range []string{"stranger", "follower", "mentioned", "former", "waiting", "other"} {
		id := l.person(who, "")
		l.outsiders[who] = store.AsAccount(id)
		if who != "stranger" {
			l.follow(id, l.ada, true)
		}
		named = append(named, store.Recipient{AccountID: id, Mentioned: true})
	}
	l.member(l.circle, l.outsiders["former"].AccountID(), seat{})
	l.member(l.circle, l.outsiders["waiting"].AccountID(), seat{waiting: true})
	l.member(l.stage.circle("other", ""), l.outsiders["other"].AccountID(), seat{})
	fan := l.person("fan", "fans.example")
	l.follow(fan, l.ada, true)
	named = append(named, store.Recipient{AccountID: fan, Mentioned: true})
	server, err := db.AsServer(context.Background(), "fans.example")
	if err != nil {
		t.Fatal(err)
	}
	l.outsiders["server"], l.outsiders["follower elsewhere"] = server, store.AsSigner(fan)
	l.open = l.post(store.Post{AuthorID: l.ada, Visibility: store.Public, HTML: "open", Summary: "open"}, store.PostParts{})
	for range 3 {
		p := store.Post{AuthorID: l.ada, Visibility: store.InCircle, CircleID: l.circle, HTML: secret, Summary: secret, Source: secret}
		if len(l.posts) > 0 {
			p.ReplyToID, p.ReplyToURI = l.posts[0].ID, l.posts[0].URI
		}
		l.posts = append(l.posts, l.post(p, store.PostParts{Recipients: named, Tags: []string{secret}}))
	}
	l.fanOutAndReact()
	return l
}

// fanOutAndReact lets the former member, while she is one, like, bookmark and be told of the posts; then her membership ends.
func (l *leakTest) fanOutAndReact() {
	ctx := context.Background()
	former := l.outsiders["former"].AccountID()
	l.tx(func(tx *store.Tx) error {
		for _, p := range l.posts {
			ids, err := tx.FanOut(ctx, p)
			if err != nil {
				return err
			}
			if len(ids) != 3 {
				l.t.Errorf("a circle post goes to %v", ids)
			}
			if _, err := tx.InsertLike(ctx, former, p, p.URI+"#like"); err != nil {
				return err
			}
			if err := tx.InsertBookmark(ctx, former, p.ID); err != nil {
				return err
			}
			for _, v := range l.outsiders {
				if v.AccountID() == 0 {
					continue
				}
				if _, err := tx.Notify(ctx, store.Notification{AccountID: v.AccountID(), Kind: store.NotifyMention, FromID: l.ada, PostID: p.ID}); err != nil {
					return err
				}
				// As if an older membership had left a row behind.
				if _, err := tx.Exec(ctx, `INSERT INTO timeline (account_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(v.AccountID()), int64(p.ID)); err != nil {
					return err
				}
			}
		}
		return tx.InsertPin(ctx, l.ada, l.posts[0].ID)
	})
	l.exec(`UPDATE memberships SET ended_at = 6 WHERE account_id = $1`, int64(former))
}

// nothing fails the test if a read's result has a trace of the circle's posts.
func (l *leakTest) nothing(what, who string, result any, err error) {
	l.t.Helper()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		l.t.Errorf("%s as %s: %v", what, who, err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		l.t.Fatal(err)
	}
	if strings.Contains(string(text), secret) {
		l.t.Errorf("%s as %s: %s", what, who, text)
	}
	for _, p := range l.posts {
		if strings.Contains(string(text), p.ID.String()) || strings.Contains(string(text), p.URI) {
			l.t.Errorf("%s as %s names a post of the circle: %s", what, who, text)
		}
	}
}

func TestCirclePostsLeaveNoTrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLeakTest(t, db)
		ctx := context.Background()
		for who, v := range l.outsiders {
			for _, p := range l.posts {
				post, err := db.Post(ctx, v, p.ID)
				l.nothing("post", who, post, err)
				post, err = db.PostByURI(ctx, v, p.URI)
				l.nothing("post by uri", who, post, err)
				edits, err := db.Edits(ctx, v, p.ID)
				l.nothing("edits", who, edits, err)
				boosters, _, err := db.Boosters(ctx, v, p.ID, store.Page{})
				l.nothing("boosters", who, boosters, err)
				likers, _, err := db.Likers(ctx, v, p.ID, store.Page{})
				l.nothing("likers", who, likers, err)
				replies, err := db.Replies(ctx, p.ID, store.Page{})
				l.nothing("replies", who, replies, err)
				above, below, err := db.Thread(ctx, v, p)
				l.nothing("thread", who, append(above, below...), err)
			}
			l.lists(who, v)
		}
		l.counts()
	})
}

// lists reads everything that lists posts.
func (l *leakTest) lists(who string, v store.Viewer) {
	ctx := context.Background()
	page := func(what string, posts store.Posts, err error) {
		l.nothing(what, who, posts, err)
		views, err := l.db.Views(ctx, v, posts.Items)
		l.nothing("views of "+what, who, views, err)
	}
	for _, f := range []store.PublicFilter{{}, {Local: true}, {Remote: true}} {
		posts, err := l.db.Public(ctx, v, store.Page{}, f)
		page("public", posts, err)
		posts, err = l.db.Tag(ctx, v, secret, store.Page{}, f)
		page("tag", posts, err)
		if len(posts.Items) > 0 {
			l.t.Errorf("the tag has posts for %s", who)
		}
	}
	for _, f := range []store.AccountFilter{{}, {ExcludeReplies: true}, {Tag: secret}, {Pinned: true}} {
		posts, err := l.db.AccountPosts(ctx, v, l.ada, store.Page{}, f)
		page("account", posts, err)
		posts, err = l.db.AccountPosts(ctx, v, l.circle, store.Page{}, f)
		page("account of the circle", posts, err)
	}
	posts, err := l.db.CirclePosts(ctx, v, l.circle, store.Page{})
	page("circle", posts, err)
	if len(posts.Items) > 0 || posts.Next != 0 || posts.Prev != 0 {
		l.t.Errorf("the circle has a page for %s", who)
	}
	posts, err = l.db.OutboxPosts(ctx, l.ada, store.Page{})
	page("outbox", posts, err)
	if me := v.AccountID(); me != 0 {
		posts, err = l.db.Home(ctx, me, store.Page{})
		page("home", posts, err)
		posts, err = l.db.LikedPosts(ctx, me, store.Page{})
		page("likes", store.Posts{Items: posts.Items}, err)
		posts, err = l.db.BookmarkedPosts(ctx, me, store.Page{})
		page("bookmarks", store.Posts{Items: posts.Items}, err)
		notifications, err := l.db.Notifications(ctx, me, store.Page{}, store.NotificationFilter{})
		l.nothing("notifications", who, notifications, err)
		if n, err := l.db.UnreadNotifications(ctx, me, 0); err != nil || n != 0 {
			l.t.Errorf("%s has %d notifications (%v)", who, n, err)
		}
	}
	tags, err := l.db.SearchTags(ctx, secret[:3], store.PageOffset{Limit: 10})
	l.nothing("tags", who, tags, err)
}

// counts looks at the numbers that everybody sees.
func (l *leakTest) counts() {
	ctx := context.Background()
	ada, err := l.db.Account(ctx, l.ada)
	if err != nil {
		l.t.Fatal(err)
	}
	if ada.PostsCount != 1 || !ada.LastPostAt.Equal(l.open.CreatedAt.Truncate(1e6)) {
		l.t.Errorf("the author has %d posts, the last at %v", ada.PostsCount, ada.LastPostAt)
	}
	reply := l.post(store.Post{AuthorID: l.ada, Visibility: store.InCircle, CircleID: l.circle, ReplyToID: l.open.ID, ReplyToURI: l.open.URI}, store.PostParts{})
	if reply.ReplyToID != 0 || reply.RootID != reply.ID {
		l.t.Error("a circle post was joined to one outside")
	}
	outside := l.post(store.Post{AuthorID: l.ada, Visibility: store.Public, ReplyToURI: l.posts[0].URI}, store.PostParts{})
	if outside.ReplyToID != 0 || outside.RootID != outside.ID {
		l.t.Error("a public post was joined to one in a circle")
	}
	err = l.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.InsertPost(ctx, &store.Post{ID: tx.NewID(), URI: "boost", AuthorID: l.ada, Visibility: store.Public, BoostOfID: l.posts[0].ID, CreatedAt: tx.Now}, store.PostParts{})
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		l.t.Errorf("boosting out of a circle: %v", err)
	}
	open, err := l.db.Post(ctx, store.Anonymous, l.open.ID)
	if err != nil || open.RepliesCount != 0 || open.BoostsCount != 0 {
		l.t.Errorf("%+v %v", open, err)
	}
	first, err := l.db.Post(ctx, store.AsAccount(l.ada), l.posts[0].ID)
	if err != nil || first.RepliesCount != 2 {
		l.t.Errorf("for a member: %+v %v", first, err)
	}
}
