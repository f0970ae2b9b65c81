package store

import (
	"context"
	"fmt"
	"strings"
)

// Viewer is who looks. Every read of posts takes one, so that none can forget to ask.
// The zero Viewer is Anonymous.
type Viewer struct {
	kind    viewerKind
	account ID
	host    string
}

type viewerKind uint8

const (
	viewReader viewerKind = iota // somebody, or nobody, at our own doors
	viewSigner                   // an account that asks through its server
	viewServer                   // a server that asks for all of its accounts
	viewKinds
)

// Anonymous is a viewer we know nothing about.
var Anonymous = Viewer{}

// nobody stands for "no account" in statements. It matches no row. It is not 0, because SQLite plans
// a statement anew whenever a parameter changes to or from 0 or 1.
const nobody = ID(-1)

// AsAccount looks with the eyes of one account that is signed in here. ID 0 is Anonymous.
func AsAccount(id ID) Viewer { return Viewer{account: id} }

// AsSigner looks with the eyes of an account that asks by a signed request from its own server:
// as AsAccount, except that a guest pass, which is for reading here, opens nothing.
func AsSigner(id ID) Viewer {
	if id == 0 {
		return Anonymous
	}
	return Viewer{kind: viewSigner, account: id}
}

// AsServer looks for a whole server: it sees what everybody sees and what any live account of that server may
// see as a follower, recipient or member. authority is that of the actors' ids (lower case, with a port
// unless it is the default one). Empty, which is ourselves, and suspended authorities are refused with ErrNotFound.
func (r reader) AsServer(ctx context.Context, authority string) (Viewer, error) {
	if authority == "" || authority != strings.ToLower(authority) {
		return Viewer{}, fmt.Errorf("viewer %q: %w", authority, ErrNotFound)
	}
	severity, found, err := r.DomainPolicy(ctx, authority)
	if err != nil {
		return Viewer{}, fmt.Errorf("viewer %q: %w", authority, err)
	}
	if found && severity == "suspend" {
		return Viewer{}, fmt.Errorf("viewer %q is suspended: %w", authority, ErrNotFound)
	}
	return Viewer{kind: viewServer, host: authority}, nil
}

// AccountID is the account that looks, 0 for Anonymous and for servers.
func (v Viewer) AccountID() ID { return v.account }

// arg is what stands for $2 in the statements of this viewer: an account id, or a server's authority.
func (v Viewer) arg() any {
	if v.kind == viewServer {
		return v.host
	}
	if v.account == 0 {
		return int64(nobody)
	}
	return int64(v.account)
}

// me is the account id for statements that are about an account even where a server looks.
func (v Viewer) me() int64 {
	if v.account == 0 {
		return int64(nobody)
	}
	return int64(v.account)
}

// texts holds one statement in the variants that the kinds of viewers need. They are made once, when the
// program starts, so that each is prepared once and found again by its text.
type texts [viewKinds]string

func perViewer(build func(s sight) string) (t texts) {
	for k := range t {
		t[k] = build(sight(k))
	}
	return t
}

func (t *texts) of(v Viewer) string { return t[v.kind] }

// sight writes conditions for one kind of viewer, who is $2 of the statement; $1 is the time.
type sight viewerKind

// post is the condition under which the viewer may see the post with that alias.
func (s sight) post(alias string) string {
	switch viewerKind(s) {
	case viewServer:
		return canServerSee(alias, "$2")
	case viewSigner:
		return canSeeBy(alias, "$2", true)
	default:
		return canSee(alias, "$2")
	}
}

// member is the condition that the viewer may read in the circle that the SQL expression names.
func (s sight) member(circle string) string {
	switch viewerKind(s) {
	case viewServer:
		return `(EXISTS (SELECT 1 FROM memberships zm JOIN accounts zv ON zv.id = zm.account_id WHERE zm.circle_id = ` + circle +
			` AND zm.host = $2 AND ` + currentMember("zm", true) + ` AND ` + liveAccount("zv") + ` LIMIT 1 OFFSET 0)` +
			` OR EXISTS (SELECT 1 FROM accounts zc WHERE zc.id = ` + circle + ` AND zc.host = $2 AND ` + liveAccount("zc") + ` LIMIT 1 OFFSET 0))`
	case viewSigner:
		return `(` + circle + ` = $2 OR ` + isMember(circle, "$2", true) + `)`
	default:
		return `(` + circle + ` = $2 OR ` + isMember(circle, "$2", false) + `)`
	}
}

