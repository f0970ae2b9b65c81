// Package vocab turns ActivityStreams documents into plain Go structs and back.
//
// It is the only place, besides the inbox flow of package federation, that
// touches go-fed/activity, and it stands between that library and strangers:
// Check refuses what would burn CPU or memory, and Normalise makes a skeleton
// that the library can hold without harm. The fields themselves are read from
// the raw document by our own extractor, because the library drops contentMap,
// cuts fractions of seconds, re-encodes ids and unwraps arrays. Outgoing
// documents are built with the library's types and completed by one finishing
// pass.
//
// The package must not know accounts, posts, the database, HTTP or keys. It
// decides nothing about trust: whether an actor may say what it says is the
// caller's question. HTML is passed on as it was sent; cleaning it is the
// caller's duty too.
//
// Start reading at Decode (activity.go) for what comes in and at EncodeActivity
// (encode_activity.go) for what goes out. What each document must look like is
// shown by the files under testdata.
package vocab
