package batch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

type asked func(context.Context, muster.Caller, uuid.UUID) (store.BatchRow, error)

func (s *shop) ask(f asked, b store.BatchRow) store.BatchRow {
	s.t.Helper()
	b, err := f(s.t.Context(), s.caller, b.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func TestCancel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		mixed := append(words(20, "create"), "fail", "same")
		for _, c := range []struct {
			name string
			make func() store.BatchRow // leaves the batch in the state
			want map[muster.ItemState]int
		}{
			{name: "Ready", make: func() store.BatchRow { return s.send(batch.Rest, mixed...) }, want: map[muster.ItemState]int{muster.SkippedItem: 22}},
			{name: "Planned", make: func() store.BatchRow { return s.wait(s.send(batch.PlanIt, mixed...), muster.Planned) }, want: map[muster.ItemState]int{muster.SkippedItem: 21, muster.FailedItem: 1}},
			{name: "Held", make: func() store.BatchRow {
				return s.wait(s.send(batch.CarryIt, append(mixed, words(6, "disable")...)...), muster.HeldBatch)
			}, want: map[muster.ItemState]int{muster.SkippedItem: 27, muster.FailedItem: 1}},
		} {
			b := c.make()
			s.tally(b)
			b = s.ask(s.engine.Cancel, b)
			if got := s.tally(b); b.State != muster.Cancelled || b.Message == "" || len(got) != len(c.want) || got[muster.SkippedItem] != c.want[muster.SkippedItem] || b.FinishedAt.IsZero() {
				t.Errorf("%s: %s %v, want %v", c.name, b.State, got, c.want)
			}
			if again := s.ask(s.engine.Cancel, b); again.State != muster.Cancelled {
				t.Errorf("%s: cancelled again it is %s", c.name, again.State)
			}
			for what, f := range map[string]asked{"plan": s.engine.Plan, "run": s.engine.Run, "release": s.engine.Release} {
				if _, err := f(t.Context(), s.caller, b.ID); muster.CodeOf(err) != muster.Conflict {
					t.Errorf("%s: %s after cancelling gives %v", c.name, what, err)
				}
			}
		}
		for _, then := range []batch.Then{batch.PlanIt, batch.CarryIt} {
			for _, from := range []int{1, 5_001} { // in the first chunk, in the second
				at, free := s.close(from)
				b := s.send(then, words(5_100, "create")...)
				from = at()
				b = s.waitFor(b, from-1)
				b = s.ask(s.engine.Cancel, b)
				free()
				b = s.wait(b, muster.Cancelled)
				got := s.tally(b)
				if done := from - 1; then == batch.CarryIt && got[muster.DoneItem] != done || then == batch.PlanIt && got[muster.DoneItem] != 0 || got[muster.DoneItem]+got[muster.SkippedItem] != 5_100 {
					t.Errorf("%s cancelled at row %d: %v", then, from, got)
				}
			}
		}
		done := s.wait(s.send(batch.CarryIt, "create"), muster.Finished)
		if b := s.ask(s.engine.Cancel, done); b.State != muster.Finished {
			t.Errorf("a finished batch was cancelled: %s", b.State)
		}
	})
}

// waitFor waits until a batch has come to a row.
func (s *shop) waitFor(b store.BatchRow, next int) store.BatchRow {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), storetest.Patience)
	defer cancel()
	seen := errors.New("seen")
	err := s.engine.Watch(ctx, s.caller, b.ID, time.Millisecond, func(now store.BatchRow) error {
		if b = now; now.NextIndex >= next {
			return seen
		}
		return nil
	})
	if !errors.Is(err, seen) {
		s.t.Fatalf("wait for row %d: the batch is %s at %d: %v", next, b.State, b.NextIndex, err)
	}
	return b
}

