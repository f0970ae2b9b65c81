package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// What a domain policy says.
const (
	Suspend = "suspend" // no contact at all
	Silence = "silence" // left out of public timelines
	Allow   = "allow"   // one of the servers that an instance of partners speaks with
)

// ErrDomain says that a name is not one of a domain or address.
var ErrDomain = errors.New("not a domain")

// DomainPolicy is a decision about a domain and everything below it.
type DomainPolicy struct {
	Domain    string
	Severity  string // Suspend, Silence or Allow
	Reason    string
	CreatedAt time.Time
}

// Host is what we know of another server.
type Host struct {
	Host      string // authority of its actors' ids
	Software  string
	ActorURI  string    // of the actor that the server declares as its own
	CirclesAt time.Time // when it last said that it understands circles; zero: it does not
	SeenAt    time.Time
}

// maxLabels is how many parents of a name are looked at, its shortest ones.
const maxLabels = 16

const (
	policyColumns = `d.domain, d.severity, d.reason, d.created_at`
	allPolicies   = `SELECT ` + policyColumns + ` FROM domain_policies d ORDER BY d.domain LIMIT 50000`
	policyByName  = `SELECT ` + policyColumns + ` FROM domain_policies d WHERE d.domain = $1`
	setPolicy     = `INSERT INTO domain_policies (domain, severity, reason, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (domain) DO UPDATE SET severity = excluded.severity, reason = excluded.reason, created_at = excluded.created_at`
	dropPolicy = `DELETE FROM domain_policies WHERE domain = $1`
	seeHost    = `INSERT INTO hosts (host, software, actor_uri, circles_at, seen_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (host) DO UPDATE SET software = excluded.software, actor_uri = excluded.actor_uri, circles_at = excluded.circles_at, seen_at = excluded.seen_at`
	speaksCircles = `INSERT INTO hosts (host, circles_at, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (host) DO UPDATE SET circles_at = excluded.circles_at, seen_at = excluded.seen_at`
	hostByName = `SELECT host, software, actor_uri, circles_at, seen_at FROM hosts WHERE host = $1`

	// Each step of these is one look into an index, so that a million accounts on a thousand servers cost a thousand.
	distinctHosts = `WITH RECURSIVE h(name) AS (SELECT MIN(a.host) FROM accounts a WHERE a.host > ''
UNION ALL SELECT (SELECT MIN(a.host) FROM accounts a WHERE a.host > h.name) FROM h WHERE h.name IS NOT NULL) SELECT name FROM h WHERE name IS NOT NULL`
	distinctDomains = `WITH RECURSIVE h(name) AS (SELECT MIN(a.domain) FROM accounts a WHERE a.domain > ''
UNION ALL SELECT (SELECT MIN(a.domain) FROM accounts a WHERE a.domain > h.name) FROM h WHERE h.name IS NOT NULL) SELECT name FROM h WHERE name IS NOT NULL`
	pairsOfHost   = `SELECT DISTINCT host, domain FROM accounts WHERE host = $1`
	pairsOfDomain = `SELECT DISTINCT host, domain FROM accounts WHERE domain = $1`

	suspendPair   = `UPDATE accounts SET host_suspended_at = COALESCE(host_suspended_at, $3) WHERE host = $1 AND domain = $2`
	unsuspendPair = `UPDATE accounts SET host_suspended_at = NULL WHERE host = $1 AND domain = $2 AND host_suspended_at IS NOT NULL`
	silencePair   = `UPDATE accounts SET silenced_at = COALESCE(silenced_at, $3) WHERE host = $1 AND domain = $2`
	// A policy's own time marks whom it silenced, so that whom a moderator silenced stays so.
	unsilencePair = `UPDATE accounts SET silenced_at = NULL WHERE host = $1 AND domain = $2 AND silenced_at = $3`
)

// policiesOf finds the policies for a list of names, the strictest first.
var policiesOf = `SELECT ` + policyColumns + ` FROM domain_policies d WHERE d.domain IN (` + placeholders(1, maxLabels) + `) ORDER BY d.severity DESC, d.domain LIMIT 1`

