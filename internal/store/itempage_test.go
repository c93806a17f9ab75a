package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Every page of items is read in the order of an index, within the one batch; what failed or was skipped by the index of nothing else.
func TestPlansOfItemPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var batches []int64
		for range 3 {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				b := store.BatchRow{}
				b.Kind, b.State = muster.ImportBatch, muster.Finished
				if err := tx.CreateBatch(&b); err != nil {
					return err
				}
				items := make([]muster.Item, 2_000)
				for i := range items {
					items[i] = muster.Item{Batch: b.Seq, Index: i, Row: i + 2, State: muster.DoneItem}
					switch {
					case i%100 == 7:
						items[i].State = muster.FailedItem
					case i%100 == 8:
						items[i].State = muster.SkippedItem
					case i%3 == 0:
						items[i].Change = muster.Diff(nil, muster.Record{"username": fmt.Sprint("p", i)})
					}
				}
				batches = append(batches, b.Seq)
				return tx.InsertItems(items)
			})
		}
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, q := range []store.ItemPage{
			{Failed: true},
			{Skipped: true},
			{Failed: true, Skipped: true},
			{Changed: true},
			{Unchanged: true},
			{Changed: true, Unchanged: true},
			{Pending: true},
			{Changed: true, Failed: true},
			{Unchanged: true, Skipped: true},
			{Pending: true, Changed: true, Unchanged: true, Failed: true, Skipped: true},
		} {
			for _, skip := range []int{0, 40} {
				q.Batch, q.Skip, q.Limit = batches[1], skip, 20
				look(t, st, storetest.Tenant, func(tx *store.Tx) error {
					query, args := tx.ItemsPageSQL(q)
					plan, err := st.ReadPlan(tx, query, args)
					text := strings.Join(plan, "\n")
					trouble := (q.Failed || q.Skipped) && !q.Pending && !q.Changed && !q.Unchanged
					want := map[bool][]string{false: {"USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "item_pkey"}, true: {"USING INDEX item_trouble", "item_trouble"}}[trouble]
					switch {
					case strings.Contains(text, "Seq Scan"), strings.Contains(text, "SCAN t"), strings.Contains(text, "Sort"), strings.Contains(text, "TEMP B-TREE"),
						!strings.Contains(text, want[0]) && !strings.Contains(text, want[1]):
						t.Errorf("%+v: %s\n%s", q, query, text)
					}
					return err
				})
			}
		}
	})
}

func TestItemPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := store.BatchRow{}
		change := muster.Diff(nil, muster.Record{"username": "p"})
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			b.Kind, b.State = muster.ImportBatch, muster.Running
			if err := tx.CreateBatch(&b); err != nil {
				return err
			}
			return tx.InsertItems([]muster.Item{
				{Batch: b.Seq, Index: 0, State: muster.DoneItem, Change: change},
				{Batch: b.Seq, Index: 1, State: muster.DoneItem},
				{Batch: b.Seq, Index: 2, State: muster.FailedItem},
				{Batch: b.Seq, Index: 3, State: muster.PlannedItem, Change: change},
				{Batch: b.Seq, Index: 4, State: muster.SkippedItem},
				{Batch: b.Seq, Index: 5, State: muster.PlannedItem},
				{Batch: b.Seq + 1, Index: 0, State: muster.DoneItem, Change: change},
			})
		})
		for _, c := range []struct {
			q    store.ItemPage
			want string
		}{
			{store.ItemPage{Limit: 9}, "[]"},
			{store.ItemPage{Changed: true, Limit: 9}, "[0]"},
			{store.ItemPage{Unchanged: true, Limit: 9}, "[1]"},
			{store.ItemPage{Changed: true, Unchanged: true, Limit: 9}, "[0 1]"},
			{store.ItemPage{Failed: true, Limit: 9}, "[2]"},
			{store.ItemPage{Skipped: true, Limit: 9}, "[4]"},
			{store.ItemPage{Failed: true, Skipped: true, Skip: 1, Limit: 9}, "[4]"},
			{store.ItemPage{Pending: true, Limit: 9}, "[3 5]"},
			{store.ItemPage{Pending: true, From: 4, Limit: 9}, "[5]"},
			{store.ItemPage{Pending: true, Changed: true, Unchanged: true, Failed: true, Skipped: true, Skip: 1, Limit: 3}, "[1 2 3]"},
		} {
			c.q.Batch = b.Seq
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				items, err := tx.ItemsPage(c.q)
				got := make([]int, len(items))
				for i := range items {
					got[i] = items[i].Index
				}
				if fmt.Sprint(got) != c.want {
					t.Errorf("%+v gives %v, want %s", c.q, got, c.want)
				}
				return err
			})
		}
		look(t, st, secondTenant(t, st), func(tx *store.Tx) error {
			items, err := tx.ItemsPage(store.ItemPage{Batch: b.Seq, Changed: true, Limit: 9})
			if len(items) > 0 {
				t.Errorf("another tenant gets %d items", len(items))
			}
			return err
		})
	})
}