// What was planned is done as planned; what would take something away that nobody saw is held again, with the new plan.
func TestThePlanMovesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		b := s.wait(s.send(batch.PlanIt, "create", "create", "same", "fail", "disable"), muster.Planned)
		if want := (muster.Plan{Create: 2, Update: 1, Unchanged: 1, Disables: 1}); b.Plan != want {
			t.Errorf("plan %+v, want %+v", b.Plan, want)
		}
		s.worker.say(1, "fail")
		s.worker.say(2, "same")
		s.worker.say(3, "disable")
		s.worker.say(4, "create") // failed when it was planned: it has its outcome
		b = s.wait(s.ask(s.engine.Run, b), muster.HeldBatch)
		if want := (muster.Plan{Update: 2, Unchanged: 1, Disables: 2, Hold: b.Message}); b.Plan != want || !strings.Contains(b.Message, "Row 3") {
			t.Errorf("held with plan %+v, want %+v", b.Plan, want)
		}
		if got := s.tally(b); got[muster.PlannedItem] != 3 || got[muster.FailedItem] != 2 {
			t.Errorf("held: %v", got)
		}
		if again := s.ask(s.engine.Run, b); again.State != muster.HeldBatch {
			t.Errorf("run without release: %s", again.State)
		}
		b = s.wait(s.ask(s.engine.Release, b), muster.Finished)
		if got := s.tally(b); got[muster.DoneItem] != 3 || got[muster.FailedItem] != 2 || b.Counts.Disables != 2 || b.Message != "" {
			t.Errorf("released: %v %+v %q", got, b.Counts, b.Message)
		}
		if _, err := s.engine.Release(t.Context(), s.caller, b.ID); muster.CodeOf(err) != muster.Conflict {
			t.Errorf("release of a finished batch gives %v", err)
		}
	})
}

// A run that passes a limit in its second chunk keeps what the first did, and shows the rest before doing it.
func TestHeldInTheMiddle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		rows := append(words(5_000, "create"), words(10, "disable")...) // at most what one chunk has, before those that are held
		b := s.wait(s.send(batch.CarryIt, append(rows, words(20, "create")...)...), muster.HeldBatch)
		got := s.tally(b)
		if done := got[muster.DoneItem]; done == 0 || done > 5_000 || got[muster.PlannedItem] != 5_030-done || b.Plan.Disables != 10 || b.Plan.Create != 5_020-done {
			t.Errorf("held: %v %+v", got, b.Plan)
		}
		b = s.wait(s.ask(s.engine.Release, b), muster.Finished)
		if got := s.tally(b); got[muster.DoneItem] != 5_030 {
			t.Errorf("released: %v", got)
		}
	})
}

func TestAWorkerThatFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		s.worker.fail(muster.Errorf(muster.Gone, "", "The settings of this batch are gone."))
		b := s.wait(s.send(batch.CarryIt, words(9, "create")...), muster.Failed)
		if got := s.tally(b); got[muster.SkippedItem] != 9 || b.Message != "The settings of this batch are gone." {
			t.Errorf("failed: %v %q", got, b.Message)
		}
		s.worker.fail(errors.New("the disk hiccups"))
		b = s.wait(s.send(batch.CarryIt, words(9, "create")...), muster.Finished)
		s.tally(b)
		retried, err := s.engine.Retry(t.Context(), s.caller, b.ID, batch.CarryIt)
		if muster.CodeOf(err) != muster.Conflict {
			t.Errorf("retry where nothing failed: %v %v", retried.ID, err)
		}
	})
}

func TestRetry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		rows := words(2_345, "create")
		rows[7], rows[1_500], rows[2_344] = "fail", "fail", "fail"
		b := s.send(batch.Rest, rows...)
		if _, err := s.engine.Retry(t.Context(), s.caller, b.ID, batch.CarryIt); muster.CodeOf(err) != muster.Conflict {
			t.Errorf("retry before the end: %v", err)
		}
		b = s.wait(s.ask(s.engine.Run, b), muster.Finished)
		for _, row := range []int{8, 1_501} {
			s.worker.say(row, "create")
		}
		retry, err := s.engine.Retry(t.Context(), s.caller, b.ID, batch.CarryIt)
		if err != nil {
			t.Fatal(err)
		}
		retry = s.wait(retry, muster.Finished)
		if got := s.tally(retry); got[muster.DoneItem] != 2 || got[muster.FailedItem] != 1 || retry.RetryOf != b.Seq {
			t.Errorf("retry: %v of %d", got, retry.RetryOf)
		}
		if items := s.page(retry, "", 10); items[1].Row != 1_501 || items[2].Row != 2_345 {
			t.Errorf("rows %d and %d", items[1].Row, items[2].Row)
		}
		s.exec("DELETE FROM block WHERE batch = $1", b.Seq) // as when their time is over
		if _, err := s.engine.Retry(t.Context(), s.caller, b.ID, batch.CarryIt); muster.CodeOf(err) != muster.Gone {
			t.Errorf("retry of rows that are kept no longer: %v", err)
		}
		if n := s.count("SELECT count(*) FROM batch WHERE state = 'receiving'"); n != 0 {
			t.Errorf("%d batches are left of it", n)
		}
	})
}
