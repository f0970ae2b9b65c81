package store

import (
	"strings"
	"testing"
	"time"
)

func TestKindsWritten(t *testing.T) {
	for text, want := range map[string]kinds{
		updateAccount: ofAccounts | ofCounts, insertAccount: ofAccounts | ofCounts, tombstoneAccount: ofAccounts | ofCounts,
		suspendAccount: ofAccounts | ofCounts, suspendPair: ofAccounts | ofCounts, addFollower: ofCounts, authorCounts: ofCounts,
		insertUser: ofUsers, setConfirmed: ofUsers, deleteUser: ofUsers, touchActive: ofUsers,
		insertToken: ofTokens, revokeTokenByValue: ofTokens, revokeTokens: ofTokens,
		setPolicy: ofPolicies, dropPolicy: ofPolicies,
		tokenByValue: 0, policiesOf: 0, insertApp: ofApps, deleteFollow: ofFollows,
		"WITH x AS (UPDATE users SET role = 'a' RETURNING account_id) DELETE FROM tokens": ofUsers | ofTokens,
	} {
		if got := kindsWritten(text); got != want {
			t.Errorf("%s: %b, want %b", text, got, want)
		}
	}
	for text := range countsOnly {
		_, set, _ := strings.Cut(text, "SET ")
		set, _, _ = strings.Cut(set, " WHERE ")
		for _, column := range []string{"followers_count = ", "following_count = ", "posts_count = ", "last_post_at = "} {
			set = strings.ReplaceAll(set, column, "")
		}
		if strings.Contains(set, " = ") {
			t.Errorf("writes to other columns too: %s", text)
		}
	}
}

// TestRowsOfKindsChangeByStatementsAlone: no trigger and no foreign key changes a table that is remembered.
func TestRowsOfKindsChangeByStatementsAlone(t *testing.T) {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"TRIGGER", "CASCADE", "SET NULL", "SET DEFAULT"} {
			if strings.Contains(strings.ToUpper(string(text)), word) {
				t.Errorf("%s says %s", f.Name(), word)
			}
		}
	}
}

func TestRemembered(t *testing.T) {
	var now editions
	m := newRemembered[string, int](&now, ofUsers|ofTokens, 4)
	m.moment = time.Hour
	before := m.edition()
	m.put("a", 1, before)
	if v, ok := m.get("a"); !ok || v != 1 {
		t.Error("not remembered", v, ok)
	}
	now.written(ofAccounts)
	if _, ok := m.get("a"); !ok {
		t.Error("forgotten for another table")
	}
	now.written(ofTokens)
	if _, ok := m.get("a"); ok {
		t.Error("remembered after a write")
	}
	m.put("a", 1, before) // read before the write, put after it
	if _, ok := m.get("a"); ok {
		t.Error("an old reading is believed")
	}
	for i := range 100 {
		m.put(strings.Repeat("x", i), i, m.edition())
	}
	if n := len(m.young) + len(m.older); n > 8 {
		t.Errorf("%d are kept", n)
	}
	m.moment = 0
	m.put("b", 1, m.edition())
	if _, ok := m.get("b"); ok {
		t.Error("remembered for longer than its moment")
	}
}
