package vocab

import "strings"

// kind says what a type name stands for.
type kind uint8

const (
	kindUnknown kind = iota
	kindGeneric      // a supertype that says nothing when a narrower type is named
	kindActivity
	kindActor
	kindObject // something people read or look at
	kindCollection
	kindTombstone
	kindLink
)

// kinds holds every type name that the vocabulary, or a peer in wide use,
// defines and that go-fed knows as well.
// spec: AS2 vocabulary §2, §3
var kinds = func() map[string]kind {
	m := map[string]kind{"Tombstone": kindTombstone}
	for k, names := range map[kind]string{
		kindGeneric: "Object Activity",
		kindActivity: "Accept Add Announce Arrive Block Create Delete Dislike Flag Follow Ignore " +
			"IntransitiveActivity Invite Join Leave Like Listen Move Offer Read Reject Remove " +
			"TentativeAccept TentativeReject Travel Undo Update View Push",
		kindActor: "Application Group Organization Person Service",
		kindObject: "Article Audio Document Event Image Note Page Place Profile Question Relationship Video " +
			"Branch Commit Emoji IdentityProof Repository Ticket TicketDependency",
		kindCollection: "Collection CollectionPage OrderedCollection OrderedCollectionPage",
		kindLink:       "Link Mention",
	} {
		for _, name := range strings.Fields(names) {
			m[name] = k
		}
	}
	return m
}()

// typeNames that occur often, so that reading a type does not allocate.
var typeNames = func() map[string]string {
	m := make(map[string]string, len(kinds))
	for name := range kinds {
		m[name] = name
	}
	for _, name := range []string{"Hashtag", "PropertyValue", "EmojiReact", "ChatMessage", "Key"} {
		m[name] = name
	}
	return m
}()

// typeName answers the name of a type without the prefix of the vocabulary.
func (v value) typeName() string {
	if v.kind() == '"' && len(v) >= 2 {
		if name, ok := typeNames[string(v[1:len(v)-1])]; ok {
			return name
		}
	}
	s := v.exact()
	if rest, ok := strings.CutPrefix(s, activityStreams+"#"); ok {
		return rest
	}
	if rest, ok := strings.CutPrefix(s, "as:"); ok {
		return rest
	}
	return cleanID(s)
}

// typeOf answers the type that a document has and false when it claims several
// known ones, which different programs would read differently. A supertype
// beside a narrower type is ignored; of unknown types the first counts.
func (v value) typeOf() (string, bool) {
	if v.kind() != '[' {
		return v.typeName(), true
	}
	known, unknown, generic := "", "", ""
	for x := range v.elements() {
		name := x.typeName()
		switch kinds[name] {
		case kindUnknown:
			if unknown == "" {
				unknown = name
			}
		case kindGeneric:
			generic = name
		default:
			if known != "" && known != name {
				return "", false
			}
			known = name
		}
	}
	switch {
	case known != "":
		return known, true
	case unknown != "":
		return unknown, true
	}
	return generic, true
}
