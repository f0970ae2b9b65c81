package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds a cache of prepared statements. Texts are constant and
// far fewer; should a text be built per request by mistake, it is run
// unprepared beyond the bound instead of filling memory.
const maxStatements = 1000

// querier runs statements: a pool, a PostgreSQL transaction, or the SQLite
// writer's connection.
type querier interface {
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
	exec(ctx context.Context, text string, args []any) (sql.Result, error)
}

// pool runs statements on any connection of a database, preparing each text
// once per connection.
type pool struct {
	db *sql.DB
	// driverCaches: pgx keeps prepared statements per connection by itself.
	driverCaches bool

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

func newPool(db *sql.DB, driverCaches bool) *pool {
	return &pool{db: db, driverCaches: driverCaches, stmts: map[string]*sql.Stmt{}}
}

func (p *pool) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	stmt, err := p.prepared(ctx, text) //nolint:sqlclosecheck // kept for later
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.db.QueryContext(ctx, text, args...)
	}
	// SQLite watches a context that can end from a goroutine of its own, at
	// nearly half the cost of a read. Reads take a fraction of a millisecond, so
	// it is enough to look before each.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return stmt.QueryContext(context.WithoutCancel(ctx), args...)
}

func (p *pool) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	stmt, err := p.prepared(ctx, text) //nolint:sqlclosecheck // kept for later
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.db.ExecContext(ctx, text, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// prepared is the statement of a text, nil where the text is run as it is.
func (p *pool) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if p.driverCaches {
		return nil, nil
	}
	p.mu.RLock()
	stmt, full := p.stmts[text], len(p.stmts) >= maxStatements
	p.mu.RUnlock()
	if stmt != nil || full {
		return stmt, nil
	}
	stmt, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.stmts[text]; first != nil {
		// Two readers met the text at the same time.
		return first, stmt.Close() //nolint:sqlclosecheck // the other one is kept
	}
	p.stmts[text] = stmt
	return stmt, nil
}

func (p *pool) close() error { return p.db.Close() }

// connQuerier runs statements on one connection, which one goroutine uses at
// a time. Their contexts do not reach the driver: an interrupted write would
// undo the whole transaction, and with it the neighbours of a group.
type connQuerier struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (c *connQuerier) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	stmt, err := c.prepared(ctx, text) //nolint:sqlclosecheck // kept for later
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return c.conn.QueryContext(context.WithoutCancel(ctx), text, args...)
	}
	return stmt.QueryContext(context.WithoutCancel(ctx), args...)
}

func (c *connQuerier) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	stmt, err := c.prepared(ctx, text) //nolint:sqlclosecheck // kept for later
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return c.conn.ExecContext(context.WithoutCancel(ctx), text, args...)
	}
	return stmt.ExecContext(context.WithoutCancel(ctx), args...)
}

func (c *connQuerier) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if stmt := c.stmts[text]; stmt != nil || len(c.stmts) >= maxStatements {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = stmt
	return stmt, nil
}

// close ends the statements before the connection: one that has statements left
// stays open in SQLite, unseen, and keeps its hold on the file.
func (c *connQuerier) close() error {
	var failed error
	for _, stmt := range c.stmts {
		failed = errors.Join(failed, stmt.Close())
	}
	return errors.Join(failed, c.conn.Close())
}

// txQuerier runs statements in a PostgreSQL transaction; pgx keeps the
// prepared statements.
type txQuerier struct{ tx *sql.Tx }

func (t txQuerier) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, text, args...)
}

func (t txQuerier) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, text, args...)
}

// endedQuerier stands in a Tx whose use-case has returned.
type endedQuerier struct{}

func (endedQuerier) query(context.Context, string, []any) (*sql.Rows, error) {
	return nil, sql.ErrTxDone
}

func (endedQuerier) exec(context.Context, string, []any) (sql.Result, error) {
	return nil, sql.ErrTxDone
}
