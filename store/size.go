package store

import "context"

const (
	sqliteSize   = `SELECT c.page_count * s.page_size FROM pragma_page_count() AS c, pragma_page_size() AS s`
	postgresSize = `SELECT pg_database_size(current_database())`
)

// Size is how many bytes the database takes on the disk; SQLite's log is not
// counted.
func (db *DB) Size(ctx context.Context) (size int64, err error) {
	text := sqliteSize
	if !db.sqlite {
		text = postgresSize
	}
	err = db.queryRow(ctx, text).Scan(&size)
	return size, err
}
