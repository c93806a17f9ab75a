package batch_test

import (
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Who lost the lease writes nothing, and who has it next does the rest.
func TestTheLeaseIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		at, free := s.close(1)
		b := s.send(batch.CarryIt, words(50, "create")...)
		at()
		s.exec("UPDATE batch SET owner = 'another process', lease = $1 WHERE seq = $2", time.Now().Add(time.Hour).UnixMicro(), b.Seq)
		free()
		for range 20 { // another job for it changes nothing while the lease holds
			if err := s.engine.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.marks(b)); n != 0 {
			t.Errorf("%d rows were carried out without the lease", n)
		}
		s.exec("UPDATE batch SET lease = 1 WHERE seq = $1", b.Seq)
		if err := s.engine.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.tally(s.wait(b, muster.Finished))
	})
}

func TestUploadsThatEndEarly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		ctx := t.Context()
		receive := func(rows int) *batch.Receiver {
			r, err := s.engine.Receive(ctx, s.caller, batch.Submission{Surface: "native", Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if err := r.Add(ctx, batch.Row{Number: i + 1, Cells: []string{"create"}}); err != nil {
					t.Fatal(err)
				}
			}
			return r
		}
		nothing := func(what string) {
			t.Helper()
			if n := s.count("SELECT (SELECT count(*) FROM batch) + (SELECT count(*) FROM block)"); n != 0 {
				t.Errorf("%s leaves %d rows", what, n)
			}
		}
		r := receive(10_001) // so many that some were written
		if list, err := s.engine.List(ctx, s.caller, "", "", 0, 10); err != nil || len(list) != 0 || s.count("SELECT count(*) FROM block") == 0 {
			t.Errorf("while it is received, %d batches are shown: %v", len(list), err)
		}
		if err := r.Abort(ctx); err != nil {
			t.Fatal(err)
		}
		nothing("an aborted upload")

		r = receive(10_001)
		s.exec("UPDATE batch SET lease = 1")
		if err := s.engine.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		nothing("an upload that stopped")
		if _, err := r.Finish(ctx, batch.CarryIt, nil); muster.CodeOf(err) != muster.Unavailable {
			t.Errorf("finishing it after all gives %v", err)
		}
		r = receive(3)
		if _, err := r.Finish(ctx, batch.CarryIt, func(*store.Tx, *store.BatchRow) error {
			return muster.Errorf(muster.Conflict, "", "The key is used up.")
		}); muster.CodeOf(err) != muster.Conflict {
			t.Errorf("what is also to be written fails: %v", err)
		}
		if err := r.Abort(ctx); err != nil {
			t.Fatal(err)
		}
		nothing("an upload whose idempotency key was used up")

		r = receive(3)
		b, err := r.Finish(ctx, batch.Rest, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Abort(ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := s.engine.Get(ctx, s.caller, b.ID); err != nil || got.Total != 3 || got.State != muster.Ready {
			t.Errorf("aborting after finishing: %+v %v", got, err)
		}
	})
}

// Two processes over one PostgreSQL share batches, and no row is carried out twice.
func TestTwoProcesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if st.Engine() == store.SQLite {
			return // one process has the file
		}
		s := open(t, st)
		other := s.node(storetest.AnotherNode(t, st), s.worker)
		var list []store.BatchRow
		for n := range 6 {
			rows := words(300, "create")
			rows[n] = "fail"
			list = append(list, s.send(batch.CarryIt, rows...))
			if err := other.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, s.send(batch.PlanIt, words(6_000, "create")...))
		for _, b := range list[:6] {
			b = s.wait(b, muster.Finished)
			if got := s.tally(b); got[muster.DoneItem] != 299 || got[muster.FailedItem] != 1 {
				t.Errorf("%v", got)
			}
		}
		b := s.wait(list[6], muster.Planned)
		if _, err := other.Run(t.Context(), s.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		s.tally(s.wait(b, muster.Finished))
	})
}

func TestOtherTenantsSeeNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		b := s.wait(s.send(batch.CarryIt, "create", "fail"), muster.Finished)
		stranger := s.caller
		other := muster.Tenant{Code: "other", Name: "Other", Settings: muster.DefaultSettings()}
		if err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			t.Fatal(err)
		}
		stranger.Tenant = other.Seq
		if _, err := s.engine.Get(t.Context(), stranger, b.ID); muster.CodeOf(err) != muster.NotFound {
			t.Errorf("get: %v", err)
		}
		if _, err := s.engine.Retry(t.Context(), stranger, b.ID, batch.CarryIt); muster.CodeOf(err) != muster.NotFound {
			t.Errorf("retry: %v", err)
		}
		if rows, err := s.engine.Rows(t.Context(), stranger, b, 0, 10); err != nil || len(rows) != 0 {
			t.Errorf("rows: %v %v", rows, err)
		}
		items, err := s.engine.Items(t.Context(), stranger, b, "", 0, 10)
		for _, item := range items {
			if item.State.Final() {
				t.Errorf("items: %+v %v", items, err)
			}
		}
		nobody := s.caller
		nobody.Grants = nil
		for what, f := range map[string]asked{"get": s.engine.Get, "run": s.engine.Run, "plan": s.engine.Plan, "cancel": s.engine.Cancel, "release": s.engine.Release} {
			if _, err := f(t.Context(), nobody, b.ID); muster.CodeOf(err) != muster.Forbidden {
				t.Errorf("%s without grants: %v", what, err)
			}
		}
	})
}
