// Package federation speaks with other servers: it takes what they send into our inboxes, proves who
// sent it, hands it to the rules in social, and delivers, renders and serves what is ours.
//
// It must not know pages, the client API or SQL. Nothing in it decides who may see a post: it asks the
// store as the server or account that asks.
//
// Start at server.go; inbox.go is the way in (sender.go proves who speaks), deliver.go the way out,
// serve.go what others fetch from us, and circle.go the dialect between servers that speak circles.
package federation
