package social

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cohort/store"
)

// written is a checked text with the people it mentions.
type written struct {
	html     string
	source   string
	summary  string
	tags     []string
	mentions []*store.Account
	found    map[MentionRef]*store.Account
	first    *store.Account // the account mentioned first
	unknown  []MentionRef   // people of other servers who are not known here, as many as one text may ask for
}

// write checks a text and formats it, with the mentions of accounts that are known here already.
func (s *Service) write(ctx context.Context, text, summary string, media int) (written, error) {
	text = tidyText(text)
	summary = CleanText(summary, MaxSummary*4)
	if !anythingToSee(text) && media == 0 {
		return written{}, &Invalid{Field: "status", Key: "invalid.post_empty"}
	}
	if n := CountCharacters(text) + CountCharacters(summary); n > MaxCharacters {
		return written{}, &Invalid{Field: "status", Key: "invalid.post_long", Args: map[string]any{"Max": MaxCharacters, "Over": n - MaxCharacters}}
	}
	if media > MaxAttachments {
		return written{}, &Invalid{Field: "media_ids", Key: "invalid.media_many", Args: map[string]any{"Max": MaxAttachments}}
	}
	w, err := s.format(ctx, text, nil)
	w.summary = summary
	return w, err
}

// format finds whom a text mentions, first among those that were looked up for it, and makes its HTML.
func (s *Service) format(ctx context.Context, text string, lookedUp map[MentionRef]*store.Account) (written, error) {
	w := written{source: text, found: map[MentionRef]*store.Account{}}
	for _, m := range FindMentions(text) {
		a, err := lookedUp[m], error(nil)
		if a == nil {
			a, err = s.DB.AccountByHandle(ctx, m.Handle, s.domainOf(m.Host))
		}
		if errors.Is(err, store.ErrNotFound) {
			if s.domainOf(m.Host) != "" && len(w.unknown) < maxLookUps {
				w.unknown = append(w.unknown, m)
			}
			continue
		}
		if err != nil {
			return written{}, err
		}
		if !a.Live() {
			continue
		}
		w.found[m] = a
		if !slices.ContainsFunc(w.mentions, func(b *store.Account) bool { return b.ID == a.ID }) {
			w.mentions = append(w.mentions, a)
		}
	}
	if len(w.mentions) > 0 {
		w.first = w.mentions[0]
	}
	f := FormatText(text, TextOptions{
		Mention: func(handle, host string) (string, bool) {
			if a := w.found[MentionRef{Handle: handle, Host: host}]; a != nil {
				return a.URL, true
			}
			return "", false
		},
		TagURL: func(tag string) string { return s.Config.BaseURL + "/tags/" + tag },
	})
	w.html, w.tags = f.HTML, f.Tags
	return w, nil
}

// domainOf gives the domain under which an address is stored: none for our own.
func (s *Service) domainOf(host string) string {
	if host == s.Config.Domain || host == s.Config.Host {
		return ""
	}
	return host
}

// recipientsOf names the people a post mentions. A mention in a circle post grants nothing: it is
// kept for those who may read the post anyway.
func recipientsOf(mentions []*store.Account, by *store.Account) []store.Recipient {
	var out []store.Recipient
	for _, a := range mentions {
		if a.ID != by.ID && a.Kind != store.KindCircle {
			out = append(out, store.Recipient{AccountID: a.ID, Mentioned: true})
		}
	}
	return out
}

// MentionsJob is the kind of the jobs that let a held post out: federation has RunMentions do them.
const MentionsJob = "mentions"

const (
	// maxLookUps is how many people of other servers one text makes us ask for.
	maxLookUps = 8
	// lookUpTime is Service.LookUpTime of a new service.
	lookUpTime = 8 * time.Second
	// lookUpRounds is how often a text is looked at again that was edited meanwhile.
	lookUpRounds = 3
	// maxAsked bounds the names kept with a job, in bytes.
	maxAsked = 2000
)

// Finder asks other servers for people and gives those it finds by the time ctx ends.
type Finder func(ctx context.Context, names []MentionRef) map[MentionRef]*store.Account

// hold keeps the deliveries of a new or edited post back, from when on, if w names people who have to be
// looked up, and leaves that to a job. One job is enough: it takes the text as it reads by then. The job
// remembers the names of a new post: an edit adds nobody to those who may read what is not open to all.
func (s *Service) hold(ctx context.Context, tx *store.Tx, p *store.Post, w written, from time.Time) error {
	if len(w.unknown) == 0 || !p.HeldAt.IsZero() {
		return nil
	}
	p.HeldAt = from
	asked := ""
	if p.EditedAt.IsZero() {
		asked = askedFor(w.unknown)
	}
	tx.AfterCommit(s.Wake)
	return tx.Enqueue(ctx, MentionsJob, p.ID, asked, MentionsJob+"#"+p.AuthorID.String(), tx.Now)
}

