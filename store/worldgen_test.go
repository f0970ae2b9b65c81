package store_test

import (
	"context"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"cohort/store"
)

// drawWorld makes up a community: four people here, three and two elsewhere, two circles here and one elsewhere.
func drawWorld(t *rapid.T, now time.Time) *world {
	w := &world{
		now: now, follows: map[pair]*followed{}, blocks: map[pair]bool{}, domainMute: map[pair]bool{}, mutes: map[pair]bool{}, members: map[pair]*membership{},
		hosts: map[hostOf]bool{}, wide: map[store.ID]bool{}, timeline: map[pair]bool{}, liked: map[pair]bool{}, pinned: map[pair]bool{},
	}
	d := dice{t}
	for i, host := range []string{"", "", "", "", "b.example", "b.example", "b.example", "c.example", "c.example", "", "", "b.example"} {
		a := &actor{id: store.ID(1000 + i), kind: store.KindPerson, host: host}
		if i >= 9 {
			a.kind, a.circleHomeHere = store.KindCircle, host == ""
		}
		if d.one(12) {
			a.gone = rapid.SampledFrom([]string{"suspended_at", "host_suspended_at", "deleted_at"}).Draw(t, "gone")
		}
		a.silenced = d.one(8)
		w.people = append(w.people, a)
	}
	for _, a := range w.persons() {
		for _, b := range w.people {
			w.drawRelation(d, a, b)
		}
		for i := range domains {
			if a.host == "" && d.one(10) {
				w.domainMute[pair{a.id, store.ID(i)}] = true
			}
		}
	}
	for _, circle := range w.circles() {
		for _, host := range domains[:2] {
			if circle.circleHomeHere && !d.one(4) {
				w.hosts[hostOf{circle.id, host}] = !d.one(5)
			}
		}
		w.wide[circle.id] = d.one(4)
	}
	for i := range rapid.IntRange(4, 18).Draw(t, "posts") {
		w.drawPost(d, i)
	}
	return w
}

func (w *world) persons() []*actor { return w.people[:9] }
func (w *world) circles() []*actor { return w.people[9:] }

// dice draws what happens rarely.
type dice struct{ t *rapid.T }

func (d dice) one(in int) bool { return rapid.IntRange(1, in).Draw(d.t, "dice") == in }

func (w *world) drawRelation(d dice, a, b *actor) {
	if a == b {
		return
	}
	key := pair{a.id, b.id}
	if b.kind == store.KindPerson && d.one(3) {
		w.follows[key] = &followed{accepted: !d.one(5), boosts: !d.one(4)}
	}
	w.blocks[key] = d.one(14)
	if a.host == "" && d.one(12) {
		w.mutes[key] = !d.one(4)
	}
	if b.kind == store.KindCircle && d.one(2) {
		w.members[pair{b.id, a.id}] = &membership{
			verified: !d.one(6), ended: d.one(6), steward: d.one(5), expires: rapid.IntRange(-1, 1).Draw(d.t, "expires"),
			via: rapid.SampledFrom([]string{"native", "native", "mirror", "web"}).Draw(d.t, "via"),
		}
	}
}

func (w *world) drawPost(d dice, i int) {
	p := &note{
		id: store.FirstID(w.now.Add(-time.Hour)) + store.ID(i)<<16 + 3, author: rapid.SampledFrom(w.persons()).Draw(d.t, "author").id,
		visibility: rapid.SampledFrom([]string{store.Public, store.Public, store.Unlisted, store.Followers, store.Direct, store.Limited, store.InCircle, store.InCircle}).Draw(d.t, "visibility"),
		deleted:    d.one(12), hidden: d.one(12), media: d.one(3), tag: d.one(3), fades: max(0, rapid.IntRange(-12, 1).Draw(d.t, "fades")),
	}
	p.root = p.id
	if d.one(14) {
		p.fades = -1
	}
	if p.visibility == store.InCircle {
		p.circle, p.pending = rapid.SampledFrom(w.circles()).Draw(d.t, "circle").id, d.one(6)
	}
	if i > 0 {
		w.drawPlace(d, p)
	}
	for _, a := range w.persons() {
		if a.id != p.author && d.one(6) {
			p.recipients = append(p.recipients, store.Recipient{AccountID: a.id, Mentioned: d.one(2)})
		}
	}
	for _, a := range w.persons()[:4] {
		if d.one(2) {
			w.timeline[pair{a.id, p.id}] = true
		}
		w.liked[pair{a.id, p.id}] = d.one(5)
	}
	w.pinned[pair{p.author, p.id}] = d.one(5)
	w.posts = append(w.posts, p)
}

