package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// What is written together is found row by row, also among few enough for reading them all to look cheaper.
func TestPlansOfWritingTogether(t *testing.T) {
	st := storetest.Open(t, store.Postgres) // SQLite writes one after the other
	const all, some = 2_000, 500
	b := newBatch(t, st, storetest.Tenant, muster.Running)
	changes, items := make([]store.PersonChange, some), make([]muster.Item, all)
	wantFound := func(when string) {
		t.Helper()
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			statements, err := tx.TogetherSQL(changes, items[:some])
			for query, args := range statements {
				lines, err := st.ReadPlan(tx, query, args)
				if err != nil {
					return err
				}
				if plan := strings.Join(lines, "\n"); strings.Contains(plan, "Join") || !strings.Contains(plan, "_pkey on") || !strings.Contains(plan, "= ANY (ARRAY[v.") {
					t.Errorf("%s: %s\n%s", when, query, plan)
				}
			}
			return err
		})
	}
	people := make([]*store.PersonRow, all)
	for i := range people {
		people[i] = named(fmt.Sprintf("p%d", i), "", "")
		items[i] = muster.Item{Batch: b.Seq, Index: i, Row: i, State: muster.PlannedItem}
	}
	for i := range changes {
		after := *people[i]
		after.FirstName, after.State, after.Profile.Department = "Ann", muster.Staged, "HR"
		changes[i] = store.PersonChange{Before: people[i], After: &after}
	}
	wantFound("empty")
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if err := insert(tx, people...); err != nil {
			return err
		}
		return tx.InsertItems(items)
	})
	wantFound("without statistics")
	if err := st.Analyze(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFound("with statistics")
}

// What looks for items by the person finds them by it, although an item of which nothing came is not found so.
func TestPlansOfItemsByPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := newBatch(t, st, storetest.Tenant, muster.Running)
		wantByPerson := func(when string) {
			t.Helper()
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for query, args := range tx.ByPersonSQL(b.Seq, 7) {
					lines, err := st.ReadPlan(tx, query, args)
					if err != nil {
						return err
					}
					if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "item_person") {
						t.Errorf("%s: %s\n%s", when, query, plan)
					}
				}
				return nil
			})
		}
		wantByPerson("empty")
		items := make([]muster.Item, 3_000)
		for i := range items {
			items[i] = muster.Item{Batch: b.Seq, Index: i, Row: i, State: muster.DoneItem, Person: int64(i + 1)}
			if i%2 == 0 {
				items[i].Change = muster.Diff(nil, muster.Record{"first_name": "A"})
			}
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.InsertItems(items) })
		wantByPerson("without statistics")
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantByPerson("with statistics")
	})
}