func (m MentionRef) String() string { return m.Handle + "@" + m.Host }

// askedFor is the target of a MentionsJob: the names, as far as they fit.
func askedFor(names []MentionRef) string {
	var b strings.Builder
	for _, m := range names {
		if name := m.String() + " "; b.Len()+len(name) <= maxAsked {
			b.WriteString(name)
		}
	}
	return b.String()
}

// RunMentions does a MentionsJob: it looks up whom the post names, once, and lets the post out with those
// who were found. Whatever find does not achieve, the post leaves. Doing it again changes nothing.
func (s *Service) RunMentions(ctx context.Context, job store.Job, find Finder) error {
	for round := 1; ; round++ {
		p, err := s.DB.HeldPost(ctx, job.ObjectID)
		if errors.Is(err, store.ErrNotFound) {
			return nil // let out, or gone
		}
		if err != nil {
			return laterOn(err)
		}
		again, err := s.runMentions(ctx, job, p, round, find)
		if err != nil {
			return laterOn(err)
		}
		if !again {
			return nil
		}
	}
}

// laterOn has the worker try again: nothing here is ever given up.
func laterOn(err error) error { return fmt.Errorf("mentions: %w: %w", store.ErrTemporary, err) }

// runMentions is one round of RunMentions. again: the post was edited meanwhile.
func (s *Service) runMentions(ctx context.Context, job store.Job, p *store.Post, round int, find Finder) (again bool, err error) {
	author, err := s.DB.Account(ctx, p.AuthorID)
	if err != nil {
		return false, err
	}
	w, err := s.format(ctx, p.Source, nil)
	if err != nil {
		return false, err
	}
	if len(w.unknown) > 0 && author.Live() {
		limited, cancel := context.WithTimeout(ctx, s.LookUpTime)
		found := find(limited, w.unknown)
		cancel()
		if err := ctx.Err(); err != nil {
			return false, err // we are stopping: another time
		}
		if w, err = s.format(ctx, p.Source, found); err != nil {
			return false, err
		}
	}
	err = s.tx(ctx, "let out", func(tx *store.Tx) error {
		again, err = s.letOut(ctx, tx, job, p, w, author, round == lookUpRounds)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // let out, or gone, meanwhile
	}
	return again, err
}

// letOut is the transaction of a MentionsJob: links, recipients and deliveries. Those who were found are
// on other servers, so nobody here has to be told but those who look at the post. If it was edited since
// it was read, it is left for another round, unless that is the last one.
func (s *Service) letOut(ctx context.Context, tx *store.Tx, job store.Job, read *store.Post, w written, author *store.Account, last bool) (again bool, err error) {
	if err := tx.LockPost(ctx, read.ID); err != nil {
		return false, err
	}
	p, err := tx.HeldPost(ctx, read.ID)
	if err != nil {
		return false, err
	}
	if !p.EditedAt.Equal(read.EditedAt) {
		if !last {
			return true, nil
		}
		if w, err = s.format(ctx, p.Source, w.found); err != nil {
			return false, err
		}
	}
	changed := p.HTML != w.html
	p.HTML = w.html
	if err := tx.LetOut(ctx, p, mayBeAdded(p, job, w, author)); err != nil {
		return false, err
	}
	if p.HeldAt.Equal(p.CreatedAt) {
		err = s.enqueueNew(ctx, tx, p)
	} else {
		err = s.enqueueChange(ctx, tx, store.JobUpdate, p)
	}
	if changed {
		s.tellEdit(tx, p)
	}
	return false, err
}

// mayBeAdded are the mentioned people who become recipients of p. Where that lets them read it, only those do
// whom it named when it was written.
func mayBeAdded(p *store.Post, job store.Job, w written, author *store.Account) (ids []store.ID) {
	open := p.Visibility == store.Public || p.Visibility == store.Unlisted || p.Visibility == store.InCircle
	asked := strings.Fields(job.Target)
	for m, a := range w.found {
		if open || slices.Contains(asked, m.String()) {
			for _, r := range recipientsOf([]*store.Account{a}, author) {
				ids = append(ids, r.AccountID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
