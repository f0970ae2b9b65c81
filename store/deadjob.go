package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// What the operator sees of the queue, and may do to it.

const (
	maxJobsListed = 200

	deadColumns = `id, lane, kind, object_id, target, attempts, last_error, died_at`

	listJobs = `SELECT ` + jobColumns + ` FROM jobs WHERE id > $1 ORDER BY id LIMIT $2`
	listLane = `SELECT j.id, j.lane, j.kind, j.object_id, j.target, j.attempts, j.last_error, j.failed_at
		FROM lanes l JOIN jobs j ON j.lane = l.lane WHERE l.host = $3 AND j.id > $1 ORDER BY j.id LIMIT $2`
	listDead = `SELECT ` + deadColumns + ` FROM dead_jobs WHERE id > $1 ORDER BY id LIMIT $2`

	reviveJob = `INSERT INTO jobs (id, lane, kind, object_id, target)
		SELECT CAST($1 AS BIGINT), lane, kind, object_id, target FROM dead_jobs WHERE id = $2`
	reviveLane = `INSERT INTO lanes (lane, host, due_at, lease)
		SELECT lane, CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($3 AS BIGINT) FROM dead_jobs WHERE id = $1
		ON CONFLICT (lane) DO UPDATE SET due_at = COALESCE(lanes.due_at, excluded.due_at)`
	dropDead = `DELETE FROM dead_jobs WHERE id = $1`
	dropJob  = `DELETE FROM jobs WHERE id = $1`
	idleLane = `UPDATE lanes SET due_at = NULL WHERE lane = $1 AND leased_until < $2 AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.lane = $1)`

	// Jobs older than $1, except permanent ones, at most $2: moved up to the
	// id that oldJobs found.
	oldJobs = `SELECT COUNT(*), COALESCE(MAX(o.id), 0) FROM (SELECT id FROM jobs WHERE id < $1 AND kind NOT IN ($2, $3, $4, $5) ORDER BY id LIMIT $6) AS o`
	buryOld = `INSERT INTO dead_jobs (id, lane, kind, object_id, target, attempts, last_error, died_at)
		SELECT id, lane, kind, object_id, target, attempts, CASE WHEN last_error = '' THEN 'older than seven days' ELSE last_error END, CAST($6 AS BIGINT)
		FROM jobs WHERE id <= $1 AND kind NOT IN ($2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`
	deleteOld = `DELETE FROM jobs WHERE id <= $1 AND kind NOT IN ($2, $3, $4, $5)`
	emptyDue  = `UPDATE lanes SET due_at = NULL WHERE due_at IS NOT NULL AND leased_until < $1
		AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.lane = lanes.lane)`
)

// JobFilter chooses jobs for a list.
type JobFilter struct {
	Host  string // only deliveries to it
	After ID     // continue behind this one
	Limit int    // at most 200, the default
}

// DeadJob is a job that was given up.
type DeadJob struct {
	Job
	DiedAt time.Time
}

// Jobs lists waiting jobs, oldest first.
func (r reader) Jobs(ctx context.Context, filter JobFilter) ([]Job, error) {
	limit := jobLimit(filter.Limit)
	var rows *sql.Rows
	var err error
	if filter.Host != "" {
		rows, err = r.query(ctx, listLane, int64(filter.After), limit, filter.Host)
	} else {
		rows, err = r.query(ctx, listJobs, int64(filter.After), limit)
	}
	var jobs []Job
	err = each(rows, err, func(rows *sql.Rows) error {
		job, err := scanJob(rows)
		job.Host = hostOfLane(job)
		jobs = append(jobs, job)
		return err
	})
	return jobs, err
}

