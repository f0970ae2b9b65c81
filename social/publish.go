package social

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cohort/store"
)

// What a post may hold.
const (
	MaxCharacters  = 5000
	MaxSummary     = 500
	MaxAttachments = 4
)

// Draft is what a member wants to say.
type Draft struct {
	Text           string
	Summary        string
	Language       string
	Visibility     string // public, unlisted, followers or direct; empty is public
	Sensitive      bool
	ReplyTo        store.ID
	Circle         store.ID // write into this circle
	Media          []store.ID
	IdempotencyKey string // the same key within a day gives the same post
	AppID          store.ID
}

// Publish writes a post by a member. Post, timeline rows, notifications and deliveries are committed
// together before it returns; no other server is waited for. Where the text names people of other
// servers who are not known here, the deliveries are held until a MentionsJob has looked them up.
//
// It returns *Invalid for a draft that cannot be a post, also when a picture is not there, not the author's
// or part of another post, and store.ErrNotFound for a parent or circle that the author may not use.
func (s *Service) Publish(ctx context.Context, by *store.Account, d Draft) (*store.Post, error) {
	if d.IdempotencyKey != "" {
		d.IdempotencyKey = store.HashSecret(d.IdempotencyKey) // whatever it was: short, and text
		if p, err := s.published(ctx, by, d.IdempotencyKey); err == nil || !errors.Is(err, store.ErrNotFound) {
			return p, err
		}
	}
	var err error
	if d.Language, err = ParseLanguage(d.Language); err != nil {
		return nil, err
	}
	parent, err := s.parentOf(ctx, by, d)
	if err != nil {
		return nil, err
	}
	w, err := s.write(ctx, d.Text, d.Summary, len(d.Media))
	if err != nil {
		return nil, err
	}
	aud, err := s.decideAudience(ctx, by, d, parent, w.first)
	if err != nil {
		return nil, err
	}
	if aud.visibility == store.InCircle && len(d.Media) > 0 {
		return nil, &Invalid{Field: "media_ids", Key: "invalid.circle_media"}
	}
	p := s.newPost(by, d, parent, w, aud)
	err = s.DB.Tx(ctx, func(tx *store.Tx) error { return s.commitPost(ctx, tx, by, p, d, w, parent) })
	if errors.Is(err, store.ErrConflict) && d.IdempotencyKey != "" {
		return s.published(ctx, by, d.IdempotencyKey) // another request's, at the same moment
	}
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return p, nil
}

// published is the post made earlier with the same key.
func (s *Service) published(ctx context.Context, by *store.Account, key string) (*store.Post, error) {
	id, err := s.DB.IdempotentPost(ctx, by.ID, key)
	if err != nil {
		return nil, err
	}
	return s.DB.Post(ctx, store.AsAccount(by.ID), id)
}

// parentOf finds what d answers; the reply to a boost is a reply to what was boosted.
func (s *Service) parentOf(ctx context.Context, by *store.Account, d Draft) (*store.Post, error) {
	if d.ReplyTo == 0 {
		return nil, nil //nolint:nilnil // no parent is the usual case
	}
	viewer := store.AsAccount(by.ID)
	p, err := s.DB.Post(ctx, viewer, d.ReplyTo)
	if err == nil && p.BoostOfID != 0 {
		p, err = s.DB.Post(ctx, viewer, p.BoostOfID)
	}
	return p, err
}

func (s *Service) newPost(by *store.Account, d Draft, parent *store.Post, w written, aud audience) *store.Post {
	p := &store.Post{
		AuthorID: by.ID, Visibility: aud.visibility, HTML: w.html, Source: w.source, Summary: w.summary,
		Sensitive: d.Sensitive || w.summary != "", Language: d.Language, AppID: d.AppID,
	}
	if aud.circle != nil {
		p.CircleID = aud.circle.ID
	}
	if parent != nil {
		p.ReplyToID, p.ReplyToURI, p.ReplyToAccountID = parent.ID, parent.URI, parent.AuthorID
	}
	return p
}

