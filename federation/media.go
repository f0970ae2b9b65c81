package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"cohort/social"
	"cohort/store"
)

const (
	maxPicture   = 16 << 20
	pictureSlots = 4 // fetched at a time; each may need twice maxPicture and what decoding takes
	pictureTime  = 25 * time.Second
	pictureRetry = 15 * time.Minute // after a failure
	pictureTouch = time.Hour        // how exactly the last use is known
)

// Pictures shows the pictures of other servers without our readers' asking those servers: each is fetched when
// first looked at, made anew from its pixels, and kept until room is needed. Only addresses that we
// stored with a post or an account are ever fetched.
type Pictures struct {
	f      *Server
	limit  int64
	slots  chan struct{}
	flight singleflight.Group
}

// NewPictures makes a Pictures that keeps copies of at most limit bytes together.
func NewPictures(f *Server, limit int64) *Pictures {
	return &Pictures{f: f, limit: limit, slots: make(chan struct{}, pictureSlots)}
}

// Picture is a copy ready for reading; the caller closes Content.
type Picture struct {
	Content io.ReadSeekCloser
	Name    string // changes with the bytes
	MIME    string // from our own table
	Stored  time.Time
}

// The forms in which a copy is kept.
const (
	formFull    = "full"
	formPreview = "preview"
	formAvatar  = "avatar"
	formHeader  = "header"
)

// Attachment opens the copy of a post's picture. Whether the reader may see it is for the caller to ask
// beforehand. store.ErrNotFound for what is no picture, or cannot be had at present.
func (p *Pictures) Attachment(ctx context.Context, m *store.Media, preview bool) (*Picture, error) {
	if !strings.HasPrefix(m.MIME, "image/") {
		return nil, store.ErrNotFound
	}
	owner, err := p.f.db.Account(ctx, m.AccountID)
	if err != nil {
		return nil, err
	}
	form := formFull
	if preview {
		form = formPreview
	}
	return p.open(ctx, owner, form, m.RemoteURL)
}

// Avatar opens the copy of a remote account's avatar; errors as of Attachment.
func (p *Pictures) Avatar(ctx context.Context, a *store.Account) (*Picture, error) {
	return p.open(ctx, a, formAvatar, a.AvatarRemote)
}

// Header opens the copy of the wide picture of a remote account's profile; errors as of Attachment.
func (p *Pictures) Header(ctx context.Context, a *store.Account) (*Picture, error) {
	return p.open(ctx, a, formHeader, a.HeaderRemote)
}

