package store

// Whom a post is for. Seeing is not receiving: what is public may be seen by all and is for the author's followers.
// Whoever sends or fans out takes recipients and canSee together, never one of them.

// recipients is a SELECT of account ids (column id) for a post of that visibility. The other arguments are
// SQL expressions for the ids of the post, its circle and its author. A circle's post is for its members and, first of all,
// for the circle's own actor, who stands for the hub; it is never for the author's followers.
// The original's author is among those a boost is for.
func recipients(visibility, post, circle, author string) string {
	switch visibility {
	case "circle":
		return sqlf(`SELECT account_id AS id FROM memberships WHERE circle_id = %[1]s AND verified_at IS NOT NULL AND ended_at IS NULL UNION SELECT CAST(%[1]s AS BIGINT)`, circle)
	case "direct", "limited":
		return sqlf(`SELECT account_id AS id FROM post_recipients WHERE post_id = %s`, post)
	default:
		return sqlf(`SELECT account_id AS id FROM follows WHERE target_id = %[2]s AND accepted_at IS NOT NULL
  UNION SELECT account_id FROM post_recipients WHERE post_id = %[1]s
  UNION SELECT zo.author_id FROM posts zb JOIN posts zo ON zo.id = zb.boost_of_id WHERE zb.id = %[1]s`, post, author)
	}
}
