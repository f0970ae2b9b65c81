package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// fanOutLimit is how many timelines one transaction writes. With more followers a job does it in slices; a circle
	// with more readers here is not fanned out at all, see wide_circles.
	fanOutLimit = 1000
	// lateAfter is how old a post may arrive and still enter timelines.
	lateAfter = 7 * 24 * time.Hour
	// FanOutJob is the kind of the jobs that write the timelines of an author with many followers.
	FanOutJob = "fanout"
)

// SQL for fan-out: $1 now, $2 the post, $3 its author or circle, $4 the account after which to go on.
var (
	fanOutFollowers = fanOut(sqlf(`SELECT f.account_id AS id, f.boosts AS boosts FROM follows f WHERE f.target_id = $3 AND f.accepted_at IS NOT NULL AND f.account_id > $4
      ORDER BY f.account_id LIMIT %d`, fanOutLimit), followerWants)
	fanOutNamed = fanOut(sqlf(`SELECT n.account_id AS id, f.boosts AS boosts FROM post_recipients n JOIN follows f ON f.account_id = n.account_id
      WHERE n.post_id = $2 AND f.target_id = $3 AND f.accepted_at IS NOT NULL AND n.account_id > $4 ORDER BY n.account_id LIMIT %d`, fanOutLimit), followerWants)
	fanOutCircle = fanOut(sqlf(`SELECT m.account_id AS id, 1 AS boosts FROM memberships m WHERE m.circle_id = $3 AND m.host = '' AND m.account_id > $4
      AND m.verified_at IS NOT NULL AND m.ended_at IS NULL ORDER BY m.account_id LIMIT %d`, fanOutLimit), "1 = 1")
	fanOutSelf = `INSERT INTO timeline (account_id, post_id) SELECT p.author_id, p.id FROM posts p JOIN accounts v ON v.id = p.author_id
WHERE p.id = $2 AND v.host = '' AND ` + canSee("p", "v.id") + ` ON CONFLICT DO NOTHING RETURNING account_id`
	wideReaders = `SELECT v.id FROM memberships m JOIN posts p ON p.circle_id = m.circle_id JOIN accounts v ON v.id = m.account_id
WHERE p.id = $2 AND m.circle_id = $3 AND m.host = '' AND m.verified_at IS NOT NULL AND m.ended_at IS NULL AND ` +
		canSee("p", "v.id") + ` AND ` + wanted("p", "v.id")
)

// What tells that there are more than one transaction should write, and where a slice ends.
var (
	manyFollowers = sqlf(`SELECT account_id FROM follows WHERE target_id = $1 AND accepted_at IS NOT NULL ORDER BY account_id LIMIT 1 OFFSET %d`, fanOutLimit)
	lastOfSlice   = sqlf(`SELECT account_id FROM follows WHERE target_id = $1 AND accepted_at IS NOT NULL AND account_id > $2 ORDER BY account_id LIMIT 1 OFFSET %d`, fanOutLimit-1)
	wideOrMany    = sqlf(`SELECT circle_id FROM wide_circles WHERE circle_id = $1 UNION ALL SELECT * FROM (SELECT account_id FROM memberships
 WHERE circle_id = $1 AND host = '' AND verified_at IS NOT NULL AND ended_at IS NULL ORDER BY account_id LIMIT 1 OFFSET %d) AS m`, fanOutLimit)
)

const (
	widen = `INSERT INTO wide_circles (circle_id, since) VALUES ($1, $2) ON CONFLICT (circle_id) DO NOTHING`

	// followerWants are the wishes of a follower about her timeline: boosts or none, and of replies those to herself, to
	// the author's own posts and to accounts she follows too.
	followerWants = `(p.boost_of_id IS NULL OR r.boosts <> 0) AND (p.reply_to_uri = '' AND p.reply_to_id IS NULL
    OR p.reply_to_account_id = p.author_id OR p.reply_to_account_id = v.id
    OR EXISTS (SELECT 1 FROM follows zg WHERE zg.account_id = v.id AND zg.target_id = p.reply_to_account_id AND zg.accepted_at IS NOT NULL LIMIT 1 OFFSET 0))`
)

// fanOut writes the statement that puts a post into the timelines of those accounts of ours that source names,
// that may see it, and that want it.
func fanOut(source, wants string) string {
	see := func(alias string) string { return canSee(alias, "v.id") + ` AND ` + wanted(alias, "v.id") }
	return `INSERT INTO timeline (account_id, post_id) SELECT v.id, p.id FROM posts p CROSS JOIN (` + source + `) r CROSS JOIN accounts v
WHERE p.id = $2 AND v.id = r.id AND v.host = '' AND ` + see("p") + ` AND ` + boostSeen("p", see) + ` AND ` + wants + `
ON CONFLICT DO NOTHING RETURNING account_id`
}

