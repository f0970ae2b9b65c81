package social

import (
	"context"

	"cohort/store"
)

// SeeHost notes what a server's actors declare: whether it speaks circles. It writes only when that is
// news.
func (s *Service) SeeHost(ctx context.Context, host string, circles bool) error {
	known, err := s.DB.SpeaksCircles(ctx, host)
	if err != nil || known == circles {
		return err
	}
	return s.tx(ctx, "see host", func(tx *store.Tx) error { return tx.SetSpeaksCircles(ctx, host, circles) })
}
