package httpsig

import "errors"

// The reasons for which a request or a key is refused. They are told apart with
// errors.Is; the texts around them never repeat what a stranger sent.
var (
	// ErrUnsigned: the request carries no HTTP signature at all.
	ErrUnsigned = errors.New("httpsig: request is not signed")
	// ErrMalformed: unreadable, ambiguous, or signs too little.
	ErrMalformed = errors.New("httpsig: malformed signature")
	// ErrStale: made too long ago, in the future, or already expired.
	ErrStale = errors.New("httpsig: signature outside its time window")
	// ErrDigest: the digest is missing, weak, not covered, or not the body's.
	ErrDigest = errors.New("httpsig: digest does not vouch for the body")
	// ErrWrongHost: addressed to a host that is not ours (answer 421).
	ErrWrongHost = errors.New("httpsig: signed for another host")
	// ErrBadSignature: the key did not make this signature.
	ErrBadSignature = errors.New("httpsig: signature does not verify")
	// ErrWeakKey: the key's kind, size or exponent is not accepted.
	ErrWeakKey = errors.New("httpsig: key is not acceptable")
)