// canSee is the statement of who may see a post: SQL over the alias of a row of posts and an
// expression for the id of the account that looks (nobody's is -1). $1 of the statement is the time in Unix
// milliseconds. Every other text in this file is made of the same parts. In words, deny by default:
//
//   - what is deleted or has faded is seen by nobody; what is hidden, by its author alone; what is pending, by
//     its author and by the circle that has to announce it;
//   - whoever is suspended, by name or with their server, or is gone, neither sees nor is seen;
//   - public and unlisted posts are seen by all whom the author does not block;
//   - the author sees her own;
//   - accepted followers see what is for followers;
//   - recipients see what names them, except in circles, where a mention grants nothing;
//   - a circle's post is seen by the circle's own actor and by those whose membership is current, and
//     a block between members hides it from all of them but the stewards.
func canSee(post, viewer string) string { return canSeeBy(post, viewer, false) }

// canReceive is canSee for an account whose server would hold the post: a guest pass counts for nothing there,
// and being its author is no reason to be sent it.
func canReceive(post, viewer string) string {
	return sqlf(`(%[1]s AND %[2]s AND %[3]s AND %[4]s)`, lasting(post), notSuspended(post+".author_id"), notSuspended(viewer),
		granted(post, viewer, true))
}

func canSeeBy(post, viewer string, wire bool) string {
	return sqlf(`(%[1]s AND %[2]s AND %[3]s AND (%[4]s.author_id = %[5]s OR %[6]s))`, lasting(post),
		notSuspended(post+".author_id"), notSuspended(viewer), post, viewer, granted(post, viewer, wire))
}

// canServerSee narrows to the accounts of a host that a post can be for, and lets canReceive decide about each.
func canServerSee(post, host string) string {
	return sqlf(`(%[1]s AND %[2]s AND %[3]s.hidden_at IS NULL AND (
    %[3]s.visibility IN ('public', 'unlisted') AND %[3]s.pending_at IS NULL
    OR %[3]s.visibility NOT IN ('public', 'unlisted') AND EXISTS (SELECT 1 FROM (
        SELECT zf.account_id AS id FROM follows zf WHERE %[3]s.visibility = 'followers' AND zf.target_id = %[3]s.author_id AND zf.accepted_at IS NOT NULL
        UNION ALL SELECT zr.account_id FROM post_recipients zr WHERE %[3]s.visibility <> 'circle' AND zr.post_id = %[3]s.id
        UNION ALL SELECT zm.account_id FROM memberships zm WHERE zm.circle_id = %[3]s.circle_id AND zm.host = %[4]s
        UNION ALL SELECT %[3]s.circle_id) zc CROSS JOIN accounts zv
      WHERE zv.id = zc.id AND zv.host = %[4]s AND %[5]s LIMIT 1 OFFSET 0)))`,
		lasting(post), notSuspended(post+".author_id"), post, host, canReceive(post, "zv.id"))
}

// lasting: not deleted, not faded.
func lasting(post string) string {
	return sqlf(`%[1]s.deleted_at IS NULL AND (%[1]s.fades_at IS NULL OR %[1]s.fades_at > $1)`, post)
}

// goneAccount is the condition, with the alias of an account, that it neither sees nor is seen. The index accounts_gone
// holds exactly these rows: the texts have to stay the same.
func goneAccount(account string) string {
	return sqlf(`(%[1]s.suspended_at IS NOT NULL OR %[1]s.host_suspended_at IS NOT NULL OR %[1]s.deleted_at IS NOT NULL)`, account)
}

func liveAccount(account string) string { return `NOT ` + goneAccount(account) }

