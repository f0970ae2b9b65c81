package store

import (
	"context"
	"database/sql"
	"time"
)

// User is who signs in to an account here.
type User struct {
	AccountID    ID
	Email        string // as typed
	EmailKey     string // the form in which mailboxes are compared; unique
	PasswordHash string
	Role         string // one of the Role words
	Language     string // of the pages and mails
	Reason       string // why they wanted to join

	DefaultVisibility, DefaultLanguage string
	DefaultSensitive                   bool
	HideCollections                    bool // followers and following are nobody's business
	ShortcutsOff                       bool

	CreatedAt   time.Time
	ConfirmedAt time.Time // the mailbox was proved
	ApprovedAt  time.Time // somebody let them in
	ActiveDay   int64     // days since 1970 of the last use
}

// Active reports whether the user may use the account: mailbox confirmed and
// approved.
func (u *User) Active() bool { return !u.ConfirmedAt.IsZero() && !u.ApprovedAt.IsZero() }

// userColumns are the columns of users under the alias u, in the order of User.dest.
const userColumns = `u.account_id, u.email, u.email_key, u.password_hash, u.role, u.language, u.reason,
 u.default_visibility, u.default_language, u.default_sensitive, u.hide_collections_at, u.shortcuts_off_at,
 u.created_at, u.confirmed_at, u.approved_at, u.active_day`

func (u *User) dest() []any {
	return []any{
		scanID(&u.AccountID), &u.Email, &u.EmailKey, &u.PasswordHash, &u.Role, &u.Language, &u.Reason,
		&u.DefaultVisibility, &u.DefaultLanguage, scanBool(&u.DefaultSensitive), scanBool(&u.HideCollections), scanBool(&u.ShortcutsOff),
		scanMS(&u.CreatedAt), scanMS(&u.ConfirmedAt), scanMS(&u.ApprovedAt), scanInt64(&u.ActiveDay),
	}
}

// SQL for users.
const (
	userByAccount = `SELECT ` + userColumns + ` FROM users u WHERE u.account_id = $1`
	userByEmail   = `SELECT ` + userColumns + ` FROM users u WHERE u.email_key = $1`
	countRole     = `SELECT COUNT(*) FROM users u JOIN accounts a ON a.id = u.account_id WHERE u.role <> 'member' AND u.role = $1 AND a.deleted_at IS NULL`
	countMembers  = `SELECT COUNT(*) FROM users WHERE role = 'member'`
	staffIDs      = `SELECT account_id FROM users WHERE role <> 'member' AND role IN ('moderator', 'admin') ORDER BY account_id LIMIT 200`

	insertUser = `INSERT INTO users (account_id, email, email_key, password_hash, role, language, reason,
 default_visibility, default_language, default_sensitive, hide_collections_at, shortcuts_off_at, created_at, confirmed_at, approved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING`
	updateUser = `UPDATE users SET role = $2, language = $3, reason = $4, default_visibility = $5, default_language = $6,
 default_sensitive = $7, hide_collections_at = $8, shortcuts_off_at = $9 WHERE account_id = $1`
	setEmail     = `UPDATE users SET email = $2, email_key = $3 WHERE account_id = $1`
	setPassword  = `UPDATE users SET password_hash = $2 WHERE account_id = $1`
	setConfirmed = `UPDATE users SET confirmed_at = COALESCE(confirmed_at, $2) WHERE account_id = $1`
	setApproved  = `UPDATE users SET approved_at = COALESCE(approved_at, $2) WHERE account_id = $1`
	touchActive  = `UPDATE users SET active_day = $2 WHERE account_id = $1 AND active_day < $2`
)

var (
	usersPage   = paged(`SELECT `+userColumns+`, `+accountColumns+` FROM users u JOIN accounts a ON a.id = u.account_id WHERE a.deleted_at IS NULL`, "u.account_id", 1)
	waitingPage = paged(`SELECT `+userColumns+`, `+accountColumns+` FROM users u JOIN accounts a ON a.id = u.account_id WHERE u.approved_at IS NULL AND a.deleted_at IS NULL`, "u.account_id", 1)
)

func (r reader) oneUser(ctx context.Context, text string, arg any) (*User, error) {
	u := new(User)
	if err := r.queryRow(ctx, text, arg).Scan(u.dest()...); err != nil {
		return nil, err
	}
	return u, nil
}

// User returns the user of an account here; ErrNotFound for one that nobody
// signs in to.
func (r reader) User(ctx context.Context, account ID) (*User, error) {
	return r.oneUser(ctx, userByAccount, int64(account))
}

// UserByEmail returns the user with this mailbox, given in the form of EmailKey.
func (r reader) UserByEmail(ctx context.Context, key string) (*User, error) {
	return r.oneUser(ctx, userByEmail, key)
}

// CountUsers counts the users with exactly this role.
func (r reader) CountUsers(ctx context.Context, role string) (n int, err error) {
	if role == RoleMember {
		err = r.queryRow(ctx, countMembers).Scan(&n)
		return n, err
	}
	err = r.queryRow(ctx, countRole, role).Scan(&n)
	return n, err
}

// Staff lists moderators and admins, at most 200.
func (r reader) Staff(ctx context.Context) ([]ID, error) {
	return r.ids(ctx, staffIDs)
}

// UserAccount is a user with the account.
type UserAccount struct {
	*User
	Account *Account
}

