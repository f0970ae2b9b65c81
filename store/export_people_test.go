package store

import (
	"context"
	"strings"
)

// PeopleRead is a statement of which tests assert the plan, with the arguments of a usual run.
type PeopleRead struct {
	Name, Text string
	Args       []any
}

// PeopleReads are the statements about people, circles and notifications that run with requests.
func PeopleReads() []PeopleRead {
	id, now, hash := int64(1<<40), int64(1<<42), "hash"
	var reads []PeopleRead
	add := func(name, text string, args ...any) {
		reads = append(reads, PeopleRead{Name: name, Text: text, Args: args})
	}
	page := func(name string, t pagedText, fixed ...any) {
		args := append(append([]any(nil), fixed...), int64(1<<62), int64(0), int64(20))
		add(name+", down", t.down, args...)
		add(name+", up", t.up, args...)
	}
	many := func(name string, t *inText, fixed ...any) {
		args := append([]any(nil), fixed...)
		for i := range inSizes[1] {
			args = append(args, id+int64(i))
		}
		add(name, t[1], args...)
	}
	add("account", accountByID, id)
	add("account by uri", accountByURI, "u")
	add("account by handle", accountByHandle, "h", "")
	add("account by key", accountByKey, "k")
	many("accounts", accountsByID)
	add("accounts by uri", accountsByURI[1], "a", "b", "c", "d")
	add("user by email", userByEmail, "e")
	add("role", countRole, RoleAdmin)
	add("staff", staffIDs)
	page("waiting users", waitingPage)
	add("active", countActive, int64(20000))
	add("session", sessionByToken, hash, now)
	add("sessions", sessionsOf, id, now)
	add("end sessions", endSessions, id, id)
	add("token", tokenByValue, hash)
	add("app's token", appTokenByValue, hash)
	add("tokens", tokensOf, id)
	add("revoke tokens", revokeTokens, id, now)
	add("app", appByClientID, "c")
	many("apps", appsByID)
	add("use code", useCode, hash, id, now)
	add("follow", followByPair, id, id)
	add("follow by uri", followByURI, "u")
	add("delete follow", deleteFollow, id, id)
	add("watchers", watchersOf, id)
	add("local followers", hasLocalFollowers, id)
	add("leave home", leaveHome, id, id)
	page("followers", followersPage, id)
	page("following", followingPage, id)
	page("requests", requestsPage, id)
	many("relationships", relationships, now, id)
	add("inboxes knowing", inboxesKnowing("$1"), id)
	page("blocks", blocksPage, id)
	page("mutes", mutesPage, id, now)
	page("domain mutes", domainMutesPage, id)
	add("notices from", noticesFrom, id, id)
	add("like by uri", likeByURI, "u")
	page("likers", likersPage, id)
	add("boosters here", boostersHere, id, 10)
	keep := []any{now, id, int64(1 << 62), int64(0), int64(20)}
	add("liked, down", likedPages.down, keep...)
	add("liked, up", likedPages.up, keep...)
	add("bookmarks", bookmarkPages.down, keep...)
	add("attach media", attachMedia, id, id, id, 0, id)
	add("count media", countMedia, id)
	add("oldest media", oldestMediaCache)
	add("seat for", seatFor, now, id, id)
	add("circles for seat", circlesForSeat, now, id)
	add("resting on", restingOn, id)
	page("seats", seatsPage)
	page("seats of account", seatsOfAccountPage, id)
	page("seats of unit", seatsOfUnitPage, "u")
	add("circle", circleByID, id)
	add("circle by slug", circleBySlug, "c")
	add("barred", isBarred, id, id, id)
	add("membership", membershipByPair, id, id)
	add("membership by follow", membershipByFollow, id, "f")
	add("membership by any follow", membershipFollowed, "f")
	add("circles of", circlesOf, now, id)
	for kind, v := range map[string]Viewer{"account": AsAccount(ID(id)), "signer": AsSigner(ID(id)), "server": {kind: viewServer, host: "b.example"}} {
		add("may sit, "+kind, maySit.of(v), now, v.arg(), id)
	}
	page("members", membersPage, now, id)
	page("waiting members", waitingMembersPage, id)
	add("member hosts", memberHosts, now, id)
	add("members counted", countMembersOf, now, id)
	add("local members", localMembers, now, id)
	add("leave circle's home", leaveCircleHome, id, id, id)
	note := append([]any(nil), keep...)
	add("notifications, down", notices.down, note...)
	add("notifications, up", notices.up, note...)
	for _, k := range notificationKinds {
		note = append(note, k)
	}
	add("notifications of kinds", noticesOfKind.down, note...)
	add("notifications by", noticesBy.down, append(note, id)...)
	add("notification", noticeByID, now, id, id)
	add("unread", noticesNew, now, id, id)
	add("wants", wantsNotice, now, id, id, id)
	add("clear notices", clearNotices, id, id)
	add("delete notices", noticesFromFor, id, id, NotifyFollow)
	add("markers", markersOf, id)
	var names []any
	for range maxLabels {
		names = append(names, "evil.example")
	}
	add("policy", policiesOf, names...)
	add("pairs of host", pairsOfHost, "h")
	add("pairs of domain", pairsOfDomain, "d")
	add("suspend pair", suspendPair, "h", "d", now)
	add("hosts", distinctHosts)
	add("domains", distinctDomains)
	add("latest verification", latestVerification, id, "confirm")
	add("try verification", tryVerification, id, "confirm", now, maxTries)
	add("use verification", useVerification, id, now)
	add("link", linkByHash, hash, "setup")
	add("accounts by word", accountsByWord, now, id, "61", "61g", 200)
	add("accounts by address", accountsByAddress, now, id, "ada", 2, "b.", 200)
	add("directory", directoryPage, now, id, 40, 0)
	add("tags", tagByBegin, "a", "b", 1, 10, 0)
	page("audit", auditPage)
	add("idempotent", postOfKey, id, "k")
	add("keys", actorKeys, id)
	return reads
}

// PlanWithIndexes explains a statement, one step a line. PostgreSQL is kept from reading small tables as a whole, as it
// would while they are empty.
func (db *DB) PlanWithIndexes(ctx context.Context, text string, args ...any) ([]string, error) {
	return db.explain(ctx, []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}, text, args)
}

// WholeReads finds the tables, by alias, of which a plan reads every row.
func WholeReads(plan []string, postgres bool) []string {
	var whole []string
	for i, line := range plan {
		line = strings.TrimLeft(line, " ->")
		if !postgres {
			if rest, ok := strings.CutPrefix(line, "SCAN "); ok {
				whole = append(whole, strings.Fields(rest)[0])
			}
			continue
		}
		_, rest, scans := strings.Cut(line, "Scan ")
		if !scans || strings.HasPrefix(line, "Subquery") || strings.HasPrefix(line, "CTE") || strings.HasPrefix(line, "WorkTable") || strings.HasPrefix(line, "Bitmap Heap") {
			continue
		}
		if i+1 < len(plan) && strings.Contains(plan[i+1], "Index Cond") {
			continue
		}
		if _, on, ok := strings.Cut(rest, "on "); ok {
			fields := strings.Fields(on)
			name := fields[0]
			if len(fields) > 1 && !strings.HasPrefix(fields[1], "(") {
				name = fields[1]
			}
			whole = append(whole, name)
		}
	}
	return whole
}
