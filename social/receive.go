package social

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cohort/store"
)

// IncomingMedia is a picture or other file that stays on its author's server until somebody looks.
type IncomingMedia struct {
	URL, MIME, Alt, Blurhash string
	Width, Height            int
	FocalX, FocalY           float64
}

// IncomingPost is a post from another server whose author was proved. Texts are as sent; they are
// cleaned here.
type IncomingPost struct {
	URI, URL           string
	Title              string // of an article or page
	HTML               string
	Summary            string
	Language           string
	Sensitive          bool
	Visibility         string // anything but store.InCircle, which Circle decides
	Circle             *store.Account
	ReplyTo            string
	Published, Updated time.Time
	Mentions           []string // ids of mentioned accounts
	Recipients         []string // ids addressed without a mention
	Tags               []string
	Media              []IncomingMedia
	Signed             string // the member's signed activity, for circle posts
	Asked              bool   // we fetched it because someone here asked: no interest is needed
}

// Bounds on what one incoming post may name; more is cut off.
const (
	maxIncomingMedia = 16
	maxIncomingTags  = 100
)

// ReceivePost stores a new post by author and brings it to everyone here it is for. It returns nil
// without error when nothing here has to do with it. A repeat gives the post stored before; one that
// was deleted stays so (store.ErrNotFound).
func (s *Service) ReceivePost(ctx context.Context, author *store.Account, in IncomingPost) (*store.Post, error) {
	parent, err := s.parentFacts(ctx, author, &in)
	if err != nil {
		return nil, err
	}
	named, err := s.known(ctx, in.Mentions, in.Recipients)
	if err != nil {
		return nil, err
	}
	if ok, err := s.concerns(ctx, author, in, parent, named); err != nil || !ok {
		return nil, err
	}
	p, parts := s.incoming(author, in, parent, named)
	for range idTries {
		err = s.tx(ctx, "receive post", func(tx *store.Tx) error { return s.commitIncoming(ctx, tx, author, p, parts, in, named) })
		if !errors.Is(err, store.ErrConflict) {
			return p, err
		}
		old, err := s.storedBefore(ctx, author, in.URI)
		if !errors.Is(err, store.ErrNotFound) {
			return old, err
		}
		// It is gone, or another post of that moment has its id.
		// Times are often as coarse as a second: take another moment of it.
		p.ID = s.DB.IDAt(p.CreatedAt.Add(time.Duration(rand.IntN(1000)) * time.Millisecond))
	}
	return nil, store.ErrNotFound
}

// idTries is how often another id is tried for a post from elsewhere, whose time decides most of it.
const idTries = 10

// storedBefore gives the live post of author with an id that is taken: by itself, when it comes again.
func (s *Service) storedBefore(ctx context.Context, author *store.Account, uri string) (*store.Post, error) {
	facts, err := s.DB.PostFacts(ctx, uri)
	if err != nil {
		return nil, err
	}
	if facts.AuthorID != author.ID || !facts.DeletedAt.IsZero() {
		return nil, store.ErrNotFound
	}
	return s.DB.Post(ctx, store.AsAccount(author.ID), facts.ID)
}

