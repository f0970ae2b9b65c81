package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// create takes in a new post by the sender.
//
// spec: AP §7.2 Create
func (f *Server) create(ctx context.Context, sender Sender, act *vocab.Activity) error {
	in, err := f.sentPost(ctx, sender, act)
	if err != nil || in == nil {
		return err
	}
	_, err = f.social.ReceivePost(ctx, sender.account, *in)
	return err
}

// sentPost is the post that a Create or Update carries, in our words; nil if what it carries is no post. One
// for a circle here needs the proof of its author, since the hub passes it on as it came. One that claims the
// audience of a circle elsewhere is refused: only that circle's hub may pass it on.
func (f *Server) sentPost(ctx context.Context, sender Sender, act *vocab.Activity) (*social.IncomingPost, error) {
	note, err := f.ownNote(ctx, sender, act)
	if err != nil || note == nil {
		return nil, err
	}
	circle, err := f.circleOf(ctx, act, note)
	if err != nil {
		return nil, err
	}
	in := incomingPost(note, sender.account)
	if circle != nil {
		if err := f.proves(ctx, act, sender.account); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnverified, err)
		}
		in.Circle, in.Signed = circle, string(act.Raw)
	}
	return &in, nil
}

// ownNote gives the note that an activity carries, which the sender must have written and whose id must
// be its server's. A note that was only named is fetched. Objects of kinds that are not posts give nil.
func (f *Server) ownNote(ctx context.Context, sender Sender, act *vocab.Activity) (*vocab.Note, error) {
	if act.Object == nil || act.Object.ID == "" {
		return nil, fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if !sameAuthority(sender.account.URI, act.Object.ID) {
		return nil, fmt.Errorf("%w: object of another server", ErrUnverified)
	}
	var note *vocab.Note
	var err error
	if act.Object.IsID {
		note, err = f.fetchNote(ctx, act.Object.ID)
	} else {
		note, err = act.Object.Note()
	}
	if errors.Is(err, vocab.ErrWrongKind) {
		return nil, nil //nolint:nilnil // not a post: taken and ignored
	}
	if err != nil {
		return nil, err
	}
	if note.AttributedTo != sender.account.URI {
		return nil, fmt.Errorf("%w: not the author", ErrUnverified)
	}
	return note, nil
}

// circleOf finds the circle that a post is meant for. A post that names a circle as its audience and
// the public too, or a circle whose hub is elsewhere, is refused.
func (f *Server) circleOf(ctx context.Context, act *vocab.Activity, note *vocab.Note) (*store.Account, error) {
	var circle *store.Account
	for _, uri := range slices.Concat(act.Audience, note.Audience) {
		a, err := f.db.AccountByURI(ctx, uri)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.Kind != store.KindCircle {
			continue
		}
		if !a.Local() || circle != nil && circle.ID != a.ID {
			return nil, social.ErrForbidden
		}
		circle = a
	}
	// The object's own addresses decide: those of the activity around it cannot widen it.
	if circle == nil && len(note.Audience) > 0 && !isPublic(note.To) && !isPublic(note.Cc) {
		return nil, social.ErrForbidden // meant for some closed circle that is not ours to spread
	}
	if circle != nil && !onlyCircle(circle, act.To, act.Cc, note.To, note.Cc) {
		return nil, social.ErrForbidden
	}
	return circle, nil
}

func isPublic(list []string) bool { return slices.Contains(list, vocab.Public) }

// onlyCircle tells whether nobody but the circle and its followers is addressed.
func onlyCircle(circle *store.Account, lists ...[]string) bool {
	for _, list := range lists {
		for _, uri := range list {
			if uri != circle.URI && uri != circle.FollowersURI {
				return false
			}
		}
	}
	return true
}

// incomingPost puts a note of author's into our words.
func incomingPost(n *vocab.Note, author *store.Account) social.IncomingPost {
	in := social.IncomingPost{
		URI: n.ID, URL: n.URL, Title: n.Name, HTML: n.Content, Summary: n.Summary, Language: n.Language, Sensitive: n.Sensitive,
		Visibility: n.Visibility(author.FollowersURI), ReplyTo: n.InReplyTo, Published: n.Published, Updated: n.Updated, Tags: n.Hashtags,
	}
	if n.URL != "" && !sameAuthority(n.ID, n.URL) {
		in.URL = ""
	}
	named := map[string]bool{}
	for _, m := range n.Mentions {
		named[m.Href] = true
		in.Mentions = append(in.Mentions, m.Href)
	}
	for _, uri := range slices.Concat(n.To, n.Cc) {
		if uri != vocab.Public && uri != author.FollowersURI && !named[uri] {
			in.Recipients = append(in.Recipients, uri)
		}
	}
	for _, a := range n.Attachments {
		if a.URL == "" || a.Type == "Link" {
			continue
		}
		in.Media = append(in.Media, social.IncomingMedia{
			URL: a.URL, MIME: mediaType(a), Alt: a.Name, Blurhash: a.Blurhash, Width: a.Width, Height: a.Height, FocalX: a.FocalX, FocalY: a.FocalY,
		})
	}
	return in
}

// mediaType is the type an attachment claims; where it claims none, its kind tells.
func mediaType(a vocab.Attachment) string {
	if a.MediaType != "" {
		return a.MediaType
	}
	return strings.ToLower(a.Type) + "/*"
}

// update changes a post, or the profile of the sender itself.
//
// spec: AP §7.3 Update
func (f *Server) update(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.Object == nil {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if act.Object.ID == sender.account.URI {
		return f.updateActor(ctx, sender, act)
	}
	in, err := f.sentPost(ctx, sender, act)
	if err != nil || in == nil {
		return err
	}
	return f.social.ReceiveUpdate(ctx, sender.account, *in)
}

// updateActor takes in what the sender says of itself: as sent, or fetched if only the id was.
func (f *Server) updateActor(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.Object.IsID {
		_, err := f.FetchActor(ctx, sender.account.URI)
		return err
	}
	actor, err := act.Object.Actor()
	if errors.Is(err, vocab.ErrWrongKind) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := remoteAccount(actor, sender.account.Host)
	if err != nil {
		return err
	}
	a.Handle, a.Domain = sender.account.Handle, sender.account.Domain // names are looked up, not announced
	_, err = f.saveActor(ctx, a, actor)
	return err
}

// delete removes a post of the sender, or the sender itself.
//
// spec: AP §7.4 Delete
func (f *Server) delete(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.Object == nil || act.Object.ID == "" {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	uri := act.Object.ID
	if uri == sender.account.URI {
		return f.social.ReceiveGone(ctx, sender.account)
	}
	if !sameAuthority(sender.account.URI, uri) {
		return fmt.Errorf("%w: object of another server", ErrUnverified)
	}
	signed := ""
	if act.Proof && f.proves(ctx, act, sender.account) == nil {
		signed = string(act.Raw)
	}
	return f.social.ReceiveDelete(ctx, sender.account, uri, signed)
}

// like is a favourite by the sender.
//
// spec: AP §7.10 Like
func (f *Server) like(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.ID == "" || act.Object == nil || act.Object.ID == "" {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	said, err := f.said(ctx, sender, act)
	if err != nil {
		return err
	}
	return f.social.ReceiveLike(ctx, sender.account, act.Object.ID, act.ID, said)
}

// announce is a boost by the sender or, from a circle, its hub passing on what a member did.
//
// spec: AP §7.11 Announce
func (f *Server) announce(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.ID == "" || act.Object == nil || act.Object.ID == "" {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if sender.account.Kind == store.KindCircle {
		return f.hubAnnounced(ctx, sender, act)
	}
	in := social.IncomingBoost{URI: act.ID, PostURI: act.Object.ID, Visibility: announceVisibility(act), Published: act.Published}
	err := f.social.ReceiveBoost(ctx, sender.account, in)
	if errors.Is(err, store.ErrNotFound) && !f.social.Owns(in.PostURI) {
		if _, known := f.db.PostFacts(ctx, in.PostURI); errors.Is(known, store.ErrNotFound) {
			return f.social.RememberBoost(ctx, sender.account, in)
		}
	}
	return err
}

func announceVisibility(act *vocab.Activity) string {
	switch {
	case isPublic(act.To):
		return store.Public
	case isPublic(act.Cc):
		return store.Unlisted
	}
	return store.Followers
}
