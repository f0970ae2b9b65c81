package vocab

import "strings"

// The contexts of others that our documents refer to. Peers that process
// JSON-LD carry these four with them; everything else is defined inline, so that
// nobody has to fetch anything.
const (
	securityContext = "https://w3id.org/security/v1"
	keysContext     = "https://www.w3.org/ns/cid/v1"
	proofContext    = "https://w3id.org/security/data-integrity/v2"
)

// term is a name outside the ActivityStreams context that we write, with its
// definition as JSON.
type term struct {
	name, definition string
	prefix           string // name of the prefix its definition uses, or empty
}

// terms are all names that may be declared, prefixes first. At most 64.
var terms = []term{
	{"co", `"` + Namespace + `"`, ""},
	{"schema", `"http://schema.org#"`, ""},
	{"toot", `"http://joinmastodon.org/ns#"`, ""},
	{"Emoji", `"toot:Emoji"`, "toot"},
	{"Hashtag", `"as:Hashtag"`, ""},
	{"PropertyValue", `"schema:PropertyValue"`, "schema"},
	{"alsoKnownAs", `{"@id":"as:alsoKnownAs","@type":"@id"}`, ""},
	{"attributionDomains", `"toot:attributionDomains"`, "toot"},
	{"blurhash", `"toot:blurhash"`, "toot"},
	{"discoverable", `"toot:discoverable"`, "toot"},
	{"featured", `{"@id":"toot:featured","@type":"@id"}`, "toot"},
	{"focalPoint", `{"@id":"toot:focalPoint","@container":"@list"}`, "toot"},
	{"implements", `{"@id":"https://w3id.org/fep/844e#implements","@type":"@id","@container":"@set"}`, ""},
	{"indexable", `"toot:indexable"`, "toot"},
	{"manuallyApprovesFollowers", `"as:manuallyApprovesFollowers"`, ""},
	{"members", `{"@id":"co:members","@type":"@id"}`, "co"},
	{"memorial", `"toot:memorial"`, "toot"},
	{"movedTo", `{"@id":"as:movedTo","@type":"@id"}`, ""},
	{"role", `"co:role"`, "co"},
	{"sensitive", `"as:sensitive"`, ""},
	{"suspended", `"toot:suspended"`, "toot"},
	{"value", `"schema:value"`, "schema"},
	{"webfinger", `"https://purl.archive.org/socialweb/webfinger#webfinger"`, ""},
}

// termBits are, by name, the bits of a term and of the prefix it uses.
var termBits = func() map[string]uint64 {
	m := make(map[string]uint64, len(terms))
	for i, t := range terms {
		m[t.name] = 1<<i | m[t.prefix]
	}
	return m
}()

// term notes that a key or type occurs.
func (w *writer) term(name string) {
	switch name {
	case "publicKey":
		w.security = true
	case "assertionMethod":
		w.keys = true
	}
	w.used |= termBits[name]
	if strings.HasPrefix(name, "co:") {
		w.used |= termBits["co"]
	}
}

// appendContext appends the value of @context: the plain string when nothing
// but ActivityStreams is needed.
// spec: AS2 §2.1, JSON-LD 1.1 §3.1
func (w *writer) appendContext(b []byte, withProof bool) []byte {
	const plainContext = `"` + activityStreams + `"`
	if w.used == 0 && !w.security && !w.keys && !withProof {
		return append(b, plainContext...)
	}
	b = append(b, '[')
	b = append(b, plainContext...)
	if w.security {
		b = append(b, `,"`+securityContext+`"`...)
	}
	if w.keys {
		b = append(b, `,"`+keysContext+`"`...)
	}
	if withProof {
		b = append(b, `,"`+proofContext+`"`...)
	}
	if w.used != 0 {
		separator := `,{"`
		for i, t := range terms {
			if w.used&(1<<i) == 0 {
				continue
			}
			b = append(b, separator...)
			b = append(b, t.name...)
			b = append(b, `":`...)
			b = append(b, t.definition...)
			separator = `,"`
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
