// Package store keeps the rows: accounts, posts, circles, memberships, the
// job queue, and the SQL that reads and writes them, on SQLite or PostgreSQL.
//
// It must not know HTTP, any JSON that leaves the program, or configuration
// files; it is given plain values. A rule that selects rows lives here as SQL
// (who may see a post is said once, in visible.go); a rule that decides about
// values lives in package social.
//
// Reads are methods of the unexported reader, which DB and Tx both embed.
// Writes exist only as methods of Tx, so that everything one action changes is
// committed together with the jobs it causes. SQL texts are constant, in the
// subset both databases share, with $1-style parameters; times are Unix
// milliseconds and a zero time.Time is NULL.
//
// Start reading at db.go (opening), tx.go (transactions) and writer.go (how
// SQLite commits are grouped), then post.go and visible.go. The queue is in
// job.go (what waits), lane.go (its order and leases), worker.go and turn.go
// (who runs it); backup.go and sweep.go are for the operator.
package store