// parentFacts finds the post that in answers, if it is known here. A reply to a circle post must be in
// the same circle: anything else would carry the circle's words out of it, and is ErrForbidden. To whom may
// not see what it answers, that is as if it were not there, so that nobody finds out by answering what is.
// What was not written here may come yet; what names a post of ours that is not there answers nothing.
func (s *Service) parentFacts(ctx context.Context, author *store.Account, in *IncomingPost) (*store.PostFacts, error) {
	if in.ReplyTo == "" {
		return nil, nil //nolint:nilnil // no parent is the usual case
	}
	parent, err := s.DB.PostFacts(ctx, in.ReplyTo)
	seen := false
	if err == nil {
		seen, err = s.mayAnswer(ctx, author, in.Circle, parent)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	switch {
	case seen && !sameCircle(parent, in.Circle):
		return nil, ErrForbidden
	case seen:
		return parent, nil
	case s.Owns(in.ReplyTo):
		in.ReplyTo = ""
	}
	return nil, nil //nolint:nilnil // as if it were not known here
}

// mayAnswer tells whether author may know of a post. Who may read what is said in the circle that the
// answer is for is asked where the answer is taken in; of what was deleted, only what was open is known.
func (s *Service) mayAnswer(ctx context.Context, author, circle *store.Account, parent *store.PostFacts) (bool, error) {
	deleted := !parent.DeletedAt.IsZero()
	open := parent.Visibility == store.Public || parent.Visibility == store.Unlisted
	switch {
	case circle != nil && sameCircle(parent, circle) && (parent.Host != "" || deleted || !circle.Local()):
		return true, nil // where its hub is elsewhere, that knows who sits there
	case deleted:
		return open && circle == nil, nil
	case open && parent.Host != "":
		return true, nil
	}
	_, err := s.DB.Post(ctx, store.AsSigner(author.ID), parent.ID)
	return err == nil, err
}

// sameCircle tells whether a post is in that circle, or in none if circle is nil.
func sameCircle(p *store.PostFacts, circle *store.Account) bool {
	return circle == nil && p.CircleID == 0 || circle != nil && p.CircleID == circle.ID
}

// named are the accounts an incoming post names that are known here.
type named struct {
	mentions  []*store.Account
	addressed []*store.Account
}

func (s *Service) known(ctx context.Context, mentions, recipients []string) (named, error) {
	if len(mentions)+len(recipients) == 0 {
		return named{}, nil
	}
	accounts, err := s.DB.AccountsByURI(ctx, append(append([]string(nil), mentions...), recipients...))
	if err != nil {
		return named{}, err
	}
	var n named
	seen := map[store.ID]bool{}
	add := func(to *[]*store.Account, uris []string) {
		for _, uri := range uris {
			if a := accounts[uri]; a != nil && a.Live() && a.Kind != store.KindServer && a.Kind != store.KindCircle && !seen[a.ID] {
				seen[a.ID] = true
				*to = append(*to, a)
			}
		}
	}
	add(&n.mentions, mentions)
	add(&n.addressed, recipients)
	return n, nil
}

// concerns tells whether anyone here has to do with a post: strangers' posts are not collected.
func (s *Service) concerns(ctx context.Context, author *store.Account, in IncomingPost, parent *store.PostFacts, n named) (bool, error) {
	if in.Asked || in.Circle != nil || parent != nil {
		return true, nil
	}
	for _, a := range append(append([]*store.Account(nil), n.mentions...), n.addressed...) {
		if a.Local() {
			return true, nil
		}
	}
	return s.DB.HasLocalFollowers(ctx, author.ID)
}

// incoming makes the row and its parts.
func (s *Service) incoming(author *store.Account, in IncomingPost, parent *store.PostFacts, n named) (*store.Post, store.PostParts) {
	p := &store.Post{
		URI: in.URI, URL: storable(in.URL), AuthorID: author.ID, Host: author.Host, Visibility: in.Visibility,
		HTML: incomingHTML(in), Summary: PlainText(in.Summary, 2000), Sensitive: in.Sensitive || in.Summary != "",
		Language: languageTag(in.Language), ReplyToURI: in.ReplyTo, Signed: in.Signed,
		CreatedAt: saidAt(in.Published, s.DB.Now()), EditedAt: in.Updated,
	}
	if p.URL == "" {
		p.URL = in.URI
	}
	if in.Circle != nil {
		p.Visibility, p.CircleID = store.InCircle, in.Circle.ID
	}
	if parent != nil {
		p.ReplyToID, p.ReplyToAccountID = parent.ID, parent.AuthorID
	}
	if !p.EditedAt.After(p.CreatedAt) {
		p.EditedAt = time.Time{}
	}
	p.ID = s.DB.IDAt(p.CreatedAt)
	return p, incomingParts(author, in, n)
}

// saidAt is the time others give for what they say, or now where it cannot be that.
func saidAt(t, now time.Time) time.Time {
	if t.After(now) || t.Year() < 1990 {
		return now
	}
	return t
}

// storable is an address if it is text without control characters, else nothing.
func storable(url string) string {
	if !utf8.ValidString(url) || strings.ContainsFunc(url, unicode.IsControl) {
		return ""
	}
	return url
}

// incomingHTML is the cleaned text, with the title of a titled object above it.
func incomingHTML(in IncomingPost) string {
	html := SanitizeHTML(in.HTML)
	if in.Title == "" {
		return html
	}
	return titleHTML(in.Title, in.URL) + html
}

func incomingParts(author *store.Account, in IncomingPost, n named) store.PostParts {
	var parts store.PostParts
	for _, a := range n.mentions {
		if a.ID != author.ID {
			parts.Recipients = append(parts.Recipients, store.Recipient{AccountID: a.ID, Mentioned: true})
		}
	}
	for _, a := range n.addressed {
		if a.ID != author.ID {
			parts.Recipients = append(parts.Recipients, store.Recipient{AccountID: a.ID})
		}
	}
	for _, t := range in.Tags {
		if t = NormalizeTag(t); t != "" && len(parts.Tags) < maxIncomingTags {
			parts.Tags = append(parts.Tags, t)
		}
	}
	for i, m := range in.Media {
		if i == maxIncomingMedia || in.Circle != nil {
			break
		}
		if m.URL = storable(m.URL); m.URL == "" {
			continue
		}
		parts.Media = append(parts.Media, store.Media{
			AccountID: author.ID, Position: i, MIME: CleanText(m.MIME, 100), RemoteURL: m.URL, Alt: PlainText(m.Alt, 6000), Blurhash: validBlurhash(m.Blurhash),
			Width: m.Width, Height: m.Height, FocusX: m.FocalX, FocusY: m.FocalY,
		})
	}
	return parts
}

// commitIncoming is the transaction of ReceivePost.
func (s *Service) commitIncoming(ctx context.Context, tx *store.Tx, author *store.Account, p *store.Post, parts store.PostParts, in IncomingPost, n named) error {
	if in.Circle != nil {
		if err := s.mayEnter(ctx, tx, author, in.Circle); err != nil {
			return err
		}
	}
	created, err := tx.InsertPost(ctx, p, parts)
	if err != nil {
		return err
	}
	if !created {
		return store.ErrConflict
	}
	mentions := n.mentions
	if in.Asked && late(p, tx.Now) {
		mentions = nil // somebody looks at an old thread: no news to those it names
	}
	return s.spread(ctx, tx, p, EventUpdate, parts.Tags, mentions)
}

// mayEnter checks, at the hub, that author may write into the circle now; and on a member's server
// that someone here still sits in it.
func (s *Service) mayEnter(ctx context.Context, tx *store.Tx, author, circle *store.Account) error {
	if !circle.Local() {
		ok, err := tx.HasLocalMembers(ctx, circle.ID)
		if err == nil && !ok {
			err = ErrForbidden
		}
		return err
	}
	m, err := tx.Membership(ctx, circle.ID, author.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrForbidden
	}
	if err != nil {
		return err
	}
	if err := mayWrite(m, circle, tx.Now); err != nil {
		return forbiddenIfAbsent(err)
	}
	if author.Local() {
		return nil
	}
	ok, err := tx.HostApproved(ctx, circle.ID, author.Host)
	if err == nil && !ok {
		err = ErrForbidden
	}
	return err
}

// ReceiveUpdate changes a stored post of author to what in says, if in is newer. Whom it is for never
// changes. Unknown posts and others' posts are left alone.
func (s *Service) ReceiveUpdate(ctx context.Context, author *store.Account, in IncomingPost) error {
	n, err := s.known(ctx, in.Mentions, in.Recipients)
	if err != nil {
		return err
	}
	return s.tx(ctx, "receive update", func(tx *store.Tx) error {
		old, err := s.ownStored(ctx, tx, author, in.URI)
		if err != nil || old == nil {
			return err
		}
		circle := store.ID(0)
		if in.Circle != nil {
			circle = in.Circle.ID
		}
		if old.CircleID != circle || old.BoostOfID != 0 {
			return ErrForbidden
		}
		last := old.CreatedAt
		if old.EditedAt.After(last) {
			last = old.EditedAt
		}
		if at := in.Updated.Truncate(time.Millisecond); !at.After(last) { // finer than rows keep it, a replay would be news
			return nil // a replay, or news from before what we know
		}
		if in.Circle != nil {
			if err := s.mayEnter(ctx, tx, author, in.Circle); err != nil {
				return err
			}
		}
		p := *old
		p.HTML, p.Summary, p.Sensitive = incomingHTML(in), PlainText(in.Summary, 2000), in.Sensitive || in.Summary != ""
		p.EditedAt, p.Signed = in.Updated, in.Signed
		if now := tx.Now; p.EditedAt.After(now) {
			p.EditedAt = now
		}
		if tag := languageTag(in.Language); tag != "" {
			p.Language = tag
		}
		parts := incomingParts(author, in, n)
		if parts.Media == nil {
			parts.Media = []store.Media{} // those it had are gone
		}
		named, err := newlyNamed(ctx, tx, p.ID, n.mentions)
		if err != nil {
			return err
		}
		if err := tx.UpdatePost(ctx, &p, parts); err != nil {
			return err
		}
		return s.spreadEdit(ctx, tx, &p, named)
	})
}

// ownStored returns the live post uri if author wrote it, nil if it is not known here.
func (s *Service) ownStored(ctx context.Context, tx *store.Tx, author *store.Account, uri string) (*store.Post, error) {
	facts, err := tx.PostFacts(ctx, uri)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // not known here
	}
	if err != nil {
		return nil, err
	}
	if facts.AuthorID != author.ID {
		return nil, ErrForbidden
	}
	if !facts.DeletedAt.IsZero() {
		return nil, nil //nolint:nilnil // gone already
	}
	return tx.PostAuthored(ctx, author.ID, facts.ID)
}

