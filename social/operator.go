package social

import (
	"context"
	"errors"
	"strings"

	"cohort/store"
)

// What the operator decides: about other servers, and about jobs that were given up.

// BlockDomain decides about a domain and everything below it: no contact at all (store.Suspend), left
// out of public timelines (store.Silence), or one of those that an instance of partners speaks with
// (store.Allow). A later decision replaces an earlier one; of several that cover a host, the strictest
// counts. *Invalid when the domain is no domain or is our own.
func (s *Service) BlockDomain(ctx context.Context, p store.DomainPolicy, by store.ID) error {
	if p.Severity != store.Suspend && p.Severity != store.Silence && p.Severity != store.Allow {
		return &Invalid{Field: "severity", Key: "invalid.severity"}
	}
	domain, ok := NormalizeHost(p.Domain)
	if !ok {
		return &Invalid{Field: "domain", Key: "invalid.domain"}
	}
	if below(s.Config.Host, domain) || below(s.Config.Domain, domain) {
		return &Invalid{Field: "domain", Key: "invalid.domain_own"}
	}
	p.Domain = domain
	err := s.tx(ctx, "block domain", func(tx *store.Tx) error {
		if err := tx.SetDomainPolicy(ctx, p); err != nil {
			return err
		}
		return tx.Audit(ctx, by, "domain."+p.Severity, p.Domain, p.Reason)
	})
	if errors.Is(err, store.ErrDomain) {
		return &Invalid{Field: "domain", Key: "invalid.domain"}
	}
	return err
}

// below tells whether a host is a domain or lies under it; ports do not matter.
func below(host, domain string) bool {
	host, _, _ = strings.Cut(host, ":")
	domain, _, _ = strings.Cut(domain, ":")
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// UnblockDomain takes such a decision back. store.ErrNotFound when there is none about exactly this
// domain.
func (s *Service) UnblockDomain(ctx context.Context, domain string, by store.ID) error {
	err := s.tx(ctx, "unblock domain", func(tx *store.Tx) error {
		if err := tx.DeleteDomainPolicy(ctx, domain); err != nil {
			return err
		}
		return tx.Audit(ctx, by, "domain.unblock", domain, "")
	})
	if errors.Is(err, store.ErrDomain) {
		return &Invalid{Field: "domain", Key: "invalid.domain"}
	}
	return err
}

// RetryJob puts a job that was given up back into its lane, due now. store.ErrNotFound when there is
// no such job.
func (s *Service) RetryJob(ctx context.Context, id, by store.ID) error {
	return s.tx(ctx, "retry job", func(tx *store.Tx) error {
		if err := tx.RetryDead(ctx, id); err != nil {
			return err
		}
		tx.AfterCommit(s.Wake)
		return tx.Audit(ctx, by, "job.retry", id.String(), "")
	})
}

// RetryJobsTo does so with every job for a host, or for all hosts if host is empty, and tells how many
// there were.
func (s *Service) RetryJobsTo(ctx context.Context, host string, by store.ID) (n int, err error) {
	err = s.tx(ctx, "retry jobs", func(tx *store.Tx) error {
		if n, err = tx.RetryDeadOf(ctx, host); err != nil {
			return err
		}
		tx.AfterCommit(s.Wake)
		return tx.Audit(ctx, by, "job.retry", host, "")
	})
	return n, err
}

// DropJob forgets a job, given up or waiting, for good. store.ErrNotFound when there is no such job.
func (s *Service) DropJob(ctx context.Context, id, by store.ID) error {
	return s.tx(ctx, "drop job", func(tx *store.Tx) error {
		err := tx.DropDead(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			err = tx.DropJob(ctx, id)
		}
		if err != nil {
			return err
		}
		return tx.Audit(ctx, by, "job.drop", id.String(), "")
	})
}
