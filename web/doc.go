// Package web puts everything that speaks HTTP behind one door: the client API, the pages and what other
// servers ask, with what all of them share: request ids, limits of time and size, security headers, the
// sharing of answers with other origins, and compression.
//
// It must not know SQL or rules, nor what any endpoint does. Start at routes.go, which holds every
// address of the program; web.go is what stands around them.
package web
