package store

// The kinds of account.
const (
	KindPerson       = "person"
	KindBot          = "bot"
	KindGroup        = "group"        // a forum of the usual kind, elsewhere
	KindCircle       = "circle"       // a circle, here or elsewhere
	KindOrganization = "organization" // shown like a person
	KindServer       = "server"       // the actor that speaks for a server
)

// Who a post is for.
const (
	Public    = "public"    // everyone, and listed
	Unlisted  = "unlisted"  // everyone, not listed
	Followers = "followers" // accepted followers of the author
	Direct    = "direct"    // those it mentions
	Limited   = "limited"   // those it was addressed to, mentioned or not; only from elsewhere
	InCircle  = "circle"    // current members of one circle
)

// The kinds of notification, in the words clients know.
const (
	NotifyMention       = "mention"
	NotifyPost          = "status"
	NotifyBoost         = "reblog"
	NotifyFollow        = "follow"
	NotifyFollowRequest = "follow_request"
	NotifyLike          = "favourite"
	NotifyEdit          = "update"
	NotifySignUp        = "admin.sign_up"
)

// The roles of a user of this instance, each including those before it.
const (
	RoleMember    = "member"
	RoleVerifier  = "verifier"
	RoleModerator = "moderator"
	RoleAdmin     = "admin"
)
