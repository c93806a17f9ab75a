package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func newBatch(t testing.TB, st *store.Store, tenant int64, state muster.BatchState) *store.BatchRow {
	t.Helper()
	b := &store.BatchRow{Batch: muster.Batch{Kind: muster.ImportBatch, Surface: "native", Name: "pupils.csv", Owner: "key:admin", State: state}}
	write(t, st, tenant, func(tx *store.Tx) error { return tx.CreateBatch(b) })
	return b
}

func TestBatchComesBackAsItWas(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		b := newBatch(t, st, storetest.Tenant, muster.Receiving)
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			_, err := tx.Batch(b.ID)
			wantCode(t, "a batch that is being received", err, muster.NotFound)
			return nil
		})
		clock.Advance(time.Minute)
		b.State, b.Message, b.Released, b.Cancel, b.Total, b.NextIndex, b.SourceIndex = muster.HeldBatch, "too many", true, true, 10, 4, 3
		b.Counts = muster.Counts{Done: 1, Failed: 2, Skipped: 3, Created: 4, Updated: 5, Unchanged: 6, Disables: 7, Renames: 8, Warnings: 9}
		b.StartedAt, b.FinishedAt, b.Options = clock.Now(), clock.Now().Add(time.Second), json.RawMessage(`{"a":1}`)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.SaveBatch(b) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.Batch(b.ID)
			if diff := cmp.Diff(*b, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		follower := &store.BatchRow{Batch: muster.Batch{Kind: muster.ProvisionBatch, SourceBatch: b.Seq, State: muster.Running}}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			_, err := tx.BatchFollowing(b.Seq)
			wantCode(t, "a batch that nothing follows", err, muster.NotFound)
			return tx.CreateBatch(follower)
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.BatchFollowing(b.Seq)
			if got.Seq != follower.Seq {
				t.Errorf("followed by %d", got.Seq)
			}
			return err
		})
	})
}

func TestBatchesAreListedNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		a, b := newBatch(t, st, storetest.Tenant, muster.Planned), newBatch(t, st, storetest.Tenant, muster.Running)
		newBatch(t, st, storetest.Tenant, muster.Receiving)
		for name, c := range map[string]struct {
			kind   muster.BatchKind
			state  muster.BatchState
			before int64
			limit  int
			want   []int64
		}{
			"all": {limit: 10, want: []int64{b.Seq, a.Seq}}, "one": {limit: 1, want: []int64{b.Seq}}, "next": {before: b.Seq, limit: 10, want: []int64{a.Seq}},
			"state": {state: muster.Planned, limit: 10, want: []int64{a.Seq}}, "kind": {kind: muster.ProvisionBatch, limit: 10},
		} {
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				list, err := tx.Batches(c.kind, c.state, c.before, c.limit)
				var got []int64
				for _, b := range list {
					got = append(got, b.Seq)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				return err
			})
		}
	})
}

func TestLeases(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		b := newBatch(t, st, storetest.Tenant, muster.Running)
		newBatch(t, st, storetest.Tenant, muster.Planned) // nobody needs to drive it
		lease := func(owner string) (ok bool) {
			write(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
				ok, err = tx.LeaseBatch(b.Seq, owner, tx.Now().Add(30*time.Second))
				return err
			})
			return ok
		}
		abandoned := func() (list []store.Abandoned) {
			look(t, st, store.Everyone, func(tx *store.Tx) (err error) {
				list, err = tx.AbandonedBatches()
				return err
			})
			return list
		}
		want := []store.Abandoned{{Tenant: storetest.Tenant, Batch: b.Seq, State: muster.Running}}
		if diff := cmp.Diff(want, abandoned()); diff != "" {
			t.Error(diff)
		}
		if !lease("a") || lease("b") || len(abandoned()) != 0 {
			t.Error("two hold the lease, or none")
		}
		clock.Advance(20 * time.Second)
		if !lease("a") {
			t.Error("the owner cannot renew")
		}
		clock.Advance(20 * time.Second)
		if lease("b") {
			t.Error("a renewed lease is free")
		}
		clock.Advance(11 * time.Second)
		if len(abandoned()) != 1 || !lease("b") || lease("a") {
			t.Error("a lease that ran out is not free")
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.ReleaseBatch(b.Seq, "a") }) // not a's to give back
		if lease("a") {
			t.Error("somebody else gave the lease back")
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.ReleaseBatch(b.Seq, "b") })
		if !lease("a") {
			t.Error("a lease given back is not free")
		}
		write(t, st, store.Everyone, func(tx *store.Tx) error { return tx.FreeLeases() })
		if !lease("b") {
			t.Error("the leases of before the start hold")
		}
	})
}

