package vocab

// What Note.Visibility answers.
const (
	VisibilityPublic    = "public"
	VisibilityUnlisted  = "unlisted"
	VisibilityFollowers = "followers"
	VisibilityDirect    = "direct"
	VisibilityLimited   = "limited"
)

// Visibility answers how widely the note's own recipients open it. followersURI
// is the followers collection of the author, as the author's actor document
// names it; empty when there is none. Audience is not looked at: whether this
// is a circle's post is the caller's decision, to be made first.
//
// A note for nobody is direct, and one whose recipients do not all have a
// mention is limited. Only the exact collection of the author counts, so that
// naming somebody else's followers opens nothing.
func (n *Note) Visibility(followersURI string) string {
	switch {
	case contains(n.To, Public):
		return VisibilityPublic
	case contains(n.Cc, Public):
		return VisibilityUnlisted
	case followersURI != "" && (contains(n.To, followersURI) || contains(n.Cc, followersURI)):
		return VisibilityFollowers
	}
	for _, list := range [2][]string{n.To, n.Cc} {
		for _, id := range list {
			if !n.mentions(id) {
				return VisibilityLimited
			}
		}
	}
	return VisibilityDirect
}

func (n *Note) mentions(id string) bool {
	for _, m := range n.Mentions {
		if m.Href == id {
			return true
		}
	}
	return false
}
