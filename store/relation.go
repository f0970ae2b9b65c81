package store

import (
	"context"
	"database/sql"
)

// Relationship is what one account has to do with another.
type Relationship struct {
	Following   bool // accepted, or a current member of the circle
	Requested   bool // asked, or waiting for a place in the circle
	FollowedBy  bool
	RequestedBy bool
	Blocking    bool
	BlockedBy   bool
	Muting      bool

	MutingNotifications bool
	DomainMuted         bool
	ShowingBoosts       bool
	Notifying           bool
	Note                string // what the first noted about the second, for itself
}

// The kinds of rows that relationships returns.
const (
	relFollows = iota + 1
	relFollowed
	relBlocks
	relBlocked
	relMutes
	relMember
	relDomain
	relNote
)

// relationships asks everything at once; $1 now, $2 whose, from $3 the others.
var relationships = newInText(`SELECT 1 AS kind, f.target_id AS id, CASE WHEN f.accepted_at IS NULL THEN 0 ELSE 1 END AS a, f.boosts AS b, f.notify AS c, '' AS note FROM follows f WHERE f.account_id = $2 AND f.target_id IN (IN)
UNION ALL SELECT 2, f.account_id, CASE WHEN f.accepted_at IS NULL THEN 0 ELSE 1 END, 0, 0, '' FROM follows f WHERE f.target_id = $2 AND f.account_id IN (IN)
UNION ALL SELECT 3, b.target_id, 0, 0, 0, '' FROM blocks b WHERE b.account_id = $2 AND b.target_id IN (IN)
UNION ALL SELECT 4, b.account_id, 0, 0, 0, '' FROM blocks b WHERE b.target_id = $2 AND b.account_id IN (IN)
UNION ALL SELECT 5, m.target_id, m.notifications, 0, 0, '' FROM mutes m WHERE m.account_id = $2 AND m.target_id IN (IN) AND (m.expires_at IS NULL OR m.expires_at > $1)
UNION ALL SELECT 6, m.circle_id, CASE WHEN m.verified_at IS NULL THEN 0 ELSE 1 END, 0, 0, '' FROM memberships m WHERE m.account_id = $2 AND m.circle_id IN (IN) AND m.ended_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > $1)
UNION ALL SELECT 7, a.id, 0, 0, 0, '' FROM accounts a JOIN domain_mutes d ON d.domain = a.domain WHERE d.account_id = $2 AND a.id IN (IN) AND a.domain <> ''
UNION ALL SELECT 8, n.target_id, 0, 0, 0, n.text FROM account_notes n WHERE n.account_id = $2 AND n.target_id IN (IN)`, 3)

// Relationships tells what me has to do with each of ids, in one query for up
// to 80 of them. Every id has an entry.
func (r reader) Relationships(ctx context.Context, me ID, ids []ID) (map[ID]Relationship, error) {
	found := make(map[ID]Relationship, len(ids))
	for _, id := range ids {
		found[id] = Relationship{}
	}
	err := relationships.each(ids, []any{r.nowMS(), int64(me)}, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		return each(rows, err, func(rows *sql.Rows) error { return scanRelation(rows, found) })
	})
	return found, err
}

// Relationship is Relationships for one other account.
func (r reader) Relationship(ctx context.Context, me, id ID) (Relationship, error) {
	found, err := r.Relationships(ctx, me, []ID{id})
	return found[id], err
}

// scanRelation reads a row of relationships into the entry it is about.
func scanRelation(rows *sql.Rows, found map[ID]Relationship) error {
	var (
		kind    int
		id      ID
		a, b, c bool
		note    string
	)
	if err := rows.Scan(&kind, scanID(&id), scanBool(&a), scanBool(&b), scanBool(&c), &note); err != nil {
		return err
	}
	rel := found[id]
	switch kind {
	case relFollows:
		rel.Following, rel.Requested, rel.ShowingBoosts, rel.Notifying = a, !a, b, c
	case relFollowed:
		rel.FollowedBy, rel.RequestedBy = a, !a
	case relBlocks:
		rel.Blocking = true
	case relBlocked:
		rel.BlockedBy = true
	case relMutes:
		rel.Muting, rel.MutingNotifications = true, a
	case relMember:
		rel.Following, rel.Requested, rel.ShowingBoosts = a, !a, a
	case relDomain:
		rel.DomainMuted = true
	case relNote:
		rel.Note = note
	}
	found[id] = rel
	return nil
}

// inboxesKnowing finds the servers to which an account of ours is known, in no order.
func inboxesKnowing(account string) string {
	inbox := `a.host AS host, CASE WHEN a.shared_inbox <> '' THEN a.shared_inbox ELSE a.inbox END AS inbox`
	return sqlf(`SELECT d.host, d.inbox FROM (
 SELECT %[2]s FROM follows f JOIN accounts a ON a.id = f.account_id WHERE f.target_id = %[1]s AND a.host <> ''
 UNION SELECT %[2]s FROM follows f JOIN accounts a ON a.id = f.target_id WHERE f.account_id = %[1]s AND a.host <> ''
 UNION SELECT %[2]s FROM memberships m JOIN accounts a ON a.id = m.circle_id WHERE m.account_id = %[1]s AND m.ended_at IS NULL AND a.host <> ''
 UNION SELECT s.host, s.inbox FROM posts p JOIN sent s ON s.post_id = p.id WHERE p.author_id = %[1]s) d WHERE d.inbox <> ''`, account, inbox)
}