// answering adds the author of what an open reply answers, if the author is elsewhere: the thread is
// kept there, mentioned or not. What is not open is for those it names.
func answering(to []store.Recipient, p, parent *store.Post) []store.Recipient {
	if parent == nil || parent.Host == "" || p.Visibility != store.Public && p.Visibility != store.Unlisted {
		return to
	}
	if slices.ContainsFunc(to, func(r store.Recipient) bool { return r.AccountID == parent.AuthorID }) {
		return to
	}
	return append(to, store.Recipient{AccountID: parent.AuthorID})
}

// commitPost is the transaction of Publish.
func (s *Service) commitPost(ctx context.Context, tx *store.Tx, by *store.Account, p *store.Post, d Draft, w written, parent *store.Post) error {
	p.ID = tx.NewID()
	p.URI, p.URL, p.CreatedAt = s.PostURI(p.ID), s.ProfileURL(by.Handle)+"/"+p.ID.String(), tx.Now
	if err := s.stillAllowed(ctx, tx, by, p, parent); err != nil {
		return err
	}
	if d.IdempotencyKey != "" {
		if err := tx.KeepIdempotencyKey(ctx, by.ID, d.IdempotencyKey, p.ID); err != nil {
			return err
		}
	}
	if err := s.hold(ctx, tx, p, w, tx.Now); err != nil {
		return err
	}
	recipients := answering(recipientsOf(w.mentions, by), p, parent)
	if _, err := tx.InsertPost(ctx, p, store.PostParts{Recipients: recipients, Tags: w.tags}); err != nil {
		return err
	}
	if len(d.Media) > 0 {
		if err := tx.AttachMedia(ctx, by.ID, d.Media, p.ID); err != nil {
			return mediaGone(err)
		}
		p.MediaCount = len(d.Media)
	}
	return s.spread(ctx, tx, p, EventUpdate, w.tags, w.mentions)
}

// stillAllowed checks inside the transaction what decideAudience found outside it, so that someone
// who was removed meanwhile does not slip in. A post to a circle elsewhere waits for its hub.
func (s *Service) stillAllowed(ctx context.Context, tx *store.Tx, by *store.Account, p, parent *store.Post) error {
	if parent != nil {
		if _, err := tx.Post(ctx, store.AsAccount(by.ID), parent.ID); err != nil {
			return err
		}
	}
	if p.CircleID == 0 {
		return nil
	}
	m, err := tx.Membership(ctx, p.CircleID, by.ID)
	if err != nil {
		return err
	}
	circle, err := tx.Account(ctx, p.CircleID)
	if err != nil {
		return err
	}
	if !circle.Local() {
		p.PendingAt = tx.Now
	}
	return mayWrite(m, circle, tx.Now)
}

// spread brings a stored post to everyone it is for: timelines, notifications, deliveries, and after
// the commit the live listeners.
func (s *Service) spread(ctx context.Context, tx *store.Tx, p *store.Post, event string, tags []string, mentions []*store.Account) error {
	homes, err := tx.FanOut(ctx, p)
	if err != nil {
		return err
	}
	if p.PendingAt.IsZero() {
		if err := s.notifyPost(ctx, tx, p, mentions); err != nil {
			return err
		}
	}
	if p.HeldAt.IsZero() && (p.Host == "" || p.CircleID != 0) {
		if err := s.enqueueNew(ctx, tx, p); err != nil {
			return err
		}
	}
	public := p.Visibility == store.Public && p.BoostOfID == 0 && !late(p, tx.Now)
	tx.AfterCommit(func() {
		s.Hub.Publish(Event{Kind: event, Post: p.ID, Accounts: homes, Public: public, Local: p.Host == "", Tags: tags})
	})
	return nil
}

