package api

import (
	"strconv"
	"time"

	"cohort/store"
)

// The entities clients get. Every field of Mastodon's is there: what a client misses it takes worse
// than what is null. Fields that only some answers have are marked omitempty. Those of the timelines
// are written by encode_status.go, which a test holds to the tags here.

// ID is an id in JSON: a string, or null for 0.
type ID store.ID

// MarshalJSON writes the id in quotes.
func (id ID) MarshalJSON() ([]byte, error) { return appendID(nil, id), nil }

// Stamp is a time in JSON: exactly three decimals and Z, or null for the zero time.
type Stamp time.Time

const stampFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the time.
func (t Stamp) MarshalJSON() ([]byte, error) { return appendStamp(nil, t), nil }

// Day is the date of a time in JSON, or null for the zero time.
type Day time.Time

// MarshalJSON writes the date.
func (t Day) MarshalJSON() ([]byte, error) { return appendDay(nil, t), nil }

// Text is a string in JSON that is null where it is empty.
type Text string

// MarshalJSON writes the text.
func (t Text) MarshalJSON() ([]byte, error) { return appendText(nil, t), nil }

// Account is anyone who can act.
type Account struct {
	ID                ID              `json:"id"`
	Username          string          `json:"username"`
	Acct              string          `json:"acct"`
	URL               Text            `json:"url"`
	URI               string          `json:"uri"`
	DisplayName       string          `json:"display_name"`
	Note              string          `json:"note"`
	Avatar            string          `json:"avatar"`
	AvatarStatic      string          `json:"avatar_static"`
	AvatarDescription string          `json:"avatar_description"`
	Header            string          `json:"header"`
	HeaderStatic      string          `json:"header_static"`
	HeaderDescription string          `json:"header_description"`
	Locked            bool            `json:"locked"`
	Fields            []Field         `json:"fields"`
	Emojis            []struct{}      `json:"emojis"`
	Bot               bool            `json:"bot"`
	Group             bool            `json:"group"`
	Discoverable      bool            `json:"discoverable"`
	Indexable         bool            `json:"indexable"`
	Limited           bool            `json:"limited,omitempty"`
	CreatedAt         Stamp           `json:"created_at"`
	LastStatusAt      Day             `json:"last_status_at"`
	StatusesCount     int64           `json:"statuses_count"`
	FollowersCount    int64           `json:"followers_count"`
	FollowingCount    int64           `json:"following_count"`
	HideCollections   *bool           `json:"hide_collections"`
	ShowMedia         bool            `json:"show_media"`
	ShowMediaReplies  bool            `json:"show_media_replies"`
	ShowFeatured      bool            `json:"show_featured"`
	Roles             []struct{}      `json:"roles"`
	FeatureApproval   FeatureApproval `json:"feature_approval"`
}

// FeatureApproval says who may put an account into collections: nobody, for there are none.
type FeatureApproval struct {
	Automatic   []string `json:"automatic"`
	Manual      []string `json:"manual"`
	CurrentUser string   `json:"current_user"`
}

// denied is what may be done with things we do not have.
var denied = FeatureApproval{Automatic: []string{}, Manual: []string{}, CurrentUser: "denied"}

// Field is a line of a profile.
type Field struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	VerifiedAt Stamp  `json:"verified_at"`
}

// Source is what an account's owner edits: texts as typed, and defaults.
type Source struct {
	AttributionDomains  []string `json:"attribution_domains"`
	Note                string   `json:"note"`
	Fields              []Field  `json:"fields"`
	Privacy             string   `json:"privacy"`
	Sensitive           bool     `json:"sensitive"`
	Language            string   `json:"language"`
	FollowRequestsCount int      `json:"follow_requests_count"`
	HideCollections     bool     `json:"hide_collections"`
	Discoverable        bool     `json:"discoverable"`
	Indexable           bool     `json:"indexable"`
	QuotePolicy         string   `json:"quote_policy"`
}

