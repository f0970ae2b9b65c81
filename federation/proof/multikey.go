package proof

import (
	"crypto/ed25519"
	"fmt"

	"github.com/mr-tron/base58"
)

// multicodec prefix of an Ed25519 public key.
const (
	codecFirst  = 0xed
	codecSecond = 0x01
	maxMultikey = 64
)

// EncodeMultikey writes a public key as actors publish it in publicKeyMultibase.
// spec: FEP-521a Multikey
func EncodeMultikey(key ed25519.PublicKey) string {
	return "z" + base58.Encode(append([]byte{codecFirst, codecSecond}, key...))
}

// DecodeMultikey reads a publicKeyMultibase. Only Ed25519 in base58btc counts;
// other codes, lengths and points of small order are ErrBadKey.
// spec: FEP-521a Multikey
func DecodeMultikey(text string) (ed25519.PublicKey, error) {
	if len(text) < 2 || len(text) > maxMultikey || text[0] != 'z' {
		return nil, fmt.Errorf("%w: not base58btc", ErrBadKey)
	}
	raw, err := base58.Decode(text[1:])
	if err != nil || len(raw) != 2+ed25519.PublicKeySize || raw[0] != codecFirst || raw[1] != codecSecond {
		return nil, fmt.Errorf("%w: not an Ed25519 Multikey", ErrBadKey)
	}
	key := ed25519.PublicKey(raw[2:])
	if !usableKey(key) {
		return nil, fmt.Errorf("%w: degenerate point", ErrBadKey)
	}
	return key, nil
}

// smallOrderY lists, little endian and without the sign bit, the y coordinates
// of the eight points of small order. Under such a key a signature says nothing.
var smallOrderY = [5][32]byte{
	{},
	{1},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}

// usableKey refuses wrong lengths, points of small order, and y coordinates that
// are not reduced modulo 2^255-19.
func usableKey(key ed25519.PublicKey) bool {
	if len(key) != ed25519.PublicKeySize {
		return false
	}
	y := [32]byte(key)
	y[31] &= 0x7f
	for _, bad := range smallOrderY {
		if y == bad {
			return false
		}
	}
	if y[31] != 0x7f || y[0] < 0xed {
		return true
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return true
		}
	}
	return false
}
