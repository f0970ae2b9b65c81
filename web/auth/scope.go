package auth

import (
	"slices"
	"strings"
)

// The scopes a client can ask for. A parent covers its children; follow is the old name of three.
var scopeChildren = map[string][]string{
	"read":  {"accounts", "blocks", "bookmarks", "favourites", "filters", "follows", "lists", "me", "mutes", "notifications", "search", "statuses", "collections"},
	"write": {"accounts", "blocks", "bookmarks", "conversations", "favourites", "filters", "follows", "lists", "media", "mutes", "notifications", "reports", "statuses", "collections"},
}

var legacyFollow = []string{"read:blocks", "write:blocks", "read:follows", "write:follows", "read:mutes", "write:mutes"}

// knownScope tells whether s is a scope we give.
func knownScope(s string) bool {
	if slices.Contains([]string{"read", "write", "follow", "push", "profile"}, s) {
		return true
	}
	parent, child, found := strings.Cut(s, ":")
	return found && slices.Contains(scopeChildren[parent], child)
}

// AllScopes lists every scope we give, for the server's metadata.
func AllScopes() []string {
	out := []string{"read", "write", "follow", "push", "profile"}
	for _, parent := range []string{"read", "write"} {
		for _, child := range scopeChildren[parent] {
			out = append(out, parent+":"+child)
		}
	}
	return out
}

// covers tells whether granted scopes, separated by spaces, include scope.
func covers(granted, scope string) bool {
	for g := range strings.FieldsSeq(granted) {
		if g == scope || strings.HasPrefix(scope, g+":") {
			return true
		}
		if g == "follow" && slices.Contains(legacyFollow, scope) {
			return true
		}
		if scope == "profile" && (g == "read" || g == "read:accounts" || g == "read:me") {
			return true
		}
	}
	return false
}

// within tells whether every scope of asked is covered by granted.
func within(asked, granted string) bool {
	for s := range strings.FieldsSeq(asked) {
		if !covers(granted, s) {
			return false
		}
	}
	return true
}

// cleanScopes reads a list of scopes, separated by spaces or plus signs: each once, unknown ones
// refused. No scope is read.
func cleanScopes(raw string) (string, bool) {
	var out []string
	for s := range strings.FieldsSeq(strings.ReplaceAll(raw, "+", " ")) {
		if strings.HasPrefix(s, "admin:") {
			continue // clients ask for them unconditionally; nobody is given them here
		}
		if !knownScope(s) {
			return "", false
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "read", true
	}
	return strings.Join(out, " "), true
}
