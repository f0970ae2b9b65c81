package store

import (
	"context"
	"fmt"
)

// PostsByID returns those of ids that v may see, in the order of ids, each once.
func (r reader) PostsByID(ctx context.Context, v Viewer, ids []ID) ([]*Post, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := r.postsByID(ctx, v, ids)
	if err != nil {
		return nil, fmt.Errorf("posts by id: %w", err)
	}
	list := make([]*Post, 0, len(found))
	for _, id := range ids {
		if p := found[id]; p != nil {
			list = append(list, p)
			delete(found, id)
		}
	}
	return list, nil
}
