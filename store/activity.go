package store

import (
	"context"
	"time"
)

// Activity is something we say to other servers that is not itself a post: a follow, its
// acceptance, a like, the taking back of one. It holds the fact; the document is made when it is
// sent, so that what is sent is true at that moment.
type Activity struct {
	ID       ID
	Kind     string
	ActorID  ID
	TargetID ID     // the account it is about or meant for
	PostID   ID     // the post it is about, if any
	InnerURI string // the activity it accepts, rejects or takes back
	Detail   string // what the kind needs besides, such as a membership's id
	Created  time.Time
}

// SQL for activities.
const (
	insertActivity = `INSERT INTO activities (id, kind, actor_id, target_id, post_id, inner_uri, detail, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	selectActivity = `SELECT id, kind, actor_id, target_id, post_id, inner_uri, detail, created_at FROM activities WHERE id = $1`
	seenActivity   = `SELECT 1 FROM seen_activities WHERE uri = $1`
	insertSeen     = `INSERT INTO seen_activities (uri, seen_at) VALUES ($1, $2) ON CONFLICT (uri) DO NOTHING`
)

// InsertActivity records a; a zero ID is filled in.
func (tx *Tx) InsertActivity(ctx context.Context, a *Activity) error {
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	a.Created = tx.Now
	_, err := tx.exec(ctx, insertActivity, int64(a.ID), a.Kind, int64(a.ActorID), int64(a.TargetID), int64(a.PostID), a.InnerURI, a.Detail, msArg(a.Created))
	return err
}

// Activity returns the recorded fact, or ErrNotFound.
func (r reader) Activity(ctx context.Context, id ID) (*Activity, error) {
	var a Activity
	err := r.queryRow(ctx, selectActivity, int64(id)).Scan(scanID(&a.ID), &a.Kind, scanID(&a.ActorID), scanID(&a.TargetID), scanID(&a.PostID), &a.InnerURI, &a.Detail, scanMS(&a.Created))
	if err != nil {
		return nil, translate(err)
	}
	return &a, nil
}

// SeeActivity remembers the id of an activity that arrived and reports whether it is new. A repeat
// must change nothing.
func (tx *Tx) SeeActivity(ctx context.Context, uri string) (bool, error) {
	n, err := tx.exec(ctx, insertSeen, uri, msArg(tx.Now))
	return n == 1, err
}

// ActivitySeen tells whether SeeActivity was told of uri before.
func (r reader) ActivitySeen(ctx context.Context, uri string) (bool, error) {
	return r.someRow(ctx, seenActivity, uri)
}
