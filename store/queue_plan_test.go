package store_test

import (
	"context"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// Every statement of the queue finds its rows by an index, on both databases,
// on a SQLite file that was never analysed too.
func TestQueuePlans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		tables := map[string]bool{"jobs": true, "lanes": true, "sent": true, "dead_jobs": true, "j": true, "k": true, "l": true}
		if db.Postgres() {
			// An empty table is scanned whatever its indexes are.
			deadHosts(t, db, 2000, 2)
			if err := db.Tx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `ANALYZE jobs, lanes`)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for name, read := range store.QueueTexts() {
			plan, err := db.Plan(ctx, read.Text, read.Args...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for line := range strings.Lines(plan) {
				words := strings.Fields(line)
				scan := len(words) > 1 && words[0] == "SCAN" && tables[words[1]] && !strings.Contains(line, "USING")
				if scan || strings.Contains(line, "Seq Scan") {
					t.Errorf("%s: %s in\n%s", name, strings.TrimSpace(line), plan)
				}
				if strings.Contains(line, "TEMP B-TREE FOR ORDER BY") && !strings.Contains(name, "park") {
					t.Errorf("%s sorts:\n%s", name, plan)
				}
			}
		}
	})
}

// deadHosts fills the queue: every host has eight lanes with so many jobs each.
func deadHosts(t testing.TB, db *store.DB, hosts, jobs int) {
	t.Helper()
	ctx := context.Background()
	if err := db.Tx(ctx, func(tx *store.Tx) error {
		now := tx.Now.UnixMilli()
		if _, err := tx.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT) - 1)
			INSERT INTO lanes (lane, host, due_at, failures) SELECT 'dead' || (i / 8) || '.example#' || (i % 8), 'dead' || (i / 8) || '.example', CAST($2 AS BIGINT) + i, 3 FROM n`,
			hosts*8, now+3_600_000); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT) - 1)
			INSERT INTO jobs (id, lane, kind, object_id, target)
			SELECT CAST($2 AS BIGINT) + i, 'dead' || (i / 8 % $3) || '.example#' || (i % 8), 'create', i, 'https://dead' || (i / 8 % $3) || '.example/inbox' FROM n`,
			hosts*8*jobs, int64(store.FirstID(tx.Now.AddDate(0, 0, -1))), hosts)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
