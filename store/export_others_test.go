package store

import "context"

// OthersVersion is what changes when another process writes to an SQLite file.
func (db *DB) OthersVersion(ctx context.Context) (int64, error) { return db.othersVersion(ctx) }
