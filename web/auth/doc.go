// Package auth knows who is asking: the bearer of a token, a browser with a session, or nobody. It
// holds the OAuth 2 server in the dialect that Mastodon clients speak, sessions and their cookies,
// protection against forged forms, and rate limits.
//
// It must not know what is served. Start at who.go.
package auth
