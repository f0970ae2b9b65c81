package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// threadLimit bounds how much of a thread is looked at: the oldest posts of it.
const threadLimit = 4000

// SQL for threads: $1 now, $2 the viewer, $3 the root or the post.
var (
	threadPosts = perViewer(func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.root_id = $3 AND ` + s.listed("p") + sqlf(` ORDER BY p.id LIMIT %d`, threadLimit)
	})
	threadBoosters = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.boost_of_id = $6 AND ` + s.listed("p")
	})
	threadReplies = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.reply_to_id = $6 AND p.visibility IN ('public', 'unlisted') AND ` + s.post("p")
	})
)

// threadShape is the thread without a word of it, to bridge posts that are gone or not for the viewer.
var threadShape = sqlf(`SELECT p.id, p.reply_to_id FROM posts p WHERE p.root_id = $1 ORDER BY p.id LIMIT %d`, threadLimit)

// Thread returns what a post answers, the beginning first, and what answers it, each answer below what it
// answers. Posts that v may not see are left out, and what lies beyond them is still found.
func (r reader) Thread(ctx context.Context, v Viewer, p *Post) (ancestors, descendants []*Post, err error) {
	posts, err := r.posts(ctx, v, threadPosts.of(v), r.nowMS(), v.arg(), int64(p.RootID))
	if err != nil {
		return nil, nil, fmt.Errorf("thread of %d: %w", p.ID, err)
	}
	t := thread{posts: make(map[ID]*Post, len(posts)), parent: make(map[ID]ID, len(posts)), seen: map[ID]bool{p.ID: true}}
	for _, q := range posts {
		t.posts[q.ID], t.parent[q.ID] = q, q.ReplyToID
	}
	if t.broken(p) {
		if err := r.threadShape(ctx, p.RootID, t.parent); err != nil {
			return nil, nil, fmt.Errorf("thread of %d: %w", p.ID, err)
		}
	}
	return t.above(p.ReplyToID), t.below(p.ID), nil
}

// thread is a tree of posts in which each is visited once, whatever they claim to answer.
type thread struct {
	posts    map[ID]*Post
	parent   map[ID]ID
	children map[ID][]ID
	seen     map[ID]bool
}

// broken tells whether a post answers one that is not at hand.
func (t *thread) broken(p *Post) bool {
	for id, up := range t.parent {
		if up != 0 && t.posts[up] == nil && id != p.RootID {
			return true
		}
	}
	return p.ReplyToID != 0 && t.posts[p.ReplyToID] == nil
}

func (r reader) threadShape(ctx context.Context, root ID, parent map[ID]ID) error {
	rows, err := r.query(ctx, threadShape, int64(root))
	return each(rows, err, func(rows *sql.Rows) error {
		var id, up ID
		if err := rows.Scan(scanID(&id), scanID(&up)); err != nil {
			return err
		}
		parent[id] = up
		return nil
	})
}

// above walks up from a post.
func (t *thread) above(id ID) []*Post {
	var found []*Post
	for id != 0 && !t.seen[id] {
		t.seen[id] = true
		if p := t.posts[id]; p != nil {
			found = append(found, p)
		}
		id = t.parent[id]
	}
	slices.Reverse(found)
	return found
}

// below walks down from a post, the oldest answer and all below it first.
func (t *thread) below(id ID) []*Post {
	t.children = make(map[ID][]ID, len(t.parent))
	for child, up := range t.parent {
		if up != 0 {
			t.children[up] = append(t.children[up], child)
		}
	}
	var found []*Post
	for stack := t.push(nil, id); len(stack) > 0; {
		next := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if t.seen[next] {
			continue
		}
		t.seen[next] = true
		if p := t.posts[next]; p != nil {
			found = append(found, p)
		}
		stack = t.push(stack, next)
	}
	return found
}

// push puts the answers to a post on the stack, so that the oldest comes off first.
func (t *thread) push(stack []ID, id ID) []ID {
	answers := t.children[id]
	slices.SortFunc(answers, func(a, b ID) int { return int(max(-1, min(1, b-a))) })
	return append(stack, answers...)
}

// Boosters lists who boosted a post that v may see, the latest first, as far as v may see the boosts.
// next is the MaxID of the page below, 0 at the end.
func (r reader) Boosters(ctx context.Context, v Viewer, post ID, p Page) (accounts []*Account, next ID, err error) {
	if _, err := r.Post(ctx, v, post); err != nil {
		return nil, 0, err
	}
	boosts, err := r.page(ctx, v, &threadBoosters, p, int64(post))
	if err != nil {
		return nil, 0, fmt.Errorf("boosters of %d: %w", post, err)
	}
	ids := make([]ID, len(boosts.Items))
	for i, b := range boosts.Items {
		ids[i] = b.AuthorID
	}
	found, err := r.Accounts(ctx, ids)
	if err != nil {
		return nil, 0, fmt.Errorf("boosters of %d: %w", post, err)
	}
	for _, id := range ids {
		if a := found[id]; a != nil {
			accounts = append(accounts, a)
		}
	}
	return accounts, boosts.Next, nil
}

// Replies lists the public and unlisted answers to a post that everyone may see, for other servers.
func (r reader) Replies(ctx context.Context, post ID, p Page) (Posts, error) {
	if _, err := r.Post(ctx, Anonymous, post); err != nil {
		return Posts{}, err
	}
	page, err := r.page(ctx, Anonymous, &threadReplies, p, int64(post))
	if err != nil {
		return Posts{}, fmt.Errorf("replies to %d: %w", post, err)
	}
	return page, nil
}
