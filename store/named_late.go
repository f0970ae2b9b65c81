package store

import "context"

// enqueueNamedLate takes the inboxes of those whom an open post mentions that never had it: it was neither sent there, nor a
// boost of it, nor does it wait to be.
var enqueueNamedLate = deliveries(`SELECT e.host, e.inbox FROM (
			SELECT DISTINCT v.host AS host, CASE WHEN v.shared_inbox <> '' THEN v.shared_inbox ELSE v.inbox END AS inbox
			FROM posts p CROSS JOIN post_recipients r CROSS JOIN accounts v
			WHERE p.id = $2 AND p.visibility IN ('public', 'unlisted') AND r.post_id = p.id AND r.mentioned <> 0
				AND v.id = r.account_id AND v.host <> '' AND v.inbox <> '' AND ` + canReceive("p", "v.id") + `) AS e
		WHERE NOT EXISTS (SELECT 1 FROM sent s WHERE s.post_id = $2 AND s.inbox = e.inbox)
			AND NOT EXISTS (SELECT 1 FROM posts b JOIN sent s ON s.post_id = b.id
				WHERE b.boost_of_id = $2 AND b.boost_of_id IS NOT NULL AND b.host = '' AND s.inbox = e.inbox)
			AND NOT EXISTS (SELECT 1 FROM jobs k WHERE k.lane = e.host || CAST($7 AS TEXT) AND k.kind = 'create' AND k.object_id = $2 AND k.target = e.inbox)`)

// EnqueueNamedLate adds a Create of an edited post for the servers of those whom it mentions and that never had it: an Update
// of what they do not know would be ignored. Those that had it are EnqueueToSent's; no inbox is of both. It returns how many
// there are, none for a post that is not open, to which an edit adds no readers.
func (tx *Tx) EnqueueNamedLate(ctx context.Context, post *Post) (int, error) {
	return tx.enqueueDeliveries(ctx, enqueueNamedLate, JobCreate, post)
}
