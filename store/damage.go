package store

import (
	"context"
	"database/sql"
	"fmt"
)

// A damaged page is noticed when it is read, and a large file cannot be read as
// a whole before serving. So Open looks at all of a small one, and at the
// beginning of every table of a large one; the rest is CheckAll's.
const checkWhole = 4 << 20 // bytes

// SQL for looking at a SQLite file.
const (
	quickCheck = `PRAGMA quick_check(1)`
	allTables  = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`
)

// checkFirst looks at what Open has the time for. PostgreSQL looks after its
// own files.
func (db *DB) checkFirst(ctx context.Context) error {
	if !db.sqlite {
		return nil
	}
	size, err := db.Size(ctx)
	if err != nil {
		return err
	}
	if size <= checkWhole {
		return db.quickCheck(ctx, quickCheck)
	}
	return db.eachTable(ctx, func(table string) error {
		rows, err := db.query(ctx, `SELECT * FROM `+table+` LIMIT 1`)
		return each(rows, err, func(*sql.Rows) error { return nil })
	})
}

// CheckAll reads every page of a SQLite database, which can take minutes, a
// table at a time, since the log grows meanwhile. ErrCorrupt if one is damaged;
// Ready says so, too, from then on.
func (db *DB) CheckAll(ctx context.Context) error {
	if !db.sqlite {
		return nil
	}
	return db.eachTable(ctx, func(table string) error { return db.quickCheck(ctx, `PRAGMA quick_check(`+table+`)`) })
}

func (db *DB) eachTable(ctx context.Context, look func(table string) error) error {
	var tables []string
	rows, err := db.query(ctx, allTables)
	err = each(rows, err, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		tables = append(tables, name)
		return err
	})
	if err != nil {
		return db.condition.met(err)
	}
	for _, table := range tables {
		if err := look(table); err != nil {
			return fmt.Errorf("table %s: %w", table, db.condition.met(err))
		}
	}
	return nil
}

// quickCheck runs one form of the check, which ends when ctx does.
func (db *DB) quickCheck(ctx context.Context, text string) error {
	rows, err := db.reads.db.QueryContext(ctx, text) //nolint:sqlclosecheck // each closes them
	return db.condition.met(each(rows, translate(err), func(rows *sql.Rows) error {
		var found string
		if err := rows.Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("%w (%.200s)", ErrCorrupt, found)
		}
		return nil
	}))
}
