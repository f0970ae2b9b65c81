package store

import (
	"context"
	"fmt"
)

// shownAccounts reads accounts by id as far as others are shown them: live, let in, of a kind that has a page, and of
// secret circles only those the viewer sits in. $1 now, $2 the viewer, from $3 the ids.
var shownAccounts = newInText(`SELECT `+accountColumns+` FROM accounts a WHERE a.id IN (IN) AND `+liveAccount("a")+` AND a.kind <> 'server'
 AND (a.host <> '' OR a.id = CAST($2 AS BIGINT) OR NOT EXISTS (SELECT 1 FROM users zu WHERE zu.account_id = a.id AND (zu.confirmed_at IS NULL OR zu.approved_at IS NULL) LIMIT 1 OFFSET 0))
 AND (a.kind <> 'circle' OR NOT EXISTS (SELECT 1 FROM circles zc WHERE zc.account_id = a.id AND zc.listing = 'secret' LIMIT 1 OFFSET 0)
  OR `+isMember("a.id", "CAST($2 AS BIGINT)", false)+`)`, 3)

// ShownAccounts returns those of ids that v may be shown at all, in the order of ids, each once. Everybody else's
// are as if they did not exist: deleted and suspended ones, those not let in yet, secret circles.
func (r reader) ShownAccounts(ctx context.Context, v Viewer, ids []ID) ([]*Account, error) {
	found := make(map[ID]*Account, len(ids))
	err := shownAccounts.each(ids, []any{r.nowMS(), v.me()}, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		list, err := collect(rows, err, scanAccount)
		for _, a := range list {
			found[a.ID] = a
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("shown accounts: %w", err)
	}
	list := make([]*Account, 0, len(found))
	for _, id := range ids {
		if a := found[id]; a != nil {
			list = append(list, a)
			delete(found, id)
		}
	}
	return list, nil
}

// ShownAccount is ShownAccounts for one: ErrNotFound where v is not shown it.
func (r reader) ShownAccount(ctx context.Context, v Viewer, id ID) (*Account, error) {
	list, err := r.ShownAccounts(ctx, v, []ID{id})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("account %d: %w", id, ErrNotFound)
	}
	return list[0], nil
}
