package batch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// line submits a batch whose rows take effect in order.
func (s *shop) line(e *batch.Engine, then batch.Then, words ...string) store.BatchRow {
	s.t.Helper()
	return s.lineFrom(e, then, 1, words...)
}

// lineFrom is line with rows whose numbers begin with one that a gate can tell from others.
func (s *shop) lineFrom(e *batch.Engine, then batch.Then, number int, words ...string) store.BatchRow {
	s.t.Helper()
	r, err := e.Receive(s.t.Context(), s.caller, batch.Submission{Surface: "native", Name: "test", Options: json.RawMessage(`{}`), Ordered: true})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, word := range words {
		if err := r.Add(s.t.Context(), batch.Row{Number: number + i, Cells: []string{word}}); err != nil {
			s.t.Fatal(err)
		}
	}
	b, err := r.Finish(s.t.Context(), then, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// turns gives the batches in the order in which they worked; one that let another in between stands there twice.
func (s *shop) turns() (got []int64) {
	s.t.Helper()
	rows, err := s.store.Handle().QueryContext(s.t.Context(), "SELECT batch FROM mark ORDER BY at")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			s.t.Fatal(err)
		}
		if len(got) == 0 || got[len(got)-1] != seq {
			got = append(got, seq)
		}
	}
	return got
}

// after holds batches to having worked one after the other.
func (s *shop) after(list ...store.BatchRow) {
	s.t.Helper()
	var want []int64
	for _, b := range list {
		want = append(want, b.Seq)
	}
	if got := s.turns(); !slices.Equal(got, want) {
		s.t.Errorf("they worked in the order %v, want %v", got, want)
	}
}

func TestOneAfterTheOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		at, free := s.close(100_000)
		first := s.lineFrom(s.engine, batch.CarryIt, 100_000, words(6_000, "create")...)
		at()
		var rest []store.BatchRow
		for range 4 {
			rest = append(rest, s.line(s.engine, batch.CarryIt, words(300, "create")...))
		}
		empty := s.line(s.engine, batch.CarryIt)
		if got, err := s.engine.Get(t.Context(), s.caller, empty.ID); err != nil || got.State != muster.Finished || got.FinishedAt.IsZero() {
			t.Errorf("one without rows: %+v %v", got, err)
		}
		other := s.wait(s.line(s.engine, batch.PlanIt, "create"), muster.Planned) // changes nothing, and need not wait
		free()
		for _, b := range append([]store.BatchRow{first}, rest...) {
			if got := s.tally(s.wait(b, muster.Finished)); got[muster.DoneItem] != b.Total {
				t.Errorf("%v", got)
			}
		}
		s.after(append([]store.BatchRow{first}, rest...)...)
		if n := s.count("SELECT count(*) FROM batch WHERE turn IS NOT NULL"); n != 0 || other.Counts.Done != 0 {
			t.Errorf("%d batches stand in the line after all", n)
		}
	})
}

// Whatever takes a batch out of the line lets the next one work, also without anybody looking around.
func TestTheLineGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		ask := func(what string, f asked, b store.BatchRow) {
			t.Helper()
			if _, err := f(t.Context(), s.caller, b.ID); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		at, free := s.close(1)
		cancelled := s.line(s.engine, batch.CarryIt, words(10, "create")...)
		at()
		waiting := s.line(s.engine, batch.CarryIt, words(10, "create")...)
		held := s.line(s.engine, batch.CarryIt, words(600, "disable")...)
		broken := s.line(s.engine, batch.CarryIt, "create", "panic", "refused", "create")
		last := s.line(s.engine, batch.CarryIt, "create", "fail")
		ask("cancel one whose turn has not come", s.engine.Cancel, waiting)
		waiting = s.wait(waiting, muster.Cancelled)
		ask("cancel one at work", s.engine.Cancel, cancelled)
		free()
		if got := s.tally(s.wait(cancelled, muster.Cancelled)); got[muster.SkippedItem] != 10 || s.tally(waiting)[muster.SkippedItem] != 10 {
			t.Errorf("cancelled: %v", got)
		}
		held = s.wait(held, muster.HeldBatch)
		if got := s.tally(s.wait(broken, muster.Finished)); got[muster.DoneItem] != 2 || got[muster.FailedItem] != 2 {
			t.Errorf("with rows that cannot be written: %v", got)
		}
		s.tally(s.wait(last, muster.Finished))
		if n := s.count("SELECT count(*) FROM batch WHERE turn IS NOT NULL"); n != 0 {
			t.Fatalf("%d batches stand in the line", n)
		}
		at, free = s.close(1)
		next := s.line(s.engine, batch.CarryIt, words(10, "create")...)
		at()
		ask("release", s.engine.Release, held)
		again := s.line(s.engine, batch.CarryIt, "create")
		free()
		s.wait(again, muster.Finished)
		if got := s.tally(s.wait(held, muster.Finished)); got[muster.DoneItem] != 600 {
			t.Errorf("released: %v", got)
		}
		s.after(broken, last, next, held, again)
	})
}

