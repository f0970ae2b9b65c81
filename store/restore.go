package store

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

var (
	// ErrNotEmpty says that a backup may only be restored into an instance
	// that has no rows and no media.
	ErrNotEmpty = errors.New("the instance is not empty: a backup is restored into a new database and an empty media folder")
	// ErrBadBackup says that the file is not a whole backup.
	ErrBadBackup = errors.New("this is not a whole backup of cohort")
)

const (
	maxHeadSize  = 64 << 10
	maxRowsSize  = 64 << 20 // of an entry of rows; a single row can be larger than chunkSize
	restoreBatch = 32       // rows of one INSERT
)

// Restore reads an archive of Backup into an empty instance of either kind,
// creating and migrating its database. The archive is checked as a whole
// before anything is written, and the rows are written in one transaction.
// mediaDir may be empty: then the media is left out. approve, if not nil, is
// asked about the settings in the archive before anything is written, and its
// error ends it.
//
// Errors: ErrBadBackup, ErrNotEmpty, ErrNewerSchema, and those of approve.
func Restore(ctx context.Context, path string, c Config, mediaDir string, approve func(settings map[string]string) error) (BackupStats, error) {
	stats, err := restore(ctx, path, c, mediaDir, approve)
	if err != nil {
		return stats, fmt.Errorf("restore %s: %w", path, err)
	}
	return stats, nil
}

func restore(ctx context.Context, path string, c Config, mediaDir string, approve func(map[string]string) error) (BackupStats, error) {
	head, stats, err := CheckBackup(ctx, path)
	if err != nil {
		return stats, err
	}
	if head > latestVersion() {
		return stats, ErrNewerSchema
	}
	if approve != nil {
		settings, err := backupSettings(ctx, path)
		if err == nil {
			err = approve(settings)
		}
		if err != nil {
			return stats, err
		}
	}
	if err := prepareEmpty(ctx, c, head); err != nil {
		return stats, err
	}
	db, err := open(ctx, c)
	if err != nil {
		return stats, err
	}
	r := &restorer{db: db, path: path}
	if mediaDir != "" {
		r.files, err = OpenFiles(mediaDir)
		if err != nil {
			return stats, errors.Join(err, db.closePools())
		}
		defer func() { _ = r.files.Close() }()
	}
	err = r.run(ctx)
	if err := errors.Join(err, db.closePools()); err != nil {
		return stats, err
	}
	return stats, migrate(ctx, c)
}

// prepareEmpty makes the schema as old as the backup's, in a database that
// holds nothing yet.
func prepareEmpty(ctx context.Context, c Config, schema int64) error {
	if file, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		if err := createSQLiteFile(file); err != nil {
			return err
		}
	}
	db, err := open(ctx, c)
	if err != nil && !errors.Is(err, ErrNeedsMigration) {
		return err
	}
	if err == nil {
		current, err := db.schemaVersion(ctx)
		if err == nil {
			err = db.checkEmpty(ctx)
			if err == nil && current > schema {
				err = ErrNotEmpty // its schema is ahead of the backup's
			}
		}
		err = errors.Join(err, db.closePools())
		if err != nil && !errors.Is(err, ErrNeedsMigration) {
			return err
		}
	}
	return up(ctx, c, schema)
}