// drawPlace makes p a boost or an answer, if the post drawn can have one.
func (w *world) drawPlace(d dice, p *note) {
	other := rapid.SampledFrom(w.posts).Draw(d.t, "other")
	if d.one(4) && other.boostOf == nil && (p.visibility == store.Public || p.visibility == store.Unlisted || p.visibility == store.Followers) {
		for _, q := range w.posts {
			if q.boostOf == other && q.author == p.author {
				return
			}
		}
		p.boostOf = other
		return
	}
	if d.one(2) && other.circle == p.circle && other.boostOf == nil {
		p.replyTo, p.root = other, other.root
	}
}

// build writes the world into an empty database.
func (w *world) build(s *stage) {
	s.tx(func(tx *store.Tx) error {
		b := &builder{tx: tx, ms: w.now.UnixMilli()}
		w.buildPeople(b)
		w.buildRelations(b)
		for _, p := range w.posts {
			w.buildPost(b, p)
		}
		return b.err
	})
	s.db.ForgetWideCircles()
}

type builder struct {
	tx  *store.Tx
	ms  int64
	n   int
	err error
}

func (b *builder) exec(text string, args ...any) {
	if b.err == nil {
		_, b.err = b.tx.Exec(context.Background(), text, args...)
	}
}

// when is a time if something holds, else NULL.
func (b *builder) when(holds bool, at int64) any {
	if !holds {
		return nil
	}
	return at
}

func (w *world) buildPeople(b *builder) {
	for _, a := range w.people {
		b.exec(`INSERT INTO accounts (id, kind, handle, handle_key, host, domain, uri, inbox, shared_inbox, created_at, updated_at, silenced_at, suspended_at, host_suspended_at, deleted_at)
VALUES ($1, $2, $3, $3, $4, $4, $5, $6, $7, 1, 1, $8, $9, $10, $11)`, int64(a.id), a.kind, "h"+a.id.String(), a.host, "uri"+a.id.String(), "in"+a.id.String(), "shared"+a.host,
			b.when(a.silenced, 5), b.when(a.gone == "suspended_at", 5), b.when(a.gone == "host_suspended_at", 5), b.when(a.gone == "deleted_at", 5))
		if a.circleHomeHere {
			b.exec(`INSERT INTO circles (account_id, unit, created_at) VALUES ($1, 'u', 1)`, int64(a.id))
		}
	}
	for key, approved := range w.hosts {
		b.exec(`INSERT INTO circle_hosts (circle_id, host, approved_at, ended_at) VALUES ($1, $2, 1, $3)`, int64(key.circle), key.host, b.when(!approved, 5))
	}
	for circle, wide := range w.wide {
		if wide {
			b.exec(`INSERT INTO wide_circles (circle_id, since) VALUES ($1, 1)`, int64(circle))
		}
	}
}

