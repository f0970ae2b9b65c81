package social

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cohort/store"
)

// MaxUpload bounds the bytes of one uploaded picture.
const MaxUpload = 16 << 20

// maxAlt bounds a description, in characters.
const maxAlt = 1500

// Focus is the point of a picture that a crop should keep: -1 to 1 from its middle.
type Focus struct{ X, Y float64 }

func (f Focus) clamp() Focus { return Focus{max(-1, min(1, f.X)), max(-1, min(1, f.Y))} }

// Upload takes in a picture for a later post by a member: decoded within bounds, turned upright,
// stripped of everything but its pixels, and stored before it is answered. *Invalid for anything that
// is not a picture we can read.
func (s *Service) Upload(ctx context.Context, by *store.Account, r io.Reader, alt string, focus Focus) (*store.Media, error) {
	raw, err := readUpload(r)
	if err != nil {
		return nil, err
	}
	if err := checkAlt(alt); err != nil {
		return nil, err
	}
	pic, err := s.Images.Process(ctx, raw)
	if err != nil {
		return nil, err
	}
	m := &store.Media{
		AccountID: by.ID, MIME: pic.MIME, Alt: CleanText(alt, maxAlt), Blurhash: pic.Blurhash, Width: pic.Width, Height: pic.Height,
		PreviewWidth: pic.PreviewWidth, PreviewHeight: pic.PreviewHeight, Size: int64(len(pic.Full) + len(pic.Preview)),
	}
	focus = focus.clamp()
	m.FocusX, m.FocusY = focus.X, focus.Y
	if m.File, err = s.keep(ctx, pic.Full, pic.Ext); err != nil {
		return nil, err
	}
	if m.Preview, err = s.keep(ctx, pic.Preview, pic.PreviewExt); err != nil {
		return nil, err
	}
	err = s.tx(ctx, "upload", func(tx *store.Tx) error {
		m.ID, m.CreatedAt = tx.NewID(), tx.Now
		return tx.InsertMedia(ctx, m)
	})
	return m, err
}

func readUpload(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxUpload+1))
	if err != nil {
		return nil, &Invalid{Field: "file", Key: "invalid.upload_broken"}
	}
	if len(raw) > MaxUpload {
		return nil, &Invalid{Field: "file", Key: "invalid.image_large", Args: map[string]any{"Max": MaxUpload >> 20}}
	}
	return raw, nil
}

func checkAlt(alt string) error {
	if len([]rune(alt)) > maxAlt {
		return &Invalid{Field: "description", Key: "invalid.alt_long", Args: map[string]any{"Max": maxAlt}}
	}
	return nil
}

// keep stores bytes under a fresh random name.
func (s *Service) keep(ctx context.Context, b []byte, ext string) (string, error) {
	name, err := store.NewFileName(ext)
	if err != nil {
		return "", err
	}
	if err := s.Files.Put(ctx, name, bytes.NewReader(b)); err != nil {
		return "", fmt.Errorf("keep file: %w", err)
	}
	return name, nil
}

// UpdateMedia changes description or focus of one's own picture; nil keeps it. store.ErrNotFound for
// anyone else's.
func (s *Service) UpdateMedia(ctx context.Context, by *store.Account, id store.ID, alt *string, focus *Focus) (*store.Media, error) {
	var m *store.Media
	err := s.tx(ctx, "update media", func(tx *store.Tx) (err error) {
		if m, err = tx.Media(ctx, by.ID, id); err != nil {
			return err
		}
		if alt != nil {
			if err := checkAlt(*alt); err != nil {
				return err
			}
			m.Alt = CleanText(*alt, maxAlt)
		}
		if focus != nil {
			f := focus.clamp()
			m.FocusX, m.FocusY = f.X, f.Y
		}
		return tx.UpdateMedia(ctx, m)
	})
	return m, err
}

// ProfileChange is what a member changes of her profile; nil keeps it.
type ProfileChange struct {
	Name, Bio                                    *string
	Avatar, Header                               io.Reader // a new picture
	RemoveAvatar, RemoveHeader                   bool
	AvatarAlt, HeaderAlt                         *string
	Locked, Discoverable, Indexable, Bot         *bool
	HideCollections, DefaultSensitive, Shortcuts *bool
	DefaultVisibility, DefaultLanguage, Language *string
	Fields                                       *[]store.Field // names and values as typed
}

// Bounds of a profile.
const (
	MaxName       = 50
	MaxBio        = 1000
	MaxFields     = 8
	MaxFieldChars = 255
)

// UpdateProfile applies a change to by's own profile and tells the servers that know it.
func (s *Service) UpdateProfile(ctx context.Context, by *store.Account, c ProfileChange) (*store.Account, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	avatar, err := s.picture(ctx, c.Avatar, "avatar", s.Images.Avatar)
	if err != nil {
		return nil, err
	}
	header, err := s.picture(ctx, c.Header, "header", s.Images.Header)
	if err != nil {
		s.DiscardFiles(ctx, avatar)
		return nil, err
	}
	var a *store.Account
	var replaced []string
	err = s.tx(ctx, "update profile", func(tx *store.Tx) (err error) {
		replaced = nil
		if a, err = tx.Account(ctx, by.ID); err != nil {
			return err
		}
		s.applyProfile(a, c)
		if avatar != "" || c.RemoveAvatar {
			replaced = append(replaced, a.Avatar)
			a.Avatar = avatar
		}
		if header != "" || c.RemoveHeader {
			replaced = append(replaced, a.Header)
			a.Header = header
		}
		a.UpdatedAt = tx.Now
		if err := tx.UpdateAccount(ctx, a); err != nil {
			return err
		}
		if err := s.applyPreferences(ctx, tx, a, c); err != nil {
			return err
		}
		return s.tellActor(ctx, tx, a, "update_actor")
	})
	if err == nil {
		s.DiscardFiles(ctx, replaced...)
	}
	return a, err
}