// checkEmpty refuses a database that anything has been done with.
func (db *DB) checkEmpty(ctx context.Context) error {
	var n int
	err := db.queryRow(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) AS a)
		+ (SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) AS u) + (SELECT COUNT(*) FROM (SELECT 1 FROM posts LIMIT 1) AS p)
		+ (SELECT COUNT(*) FROM (SELECT 1 FROM settings LIMIT 1) AS s) + (SELECT COUNT(*) FROM (SELECT 1 FROM audit LIMIT 1) AS t)`).Scan(&n)
	if err == nil && n > 0 {
		err = ErrNotEmpty
	}
	return err
}

// CheckBackup reads a backup to its end and returns the version of its schema
// and how much it holds. ErrBadBackup if it is cut short, altered, or no backup.
func CheckBackup(ctx context.Context, path string) (schema int64, stats BackupStats, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, stats, err
	}
	defer f.Close()
	sum := sha256.New()
	var head backupHead
	var end backupEnd
	var got BackupStats
	err = eachEntry(ctx, f, func(name string, size int64, r io.Reader) error {
		if end.SHA256 != "" {
			return fmt.Errorf("%w: %.100q follows its end", ErrBadBackup, name)
		}
		switch {
		case name == headEntry:
			if err := readJSON(io.TeeReader(r, sumOf(sum, name, size)), size, &head); err != nil {
				return err
			}
		case head.Program != "cohort" || head.Format != backupFormat:
			return fmt.Errorf("%w: it begins with %.100q, or its format is unknown", ErrBadBackup, name)
		case name == endEntry:
			want := hex.EncodeToString(sum.Sum(nil))
			if err := readJSON(r, size, &end); err != nil {
				return err
			}
			if end.SHA256 != want {
				return fmt.Errorf("%w: its checksum is wrong", ErrBadBackup)
			}
			return nil
		default:
			sumEntry(sum, name, size)
			if _, err := io.Copy(sum, r); err != nil {
				return err
			}
		}
		got.Bytes += size
		if strings.HasPrefix(name, mediaFolder) {
			got.Files++
		}
		return nil
	})
	if err != nil {
		return 0, got, err
	}
	if end.SHA256 == "" {
		return 0, got, fmt.Errorf("%w: it is cut short", ErrBadBackup)
	}
	return head.Schema, end.BackupStats, nil
}

func sumOf(sum io.Writer, name string, size int64) io.Writer {
	fmt.Fprintf(sum, "\n%s %d\n", name, size)
	return sum
}

func readJSON(r io.Reader, size int64, v any) error {
	if size > maxHeadSize {
		return fmt.Errorf("%w: its description is too long", ErrBadBackup)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxHeadSize))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", ErrBadBackup, err)
	}
	return nil
}

// eachEntry visits the entries of an archive in order.
func eachEntry(ctx context.Context, r io.Reader, visit func(name string, size int64, r io.Reader) error) error {
	entries := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadBackup, err)
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%w: %.100q is no file", ErrBadBackup, header.Name)
		}
		if err := visit(header.Name, header.Size, entries); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("%w: %w", ErrBadBackup, err)
			}
			return err
		}
	}
}

// restorer writes a checked archive into an empty instance.
type restorer struct {
	db    *DB
	path  string
	files *Files
	put   []string
}

func (r *restorer) run(ctx context.Context) error {
	if r.files != nil {
		err := r.files.Walk(ctx, func(StoredFile) error { return ErrNotEmpty })
		if err == nil {
			err = r.read(ctx, r.file)
		}
		if err != nil {
			return errors.Join(err, r.takeBack())
		}
	}
	err := r.db.writes.run(ctx, r.db, func(tx *Tx) error {
		if err := tx.checkEmptyTables(ctx); err != nil {
			return err
		}
		return r.read(ctx, func(name string, size int64, content io.Reader) error {
			return r.rows(ctx, tx, name, size, content)
		})
	})
	if err != nil {
		return errors.Join(err, r.takeBack())
	}
	return nil
}

// checkEmptyTables is checkEmpty inside the transaction that fills them; the
// rows that a migration makes give way to those of the backup.
func (tx *Tx) checkEmptyTables(ctx context.Context) error {
	if err := tx.db.checkEmpty(ctx); err != nil {
		return err
	}
	for _, table := range backupTables {
		if _, err := tx.exec(ctx, `DELETE FROM `+table); err != nil {
			return err
		}
	}
	return nil
}

// takeBack removes the files of a restoration that failed.
func (r *restorer) takeBack() error {
	var failed error
	for _, name := range r.put {
		failed = errors.Join(failed, r.files.Remove(name))
	}
	return failed
}

func (r *restorer) read(ctx context.Context, visit func(name string, size int64, content io.Reader) error) error {
	f, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return eachEntry(ctx, f, visit)
}

func (r *restorer) file(name string, _ int64, content io.Reader) error {
	file, ok := strings.CutPrefix(name, mediaFolder)
	if !ok {
		return nil
	}
	if err := r.files.Put(context.Background(), file, content); err != nil {
		return err
	}
	r.put = append(r.put, file)
	return nil
}

// rows writes one entry of rows.
func (r *restorer) rows(ctx context.Context, tx *Tx, name string, size int64, content io.Reader) error {
	if name == headEntry || name == endEntry || strings.HasPrefix(name, mediaFolder) {
		return nil
	}
	table, ok := tableOf(name)
	if !ok || size > maxRowsSize {
		return fmt.Errorf("%w: unknown or endless entry %.100q", ErrBadBackup, name)
	}
	known, err := tx.columns(ctx, table)
	if err != nil {
		return err
	}
	var columns []string
	var batch []any
	err = readRows(name, content, func(names []string) error {
		for i, column := range names {
			if !slices.Contains(known, column) || slices.Contains(names[:i], column) {
				return fmt.Errorf("%w: %s has no column %.100q, or has it twice", ErrBadBackup, table, column)
			}
		}
		columns, batch = names, make([]any, 0, restoreBatch*len(names))
		return nil
	}, func(row []any) error {
		batch = append(batch, row...)
		if len(batch) < cap(batch) {
			return nil
		}
		full := batch
		batch = batch[:0]
		return tx.insertRows(ctx, table, columns, full)
	})
	if err != nil {
		return err
	}
	return tx.insertRows(ctx, table, columns, batch)
}

// readRows reads an entry of rows: the names of its columns, then one row
// after another.
func readRows(name string, content io.Reader, begin func(columns []string) error, each func(row []any) error) error {
	lines := json.NewDecoder(content)
	lines.UseNumber()
	var columns []string
	if err := lines.Decode(&columns); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBadBackup, name, err)
	}
	if err := begin(columns); err != nil {
		return err
	}
	for {
		var row []any
		err := lines.Decode(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || len(row) != len(columns) {
			return fmt.Errorf("%w: a row of %s is damaged: %w", ErrBadBackup, name, err)
		}
		for i, v := range row {
			if row[i], err = portable(v); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrBadBackup, name, err)
			}
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// backupSettings are the settings in a checked archive.
func backupSettings(ctx context.Context, path string) (map[string]string, error) {
	settings := map[string]string{}
	r := &restorer{path: path}
	err := r.read(ctx, func(name string, size int64, content io.Reader) error {
		if table, ok := tableOf(name); !ok || table != "settings" || size > maxRowsSize {
			return nil
		}
		var nameAt, valueAt int
		return readRows(name, content, func(columns []string) error {
			nameAt, valueAt = slices.Index(columns, "name"), slices.Index(columns, "value")
			if nameAt < 0 || valueAt < 0 {
				return fmt.Errorf("%w: %s has no names or no values", ErrBadBackup, name)
			}
			return nil
		}, func(row []any) error {
			settings[fmt.Sprint(row[nameAt])] = fmt.Sprint(row[valueAt])
			return nil
		})
	})
	return settings, err
}

// portable is a value as both databases store it.
func portable(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // NULL
	case json.Number:
		return strconv.ParseInt(v.String(), 10, 64)
	case string:
		return strings.ReplaceAll(v, "\x00", ""), nil // PostgreSQL knows no such character
	}
	return nil, fmt.Errorf("a value of type %T", v)
}

// columns are the columns of a table.
func (tx *Tx) columns(ctx context.Context, table string) ([]string, error) {
	rows, err := tx.query(ctx, `SELECT * FROM `+table+` WHERE 1 = 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	return names, errors.Join(err, rows.Err())
}

// insertRows writes rows whose values follow one another.
func (tx *Tx) insertRows(ctx context.Context, table string, columns []string, values []any) error {
	if len(values) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString(`INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES `)
	for i := range values {
		switch {
		case i == 0:
			text.WriteString("(")
		case i%len(columns) == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		text.WriteString("$" + strconv.Itoa(i+1))
	}
	text.WriteString(")")
	_, err := tx.exec(ctx, text.String(), values...)
	return err
}
