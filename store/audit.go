package store

import (
	"context"
	"database/sql"
	"time"
)

// AuditEntry says who in office did what.
type AuditEntry struct {
	ID        ID
	ActorID   ID     // 0: the operator
	Action    string // noun.verb
	Subject   string // what it was done to
	Detail    string
	CreatedAt time.Time
}

const insertAudit = `INSERT INTO audit (id, actor_id, action, subject, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6)`

var auditPage = paged(`SELECT e.id, e.actor_id, e.action, e.subject, e.detail, e.created_at FROM audit e WHERE e.id > 0`, "e.id", 1)

// Audit records an act of office by actor (0: the operator) together with the
// act itself.
func (tx *Tx) Audit(ctx context.Context, actor ID, action, subject, detail string) error {
	_, err := tx.exec(ctx, insertAudit, int64(tx.NewID()), int64(actor), action, subject, detail, tx.Now.UnixMilli())
	return err
}

// AuditLog lists what was done, newest first; next is the MaxID of the
// following page.
func (r reader) AuditLog(ctx context.Context, p Page) (page []AuditEntry, next ID, err error) {
	return pageOf(ctx, r, auditPage, p, func(rows *sql.Rows) (AuditEntry, error) {
		var e AuditEntry
		err := rows.Scan(scanID(&e.ID), scanID(&e.ActorID), &e.Action, &e.Subject, &e.Detail, scanMS(&e.CreatedAt))
		return e, err
	}, func(e AuditEntry) ID { return e.ID })
}
