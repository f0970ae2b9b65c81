// Package proof puts a signature inside a JSON document and checks one found
// there: data integrity proofs of the suite eddsa-jcs-2022, as FEP-8b32 and
// verifiable credentials use them. Such a document stays believable when a third
// party passes it on, which a signed HTTP request does not.
//
// Both sides work on the bytes that were received, brought into canonical form
// once (RFC 8785) and then only cut, never decoded into structs and written
// again. Documents that two readers could understand differently (repeated
// keys, integers no double can hold, broken text) are refused rather than
// repaired.
//
// It must not know what the documents say, where keys come from, or who may
// speak for whom: that the key is listed by the author, and that the author owns
// the object, is for the caller to establish. It has no clock either; Proof
// carries the times.
//
// Start at Sign and Verify; EncodeMultikey and DecodeMultikey are the form in
// which actors publish the keys (FEP-521a).
package proof
