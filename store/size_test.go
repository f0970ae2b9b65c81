package store_test

import (
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestSize(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if size, err := db.Size(t.Context()); err != nil || size < 100_000 {
			t.Errorf("an empty database has %d bytes (%v)", size, err)
		}
	})
}
