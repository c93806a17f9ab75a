package provision_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// An import of the test: rows are drafts, or "failed", or "again 0" for the person of an earlier row.
func (y *yard) imports(options string, unit int64, rows ...string) store.BatchRow {
	y.t.Helper()
	b := store.BatchRow{Options: json.RawMessage(options), Unit: unit}
	b.Kind, b.Surface, b.Name, b.State = muster.ImportBatch, "edconnekt", "pupils.csv", muster.Running
	err := y.store.Update(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error { return tx.CreateBatch(&b) })
	if err != nil {
		y.t.Fatal(err)
	}
	return y.more(b, true, rows...)
}

const onRequest = `{"accounts_asked":true}`

// more brings further rows of an import, and ends it.
func (y *yard) more(b store.BatchRow, end bool, rows ...string) store.BatchRow {
	y.t.Helper()
	err := y.store.Bulk(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) (err error) {
		if b, err = tx.LockBatch(b.Seq); err != nil {
			return err
		}
		tenant, err := tx.Own()
		if err != nil {
			return err
		}
		rules := roster.RulesOf(tenant.Settings)
		rules.NoUsername = true
		ops := make([]roster.Op, len(rows))
		for i, row := range rows {
			if ops[i].Person = -1; !strings.HasPrefix(row, "failed") && !strings.HasPrefix(row, "again") {
				ops[i] = roster.Op{Draft: draft(row)}
			}
		}
		outcomes, err := y.roster.Carry(tx, rules, ops)
		if err != nil {
			return err
		}
		items := make([]muster.Item, len(rows))
		for i, row := range rows {
			items[i] = muster.Item{Batch: b.Seq, Index: b.NextIndex + i, Row: b.NextIndex + i + 2, State: muster.DoneItem, Person: outcomes[i].Person.Seq, Change: outcomes[i].Change}
			var earlier int
			if n, _ := fmt.Sscanf(row, "again %d", &earlier); n == 1 {
				items[i].Person = items[earlier].Person
			}
			if row == "failed" {
				items[i].State = muster.FailedItem
			}
			if len(outcomes[i].Faults) > 0 {
				return outcomes[i].Faults
			}
		}
		b.Total += len(rows)
		b.NextIndex = b.Total
		if end {
			b.State, b.FinishedAt = muster.Finished, tx.Now()
		}
		if err := tx.InsertItems(items); err != nil {
			return err
		}
		return tx.SaveBatch(&b)
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return b
}

// personOf gives whom a row of an import brought.
func (y *yard) personOf(b store.BatchRow, row int) store.PersonRow {
	y.t.Helper()
	seq := y.items(b)[row].Person
	found, err := y.roster.BySeq(y.t.Context(), y.caller, []int64{seq})
	if err != nil {
		y.t.Fatal(err)
	}
	return found[seq]
}

// ordersFrom has orders follow a target.
func (y *yard) ordersFrom(name string) {
	y.t.Helper()
	err := y.store.Update(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error {
		own, err := tx.Own()
		if err != nil {
			return err
		}
		own.Settings.Provisioning.Target = name
		return tx.SaveTenant(own)
	})
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) order(source store.BatchRow) provision.OrderView {
	y.t.Helper()
	view, err := y.provision.Order(y.t.Context(), y.caller, source.ID)
	if err != nil {
		y.t.Fatal(err)
	}
	return view
}

// run asks for a run and checks the answer.
func (y *yard) run(o provision.OrderView, status provision.RunStatus, enqueued int) {
	y.t.Helper()
	run, err := y.provision.RunOrder(y.t.Context(), y.caller, o.ID)
	if err != nil || run.Status != status || run.Enqueued != enqueued || run.Batch.ID != o.ID {
		y.t.Errorf("run: %s of %d (%v), want %s of %d", run.Status, run.Enqueued, err, status, enqueued)
	}
}

func (y *yard) orderItems(o provision.OrderView) []provision.OrderItem {
	y.t.Helper()
	items, err := y.provision.OrderItems(y.t.Context(), y.caller, o.ID, 0, 1000)
	if err != nil {
		y.t.Fatal(err)
	}
	return items
}

// still waits until nothing runs: orders that wait to be run stay.
func (y *yard) still() {
	y.t.Helper()
	y.until("nothing runs", func() bool {
		return y.followed() && !slices.ContainsFunc(y.batches(), func(b store.BatchRow) bool { return b.State == muster.Running })
	})
	y.audit()
}

func (y *yard) now(o provision.OrderView) store.BatchRow {
	y.t.Helper()
	list, err := y.provision.Orders(y.t.Context(), y.caller, uuid.Nil, 0, 1000)
	if err != nil {
		y.t.Fatal(err)
	}
	for _, b := range list {
		if b.ID == o.ID {
			return b.Batch
		}
	}
	y.t.Fatal("the order is not listed")
	return store.BatchRow{}
}

// wantOrder holds an order to its state and counts: pending, done, failed.
func (y *yard) wantOrder(o provision.OrderView, state muster.BatchState, pending, done, failed int) {
	y.t.Helper()
	b := y.now(o)
	if got := [3]int{b.Counts.Pending(b.Total), b.Counts.Done, b.Counts.Failed}; b.State != state || got != [3]int{pending, done, failed} {
		y.t.Errorf("order is %s with %d pending, %d done and %d failed, want %s with %d, %d and %d", b.State, got[0], got[1], got[2], state, pending, done, failed)
	}
	if waiting := b.Counts.Pending(b.Total); state == muster.Ready && b.Waiting != waiting || state == muster.Finished && b.Waiting != 0 {
		y.t.Errorf("%d items wait for a run, %d are pending", b.Waiting, waiting)
	}
}

// describe gives what items say: username, state, reasons.
func describe(items []provision.OrderItem) (list []string) {
	for _, i := range items {
		text := fmt.Sprintf("%s %s %s", i.Person.LastName, i.State, i.Person.Username)
		if i.Account != nil {
			text += " as " + i.Account.Username + " " + string(i.Account.State)
		}
		if len(i.Reasons) > 0 {
			text += ": " + i.Reasons.Error()
		}
		list = append(list, text)
	}
	return list
}
