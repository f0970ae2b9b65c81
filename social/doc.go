// Package social holds the rules and everything the community can do: who may publish where, follow
// whom, sit in which circle, and what happens when something arrives from another server.
//
// Each use-case is one function around one transaction, callable from the web, from federation and
// from the command line alike. The package knows no HTTP, no ActivityStreams and no HTML pages. A
// rule that selects rows is SQL in store; a rule that decides about values is here.
//
// Start reading at service.go, then publish.go (what members write) and receive.go (what arrives).
package social