func (w *world) buildRelations(b *builder) {
	for key, f := range w.follows {
		b.n++
		boosts := 0
		if f.boosts {
			boosts = 1
		}
		b.exec(`INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at, boosts) VALUES ($1, $2, $3, $4, 1, $5, $6)`,
			int64(key.a), int64(key.b), b.n, fmt.Sprint("f", b.n), b.when(f.accepted, 5), boosts)
	}
	for key, yes := range w.blocks {
		if b.n++; yes {
			b.exec(`INSERT INTO blocks (account_id, target_id, id, uri, created_at) VALUES ($1, $2, $3, '', 1)`, int64(key.a), int64(key.b), b.n)
		}
	}
	for key, counts := range w.mutes {
		b.n++
		b.exec(`INSERT INTO mutes (account_id, target_id, id, notifications, expires_at, created_at) VALUES ($1, $2, $3, 1, $4, 1)`, int64(key.a), int64(key.b), b.n, b.when(!counts, b.ms-1000))
	}
	for key := range w.domainMute {
		b.n++
		b.exec(`INSERT INTO domain_mutes (account_id, domain, id) VALUES ($1, $2, $3)`, int64(key.a), domains[key.b], b.n)
	}
	for key, m := range w.members {
		role := "member"
		if m.steward {
			role = "steward"
		}
		b.exec(`INSERT INTO memberships (circle_id, account_id, host, role, via, requested_at, verified_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)`,
			int64(key.a), int64(key.b), w.actor(key.b).host, role, m.via, b.when(m.verified, 5), b.when(m.expires != 0, b.ms+int64(m.expires)*3600_000), b.when(m.ended, 6))
	}
}

func (w *world) buildPost(b *builder, p *note) {
	var circle, reply, replyAccount, boost any
	replyURI := ""
	if p.circle != 0 {
		circle = int64(p.circle)
	}
	if p.replyTo != nil {
		reply, replyAccount, replyURI = int64(p.replyTo.id), int64(p.replyTo.author), "uri"+p.replyTo.id.String()
	}
	if p.boostOf != nil {
		boost = int64(p.boostOf.id)
	}
	count := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	b.exec(`INSERT INTO posts (id, uri, author_id, host, visibility, circle_id, root_id, reply_to_id, reply_to_account_id, reply_to_uri, boost_of_id, html, media_count, tag_count, created_at,
 deleted_at, hidden_at, pending_at, fades_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'text', $12, $13, $14, $15, $16, $17, $18)`,
		int64(p.id), "uri"+p.id.String(), int64(p.author), w.actor(p.author).host, p.visibility, circle, int64(p.root), reply, replyAccount, replyURI, boost,
		count(p.media), count(p.tag), p.id.Time().UnixMilli(), b.when(p.deleted, 5), b.when(p.hidden, 5), b.when(p.pending, 5), b.when(p.fades != 0, b.ms+int64(p.fades)*3600_000))
	for _, r := range p.recipients {
		b.exec(`INSERT INTO post_recipients (post_id, account_id, author_id, mentioned) VALUES ($1, $2, $3, $4)`, int64(p.id), int64(r.AccountID), int64(p.author), count(r.Mentioned))
	}
	if p.tag {
		b.exec(`INSERT INTO tags (id, name) VALUES (1, 'tag') ON CONFLICT DO NOTHING`)
		b.exec(`INSERT INTO post_tags (tag_id, post_id) VALUES (1, $1)`, int64(p.id))
	}
	for _, a := range w.persons() {
		if w.timeline[pair{a.id, p.id}] {
			b.exec(`INSERT INTO timeline (account_id, post_id) VALUES ($1, $2)`, int64(a.id), int64(p.id))
		}
		if w.liked[pair{a.id, p.id}] {
			b.exec(`INSERT INTO likes (account_id, post_id, id, uri) VALUES ($1, $2, $3, $4)`, int64(a.id), int64(p.id), int64(p.id), fmt.Sprint("l", a.id, p.id))
		}
		if w.pinned[pair{a.id, p.id}] {
			b.exec(`INSERT INTO pins (account_id, post_id, id) VALUES ($1, $2, $2)`, int64(a.id), int64(p.id))
		}
	}
}