// check refuses what cannot be in a profile, and brings languages into their usual form.
func (c *ProfileChange) check() error {
	if c.Name != nil && len([]rune(*c.Name)) > MaxName {
		return &Invalid{Field: "display_name", Key: "invalid.name_long", Args: map[string]any{"Max": MaxName}}
	}
	if c.Bio != nil && CountCharacters(*c.Bio) > MaxBio {
		return &Invalid{Field: "note", Key: "invalid.bio_long", Args: map[string]any{"Max": MaxBio}}
	}
	for _, at := range []**string{&c.DefaultLanguage, &c.Language} {
		if *at == nil {
			continue
		}
		tag, err := ParseLanguage(**at)
		if err != nil {
			return err
		}
		*at = &tag
	}
	if c.DefaultVisibility != nil && !slices.Contains(visibilities, *c.DefaultVisibility) {
		return &Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	if c.Fields == nil {
		return nil
	}
	if len(*c.Fields) > MaxFields {
		return &Invalid{Field: "fields", Key: "invalid.fields_many", Args: map[string]any{"Max": MaxFields}}
	}
	for _, f := range *c.Fields {
		if len([]rune(f.Name)) > MaxFieldChars || len([]rune(f.Value)) > MaxFieldChars {
			return &Invalid{Field: "fields", Key: "invalid.field_long", Args: map[string]any{"Max": MaxFieldChars}}
		}
	}
	return nil
}

// picture processes and stores an uploaded profile picture; no picture gives no name.
func (s *Service) picture(ctx context.Context, r io.Reader, field string, process func(context.Context, []byte) (*Processed, error)) (string, error) {
	if r == nil {
		return "", nil
	}
	raw, err := readUpload(r)
	if err != nil {
		return "", about(field, err)
	}
	pic, err := process(ctx, raw)
	if err != nil {
		return "", about(field, err)
	}
	return s.keep(ctx, pic.Full, pic.Ext)
}

// about says of which field a file was that could not be taken.
func about(field string, err error) error {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return &Invalid{Field: field, Key: invalid.Key, Args: invalid.Args}
	}
	return fmt.Errorf("%s: %w", field, err)
}

// applyProfile changes the public part.
func (s *Service) applyProfile(a *store.Account, c ProfileChange) {
	if c.Name != nil {
		a.Name = TypedName(*c.Name)
	}
	if c.Bio != nil {
		a.BioSource = CleanText(*c.Bio, MaxBio*2)
		a.Bio = FormatText(a.BioSource, TextOptions{TagURL: func(tag string) string { return s.Config.BaseURL + "/tags/" + tag }}).HTML
	}
	if c.AvatarAlt != nil {
		a.AvatarAlt = CleanText(*c.AvatarAlt, maxAlt)
	}
	if c.HeaderAlt != nil {
		a.HeaderAlt = CleanText(*c.HeaderAlt, maxAlt)
	}
	set := func(to *bool, v *bool) {
		if v != nil {
			*to = *v
		}
	}
	set(&a.Locked, c.Locked)
	set(&a.Discoverable, c.Discoverable)
	set(&a.Indexable, c.Indexable)
	if c.Bot != nil && (a.Kind == store.KindPerson || a.Kind == store.KindBot) {
		a.Kind = store.KindPerson
		if *c.Bot {
			a.Kind = store.KindBot
		}
	}
	if c.Fields != nil {
		a.Fields = nil
		for _, f := range *c.Fields {
			name, value := CleanText(strings.TrimSpace(f.Name), MaxFieldChars), CleanText(strings.TrimSpace(f.Value), MaxFieldChars)
			if name != "" && value != "" {
				a.Fields = append(a.Fields, store.Field{Name: name, Value: value})
			}
		}
	}
}

// FieldHTML is what a profile field's value looks like: links work, nothing else does.
func FieldHTML(value string) string {
	html := FormatText(value, TextOptions{}).HTML
	return strings.TrimSuffix(strings.TrimPrefix(html, "<p>"), "</p>")
}

// applyPreferences changes what only the member herself sees.
func (s *Service) applyPreferences(ctx context.Context, tx *store.Tx, a *store.Account, c ProfileChange) error {
	u, err := tx.User(ctx, a.ID)
	if err != nil {
		return err
	}
	before := *u
	if c.HideCollections != nil {
		u.HideCollections = *c.HideCollections
	}
	if c.DefaultSensitive != nil {
		u.DefaultSensitive = *c.DefaultSensitive
	}
	if c.Shortcuts != nil {
		u.ShortcutsOff = !*c.Shortcuts
	}
	if c.DefaultVisibility != nil {
		u.DefaultVisibility = *c.DefaultVisibility
	}
	if c.DefaultLanguage != nil {
		u.DefaultLanguage = *c.DefaultLanguage
	}
	if c.Language != nil {
		u.Language = *c.Language
	}
	if *u == before {
		return nil
	}
	return tx.UpdateUser(ctx, u)
}
