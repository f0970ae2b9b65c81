// Package httpsig signs the requests this server sends and judges the
// signatures on the requests it receives, in the dialect that every peer
// speaks: HTTP signatures as in the twelfth Cavage draft.
//
// The arithmetic and the signing string come from go-fed/httpsig. That library
// by design checks nothing else, so this package adds what a signature needs to
// mean something: it covers the target, the host, a time and the body; the time
// is near; the body is the one that was hashed; the host is ours; nothing in
// the request can be read in two ways; and the key is strong enough and of the
// kind the label claims.
//
// It must not know who owns a key, where keys are fetched, or what the body
// says: a good signature proves only that the holder of the named key sent
// these bytes to this address. Comparing the key's owner with the activity's
// actor is the caller's duty.
//
// Start at Parse and Signature.Verify for what comes in, at Signer for what
// goes out, and at ParsePublicKey for keys found in actor documents.
package httpsig
