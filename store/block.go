package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// Block hides an account's posts from another and ends what they had to do
// with each other.
type Block struct {
	AccountID, TargetID ID
	ID                  ID // orders lists
	URI                 string
	CreatedAt           time.Time
}

// Mute hides an account from the muter's timelines; nobody else learns of it.
type Mute struct {
	AccountID, TargetID ID
	ID                  ID
	Notifications       bool      // also hides notifications
	ExpiresAt           time.Time // zero: for good
	CreatedAt           time.Time
}

// MutedAccount is a line of the list of mutes.
type MutedAccount struct {
	*Account
	cursor    ID
	ExpiresAt time.Time
}

// SQL for blocks, mutes and notes.
const (
	insertBlock = `INSERT INTO blocks (account_id, target_id, id, uri, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	deleteBlock = `DELETE FROM blocks WHERE account_id = $1 AND target_id = $2 RETURNING account_id, target_id, id, uri, created_at`
	existsBlock = `SELECT COUNT(*) FROM blocks WHERE account_id = $1 AND target_id = $2`
	noticesFrom = `DELETE FROM notifications WHERE account_id = $1 AND from_id = $2 AND kind IN ('mention', 'status', 'reblog', 'follow', 'follow_request', 'favourite', 'update', 'admin.sign_up')`
	insertMute  = `INSERT INTO mutes (account_id, target_id, id, notifications, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, target_id) DO UPDATE SET notifications = excluded.notifications, expires_at = excluded.expires_at`
	deleteMute       = `DELETE FROM mutes WHERE account_id = $1 AND target_id = $2`
	insertThreadMute = `INSERT INTO thread_mutes (account_id, root_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	deleteThreadMute = `DELETE FROM thread_mutes WHERE account_id = $1 AND root_id = $2`
	existsThreadMute = `SELECT COUNT(*) FROM thread_mutes WHERE account_id = $1 AND root_id = $2`
	insertDomainMute = `INSERT INTO domain_mutes (account_id, domain, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	deleteDomainMute = `DELETE FROM domain_mutes WHERE account_id = $1 AND domain = $2`
	setNote          = `INSERT INTO account_notes (account_id, target_id, text) VALUES ($1, $2, $3) ON CONFLICT (account_id, target_id) DO UPDATE SET text = excluded.text`
	dropNote         = `DELETE FROM account_notes WHERE account_id = $1 AND target_id = $2`
)

var (
	blocksPage      = paged(`SELECT b.id, `+accountColumns+` FROM blocks b JOIN accounts a ON a.id = b.target_id WHERE b.account_id = $1`, "b.id", 2)
	mutesPage       = paged(`SELECT m.id, m.expires_at, `+accountColumns+` FROM mutes m JOIN accounts a ON a.id = m.target_id WHERE m.account_id = $1 AND (m.expires_at IS NULL OR m.expires_at > $2)`, "m.id", 3)
	domainMutesPage = paged(`SELECT d.id, d.domain FROM domain_mutes d WHERE d.account_id = $1`, "d.id", 2)
)

// Blocks lists whom account blocks, newest first; next is the MaxID of the
// following page.
func (r reader) Blocks(ctx context.Context, account ID, p Page) (page []*Account, next ID, err error) {
	return r.accountPage(ctx, blocksPage, p, int64(account))
}

// Blocking reports whether account blocks target.
func (r reader) Blocking(ctx context.Context, account, target ID) (bool, error) {
	return r.some(ctx, existsBlock, int64(account), int64(target))
}

// Mutes lists whom account mutes at present, newest first.
func (r reader) Mutes(ctx context.Context, account ID, p Page) (page []MutedAccount, next ID, err error) {
	return pageOf(ctx, r, mutesPage, p, func(rows *sql.Rows) (MutedAccount, error) {
		m := MutedAccount{Account: new(Account)}
		return m, rows.Scan(append([]any{scanID(&m.cursor), scanMS(&m.ExpiresAt)}, m.dest()...)...)
	}, func(m MutedAccount) ID { return m.cursor }, int64(account), r.nowMS())
}

// ThreadMuted reports whether account wants no notifications of the thread.
func (r reader) ThreadMuted(ctx context.Context, account, root ID) (bool, error) {
	return r.some(ctx, existsThreadMute, int64(account), int64(root))
}

type domainMute struct {
	id     ID
	domain string
}

// DomainMutes lists the addresses account wants to hear nothing from, newest
// first.
func (r reader) DomainMutes(ctx context.Context, account ID, p Page) (domains []string, next ID, err error) {
	page, next, err := pageOf(ctx, r, domainMutesPage, p, func(rows *sql.Rows) (domainMute, error) {
		var d domainMute
		return d, rows.Scan(scanID(&d.id), &d.domain)
	}, func(d domainMute) ID { return d.id }, int64(account))
	for _, d := range page {
		domains = append(domains, d.domain)
	}
	return domains, next, err
}

// InsertBlock makes account block target and reports whether it did not before.
// Follows and requests in both directions, what target left in account's
// notifications, and each other's posts in their homes go with it.
func (tx *Tx) InsertBlock(ctx context.Context, account, target ID, uri string) (created bool, err error) {
	n, err := tx.exec(ctx, insertBlock, int64(account), int64(target), int64(tx.NewID()), uri, tx.Now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	for _, pair := range [][2]ID{{account, target}, {target, account}} {
		if _, err := tx.DeleteFollow(ctx, pair[0], pair[1]); err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if err := tx.leaveHome(ctx, pair[0], pair[1]); err != nil {
			return false, err
		}
	}
	_, err = tx.exec(ctx, noticesFrom, int64(account), int64(target))
	return true, err
}

// DeleteBlock ends a block and returns it; ErrNotFound if there is none.
// Follows do not come back.
func (tx *Tx) DeleteBlock(ctx context.Context, account, target ID) (*Block, error) {
	b := new(Block)
	err := tx.queryRow(ctx, deleteBlock, int64(account), int64(target)).
		Scan(scanID(&b.AccountID), scanID(&b.TargetID), scanID(&b.ID), &b.URI, scanMS(&b.CreatedAt))
	if err != nil {
		return nil, err
	}
	return b, nil
}

// InsertMute records a mute; an older one of the same account takes its terms.
func (tx *Tx) InsertMute(ctx context.Context, m *Mute) error {
	if m.ID == 0 {
		m.ID = tx.NewID()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertMute, int64(m.AccountID), int64(m.TargetID), int64(m.ID), boolArg(m.Notifications), msArg(m.ExpiresAt), m.CreatedAt.UnixMilli())
	return err
}

// DeleteMute ends a mute; it is no error if there is none.
func (tx *Tx) DeleteMute(ctx context.Context, account, target ID) error {
	_, err := tx.exec(ctx, deleteMute, int64(account), int64(target))
	return err
}

// InsertThreadMute stops notifications of the thread that begins with root.
func (tx *Tx) InsertThreadMute(ctx context.Context, account, root ID) error {
	_, err := tx.exec(ctx, insertThreadMute, int64(account), int64(root))
	return err
}

// DeleteThreadMute lets notifications of a thread through again.
func (tx *Tx) DeleteThreadMute(ctx context.Context, account, root ID) error {
	_, err := tx.exec(ctx, deleteThreadMute, int64(account), int64(root))
	return err
}

// InsertDomainMute hides everyone at a domain from account.
func (tx *Tx) InsertDomainMute(ctx context.Context, account ID, domain string) error {
	_, err := tx.exec(ctx, insertDomainMute, int64(account), strings.ToLower(domain), int64(tx.NewID()))
	return err
}

// DeleteDomainMute undoes InsertDomainMute.
func (tx *Tx) DeleteDomainMute(ctx context.Context, account ID, domain string) error {
	_, err := tx.exec(ctx, deleteDomainMute, int64(account), strings.ToLower(domain))
	return err
}

// SetNote keeps what account notes about target for itself; empty removes it.
func (tx *Tx) SetNote(ctx context.Context, account, target ID, text string) error {
	if text == "" {
		_, err := tx.exec(ctx, dropNote, int64(account), int64(target))
		return err
	}
	_, err := tx.exec(ctx, setNote, int64(account), int64(target), text)
	return err
}
