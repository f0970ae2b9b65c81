// Package pages is the web app: server-rendered HTML that works without
// JavaScript, for people with an account and for passers-by.
//
// It turns requests into calls of social and store, and their answers into the
// view models of view.go, which the templates show. It must not know SQL, must
// not decide who may see a post (store does) or what is allowed (social does),
// and must not know the client API beside it.
//
// Start reading in view.go (what a page is made of) and pagetable.go (every
// page by name), then templates/layout.html. render.go puts the two together,
// assets.go serves static/.
package pages
