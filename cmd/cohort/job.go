package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cohort/store"
)

type jobCommands struct {
	List  jobList  `cmd:"" help:"List the jobs that were given up, or those that wait."`
	Retry jobRetry `cmd:"" help:"Try jobs that were given up once more."`
	Drop  jobDrop  `cmd:"" help:"Forget a job for good."`
}

type jobList struct {
	Waiting bool   `help:"List those that wait instead."`
	Host    string `help:"Only deliveries to this host." placeholder:"HOST"`
	Limit   int    `default:"200" help:"At most this many." placeholder:"N"`
}

// jobRow is one job in a list.
type jobRow struct {
	ID        string     `json:"id"`
	State     string     `json:"state"`
	Kind      string     `json:"kind"`
	Object    string     `json:"object"`
	Target    string     `json:"target"`
	Host      string     `json:"host"`
	Attempts  int        `json:"attempts"`
	LastError string     `json:"last_error"`
	Died      *time.Time `json:"died_at"`
}

func newJobRow(j store.Job) jobRow {
	return jobRow{
		ID: j.ID.String(), State: "waiting", Kind: j.Kind, Object: j.ObjectID.String(),
		Target: j.Target, Host: j.Host, Attempts: j.Attempts, LastError: j.LastError,
	}
}

// Run lists jobs, oldest first.
func (c jobList) Run(p *program) error {
	if c.Limit < 1 {
		return &usageError{errors.New("--limit must be at least 1")}
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		list := i.deadJobs
		if c.Waiting {
			list = i.waitingJobs
		}
		rows := []jobRow{}
		for filter := (store.JobFilter{Host: c.Host}); len(rows) < c.Limit; {
			filter.Limit = min(c.Limit-len(rows), 200)
			page, last, err := list(ctx, filter)
			if err != nil {
				return err
			}
			rows = append(rows, page...)
			if len(page) < filter.Limit {
				break
			}
			filter.After = last
		}
		return printList(p, rows, []string{"ID", "STATE", "KIND", "TARGET", "ATTEMPTS", "LAST ERROR"}, func(r jobRow) []string {
			return []string{r.ID, r.State, r.Kind, r.Target, strconv.Itoa(r.Attempts), r.LastError}
		})
	})
}

// waitingJobs and deadJobs return one page of rows and the last one's id.
func (i *instance) waitingJobs(ctx context.Context, filter store.JobFilter) (rows []jobRow, last store.ID, err error) {
	jobs, err := i.db.Jobs(ctx, filter)
	for _, j := range jobs {
		rows, last = append(rows, newJobRow(j)), j.ID
	}
	return rows, last, err
}

func (i *instance) deadJobs(ctx context.Context, filter store.JobFilter) (rows []jobRow, last store.ID, err error) {
	jobs, err := i.db.DeadJobs(ctx, filter)
	for _, j := range jobs {
		row := newJobRow(j.Job)
		row.State, row.Died = "dead", &j.DiedAt
		rows, last = append(rows, row), j.ID
	}
	return rows, last, err
}

type jobRetry struct {
	ID   string `arg:"" optional:"" help:"The job's id, as job list shows it."`
	Host string `help:"Every job for this host." placeholder:"HOST"`
	All  bool   `help:"Every job."`
}

// Run puts the jobs back into the queue, due now.
func (c jobRetry) Run(p *program) error {
	chosen := 0
	for _, given := range []bool{c.ID != "", c.Host != "", c.All} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return &usageError{errors.New("name one job, or --host, or --all")}
	}
	if c.ID == "" {
		return p.withInstance(func(ctx context.Context, i *instance) error {
			n, err := i.social.RetryJobsTo(ctx, c.Host, 0)
			if err != nil {
				return err
			}
			return p.print(struct {
				Retried int `json:"retried"`
			}{n}, fmt.Sprintf("%d jobs will be tried again", n))
		})
	}
	id, err := parseID(c.ID)
	if err != nil {
		return err
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		if err := i.social.RetryJob(ctx, id, 0); err != nil {
			return missing(err, "no job %s was given up", c.ID)
		}
		return p.printDone("job "+c.ID, "will be tried again")
	})
}

type jobDrop struct {
	ID string `arg:"" help:"The job's id, as job list shows it."`
}

// Run forgets the job.
func (c jobDrop) Run(p *program) error {
	id, err := parseID(c.ID)
	if err != nil {
		return err
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		if err := i.social.DropJob(ctx, id, 0); err != nil {
			return missing(err, "there is no job %s", c.ID)
		}
		return p.printDone("job "+c.ID, "dropped")
	})
}
