package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kinds of jobs whose object is a post. Their success is remembered in sent.
const (
	JobCreate = "create"
	JobUpdate = "update"
	JobDelete = "delete"
)

// JobFetch is the kind of jobs that strangers cause; see maxFetches.
const JobFetch = "fetch"

const (
	// lanesPerHost lanes carry the deliveries to one host: order is kept
	// between the same signing actor and that host, and no more than this
	// many requests to it are under way at once.
	lanesPerHost = 8
	// maxFetches bounds what may wait in one lane of fetches. What is asked
	// for beyond it is forgotten.
	maxFetches = 1000
	// maxError bounds the text kept of a failure, in bytes.
	maxError = 500
	// maxTarget bounds an inbox or other target, in bytes.
	maxTarget = 2048
)

// Job is one thing to be done later, outside any transaction. It names a fact
// (a kind and an object), never a document: what is sent is made when it is
// sent, from the rows as they are then.
type Job struct {
	ID        ID // tells when it was enqueued
	Lane      string
	Kind      string
	ObjectID  ID
	Target    string // an inbox URL for deliveries
	Attempts  int    // how often it failed so far
	LastError string
	FailedAt  time.Time // when it failed last
	Host      string    // of deliveries, otherwise empty
}

// Inbox is where a delivery goes.
type Inbox struct {
	Host string // the authority of the recipients' ids
	URL  string
}

const (
	jobColumns = `id, lane, kind, object_id, target, attempts, last_error, failed_at`

	insertJob = `INSERT INTO jobs (id, lane, kind, object_id, target) VALUES ($1, $2, $3, $4, $5)`
	// A job that has begun may have read its object already, so only one
	// that has not stands for another.
	sameJobWaiting = `SELECT COUNT(*) FROM jobs j WHERE j.lane = $1 AND j.kind = $2 AND j.object_id = $3 AND j.target = $4
		AND (j.id > (SELECT MIN(k.id) FROM jobs k WHERE k.lane = $1)
			OR NOT EXISTS (SELECT 1 FROM lanes l WHERE l.lane = $1 AND l.leased_until > $5))`
	countLane = `SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE lane = $1 LIMIT $2) AS n`
	// The counter of a new lane begins at the time, so that one which was
	// swept and comes back repeats no lease.
	wakeLane = `INSERT INTO lanes (lane, host, due_at, lease) VALUES ($1, $2, $3, $3)
		ON CONFLICT (lane) DO UPDATE SET due_at = COALESCE(lanes.due_at, excluded.due_at)`
	// $1 the first and $2 the last of the new jobs: the lanes of deliveries,
	// last in the transaction and sorted, so that two enqueuers lock them in
	// the same order.
	wakeLanes = `INSERT INTO lanes (lane, host, due_at, lease)
		SELECT j.lane, MIN(SUBSTR(j.lane, 1, LENGTH(j.lane) - 2)), CAST($3 AS BIGINT), CAST($3 AS BIGINT)
		FROM jobs j WHERE j.id >= $1 AND j.id <= $2 GROUP BY j.lane ORDER BY j.lane
		ON CONFLICT (lane) DO UPDATE SET due_at = COALESCE(lanes.due_at, excluded.due_at)`
)

// Enqueue adds a job that is no delivery to a post's audience: mail, fetch,
// expire, fanout. Jobs of a lane run one after the other. One whose due time
// lies ahead gets a lane of its own, so that it holds nobody up. A job due now
// that equals one waiting in its lane is not added again.
func (tx *Tx) Enqueue(ctx context.Context, kind string, object ID, target, lane string, due time.Time) error {
	if len(target) > maxTarget || len(lane) > maxTarget {
		return fmt.Errorf("enqueue %s: the target is longer than %d bytes", kind, maxTarget)
	}
	now := tx.Now.UnixMilli()
	var same, waiting int64
	err := tx.queryRow(ctx, sameJobWaiting, lane, kind, int64(object), target, now).Scan(&same)
	if err != nil || same > 0 {
		return err
	}
	if kind == JobFetch {
		err := tx.queryRow(ctx, countLane, lane, maxFetches).Scan(&waiting)
		if err != nil || waiting >= maxFetches {
			return err
		}
	}
	id := tx.newJobID()
	at := max(due.UnixMilli(), now)
	if at > now {
		lane += "/" + id.String()
	}
	if _, err := tx.exec(ctx, insertJob, int64(id), lane, kind, int64(object), target); err != nil {
		return err
	}
	tx.wakeWorker()
	_, err = tx.exec(ctx, wakeLane, lane, "", at)
	return err
}