// lateAfter is how old a post may come from elsewhere and still be news.
const lateAfter = 7 * 24 * time.Hour

func late(p *store.Post, now time.Time) bool { return now.Sub(p.CreatedAt) > lateAfter }

// enqueueNew queues deliveries of a new post: of one written here, or of one of a circle whose hub
// is here.
func (s *Service) enqueueNew(ctx context.Context, tx *store.Tx, p *store.Post) error {
	if p.Host != "" {
		circle, err := tx.Account(ctx, p.CircleID)
		if err != nil || !circle.Local() {
			return err
		}
	}
	n, err := tx.EnqueuePost(ctx, store.JobCreate, p)
	if n > 0 {
		tx.AfterCommit(s.Wake)
	}
	return err
}

// Edit changes the text, summary, mark, language or pictures of one's own post. Who may read it never
// changes; those whom it newly names get it, if it is open. Unknown names are looked up afterwards, as by
// Publish. store.ErrNotFound for anyone else's.
func (s *Service) Edit(ctx context.Context, by *store.Account, id store.ID, d Draft) (*store.Post, error) {
	if _, err := editable(ctx, s.DB.PostAuthored, by, id, d); err != nil {
		return nil, err
	}
	var err error
	if d.Language, err = ParseLanguage(d.Language); err != nil {
		return nil, err
	}
	w, err := s.write(ctx, d.Text, d.Summary, len(d.Media))
	if err != nil {
		return nil, err
	}
	err = s.DB.Tx(ctx, func(tx *store.Tx) error { return s.commitEdit(ctx, tx, by, id, d, w) })
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	return s.DB.Post(ctx, store.AsAccount(by.ID), id)
}

// editable gives by's own post if it can be edited to d; read is PostAuthored, of the database or of
// a transaction.
func editable(ctx context.Context, read func(context.Context, store.ID, store.ID) (*store.Post, error), by *store.Account, id store.ID, d Draft) (*store.Post, error) {
	p, err := read(ctx, by.ID, id)
	switch {
	case err != nil:
		return nil, err
	case p.BoostOfID != 0:
		return nil, store.ErrNotFound
	case p.CircleID != 0 && len(d.Media) > 0:
		return nil, &Invalid{Field: "media_ids", Key: "invalid.circle_media"}
	}
	return p, nil
}

// commitEdit is the transaction of Edit.
func (s *Service) commitEdit(ctx context.Context, tx *store.Tx, by *store.Account, id store.ID, d Draft, w written) error {
	if err := tx.LockPost(ctx, id); err != nil {
		return err
	}
	p, err := editable(ctx, tx.PostAuthored, by, id, d)
	if err != nil {
		return err
	}
	if p.CircleID != 0 {
		// A former member takes her words back, but says nothing more.
		m, err := tx.Membership(ctx, p.CircleID, by.ID)
		if err != nil {
			return forbiddenIfAbsent(err)
		}
		circle, err := tx.Account(ctx, p.CircleID)
		if err == nil {
			err = mayWrite(m, circle, tx.Now)
		}
		if err != nil {
			return forbiddenIfAbsent(err)
		}
	}
	p.HTML, p.Source, p.Summary, p.Sensitive = w.html, w.source, w.summary, d.Sensitive || w.summary != ""
	if d.Language != "" {
		p.Language = d.Language
	}
	p.EditedAt = editTime(p, tx.Now)
	p.Signed = "" // what was signed before is no longer what it says
	if err := s.hold(ctx, tx, p, w, p.EditedAt); err != nil {
		return err
	}
	named, err := newlyNamed(ctx, tx, p.ID, w.mentions)
	if err != nil {
		return err
	}
	if err := tx.UpdatePost(ctx, p, store.PostParts{Recipients: recipientsOf(w.mentions, by), Tags: w.tags}); err != nil {
		return err
	}
	if err := tx.ReplaceMedia(ctx, by.ID, d.Media, p.ID); err != nil {
		return mediaGone(err)
	}
	p.MediaCount = len(d.Media)
	return s.spreadEdit(ctx, tx, p, named)
}