// FanOut puts a post into the home timelines it belongs in: the author's own, those of followers or of the circle's
// members here, as far as they may see it and have not muted, blocked or declined it. It returns the accounts whose
// timeline it newly entered, for live events. Posts that arrive more than seven days late enter none.
//
// For more followers than one transaction should write, it leaves a FanOutJob; the posts of a circle
// with more readers are read by Home where they are, and FanOut returns the readers.
func (tx *Tx) FanOut(ctx context.Context, p *Post) (ids []ID, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fan out %d: %w", p.ID, err)
		}
	}()
	if tx.Now.Sub(p.ID.Time()) > lateAfter {
		return nil, nil
	}
	if p.CircleID != 0 {
		return tx.fanOutCircle(ctx, p)
	}
	if p.Host == "" {
		if ids, err = tx.timelines(ctx, fanOutSelf, p, p.AuthorID, 0); err != nil {
			return nil, err
		}
	}
	if p.Visibility == Direct || p.Visibility == Limited {
		more, err := tx.timelines(ctx, fanOutNamed, p, p.AuthorID, 0)
		return append(ids, more...), err
	}
	switch found, err := tx.someRow(ctx, manyFollowers, int64(p.AuthorID)); {
	case err != nil:
		return nil, err
	case found:
		return ids, tx.Enqueue(ctx, FanOutJob, p.ID, "", FanOutJob+"#"+p.AuthorID.String(), tx.Now)
	}
	more, err := tx.timelines(ctx, fanOutFollowers, p, p.AuthorID, 0)
	return append(ids, more...), err
}

func (tx *Tx) fanOutCircle(ctx context.Context, p *Post) ([]ID, error) {
	wide, err := tx.someRow(ctx, wideOrMany, int64(p.CircleID))
	if err != nil {
		return nil, err
	}
	if !wide {
		return tx.timelines(ctx, fanOutCircle, p, p.CircleID, 0)
	}
	if _, err := tx.exec(ctx, widen, int64(p.CircleID), tx.Now.UnixMilli()); err != nil {
		return nil, err
	}
	tx.AfterCommit(func() { tx.db.recent.wide.learn(true, time.Time{}) })
	rows, err := tx.query(ctx, wideReaders, tx.nowMS(), int64(p.ID), int64(p.CircleID))
	return collect(rows, err, scanOneID)
}

// timelines runs one of the statements above.
func (tx *Tx) timelines(ctx context.Context, text string, p *Post, source, after ID) ([]ID, error) {
	args := []any{tx.nowMS(), int64(p.ID), int64(source), int64(after)}
	if text == fanOutSelf {
		args = args[:2]
	}
	rows, err := tx.query(ctx, text, args...)
	return collect(rows, err, scanOneID)
}

// someRow tells whether a read finds a row.
func (r reader) someRow(ctx context.Context, text string, args ...any) (bool, error) {
	var id ID
	err := r.queryRow(ctx, text, args...).Scan(scanID(&id))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RunFanOut does the work of a FanOutJob: it writes the timelines of the author's followers slice by slice, each in a
// transaction of its own, and reports each slice to told, which may be nil. Running it again adds nothing. A post that
// is gone by now is done with.
func (db *DB) RunFanOut(ctx context.Context, job Job, told func(p *Post, accounts []ID)) error {
	var after ID
	for done := false; !done; {
		var p *Post
		var ids []ID
		var next ID
		err := db.Tx(ctx, func(tx *Tx) error {
			var err error
			p, err = scanFullPost(tx.queryRow(ctx, postByIDForDelete, int64(job.ObjectID)))
			if err != nil {
				return err
			}
			ids, next, err = tx.fanOutSlice(ctx, p, after)
			return err
		})
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("fan out %d: %w", job.ObjectID, err)
		}
		if told != nil && len(ids) > 0 {
			told(p, ids)
		}
		after, done = next, next == 0
	}
	return nil
}

func (tx *Tx) fanOutSlice(ctx context.Context, p *Post, after ID) (ids []ID, next ID, err error) {
	err = tx.queryRow(ctx, lastOfSlice, int64(p.AuthorID), int64(after)).Scan(scanID(&next))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, 0, err
	}
	ids, err = tx.timelines(ctx, fanOutFollowers, p, p.AuthorID, after)
	return ids, next, err
}
