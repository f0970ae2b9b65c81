package store_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// plansOfPosts says for each statement by which index SQLite must find its rows, in a file that was never analysed, and whether
// they come in order by themselves.
var plansOfPosts = map[string]struct {
	index  string
	sorted bool
}{
	"post":                      {"p USING INDEX sqlite_autoindex_posts_1 (id=?)", true},
	"post for a server":         {"p USING INDEX sqlite_autoindex_posts_1 (id=?)", true},
	"post by uri":               {"p USING INDEX posts_uri (uri=?)", true},
	"boost by":                  {"p USING INDEX posts_boost_once (author_id=? AND boost_of_id=?)", true},
	"public":                    {"p USING INDEX posts_public (id>? AND id<?)", true},
	"public here":               {"p USING INDEX posts_public_here (id>? AND id<?)", true},
	"public elsewhere":          {"p USING INDEX posts_public (id>? AND id<?)", true},
	"tag":                       {"g USING COVERING INDEX sqlite_autoindex_post_tags_1 (tag_id=? AND post_id>? AND post_id<?)", true},
	"circle":                    {"p USING INDEX posts_circle (circle_id=? AND id>? AND id<?)", true},
	"circle for a server":       {"p USING INDEX posts_circle (circle_id=? AND id>? AND id<?)", true},
	"home":                      {"t USING COVERING INDEX sqlite_autoindex_timeline_1 (account_id=? AND post_id>? AND post_id<?)", true},
	"home upwards":              {"t USING COVERING INDEX sqlite_autoindex_timeline_1 (account_id=? AND post_id>? AND post_id<?)", true},
	"wide home":                 {"q USING INDEX posts_circle (circle_id=? AND id>? AND id<?)", false},
	"own account":               {"q USING INDEX posts_author_id (author_id=? AND id>? AND id<?)", true},
	"account of a stranger":     {"q USING INDEX posts_author_public (author_id=? AND id>? AND id<?)", false},
	"account of one followed":   {"q USING INDEX posts_author_followers (author_id=? AND id>? AND id<?)", false},
	"pins":                      {"z USING INDEX sqlite_autoindex_pins_1 (account_id=?)", false},
	"account look":              {"q USING COVERING INDEX posts_author_circle (author_id=? AND circle_id=?)", false},
	"thread":                    {"p USING INDEX posts_root (root_id=?)", true},
	"boosters":                  {"p USING INDEX posts_boost (boost_of_id=? AND id>? AND id<?)", true},
	"replies":                   {"p USING INDEX posts_reply (reply_to_id=? AND id>? AND id<?)", true},
	"before insert":             {"posts USING INDEX posts_reply_uri (reply_to_uri=?)", true},
	"flags":                     {"posts USING INDEX posts_boost_once (author_id=? AND boost_of_id>? AND boost_of_id<?)", true},
	"wide circles":              {"m USING INDEX memberships_account (account_id=?)", false},
	"fan-out to followers":      {"f USING INDEX follows_target (target_id=? AND account_id>?)", true},
	"fan-out to named":          {"n USING COVERING INDEX sqlite_autoindex_post_recipients_1 (post_id=? AND account_id>?)", true},
	"fan-out to circle members": {"m USING INDEX memberships_host (circle_id=? AND host=? AND account_id>?)", true},
	"views: media":              {"m USING INDEX media_post (post_id=?)", false},
	"views: mentions":           {"r USING INDEX sqlite_autoindex_post_recipients_1 (post_id=?)", true},
	"views: tags":               {"g USING INDEX post_tags_post (post_id=?)", false},
	"views: originals":          {"p USING INDEX sqlite_autoindex_posts_1 (id=?)", true},
}

// scan is a step that reads a whole table; what SQLite scans besides are results of other steps.
var scan = regexp.MustCompile(`(?m)^SCAN (?:u|r|zc|w|a\d+|CONSTANT ROW)( LEFT-JOIN)?$`)

func TestPlansOfPosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		reads := store.PostReads(3, 4, 5, 6)
		if len(reads) != len(plansOfPosts) {
			t.Errorf("%d statements, and %d plans", len(reads), len(plansOfPosts))
		}
		for _, read := range reads {
			plan, err := db.Plan(context.Background(), read.Text, read.Args...)
			if err != nil {
				t.Errorf("%s: %v", read.Name, err)
				continue
			}
			if db.Postgres() {
				if strings.Contains(plan, "Seq Scan") {
					t.Errorf("%s reads a whole table:\n%s", read.Name, plan)
				}
				continue
			}
			want, ok := plansOfPosts[read.Name]
			if !ok || !strings.Contains(plan, "SEARCH "+want.index) {
				t.Errorf("%s does not use %q:\n%s", read.Name, want.index, plan)
			}
			if strings.Contains(scan.ReplaceAllString(plan, ""), "SCAN ") {
				t.Errorf("%s reads a whole table:\n%s", read.Name, plan)
			}
			if want.sorted && strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s sorts:\n%s", read.Name, plan)
			}
		}
	})
}