// mediaGone says of a draft that its pictures cannot be used.
func mediaGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &Invalid{Field: "media_ids", Key: "invalid.picture_gone"}
	}
	return err
}

// editTime is now, but always after what the post said before: others compare.
func editTime(old *store.Post, now time.Time) time.Time {
	last := old.CreatedAt
	if old.EditedAt.After(last) {
		last = old.EditedAt
	}
	if !now.After(last) {
		return last.Add(time.Millisecond)
	}
	return now
}

// spreadEdit tells of a change of p, which newly names some.
func (s *Service) spreadEdit(ctx context.Context, tx *store.Tx, p *store.Post, named []*store.Account) error {
	if err := s.notifyEdit(ctx, tx, p, named); err != nil {
		return err
	}
	if p.HeldAt.IsZero() {
		if err := s.enqueueChange(ctx, tx, store.JobUpdate, p); err != nil {
			return err
		}
	}
	s.tellEdit(tx, p)
	return nil
}

// tellEdit has live listeners read p again after the commit.
func (s *Service) tellEdit(tx *store.Tx, p *store.Post) {
	tx.AfterCommit(func() {
		s.Hub.Publish(Event{Kind: EventEdit, Post: p.ID, Accounts: s.homesOf(p.ID), Public: p.Visibility == store.Public, Local: p.Host == ""})
	})
}

// homesOf lists the accounts that have a post in their home timeline, for live events. It runs after
// the commit, when losing it does no harm.
func (s *Service) homesOf(id store.ID) []store.ID {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ids, err := s.DB.HomesWith(ctx, id)
	if err != nil {
		s.Log.Warn("live event lost", "post", id, "error", err)
	}
	return ids
}

// enqueueChange queues an update or delete of p for every server it was sent to. Whom an edit of an open post
// newly names gets it too.
func (s *Service) enqueueChange(ctx context.Context, tx *store.Tx, kind string, p *store.Post) error {
	if p.Host != "" && p.CircleID == 0 {
		return nil // somebody else's to tell
	}
	if p.Host != "" {
		circle, err := tx.Account(ctx, p.CircleID)
		if err != nil || !circle.Local() {
			return err
		}
	}
	n, err := tx.EnqueueToSent(ctx, kind, p)
	if err != nil {
		return err
	}
	added := 0
	if kind == store.JobUpdate {
		added, err = tx.EnqueueNamedLate(ctx, p)
	}
	if n+added > 0 {
		tx.AfterCommit(s.Wake)
	}
	return err
}

// DeletePost takes back one's own post everywhere it was sent. It returns the post as it was, for
// redrafting. store.ErrNotFound for anyone else's.
func (s *Service) DeletePost(ctx context.Context, by *store.Account, id store.ID) (*store.Post, error) {
	var old *store.Post
	err := s.DB.Tx(ctx, func(tx *store.Tx) error {
		p, err := tx.PostAuthored(ctx, by.ID, id)
		if err != nil {
			return err
		}
		old = p
		return s.removePost(ctx, tx, p)
	})
	if err != nil {
		return nil, fmt.Errorf("delete post: %w", err)
	}
	return old, nil
}

// removePost leaves a tombstone of p and tells everyone who had it.
func (s *Service) removePost(ctx context.Context, tx *store.Tx, p *store.Post) error {
	homes, err := tx.HomesWith(ctx, p.ID)
	if err != nil {
		return err
	}
	if _, err := tx.DeletePost(ctx, p.ID); err != nil {
		return err
	}
	if err := s.enqueueChange(ctx, tx, store.JobDelete, p); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		s.Hub.Publish(Event{Kind: EventDelete, Post: p.ID, Accounts: homes, Public: p.Visibility == store.Public, Local: p.Host == ""})
	})
	return nil
}
