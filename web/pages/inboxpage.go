package pages

import (
	"context"
	"net/http"

	"cohort/store"
)

// markerInbox is the name under which it is kept how far a member has read the inbox.
const markerInbox = "notifications"

// inbox lists what the member is to be told. What is on the page counts as read afterwards.
func (p *Pages) inbox(v *visit) error {
	ctx := v.Request().Context()
	at, err := v.page()
	if err != nil {
		return err
	}
	found, err := p.db.Notifications(ctx, v.me.ID, at, store.NotificationFilter{})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 && at.MinID != 0 {
		return v.top()
	}
	markers, err := p.db.Markers(ctx, v.me.ID)
	if err != nil {
		return err
	}
	read := markers[markerInbox].LastReadID
	view := &InboxPage{Next: v.turn("max_id", found.Next), Live: liveURL(feedInbox, 0)}
	if beyond(at) {
		view.Prev = v.turn("min_id", found.Prev)
	}
	if view.Notices, err = v.notices(ctx, found.Items, read); err != nil {
		return err
	}
	if view.Requests, err = v.waiting(ctx); err != nil {
		return err
	}
	if len(found.Items) > 0 && found.Items[0].ID > read {
		if err := v.markRead(ctx, found.Items[0].ID); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "inbox", view)
}

// markRead notes how far the inbox was read. Nothing ever makes it go back.
func (v *visit) markRead(ctx context.Context, last store.ID) error {
	return v.p.db.Tx(ctx, func(tx *store.Tx) error {
		markers, err := tx.Markers(ctx, v.me.ID)
		if err != nil || markers[markerInbox].LastReadID >= last {
			return err
		}
		_, err = tx.SetMarker(ctx, v.me.ID, markerInbox, last)
		return err
	})
}

// waiting counts who asks to follow the member, as far as a page goes.
func (v *visit) waiting(ctx context.Context) (int, error) {
	people, _, err := v.p.db.FollowRequests(ctx, v.me.ID, store.Page{Limit: listMost})
	return len(people), err
}

// notices shows notifications with who and what they are about.
func (v *visit) notices(ctx context.Context, items []store.Notification, read store.ID) ([]Notice, error) {
	from := make([]store.ID, len(items))
	for i, n := range items {
		from[i] = n.FromID
	}
	accounts, err := v.p.db.Accounts(ctx, from)
	if err != nil {
		return nil, err
	}
	relations, err := v.relations(ctx, from)
	if err != nil {
		return nil, err
	}
	posts, err := v.postsAbout(ctx, items)
	if err != nil {
		return nil, err
	}
	var notices []Notice
	for _, n := range items {
		by := accounts[n.FromID]
		if by == nil {
			continue
		}
		notice := Notice{ID: n.ID.String(), Kind: n.Kind, By: v.p.person(by), Created: n.CreatedAt, Unread: n.ID > read}
		notice.By.Relation = v.relation(by.ID, relations)
		if n.PostID != 0 {
			post, ok := posts[n.PostID]
			if !ok {
				continue
			}
			notice.Post = &post
		}
		notices = append(notices, notice)
	}
	return notices, nil
}

// postsAbout reads the posts that notifications are about, those that the member may still see.
func (v *visit) postsAbout(ctx context.Context, items []store.Notification) (map[store.ID]PostView, error) {
	var posts []*store.Post
	shown := map[store.ID]PostView{}
	for _, n := range items {
		if _, done := shown[n.PostID]; n.PostID == 0 || done {
			continue
		}
		shown[n.PostID] = PostView{}
		post, err := v.p.db.Post(ctx, v.viewer, n.PostID)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		posts = append(posts, post)
	}
	views, err := v.posts(ctx, posts)
	if err != nil {
		return nil, err
	}
	clear(shown)
	for _, view := range views {
		id, err := store.ParseID(view.Key())
		if err != nil {
			return nil, err
		}
		shown[id] = view
	}
	return shown, nil
}
