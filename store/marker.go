package store

import (
	"context"
	"database/sql"
	"time"
)

// Marker is how far an account has read a timeline.
type Marker struct {
	Timeline   string // home or notifications
	LastReadID ID
	Version    int
	UpdatedAt  time.Time
}

func (m *Marker) dest() []any {
	return []any{&m.Timeline, scanID(&m.LastReadID), scanInt(&m.Version), scanMS(&m.UpdatedAt)}
}

// SQL for markers.
const (
	markersOf = `SELECT timeline, last_read_id, version, updated_at FROM markers WHERE account_id = $1`
	setMarker = `INSERT INTO markers (account_id, timeline, last_read_id, version, updated_at) VALUES ($1, $2, $3, 1, $4)
ON CONFLICT (account_id, timeline) DO UPDATE SET last_read_id = excluded.last_read_id, version = markers.version + 1, updated_at = excluded.updated_at
RETURNING timeline, last_read_id, version, updated_at`
)

// Markers returns the markers of an account by timeline.
func (r reader) Markers(ctx context.Context, account ID) (map[string]Marker, error) {
	found := map[string]Marker{}
	rows, err := r.query(ctx, markersOf, int64(account))
	err = each(rows, err, func(rows *sql.Rows) error {
		var m Marker
		err := rows.Scan(m.dest()...)
		found[m.Timeline] = m
		return err
	})
	return found, err
}

// SetMarker notes how far an account has read and returns the marker with its
// new version.
func (tx *Tx) SetMarker(ctx context.Context, account ID, timeline string, lastRead ID) (Marker, error) {
	var m Marker
	err := tx.queryRow(ctx, setMarker, int64(account), timeline, int64(lastRead), tx.Now.UnixMilli()).Scan(m.dest()...)
	return m, err
}
