package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
	"github.com/mr-tron/base58"
)

// The reasons for which a document or key is refused, told apart by errors.Is.
// The texts around them never repeat the document.
var (
	// ErrNoProof: the document carries no proof.
	ErrNoProof = errors.New("proof: document has no proof")
	// ErrMalformed: unreadable or ambiguous, or not exactly one complete proof.
	ErrMalformed = errors.New("proof: malformed document or proof")
	// ErrTooLarge: over 1 MiB, too deep or too many values.
	ErrTooLarge = errors.New("proof: document is too large")
	// ErrUnsupported: another type of proof, suite or purpose.
	ErrUnsupported = errors.New("proof: kind of proof is not accepted")
	// ErrContext: the document's context does not begin with the proof's.
	ErrContext = errors.New("proof: context of document and proof differ")
	// ErrBadKey: not a usable Ed25519 key.
	ErrBadKey = errors.New("proof: key is not acceptable")
	// ErrBadSignature: the key did not sign this document.
	ErrBadSignature = errors.New("proof: signature does not verify")
)

const (
	proofType   = "DataIntegrityProof"
	cryptosuite = "eddsa-jcs-2022"
	// AssertionMethod is the purpose of every proof that Verify accepts.
	AssertionMethod = "assertionMethod"

	maxMethod = 2048
	maxValue  = 90 // 'z' and 64 bytes in base58
)

// Proof is what a verified proof says about itself.
type Proof struct {
	// Method is the id of the key that verified the document.
	Method  string
	Purpose string
	// Created is the signer's word, and Expires too; zero if there is none.
	// Whether either lies within bounds is for the caller to judge.
	Created time.Time
	Expires time.Time
}

// Sign returns the document in canonical form with a proof added. method is the
// id of the key as its owner publishes it, created is written in whole seconds
// of UTC. The same input gives the same bytes.
//
// The document must be a JSON object without a proof, and without the older
// kind of signature, which has to be added after the proof.
//
// Errors: ErrMalformed, ErrTooLarge, ErrBadKey.
// spec: FEP-8b32 proof generation
func Sign(doc []byte, key ed25519.PrivateKey, method, purpose string, created time.Time) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, ErrBadKey
	}
	if method == "" || purpose == "" || len(method) > maxMethod || !utf8.ValidString(method+purpose) {
		return nil, fmt.Errorf("%w: method or purpose", ErrMalformed)
	}
	canon, list, err := canonicalMembers(doc)
	if err != nil {
		return nil, err
	}
	place := len(list)
	for i, m := range list {
		if m.key == "proof" || isLinkedDataSignature(m) {
			return nil, fmt.Errorf("%w: already signed", ErrMalformed)
		}
		// Canonical order is by UTF-16 units. Beside an ASCII key that is
		// the order of the bytes.
		if m.key > "proof" && i < place {
			place = i
		}
	}

	config := map[string]any{
		"type": proofType, "cryptosuite": cryptosuite, "verificationMethod": method,
		"proofPurpose": purpose, "created": created.UTC().Format(time.RFC3339),
	}
	// Peers recompute the proof's configuration with the document's context,
	// so it is written down there as well.
	if context, _ := find(list, "@context"); context != nil {
		config["@context"] = json.RawMessage(context)
	}
	unsigned, err := marshal(config)
	if err != nil {
		return nil, err
	}
	config["proofValue"] = "z" + base58.Encode(ed25519.Sign(key, hashData(unsigned, canon)))
	signed, err := marshal(config)
	if err != nil {
		return nil, err
	}
	added := member{key: "proof", text: append([]byte(`"proof":`), signed...)}
	list = append(list[:place:place], append([]member{added}, list[place:]...)...)
	if out := object(list); len(out) <= MaxSize {
		return out, nil
	}
	return nil, fmt.Errorf("%w: with its proof", ErrTooLarge)
}

func marshal(config map[string]any) ([]byte, error) {
	plain, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	out, err := jcs.Transform(plain)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return out, nil
}

// hashData is what is signed: the hash of the proof without its value, then the
// hash of the document without its proof.
func hashData(config, doc []byte) []byte {
	first, second := sha256.Sum256(config), sha256.Sum256(doc)
	return append(first[:], second[:]...)
}