// Role is what a user may do besides being a member.
type Role struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Color           string `json:"color"`
	Permissions     string `json:"permissions"`
	Highlighted     bool   `json:"highlighted"`
	CollectionLimit int    `json:"collection_limit"`
}

// CredentialAccount is the account of whoever asks.
type CredentialAccount struct {
	*Account
	Source Source `json:"source"`
	Role   Role   `json:"role"`
}

// MutedAccount is a line of the list of mutes.
type MutedAccount struct {
	*Account
	MuteExpiresAt Stamp `json:"mute_expires_at"`
}

// Application is the client a post was written with.
type Application struct {
	Name    string `json:"name"`
	Website Text   `json:"website"`
}

// Mention is an account that a post names.
type Mention struct {
	ID       ID     `json:"id"`
	Username string `json:"username"`
	URL      string `json:"url"`
	Acct     string `json:"acct"`
}

// StatusTag is a hashtag of a post.
type StatusTag struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Tag is a hashtag by itself.
type Tag struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	URL       string    `json:"url"`
	History   []TagUses `json:"history"`
	Following *bool     `json:"following,omitempty"`
	Featuring *bool     `json:"featuring,omitempty"`
}

// TagUses is how often a tag was used on a day.
type TagUses struct {
	Day      string `json:"day"`
	Uses     string `json:"uses"`
	Accounts string `json:"accounts"`
}

// MediaAttachment is a picture of a post, or one that was uploaded for a post.
type MediaAttachment struct {
	ID          ID        `json:"id"`
	Type        string    `json:"type"`
	URL         Text      `json:"url"`
	PreviewURL  Text      `json:"preview_url"`
	RemoteURL   Text      `json:"remote_url"`
	Meta        MediaMeta `json:"meta"`
	Description Text      `json:"description"`
	Blurhash    Text      `json:"blurhash"`
}

// MediaMeta is what is known of a picture's form.
type MediaMeta struct {
	Focus    *Focus     `json:"focus,omitempty"`
	Original *MediaSize `json:"original,omitempty"`
	Small    *MediaSize `json:"small,omitempty"`
}

// Focus is the point of a picture that a crop should keep.
type Focus struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// MediaSize is the size of a picture in pixels.
type MediaSize struct {
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Size   string  `json:"size"`
	Aspect float64 `json:"aspect"`
}

// Status is a post, or the boost of one.
type Status struct {
	ID                 ID                 `json:"id"`
	URI                string             `json:"uri"`
	CreatedAt          Stamp              `json:"created_at"`
	Account            *Account           `json:"account"`
	Content            string             `json:"content"`
	Visibility         string             `json:"visibility"`
	CircleID           ID                 `json:"circle_id"` // ours: the account of the circle it is in
	Sensitive          bool               `json:"sensitive"`
	SpoilerText        string             `json:"spoiler_text"`
	MediaAttachments   []*MediaAttachment `json:"media_attachments"`
	Application        *Application       `json:"application,omitempty"`
	Mentions           []Mention          `json:"mentions"`
	Tags               []StatusTag        `json:"tags"`
	Emojis             []struct{}         `json:"emojis"`
	ReblogsCount       int64              `json:"reblogs_count"`
	FavouritesCount    int64              `json:"favourites_count"`
	QuotesCount        int64              `json:"quotes_count"`
	RepliesCount       int64              `json:"replies_count"`
	URL                Text               `json:"url"`
	InReplyToID        ID                 `json:"in_reply_to_id"`
	InReplyToAccountID ID                 `json:"in_reply_to_account_id"`
	Reblog             *Status            `json:"reblog"`
	Poll               *struct{}          `json:"poll"`
	Card               *struct{}          `json:"card"`
	Language           Text               `json:"language"`
	Text               *string            `json:"text"` // as typed, in the answer to a deletion
	EditedAt           Stamp              `json:"edited_at"`
	Quote              *struct{}          `json:"quote"`
	QuoteApproval      FeatureApproval    `json:"quote_approval"`
	TaggedCollections  []struct{}         `json:"tagged_collections"`
	*Marks                                // nil for somebody who is not signed in
}

