package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Count runs a SELECT of one number.
func (r reader) Count(ctx context.Context, text string, args ...any) (n int, err error) {
	err = r.queryRow(ctx, text, args...).Scan(scanInt(&n))
	return n, err
}

// ForgetWideCircles makes the next Home look for wide circles again, as it does after a second.
func (db *DB) ForgetWideCircles() { db.recent.wide.learn(false, time.Time{}) }

// PostRead is a statement of which tests assert the plan, with the arguments of a usual run.
type PostRead struct {
	Name, Text string
	Args       []any
}

// PostReads are the statements behind every timeline, thread and single read of posts.
func PostReads(me, author, circle, post ID) []PostRead {
	v, now, top := AsAccount(me), int64(1<<42), int64(1<<62)
	base := []any{now, v.arg(), top, int64(0), int64(20)}
	with := func(extra ...any) []any { return append(append([]any(nil), base...), extra...) }
	account := with(int64(author), 0, 0, 0, 0)
	arms := armTextFor
	server := Viewer{kind: viewServer, host: "b.example"}
	reads := []PostRead{
		{"post", postByID.of(v), []any{now, v.arg(), int64(post)}},
		{"post for a server", postByID.of(server), []any{now, server.arg(), int64(post)}},
		{"post by uri", postByURI.of(v), []any{now, v.arg(), "x"}},
		{"boost by", postBoostBy, []any{int64(post), int64(me)}},
		{"public", publicPages.down.of(v), with(0)},
		{"public here", publicHerePages.down.of(v), with(0)},
		{"public elsewhere", publicElsewherePages.down.of(v), with(0)},
		{"tag", tagPages.down.of(v), with(0, int64(1), 0, 0)},
		{"circle", circlePages.down.of(v), with(int64(circle))},
		{"circle for a server", circlePages.down.of(server), append([]any{now, server.arg()}, with(int64(circle))[2:]...)},
		{"home", homePages.down.of(v), base},
		{"home upwards", homePages.up.of(v), base},
		{"wide home", arms(armKey{home: true, circles: 4}), with(int64(circle), -1, -1, -1)},
		{"own account", ownPages.down.of(v), account},
		{"account of a stranger", arms(armKey{relation: relationNamed, circles: 1}), append(account, int64(circle))},
		{"account of one followed", arms(armKey{relation: relationFollower}), account},
		{"pins", pinnedPosts.of(v), []any{now, v.arg(), int64(author)}},
		{"account look", accountLook, []any{int64(me), int64(author)}},
		{"thread", threadPosts.of(v), []any{now, v.arg(), int64(post)}},
		{"boosters", threadBoosters.down.of(v), with(int64(post))},
		{"replies", threadReplies.down.of(v), with(int64(post))},
		{"before insert", postBefore, []any{"a", "b", int64(1), int64(2)}},
		{"flags", flagsBetween, []any{int64(me), int64(1), top}},
		{"wide circles", wideCirclesOf, []any{int64(me)}},
	}
	for name, text := range map[string]string{"followers": fanOutFollowers, "named": fanOutNamed, "circle members": fanOutCircle} {
		reads = append(reads, PostRead{"fan-out to " + name, text, []any{now, int64(post), int64(author), int64(0)}})
	}
	for name, text := range map[string]*inText{"media": viewMedia, "mentions": viewMentions, "tags": viewTags} {
		reads = append(reads, PostRead{"views: " + name, text[0], []any{int64(post)}})
	}
	return append(reads, PostRead{"views: originals", viewRelated[0][1], []any{now, v.arg(), 1, 2, 3, 4}})
}

// Plan explains a statement: one step a line. PostgreSQL is told to avoid reading whole tables, which it prefers while they are
// small: where it does all the same, an index is missing.
func (db *DB) Plan(ctx context.Context, text string, args ...any) (string, error) {
	lines, err := db.explain(ctx, []string{"enable_seqscan"}, text, args)
	return strings.Join(lines, "\n"), err
}

// explain answers the steps of a plan, made by PostgreSQL without what off names.
func (db *DB) explain(ctx context.Context, off []string, text string, args []any) ([]string, error) {
	var lines []string
	err := db.Tx(ctx, func(tx *Tx) error {
		explain := "EXPLAIN QUERY PLAN "
		if db.Postgres() {
			explain = "EXPLAIN "
			for _, setting := range off {
				if _, err := tx.exec(ctx, `SET LOCAL `+setting+` = off`); err != nil {
					return err
				}
			}
		}
		rows, err := tx.query(ctx, explain+text, args...)
		return each(rows, err, func(rows *sql.Rows) error {
			var a, b, c any
			var line string
			if db.Postgres() {
				err = rows.Scan(&line)
			} else {
				err = rows.Scan(&a, &b, &c, &line)
			}
			lines = append(lines, line)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return lines, nil
}
