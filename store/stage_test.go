package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cohort/store"
)

// stage puts rows into a database for the tests about posts, directly where no use-case would make such a state.
type stage struct {
	t    testing.TB
	db   *store.DB
	n    int
	made map[string]store.ID // the latest post of each visibility
}

// tablesOfPosts is emptied by newStage, so that one database serves many stages.
const tablesOfPosts = `timeline wide_circles post_tags tags post_recipients post_edits media likes bookmarks pins thread_mutes notifications posts tombstones
 memberships circle_hosts circles bars follows blocks mutes domain_mutes domain_policies jobs lanes sent users accounts`

func newStage(t testing.TB, db *store.DB) *stage {
	s := &stage{t: t, db: db, made: map[string]store.ID{}}
	s.tx(func(tx *store.Tx) error {
		for _, table := range strings.Fields(tablesOfPosts) {
			if _, err := tx.Exec(context.Background(), `DELETE FROM `+table); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func (s *stage) tx(f func(tx *store.Tx) error) {
	s.t.Helper()
	if err := s.db.Tx(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) exec(text string, args ...any) {
	s.t.Helper()
	s.tx(func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), text, args...)
		return err
	})
}

func (s *stage) account(kind, handle, host string) store.ID {
	s.t.Helper()
	s.n++
	a := &store.Account{Kind: kind, Handle: fmt.Sprintf("%s%d", handle, s.n), Host: host, Domain: host, URI: fmt.Sprintf("https://%s/%s%d", host, handle, s.n)}
	if host != "" {
		a.Inbox, a.SharedInbox = a.URI+"/inbox", "https://"+host+"/inbox"
	}
	s.tx(func(tx *store.Tx) error { return tx.InsertAccount(context.Background(), a) })
	return a.ID
}

func (s *stage) person(handle, host string) store.ID {
	return s.account(store.KindPerson, handle, host)
}

// circle makes a circle; one with an empty host has its hub here.
func (s *stage) circle(handle, host string) store.ID {
	id := s.account(store.KindCircle, handle, host)
	if host == "" {
		s.exec(`INSERT INTO circles (account_id, unit, created_at) VALUES ($1, 'u', 1)`, int64(id))
	}
	return id
}

func (s *stage) set(id store.ID, column string) {
	s.exec(`UPDATE accounts SET `+column+` = 5 WHERE id = $1`, int64(id))
}

func (s *stage) follow(who, whom store.ID, accepted bool) {
	s.n++
	var at any
	if accepted {
		at = int64(5)
	}
	s.exec(`INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) VALUES ($1, $2, $3, $4, 5, $5)`,
		int64(who), int64(whom), int64(s.n), fmt.Sprintf("follow%d", s.n), at)
}

func (s *stage) block(who, whom store.ID) {
	s.n++
	s.exec(`INSERT INTO blocks (account_id, target_id, id, uri, created_at) VALUES ($1, $2, $3, '', 5)`, int64(who), int64(whom), int64(s.n))
}

func (s *stage) mute(who, whom store.ID) {
	s.n++
	s.exec(`INSERT INTO mutes (account_id, target_id, id, notifications, created_at) VALUES ($1, $2, $3, 0, 5)`, int64(who), int64(whom), int64(s.n))
}

// seat is the state of a membership.
type seat struct {
	role, via      string
	waiting, ended bool
	expires        time.Duration // from now; 0 never
}

func (s *stage) member(circle, account store.ID, m seat) {
	s.t.Helper()
	a, err := s.db.Account(context.Background(), account)
	if err != nil {
		s.t.Fatal(err)
	}
	if m.role == "" {
		m.role = "member"
	}
	if m.via == "" {
		m.via = "native"
	}
	var verified, ended, expires any
	if !m.waiting {
		verified = int64(5)
	}
	if m.ended {
		ended = int64(6)
	}
	if m.expires != 0 {
		expires = s.db.Now().Add(m.expires).UnixMilli()
	}
	s.exec(`INSERT INTO memberships (circle_id, account_id, host, role, via, requested_at, verified_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, 5, $6, $7, $8)`,
		int64(circle), int64(account), a.Host, m.role, m.via, verified, expires, ended)
}

func (s *stage) host(circle store.ID, host string, ended bool) {
	var at any
	if ended {
		at = int64(6)
	}
	s.exec(`INSERT INTO circle_hosts (circle_id, host, approved_at, ended_at) VALUES ($1, $2, 5, $3)`, int64(circle), host, at)
}

// post inserts one post as a use-case does. Zero fields are filled in.
func (s *stage) post(p store.Post, parts store.PostParts) *store.Post {
	s.t.Helper()
	s.tx(func(tx *store.Tx) error { return s.insert(tx, &p, parts) })
	return &p
}

func (s *stage) insert(tx *store.Tx, p *store.Post, parts store.PostParts) error {
	s.n++
	if p.ID == 0 {
		p.ID = tx.NewID()
	}
	if p.URI == "" {
		p.URI = fmt.Sprintf("https://%s/posts/%d", p.Host, s.n)
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = tx.Now
	}
	created, err := tx.InsertPost(context.Background(), p, parts)
	if err == nil && !created {
		err = errors.New("the post was not created")
	}
	return err
}

// posts makes one post of each visibility, all with the same recipients.
func (s *stage) posts(author, circle store.ID, named []store.ID) {
	var parts store.PostParts
	for i, id := range named {
		parts.Recipients = append(parts.Recipients, store.Recipient{AccountID: id, Mentioned: i%2 == 0})
	}
	for _, visibility := range []string{store.Public, store.Unlisted, store.Followers, store.Direct, store.Limited, store.InCircle} {
		p := store.Post{AuthorID: author, Visibility: visibility, HTML: "<p>" + visibility + "</p>"}
		if visibility == store.InCircle {
			p.CircleID = circle
		}
		s.made[visibility] = s.post(p, parts).ID
	}
}

// sees asks for the latest post of a visibility, in both ways there are.
func (s *stage) sees(v store.Viewer, visibility string) bool {
	s.t.Helper()
	id := s.made[visibility]
	p, err := s.db.Post(context.Background(), v, id)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			s.t.Fatal(err)
		}
		return false
	}
	if _, err := s.db.PostByURI(context.Background(), v, p.URI); err != nil {
		s.t.Errorf("%s is seen by id, and not by uri: %v", visibility, err)
	}
	return true
}
