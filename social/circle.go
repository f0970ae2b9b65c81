package social

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cohort/store"
)

// CircleDraft is a circle to be made. Years of 0 mean that the circle is for the whole unit.
type CircleDraft struct {
	Slug, Name, Unit string
	From, To         int
}

// SeatTypes are what a seat can say of its holder.
var SeatTypes = []string{"student", "alumnus", "employee", "formerEmployee", "faculty", "staff", "guest"}

// CreateCircle makes a circle whose hub is this instance. *Invalid names the field that is wrong.
func (s *Service) CreateCircle(ctx context.Context, d CircleDraft) (*store.Circle, error) {
	if !ValidSlug(d.Slug) {
		return nil, &Invalid{Field: "slug", Key: "invalid.slug"}
	}
	if ReservedHandle(d.Slug) {
		return nil, &Invalid{Field: "slug", Key: "invalid.handle_reserved"}
	}
	name := TypedName(d.Name)
	if name == "" {
		return nil, &Invalid{Field: "name", Key: "invalid.name_empty"}
	}
	d.Unit = unitName(d.Unit)
	if d.Unit == "" || len(d.Unit) > maxUnit {
		return nil, &Invalid{Field: "unit", Key: "invalid.unit"}
	}
	if !validYears(d.From, d.To) {
		return nil, &Invalid{Field: "from", Key: "invalid.years"}
	}
	c := &store.Circle{
		Account: &store.Account{Kind: store.KindCircle, Handle: d.Slug, Name: name, Locked: true, Fields: circleFields(d.Unit, d.From, d.To)},
		Unit:    d.Unit, YearFrom: d.From, YearTo: d.To, Listing: "unlisted",
	}
	err := s.tx(ctx, "create circle", func(tx *store.Tx) error {
		c.ID = tx.NewID()
		c.CreatedAt, c.UpdatedAt = tx.Now, tx.Now
		s.localActor(c.Account)
		return tx.InsertCircle(ctx, c)
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, &Invalid{Field: "slug", Key: "invalid.handle_taken"}
	}
	return c, err
}

// The fields of a circle's profile in which its unit and years are, for servers elsewhere.
const (
	fieldUnit  = "unit"
	fieldYears = "years"
)

func circleFields(unit string, from, to int) []store.Field {
	fields := []store.Field{{Name: fieldUnit, Value: unit}}
	if from != 0 {
		fields = append(fields, store.Field{Name: fieldYears, Value: fmt.Sprintf("%d–%d", from, to)})
	}
	return fields
}

// CircleFacts reads unit and years from the profile of a circle elsewhere; what it does not say is empty.
func CircleFacts(circle *store.Account) (unit string, from, to int) {
	for _, f := range circle.Fields {
		value := strings.TrimSpace(PlainText(f.Value, maxUnit))
		switch f.Name {
		case fieldUnit:
			unit = unitName(value)
		case fieldYears:
			first, last, _ := strings.Cut(value, "–")
			a, errA := strconv.Atoi(first)
			b, errB := strconv.Atoi(last)
			if errA == nil && errB == nil && validYears(a, b) {
				from, to = a, b
			}
		}
	}
	return unit, from, to
}

// maxUnit bounds the name of a class or department, in bytes.
const maxUnit = 200

// unitName is the form in which units are stored and compared.
func unitName(s string) string { return strings.Join(strings.Fields(CleanText(s, maxUnit+1)), " ") }

func validYears(from, to int) bool {
	if from == 0 && to == 0 {
		return true
	}
	return from >= 1800 && to <= 2200 && from <= to
}

// SeatGrant is what someone in office vouches for.
type SeatGrant struct {
	Type, Unit string
	From, To   int
	Reason     string
	By         store.ID // who decided; 0 is the operator
}

// GrantSeat gives account, here or on another server, a verified place. For another server it also
// approves that server for the circles of that place. A local account sits in its circles at once;
// requests that were waiting and now hold are accepted.
func (s *Service) GrantSeat(ctx context.Context, account *store.Account, g SeatGrant) (*store.Seat, error) {
	g.Unit, g.Reason = unitName(g.Unit), CleanText(g.Reason, 1001)
	switch {
	case !slices.Contains(SeatTypes, g.Type):
		return nil, &Invalid{Field: "type", Key: "invalid.seat_type"}
	case g.Unit == "" || len(g.Unit) > maxUnit:
		return nil, &Invalid{Field: "unit", Key: "invalid.unit"}
	case g.From == 0 || !validYears(g.From, g.To):
		return nil, &Invalid{Field: "from", Key: "invalid.years"}
	case g.Reason == "" || len([]rune(g.Reason)) > 1000:
		return nil, &Invalid{Field: "reason", Key: "invalid.reason"}
	case !account.Live() || account.Kind != store.KindPerson && account.Kind != store.KindBot && account.Kind != store.KindOrganization:
		return nil, store.ErrNotFound
	}
	seat := &store.Seat{AccountID: account.ID, Type: g.Type, Unit: g.Unit, YearFrom: g.From, YearTo: g.To, Reason: g.Reason, GrantedBy: g.By}
	err := s.tx(ctx, "grant seat", func(tx *store.Tx) error {
		same, err := s.sameSeat(ctx, tx, seat)
		if err != nil {
			return err
		}
		if same != nil {
			*seat = *same // granting twice is one seat, so that taking it away takes it away
		} else {
			seat.ID, seat.GrantedAt = tx.NewID(), tx.Now
			if err := tx.InsertSeat(ctx, seat); err != nil {
				return err
			}
		}
		if err := tx.Audit(ctx, g.By, "seat.grant", account.URI, g.Unit+": "+g.Reason); err != nil {
			return err
		}
		circles, err := tx.CirclesForSeat(ctx, seat)
		if err != nil {
			return err
		}
		for _, c := range circles {
			if err := s.seatIn(ctx, tx, account, c, seat); err != nil {
				return err
			}
		}
		return nil
	})
	return seat, err
}

// sameSeat finds a live seat that says the same as seat, or nil.
func (s *Service) sameSeat(ctx context.Context, tx *store.Tx, seat *store.Seat) (*store.Seat, error) {
	held, _, err := tx.Seats(ctx, store.SeatFilter{AccountID: seat.AccountID}, store.Page{Limit: 80})
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		if h.Live(tx.Now) && h.Type == seat.Type && h.Unit == seat.Unit && h.YearFrom == seat.YearFrom && h.YearTo == seat.YearTo {
			return h, nil
		}
	}
	return nil, nil //nolint:nilnil // none is the usual case
}

