package store

import (
	"context"
	"fmt"
)

// enqueueSlice is how many deliveries one statement writes. Larger audiences
// take several.
const enqueueSlice = 1024

// The deliveries of a post to those who are on other servers, are meant and
// may receive it: one per inbox, in the order (host, inbox). $1 now, $2 the
// post, $3 its circle, $4 its author, $5 the first id, $6 the kind, $7 the
// suffix of the lanes, $8 and $9 the host and inbox after which to go on.
var (
	enqueueFollowers = enqueueText(Followers)
	enqueueNamed     = enqueueText(Direct)
	enqueueCircle    = enqueueText(InCircle)
)

func enqueueText(visibility string) string {
	receive := func(alias string) string { return canReceive(alias, "v.id") }
	return deliveries(`SELECT DISTINCT v.host AS host, CASE WHEN v.shared_inbox <> '' THEN v.shared_inbox ELSE v.inbox END AS inbox
		FROM posts p CROSS JOIN (` + recipients(visibility, "$2", "CAST($3 AS BIGINT)", "$4") + `) r CROSS JOIN accounts v
		WHERE p.id = $2 AND v.id = r.id AND v.host <> '' AND v.inbox <> '' AND ` + receive("p") + ` AND ` + boostSeen("p", receive))
}

// deliveries writes jobs for the rows (host, inbox) of a source.
func deliveries(source string) string {
	return `INSERT INTO jobs (id, lane, kind, object_id, target)
		SELECT CAST($5 AS BIGINT) + (n.i / 512) * 65536 + n.i % 512, n.host || CAST($7 AS TEXT), CAST($6 AS TEXT), CAST($2 AS BIGINT), n.inbox
		FROM (SELECT ROW_NUMBER() OVER (ORDER BY d.host, d.inbox) - 1 AS i, d.host AS host, d.inbox AS inbox FROM (` + source + `) AS d
			WHERE d.host > CAST($8 AS TEXT) OR d.host = $8 AND d.inbox > CAST($9 AS TEXT)
			ORDER BY d.host, d.inbox LIMIT 1024) AS n
		WHERE CAST($1 AS BIGINT) + CAST($3 AS BIGINT) + CAST($4 AS BIGINT) IS NOT NULL` // PostgreSQL wants every parameter used
}

const (
	circleHost = `SELECT host FROM accounts WHERE id = $1`
	laneAndURL = `SELECT lane, target FROM jobs WHERE id = $1`
)

// enqueueSent takes every inbox that may have the post: it was sent there, or a boost of it was, and whoever gets a boost
// fetches what it is of.
var enqueueSent = deliveries(`SELECT s.host AS host, s.inbox AS inbox FROM sent s WHERE s.post_id = $2
		UNION SELECT s.host, s.inbox FROM posts b JOIN sent s ON s.post_id = b.id WHERE b.boost_of_id = $2 AND b.boost_of_id IS NOT NULL AND b.host = ''`)

var enqueueKnowing = deliveries(inboxesKnowing("CAST($4 AS BIGINT)"))

// EnqueueKnowing adds a delivery to every server that follows an account of ours, is followed by it, hosts a circle of its,
// or was sent a post by it: for news of the account itself, which signs them. It returns how many there are.
func (tx *Tx) EnqueueKnowing(ctx context.Context, kind string, object, account ID) (int, error) {
	n, err := tx.enqueueSlices(ctx, enqueueKnowing, kind, object, 0, account, account)
	if err != nil {
		return n, fmt.Errorf("enqueue news of %d: %w", account, err)
	}
	return n, nil
}

// enqueueReaction is about the post $4.
var enqueueReaction = deliveries(`SELECT DISTINCT v.host AS host, CASE WHEN v.shared_inbox <> '' THEN v.shared_inbox ELSE v.inbox END AS inbox
		FROM posts p CROSS JOIN (` + recipients(InCircle, "$4", "CAST($3 AS BIGINT)", "$4") + `) r CROSS JOIN accounts v
		WHERE p.id = CAST($4 AS BIGINT) AND v.id = r.id AND v.host <> '' AND v.inbox <> '' AND ` + canReceive("p", "v.id"))

// EnqueueReaction adds a delivery to every server with a member who may receive a post in a circle of ours: of an activity
// about it, which the circle sends. It returns how many there are.
func (tx *Tx) EnqueueReaction(ctx context.Context, kind string, activity ID, post *Post) (int, error) {
	n, err := tx.enqueueSlices(ctx, enqueueReaction, kind, activity, post.CircleID, post.ID, post.CircleID)
	if err != nil {
		return n, fmt.Errorf("enqueue a reaction to %d: %w", post.ID, err)
	}
	return n, nil
}

// EnqueuePost adds the deliveries of a post to everyone elsewhere whom it is
// for and who may receive it, one per inbox, and returns how many. A post in
// a circle of ours goes to the members' servers, sent by the circle; one in a
// circle elsewhere goes to its hub alone, whose members are not our rows.
func (tx *Tx) EnqueuePost(ctx context.Context, kind string, post *Post) (int, error) {
	text := enqueueFollowers
	switch post.Visibility {
	case InCircle:
		text = enqueueCircle
	case Direct, Limited:
		text = enqueueNamed
	}
	return tx.enqueueDeliveries(ctx, text, kind, post)
}

// EnqueueToSent adds a delivery to every inbox that the post was sent to, or
// may have been: for its Delete, and for its Update, which whoever sends it
// turns into a Delete for those who may no longer see the post.
func (tx *Tx) EnqueueToSent(ctx context.Context, kind string, post *Post) (int, error) {
	return tx.enqueueDeliveries(ctx, enqueueSent, kind, post)
}

func (tx *Tx) enqueueDeliveries(ctx context.Context, text, kind string, post *Post) (int, error) {
	signer, err := tx.signer(ctx, post)
	n := 0
	if err == nil {
		n, err = tx.enqueueSlices(ctx, text, kind, post.ID, post.CircleID, post.AuthorID, signer)
	}
	if err != nil {
		return n, fmt.Errorf("enqueue post %d: %w", post.ID, err)
	}
	return n, nil
}

// enqueueSlices runs a text of deliveries until it writes no more.
func (tx *Tx) enqueueSlices(ctx context.Context, text, kind string, object, circle, author, signer ID) (total int, err error) {
	for host, inbox := "", ""; ; {
		first := tx.db.jobIDs.block(tx.db.Now(), enqueueSlice)
		n, err := tx.exec(ctx, text, tx.Now.UnixMilli(), int64(object), int64(circle), int64(author),
			int64(first), kind, laneSuffix(signer), host, inbox)
		if err != nil || n == 0 {
			return total, err
		}
		total += int(n)
		if err := tx.wakeBlock(ctx, first, int(n)); err != nil || n < enqueueSlice {
			return total, err
		}
		var last Job
		err = tx.queryRow(ctx, laneAndURL, int64(blockID(first, int(n)-1))).Scan(&last.Lane, &last.Target)
		if err != nil {
			return total, err
		}
		host, inbox = last.Lane[:len(last.Lane)-2], last.Target
	}
}

// signer is who sends the post: its circle, where that is ours, or its author.
func (tx *Tx) signer(ctx context.Context, post *Post) (ID, error) {
	if post.CircleID == 0 {
		return post.AuthorID, nil
	}
	var host string
	if err := tx.queryRow(ctx, circleHost, int64(post.CircleID)).Scan(&host); err != nil {
		return 0, err
	}
	if host != "" {
		return post.AuthorID, nil
	}
	return post.CircleID, nil
}