func (p *DomainPolicy) dest() []any {
	return []any{&p.Domain, &p.Severity, &p.Reason, scanMS(&p.CreatedAt)}
}

// policyName brings a host or domain into the form in which policies are kept:
// lower case, punycode, without port and final dot.
func policyName(host string) (string, error) {
	host = strings.ToLower(strings.TrimSpace(host))
	if name, port, err := net.SplitHostPort(host); err == nil && strings.Trim(port, "0123456789") == "" {
		host = name
	}
	host = strings.TrimRight(strings.Trim(host, "[]"), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String(), nil
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil {
		// Names that a lookup would refuse, such as those with an underscore, are compared as they stand.
		name = host
	}
	if name == "" || len(name) > 253 || strings.ContainsAny(name, " /:@*\x00") || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return "", ErrDomain
	}
	return name, nil
}

// parents are a name and what it lies under: sub.example.org, example.org, org.
// An IP address has none, and nothing lies under one.
func parents(name string) []string {
	if isAddress(name) {
		return []string{name}
	}
	var all []string
	for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
		if !isAddress(rest) {
			all = append(all, rest)
		}
	}
	if len(all) > maxLabels {
		all = append([]string{name}, all[len(all)-maxLabels+1:]...)
	}
	return all
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// policyFor returns the strictest policy that covers a host or domain;
// ErrNotFound if there is none.
func (r reader) policyFor(ctx context.Context, host string) (*DomainPolicy, error) {
	name, err := policyName(host)
	if err != nil {
		return nil, ErrNotFound
	}
	names := parents(name)
	args := make([]any, maxLabels)
	for i := range args {
		args[i] = names[min(i, len(names)-1)]
	}
	p := new(DomainPolicy)
	if err := r.queryRow(ctx, policiesOf, args...).Scan(p.dest()...); err != nil {
		return nil, err
	}
	return p, nil
}

// DomainPolicy tells what was decided about a host, by name or for a domain
// above it; its port and case do not matter. found is false if nothing was.
//
// What another process decided may be seen a quarter of a second later.
func (r reader) DomainPolicy(ctx context.Context, host string) (severity string, found bool, err error) {
	if r.recent == nil {
		severity, err = r.severity(ctx, host)
	} else {
		severity, err = r.recent.policies.or(host, func() (string, error) { return r.severity(ctx, host) })
	}
	return severity, severity != "", err
}

// severity is what the strictest policy about a host says, empty if there is none.
func (r reader) severity(ctx context.Context, host string) (string, error) {
	p, err := r.policyFor(ctx, host)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return p.Severity, nil
}

// DomainPolicies lists all policies by name.
func (r reader) DomainPolicies(ctx context.Context) ([]DomainPolicy, error) {
	rows, err := r.query(ctx, allPolicies)
	return collect(rows, err, func(rows *sql.Rows) (DomainPolicy, error) {
		var p DomainPolicy
		err := rows.Scan(p.dest()...)
		return p, err
	})
}

// SetDomainPolicy decides about a domain and everything below it, in place of
// an earlier decision, and marks the accounts there. ErrDomain for what is no
// domain.
func (tx *Tx) SetDomainPolicy(ctx context.Context, p DomainPolicy) error {
	name, err := policyName(p.Domain)
	if err != nil {
		return err
	}
	old, err := tx.policyNamed(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, err := tx.exec(ctx, setPolicy, name, p.Severity, p.Reason, tx.Now.UnixMilli()); err != nil {
		return err
	}
	return tx.applyChange(ctx, name, old)
}

// DeleteDomainPolicy takes a decision back; ErrNotFound if there was none about
// exactly that domain.
func (tx *Tx) DeleteDomainPolicy(ctx context.Context, domain string) error {
	name, err := policyName(domain)
	if err != nil {
		return ErrNotFound
	}
	old, err := tx.policyNamed(ctx, name)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, dropPolicy, name); err != nil {
		return err
	}
	return tx.applyChange(ctx, name, old)
}