// EnqueueTo adds one delivery per inbox, signed by actor. Inboxes that are
// named twice get one.
func (tx *Tx) EnqueueTo(ctx context.Context, kind string, object, actor ID, inboxes []Inbox) error {
	suffix := laneSuffix(actor)
	inboxes = slices.Clone(inboxes)
	slices.SortFunc(inboxes, func(a, b Inbox) int {
		return strings.Compare(a.Host+"\x00"+a.URL, b.Host+"\x00"+b.URL)
	})
	inboxes = slices.Compact(inboxes)
	inboxes = slices.DeleteFunc(inboxes, func(in Inbox) bool {
		return in.Host == "" || in.URL == "" || len(in.URL) > maxTarget
	})
	if len(inboxes) == 0 {
		return nil
	}
	first := tx.db.jobIDs.block(tx.db.Now(), int64(len(inboxes)))
	for i, in := range inboxes {
		_, err := tx.exec(ctx, insertJob, int64(blockID(first, i)), in.Host+suffix, kind, int64(object), in.URL)
		if err != nil {
			return err
		}
	}
	return tx.wakeBlock(ctx, first, len(inboxes))
}

// wakeBlock makes the lanes of a block of new deliveries due.
func (tx *Tx) wakeBlock(ctx context.Context, first ID, n int) error {
	tx.wakeWorker()
	_, err := tx.exec(ctx, wakeLanes, int64(first), int64(blockID(first, n-1)), tx.Now.UnixMilli())
	return err
}

// laneSuffix tells the lane of a signing actor among a host's lanes. The
// counter of an ID is nearly always 0, its time is not.
func laneSuffix(actor ID) string {
	return "#" + string(rune('0'+(int64(actor)>>timeShift+int64(actor))%lanesPerHost))
}

// newJobID is an id for a job: they are numbered apart from other rows,
// because a large audience takes many at once.
func (tx *Tx) newJobID() ID { return tx.db.jobIDs.next(tx.db.Now()) }

// blockID is the id of row i of a block; idMaker.block reserved it. In SQL it
// is blockIDs.
func blockID(first ID, i int) ID {
	return first + ID(i/halfCounter)<<timeShift + ID(i%halfCounter)
}

// wakeWorker tells this process's worker of new jobs, after the commit.
func (tx *Tx) wakeWorker() {
	if tx.woken {
		return
	}
	tx.woken = true
	tx.AfterCommit(tx.db.signalJobs)
}

func (db *DB) signalJobs() {
	select {
	case db.jobsReady <- struct{}{}:
	default:
	}
}

// Sent rows: which inbox may have a post. Its Delete goes there.
const (
	markAttempt   = `INSERT INTO sent (post_id, inbox, host, attempted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (post_id, inbox) DO NOTHING`
	unmarkAttempt = `DELETE FROM sent WHERE post_id = $1 AND inbox = $2 AND attempted_at = $3 AND confirmed_at IS NULL`
	confirmSent   = `UPDATE sent SET confirmed_at = $1 WHERE post_id = $2 AND inbox = $3 AND confirmed_at IS NULL`
)

// sendsPost tells whether who gets the job's document has the post afterwards.
func (j Job) sendsPost() bool { return j.Kind == JobCreate || j.Kind == JobUpdate }

