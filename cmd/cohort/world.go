package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"cohort/social"
	"cohort/store"
)

// signIn is how someone of the sample world signs in.
type signIn struct {
	Instance string `json:"instance"`
	Handle   string `json:"handle"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Role     string `json:"role"`
}

// world is the sample world that demo shows: a school and an employer, people of both, two class
// circles, and one member of a circle whose account is on the other server.
type world struct {
	school, employer *instance
	people           map[string]*store.Account
	signIns          []signIn
}

// settleTime bounds how long the two instances may take to hear of each other.
const settleTime = 20 * time.Second

// furnish makes the sample world on two running instances, by the same rules that everyone else goes
// through.
func furnish(ctx context.Context, school, employer *instance) (*world, error) {
	w := &world{school: school, employer: employer, people: map[string]*store.Account{}}
	for _, step := range []func(context.Context) error{w.makePeople, w.makeCircles, w.seatLinwei, w.meet, w.talk} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("sample world: %w", err)
		}
	}
	return w, nil
}

// makePeople makes the accounts, each with a random password.
func (w *world) makePeople(ctx context.Context) error {
	for _, p := range []struct {
		at                      *instance
		handle, name, role, bio string
	}{
		{w.school, "zhao", "赵老师", store.RoleAdmin, "湘南一中校友办公室。有事请找我。"},
		{w.school, "chenmo", "陈默", store.RoleMember, "高二 2 班，喜欢天文。"},
		{w.school, "hemiao", "何苗", store.RoleMember, "2012 届 3 班，现在在长沙教书。"},
		{w.school, "zhouxiao", "周晓", store.RoleMember, "2012 届 3 班。"},
		{w.employer, "linwei", "林薇", store.RoleMember, "极光科技，做光学设计。"},
		{w.employer, "gaoyan", "高岩", store.RoleMember, "极光科技，同事都叫我老高。"},
	} {
		password := rand.Text()[:16]
		email := p.handle + "@" + strings.Split(p.at.social.Config.Domain, ":")[0]
		a, err := p.at.social.CreateAccount(ctx, social.NewAccount{Handle: p.handle, Email: email, Password: password, Role: p.role})
		if err != nil {
			return fmt.Errorf("%s: %w", p.handle, err)
		}
		discoverable := true
		if a, err = p.at.social.UpdateProfile(ctx, a, social.ProfileChange{Name: &p.name, Bio: &p.bio, Discoverable: &discoverable}); err != nil {
			return fmt.Errorf("%s: %w", p.handle, err)
		}
		w.people[p.handle] = a
		w.signIns = append(w.signIns, signIn{p.at.social.Config.BaseURL, p.handle, p.name, email, password, p.role})
	}
	return nil
}

// class2012 and class2027 are the two classes of the sample world.
var (
	class2012 = social.CircleDraft{Slug: "2012-3", Name: "2012(3)", Unit: "3班", From: 2009, To: 2012}
	class2027 = social.CircleDraft{Slug: "2027-2", Name: "2027(2)", Unit: "2班", From: 2024, To: 2027}
)

func seatIn(c social.CircleDraft, kind string) social.SeatGrant {
	return social.SeatGrant{Type: kind, Unit: c.Unit, From: c.From, To: c.To, Reason: "名册"}
}

func (w *world) makeCircles(ctx context.Context) error {
	for _, c := range []social.CircleDraft{class2012, class2027} {
		if _, err := w.school.social.CreateCircle(ctx, c); err != nil {
			return fmt.Errorf("circle %s: %w", c.Slug, err)
		}
	}
	for handle, grant := range map[string]social.SeatGrant{
		"hemiao": seatIn(class2012, "alumnus"), "zhouxiao": seatIn(class2012, "alumnus"), "chenmo": seatIn(class2027, "student"),
	} {
		if _, err := w.school.social.GrantSeat(ctx, w.people[handle], grant); err != nil {
			return fmt.Errorf("seat of %s: %w", handle, err)
		}
	}
	return nil
}

// seatLinwei is the heart: a seat in the school's class for an account on the employer's server, which
// asks for its place by following the circle and is let in because the school knows the seat.
func (w *world) seatLinwei(ctx context.Context) error {
	linwei := w.people["linwei"]
	known, err := w.school.federation.ResolveAccount(ctx, "linwei@"+w.employer.social.Config.Domain)
	if err != nil {
		return fmt.Errorf("the school looks for linwei: %w", err)
	}
	if _, err := w.school.social.GrantSeat(ctx, known, seatIn(class2012, "alumnus")); err != nil {
		return err
	}
	circle, err := w.employer.federation.ResolveAccount(ctx, class2012.Slug+"@"+w.school.social.Config.Domain)
	if err != nil {
		return fmt.Errorf("the employer looks for the circle: %w", err)
	}
	if err := w.employer.social.Follow(ctx, linwei, circle.ID, social.FollowOptions{}); err != nil {
		return err
	}
	return until(ctx, "linwei to be let into the circle", func() (bool, error) {
		m, err := w.employer.db.Membership(ctx, circle.ID, linwei.ID)
		return err == nil && m.Current(w.employer.db.Now()), err
	})
}

// meet has people follow each other across the two servers.
func (w *world) meet(ctx context.Context) error {
	hemiao, err := w.employer.federation.ResolveAccount(ctx, "hemiao@"+w.school.social.Config.Domain)
	if err != nil {
		return err
	}
	linwei, err := w.school.federation.ResolveAccount(ctx, "linwei@"+w.employer.social.Config.Domain)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		at *instance
		by string
		to *store.Account
	}{
		{w.employer, "linwei", hemiao},
		{w.employer, "gaoyan", w.people["linwei"]},
		{w.employer, "linwei", w.people["gaoyan"]},
		{w.school, "hemiao", linwei},
		{w.school, "hemiao", w.people["zhouxiao"]},
		{w.school, "zhouxiao", w.people["hemiao"]},
		{w.school, "chenmo", w.people["zhao"]},
		{w.school, "hemiao", w.people["zhao"]},
	} {
		if err := f.at.social.Follow(ctx, w.people[f.by], f.to.ID, social.FollowOptions{}); err != nil {
			return fmt.Errorf("%s follows: %w", f.by, err)
		}
	}
	return until(ctx, "the follows to be accepted", func() (bool, error) {
		rel, err := w.employer.db.Relationship(ctx, w.people["linwei"].ID, hemiao.ID)
		if err != nil || !rel.Following {
			return false, err
		}
		rel, err = w.school.db.Relationship(ctx, w.people["hemiao"].ID, linwei.ID)
		return rel.Following, err
	})
}

// talk has a few things said, in public and in the circles, and waits until they have crossed.
func (w *world) talk(ctx context.Context) error {
	circle, err := w.school.db.CircleBySlug(ctx, class2012.Slug)
	if err != nil {
		return err
	}
	younger, err := w.school.db.CircleBySlug(ctx, class2027.Slug)
	if err != nil {
		return err
	}
	var reunion *store.Post
	for _, say := range []struct {
		at   *instance
		by   string
		text string
		in   store.ID
	}{
		{w.school, "zhao", "新学期好！校友网今天开张，各班的圈子已经按名册建好。 #湘南一中", 0},
		{w.school, "chenmo", "今晚操场看土星，有人一起吗？", younger.ID},
		{w.school, "hemiao", "图书馆门口的桂花开了。 #湘南一中", 0},
		{w.employer, "linwei", "New lens prototype survived the drop test. 🎉 #optics", 0},
		{w.employer, "gaoyan", "食堂今天有剁椒鱼头。", 0},
		{w.school, "hemiao", "十五年聚会定在五月？大家方便哪个周末？", circle.ID},
	} {
		if reunion, err = say.at.social.Publish(ctx, w.people[say.by], social.Draft{Text: say.text, Visibility: store.Public, Circle: say.in}); err != nil {
			return fmt.Errorf("%s says: %w", say.by, err)
		}
	}
	linwei := w.people["linwei"]
	var seen *store.Post
	err = until(ctx, "the circle's post to reach linwei", func() (bool, error) {
		seen, err = w.employer.db.PostByURI(ctx, store.AsAccount(linwei.ID), reunion.URI)
		return err == nil, err
	})
	if err != nil {
		return err
	}
	reply, err := w.employer.social.Publish(ctx, linwei, social.Draft{Text: "第二个周末我能回去，蛋糕我来订。", ReplyTo: seen.ID})
	if err != nil {
		return err
	}
	return until(ctx, "linwei's reply to reach the class", func() (bool, error) {
		_, err := w.school.db.PostByURI(ctx, store.AsAccount(w.people["zhouxiao"].ID), reply.URI)
		return err == nil, err
	})
}

// until asks again and again whether something has happened. store.ErrNotFound means not yet.
func until(ctx context.Context, what string, happened func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		ok, err := happened()
		if ok {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
