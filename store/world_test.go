package store_test

import (
	"slices"
	"time"

	"cohort/store"
)

// world is a small community in memory, with the rules of who sees what written down a second time, in plain Go over
// plain lists. What the statements of the store find in a database with the same rows is compared with it.
type world struct {
	now                time.Time
	people             []*actor
	follows            map[pair]*followed
	blocks, domainMute map[pair]bool // domainMute: of account and index of the domain
	mutes              map[pair]bool // true: it counts, false: it has expired
	members            map[pair]*membership
	hosts              map[hostOf]bool // true: approved, false: ended
	wide               map[store.ID]bool
	posts              []*note
	timeline           map[pair]bool
	liked, pinned      map[pair]bool
}

type actor struct {
	id             store.ID
	kind, host     string
	gone           string // the column that says so, or empty
	silenced       bool
	circleHomeHere bool
}

type pair struct{ a, b store.ID }

type hostOf struct {
	circle store.ID
	host   string
}

type followed struct{ accepted, boosts bool }

type membership struct {
	verified, ended, steward bool
	expires                  int // -1 has expired, 1 will, 0 never
	via                      string
}

type note struct {
	id, author, circle, root store.ID
	visibility               string
	recipients               []store.Recipient
	replyTo, boostOf         *note
	deleted, hidden, pending bool
	fades                    int // -1 has faded, 1 will
	media, tag               bool
}

var domains = []string{"b.example", "c.example", "d.example"}

func (w *world) actor(id store.ID) *actor {
	for _, a := range w.people {
		if a.id == id {
			return a
		}
	}
	return &actor{host: "nowhere"}
}

func (w *world) gone(id store.ID) bool { return w.actor(id).gone != "" }

// eyes are a viewer of the model.
type eyes struct {
	account store.ID
	wire    bool   // asks through its server
	host    string // a whole server
}

func (w *world) lasting(p *note) bool { return !p.deleted && p.fades >= 0 && !w.gone(p.author) }

func open(p *note) bool { return p.visibility == store.Public || p.visibility == store.Unlisted }

// sees is the rule of rules.
func (w *world) sees(v eyes, p *note) bool {
	if v.host != "" {
		return w.serverSees(v.host, p)
	}
	switch {
	case !w.lasting(p):
		return false
	case v.account == 0:
		return open(p) && !p.hidden && !p.pending
	case w.gone(v.account):
		return false
	}
	return v.account == p.author || w.granted(v.account, v.wire, p)
}

func (w *world) serverSees(host string, p *note) bool {
	if w.sees(eyes{}, p) {
		return true
	}
	if !w.lasting(p) {
		return false
	}
	return slices.ContainsFunc(w.people, func(a *actor) bool {
		return a.host == host && a.gone == "" && !open(p) && w.granted(a.id, true, p)
	})
}

// granted is what others than the author are allowed.
func (w *world) granted(who store.ID, wire bool, p *note) bool {
	if p.hidden {
		return false
	}
	if p.circle != 0 && p.circle == who {
		return true
	}
	if p.pending {
		return false
	}
	if p.circle != 0 {
		m := w.members[pair{p.circle, who}]
		return !w.gone(p.circle) && w.current(p.circle, who, wire) && (m.steward || !w.blocks[pair{p.author, who}])
	}
	if w.blocks[pair{p.author, who}] {
		return false
	}
	f := w.follows[pair{who, p.author}]
	return open(p) || p.visibility == store.Followers && f != nil && f.accepted ||
		slices.ContainsFunc(p.recipients, func(r store.Recipient) bool { return r.AccountID == who })
}

// current: the membership counts now.
func (w *world) current(circle, who store.ID, wire bool) bool {
	m := w.members[pair{circle, who}]
	if m == nil || !m.verified || m.ended || m.expires < 0 || wire && m.via == "web" {
		return false
	}
	host := w.actor(who).host
	return host == "" || m.via == "web" || w.hosts[hostOf{circle, host}]
}

// sits: the viewer may open the page of the circle.
func (w *world) sits(v eyes, circle store.ID) bool {
	if v.host != "" {
		return w.actor(circle).host == v.host && !w.gone(circle) || slices.ContainsFunc(w.people, func(a *actor) bool {
			return a.host == v.host && a.gone == "" && w.current(circle, a.id, true)
		})
	}
	return v.account == circle || !w.gone(circle) && !w.gone(v.account) && w.current(circle, v.account, v.wire)
}

// shown: seen together with the original.
func (w *world) shown(v eyes, p *note) bool {
	return w.sees(v, p) && (p.boostOf == nil || w.sees(v, p.boostOf))
}

// wanted: the viewer has nothing against it.
func (w *world) wanted(me store.ID, p *note) bool {
	author := w.actor(p.author)
	return !w.blocks[pair{me, p.author}] && !w.mutes[pair{me, p.author}] && (p.circle == 0 || !w.mutes[pair{me, p.circle}]) &&
		(author.host == "" || !w.domainMute[pair{me, store.ID(slices.Index(domains, author.host))}])
}

func (w *world) listed(v eyes, p *note) bool {
	if !w.shown(v, p) || v.host != "" {
		return w.shown(v, p)
	}
	return w.wanted(v.account, p) && (p.boostOf == nil || w.wanted(v.account, p.boostOf))
}

// toOthers: an answer to somebody else.
func toOthers(p *note) bool { return p.replyTo != nil && p.replyTo.author != p.author }

// public: what the public timelines hold.
func (w *world) public(v eyes, p *note) bool {
	return p.visibility == store.Public && p.boostOf == nil && !w.actor(p.author).silenced && w.listed(v, p)
}

func (w *world) home(me store.ID, p *note) bool {
	m := w.members[pair{p.circle, me}]
	inWide := p.circle != 0 && w.wide[p.circle] && m != nil && m.verified && !m.ended
	return (w.timeline[pair{me, p.id}] || inWide) && w.listed(eyes{account: me}, p)
}

// fansOut: where FanOut puts p.
func (w *world) fansOut(me *actor, p *note) bool {
	v := eyes{account: me.id}
	if me.host != "" || me.kind == store.KindCircle {
		return false
	}
	if p.circle != 0 {
		m := w.members[pair{p.circle, me.id}]
		return m != nil && m.verified && !m.ended && w.listed(v, p)
	}
	if p.author == me.id {
		return w.sees(v, p)
	}
	f := w.follows[pair{me.id, p.author}]
	if f == nil || !f.accepted || !w.listed(v, p) || p.boostOf != nil && !f.boosts {
		return false
	}
	named := slices.ContainsFunc(p.recipients, func(r store.Recipient) bool { return r.AccountID == me.id })
	if (p.visibility == store.Direct || p.visibility == store.Limited) && !named {
		return false
	}
	if !toOthers(p) || p.replyTo.author == me.id {
		return true
	}
	other := w.follows[pair{me.id, p.replyTo.author}]
	return other != nil && other.accepted
}

// above and below are the thread around p as v sees it.
func (w *world) above(v eyes, p *note) (ids []store.ID) {
	for up := p.replyTo; up != nil; up = up.replyTo {
		if w.listed(v, up) {
			ids = append(ids, up.id)
		}
	}
	slices.Reverse(ids)
	return ids
}

func (w *world) below(v eyes, p *note) (ids []store.ID) {
	for _, q := range w.posts {
		for up := q.replyTo; up != nil; up = up.replyTo {
			if up == p && w.listed(v, q) {
				ids = append(ids, q.id)
			}
		}
	}
	return ids
}
