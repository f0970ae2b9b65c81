package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"
)

// The published test figures of FEP-8b32 and of the suite itself share one key.
const (
	vectorSecret = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
	vectorPublic = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	vectorTime   = "2023-02-24T23:36:38Z"

	activityMethod = "https://server.example/users/alice#ed25519-key"
	activityDoc    = `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],
		"id":"https://server.example/activities/1","type":"Create","actor":"https://server.example/users/alice",
		"object":{"id":"https://server.example/objects/1","type":"Note","attributedTo":"https://server.example/users/alice",
		"content":"Hello world","location":{"type":"Place","longitude":-71.184902,"latitude":25.273962}}}`
	activityValue = "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"

	credentialMethod = "did:key:" + vectorPublic + "#" + vectorPublic
	credentialDoc    = `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],
		"id":"urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33","type":["VerifiableCredential","AlumniCredential"],
		"name":"Alumni Credential","description":"A minimum viable example of an Alumni Credential.",
		"issuer":"https://vc.example/issuers/5678","validFrom":"2023-01-01T00:00:00Z",
		"credentialSubject":{"id":"did:example:abcdefgh","alumniOf":"The School of Examples"}}`
	credentialValue    = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
	credentialDocHash  = "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
	credentialConfHash = "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
	credentialSigHex   = "407cd12654b33d718ecbb99179a1506daaa849450bf3fc523cce3e1c96f8b80351da3f253d725c6f00b07c9e5448d50b3ef78012b9ab54255116d069c6dd2808"
)

func vectorKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	raw, err := base58.Decode(vectorSecret[1:])
	if err != nil || len(raw) != 34 {
		t.Fatal(err, len(raw))
	}
	return ed25519.NewKeyFromSeed(raw[2:])
}

func known(t testing.TB, method string) func(string) (ed25519.PublicKey, error) {
	t.Helper()
	return func(asked string) (ed25519.PublicKey, error) {
		if asked != method {
			t.Errorf("asked for key %q", asked)
		}
		return DecodeMultikey(vectorPublic)
	}
}

func TestPublishedFigures(t *testing.T) {
	key := vectorKey(t)
	if got := EncodeMultikey(key.Public().(ed25519.PublicKey)); got != vectorPublic {
		t.Fatalf("public key %s", got)
	}
	created, err := time.Parse(time.RFC3339, vectorTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ doc, method, value string }{
		{activityDoc, activityMethod, activityValue},
		{credentialDoc, credentialMethod, credentialValue},
	} {
		signed, err := Sign([]byte(v.doc), key, v.method, AssertionMethod, created)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Proof struct {
				ProofValue string `json:"proofValue"`
			} `json:"proof"`
		}
		if err := json.Unmarshal(signed, &got); err != nil {
			t.Fatal(err)
		}
		if got.Proof.ProofValue != v.value {
			t.Errorf("value %s, published %s", got.Proof.ProofValue, v.value)
		}
		p, err := Verify(signed, known(t, v.method))
		if err != nil {
			t.Fatal(err)
		}
		if p.Method != v.method || p.Purpose != AssertionMethod || !p.Created.Equal(created) || !p.Expires.IsZero() {
			t.Errorf("proof %+v", p)
		}
	}
}

// TestPublishedSteps holds the hashes between input and signature to the
// published ones.
func TestPublishedSteps(t *testing.T) {
	created, err := time.Parse(time.RFC3339, vectorTime)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Sign([]byte(credentialDoc), vectorKey(t), credentialMethod, AssertionMethod, created)
	if err != nil {
		t.Fatal(err)
	}
	list, err := members(signed)
	if err != nil {
		t.Fatal(err)
	}
	value, rest := find(list, "proof")
	config, err := members(value)
	if err != nil {
		t.Fatal(err)
	}
	_, signature, config, err := readProof(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"document":  {hexSum(object(rest)), credentialDocHash},
		"proof":     {hexSum(object(config)), credentialConfHash},
		"signature": {hex.EncodeToString(signature), credentialSigHex},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s, published %s", name, pair[0], pair[1])
		}
	}
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestOtherPeersForms: a proof in another order and spacing than ours, one with
// nanoseconds and without a context of its own, and one beside an older
// signature that was added later.
func TestOtherPeersForms(t *testing.T) {
	spaced := strings.TrimSuffix(activityDoc, "}") + `, "proof" : {
		"proofValue": "` + activityValue + `", "created": "` + vectorTime + `", "proofPurpose": "assertionMethod",
		"verificationMethod": "` + activityMethod + `", "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022",
		"@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"] } }`
	if _, err := Verify([]byte(spaced), known(t, activityMethod)); err != nil {
		t.Errorf("spaced: %v", err)
	}
	older := strings.TrimSuffix(spaced, "}") + `,"signature":{"type":"RsaSignature2017","signatureValue":"AAAA"}}`
	if _, err := Verify([]byte(older), known(t, activityMethod)); err != nil {
		t.Errorf("with an older signature: %v", err)
	}

	plain := `{"created":"2026-07-12T19:30:38.560996451Z","cryptosuite":"eddsa-jcs-2022","expires":"2027-07-12T19:30:38+08:00","proofPurpose":"assertionMethod","type":"DataIntegrityProof","verificationMethod":"k"}`
	signed := signWith(t, `{"@context":"https://www.w3.org/ns/activitystreams","type":"Like"}`, plain)
	p, err := Verify(signed, known(t, "k"))
	if err != nil {
		t.Fatalf("without context: %v", err)
	}
	if p.Created.Nanosecond() != 560996451 || p.Expires.Year() != 2027 {
		t.Errorf("times %+v", p)
	}
}

// signWith signs a canonical document with a hand-made canonical configuration.
func signWith(t testing.TB, doc, config string) []byte {
	t.Helper()
	value := "z" + base58.Encode(ed25519.Sign(vectorKey(t), hashData([]byte(config), []byte(doc))))
	config = strings.TrimSuffix(config, "}") + `,"proofValue":"` + value + `"}`
	return []byte(strings.TrimSuffix(doc, "}") + `,"proof":` + config + "}")
}

func TestSignIsDeterministicAndCanonical(t *testing.T) {
	at := time.Date(2031, 5, 4, 12, 0, 0, 123456789, time.FixedZone("", 8*3600))
	a, err := Sign([]byte(`{"z":1,"\u20ac":"同窗","proofs":[1.50,1e2,"\u0041"],"a":{"c":null,"b":true}}`), vectorKey(t), "k", AssertionMethod, at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Sign([]byte(" {\"a\": {\"b\":true, \"c\":null}, \"proofs\":[1.5,100,\"A\"],\"€\":\"同窗\",\"z\":1.0}\n"), vectorKey(t), "k", AssertionMethod, at.UTC())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("\n%s\n%s", a, b)
	}
	again, err := canonical(a)
	if err != nil || !bytes.Equal(again, a) {
		t.Errorf("not canonical: %v\n%s\n%s", err, a, again)
	}
	if !bytes.Contains(a, []byte(`"created":"2031-05-04T04:00:00Z"`)) {
		t.Errorf("created: %s", a)
	}
}