func notSuspended(id string) string {
	// BETWEEN instead of = lets SQLite take accounts_gone, which is small, and not the primary key.
	return sqlf(`NOT EXISTS (SELECT 1 FROM accounts zs WHERE zs.id BETWEEN %[1]s AND %[1]s AND %[2]s LIMIT 1 OFFSET 0)`, id, goneAccount("zs"))
}

// granted is what others than the author are allowed. wire: see canReceive.
func granted(post, viewer string, wire bool) string {
	return sqlf(`%[1]s.hidden_at IS NULL AND (%[1]s.circle_id = %[2]s OR %[1]s.pending_at IS NULL AND (
      %[1]s.visibility <> 'circle' AND NOT %[3]s AND (
        %[1]s.visibility IN ('public', 'unlisted')
        OR %[1]s.visibility = 'followers' AND EXISTS (SELECT 1 FROM follows zf WHERE zf.account_id = %[2]s AND zf.target_id = %[1]s.author_id AND zf.accepted_at IS NOT NULL LIMIT 1 OFFSET 0)
        OR EXISTS (SELECT 1 FROM post_recipients zr WHERE zr.post_id = %[1]s.id AND zr.account_id = %[2]s LIMIT 1 OFFSET 0))
      OR %[1]s.visibility = 'circle' AND %[4]s AND EXISTS (SELECT 1 FROM memberships zm WHERE zm.circle_id = %[1]s.circle_id AND zm.account_id = %[2]s
        AND %[5]s AND (zm.role = 'steward' OR NOT %[3]s) LIMIT 1 OFFSET 0)))`,
		post, viewer, blockedBy(post+".author_id", viewer), notSuspended(post+".circle_id"), currentMember("zm", wire))
}

// blockedBy: the first account blocks the second. For a viewer who is a parameter, whether anybody blocks
// them at all is asked once per statement, and mostly saves asking for each row.
func blockedBy(by, whom string) string {
	if strings.HasPrefix(whom, "$") {
		return sqlf(`(EXISTS (SELECT 1 FROM blocks zb WHERE zb.target_id = %[2]s LIMIT 1 OFFSET 0)
          AND EXISTS (SELECT 1 FROM blocks zb WHERE zb.account_id = %[1]s AND zb.target_id = %[2]s LIMIT 1 OFFSET 0))`, by, whom)
	}
	return sqlf(`EXISTS (SELECT 1 FROM blocks zb WHERE zb.account_id = %s AND zb.target_id = %s LIMIT 1 OFFSET 0)`, by, whom)
}

// isMember: the account's membership in the circle is current. wire: one that a server may rely on.
func isMember(circle, account string, wire bool) string {
	return sqlf(`(%[4]s AND %[5]s AND EXISTS (SELECT 1 FROM memberships zm WHERE zm.circle_id = %[1]s AND zm.account_id = %[2]s AND %[3]s LIMIT 1 OFFSET 0))`,
		circle, account, currentMember("zm", wire), notSuspended(circle), notSuspended(account))
}

// currentMember is the condition, with the alias of a row of memberships, that it counts now. One of an account on another
// server counts while that server is approved for the circle, except for a guest, who reads here.
func currentMember(membership string, wire bool) string {
	guests := sqlf(`%[1]s.via = 'web' OR `, membership)
	only := ``
	if wire {
		guests, only = ``, sqlf(` AND %[1]s.via <> 'web'`, membership)
	}
	return sqlf(`%[1]s.verified_at IS NOT NULL AND %[1]s.ended_at IS NULL AND (%[1]s.expires_at IS NULL OR %[1]s.expires_at > $1)%[3]s
        AND (%[1]s.host = '' OR %[2]sEXISTS (SELECT 1 FROM circle_hosts zh WHERE zh.circle_id = %[1]s.circle_id AND zh.host = %[1]s.host AND zh.ended_at IS NULL LIMIT 1 OFFSET 0))`,
		membership, guests, only)
}

// sqlf puts SQL expressions, never values, into a text.
func sqlf(format string, parts ...any) string { return fmt.Sprintf(format, parts...) }
