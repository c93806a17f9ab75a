package batch_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Whose rows came before is known to whoever works on a batch, also to one who has not worked on it before, and not from a chunk that was undone.
func TestWhoseRowsCameBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		other := s.node(st, s.worker)
		b := s.send(batch.Rest, words(9, "create")...)
		people := []int64{1, 63, 64, 65, 1 << 40, 7, 8}
		rows := func(e *batch.Engine, first int) map[int64]int {
			t.Helper()
			var rows map[int64]int
			if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) (err error) {
				rows, err = batch.RowsOf(e, tx, &b, first, []int64{1, 64, 66, 7, 1 << 40})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return rows
		}
		chunk := func(first, end int, fails error) {
			err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				var items []muster.Item
				for i := first; i < end; i++ {
					items = append(items, muster.Item{Batch: b.Seq, Index: i, Row: i + 2, State: muster.DoneItem, Person: people[i]})
				}
				items[len(items)-1].State = muster.FailedItem
				b.NextIndex = end
				batch.KeepInMind(s.engine, tx, &b, first, items)
				if err := tx.InsertItems(items); err != nil {
					return err
				}
				return fails
			})
			if (err == nil) != (fails == nil) {
				t.Fatal(err)
			}
		}
		chunk(0, 4, nil)
		chunk(4, 7, errors.New("undone"))
		want := map[int64]int{1: 2, 64: 4}
		for name, e := range map[string]*batch.Engine{"whoever stored them": s.engine, "somebody else": other} {
			if got := rows(e, 4); !maps.Equal(got, want) {
				t.Errorf("%s knows %v", name, got)
			}
		}
		chunk(4, 7, nil)
		want[1<<40], want[7] = 6, 7
		if !s.engine.InMind(&b, 7) || other.InMind(&b, 7) {
			t.Error("what was stored is not in mind, or with somebody else")
		}
		for name, e := range map[string]*batch.Engine{"whoever stored them": s.engine, "somebody else": other} {
			if got := rows(e, 7); !maps.Equal(got, want) {
				t.Errorf("in the end %s knows %v", name, got)
			}
		}
		b.State, b.Plan.Update = muster.Running, 9
		if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			return tx.InsertItems([]muster.Item{{Batch: b.Seq, Index: 8, Row: 10, State: muster.PlannedItem, Person: 66}})
		}); err != nil {
			t.Fatal(err)
		}
		want[66] = 10
		if got := rows(s.engine, 7); !maps.Equal(got, want) {
			t.Errorf("with a plan: %v", got)
		}
	})
}
