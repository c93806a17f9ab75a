package batch_test

import (
	"slices"
	"testing"
	"time"

	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestPostgresLooksAtItsTablesAfterALargeChunk(t *testing.T) {
	st := storetest.Open(t, store.Postgres) // the other engine keeps no such statistics
	s := open(t, st)
	s.wait(s.send(batch.CarryIt, slices.Repeat([]string{"create"}, 1_200)...))
	deadline := time.Now().Add(storetest.Patience)
	for s.count("SELECT coalesce(sum(reltuples), 0)::bigint FROM pg_class WHERE relname = 'item' AND reltuples > 0") < 1_000 {
		if time.Now().After(deadline) {
			t.Fatal("the table of items was not analyzed")
		}
	}
}
