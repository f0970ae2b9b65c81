package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PageOffset says which part of a ranked list is wanted.
type PageOffset struct{ Limit, Offset int }

// Bounds of a search.
const (
	maxOffset     = 1000
	maxCandidates = 200 // accounts that are looked at for one search
	maxWords      = 16  // of one account
	maxWordRunes  = 16
)

func (p PageOffset) clamp() (limit, offset int) {
	return listLimit(p.Limit), max(0, min(p.Offset, maxOffset))
}

// searchKey is a text in the form in which it is searched: one width and case.
func searchKey(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// wordKey is a word as it stands in account_words. Hexadecimal digits sort the
// same way under every collation a database may have, so that "begins with" is
// a range of the index.
func wordKey(word string) string { return hex.EncodeToString([]byte(word)) }

// searchWords splits a text into the words it can be found by.
func searchWords(s string) []string {
	words := strings.FieldsFunc(searchKey(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	for i, w := range words {
		words[i] = clipRunes(w, maxWordRunes)
	}
	return words
}

func clipRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// accountWords are the words an account is found by the beginnings of: its
// handle, the parts of that, and the words of its name. Scripts without spaces
// are also found from each character on, so that a given name finds its owner.
func accountWords(a *Account) []string {
	if a == nil || a.Kind == KindServer {
		return nil
	}
	words := append([]string{clipRunes(handleKey(a.Handle), maxWordRunes)}, searchWords(a.Handle)...)
	for _, w := range searchWords(a.Name) {
		words = append(words, w)
		for i, r := range w {
			if i > 0 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
				words = append(words, w[i:])
			}
		}
	}
	var some []string
	for _, w := range words {
		if w != "" && len(some) < maxWords && !slices.Contains(some, w) {
			some = append(some, w)
		}
	}
	return some
}

// findable is the condition that the account a stands in searches of the viewer
// $2 (-1: nobody, who finds only those who wish it): live, let in, and of circles
// the listed ones and those the viewer sits in.
var findable = liveAccount("a") + ` AND a.kind <> 'server' AND (CAST($2 AS BIGINT) > 0 OR a.discoverable_at IS NOT NULL)
 AND (a.host <> '' OR NOT EXISTS (SELECT 1 FROM users zu WHERE zu.account_id = a.id AND (zu.confirmed_at IS NULL OR zu.approved_at IS NULL) LIMIT 1 OFFSET 0))
 AND (a.kind <> 'circle' OR EXISTS (SELECT 1 FROM circles zc WHERE zc.account_id = a.id AND zc.listing = 'listed' LIMIT 1 OFFSET 0) OR ` + isMember("a.id", "CAST($2 AS BIGINT)", false) + `)`

// SQL for searches: $1 now, $2 the viewer.
const (
	insertWord = `INSERT INTO account_words (word, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	deleteWord = `DELETE FROM account_words WHERE word = $1 AND account_id = $2`
	tagByBegin = `SELECT t.name FROM tags t WHERE t.name >= $1 AND t.name < $2 AND SUBSTR(t.name, 1, CAST($3 AS INTEGER)) = $1
AND EXISTS (SELECT 1 FROM (SELECT g.post_id FROM post_tags g WHERE g.tag_id = t.id ORDER BY g.post_id DESC LIMIT 20) u
 WHERE EXISTS (SELECT 1 FROM posts p WHERE p.id = u.post_id AND p.visibility = 'public' AND p.deleted_at IS NULL AND p.hidden_at IS NULL AND p.boost_of_id IS NULL LIMIT 1 OFFSET 0) LIMIT 1 OFFSET 0)
ORDER BY t.name LIMIT $4 OFFSET $5`
	// candidateColumns are what ranking needs; the accounts of the page are read afterwards.
	candidateColumns = `a.id, a.kind, a.handle, a.host, a.name, a.followers_count, CASE WHEN EXISTS (SELECT 1 FROM follows zf WHERE zf.account_id = $2 AND zf.target_id = a.id AND zf.accepted_at IS NOT NULL LIMIT 1 OFFSET 0) THEN 1 ELSE 0 END`
)

var (
	accountsByWord = `SELECT ` + candidateColumns + ` FROM (SELECT DISTINCT w.account_id AS id FROM
 (SELECT word, account_id FROM account_words WHERE word >= $3 AND word < $4 ORDER BY word, account_id LIMIT $5) w) c
JOIN accounts a ON a.id = c.id WHERE ` + findable
	accountsByAddress = `SELECT ` + candidateColumns + ` FROM accounts a WHERE a.handle_key = $3 AND SUBSTR(a.domain, 1, CAST($4 AS INTEGER)) = $5 AND ` + findable + ` LIMIT $6`
	directoryPage     = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.host = '' AND a.discoverable_at IS NOT NULL AND a.kind IN ('person', 'bot', 'organization') AND ` + findable + `
 AND NOT EXISTS (SELECT 1 FROM blocks zb WHERE zb.account_id = a.id AND zb.target_id = $2 LIMIT 1 OFFSET 0)
 AND NOT EXISTS (SELECT 1 FROM blocks zb WHERE zb.account_id = $2 AND zb.target_id = a.id LIMIT 1 OFFSET 0) ORDER BY a.id DESC LIMIT $3 OFFSET $4`
)

// indexAccount brings the words that an account is found by up to date. old is
// what it was, nil for a new one.
func (tx *Tx) indexAccount(ctx context.Context, a, old *Account) error {
	before, after := accountWords(old), accountWords(a)
	for _, w := range before {
		if !slices.Contains(after, w) {
			if _, err := tx.exec(ctx, deleteWord, wordKey(w), int64(a.ID)); err != nil {
				return err
			}
		}
	}
	for _, w := range after {
		if !slices.Contains(before, w) {
			if _, err := tx.exec(ctx, insertWord, wordKey(w), int64(a.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// found is a candidate of a search, with candidateColumns only.
type found struct {
	account  *Account
	followed bool
}

func scanFound(rows *sql.Rows) (found, error) {
	a := new(Account)
	f := found{account: a}
	err := rows.Scan(scanID(&a.ID), &a.Kind, &a.Handle, &a.Host, &a.Name, scanInt64(&a.FollowersCount), scanBool(&f.followed))
	return f, err
}

// SearchAccounts finds accounts by the beginnings of words of their names or
// handles, or by an address (ada@b.example, its domain possibly cut short). First
// come exact handles, then those the viewer follows, then those here. Accounts
// that are gone, suspended or not let in yet are not found, nor circles that are
// not listed and the viewer does not sit in. An anonymous viewer finds those who
// wish to be found.
func (r reader) SearchAccounts(ctx context.Context, v Viewer, query string, p PageOffset) ([]*Account, error) {
	query = strings.TrimPrefix(strings.TrimSpace(query), "@")
	if len(query) > 1000 || !utf8.ValidString(query) {
		return nil, nil
	}
	handle, domain, addressed := strings.Cut(query, "@")
	var all []found
	var err error
	if addressed {
		domain = strings.ToLower(domain)
		rows, errQuery := r.query(ctx, accountsByAddress, r.nowMS(), v.me(), handleKey(handle), utf8.RuneCountInString(domain), domain, maxCandidates)
		all, err = collect(rows, errQuery, scanFound)
	} else {
		all, err = r.findByWords(ctx, v, query)
	}
	if err != nil {
		return nil, err
	}
	rank := func(f found) int {
		switch {
		case handleKey(f.account.Handle) == handleKey(handle):
			return 0
		case f.followed:
			return 1
		case f.account.Local():
			return 2
		}
		return 3
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.account.FollowersCount, a.account.FollowersCount), cmp.Compare(a.account.ID, b.account.ID))
	})
	limit, offset := p.clamp()
	var ids []ID
	for i := offset; i < len(all) && len(ids) < limit; i++ {
		ids = append(ids, all[i].account.ID)
	}
	accounts, err := r.Accounts(ctx, ids)
	var page []*Account
	for _, id := range ids {
		if a := accounts[id]; a != nil {
			page = append(page, a)
		}
	}
	return page, err
}

// findByWords finds candidates by the longest word of the query and keeps those
// that have all of them.
func (r reader) findByWords(ctx context.Context, v Viewer, query string) ([]found, error) {
	words := searchWords(query)
	if whole := clipRunes(searchKey(query), maxWordRunes); strings.ContainsAny(whole, "_-.") && !strings.ContainsAny(whole, " \t") {
		words = []string{whole} // a handle as it stands
	}
	if len(words) == 0 || len(words) > maxWords {
		return nil, nil
	}
	longest := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	key := wordKey(longest)
	// "g" comes after every hexadecimal digit.
	rows, err := r.query(ctx, accountsByWord, r.nowMS(), v.me(), key, key+"g", maxCandidates)
	all, err := collect(rows, err, scanFound)
	return slices.DeleteFunc(all, func(f found) bool {
		has := accountWords(f.account)
		return slices.ContainsFunc(words, func(w string) bool {
			return !slices.ContainsFunc(has, func(h string) bool { return strings.HasPrefix(h, w) })
		})
	}), err
}

// Directory lists the people here who wish to be found, newest first, without
// those who block the viewer or whom it blocks.
func (r reader) Directory(ctx context.Context, v Viewer, p PageOffset) ([]*Account, error) {
	limit, offset := p.clamp()
	rows, err := r.query(ctx, directoryPage, r.nowMS(), v.me(), limit, offset)
	return collect(rows, err, scanAccount)
}

// SearchTags finds tags by their beginning, with or without #. A tag that no
// recent public post uses is not found, so that nothing shows what is talked
// about in circles.
func (r reader) SearchTags(ctx context.Context, query string, p PageOffset) ([]string, error) {
	key := searchKey(strings.TrimPrefix(strings.TrimSpace(query), "#"))
	if key == "" || len(key) > 400 || !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return nil, nil
	}
	limit, offset := p.clamp()
	rows, err := r.query(ctx, tagByBegin, key, after(key), utf8.RuneCountInString(key), limit, offset)
	return collect(rows, err, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) })
}

// after is the first text behind all that begin with key.
func after(key string) string {
	last, size := utf8.DecodeLastRuneInString(key)
	if last++; last == 0xD800 {
		last = 0xE000 // the numbers between are no characters
	}
	if last > unicode.MaxRune {
		return key + string(unicode.MaxRune)
	}
	return key[:len(key)-size] + string(last)
}