// seatIn opens circle c to the holder of a new seat.
func (s *Service) seatIn(ctx context.Context, tx *store.Tx, account *store.Account, c *store.Circle, seat *store.Seat) error {
	barred, err := tx.Barred(ctx, c.ID, account.ID, seat.ID)
	if err != nil || barred {
		return err
	}
	if !account.Local() {
		if err := tx.ApproveHost(ctx, c.ID, account.Host); err != nil {
			return err
		}
	}
	m, err := tx.Membership(ctx, c.ID, account.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if !account.Local() {
			return nil // it has not asked yet
		}
		m = &store.Membership{CircleID: c.ID, AccountID: account.ID, RequestedAt: tx.Now}
	case err != nil:
		return err
	case m.Current(tx.Now), !m.EndedAt.IsZero() && !account.Local():
		return nil // a new Follow is needed after the old one ended
	}
	return s.verify(ctx, tx, account, c.Account, m, seat)
}

// verify makes a waiting membership a current one and tells the member's server.
func (s *Service) verify(ctx context.Context, tx *store.Tx, account, circle *store.Account, m *store.Membership, seat *store.Seat) error {
	asOrdinary(m)
	m.SeatID, m.VerifiedAt, m.ExpiresAt, m.EndedAt = seat.ID, tx.Now, seat.ExpiresAt, time.Time{}
	m.Host, m.Via = account.Host, "native"
	if m.URI == "" {
		m.URI = s.CircleURI(circle.ID) + "/memberships/" + tx.NewID().String()
	}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	return s.say(ctx, tx, &store.Activity{Kind: "accept", ActorID: circle.ID, TargetID: account.ID, InnerURI: m.FollowURI, Detail: m.URI}, account)
}

// asOrdinary takes the office away from who begins again after a membership that ended.
func asOrdinary(m *store.Membership) {
	if !m.EndedAt.IsZero() {
		m.Role = store.RoleMember
	}
}

// askToJoin is what following a circle means for a local account. It waits until the hub decides.
func (s *Service) askToJoin(ctx context.Context, tx *store.Tx, by, circle *store.Account) error {
	old, err := tx.Membership(ctx, circle.ID, by.ID)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case err == nil && old.Current(tx.Now):
		return nil
	}
	act := &store.Activity{ID: tx.NewID(), Kind: "follow", ActorID: by.ID, TargetID: circle.ID}
	uri := s.ActivityURI(act.ID)
	if circle.Local() {
		return s.join(ctx, tx, by, circle, uri)
	}
	m := &store.Membership{CircleID: circle.ID, AccountID: by.ID, Via: "native", FollowURI: uri, RequestedAt: tx.Now}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	return s.say(ctx, tx, act, circle)
}