func (p *Pictures) open(ctx context.Context, owner *store.Account, form, url string) (*Picture, error) {
	if url == "" || !owner.Live() || owner.Local() {
		return nil, store.ErrNotFound
	}
	pic, err := p.kept(ctx, form, url)
	if !errors.Is(err, store.ErrNotFound) {
		return pic, err
	}
	if err := p.mayFetch(ctx, owner, url); err != nil {
		return nil, err
	}
	group := form
	if form == formPreview {
		group = formFull // one fetch makes both
	}
	done := p.flight.DoChan(group+" "+url, func() (any, error) {
		// Others may wait for it too, so it does not end with the first who asked.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pictureTime)
		defer cancel()
		return nil, p.fetch(ctx, group, url)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		if got.Err != nil {
			return nil, got.Err
		}
	}
	return p.kept(ctx, form, url)
}

// kept opens the copy that is there already.
func (p *Pictures) kept(ctx context.Context, form, url string) (*Picture, error) {
	key := form + " " + url
	c, err := p.f.db.CachedMedia(ctx, key)
	if err != nil {
		return nil, err
	}
	content, _, stored, err := p.f.social.Files.Open(c.File)
	if err != nil {
		return nil, err
	}
	if p.f.db.Now().Sub(c.UsedAt) > pictureTouch {
		if err := p.f.db.Tx(ctx, func(tx *store.Tx) error { return tx.TouchCachedMedia(ctx, key) }); err != nil {
			p.f.log.Debug("use of a picture not noted", "error", err)
		}
	}
	return &Picture{Content: content, Name: c.File, MIME: c.MIME, Stored: stored}, nil
}

// mayFetch tells whether a picture's server may be asked. Its owner's server decides about what it is part
// of; the pictures themselves may lie elsewhere, but not with a server that is suspended.
func (p *Pictures) mayFetch(ctx context.Context, owner *store.Account, url string) error {
	host, err := authority(url)
	if err != nil || p.f.refused.within("picture "+url, pictureRetry) {
		return store.ErrNotFound
	}
	ok, err := p.f.allowed(ctx, owner.Host)
	if err != nil {
		return err
	}
	severity, _, err := p.f.db.DomainPolicy(ctx, host)
	if err != nil {
		return err
	}
	if !ok || severity == store.Suspend || host == p.f.social.Config.Host {
		return store.ErrNotFound
	}
	return nil
}

// fetch gets a picture and keeps it. A failure is remembered for a while.
func (p *Pictures) fetch(ctx context.Context, form, url string) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("picture: %w: %w", ErrTemporary, ctx.Err())
	}
	copies, err := p.download(ctx, form, url)
	if err != nil {
		p.f.refused.note("picture " + url)
		p.f.log.Info("picture not fetched", "form", form, "error", err)
		return store.ErrNotFound
	}
	return p.keep(ctx, url, copies)
}

// pictureCopy is one form of a picture before it is kept.
type pictureCopy struct {
	form, mime, ext string
	content         []byte
}

func (p *Pictures) download(ctx context.Context, form, url string) ([]pictureCopy, error) {
	var raw bytes.Buffer
	claimed, _, err := p.f.client.FetchMedia(ctx, url, maxPicture, &raw)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(claimed, "image/") && claimed != "application/octet-stream" && claimed != "" {
		return nil, ErrContentType
	}
	images := p.f.social.Images
	var made *social.Processed
	switch form {
	case formAvatar:
		made, err = images.Avatar(ctx, raw.Bytes())
	case formHeader:
		made, err = images.Header(ctx, raw.Bytes())
	default:
		made, err = images.Process(ctx, raw.Bytes())
	}
	if err != nil {
		return nil, err
	}
	copies := []pictureCopy{{form, made.MIME, made.Ext, made.Full}}
	if form == formFull {
		copies = append(copies, pictureCopy{formPreview, made.PreviewMIME, made.PreviewExt, made.Preview})
	}
	return copies, nil
}

// keep stores copies and makes room for them. Files that no row names any more are removed last.
func (p *Pictures) keep(ctx context.Context, url string, copies []pictureCopy) error {
	rows := make([]*store.CachedMedia, len(copies))
	for i, c := range copies {
		name, err := store.NewFileName(c.ext)
		if err != nil {
			return err
		}
		if err := p.f.social.Files.Put(ctx, name, bytes.NewReader(c.content)); err != nil {
			return err
		}
		rows[i] = &store.CachedMedia{URL: c.form + " " + url, File: name, MIME: c.mime, Size: int64(len(c.content))}
	}
	var old []store.CachedMedia
	err := p.f.db.Tx(ctx, func(tx *store.Tx) error {
		old = nil
		for _, row := range rows {
			before, err := tx.CachedMedia(ctx, row.URL)
			if err == nil {
				old = append(old, *before)
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := tx.PutCachedMedia(ctx, row); err != nil {
				return err
			}
		}
		evicted, err := tx.EvictCachedMedia(ctx, p.limit)
		old = append(old, evicted...)
		return err
	})
	if err != nil {
		for _, row := range rows {
			old = append(old, *row)
		}
	}
	for _, c := range old {
		if err := p.f.social.Files.Remove(c.File); err != nil {
			p.f.log.Warn("a picture's file was not removed", "file", c.File, "error", err)
		}
	}
	return err
}
