package pages

import (
	"html/template"
	"strings"

	"golang.org/x/net/html"
)

// excerptRunes is how much of a post stands in for all of it.
const excerptRunes = 140

// plain is the beginning of a post without any markup.
func plain(text template.HTML) string {
	var b strings.Builder
	count := 0
	z := html.NewTokenizer(strings.NewReader(string(text)))
	for count < excerptRunes {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			for _, r := range string(z.Text()) {
				if count++; count > excerptRunes {
					break
				}
				b.WriteRune(r)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); string(name) == "br" || string(name) == "p" {
				b.WriteByte(' ')
			}
		}
	}
	return strings.TrimSpace(b.String()) + "…"
}

// paragraphs splits a text at empty lines.
func paragraphs(text string) []string {
	return strings.Split(strings.TrimSpace(text), "\n\n")
}

// fieldRow is a numbered line of the profile's table.
type fieldRow struct {
	N int
	PlainField
}

// fieldRows fills up the lines in use with empty ones.
func fieldRows(used []PlainField, limit int) []fieldRow {
	rows := make([]fieldRow, max(limit, len(used)))
	for i := range rows {
		rows[i].N = i + 1
		if i < len(used) {
			rows[i].PlainField = used[i]
		}
	}
	return rows
}
