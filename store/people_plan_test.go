package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// parts are what a plan may read from end to end, by read: the rows that a part of the statement has found and limited,
// a single row, or, for the media that were not used for longest, the beginning of an index.
var parts = map[string]string{
	"local followers": "t", "local members": "t", "inboxes knowing": "d", "liked, down": "k", "liked, up": "k", "bookmarks": "k",
	"oldest media": "media_cache", "may sit, account": "CONSTANT", "may sit, signer": "CONSTANT", "may sit, server": "CONSTANT", "wants": "CONSTANT",
	"notifications, down": "u", "notifications, up": "u", "notifications of kinds": "k0 k1 k2 k3 k4 k5 k6 k7 u", "notifications by": "u", "unread": "unread",
	"hosts": "h", "domains": "h", "accounts by word": "w c", "tags": "u",
}

// indexes are those that a read has to take on SQLite, where statistics do not help it to find the right one.
var indexes = map[string]string{
	"followers, down": "f USING INDEX follows_target_page", "requests, down": "f USING INDEX follows_waiting", "watchers": "follows_notify",
	"local followers": "f USING INDEX follows_target", "seat for": "s USING INDEX seats_account", "notifications, down": "c USING COVERING INDEX notifications_account",
	"notifications of kinds": "c USING COVERING INDEX notifications_kind", "notifications by": "c USING INDEX notifications_once", "liked, down": "likes_account_page",
	"directory": "accounts_directory", "staff": "users_staff", "waiting users, down": "users_waiting", "waiting members, down": "memberships_waiting",
	"accounts by word": "account_words", "session": "s USING INDEX sessions_token", "token": "t USING INDEX tokens_hash", "leave home": "posts_author_id",
}

// Nothing that runs with a request reads a whole table, on a database that was never analysed either.
func TestPlansOfPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, read := range store.PeopleReads() {
			plan, err := db.PlanWithIndexes(context.Background(), read.Text, read.Args...)
			if err != nil {
				t.Errorf("%s: %v\n%s", read.Name, err, read.Text)
				continue
			}
			whole := slices.DeleteFunc(store.WholeReads(plan, db.Postgres()), func(s string) bool { return slices.Contains(strings.Fields(parts[read.Name]), s) })
			if len(whole) > 0 {
				t.Errorf("%s reads all of %s:\n%s", read.Name, strings.Join(whole, ", "), strings.Join(plan, "\n"))
			}
			if want := indexes[read.Name]; !db.Postgres() && !strings.Contains(strings.Join(plan, "\n"), want) {
				t.Errorf("%s does not take %s:\n%s", read.Name, want, strings.Join(plan, "\n"))
			}
		}
	})
}