// A process that dies leaves requests unanswered; after its next start their senders need not wait to send them again.
func TestFreeLeasesForgetsUnansweredRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		answered, unanswered := store.Idempotency{Key: "a", Route: "POST /v1/people", Digest: []byte{1}}, store.Idempotency{Key: "b", Route: "POST /v1/people", Digest: []byte{1}}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, r := range []*store.Idempotency{&answered, &unanswered} {
				if err := tx.StartIdempotent(r, time.Time{}); err != nil {
					return err
				}
			}
			answered.Status, answered.Answer = 201, []byte("{}")
			_, err := tx.FinishIdempotent(answered)
			return err
		})
		write(t, st, store.Everyone, func(tx *store.Tx) error { return tx.FreeLeases() })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if _, there, err := tx.Idempotency("b"); there || err != nil {
				t.Errorf("an unanswered request is still being worked on: %v", err)
			}
			_, there, err := tx.Idempotency("a")
			if !there {
				t.Error("an answer was forgotten")
			}
			return err
		})
	})
}

// The accounts of an import are looked at by a job; when that dies, the rows tell that something was left.
func TestUnfollowedImports(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		source := newBatch(t, st, storetest.Tenant, muster.Running)
		f := &store.BatchRow{Batch: muster.Batch{Kind: muster.ProvisionBatch, State: muster.Running, SourceBatch: source.Seq, NextIndex: -1}}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.CreateBatch(f) })
		left := func(since time.Time) (n int) {
			look(t, st, store.Everyone, func(tx *store.Tx) error {
				list, err := tx.UnfollowedBatches(since)
				for _, a := range list {
					if a.Batch != source.Seq || a.Tenant != storetest.Tenant {
						t.Errorf("left: %+v", a)
					}
				}
				n = len(list)
				return err
			})
			return n
		}
		save := func(change func()) {
			change()
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				if err := tx.SaveBatch(source); err != nil {
					return err
				}
				return tx.SaveBatch(f)
			})
		}
		if left(clock.Now()) != 0 {
			t.Error("an import that has done nothing yet is to be followed")
		}
		save(func() { source.Total, source.NextIndex, f.SourceIndex = 20, 10, 4 })
		if left(clock.Now().Add(-time.Second)) != 0 || left(clock.Now()) != 1 {
			t.Error("what moved a moment ago is left, or what was left is not")
		}
		save(func() { f.SourceIndex = 10 })
		if left(clock.Now()) != 0 {
			t.Error("what was followed as far as the import came is left")
		}
		save(func() { source.State = muster.Finished })
		if left(clock.Now()) != 1 {
			t.Error("the end of an import is not followed")
		}
		save(func() { f.NextIndex = 10 })
		if left(clock.Now()) != 0 {
			t.Error("what was followed to its end is left")
		}
	})
}

func TestBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := newBatch(t, st, storetest.Tenant, muster.Receiving)
		var blocks []store.Block
		for i := range 12 {
			blocks = append(blocks, store.Block{First: i * 250, N: 250, Bytes: []byte{0, byte(i), 255}})
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.AddBlocks(b.Seq, blocks) })
		for _, c := range []struct{ first, end, from, to int }{{0, 3000, 0, 12}, {0, 250, 0, 1}, {249, 251, 0, 2}, {250, 500, 1, 2}, {2999, 9000, 11, 12}, {600, 601, 2, 3}} {
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				got, err := tx.Blocks(b.Seq, c.first, c.end)
				if diff := cmp.Diff(blocks[c.from:c.to], got); diff != "" {
					t.Errorf("rows %d to %d: %s", c.first, c.end, diff)
				}
				return err
			})
		}
		ready := newBatch(t, st, storetest.Tenant, muster.Ready)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.AddBlocks(ready.Seq, blocks[:1]); err != nil {
				return err
			}
			if err := tx.DeleteBatch(ready.Seq); err != nil { // not one that is visible
				return err
			}
			return tx.DeleteBatch(b.Seq)
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			left, err := tx.Strings("SELECT DISTINCT cast(batch AS text) FROM block")
			if len(left) != 1 || left[0] != fmt.Sprint(ready.Seq) {
				t.Errorf("blocks are left of %v", left)
			}
			return err
		})
	})
}

