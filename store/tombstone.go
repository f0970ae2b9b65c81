package store

import (
	"context"
	"database/sql"
)

// tombstoneSlice is how many posts of a deleted account TombstoneAccount takes
// with it; the rest is invisible at once, for its author is, and is left to
// TombstonePosts.
const tombstoneSlice = 200

// SQL for deleting an account.
const (
	tombstoneAccount = `UPDATE accounts SET deleted_at = $2, updated_at = $2, url = '', name = '', bio = '', bio_source = '', fields = '',
 avatar = '', avatar_remote = '', avatar_alt = '', header = '', header_remote = '', header_alt = '', also_known_as = '', moved_to = '',
 discoverable_at = NULL, indexable_at = NULL, posts_count = 0, followers_count = 0, following_count = 0, last_post_at = NULL
WHERE id = $1 AND deleted_at IS NULL`
	deleteFollowsBy   = `DELETE FROM follows WHERE account_id = $1 AND target_id IN (SELECT f.target_id FROM follows f WHERE f.account_id = $1 LIMIT 1000) RETURNING target_id, accepted_at`
	deleteFollowsOf   = `DELETE FROM follows WHERE target_id = $1 AND account_id IN (SELECT f.account_id FROM follows f WHERE f.target_id = $1 LIMIT 1000) RETURNING account_id, accepted_at`
	deleteLikesBy     = `DELETE FROM likes WHERE account_id = $1 AND post_id IN (SELECT l.post_id FROM likes l WHERE l.account_id = $1 LIMIT 1000) RETURNING post_id, id`
	openMembershipsOf = `SELECT circle_id FROM memberships WHERE account_id = $1 AND ended_at IS NULL`
	postsToTombstone  = `SELECT id FROM posts WHERE author_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2`
	deleteUser        = `DELETE FROM users WHERE account_id = $1`
	deleteTimelineOf  = `DELETE FROM timeline WHERE account_id = $1`
	deleteNoticesOf   = `DELETE FROM notifications WHERE account_id = $1`
	deleteBookmarksOf = `DELETE FROM bookmarks WHERE account_id = $1`
	deletePinsOf      = `DELETE FROM pins WHERE account_id = $1`
	deleteMutesOf     = `DELETE FROM mutes WHERE account_id = $1`
	deleteNotesOf     = `DELETE FROM account_notes WHERE account_id = $1`
	deleteDomainMutes = `DELETE FROM domain_mutes WHERE account_id = $1`
	deleteMarkersOf   = `DELETE FROM markers WHERE account_id = $1`
	deleteWordsOf     = `DELETE FROM account_words WHERE account_id = $1`
	deleteVerifyingOf = `DELETE FROM verifications WHERE account_id = $1`
	revokeSeatsOf     = `UPDATE seats SET revoked_at = $2, revoked_reason = 'account deleted' WHERE account_id = $1 AND revoked_at IS NULL`
	lowerFollowers    = `UPDATE accounts SET followers_count = followers_count - 1 WHERE followers_count > 0 AND kind <> 'circle' AND id IN (IN)`
	lowerFollowing    = `UPDATE accounts SET following_count = following_count - 1 WHERE following_count > 0 AND kind <> 'circle' AND id IN (IN)`
	lowerLikes        = `UPDATE posts SET likes_count = likes_count - 1 WHERE likes_count > 0 AND id IN (IN)`
)

var (
	lowerFollowersOf = newInText(lowerFollowers, 1)
	lowerFollowingOf = newInText(lowerFollowing, 1)
	lowerLikesOf     = newInText(lowerLikes, 1)
)

// ownRows are what only the account itself had use for.
var ownRows = [...]string{
	deleteUser, deleteTimelineOf, deleteNoticesOf, deleteBookmarksOf, deletePinsOf,
	deleteMutesOf, deleteNotesOf, deleteDomainMutes, deleteMarkersOf, deleteVerifyingOf,
	deleteWordsOf, deleteActorProofKey,
}

// TombstoneAccount deletes an account: what it says about itself is emptied,
// follows in both directions, likes, memberships and seats end, its user,
// sessions and tokens are gone, and its newest posts leave tombstones. The row
// stays, so that neither address nor uri is given to anyone else, and so does
// the key for requests, which has to sign the news of the deletion.
//
// It is visible to nobody from then on. Older posts are emptied by
// TombstonePosts. ErrNotFound if it is not there or deleted already.
func (tx *Tx) TombstoneAccount(ctx context.Context, id ID) error {
	n, err := tx.exec(ctx, tombstoneAccount, int64(id), tx.Now.UnixMilli())
	if err := mustChange(n, err); err != nil {
		return err
	}
	if err := tx.dropCounted(ctx, id); err != nil {
		return err
	}
	circles, err := tx.ids(ctx, openMembershipsOf, int64(id))
	if err != nil {
		return err
	}
	for _, circle := range circles {
		if err := tx.EndMembership(ctx, circle, id); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, revokeSeatsOf, int64(id), tx.Now.UnixMilli()); err != nil {
		return err
	}
	if err := tx.EndSessions(ctx, id, 0); err != nil {
		return err
	}
	if err := tx.RevokeTokens(ctx, id); err != nil {
		return err
	}
	for _, text := range ownRows {
		if _, err := tx.exec(ctx, text, int64(id)); err != nil {
			return err
		}
	}
	_, err = tx.TombstonePosts(ctx, id, tombstoneSlice)
	return err
}

// TombstonePosts deletes up to limit posts of an account, newest first, and
// reports whether there may be more.
func (tx *Tx) TombstonePosts(ctx context.Context, author ID, limit int) (more bool, err error) {
	posts, err := tx.ids(ctx, postsToTombstone, int64(author), int64(limit))
	if err != nil {
		return false, err
	}
	for _, id := range posts {
		if _, err := tx.DeletePost(ctx, id); err != nil {
			return false, err
		}
	}
	return len(posts) == limit, nil
}

// dropCounted removes the rows that somebody else's counter counts, a thousand
// at a time.
func (tx *Tx) dropCounted(ctx context.Context, id ID) error {
	for _, step := range []struct {
		remove string
		lower  *inText
	}{{deleteFollowsBy, lowerFollowersOf}, {deleteFollowsOf, lowerFollowingOf}, {deleteLikesBy, lowerLikesOf}} {
		for more := true; more; {
			rows, err := tx.query(ctx, step.remove, int64(id))
			counted, err := collect(rows, err, scanCounted)
			if err != nil {
				return err
			}
			more = len(counted) > 0
			err = step.lower.each(counted, nil, func(text string, args []any) error {
				_, err := tx.exec(ctx, text, args...)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// scanCounted reads whose counter counted a removed row: nobody's if it was
// only a request.
func scanCounted(rows *sql.Rows) (ID, error) {
	var id, counted ID
	if err := rows.Scan(scanID(&id), scanID(&counted)); err != nil {
		return 0, err
	}
	if counted == 0 {
		return 0, nil
	}
	return id, nil
}
