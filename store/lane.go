package store

import (
	"context"
	"database/sql"
	"time"
)

// A lane is a row of jobs that run one after the other. When it is due lives
// on the lane alone, so that a million waiting jobs are a few thousand rows to
// the lease. Leasing moves due_at to the lease's end: a worker that was killed
// gives its lanes back by doing nothing. lease counts the leases of a lane;
// who ends a job names its count and loses if there has been another since.
//
// failures > 0 says that the host does not answer. Such lanes are parked
// together, probed one at a time, and freed together when one gets through.
const (
	leaseBatch = 16
	// Parked lanes come due one after the other, so that the host is probed
	// by one lane at a time, and by another one each time.
	probeGapMS = 15_000
	roundGapMS = lanesPerHost * probeGapMS // 120000 in parkHost

	leaseHead = `UPDATE lanes SET leased_until = $1, due_at = $1, lease = lease + 1
		WHERE due_at <= $2 AND lane IN (SELECT l.lane FROM lanes l WHERE l.due_at <= $2 AND l.failures `
	leaseTail = `) RETURNING lane, host, lease, failures`
	leaseLive = leaseHead + `= 0 ORDER BY l.due_at LIMIT $3` + leaseTail
	leaseSick = leaseHead + `> 0 ORDER BY l.due_at LIMIT $3` + leaseTail
	// PostgreSQL need not wait for lanes that another worker is leasing.
	leaseLivePG = leaseHead + `= 0 ORDER BY l.due_at LIMIT $3 FOR UPDATE SKIP LOCKED` + leaseTail
	leaseSickPG = leaseHead + `> 0 ORDER BY l.due_at LIMIT $3 FOR UPDATE SKIP LOCKED` + leaseTail

	laneHeads = `SELECT j.id, j.lane, j.kind, j.object_id, j.target, j.attempts, j.last_error, j.failed_at
		FROM lanes l JOIN jobs j ON j.id = (SELECT MIN(k.id) FROM jobs k WHERE k.lane = l.lane)
		WHERE l.lane IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

	// The fence comes first: it locks the row, so that the last statement
	// sees the jobs of whoever enqueued in the meantime.
	fenceLane = `UPDATE lanes SET leased_until = 0, failures = $3, due_at = $4 WHERE lane = $1 AND lease = $2`
	deleteJob = `DELETE FROM jobs WHERE id = $1`
	emptyLane = `UPDATE lanes SET due_at = NULL WHERE lane = $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.lane = $1)`
	failJob   = `UPDATE jobs SET attempts = attempts + 1, last_error = $2, failed_at = $3 WHERE id = $1`
	buryJob   = `INSERT INTO dead_jobs (id, lane, kind, object_id, target, attempts, last_error, died_at)
		SELECT id, lane, kind, object_id, target, attempts + 1, CAST($2 AS TEXT), CAST($3 AS BIGINT) FROM jobs WHERE id = $1
		ON CONFLICT (id) DO NOTHING`
	setLaneDue = `UPDATE lanes SET due_at = $2 WHERE lane = $1`
	// $1 host, $2 until, $3 now, $4 failures, $5 a random number. Those whose
	// head failed seldom or never come first.
	parkHost = `UPDATE lanes SET due_at = CAST($2 AS BIGINT) + (CAST(SUBSTR(lane, LENGTH(lane), 1) AS BIGINT) + CAST($5 AS BIGINT)) % 8 * 15000
			+ COALESCE((SELECT CASE WHEN k.attempts < 7 THEN k.attempts ELSE 7 END FROM jobs k WHERE k.lane = lanes.lane ORDER BY k.id LIMIT 1), 0) * 120000,
		failures = CASE WHEN failures < CAST($4 AS INTEGER) THEN CAST($4 AS INTEGER) ELSE failures END
		WHERE host = $1 AND due_at IS NOT NULL AND due_at < $2 AND leased_until < $3`
	freeHost = `UPDATE lanes SET failures = 0, due_at = CASE WHEN due_at IS NULL THEN NULL ELSE CAST($2 AS BIGINT) END
		WHERE host = $1 AND failures > 0 AND leased_until < $2`

	freeLeases = `UPDATE lanes SET leased_until = 0, due_at = $1 WHERE leased_until > $1 AND due_at IS NOT NULL`
	hostParked = `SELECT COUNT(*) FROM lanes WHERE host = $1 AND failures > 0 AND due_at > $2 AND leased_until < $2`
	wakeHost   = `UPDATE lanes SET due_at = $2 WHERE host = $1 AND failures > 0 AND due_at > $2 AND leased_until < $2`
	nextDue    = `SELECT MIN(d.due_at) FROM (
		SELECT * FROM (SELECT l.due_at FROM lanes l WHERE l.due_at IS NOT NULL AND l.failures = 0 ORDER BY l.due_at LIMIT 1) AS live
		UNION ALL SELECT * FROM (SELECT l.due_at FROM lanes l WHERE l.due_at IS NOT NULL AND l.failures > 0 ORDER BY l.due_at LIMIT 1) AS sick) AS d`
)

// lease is the right to run the head of a lane until a moment.
type lease struct {
	job      Job
	lane     string
	host     string
	fence    int64
	failures int // of the lane, before this lease
	at       time.Time
	// back: the job is not begun, and the lane is due again after wait.
	back bool
	wait time.Duration
}

// leaseLanes leases up to n due lanes, of hosts that answer or of those that
// do not. A lease without a job (ID 0) is of a lane that is empty.
func (tx *Tx) leaseLanes(ctx context.Context, sick bool, n int, until time.Time) ([]lease, error) {
	text := map[[2]bool]string{
		{false, false}: leaseLive, {true, false}: leaseSick, {false, true}: leaseLivePG, {true, true}: leaseSickPG,
	}[[2]bool{sick, tx.pg}]
	var leases []lease
	rows, err := tx.query(ctx, text, until.UnixMilli(), tx.Now.UnixMilli(), min(n, leaseBatch))
	err = each(rows, err, func(rows *sql.Rows) error {
		var l lease
		err := rows.Scan(&l.lane, &l.host, scanInt64(&l.fence), scanInt(&l.failures))
		leases = append(leases, l)
		return err
	})
	if err != nil || len(leases) == 0 {
		return nil, err
	}
	lanes := make([]any, leaseBatch)
	at := make(map[string]int, len(leases))
	for i := range lanes {
		lanes[i] = ""
		if i < len(leases) {
			lanes[i] = leases[i].lane
			at[leases[i].lane] = i
		}
	}
	rows, err = tx.query(ctx, laneHeads, lanes...)
	err = each(rows, err, func(rows *sql.Rows) error {
		job, err := scanJob(rows)
		if err != nil {
			return err
		}
		l := &leases[at[job.Lane]]
		job.Host = l.host
		l.job, l.at = job, tx.Now
		return nil
	})
	return leases, err
}

func scanJob(rows *sql.Rows) (j Job, err error) {
	err = rows.Scan(scanID(&j.ID), &j.Lane, &j.Kind, scanID(&j.ObjectID), &j.Target, scanInt(&j.Attempts), &j.LastError, scanMS(&j.FailedAt))
	return j, err
}

// FreeLeases makes every leased lane due, and tells how many there were. It is
// for the only process that runs jobs, before it begins: leases there are then
// those of a process that was killed, and need not be waited for. Should their
// holder live after all, some jobs are done twice.
func (db *DB) FreeLeases(ctx context.Context) (n int64, err error) {
	err = db.Tx(ctx, func(tx *Tx) error {
		n, err = tx.exec(ctx, freeLeases, tx.Now.UnixMilli())
		return err
	})
	return n, err
}

// verdict is what becomes of a job that was run.
type verdict int

const (
	jobDone     verdict = iota // deleted; the host answers
	jobDropped                 // deleted; nothing was learnt about the host
	jobDead                    // moved to dead_jobs
	jobLater                   // tried again; the others of its host go on
	jobParked                  // tried again; the host does not answer
	jobReturned                // not run, or interrupted: the lane is put back
)

// outcome is the end of a lease.
type outcome struct {
	lease
	verdict verdict
	after   time.Duration // for jobLater, jobParked and jobReturned
	text    string        // why it failed
	free    bool          // other lanes of the host are parked: free them
	shift   int           // a random number, see parkHost
}

// finish ends a lease. If it had been lost to another worker, nothing changes
// but what the other one does.
func (tx *Tx) finish(ctx context.Context, o outcome) error {
	now := tx.Now.UnixMilli()
	failures, due := o.failures, now+o.after.Milliseconds()
	switch o.verdict {
	case jobDone, jobLater:
		failures = 0
	case jobParked:
		failures++
	case jobDropped, jobDead, jobReturned:
	}
	if o.free {
		failures = 0
	}
	held, err := tx.exec(ctx, fenceLane, o.lane, o.fence, failures, due)
	if err != nil || held == 0 {
		return err
	}
	if o.free {
		if _, err := tx.exec(ctx, freeHost, o.host, now); err != nil {
			return err
		}
	}
	switch o.verdict {
	case jobLater:
		_, err = tx.exec(ctx, failJob, int64(o.job.ID), o.text, now)
		return err
	case jobParked:
		return tx.park(ctx, o, failures, due)
	case jobReturned:
		if o.job.ID != 0 {
			return nil
		}
	case jobDead:
		if _, err := tx.exec(ctx, buryJob, int64(o.job.ID), o.text, now); err != nil {
			return err
		}
	case jobDone:
		if o.job.sendsPost() {
			if err := tx.confirmSent(ctx, o.job); err != nil {
				return err
			}
		}
	case jobDropped:
		if o.job.sendsPost() {
			if err := tx.unmarkAttempt(ctx, o); err != nil {
				return err
			}
		}
	}
	if _, err := tx.exec(ctx, deleteJob, int64(o.job.ID)); err != nil {
		return err
	}
	_, err = tx.exec(ctx, emptyLane, o.lane)
	return err
}

// park makes the other lanes of a failing host wait too. If there are any,
// the next probe is theirs: behind a job that a host cannot digest, its
// neighbours would otherwise never be tried.
func (tx *Tx) park(ctx context.Context, o outcome, failures int, until int64) error {
	if _, err := tx.exec(ctx, failJob, int64(o.job.ID), o.text, tx.Now.UnixMilli()); err != nil {
		return err
	}
	parked, err := tx.exec(ctx, parkHost, o.host, until, tx.Now.UnixMilli(), failures, o.shift)
	if err != nil || parked == 0 {
		return err
	}
	_, err = tx.exec(ctx, setLaneDue, o.lane, until+int64(min(o.job.Attempts+1, 7))*roundGapMS)
	return err
}
