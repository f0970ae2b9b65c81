package social

import (
	"context"
	"fmt"

	"cohort/store"
)

// Kinds of jobs that others do.
const (
	ActivityJob      = "activity"       // a recorded activity to one inbox; federation
	EndMembershipJob = "end_membership" // the Reject that ends a membership, to one inbox; federation
	MailJob          = "mail"           // a code; its object is a verification, its target what for; web/mail
)

// tombstoneJob is the kind of the jobs that take away what deleted accounts wrote.
const tombstoneJob = "tombstone"

const (
	tombstoneSlice  = 50  // posts in one transaction, so that others get their turn
	tombstoneSlices = 100 // in one job; then another goes on
)

// Handlers are the kinds of job that are done here, for the worker.
func (s *Service) Handlers() map[string]store.Handler {
	return map[string]store.Handler{store.FanOutJob: s.fanOut, tombstoneJob: s.tombstones}
}

// fanOut writes the timelines of an author with many followers and tells those who are listening.
func (s *Service) fanOut(ctx context.Context, job store.Job) error {
	return s.DB.RunFanOut(ctx, job, func(p *store.Post, accounts []store.ID) {
		s.Hub.Publish(Event{Kind: EventUpdate, Post: p.ID, Accounts: accounts, Local: p.Host == ""})
	})
}

// bury removes an account, which is seen by nobody from then on, and leaves its older posts to a job.
func (s *Service) bury(ctx context.Context, tx *store.Tx, account store.ID) error {
	if err := tx.TombstoneAccount(ctx, account); err != nil {
		return err
	}
	return s.laterTombstones(ctx, tx, account)
}

func (s *Service) laterTombstones(ctx context.Context, tx *store.Tx, account store.ID) error {
	tx.AfterCommit(s.Wake)
	return tx.Enqueue(ctx, tombstoneJob, account, "", tombstoneJob+"#"+account.String(), tx.Now)
}

// tombstones does the work of a tombstoneJob. Running it again does no harm.
func (s *Service) tombstones(ctx context.Context, job store.Job) error {
	for n := 1; ; n++ {
		more := false
		err := s.tx(ctx, "tombstones", func(tx *store.Tx) (err error) {
			if more, err = tx.TombstonePosts(ctx, job.ObjectID, tombstoneSlice); err != nil || !more || n < tombstoneSlices {
				return err
			}
			return s.laterTombstones(ctx, tx, job.ObjectID)
		})
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrTemporary, err)
		}
		if !more || n == tombstoneSlices {
			return nil
		}
	}
}
