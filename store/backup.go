package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"
	"time"
)

// A backup is a tar archive that can be restored into either kind of
// database: backup.json, then rows/TABLE.N.jsonl (a line with the columns'
// names, then a line for each row), then media/NAME, and end.json, which
// proves that it is whole. The instance's secrets are not in it.
const (
	backupFormat = 1
	headEntry    = "backup.json"
	endEntry     = "end.json"
	rowsFolder   = "rows/"
	mediaFolder  = "media/"
	// chunkSize is about how much of a table one entry holds.
	chunkSize = 1 << 20
)

// backupTables are all tables whose rows are worth keeping. Those that are
// not: process numbers, copies of others' media, and the schema's version.
var backupTables = []string{
	"accounts", "account_words", "actor_keys", "users", "sessions", "verifications", "links", "apps", "tokens", "oauth_codes",
	"seats", "circles", "circle_hosts", "memberships", "bars", "posts", "post_edits", "post_recipients", "tags", "post_tags",
	"media", "follows", "blocks", "mutes", "account_notes", "thread_mutes", "likes", "bookmarks", "pins", "timeline", "wide_circles",
	"notifications", "markers", "idempotency_keys", "activities", "seen_activities", "tombstones", "jobs", "lanes", "dead_jobs", "sent",
	"hosts", "domain_policies", "domain_mutes", "rules", "audit", "settings",
}

// leftOut are the tables that a backup does not hold.
var leftOut = []string{"processes", "media_cache", versionTable}

// backupHead is what backup.json says.
type backupHead struct {
	Format  int       `json:"format"`
	Program string    `json:"program"`
	Schema  int64     `json:"schema"`
	Created time.Time `json:"created"`
}

// backupEnd is what end.json says: how much there is, and the SHA-256 of
// the names and contents of all entries before.
type backupEnd struct {
	BackupStats
	SHA256 string `json:"sha256"`
}

// BackupStats tells how much a backup holds.
type BackupStats struct {
	Rows  int64 `json:"rows"`
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"` // of the entries
}

// Backup writes an archive of all rows, as they are at one moment, and of the
// media. Others go on reading and writing meanwhile. The secrets of the
// instance, without which the keys in it cannot be opened, are kept elsewhere.
func Backup(ctx context.Context, db *DB, files *Files, w io.Writer) (BackupStats, error) {
	a := &archive{tar: tar.NewWriter(w), sum: sha256.New(), now: db.Now()}
	err := a.write(ctx, db, files)
	if err != nil {
		return a.stats, fmt.Errorf("back up: %w", err)
	}
	return a.stats, nil
}

// archive is a backup being written.
type archive struct {
	tar   *tar.Writer
	sum   hash.Hash
	now   time.Time
	stats BackupStats
}

func (a *archive) write(ctx context.Context, db *DB, files *Files) error {
	schema, err := db.schemaVersion(ctx)
	if err != nil {
		return err
	}
	head := backupHead{Format: backupFormat, Program: "cohort", Schema: schema, Created: a.now.UTC()}
	if err := a.json(headEntry, head); err != nil {
		return err
	}
	if err := a.rows(ctx, db); err != nil {
		return err
	}
	if files != nil {
		if err := a.media(ctx, db, files); err != nil {
			return err
		}
	}
	end := backupEnd{BackupStats: a.stats, SHA256: hex.EncodeToString(a.sum.Sum(nil))}
	if err := a.json(endEntry, end); err != nil {
		return err
	}
	return a.tar.Close()
}

// json writes an entry that describes the archive.
func (a *archive) json(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.entry(name, int64(len(text)), bytes.NewReader(text))
}

// entry writes one file of the archive and adds it to the sum.
func (a *archive) entry(name string, size int64, r io.Reader) error {
	header := &tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: a.now, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(header); err != nil {
		return err
	}
	sumEntry(a.sum, name, size)
	if _, err := io.Copy(io.MultiWriter(a.tar, a.sum), io.LimitReader(r, size)); err != nil {
		return err
	}
	a.stats.Bytes += size
	return nil
}

// sumEntry separates the entries in the sum, so that no two archives have the
// same one.
func sumEntry(sum hash.Hash, name string, size int64) {
	fmt.Fprintf(sum, "\n%s %d\n", name, size)
}

// rows writes every table as it is at one moment.
func (a *archive) rows(ctx context.Context, db *DB) error {
	options := &sql.TxOptions{ReadOnly: true}
	if !db.sqlite {
		// In SQLite a reading transaction is a snapshot already.
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.reads.db.BeginTx(ctx, options)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	if !db.sqlite {
		if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return translate(err)
		}
	}
	for _, table := range backupTables {
		if err := a.table(ctx, tx, table); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return nil
}

func (a *archive) table(ctx context.Context, tx *sql.Tx, table string) error {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	chunk := &chunkWriter{archive: a, table: table, columns: columns}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := chunk.add(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return translate(err)
	}
	return chunk.flush()
}

// chunkWriter collects rows until they are worth an entry.
type chunkWriter struct {
	*archive
	table   string
	columns []string
	n       int
	buf     bytes.Buffer
}

func (c *chunkWriter) add(values []any) error {
	if c.buf.Len() == 0 {
		if err := c.line(c.columns); err != nil {
			return err
		}
	}
	for i, v := range values {
		switch v := v.(type) {
		case nil, int64, string:
		case []byte:
			values[i] = string(v)
		case bool, float64, time.Time:
			return fmt.Errorf("column %s holds a %T", c.columns[i], v)
		}
	}
	if err := c.line(values); err != nil {
		return err
	}
	c.stats.Rows++
	if c.buf.Len() < chunkSize {
		return nil
	}
	return c.flush()
}

func (c *chunkWriter) line(v any) error {
	encoder := json.NewEncoder(&c.buf)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func (c *chunkWriter) flush() error {
	if c.buf.Len() == 0 {
		return nil
	}
	c.n++
	err := c.entry(fmt.Sprintf("%s%s.%d.jsonl", rowsFolder, c.table, c.n), int64(c.buf.Len()), &c.buf)
	c.buf.Reset()
	return err
}

// media writes the files, without the copies of others' media, which can be
// fetched again.
func (a *archive) media(ctx context.Context, db *DB, files *Files) error {
	copies := map[string]bool{}
	rows, err := db.query(ctx, `SELECT file FROM media_cache`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		copies[name] = true
		return err
	})
	if err != nil {
		return err
	}
	return files.Walk(ctx, func(f StoredFile) error {
		if copies[f.Name] {
			return nil
		}
		content, size, _, err := files.Open(f.Name)
		if errors.Is(err, ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		a.stats.Files++
		return errors.Join(a.entry(mediaFolder+f.Name, size, content), content.Close())
	})
}

// tableOf is the table of an entry of rows, and false for other entries.
func tableOf(entry string) (string, bool) {
	name, ok := strings.CutPrefix(entry, rowsFolder)
	if !ok {
		return "", false
	}
	table, rest, _ := strings.Cut(name, ".")
	for _, known := range backupTables {
		if table == known && strings.HasSuffix(rest, ".jsonl") {
			return table, true
		}
	}
	return "", false
}
