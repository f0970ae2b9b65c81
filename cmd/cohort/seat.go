package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
)

type seatCommands struct {
	Grant  seatGrant  `cmd:"" help:"Vouch that an account, here or on another server, has a place in a unit."`
	List   seatList   `cmd:"" help:"List the seats that were granted."`
	Revoke seatRevoke `cmd:"" help:"Take a seat back, and with it every membership that rests on it."`
}

type seatGrant struct {
	Handle string `required:"" help:"The account: handle, or @handle@host." placeholder:"H"`
	Type   string `required:"" enum:"student,alumnus,employee,formerEmployee,faculty,staff,guest" help:"student, alumnus, employee, formerEmployee, faculty, staff or guest." placeholder:"T"`
	Unit   string `required:"" help:"The unit, as its circle names it." placeholder:"U"`
	From   int    `required:"" help:"The first year." placeholder:"Y"`
	To     int    `required:"" help:"The last year." placeholder:"Y"`
	Reason string `required:"" help:"How the place was proved." placeholder:"TEXT"`
}

// Run grants the seat. An account on another server is looked up there if it
// is not known yet.
func (c seatGrant) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		account, err := i.federation.ResolveAccount(ctx, c.Handle)
		if err != nil {
			return notResolved(err, c.Handle)
		}
		seat, err := i.social.GrantSeat(ctx, account, social.SeatGrant{Type: c.Type, Unit: c.Unit, From: c.From, To: c.To, Reason: c.Reason})
		if err != nil {
			return missing(err, "%s cannot hold a seat", c.Handle)
		}
		return p.print(struct {
			ID      string `json:"id"`
			Account string `json:"account"`
			URI     string `json:"uri"`
			Unit    string `json:"unit"`
		}{seat.ID.String(), account.Address(), account.URI, seat.Unit},
			fmt.Sprintf("seat %s: %s, %s %s", seat.ID, account.Address(), seat.Unit, years(seat.YearFrom, seat.YearTo)))
	})
}

// notResolved says in a sentence why the account at an address was not found,
// which may be that its server did not answer.
func notResolved(err error, address string) error {
	_, host, parseErr := social.ParseAddress(address)
	switch {
	case parseErr != nil:
		return err
	case errors.Is(err, federation.ErrTemporary), errors.Is(err, context.DeadlineExceeded):
		return &absent{fmt.Sprintf("the server %s could not be asked about %s: it cannot be reached or does not answer", host, address), err}
	case errors.Is(err, federation.ErrForbiddenAddress):
		return &absent{fmt.Sprintf("the server %s is at an address that is not contacted; federation.allowed_networks can allow private ones", host), err}
	case errors.Is(err, federation.ErrUnwanted), errors.Is(err, federation.ErrBlocked):
		return &absent{fmt.Sprintf("this instance does not speak with %s; see federation.mode and cohort domain list", host), err}
	}
	return missing(err, "there is no account %s", address)
}

type seatList struct {
	Handle string `help:"Only this account's." placeholder:"H"`
	Unit   string `help:"Only those of this unit." placeholder:"U"`
}

// seatRow is one seat in a list.
type seatRow struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Type    string    `json:"type"`
	Unit    string    `json:"unit"`
	From    int       `json:"from"`
	To      int       `json:"to"`
	State   string    `json:"state"`
	Reason  string    `json:"reason"`
	Granted time.Time `json:"granted_at"`
}

// Run lists the seats, newest first.
func (c seatList) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		filter := store.SeatFilter{Unit: c.Unit}
		if c.Handle != "" {
			account, err := i.knownAccount(ctx, c.Handle)
			if err != nil {
				return err
			}
			filter.AccountID = account.ID
		}
		rows := []seatRow{}
		for page := (store.Page{Limit: 80}); ; {
			seats, next, err := i.db.Seats(ctx, filter, page)
			if err != nil {
				return err
			}
			if rows, err = i.appendSeats(ctx, rows, seats, c.Unit); err != nil {
				return err
			}
			if next == 0 {
				break
			}
			page.MaxID = next
		}
		return printList(p, rows, []string{"ID", "ACCOUNT", "TYPE", "UNIT", "YEARS", "STATE", "REASON"}, func(r seatRow) []string {
			return []string{r.ID, r.Account, r.Type, r.Unit, years(r.From, r.To), r.State, r.Reason}
		})
	})
}

// appendSeats adds seats of the unit, of all units if it is empty.
func (i *instance) appendSeats(ctx context.Context, rows []seatRow, seats []*store.Seat, unit string) ([]seatRow, error) {
	ids := make([]store.ID, 0, len(seats))
	for _, s := range seats {
		ids = append(ids, s.AccountID)
	}
	accounts, err := i.db.Accounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range seats {
		if unit != "" && s.Unit != unit {
			continue
		}
		row := seatRow{s.ID.String(), "", s.Type, s.Unit, s.YearFrom, s.YearTo, "live", s.Reason, s.GrantedAt}
		if a := accounts[s.AccountID]; a != nil {
			row.Account = a.Address()
		}
		if !s.RevokedAt.IsZero() {
			row.State = "revoked"
		} else if !s.Live(i.db.Now()) {
			row.State = "expired"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

type seatRevoke struct {
	ID     string `arg:"" help:"The seat's id, as seat list shows it."`
	Reason string `help:"For the audit log." placeholder:"TEXT"`
}

// Run revokes the seat.
func (c seatRevoke) Run(p *program) error {
	id, err := parseID(c.ID)
	if err != nil {
		return err
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		if err := i.social.RevokeSeat(ctx, id, c.Reason, 0); err != nil {
			return missing(err, "there is no live seat %s", c.ID)
		}
		return p.printDone("seat "+c.ID, "revoked")
	})
}

// parseID reads an id from the command line.
func parseID(text string) (store.ID, error) {
	id, err := store.ParseID(text)
	if err != nil {
		return 0, &usageError{fmt.Errorf("%q is not an id", text)}
	}
	return id, nil
}