// Verify checks the one proof of a document. resolve is asked for the key of the
// proof's verification method after everything that needs no key has been found
// in order; it should answer only with keys that the author of the document
// lists. Its error is returned wrapped.
//
// Only assertionMethod proofs of the suite eddsa-jcs-2022 count. The proof is
// hashed as it stands, with or without a context of its own. A Linked Data
// signature on the document is set aside, as it is added after the proof.
//
// Errors: ErrNoProof, ErrMalformed, ErrTooLarge, ErrUnsupported, ErrContext,
// ErrBadKey, ErrBadSignature.
// spec: FEP-8b32 proof verification
func Verify(doc []byte, resolve func(method string) (ed25519.PublicKey, error)) (*Proof, error) {
	_, list, err := canonicalMembers(doc)
	if err != nil {
		return nil, err
	}
	value, list := find(list, "proof")
	if value == nil {
		return nil, ErrNoProof
	}
	if value[0] != '{' {
		return nil, fmt.Errorf("%w: not exactly one proof", ErrMalformed)
	}
	for _, m := range list {
		if isLinkedDataSignature(m) {
			_, list = find(list, m.key)
			break
		}
	}
	config, err := members(value)
	if err != nil {
		return nil, err
	}
	context, _ := find(list, "@context")
	if err := checkContext(config, context); err != nil {
		return nil, err
	}
	p, signature, config, err := readProof(config)
	if err != nil {
		return nil, err
	}
	key, err := resolve(p.Method)
	if err != nil {
		return nil, fmt.Errorf("proof: key: %w", err)
	}
	if !usableKey(key) {
		return nil, ErrBadKey
	}
	if !ed25519.Verify(key, hashData(object(config), object(list)), signature) {
		return nil, ErrBadSignature
	}
	return p, nil
}

// readProof checks the members of a proof and returns them with the signature
// and the configuration that was signed, which is all but the value.
func readProof(config []member) (*Proof, []byte, []member, error) {
	wrong := func(what string) (*Proof, []byte, []member, error) {
		return nil, nil, nil, fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	str := func(key string) string {
		value, _ := find(config, key)
		s, _ := text(value)
		return s
	}
	if str("type") != proofType || str("cryptosuite") != cryptosuite || str("proofPurpose") != AssertionMethod {
		return nil, nil, nil, ErrUnsupported
	}
	p := &Proof{Method: str("verificationMethod"), Purpose: AssertionMethod}
	if p.Method == "" || len(p.Method) > maxMethod {
		return wrong("verification method")
	}
	var err error
	if p.Created, err = time.Parse(time.RFC3339, str("created")); err != nil {
		return wrong("time of creation")
	}
	if value, _ := find(config, "expires"); value != nil {
		if p.Expires, err = time.Parse(time.RFC3339, str("expires")); err != nil {
			return wrong("time of expiry")
		}
	}
	encoded := str("proofValue")
	if len(encoded) < 2 || len(encoded) > maxValue || encoded[0] != 'z' {
		return wrong("value")
	}
	signature, err := base58.Decode(encoded[1:])
	if err != nil || len(signature) != ed25519.SignatureSize {
		return wrong("value")
	}
	_, config = find(config, "proofValue")
	return p, signature, config, nil
}

// checkContext requires that a proof's own context is the beginning of the
// document's.
//
// spec?: FEP-8b32 – the suite would then hash the document with the proof's
// context in place of its own, so that entries appended later pass unsigned.
// Here the document is hashed as it is, and an appended entry breaks the
// signature: it could give the same keys another meaning to the next reader.
func checkContext(config []member, context []byte) error {
	own, _ := find(config, "@context")
	if own == nil {
		return nil
	}
	if context == nil {
		return ErrContext
	}
	prefix, all := elements(own), elements(context)
	if len(prefix) > len(all) {
		return ErrContext
	}
	for i := range prefix {
		if !bytes.Equal(prefix[i], all[i]) {
			return ErrContext
		}
	}
	return nil
}

// isLinkedDataSignature recognises the older kind of embedded signature, which
// is never evidence here.
func isLinkedDataSignature(m member) bool {
	if m.key != "signature" || len(m.value) == 0 || m.value[0] != '{' {
		return false
	}
	inner, err := members(m.value)
	if err != nil {
		return false
	}
	kind, _ := find(inner, "type")
	name, ok := text(kind)
	return ok && name == "RsaSignature2017"
}