func TestItems(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b, next := newBatch(t, st, storetest.Tenant, muster.Running), newBatch(t, st, storetest.Tenant, muster.Running)
		states := []muster.ItemState{muster.PlannedItem, muster.DoneItem, muster.FailedItem, muster.SkippedItem, muster.PendingItem}
		var items []muster.Item
		for i := range 25 {
			item := muster.Item{Batch: b.Seq, Index: i, Row: i + 2, State: states[i%5], Person: int64(100 + i), Guard: 3}
			item.Change = muster.Diff(muster.Record{"first_name": "A"}, muster.Record{"first_name": "B", "absent": true})
			if item.State == muster.FailedItem {
				item.Person, item.Change = 0, muster.Change{}
				item.Reasons = muster.Errors{muster.Errorf(muster.Invalid, "email", "Wrong.")}
			}
			if item.State == muster.PendingItem {
				item.Account = int64(500 + i)
			}
			items = append(items, item)
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.InsertItems(items); err != nil {
				return err
			}
			return tx.InsertItems([]muster.Item{
				{Batch: next.Seq, Index: 0, State: muster.DoneItem, Person: 101, Change: items[0].Change},
				{Batch: next.Seq, Index: 1, State: muster.DoneItem, Person: 101}, // nothing to change
				{Batch: next.Seq, Index: 2, State: muster.PlannedItem, Person: 101, Change: items[0].Change},
				{Batch: next.Seq, Index: 3, State: muster.SkippedItem, Person: 101, Change: items[0].Change},
				{Batch: next.Seq, Index: 4, State: muster.FailedItem, Person: 101},
			})
		})
		list := func(state muster.ItemState, from, limit int) (list []muster.Item) {
			look(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
				list, err = tx.Items(b.Seq, state, from, limit)
				return err
			})
			return list
		}
		all := list("", 0, 100)
		for i := range all {
			if all[i].At.IsZero() {
				t.Errorf("item %d has no time", i)
			}
			all[i].At = time.Time{}
		}
		plain := cmp.Comparer(func(a, b muster.Errors) bool { return a.Error() == b.Error() })
		if diff := cmp.Diff(items, all, plain, cmp.Comparer(func(a, b muster.Change) bool { return fmt.Sprint(a) == fmt.Sprint(b) })); diff != "" {
			t.Error(diff)
		}
		for i, state := range states {
			got := list(state, 5, 3)
			if len(got) != 3 || got[0].Index != 5+i || got[2].Index != 15+i {
				t.Errorf("%s: %+v", state, got)
			}
		}
		items[0].State, items[0].Person, items[0].Guard = muster.DoneItem, 777, 4
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			return tx.UpdateItems(items[:1])
		})
		if got := list("", 0, 1)[0]; got.State != muster.DoneItem || got.Person != 777 || got.Guard != 4 {
			t.Errorf("after its change was made: %+v", got)
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if first, ok, err := tx.FirstPlanned(b.Seq); first != 5 || !ok || err != nil {
				t.Errorf("first planned item: %d, %v, %v", first, ok, err)
			}
			rows, err := tx.PlannedRowsOf(b.Seq, []int64{100, 101, 105, 115, 777})
			if diff := cmp.Diff(map[int64]int{105: 7, 115: 17}, rows); diff != "" || err != nil {
				t.Errorf("planned rows: %v %s", err, diff)
			}
			if n, err := tx.StoredItems(b.Seq); n != 25 || err != nil {
				t.Errorf("%d items are stored, %v", n, err)
			}
			return tx.SkipPlanned(b.Seq, muster.Errorf(muster.Policy, "", "Cancelled."))
		})
		if got := list(muster.SkippedItem, 0, 100); len(got) != 9 || got[1].Index != 5 || got[1].Reasons[0].Message != "Cancelled." {
			t.Errorf("skipped items: %+v", got)
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			history, err := tx.ItemsOfPerson(101, 0, 10)
			if len(history) != 3 || history[0].Batch != next.Seq || history[0].Index != 4 || history[1].Batch != next.Seq || history[1].Index != 0 || history[2].Index != 1 {
				t.Errorf("history %+v, %v", history, err)
			}
			older, err := tx.ItemsOfPerson(101, muster.ItemKey(next.Seq, 0), 10)
			if len(older) != 1 || older[0].Batch != b.Seq {
				t.Errorf("older history %+v, %v", older, err)
			}
			for _, c := range []struct {
				end  int
				want map[int64]int
			}{{25, map[int64]int{101: 3, 106: 8, 777: 2}}, {6, map[int64]int{101: 3, 777: 2}}} {
				rows, err := tx.RowsOf(b.Seq, c.end, []int64{101, 102, 103, 106, 777})
				if diff := cmp.Diff(c.want, rows); diff != "" || err != nil {
					t.Errorf("before %d: %v %s", c.end, err, diff)
				}
			}
			open, err := tx.OpenItemsOf([]int64{504, 509, 1})
			if len(open) != 2 {
				t.Errorf("open items %+v, %v", open, err)
			}
			return nil
		})
	})
}

func TestBatchesOfAnotherTenantAreNotThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		other := secondTenant(t, st)
		b := newBatch(t, st, storetest.Tenant, muster.Running)
		receiving := newBatch(t, st, storetest.Tenant, muster.Receiving)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.AddBlocks(b.Seq, []store.Block{{First: 0, N: 1, Bytes: []byte("x")}}); err != nil {
				return err
			}
			return tx.InsertItems([]muster.Item{{Batch: b.Seq, State: muster.PlannedItem, Person: 1, Account: 2}, {Batch: b.Seq, Index: 1, State: muster.PendingItem, Account: 2}})
		})
		write(t, st, other, func(tx *store.Tx) error {
			_, err := tx.Batch(b.ID)
			wantCode(t, "by id", err, muster.NotFound)
			_, err = tx.BatchBySeq(b.Seq)
			wantCode(t, "by seq", err, muster.NotFound)
			_, err = tx.LockBatch(b.Seq)
			wantCode(t, "to lock", err, muster.NotFound)
			wantCode(t, "to add to", tx.AddBlocks(b.Seq, []store.Block{{First: 1}}), muster.NotFound)
			if list, err := tx.Batches("", "", 0, 10); err != nil || len(list) != 0 {
				t.Errorf("batches %v, %v", list, err)
			}
			if list, err := tx.Blocks(b.Seq, 0, 10); err != nil || len(list) != 0 {
				t.Errorf("blocks %v, %v", list, err)
			}
			if list, err := tx.Items(b.Seq, "", 0, 10); err != nil || len(list) != 0 {
				t.Errorf("items %v, %v", list, err)
			}
			if list, err := tx.ItemsOfPerson(1, 0, 10); err != nil || len(list) != 0 {
				t.Errorf("items of a person %v, %v", list, err)
			}
			if list, err := tx.OpenItemsOf([]int64{2}); err != nil || len(list) != 0 {
				t.Errorf("open items %v, %v", list, err)
			}
			if rows, err := tx.RowsOf(b.Seq, 10, []int64{1}); err != nil || len(rows) != 0 {
				t.Errorf("rows %v, %v", rows, err)
			}
			if ok, err := tx.LeaseBatch(b.Seq, "thief", tx.Now().Add(time.Hour)); ok || err != nil {
				t.Errorf("lease %v, %v", ok, err)
			}
			stolen := *b
			stolen.State, stolen.Total = muster.Failed, 99
			for _, err := range []error{
				tx.SaveBatch(&stolen), tx.SkipPlanned(b.Seq, muster.Errorf(muster.Policy, "", "Stolen.")), tx.DeleteBatch(receiving.Seq),
				tx.UpdateItems([]muster.Item{{Batch: b.Seq, State: muster.FailedItem}}),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if got, err := tx.Batch(b.ID); err != nil || got.State != muster.Running || got.Total != 0 {
				t.Errorf("the batch is now %+v, %v", got, err)
			}
			if _, err := tx.BatchBySeq(receiving.Seq); err != nil {
				t.Errorf("another tenant deleted a batch: %v", err)
			}
			if items, err := tx.Items(b.Seq, muster.PlannedItem, 0, 10); err != nil || len(items) != 1 {
				t.Errorf("items are now %+v, %v", items, err)
			}
			return nil
		})
	})
}

func TestAuditOfPerson(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		other := secondTenant(t, st)
		entries := []muster.AuditEntry{
			{Actor: "key:admin", Surface: "native", Request: "r1", Action: "person.create", Object: "person:1", Person: 1, Change: muster.Diff(nil, muster.Record{"username": "ana"})},
			{Actor: "key:admin", Surface: "native", Request: "r2", Action: "person.update", Object: "person:1", Person: 1, Digest: "abc", Batch: 4},
			{Actor: "key:admin", Surface: "native", Request: "r3", Action: "person.update", Object: "person:2", Person: 2},
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.Audit(entries) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.AuditOfPerson(1, 0, 10)
			if diff := cmp.Diff([]muster.AuditEntry{entries[1], entries[0]}, got, cmpopts.IgnoreFields(muster.AuditEntry{}, "Seq")); diff != "" {
				t.Fatal(diff)
			}
			if older, _ := tx.AuditOfPerson(1, got[0].Seq, 10); len(older) != 1 || older[0].Request != "r1" || !older[0].At.Equal(clock.Now()) {
				t.Errorf("older: %+v", older)
			}
			return err
		})
		look(t, st, other, func(tx *store.Tx) error {
			got, err := tx.AuditOfPerson(1, 0, 10)
			if len(got) != 0 {
				t.Errorf("another tenant sees %+v", got)
			}
			return err
		})
	})
}