// UserFilter narrows Users.
type UserFilter struct {
	Waiting bool // only those that nobody has approved yet
}

// Users lists the users here, newest first, suspended ones too; next is the
// MaxID of the following page, 0 at the end.
func (r reader) Users(ctx context.Context, f UserFilter, p Page) (page []UserAccount, next ID, err error) {
	t := usersPage
	if f.Waiting {
		t = waitingPage
	}
	return pageOf(ctx, r, t, p, scanUserAccount, func(u UserAccount) ID { return u.AccountID })
}

func scanUserAccount(rows *sql.Rows) (UserAccount, error) {
	u := UserAccount{User: new(User), Account: new(Account)}
	return u, rows.Scan(append(u.dest(), u.Account.dest()...)...)
}

// InsertUser adds the sign-in of an account. ErrConflict if the mailbox or the
// account has one.
func (tx *Tx) InsertUser(ctx context.Context, u *User) error {
	if u.CreatedAt.IsZero() {
		u.CreatedAt = tx.Now
	}
	if u.DefaultVisibility == "" {
		u.DefaultVisibility = Public
	}
	n, err := tx.exec(ctx, insertUser, int64(u.AccountID), u.Email, u.EmailKey, u.PasswordHash, u.Role, u.Language, u.Reason,
		u.DefaultVisibility, u.DefaultLanguage, boolArg(u.DefaultSensitive), flagArg(u.HideCollections, tx.Now), flagArg(u.ShortcutsOff, tx.Now),
		u.CreatedAt.UnixMilli(), msArg(u.ConfirmedAt), msArg(u.ApprovedAt))
	if err == nil && n == 0 {
		err = ErrConflict
	}
	return err
}

// UpdateUser writes role and preferences. Mailbox, password, confirmation and
// approval have methods of their own, so that a form that was open for a while
// cannot bring an old one back.
func (tx *Tx) UpdateUser(ctx context.Context, u *User) error {
	n, err := tx.exec(ctx, updateUser, int64(u.AccountID), u.Role, u.Language, u.Reason, u.DefaultVisibility, u.DefaultLanguage,
		boolArg(u.DefaultSensitive), flagArg(u.HideCollections, tx.Now), flagArg(u.ShortcutsOff, tx.Now))
	return mustChange(n, err)
}

// SetEmail changes the mailbox. ErrConflict if somebody else has it.
func (tx *Tx) SetEmail(ctx context.Context, account ID, email, key string) error {
	if other, err := tx.UserByEmail(ctx, key); err == nil && other.AccountID != account {
		return ErrConflict
	}
	n, err := tx.exec(ctx, setEmail, int64(account), email, key)
	return mustChange(n, err)
}

// SetPassword stores a new password hash. Ending what the old one opened is
// the caller's part.
func (tx *Tx) SetPassword(ctx context.Context, account ID, hash string) error {
	n, err := tx.exec(ctx, setPassword, int64(account), hash)
	return mustChange(n, err)
}

// SetConfirmed notes that the mailbox was proved; the first time counts.
func (tx *Tx) SetConfirmed(ctx context.Context, account ID) error {
	n, err := tx.exec(ctx, setConfirmed, int64(account), tx.Now.UnixMilli())
	return mustChange(n, err)
}

// SetApproved lets a user in; the first time counts.
func (tx *Tx) SetApproved(ctx context.Context, account ID) error {
	n, err := tx.exec(ctx, setApproved, int64(account), tx.Now.UnixMilli())
	return mustChange(n, err)
}

// Day counts days since 1970, for ActiveDay and UsedDay.
func Day(t time.Time) int64 { return t.Unix() / 86400 }

// TouchActive notes that the user was here today. Call it when User.ActiveDay
// is not today: once a day, not with every request.
func (tx *Tx) TouchActive(ctx context.Context, account ID) error {
	_, err := tx.exec(ctx, touchActive, int64(account), Day(tx.Now))
	return err
}

// Stats are the numbers an instance tells about itself.
type Stats struct {
	Users          int64 // confirmed and approved
	ActiveMonth    int64 // here in the last 30 days
	ActiveHalfYear int64
	Posts          int64 // public and unlisted ones written here
	Hosts          int64 // servers we know of
}

const (
	countActive    = `SELECT COUNT(*) FROM users WHERE active_day >= $1`
	countConfirmed = `SELECT COUNT(*) FROM users u JOIN accounts a ON a.id = u.account_id WHERE u.confirmed_at IS NOT NULL AND u.approved_at IS NOT NULL AND a.deleted_at IS NULL AND a.suspended_at IS NULL`
	countOwnPosts  = `SELECT CAST(COALESCE(SUM(posts_count), 0) AS BIGINT) FROM accounts WHERE host = ''`
	countHosts     = `SELECT COUNT(*) FROM hosts`
)

// Stats counts. It reads every local account: keep the answer for some
// minutes.
func (r reader) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	today := Day(r.now())
	for _, c := range []struct {
		text string
		args []any
		into *int64
	}{
		{countConfirmed, nil, &s.Users},
		{countActive, []any{today - 30}, &s.ActiveMonth},
		{countActive, []any{today - 180}, &s.ActiveHalfYear},
		{countOwnPosts, nil, &s.Posts},
		{countHosts, nil, &s.Hosts},
	} {
		if err := r.queryRow(ctx, c.text, c.args...).Scan(c.into); err != nil {
			return Stats{}, err
		}
	}
	return s, nil
}
