package batch_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Rows stay for thirty days, and longer where a surface shows them longer.
func TestRowsAreKept(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		s := open(t, st)
		b := s.wait(s.send(batch.CarryIt, "create", "create"))
		for _, c := range []struct {
			pass, keep time.Duration
			rows       int
		}{
			{batch.InputRetention - time.Minute, time.Hour, 2},
			{2 * time.Minute, 45 * 24 * time.Hour, 2},
			{0, 0, 0},
		} {
			clock.Advance(c.pass)
			e := batch.New(st, nil, secret.NewKey(), slog.New(slog.DiscardHandler))
			e.KeepInput(c.keep)
			if err := batch.DropOldInput(e, t.Context()); err != nil {
				t.Fatal(err)
			}
			rows, err := s.engine.Rows(t.Context(), s.caller, b, 0, 2)
			if err != nil || len(rows) != c.rows {
				t.Errorf("kept for %s at least: %d rows (%v), want %d", c.keep, len(rows), err, c.rows)
			}
		}
	})
}
