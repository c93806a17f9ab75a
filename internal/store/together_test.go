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
