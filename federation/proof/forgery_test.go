package proof

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

// TestForgeriesAreRefused changes a well signed activity in one place each.
func TestForgeriesAreRefused(t *testing.T) {
	created := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	raw, err := Sign([]byte(activityDoc), vectorKey(t), activityMethod, AssertionMethod, created)
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	list, err := members(raw)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := find(list, "proof")
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	add := func(text string) string { return strings.TrimSuffix(good, "}") + "," + text + "}" }
	proofContext := `"proof":{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],`
	docContext := `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],`

	cases := []struct {
		name, doc string
		want      error
	}{
		{"no proof", activityDoc, ErrNoProof},
		{"proof in another case", replace(`"proof":`, `"Proof":`), ErrNoProof},
		{"proof null", replace(string(one), `null`), ErrMalformed},
		{"proof a string", replace(string(one), `"z"`), ErrMalformed},
		{"proof empty", replace(string(one), `{}`), ErrUnsupported},
		{"proof in a list", replace(string(one), "["+string(one)+"]"), ErrMalformed},
		{"two proofs in a list", replace(string(one), "["+string(one)+","+string(one)+"]"), ErrMalformed},
		{"second proof key", add(`"proof":` + string(one)), ErrMalformed},

		{"content changed", replace("Hello world", "Hello World"), ErrBadSignature},
		{"actor changed", replace(`"actor":"https://server.example/users/alice"`, `"actor":"https://server.example/users/eve"`), ErrBadSignature},
		{"number changed", replace("25.273962", "25.273963"), ErrBadSignature},
		{"member added", add(`"zz":1`), ErrBadSignature},
		{"member added in the object", replace(`"content":"Hello world"`, `"content":"Hello world","summary":"x"`), ErrBadSignature},
		{"member removed", replace(`"type":"Create"`, `"typf":"Create"`), ErrBadSignature},
		{"context appended", replace(docContext, strings.TrimSuffix(docContext, "],")+`,{"content":"as:summary"}],`), ErrBadSignature},
		{"context in front", replace(docContext, strings.Replace(docContext, "[", `[{"x":"y"},`, 1)), ErrContext},
		{"context shortened", replace(docContext, `{"@context":"https://www.w3.org/ns/activitystreams",`), ErrContext},
		{"context in another order", replace(docContext, `{"@context":["https://w3id.org/security/data-integrity/v2","https://www.w3.org/ns/activitystreams"],`), ErrContext},
		{"context gone", replace(docContext, `{`), ErrContext},
		{"proof's context gone", replace(proofContext, `"proof":{`), ErrBadSignature},
		{"proof's context shortened", replace(proofContext, `"proof":{"@context":"https://www.w3.org/ns/activitystreams",`), ErrBadSignature},
		{"foreign signature member", add(`"signature":{"type":"Other"}`), ErrBadSignature},
		{"signature member that is text", add(`"signature":"RsaSignature2017"`), ErrBadSignature},

		{"another method", replace(activityMethod, activityMethod+"2"), ErrBadSignature},
		{"created changed", replace("2031-05-04T12:00:00Z", "2031-05-04T12:00:01Z"), ErrBadSignature},
		{"member added to the proof", replace(`"cryptosuite"`, `"challenge":"x","cryptosuite"`), ErrBadSignature},
		{"another type", replace("DataIntegrityProof", "Ed25519Signature2020"), ErrUnsupported},
		{"another suite", replace("eddsa-jcs-2022", "eddsa-rdfc-2022"), ErrUnsupported},
		{"type in a list", replace(`"type":"DataIntegrityProof"`, `"type":["DataIntegrityProof"]`), ErrUnsupported},
		{"another purpose", replace(`"assertionMethod"`, `"authentication"`), ErrUnsupported},
		{"no method", replace(`"verificationMethod"`, `"verificationmethod"`), ErrMalformed},
		{"method an object", replace(`"`+activityMethod+`"`, `{"id":"x"}`), ErrMalformed},
		{"long method", replace(activityMethod, activityMethod+strings.Repeat("x", 2048)), ErrMalformed},
		{"created missing", replace(`"created":"2031-05-04T12:00:00Z",`, ""), ErrMalformed},
		{"created unreadable", replace("2031-05-04T12:00:00Z", "yesterday"), ErrMalformed},
		{"created without a zone", replace("2031-05-04T12:00:00Z", "2031-05-04T12:00:00"), ErrMalformed},
		{"created null", replace(`"2031-05-04T12:00:00Z"`, "null"), ErrMalformed},
		{"expires unreadable", replace(`"cryptosuite"`, `"expires":5,"cryptosuite"`), ErrMalformed},
		{"value in another base", replace(`"proofValue":"z`, `"proofValue":"u`), ErrMalformed},
		{"value too short", replace(`"proofValue":"z`, `"proofValue":"z","x":"`), ErrMalformed},
		{"value too long", replace(`"proofValue":"z`, `"proofValue":"z22`), ErrMalformed},
		{"value endless", replace(`"proofValue":"z`, `"proofValue":"z`+strings.Repeat("z", 100_000)), ErrMalformed},
		{"value not base58", replace(`"proofValue":"z`, `"proofValue":"z0OIl`), ErrMalformed},

		{"key repeated", add(`"type":"Delete"`), ErrMalformed},
		{"key repeated by an escape", add(`"\u0074ype":"Delete"`), ErrMalformed},
		{"key repeated in the proof", replace(`"cryptosuite"`, `"cryptosuite":"x","cryptosuite"`), ErrMalformed},
		{"2^53", add(`"n":9007199254740992`), ErrMalformed},
		{"2^53+1", add(`"n":[-9007199254740993]`), ErrMalformed},
		{"2^53 as a decimal", add(`"n":9007199254740992.0`), ErrMalformed},
		{"2^53 with an exponent", add(`"n":9.007199254740993e15`), ErrMalformed},
		{"number without end", add(`"n":1e400`), ErrMalformed},
		{"number of many digits", add(`"n":1` + strings.Repeat("0", 5000)), ErrMalformed},
		{"lone surrogate", add(`"n":"\ud800"`), ErrMalformed},
		{"bad UTF-8", add("\"n\":\"\xff\""), ErrMalformed},
		{"second document", good + good, ErrMalformed},
		{"byte order mark", "\xef\xbb\xbf" + good, ErrMalformed},
		{"comment", "/**/" + good, ErrMalformed},
		{"cut short", good[:len(good)-1], ErrMalformed},
		{"nothing", "", ErrMalformed},
		{"a list", "[" + good + "]", ErrMalformed},
		{"a string", `"x"`, ErrMalformed},

		{"33 deep", add(`"n":` + strings.Repeat("[", 33) + strings.Repeat("]", 33)), ErrTooLarge},
		{"500,000 deep", strings.Repeat("[", 500_000), ErrTooLarge},
		{"too wide", add(`"n":[0` + strings.Repeat(",0", 30_000) + "]"), ErrTooLarge},
		{"too big", add(`"n":"` + strings.Repeat("x", MaxSize) + `"`), ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Verify([]byte(c.doc), func(string) (ed25519.PublicKey, error) { return DecodeMultikey(vectorPublic) })
			if p != nil || !errors.Is(err, c.want) {
				t.Errorf("got %v, %v, want %v", p, err, c.want)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("the error repeats the document")
			}
		})
	}
	if _, err := Verify(raw, known(t, activityMethod)); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestKeysAreJudged(t *testing.T) {
	raw, err := Sign([]byte(activityDoc), vectorKey(t), activityMethod, AssertionMethod, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	unknown := errors.New("unknown key")
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32)).Public().(ed25519.PublicKey)
	for _, c := range []struct {
		name string
		key  ed25519.PublicKey
		err  error
		want error
	}{
		{"unknown", nil, unknown, unknown},
		{"nil", nil, nil, ErrBadKey},
		{"short", make([]byte, 31), nil, ErrBadKey},
		{"zero", make([]byte, 32), nil, ErrBadKey},
		{"another", other, nil, ErrBadSignature},
	} {
		_, err := Verify(raw, func(string) (ed25519.PublicKey, error) { return c.key, c.err })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestResolveIsNotAskedInVain(t *testing.T) {
	asked := func(string) (ed25519.PublicKey, error) {
		t.Error("a key was fetched for a proof that cannot count")
		return nil, ErrBadKey
	}
	for _, doc := range []string{
		`{"proof":{}}`, `{"proof":[]}`, `{}`,
		`{"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","verificationMethod":"k","created":"2031-05-04T12:00:00Z","proofValue":"zz"}}`,
	} {
		if _, err := Verify([]byte(doc), asked); err == nil {
			t.Errorf("accepted %s", doc)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	key := vectorKey(t)
	for _, c := range []struct {
		name, doc, method, purpose string
		key                        ed25519.PrivateKey
		want                       error
	}{
		{"no key", `{}`, "k", AssertionMethod, nil, ErrBadKey},
		{"no method", `{}`, "", AssertionMethod, key, ErrMalformed},
		{"no purpose", `{}`, "k", "", key, ErrMalformed},
		{"method not text", `{}`, "\xff", AssertionMethod, key, ErrMalformed},
		{"signed already", `{"proof":null}`, "k", AssertionMethod, key, ErrMalformed},
		{"older signature first", `{"signature":{"type":"RsaSignature2017"}}`, "k", AssertionMethod, key, ErrMalformed},
		{"list", `[]`, "k", AssertionMethod, key, ErrMalformed},
		{"repeated key", `{"a":1,"a":1}`, "k", AssertionMethod, key, ErrMalformed},
		{"large integer", `{"a":9007199254740993}`, "k", AssertionMethod, key, ErrMalformed},
		{"too big with its proof", `{"a":"` + strings.Repeat("x", MaxSize-20) + `"}`, "k", AssertionMethod, key, ErrTooLarge},
	} {
		if _, err := Sign([]byte(c.doc), c.key, c.method, c.purpose, time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestBadMultikeysAreRefused(t *testing.T) {
	good := ed25519.PublicKey(vectorKey(t).Public().(ed25519.PublicKey))
	for name, text := range map[string]string{
		"empty":              "",
		"only the base":      "z",
		"another base":       "u" + vectorPublic[1:],
		"not base58":         "z0OIl",
		"short":              EncodeMultikey(good[:31]),
		"long":               EncodeMultikey(append(good[:32:32], 0)),
		"endless":            "z" + strings.Repeat("z", 100_000),
		"a secret key":       vectorSecret,
		"zero":               EncodeMultikey(make([]byte, 32)),
		"identity":           EncodeMultikey(append([]byte{1}, make([]byte, 31)...)),
		"order 8":            EncodeMultikey(smallOrderY[3][:]),
		"order 8, other end": EncodeMultikey(smallOrderY[4][:]),
		"unreduced identity": EncodeMultikey(append(append([]byte{0xee}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)),
	} {
		if key, err := DecodeMultikey(text); !errors.Is(err, ErrBadKey) {
			t.Errorf("%s: %x, %v", name, key, err)
		}
	}
	if key, err := DecodeMultikey(vectorPublic); err != nil || !key.Equal(good) {
		t.Errorf("the good one: %x, %v", key, err)
	}
}

// TestSmallOrderTable recomputes on the curve that every entry of the table
// becomes the identity when doubled three times.
func TestSmallOrderTable(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mul := func(a, b *big.Int) *big.Int { r := new(big.Int).Mul(a, b); return r.Mod(r, p) }
	add := func(a, b *big.Int) *big.Int { r := new(big.Int).Add(a, b); return r.Mod(r, p) }
	div := func(a, b *big.Int) *big.Int { return mul(a, new(big.Int).ModInverse(b, p)) }
	one, minus := big.NewInt(1), big.NewInt(-1)
	d := div(big.NewInt(-121665), big.NewInt(121666))
	for i, raw := range smallOrderY {
		var be [32]byte
		for k := range raw {
			be[31-k] = raw[k]
		}
		y := new(big.Int).SetBytes(be[:])
		x := new(big.Int).ModSqrt(div(add(mul(y, y), minus), add(mul(d, mul(y, y)), one)), p)
		if x == nil {
			t.Fatalf("entry %d is not on the curve", i)
		}
		for range 3 {
			k := mul(d, mul(mul(x, x), mul(y, y)))
			x, y = div(mul(big.NewInt(2), mul(x, y)), add(one, k)), div(add(mul(y, y), mul(x, x)), add(one, new(big.Int).Neg(k)))
		}
		if x.Sign() != 0 || y.Cmp(one) != 0 {
			t.Errorf("entry %d has large order", i)
		}
	}
}
