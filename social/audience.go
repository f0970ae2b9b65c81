package social

import (
	"context"
	"errors"
	"slices"
	"time"

	"cohort/store"
)

// audience is whom a new post is for, decided before it is written and never widened afterwards.
type audience struct {
	visibility string
	circle     *store.Account // set exactly when visibility is store.InCircle
	hub        *store.Circle  // set when the circle's hub is here
}

var visibilities = []string{store.Public, store.Unlisted, store.Followers, store.Direct}

// decideAudience applies the rules of who may post where:
//   - a reply to a circle post is a circle post whatever was asked for, and so cannot widen;
//   - a circle may be named, or be the first account mentioned in a followers-only or direct post;
//   - a public or unlisted post that names such a circle is refused, because it would say in public
//     what was meant for the circle;
//   - a reply is never wider than what it answers allows: replies to direct posts stay direct.
func (s *Service) decideAudience(ctx context.Context, by *store.Account, d Draft, parent *store.Post, first *store.Account) (audience, error) {
	if parent != nil && parent.Visibility == store.InCircle {
		if d.Circle != 0 && d.Circle != parent.CircleID {
			return audience{}, &Invalid{Field: "visibility", Key: "invalid.reply_other_circle"}
		}
		return s.circleAudience(ctx, by, parent.CircleID)
	}
	if d.Circle != 0 {
		if parent != nil {
			return audience{}, &Invalid{Field: "visibility", Key: "invalid.reply_other_circle"}
		}
		return s.circleAudience(ctx, by, d.Circle)
	}
	v := d.Visibility
	if v == "" {
		v = store.Public
	}
	if !slices.Contains(visibilities, v) {
		return audience{}, &Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	if first != nil && first.Kind == store.KindCircle {
		a, err := s.circleAudience(ctx, by, first.ID)
		switch {
		case errors.Is(err, store.ErrNotFound): // not a circle of mine: an ordinary mention
		case err != nil:
			return audience{}, err
		case v == store.Public || v == store.Unlisted:
			return audience{}, &Invalid{Field: "visibility", Key: "invalid.circle_in_public"}
		case parent != nil: // meant for the circle, but the conversation is elsewhere
			return audience{}, &Invalid{Field: "visibility", Key: "invalid.reply_other_circle"}
		default:
			return a, nil
		}
	}
	if parent != nil && (parent.Visibility == store.Direct || parent.Visibility == store.Limited) {
		v = store.Direct
	}
	if parent != nil && parent.Visibility == store.Followers && (v == store.Public || v == store.Unlisted) {
		v = store.Followers
	}
	return audience{visibility: v}, nil
}

// mayWrite tells whether m lets its holder write into the circle: store.ErrNotFound unless it is
// current and the circle open, ErrForbidden for a guest, who reads only.
func mayWrite(m *store.Membership, circle *store.Account, now time.Time) error {
	switch {
	case !m.Current(now) || !circle.Live():
		return store.ErrNotFound
	case m.Via == viaWeb:
		return ErrForbidden
	}
	return nil
}

// viaWeb marks the membership of a guest.
const viaWeb = "web"

// forbiddenIfAbsent is for those who see a thing and may no longer change it.
func forbiddenIfAbsent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrForbidden
	}
	return err
}

// circleAudience is ErrNotFound unless by is a current member of the circle, and ErrForbidden for its
// guests.
func (s *Service) circleAudience(ctx context.Context, by *store.Account, circle store.ID) (audience, error) {
	m, err := s.DB.Membership(ctx, circle, by.ID)
	if err != nil {
		return audience{}, err
	}
	c, err := s.DB.Account(ctx, circle)
	if err == nil {
		err = mayWrite(m, c, s.DB.Now())
	}
	if err != nil {
		return audience{}, err
	}
	a := audience{visibility: store.InCircle, circle: c}
	if c.Local() {
		a.hub, err = s.DB.Circle(ctx, circle)
	}
	return a, err
}

// Audience is what the sentence above the button says before something is sent.
type Audience struct {
	Visibility string
	Circle     *store.Account // for circle posts
	People     int            // for circle posts: how many can read it
	Servers    int            // on how many servers
	Known      bool           // whether the numbers are the hub's own
}

// AudienceOf tells by who would read a post of this visibility, or in this circle if it is not 0.
// The circle's numbers are known at its hub only. store.ErrNotFound if by does not sit in it.
func (s *Service) AudienceOf(ctx context.Context, by *store.Account, visibility string, circle store.ID) (Audience, error) {
	if circle == 0 {
		return Audience{Visibility: visibility}, nil
	}
	a, err := s.circleAudience(ctx, by, circle)
	if err != nil {
		return Audience{}, err
	}
	out := Audience{Visibility: store.InCircle, Circle: a.circle}
	if a.hub != nil {
		out.People, out.Servers, err = s.DB.CircleAudience(ctx, circle)
		out.Known = true
	}
	return out, err
}
