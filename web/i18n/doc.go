// Package i18n holds every text that people read, in every language the
// program speaks, and the few rules of writing that differ between languages:
// plurals, dates, how long ago, names of languages.
//
// It knows nothing about pages, mail or errors: those pass a key and values.
// Texts are plain; whoever puts them into HTML escapes them.
//
// A locale is one or more files locales/<code>.toml, locales/<code>.<part>.toml.
// A text is a string with {placeholders}, or, where a number changes the words,
// a table of plural forms chosen by the argument "count":
//
//	[post]
//	deleted = "The post is deleted."
//	replies = { one = "{count} reply", other = "{count} replies" }
//
// It is our own small reader and not a catalogue library because placeholders
// here are values, never templates, and because every text is checked when the
// tests run: that leaves a map and a plural rule, which golang.org/x/text knows
// for all languages. A new language is a new file.
//
// Start reading in i18n.go.
package i18n
