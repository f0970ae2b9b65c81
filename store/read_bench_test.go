package store_test

import (
	"context"
	"testing"

	"cohort/store"
)

// What a read costs besides its SQL, with a context that can end, as those of
// requests can, and with one that cannot.
func BenchmarkRead(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		if err := put(context.Background(), db, "a"); err != nil {
			b.Fatal(err)
		}
		ending, cancel := context.WithCancel(context.Background())
		defer cancel()
		for name, ctx := range map[string]context.Context{"request": ending, "background": context.Background()} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						var value string
						if err := db.Scan(ctx, []any{&value}, `SELECT value FROM settings WHERE name = $1`, "a"); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	})
}
