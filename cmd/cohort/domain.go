package main

import (
	"context"
	"time"

	"cohort/store"
)

type domainCommands struct {
	Block   domainBlock   `cmd:"" help:"Have no contact with a domain and everything below it."`
	Allow   domainAllow   `cmd:"" help:"Let a domain and everything below it be spoken with where federation.mode is partners."`
	Unblock domainUnblock `cmd:"" help:"Take such a decision back."`
	List    domainList    `cmd:"" help:"List the decisions about domains."`
}

type domainBlock struct {
	Domain   string `arg:"" help:"The domain."`
	Severity string `default:"suspend" enum:"suspend,silence" help:"suspend: no contact; silence: left out of public timelines."`
	Reason   string `help:"For the audit log." placeholder:"TEXT"`
}

// Run blocks the domain.
func (c domainBlock) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		err := i.social.BlockDomain(ctx, store.DomainPolicy{Domain: c.Domain, Severity: c.Severity, Reason: c.Reason}, 0)
		if err != nil {
			return err
		}
		return p.printDone(c.Domain, c.Severity)
	})
}

type domainAllow struct {
	Domain string `arg:"" help:"The domain."`
	Reason string `help:"For the audit log." placeholder:"TEXT"`
}

// Run allows the domain.
func (c domainAllow) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		err := i.social.BlockDomain(ctx, store.DomainPolicy{Domain: c.Domain, Severity: store.Allow, Reason: c.Reason}, 0)
		if err != nil {
			return err
		}
		return p.printDone(c.Domain, store.Allow)
	})
}

type domainUnblock struct {
	Domain string `arg:"" help:"The domain."`
}

// Run takes the block or the allowance back.
func (c domainUnblock) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		if err := i.social.UnblockDomain(ctx, c.Domain, 0); err != nil {
			return missing(err, "there is no decision about %s", c.Domain)
		}
		return p.printDone(c.Domain, "unblocked")
	})
}

type domainList struct{}

// domainRow is one decision in a list.
type domainRow struct {
	Domain   string    `json:"domain"`
	Severity string    `json:"severity"`
	Reason   string    `json:"reason"`
	Created  time.Time `json:"created_at"`
}

// Run lists every decision by domain.
func (domainList) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		policies, err := i.db.DomainPolicies(ctx)
		if err != nil {
			return err
		}
		rows := make([]domainRow, 0, len(policies))
		for _, d := range policies {
			rows = append(rows, domainRow{d.Domain, d.Severity, d.Reason, d.CreatedAt})
		}
		return printList(p, rows, []string{"DOMAIN", "SEVERITY", "SINCE", "REASON"}, func(r domainRow) []string {
			return []string{r.Domain, r.Severity, r.Created.Format(time.DateOnly), r.Reason}
		})
	})
}