// ReceiveDelete removes a post of author. One that never came is remembered, so that it stays away
// when it comes late. signed is the member's signed Delete of a circle post.
func (s *Service) ReceiveDelete(ctx context.Context, author *store.Account, uri, signed string) error {
	return s.tx(ctx, "receive delete", func(tx *store.Tx) error {
		p, err := s.ownStored(ctx, tx, author, uri)
		if err != nil {
			return err
		}
		if p == nil && s.Owns(uri) {
			return nil // nobody elsewhere says what never comes here
		}
		if p == nil {
			return tx.RememberTombstone(ctx, uri, author.Host)
		}
		if err := s.removePost(ctx, tx, p); err != nil || signed == "" {
			return err
		}
		return tx.SetSigned(ctx, p.ID, signed)
	})
}

// ReceiveGone removes an account of another server that says it is no more, with all it wrote.
func (s *Service) ReceiveGone(ctx context.Context, account *store.Account) error {
	if account.Local() {
		return ErrForbidden
	}
	return s.tx(ctx, "receive account delete", func(tx *store.Tx) error { return s.bury(ctx, tx, account.ID) })
}

// ReceiveHubPost is what a circle elsewhere passes on to us: a member's new post, or the news that our
// own member's post has been taken in and is no longer pending.
func (s *Service) ReceiveHubPost(ctx context.Context, author *store.Account, in IncomingPost) error {
	if !author.Local() {
		_, err := s.ReceivePost(ctx, author, in)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	return s.tx(ctx, "release post", func(tx *store.Tx) error {
		p, err := s.ownStored(ctx, tx, author, in.URI)
		if err != nil || p == nil {
			return err
		}
		if p.CircleID != in.Circle.ID {
			return ErrForbidden
		}
		if p.PendingAt.IsZero() {
			return nil
		}
		if err := tx.ReleasePost(ctx, p.ID); err != nil {
			return err
		}
		p.PendingAt = time.Time{}
		homes, err := tx.FanOut(ctx, p)
		if err != nil {
			return err
		}
		mentions, err := tx.MentionsOf(ctx, p.ID)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { s.Hub.Publish(Event{Kind: EventUpdate, Post: p.ID, Accounts: homes, Local: true}) })
		return s.notifyPost(ctx, tx, p, mentions)
	})
}