// Marks is what the asker has done to a post.
type Marks struct {
	Favourited bool       `json:"favourited"`
	Reblogged  bool       `json:"reblogged"`
	Muted      bool       `json:"muted"`
	Bookmarked bool       `json:"bookmarked"`
	Pinned     bool       `json:"pinned"`
	Filtered   []struct{} `json:"filtered"`
}

// StatusEdit is a post as it read from some time on.
type StatusEdit struct {
	Content          string             `json:"content"`
	SpoilerText      string             `json:"spoiler_text"`
	Sensitive        bool               `json:"sensitive"`
	CreatedAt        Stamp              `json:"created_at"`
	Account          *Account           `json:"account"`
	MediaAttachments []*MediaAttachment `json:"media_attachments"`
	Emojis           []struct{}         `json:"emojis"`
	Quote            *struct{}          `json:"quote"`
}

// StatusSource is a post as its author typed it.
type StatusSource struct {
	ID          ID     `json:"id"`
	Text        string `json:"text"`
	SpoilerText string `json:"spoiler_text"`
}

// Context is the thread around a post.
type Context struct {
	Ancestors   []*Status `json:"ancestors"`
	Descendants []*Status `json:"descendants"`
}

// Relationship is what the asker has to do with an account.
type Relationship struct {
	ID                  ID       `json:"id"`
	Following           bool     `json:"following"`
	ShowingReblogs      bool     `json:"showing_reblogs"`
	Notifying           bool     `json:"notifying"`
	Languages           []string `json:"languages"`
	FollowedBy          bool     `json:"followed_by"`
	Blocking            bool     `json:"blocking"`
	BlockedBy           bool     `json:"blocked_by"`
	Muting              bool     `json:"muting"`
	MutingNotifications bool     `json:"muting_notifications"`
	MutingExpiresAt     Stamp    `json:"muting_expires_at"`
	Requested           bool     `json:"requested"`
	RequestedBy         bool     `json:"requested_by"`
	DomainBlocking      bool     `json:"domain_blocking"`
	Endorsed            bool     `json:"endorsed"`
	Note                string   `json:"note"`
}

// Notification tells the asker what somebody did.
type Notification struct {
	ID        ID       `json:"id"`
	Type      string   `json:"type"`
	GroupKey  string   `json:"group_key"`
	CreatedAt Stamp    `json:"created_at"`
	Account   *Account `json:"account"`
	Status    *Status  `json:"status,omitempty"`
}

// List is a circle of the asker's: to clients, a list that cannot be changed.
type List struct {
	ID            ID     `json:"id"`
	Title         string `json:"title"`
	RepliesPolicy string `json:"replies_policy"`
	Exclusive     bool   `json:"exclusive"`
}

// FamiliarFollowers are followers of an account whom the asker follows.
type FamiliarFollowers struct {
	ID       ID         `json:"id"`
	Accounts []*Account `json:"accounts"`
}

// Token is what signing up gives.
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
	CreatedAt   int64  `json:"created_at"`
}

// visibilityOf is how clients call who a post is for. A circle's posts are private to them: they
// offer no boost for those.
func visibilityOf(p *store.Post) string {
	switch p.Visibility {
	case store.Public, store.Unlisted, store.Direct:
		return p.Visibility
	}
	return "private"
}

// visibilityFrom is our word for that of a client; what is unknown stays and is refused later.
func visibilityFrom(word string) string {
	if word == "private" {
		return store.Followers
	}
	return word
}

// sizeOf describes a size; nil where it is not known.
func sizeOf(w, h int) *MediaSize {
	if w <= 0 || h <= 0 {
		return nil
	}
	return &MediaSize{Width: w, Height: h, Size: strconv.Itoa(w) + "x" + strconv.Itoa(h), Aspect: float64(w) / float64(h)}
}