// join is the hub's side: from, here or elsewhere, follows a circle of ours with the activity uri. A
// seat that fits opens it at once; anyone else is left waiting, which looks the same from outside as
// being refused.
func (s *Service) join(ctx context.Context, tx *store.Tx, from, circle *store.Account, uri string) error {
	c, err := tx.Circle(ctx, circle.ID)
	if err != nil {
		return err
	}
	m, err := tx.Membership(ctx, c.ID, from.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		m = &store.Membership{CircleID: c.ID, AccountID: from.ID}
	case err != nil:
		return err
	case m.Current(tx.Now):
		// Its server may have lost our answer: say it again, to the new Follow.
		m.FollowURI = uri
		if err := tx.SaveMembership(ctx, m); err != nil {
			return err
		}
		return s.say(ctx, tx, &store.Activity{Kind: "accept", ActorID: c.ID, TargetID: from.ID, InnerURI: uri, Detail: m.URI}, from)
	case m.FollowURI == uri:
		return nil // a Follow is used once
	}
	if m.RequestedAt.IsZero() || !m.VerifiedAt.IsZero() || !m.EndedAt.IsZero() {
		m.RequestedAt = tx.Now // who asks again keeps her place among those who wait
	}
	asOrdinary(m)
	m.Host, m.Via, m.FollowURI = from.Host, "native", uri
	m.VerifiedAt, m.EndedAt, m.ExpiresAt, m.URI, m.SeatID = time.Time{}, time.Time{}, time.Time{}, "", 0
	seat, err := s.seatThatOpens(ctx, tx, from, c)
	if err != nil {
		return err
	}
	if seat == nil {
		return tx.SaveMembership(ctx, m)
	}
	return s.verify(ctx, tx, from, c.Account, m, seat)
}

// seatThatOpens finds a seat of from that fits circle c, or nil: no seat, barred, or a server that
// nobody has approved.
func (s *Service) seatThatOpens(ctx context.Context, tx *store.Tx, from *store.Account, c *store.Circle) (*store.Seat, error) {
	seat, err := tx.LiveSeatFor(ctx, from.ID, c)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // no seat is an ordinary answer
	}
	if err != nil {
		return nil, err
	}
	barred, err := tx.Barred(ctx, c.ID, from.ID, seat.ID)
	if err != nil || barred {
		return nil, err
	}
	if !from.Local() {
		if ok, err := tx.HostApproved(ctx, c.ID, from.Host); err != nil || !ok {
			return nil, err
		}
	}
	return seat, nil
}

// leave ends by's own membership or request. Not sitting there is no error.
func (s *Service) leave(ctx context.Context, tx *store.Tx, by, circle *store.Account) error {
	m, err := tx.Membership(ctx, circle.ID, by.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || !m.EndedAt.IsZero() {
		return err
	}
	if err := tx.EndMembership(ctx, circle.ID, by.ID); err != nil {
		return err
	}
	return s.say(ctx, tx, &store.Activity{Kind: "undo_follow", ActorID: by.ID, TargetID: circle.ID, InnerURI: m.FollowURI}, circle)
}

// RevokeSeat takes a seat away and with it, in the same transaction, every membership that rests on
// it. Members on other servers are told by a message that is never dropped.
func (s *Service) RevokeSeat(ctx context.Context, id store.ID, reason string, by store.ID) error {
	return s.tx(ctx, "revoke seat", func(tx *store.Tx) error {
		ended, err := tx.RevokeSeat(ctx, id, CleanText(reason, 1000))
		if err != nil {
			return err
		}
		if err := tx.Audit(ctx, by, "seat.revoke", id.String(), CleanText(reason, 1000)); err != nil {
			return err
		}
		for _, m := range ended {
			if err := s.tellEnded(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellEnded says to a former member's server that the membership is over, and closes the live
// streams of a local one.
func (s *Service) tellEnded(ctx context.Context, tx *store.Tx, m *store.Membership) error {
	account, err := tx.Account(ctx, m.AccountID)
	if err != nil {
		return err
	}
	if account.Local() {
		tx.AfterCommit(func() { s.Hub.Drop(account.ID) })
		return nil
	}
	inboxes := inboxOf(account)
	a := &store.Activity{Kind: "end_membership", ActorID: m.CircleID, TargetID: account.ID, InnerURI: m.FollowURI, Detail: m.URI}
	if err := tx.InsertActivity(ctx, a); err != nil {
		return err
	}
	tx.AfterCommit(s.Wake)
	return tx.EnqueueTo(ctx, EndMembershipJob, a.ID, m.CircleID, inboxes)
}
