package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
)

// Bounds of lists of accounts and the like. A larger wish is cut, not refused.
const (
	defaultListLimit = 40
	maxListLimit     = 80
)

// inSizes are the lengths of IN lists that are ever sent. Shorter lists are
// filled up by repeating an id, so that a handful of texts is prepared instead
// of one per length.
var inSizes = [...]int{1, 4, 10, 20, 30, 40, 80}

// inText is one statement over a list of ids, for each of inSizes.
type inText [len(inSizes)]string

// newInText replaces every (IN) in text by a list of parameters that starts
// at $first.
func newInText(text string, first int) *inText {
	t := new(inText)
	for i, n := range inSizes {
		t[i] = strings.ReplaceAll(text, "(IN)", "("+placeholders(first, n)+")")
	}
	return t
}

// placeholders is "$first, $first+1, …", n of them.
func placeholders(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// each calls f with a text and its arguments until every id has been in one
// of the lists: once for up to 80 different ids.
func (t *inText) each(ids []ID, fixed []any, f func(text string, args []any) error) error {
	list := make([]int64, 0, len(ids))
	for _, id := range ids {
		if id != 0 {
			list = append(list, int64(id))
		}
	}
	return eachPart(t, list, fixed, f)
}

// eachPart is inText.each for any kind of value.
func eachPart[T cmp.Ordered](t *inText, list []T, fixed []any, f func(text string, args []any) error) error {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	longest := inSizes[len(inSizes)-1]
	for len(list) > 0 {
		part := list[:min(len(list), longest)]
		list = list[len(part):]
		size := 0
		for inSizes[size] < len(part) {
			size++
		}
		args := make([]any, 0, len(fixed)+inSizes[size])
		args = append(args, fixed...)
		for i := range inSizes[size] {
			args = append(args, part[min(i, len(part)-1)])
		}
		if err := f(t[size], args); err != nil {
			return err
		}
	}
	return nil
}

// pagedText is a statement that reads a page of a list, once from the newest
// downwards and once, for min_id, from the oldest upwards.
type pagedText struct {
	down, up string
	first    int
}

// paged adds the bounds, the order by column and the limit to text, which must
// end inside its WHERE; their parameters start at $first.
func paged(text, column string, first int) pagedText {
	n := func(i int) string { return "$" + strconv.Itoa(first+i) }
	text += " AND " + column + " < " + n(0) + " AND " + column + " > " + n(1) + " ORDER BY " + column
	return pagedText{down: text + " DESC LIMIT " + n(2), up: text + " ASC LIMIT " + n(2), first: first}
}

// pick is the text for p and its arguments, fixed first; up tells that the rows
// come in rising order.
func (t pagedText) pick(p Page, fixed ...any) (text string, args []any, up bool) {
	below, above := int64(p.MaxID), int64(max(p.SinceID, p.MinID))
	if below <= 0 {
		below = 1<<63 - 1
	}
	text, up = t.down, p.MinID != 0
	if up {
		text = t.up
	}
	return text, append(fixed, below, above, int64(listLimit(p.Limit))), up
}

// listLimit is how many rows a list of accounts may have.
func listLimit(want int) int {
	if want <= 0 {
		return defaultListLimit
	}
	return min(want, maxListLimit)
}

// collect reads all rows with scan and closes them. It takes the results of
// query as they are.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, translate(rows.Err())
}

// scanOneID reads rows of one id.
func scanOneID(rows *sql.Rows) (ID, error) {
	var id ID
	err := rows.Scan(scanID(&id))
	return id, err
}

// ids runs a read of one column of ids.
func (r reader) ids(ctx context.Context, text string, args ...any) ([]ID, error) {
	rows, err := r.query(ctx, text, args...)
	return collect(rows, err, scanOneID)
}

// pageOf runs a list. next is the cursor of the last row, for MaxID, and 0
// where the list is known to end.
func pageOf[T any](ctx context.Context, r reader, t pagedText, p Page, scan func(*sql.Rows) (T, error), cursor func(T) ID, fixed ...any) (page []T, next ID, err error) {
	text, args, up := t.pick(p, fixed...)
	rows, err := r.query(ctx, text, args...)
	page, err = collect(rows, err, scan)
	if err != nil {
		return nil, 0, err
	}
	if up {
		slices.Reverse(page)
	}
	if len(page) > 0 && (up || len(page) == listLimit(p.Limit)) {
		next = cursor(page[len(page)-1])
	}
	return page, next, nil
}

// listed is an account and the internal id of the row that put it in a list.
type listed struct {
	cursor  ID
	account *Account
}

func scanListed(rows *sql.Rows) (listed, error) {
	l := listed{account: new(Account)}
	err := rows.Scan(append([]any{scanID(&l.cursor)}, l.account.dest()...)...)
	return l, err
}

// accountPage runs a list whose rows are a cursor and accountColumns. Accounts
// that are gone or suspended are left out; next is the cursor of the last row
// that was looked at, so that a short page still leads on.
func (r reader) accountPage(ctx context.Context, t pagedText, p Page, fixed ...any) (page []*Account, next ID, err error) {
	found, next, err := pageOf(ctx, r, t, p, scanListed, func(l listed) ID { return l.cursor }, fixed...)
	for _, l := range found {
		if l.account.Live() {
			page = append(page, l.account)
		}
	}
	return page, next, err
}
