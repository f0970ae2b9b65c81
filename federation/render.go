package federation

import (
	"context"
	"strings"

	"cohort/federation/proof"
	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// What is ours, in ActivityStreams words. Documents are made when they are sent or served, from what is
// true then.

// actorTypes are the types of our own actors.
var actorTypes = map[string]string{
	store.KindPerson: "Person", store.KindBot: "Service", store.KindCircle: "Group",
	store.KindOrganization: "Organization", store.KindServer: "Application",
}

// renderActor makes the document of a local actor, with its public keys.
func (f *Server) renderActor(ctx context.Context, a *store.Account) ([]byte, error) {
	actor, err := f.actorOf(ctx, a)
	if err != nil {
		return nil, err
	}
	return vocab.EncodeActor(actor)
}

func (f *Server) actorOf(ctx context.Context, a *store.Account) (*vocab.Actor, error) {
	keys, err := f.social.KeysFor(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	actor := &vocab.Actor{
		ID: a.URI, Type: actorTypes[a.Kind], PreferredUsername: a.Handle, Name: a.Name, Summary: a.Bio, URL: a.URL,
		Webfinger: a.Handle + "@" + f.social.Config.Domain,
		Inbox:     a.Inbox, SharedInbox: a.SharedInbox, Outbox: a.Outbox, Followers: a.FollowersURI, Following: a.FollowingURI,
		ManuallyApproves: a.Locked, Discoverable: a.Discoverable, Indexable: a.Indexable, AlsoKnownAs: a.AlsoKnownAs, MovedTo: a.MovedTo,
		PublicKeys:       []vocab.PublicKey{{ID: keyID(a), Owner: a.URI, PEM: keys.PublicPEM}},
		AssertionMethods: []vocab.Multikey{{ID: proofKeyID(a), Controller: a.URI, PublicKeyMultibase: proof.EncodeMultikey(keys.PublicEd25)}},
		Generator:        "cohort", Implements: []string{vocab.CapabilityCircles},
		Published: a.CreatedAt, Suspended: !a.SuspendedAt.IsZero(),
	}
	if a.Kind != store.KindServer {
		actor.Featured = a.FeaturedURI
	}
	if a.Kind == store.KindCircle {
		actor.Members, actor.Following, actor.Featured = a.URI+"/members", "", ""
	}
	if a.Avatar != "" {
		actor.Icon = vocab.Image{URL: f.social.FileURL(a.Avatar), MediaType: social.FileType(a.Avatar), Alt: a.AvatarAlt}
	}
	if a.Header != "" {
		actor.Image = vocab.Image{URL: f.social.FileURL(a.Header), MediaType: social.FileType(a.Header), Alt: a.HeaderAlt}
	}
	for _, field := range a.Fields {
		actor.Fields = append(actor.Fields, vocab.Field{Name: field.Name, Value: social.FieldHTML(field.Value)})
	}
	return actor, nil
}

// noteOf makes the note of a post by a local author. view is read with the eyes of whoever will get it.
//
// spec: AP §3.1, AS2 Note
func (f *Server) noteOf(view *store.PostView) *vocab.Note {
	p := view.Post
	n := &vocab.Note{
		ID: p.URI, Type: "Note", URL: p.URL, AttributedTo: view.Author.URI, InReplyTo: p.ReplyToURI, Content: p.HTML, Language: p.Language,
		Summary: p.Summary, Sensitive: p.Sensitive, Published: p.CreatedAt, Updated: p.EditedAt, Hashtags: view.Tags,
		HashtagBase: f.social.Config.BaseURL + "/tags/",
	}
	if p.CircleID == 0 {
		n.Replies = p.URI + "/replies"
	}
	for _, a := range view.Mentions {
		n.Mentions = append(n.Mentions, vocab.Mention{Href: a.URI, Name: "@" + f.fullAddress(a)})
	}
	n.To, n.Cc, n.Audience = addresses(view)
	for _, m := range view.Media {
		n.Attachments = append(n.Attachments, vocab.Attachment{
			Type: "Document", MediaType: m.MIME, URL: f.social.FileURL(m.File), Name: m.Alt, Blurhash: m.Blurhash,
			Width: m.Width, Height: m.Height, FocalX: m.FocusX, FocalY: m.FocusY,
		})
	}
	return n
}

// fullAddress is an account's address with its domain, ours included.
func (f *Server) fullAddress(a *store.Account) string {
	if a.Local() {
		return a.Handle + "@" + f.social.Config.Domain
	}
	return a.Address()
}

// addresses are to, cc and audience of a post. Circle posts name the circle and nobody else.
func addresses(view *store.PostView) (to, cc, audience []string) {
	p, author := view.Post, view.Author
	if p.Visibility == store.InCircle {
		return []string{view.Circle.URI, view.Circle.FollowersURI}, nil, []string{view.Circle.URI}
	}
	var named []string
	for _, a := range view.Mentions {
		named = append(named, a.URI)
	}
	switch p.Visibility {
	case store.Public:
		return []string{vocab.Public}, append([]string{author.FollowersURI}, named...), nil
	case store.Unlisted:
		return []string{author.FollowersURI}, append([]string{vocab.Public}, named...), nil
	case store.Followers:
		return []string{author.FollowersURI}, named, nil
	}
	return named, nil, nil
}

// renderPost makes the Create or Update of a post, or the Announce of a boost.
func (f *Server) renderPost(verb string, view *store.PostView) ([]byte, error) {
	out := f.postActivity(verb, view)
	return vocab.EncodeActivity(out)
}

func (f *Server) postActivity(verb string, view *store.PostView) vocab.ActivityOut {
	p := view.Post
	out := vocab.ActivityOut{Type: verb, Actor: view.Author.URI, Published: p.CreatedAt}
	out.To, out.Cc, out.Audience = addresses(view)
	switch {
	case view.Boost != nil:
		out.Type, out.ID, out.Object = "Announce", p.URI, vocab.IRI(view.Boost.Post.URI)
		out.Cc = append(out.Cc, view.Boost.Author.URI)
	case verb == "Update":
		out.ID, out.Updated, out.Object = p.URI+"#updates/"+millis(p.EditedAt), p.EditedAt, f.noteOf(view)
	default:
		out.ID, out.Object = p.URI+"/activity", f.noteOf(view)
	}
	return out
}

// renderDelete makes the Delete of a post, or the Undo of a boost, from what its tombstone still says.
//
// spec: AP §6.4 Delete, §6.10 Undo
func renderDelete(facts *store.PostFacts, author *store.Account, circle *store.Account, original string) ([]byte, error) {
	out := vocab.ActivityOut{ID: facts.URI + "#delete", Type: "Delete", Actor: author.URI, To: []string{vocab.Public}, Object: &vocab.Tombstone{ID: facts.URI}}
	switch {
	case circle != nil:
		out.To, out.Audience = []string{circle.URI, circle.FollowersURI}, []string{circle.URI}
	case facts.BoostOfID != 0:
		out.Type, out.ID = "Undo", facts.URI+"#undo"
		out.Object = &vocab.ActivityOut{ID: facts.URI, Type: "Announce", Actor: author.URI, Object: vocab.IRI(original), To: []string{vocab.Public}}
	}
	return vocab.EncodeActivity(out)
}

// renderAnnounced wraps a member's signed activity, byte for byte, in the Announce of its circle. The
// same activity always gets the same id.
func renderAnnounced(circle *store.Account, name string, inner []byte) ([]byte, error) {
	return vocab.EncodeActivity(vocab.ActivityOut{
		ID: circle.URI + "/announces/" + name, Type: "Announce", Actor: circle.URI, To: []string{circle.FollowersURI},
		Audience: []string{circle.URI}, Object: vocab.Raw(inner),
	})
}

// renderActivity makes the document of a recorded activity.
func (f *Server) renderActivity(ctx context.Context, a *store.Activity, actor, target *store.Account) ([]byte, error) {
	out, err := f.activityOf(ctx, a, actor, target)
	if err != nil {
		return nil, err
	}
	return vocab.EncodeActivity(out)
}

// activityOf puts a recorded activity into ActivityStreams words.
func (f *Server) activityOf(ctx context.Context, a *store.Activity, actor, target *store.Account) (vocab.ActivityOut, error) {
	out := vocab.ActivityOut{ID: f.social.ActivityURI(a.ID), Actor: actor.URI}
	if target != nil && target.ID != actor.ID {
		out.To = []string{target.URI}
	}
	if inner, undo := strings.CutPrefix(a.Kind, "undo_"); undo {
		object, err := f.undone(ctx, a, inner, actor, target)
		if err != nil {
			return out, err
		}
		out.Type, out.Object = "Undo", object
		return out, nil
	}
	switch a.Kind {
	case "follow":
		out.Type, out.Object = "Follow", vocab.IRI(target.URI)
	case "block":
		out.Type, out.Object = "Block", vocab.IRI(target.URI)
	case "accept":
		out.Type, out.Object = "Accept", &vocab.ActivityOut{ID: a.InnerURI, Type: "Follow", Actor: target.URI, Object: vocab.IRI(actor.URI)}
		if a.Detail != "" {
			out.Result = &vocab.Membership{ID: a.Detail, Role: "member", Dialect: "native"}
		}
	case "reject", "end_membership":
		out.Type, out.Object = "Reject", &vocab.ActivityOut{ID: a.InnerURI, Type: "Follow", Actor: target.URI, Object: vocab.IRI(actor.URI)}
	case "like":
		uri, err := f.postURI(ctx, a.PostID)
		if err != nil {
			return out, err
		}
		out.Type, out.Object = "Like", vocab.IRI(uri)
	case "update_actor":
		doc, err := f.actorOf(ctx, actor)
		if err != nil {
			return out, err
		}
		out.Type, out.Object, out.To, out.Updated = "Update", doc, []string{vocab.Public}, actor.UpdatedAt
	case "delete_actor":
		out.Type, out.Object, out.To = "Delete", vocab.IRI(actor.URI), []string{vocab.Public}
	default:
		return out, errUnknownKind
	}
	return out, nil
}

// undone is the activity that an Undo takes back, as it was sent.
func (f *Server) undone(ctx context.Context, a *store.Activity, kind string, actor, target *store.Account) (*vocab.ActivityOut, error) {
	inner := &vocab.ActivityOut{ID: a.InnerURI, Actor: actor.URI}
	switch kind {
	case "follow":
		inner.Type, inner.Object = "Follow", vocab.IRI(target.URI)
	case "block":
		inner.Type, inner.Object = "Block", vocab.IRI(target.URI)
	case "like":
		uri, err := f.postURI(ctx, a.PostID)
		if err != nil {
			return nil, err
		}
		inner.Type, inner.Object = "Like", vocab.IRI(uri)
	default:
		return nil, errUnknownKind
	}
	return inner, nil
}

func (f *Server) postURI(ctx context.Context, id store.ID) (string, error) {
	facts, err := f.db.PostFactsByID(ctx, id)
	if err != nil {
		return "", err
	}
	return facts.URI, nil
}
