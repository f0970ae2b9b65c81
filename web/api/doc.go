// Package api is the door for client programs: the JSON interface that Mastodon's clients speak, over
// the rules in social and the rows in store.
//
// It must not know SQL or decide who may see or do what: it reads with the eyes of whoever asks and
// calls the use-cases of social. What is called a post elsewhere is a status here, and only here.
//
// Start at api.go and at the table of endpoints in routes_a.go; params.go reads what clients send in
// whatever shape, entity.go makes what they get.
package api