// SQL that tells whether somebody else is editing or deleting a post just now. On SQLite nobody can be.
const (
	postFreePG = `SELECT id FROM posts WHERE id = $1 FOR SHARE SKIP LOCKED`
	postThere  = `SELECT id FROM posts WHERE id = $1`
)

// markAttempts remembers, before posts are sent, that their inboxes may have them from now on. It is part of the lease,
// so that it costs no transaction of its own. Whoever deletes a post either sees the mark or was done before, and then
// the post is not sent: a lane whose post is being changed goes back.
func (tx *Tx) markAttempts(ctx context.Context, leases []lease) error {
	for i := range leases {
		l := &leases[i]
		if l.back || !l.job.sendsPost() {
			continue
		}
		locked, err := tx.postLocked(ctx, l.job.ObjectID)
		if err != nil {
			return err
		}
		if locked {
			l.back, l.wait = true, lockedWait
			continue
		}
		if err := tx.MarkAttempt(ctx, l.job.ObjectID, l.job.Target, l.host); err != nil {
			return err
		}
	}
	return nil
}

// postLocked keeps a post as it is until this transaction ends, and does not wait where somebody else is changing it.
func (tx *Tx) postLocked(ctx context.Context, id ID) (bool, error) {
	if !tx.pg {
		return false, nil
	}
	var found ID
	err := tx.queryRow(ctx, postFreePG, int64(id)).Scan(scanID(&found))
	if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	err = tx.queryRow(ctx, postThere, int64(id)).Scan(scanID(&found))
	if errors.Is(err, ErrNotFound) {
		return false, nil // gone for good: whoever runs the job finds out
	}
	return err == nil, err
}

// MarkAttempt remembers that an inbox may have a post. The worker does it for JobCreate and JobUpdate when it leases them.
func (tx *Tx) MarkAttempt(ctx context.Context, post ID, inbox, host string) error {
	_, err := tx.exec(ctx, markAttempt, int64(post), inbox, host, tx.Now.UnixMilli())
	return err
}

// unmarkAttempt takes the mark of a job back that was dropped, which is before it is sent. A mark of an earlier lease stays:
// that one may have been cut short after it sent.
func (tx *Tx) unmarkAttempt(ctx context.Context, o outcome) error {
	_, err := tx.exec(ctx, unmarkAttempt, int64(o.job.ObjectID), o.job.Target, o.at.UnixMilli())
	return err
}

// confirmSent remembers that the inbox accepted the post.
func (tx *Tx) confirmSent(ctx context.Context, job Job) error {
	_, err := tx.exec(ctx, confirmSent, tx.Now.UnixMilli(), int64(job.ObjectID), job.Target)
	return err
}

// What a Handler may answer besides nil (done) and other errors (the job is
// dead and shown to the operator).
var (
	// ErrTemporary, wrapped, has the job tried again later.
	ErrTemporary = errors.New("temporary failure")
	// ErrDrop, wrapped, deletes the job silently: there is nothing to do any more.
	ErrDrop = errors.New("nothing to do")
)

// RetryError has the job tried again, not before After has passed. Zero
// leaves the time to RetryAfter.
type RetryError struct {
	After time.Duration
	Err   error
}

func (e *RetryError) Error() string {
	if e.Err == nil {
		return ErrTemporary.Error()
	}
	return e.Err.Error()
}

// Unwrap makes a RetryError a temporary failure and shows its cause.
func (e *RetryError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrTemporary}
	}
	return []error{ErrTemporary, e.Err}
}

// RetryAfter is how long to wait after so many failures; false when enough
// have been seen. The waits add up to about seven days. It is exact: whoever
// waits adds jitter.
func RetryAfter(attempts int) (time.Duration, bool) {
	waits := [...]time.Duration{
		time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour,
		24 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour,
	}
	n := max(attempts, 1)
	if n > len(waits) {
		return waits[len(waits)-1], false
	}
	return waits[n-1], true
}