func (tx *Tx) policyNamed(ctx context.Context, name string) (*DomainPolicy, error) {
	p := new(DomainPolicy)
	if err := tx.queryRow(ctx, policyByName, name).Scan(p.dest()...); err != nil {
		return nil, err
	}
	return p, nil
}

// pair is where an account is at home: host of its id, domain of its address.
type pair struct{ host, domain string }

// applyChange marks every account that a change of the policy about name
// concerns. old is what it was, or nil.
func (tx *Tx) applyChange(ctx context.Context, name string, old *DomainPolicy) error {
	pairs, err := tx.pairsUnder(ctx, name)
	if err != nil {
		return err
	}
	for _, at := range pairs {
		if err := tx.markPair(ctx, at, old); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) markPair(ctx context.Context, at pair, old *DomainPolicy) error {
	if old != nil && old.Severity == Silence {
		if _, err := tx.exec(ctx, unsilencePair, at.host, at.domain, old.CreatedAt.UnixMilli()); err != nil {
			return err
		}
	}
	suspended := false
	for _, name := range []string{at.host, at.domain} {
		p, err := tx.policyFor(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return err
		case p.Severity == Suspend:
			suspended = true
		case p.Severity == Silence:
			if _, err := tx.exec(ctx, silencePair, at.host, at.domain, p.CreatedAt.UnixMilli()); err != nil {
				return err
			}
		}
	}
	if suspended {
		_, err := tx.exec(ctx, suspendPair, at.host, at.domain, tx.Now.UnixMilli())
		return err
	}
	_, err := tx.exec(ctx, unsuspendPair, at.host, at.domain)
	return err
}

// pairsUnder lists where accounts are at home whose host or domain lies at or
// under name.
func (tx *Tx) pairsUnder(ctx context.Context, name string) ([]pair, error) {
	var pairs []pair
	for _, of := range []struct{ names, pairs string }{{distinctHosts, pairsOfHost}, {distinctDomains, pairsOfDomain}} {
		rows, err := tx.query(ctx, of.names)
		names, err := collect(rows, err, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) })
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			covered, err := policyName(n)
			if err != nil || !slices.Contains(parents(covered), name) {
				continue
			}
			rows, err := tx.query(ctx, of.pairs, n)
			found, err := collect(rows, err, func(rows *sql.Rows) (p pair, err error) { return p, rows.Scan(&p.host, &p.domain) })
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, found...)
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.host+" "+a.domain, b.host+" "+b.domain) })
	return slices.Compact(pairs), nil
}

// Host returns what is known of a server, by the authority of its ids.
func (r reader) Host(ctx context.Context, host string) (*Host, error) {
	h := new(Host)
	err := r.queryRow(ctx, hostByName, host).Scan(&h.Host, &h.Software, &h.ActorURI, scanMS(&h.CirclesAt), scanMS(&h.SeenAt))
	if err != nil {
		return nil, err
	}
	return h, nil
}

// SeeHost remembers what a server said of itself. It is for when that was
// asked, not for every message.
func (tx *Tx) SeeHost(ctx context.Context, h Host) error {
	_, err := tx.exec(ctx, seeHost, h.Host, h.Software, h.ActorURI, msArg(h.CirclesAt), tx.Now.UnixMilli())
	return err
}

// SpeaksCircles reports whether a server said that it understands circles.
func (r reader) SpeaksCircles(ctx context.Context, host string) (bool, error) {
	h, err := r.Host(ctx, host)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && !h.CirclesAt.IsZero(), err
}

// SetSpeaksCircles remembers what a server said about that.
func (tx *Tx) SetSpeaksCircles(ctx context.Context, host string, circles bool) error {
	_, err := tx.exec(ctx, speaksCircles, host, flagArg(circles, tx.Now), tx.Now.UnixMilli())
	return err
}