// DeadJobs lists jobs that were given up, oldest first.
func (r reader) DeadJobs(ctx context.Context, filter JobFilter) ([]DeadJob, error) {
	var jobs []DeadJob
	limit, after := jobLimit(filter.Limit), filter.After
	for len(jobs) < limit {
		var batch []DeadJob
		rows, err := r.query(ctx, listDead, int64(after), maxJobsListed)
		err = each(rows, err, func(rows *sql.Rows) error {
			var j DeadJob
			err := rows.Scan(scanID(&j.ID), &j.Lane, &j.Kind, scanID(&j.ObjectID), &j.Target, scanInt(&j.Attempts), &j.LastError, scanMS(&j.DiedAt))
			j.Host = hostOfLane(j.Job)
			batch = append(batch, j)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, j := range batch {
			after = j.ID
			if (filter.Host == "" || j.Host == filter.Host) && len(jobs) < limit {
				jobs = append(jobs, j)
			}
		}
		if len(batch) < maxJobsListed {
			break
		}
	}
	return jobs, nil
}

func jobLimit(n int) int {
	if n <= 0 || n > maxJobsListed {
		return maxJobsListed
	}
	return n
}

// hostOfLane is the host of a delivery, whose target is an inbox.
func hostOfLane(j Job) string {
	n := len(j.Lane)
	if n < 3 || j.Lane[n-2] != '#' || j.Lane[n-1] < '0' || j.Lane[n-1] > '7' || !isURL(j.Target) {
		return ""
	}
	return j.Lane[:n-2]
}

func isURL(s string) bool {
	return len(s) > 8 && (s[:8] == "https://" || s[:7] == "http://")
}

// RetryDead puts a dead job back into the queue, at its end, with its
// failures forgotten. ErrNotFound if there is none.
func (tx *Tx) RetryDead(ctx context.Context, id ID) error {
	var j Job
	if err := tx.queryRow(ctx, `SELECT lane, target FROM dead_jobs WHERE id = $1`, int64(id)).Scan(&j.Lane, &j.Target); err != nil {
		return fmt.Errorf("dead job %d: %w", id, err)
	}
	if _, err := tx.exec(ctx, reviveJob, int64(tx.newJobID()), int64(id)); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, reviveLane, int64(id), hostOfLane(j), tx.Now.UnixMilli()); err != nil {
		return err
	}
	tx.wakeWorker()
	_, err := tx.exec(ctx, dropDead, int64(id))
	return err
}

// RetryDeadOf puts back the dead jobs of a host, or all of them when host is
// empty, and returns how many.
func (tx *Tx) RetryDeadOf(ctx context.Context, host string) (int, error) {
	var after ID
	for n := 0; ; {
		jobs, err := tx.DeadJobs(ctx, JobFilter{Host: host, After: after})
		if err != nil || len(jobs) == 0 {
			return n, err
		}
		for _, j := range jobs {
			after = j.ID
			if err := tx.RetryDead(ctx, j.ID); err != nil {
				return n, err
			}
			n++
		}
	}
}

// DropDead forgets a dead job.
func (tx *Tx) DropDead(ctx context.Context, id ID) error {
	n, err := tx.exec(ctx, dropDead, int64(id))
	if err == nil && n == 0 {
		err = fmt.Errorf("dead job %d: %w", id, ErrNotFound)
	}
	return err
}

// DropJob removes a waiting job. One that is under way is not stopped.
func (tx *Tx) DropJob(ctx context.Context, id ID) error {
	var lane string
	if err := tx.queryRow(ctx, `SELECT lane FROM jobs WHERE id = $1`, int64(id)).Scan(&lane); err != nil {
		return fmt.Errorf("job %d: %w", id, err)
	}
	if _, err := tx.exec(ctx, dropJob, int64(id)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, idleLane, lane, tx.Now.UnixMilli())
	return err
}

// QueueStats is the state of the queue in numbers.
type QueueStats struct {
	Waiting   int64 // jobs
	Due       int64 // lanes that could run now
	Failing   int64 // lanes of hosts that do not answer
	Dead      int64
	OldestAge time.Duration // of a waiting job
}

// QueueStats counts the queue; with a million jobs it takes a tenth of a second.
func (r reader) QueueStats(ctx context.Context) (QueueStats, error) {
	var s QueueStats
	var oldest ID
	err := r.queryRow(ctx, `SELECT (SELECT COUNT(*) FROM jobs), (SELECT COUNT(*) FROM dead_jobs), (SELECT MIN(id) FROM jobs),
		(SELECT COUNT(*) FROM lanes WHERE due_at <= $1), (SELECT COUNT(*) FROM lanes WHERE due_at IS NOT NULL AND failures > 0)`, r.nowMS()).
		Scan(scanInt64(&s.Waiting), scanInt64(&s.Dead), scanID(&oldest), scanInt64(&s.Due), scanInt64(&s.Failing))
	if oldest != 0 {
		s.OldestAge = r.now().Sub(oldest.Time())
	}
	return s, err
}

// bury moves jobs older than seven days to dead_jobs, now and then, so that
// the lanes of a host that is gone drain.
func (w *Worker) bury(ctx context.Context) error {
	now := w.db.now()
	if now.Sub(w.buried) < buryEvery && !now.Before(w.buried) {
		return nil
	}
	w.buried = now
	_, err := w.BuryOld(ctx)
	return err
}

// BuryOld moves the jobs older than seven days to dead_jobs, in slices, and
// returns how many. Permanent ones stay.
func (w *Worker) BuryOld(ctx context.Context) (int64, error) {
	bound := FirstID(w.db.now().Add(-maxJobAge))
	kinds := make([]any, 0, maxPermanent)
	for kind := range w.permanent {
		kinds = append(kinds, kind)
	}
	for len(kinds) < maxPermanent {
		kinds = append(kinds, "")
	}
	var total int64
	for {
		var n, last int64
		args := append(append([]any{int64(bound)}, kinds...), burySlice)
		if err := w.db.queryRow(ctx, oldJobs, args...).Scan(&n, &last); err != nil || n == 0 {
			return total, err
		}
		err := w.db.Tx(ctx, func(tx *Tx) error {
			args := append([]any{last}, kinds...)
			if _, err := tx.exec(ctx, buryOld, append(args, tx.Now.UnixMilli())...); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, deleteOld, args...); err != nil {
				return err
			}
			_, err := tx.exec(ctx, emptyDue, tx.Now.UnixMilli())
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
	}
}