// A batch that cannot go on as a whole, or whose process dies, keeps nobody waiting for ever.
func TestTheFirstInLineFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		at, free := s.close(1)
		first := s.line(s.engine, batch.CarryIt, words(10, "create")...)
		at()
		second := s.line(s.engine, batch.CarryIt, "create")
		s.worker.fail(muster.Errorf(muster.Unsupported, "", "Nobody knows how."))
		free()
		s.wait(first, muster.Failed)
		s.wait(second, muster.Failed)
		s.worker.fail(nil)

		at, free = s.close(1)
		first = s.line(s.engine, batch.CarryIt, words(10, "create")...)
		at()
		s.exec("UPDATE batch SET owner = 'another process', lease = $1 WHERE seq = $2", time.Now().Add(time.Hour).UnixMicro(), first.Seq)
		free()
		second = s.line(s.engine, batch.CarryIt, "create")
		jobs := s.count("SELECT count(*) FROM river_job")
		for range 5 {
			if err := s.engine.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.count("SELECT count(*) FROM river_job"); n != jobs {
			t.Errorf("looking around makes %d jobs for batches that are not to be driven", n-jobs)
		}
		if n := len(s.marks(second)); n != 0 {
			t.Fatalf("%d rows were carried out before their turn", n)
		}
		s.exec("UPDATE batch SET lease = 1 WHERE seq = $1", first.Seq)
		if err := s.engine.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.tally(s.wait(second, muster.Finished))
		s.after(first, second)
	})
}

// What fails in a plan may succeed once the rows before it have taken effect, and is decided anew when it is carried out.
func TestAPlanOfRowsInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		b := s.wait(s.line(s.engine, batch.PlanIt, "create", "fail", "fail", "same"), muster.Planned)
		if b.Counts.Failed != 2 || b.Plan.Create != 1 {
			t.Fatalf("%+v %+v", b.Counts, b.Plan)
		}
		s.worker.say(2, "create")
		if _, err := s.engine.Run(t.Context(), s.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		// What failed in the plan fails no longer, so these counts may go back: they are not followed.
		until := func(state muster.BatchState) (got store.BatchRow) {
			t.Helper()
			for began := time.Now(); got.State != state; {
				var err error
				if got, err = s.engine.Get(t.Context(), s.caller, b.ID); err != nil {
					t.Fatal(err)
				}
				if time.Since(began) > storetest.Patience {
					t.Fatalf("the batch is %s %+v, want %s", got.State, got.Counts, state)
				}
			}
			return got
		}
		got := until(muster.Finished)
		if s.tally(got); got.Counts.Created != 2 || got.Counts.Failed != 1 || got.Counts.Done != 3 {
			t.Errorf("%+v", got.Counts)
		}

		rows := append(words(600, "create"), "fail")
		b = s.wait(s.line(s.engine, batch.PlanIt, rows...), muster.Planned)
		for n := range 601 {
			s.worker.say(n+1, "disable")
		}
		if _, err := s.engine.Run(t.Context(), s.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		b = until(muster.HeldBatch)
		if b.Counts.Failed != 0 || b.Plan.Disables != 601 || b.Plan.Create != 0 || b.Plan.Unchanged != 0 || b.Turn != 0 {
			t.Errorf("held with %+v %+v", b.Counts, b.Plan)
		}
	})
}

// Tenants do not wait for each other, and neither do imports whose rows are a list.
func TestWhoDoesNotWait(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		other := muster.Tenant{Code: "other", Name: "Other", Settings: muster.DefaultSettings()}
		if err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			t.Fatal(err)
		}
		at, free := s.close(100_000)
		first := s.lineFrom(s.engine, batch.CarryIt, 100_000, words(20, "create")...)
		at()
		s.tally(s.wait(s.send(batch.CarryIt, words(10, "create")...), muster.Finished))
		here := s.caller
		s.caller.Tenant = other.Seq
		s.tally(s.wait(s.line(s.engine, batch.CarryIt, words(10, "create")...), muster.Finished))
		s.caller = here
		free()
		s.tally(s.wait(first, muster.Finished))
	})
}

// Two processes accept batches and work on them at the same time: each in its turn, and the turns are in the order of acceptance.
func TestTheLineOfTwoProcesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if st.Engine() == store.SQLite {
			return // one process has the file
		}
		s := open(t, st)
		nodes := []*batch.Engine{s.engine, s.node(storetest.AnotherNode(t, st), s.worker)}
		ended := make(chan string, len(nodes))
		for n, e := range nodes {
			go func() {
				for i := range 10 {
					r, err := e.Receive(t.Context(), s.caller, batch.Submission{Surface: "native", Name: fmt.Sprint(n, "-", i), Options: json.RawMessage(`{}`), Ordered: true})
					for row := 0; err == nil && row < 50; row++ {
						err = r.Add(t.Context(), batch.Row{Number: row + 1, Cells: []string{"create"}})
					}
					if err == nil {
						_, err = r.Finish(t.Context(), batch.CarryIt, nil)
					}
					if err != nil {
						ended <- err.Error()
						return
					}
				}
				ended <- ""
			}()
		}
		for range nodes {
			if message := storetest.Await(t, ended, "a process to have sent its batches"); message != "" {
				t.Fatal(message)
			}
		}
		list, err := s.engine.List(t.Context(), s.caller, "", "", 0, 100)
		if err != nil || len(list) != 20 {
			t.Fatalf("%d batches, %v", len(list), err)
		}
		done := map[int64]store.BatchRow{}
		for _, b := range list {
			b = s.wait(b, muster.Finished)
			s.tally(b)
			done[b.Seq] = b
		}
		turns := s.turns()
		if len(turns) != 20 {
			t.Errorf("they did not work one after the other: %v", turns)
		}
		var last [2]string
		for i, seq := range turns {
			node := done[seq].Name[0] - '0'
			if done[seq].Name < last[node] || i > 0 && done[seq].FinishedAt.Before(done[turns[i-1]].FinishedAt) {
				t.Errorf("batch %s worked too early in %v", done[seq].Name, turns)
			}
			last[node] = done[seq].Name
		}
	})
}
