package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// Each kind of row goes when its time has come, and not before.
func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := newClock(db)
		ctx := context.Background()
		files, err := store.OpenFiles(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = files.Close() })
		var names []string
		for range 2 {
			name, err := store.NewFileName("png")
			if err != nil {
				t.Fatal(err)
			}
			if err := files.Put(ctx, name, strings.NewReader("picture")); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		ms := now.ms.Load()
		const hour = int64(time.Hour / time.Millisecond)
		// Each statement gets $1 a number that makes the row distinct, $2 a
		// time; kept is how many hours such a row lives, beyond that time.
		rows := map[string]struct {
			kept   int64
			insert string
		}{
			"sessions":         {0, `INSERT INTO sessions (id, token_hash, account_id, user_agent, created_at, used_at, expires_at) VALUES ($1, CAST(CAST($1 AS BIGINT) AS TEXT), 1, '', 1, 1, $2)`},
			"verifications":    {24, `INSERT INTO verifications (id, account_id, purpose, address, created_at, expires_at) VALUES ($1, 1, 'confirm', '', 1, $2)`},
			"links":            {720, `INSERT INTO links (token_hash, purpose, created_at, expires_at) VALUES (CAST(CAST($1 AS BIGINT) AS TEXT), 'invite', 1, $2)`},
			"oauth_codes":      {24, `INSERT INTO oauth_codes (code_hash, app_id, account_id, redirect_uri, scopes, challenge, expires_at) VALUES (CAST(CAST($1 AS BIGINT) AS TEXT), 1, 1, '', '', '', $2)`},
			"tokens":           {720, `INSERT INTO tokens (id, token_hash, app_id, account_id, scopes, created_at, revoked_at) VALUES ($1, CAST(CAST($1 AS BIGINT) AS TEXT), 1, 1, '', 1, $2)`},
			"apps":             {168, `INSERT INTO apps (id, name, website, client_id, secret_hash, redirect_uris, scopes, created_at) VALUES ($1, '', '', CAST(CAST($1 AS BIGINT) AS TEXT), '', '', '', $2)`},
			"idempotency_keys": {24, `INSERT INTO idempotency_keys (account_id, key, post_id, created_at) VALUES (1, CAST(CAST($1 AS BIGINT) AS TEXT), 1, $2)`},
			"seen_activities":  {720, `INSERT INTO seen_activities (uri, seen_at) VALUES (CAST(CAST($1 AS BIGINT) AS TEXT), $2)`},
			"tombstones":       {720, `INSERT INTO tombstones (uri, host, deleted_at) VALUES (CAST(CAST($1 AS BIGINT) AS TEXT), '', $2)`},
			"dead_jobs":        {720, `INSERT INTO dead_jobs (id, lane, kind, object_id, target, attempts, last_error, died_at) VALUES ($1, '', '', 1, '', 1, '', $2)`},
			"activities":       {2160, `INSERT INTO activities (id, kind, actor_id, created_at) VALUES (CAST($2 AS BIGINT) * 65536 + CAST($1 AS BIGINT), 'like', 1, 1)`},
			"media":            {24, `INSERT INTO media (id, account_id, mime, created_at) VALUES ($1, 1, 'image/png', $2)`},
		}
		run := func(text string, args ...any) {
			t.Helper()
			if err := db.Tx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, text, args...)
				return err
			}); err != nil {
				t.Fatal(text, err)
			}
		}
		count := func(table string) (n int) {
			t.Helper()
			if err := db.Scan(ctx, []any{&n}, `SELECT COUNT(*) FROM `+table); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, r := range rows {
			run(r.insert, 10, ms-r.kept*hour-1000)
			run(r.insert, 11, ms-r.kept*hour+1000)
		}
		run(`INSERT INTO apps (id, name, website, client_id, secret_hash, redirect_uris, scopes, created_at) VALUES (1, '', '', 'used', '', '', '', 1)`)
		run(`INSERT INTO activities (id, kind, actor_id, created_at) VALUES (1, 'end_membership', 1, 1)`)
		run(`UPDATE media SET file = $1 WHERE id = 10`, names[0])
		run(`UPDATE media SET file = $1 WHERE id = 11`, names[1])
		run(`INSERT INTO media (id, account_id, post_id, mime, created_at) VALUES (12, 1, 1, 'image/png', 1)`)
		run(`INSERT INTO lanes (lane, host, due_at, leased_until) VALUES ('busy', '', 1, 0), ('idle', '', NULL, 0), ('leased', '', NULL, $1)`, ms)
		for post, deleted := range map[int64]any{20: ms - 721*hour, 21: ms - 719*hour, 22: nil} {
			run(`INSERT INTO posts (id, uri, author_id, host, visibility, root_id, created_at, deleted_at) VALUES ($1, $2, 1, '', 'public', $1, 1, $3)`, post, fmt.Sprint("u", post), deleted)
			run(`INSERT INTO sent (post_id, inbox, host, attempted_at) VALUES ($1, 'i', 'h', 1), ($1, 'j', 'h', 1)`, post)
		}
		// More than one slice.
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			for i := range 2500 {
				if _, err := tx.Exec(ctx, rows["seen_activities"].insert, 1000+i, 5); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}

		for range 2 { // the second finds nothing
			if err := db.Sweep(ctx, files); err != nil {
				t.Fatal(err)
			}
			for table := range rows {
				want := map[string]int{"apps": 2, "activities": 2, "media": 2}[table]
				if got := count(table); got != max(want, 1) {
					t.Errorf("%s: %d rows are left, want %d", table, got, max(want, 1))
				}
			}
			if got := count("lanes"); got != 2 {
				t.Errorf("%d lanes are left", got)
			}
			if got := count("sent WHERE post_id = 20"); got != 0 {
				t.Errorf("%d rows of a post deleted long ago", got)
			}
			if got := count("sent"); got != 4 {
				t.Errorf("%d rows of sent are left", got)
			}
		}
		for i, name := range names {
			f, _, _, err := files.Open(name)
			if (err == nil) != (i == 1) {
				t.Errorf("file %d: %v", i, err)
			}
			if err == nil {
				_ = f.Close()
			}
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := db.Sweep(cancelled, files); err == nil {
			t.Error("a sweep without time reported nothing")
		}
	})
}
