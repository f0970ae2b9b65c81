package social

import (
	"context"
	"html"
	"mime"
	"path"
	"strings"
)

// DiscardFiles removes what no row names any more, once that is committed. A file that cannot be removed is
// waste and nothing worse: it is logged.
func (s *Service) DiscardFiles(ctx context.Context, names ...string) {
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := s.Files.Remove(name); err != nil {
			s.Log.WarnContext(ctx, "file not removed", "file", name, "error", err)
		}
	}
}

// FileURL is where a stored file is served. Names are random: whoever has one was given it.
func (s *Service) FileURL(name string) string {
	if name == "" {
		return ""
	}
	return s.Config.BaseURL + "/media/" + name
}

// FileType is the media type of a stored file, by the extension we gave it.
func FileType(name string) string {
	kind, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(name)), ";")
	return kind
}

// titleHTML is the title of an article or page above its text, linked to where it can be read.
func titleHTML(title, url string) string {
	title = html.EscapeString(PlainText(title, 500))
	if title == "" {
		return ""
	}
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return "<p><strong>" + title + "</strong></p>"
	}
	return `<p><a href="` + html.EscapeString(url) + `" rel="nofollow noopener noreferrer" target="_blank"><strong>` + title + `</strong></a></p>`
}

const blurhashLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

// validBlurhash keeps a blurhash that has the form of one.
func validBlurhash(h string) string {
	if len(h) < 6 || len(h) > 200 || strings.Trim(h, blurhashLetters) != "" {
		return ""
	}
	return h
}
