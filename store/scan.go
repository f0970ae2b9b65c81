package store

import (
	"database/sql"
	"fmt"
	"time"
)

// Destinations for Scan. They read what both drivers return for BIGINT and
// INTEGER columns (int64, or nil for NULL) without reflection.

type scanTime time.Time

// scanMS reads Unix milliseconds; NULL is the zero time.
func scanMS(dst *time.Time) sql.Scanner { return (*scanTime)(dst) }

func (s *scanTime) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = scanTime(time.Time{})
	case int64:
		*s = scanTime(time.UnixMilli(v).UTC())
	default:
		return fmt.Errorf("scan a time from %T", src)
	}
	return nil
}

type scanIdent ID

// scanID reads an ID; NULL is 0.
func scanID(dst *ID) sql.Scanner { return (*scanIdent)(dst) }

func (s *scanIdent) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = 0
	case int64:
		*s = scanIdent(v)
	default:
		return fmt.Errorf("scan an id from %T", src)
	}
	return nil
}

type scanFlag bool

// scanBool reads INTEGER 0/1, and a nullable column as whether it is set.
func scanBool(dst *bool) sql.Scanner { return (*scanFlag)(dst) }

func (s *scanFlag) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = false
	case int64:
		*s = v != 0
	default:
		return fmt.Errorf("scan a flag from %T", src)
	}
	return nil
}

type scanNumber int64

// scanInt64 reads an integer; NULL is 0.
func scanInt64(dst *int64) sql.Scanner { return (*scanNumber)(dst) }

func (s *scanNumber) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = 0
	case int64:
		*s = scanNumber(v)
	default:
		return fmt.Errorf("scan a number from %T", src)
	}
	return nil
}

type scanSmall int

// scanInt reads an integer into an int; NULL is 0.
func scanInt(dst *int) sql.Scanner { return (*scanSmall)(dst) }

func (s *scanSmall) Scan(src any) error {
	var n int64
	if err := (*scanNumber)(&n).Scan(src); err != nil {
		return err
	}
	*s = scanSmall(n)
	return nil
}

// rowScanner reads rows into one place and hands out copies, so that a page costs one list of destinations.
type rowScanner[T any] struct {
	row  T
	id   *ID // of row
	dest []any
}

// scan reads the next row; nil after a LEFT JOIN that found none.
func (s *rowScanner[T]) scan(rows *sql.Rows) (*T, error) {
	if err := rows.Scan(s.dest...); err != nil {
		return nil, err
	}
	if *s.id == 0 {
		return nil, nil //nolint:nilnil // nothing is what the row says
	}
	row := s.row
	return &row, nil
}

// msArg is a time as a parameter: NULL when zero.
func msArg(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// idArg is an optional ID as a parameter: NULL when 0.
func idArg(id ID) any {
	if id == 0 {
		return nil
	}
	return int64(id)
}

// boolArg is a flag as a parameter for an INTEGER column.
func boolArg(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// flagArg is a flag as a parameter for a nullable time column: when it was set.
func flagArg(b bool, at time.Time) any {
	if !b {
		return nil
	}
	return msArg(at)
}
