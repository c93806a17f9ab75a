package batch_test

import (
	"slices"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

var outcomes = []batch.ItemOutcome{batch.OutcomePending, batch.OutcomeDone, batch.OutcomeUnchanged, batch.OutcomeFailed, batch.OutcomeSkipped}

// pages holds the pages of every set of outcomes to the items of a batch that rests.
func (s *shop) pages(b store.BatchRow, all []muster.Item) {
	s.t.Helper()
	for set := range 1 << len(outcomes) {
		var asked []batch.ItemOutcome
		for i, o := range outcomes {
			if set&(1<<i) != 0 {
				asked = append(asked, o)
			}
		}
		var want []int
		for _, item := range all {
			if len(asked) == 0 || slices.Contains(asked, batch.OutcomeOf(item)) {
				want = append(want, item.Index)
			}
		}
		n := len(want)
		for _, skip := range []int{0, 1, n / 2, n - 2, n, n + 5} {
			s.pageIs(b, asked, max(skip, 0), 7, want)
		}
		for _, limit := range []int{0, 1, b.Total + 1} {
			s.pageIs(b, asked, n/2, limit, want)
		}
	}
}

func (s *shop) pageIs(b store.BatchRow, asked []batch.ItemOutcome, skip, limit int, all []int) {
	s.t.Helper()
	items, total, err := s.engine.Page(s.t.Context(), s.caller, b, asked, skip, limit)
	if err != nil {
		s.t.Fatal(err)
	}
	var got []int
	for _, item := range items {
		got = append(got, item.Index)
	}
	want := all[min(skip, len(all)):min(skip+limit, len(all))]
	if total != len(all) || !slices.Equal(got, want) {
		s.t.Errorf("%s: %v from %d, at most %d: %v of %d, want %v of %d", b.State, asked, skip, limit, got, total, want, len(all))
	}
}

// A batch in every state that it can rest in, with items of every outcome.
func TestPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		mixed := slices.Concat(words(10, "create"), []string{"same", "fail", "same"}, words(5, "create"), []string{"fail"}, words(4, "same"))
		for name, b := range map[string]store.BatchRow{
			"Ready":     s.send(batch.Rest, mixed...),
			"Planned":   s.wait(s.send(batch.PlanIt, mixed...), muster.Planned),
			"Held":      s.wait(s.send(batch.CarryIt, slices.Concat(mixed, words(6, "disable"))...), muster.HeldBatch),
			"Finished":  s.wait(s.send(batch.CarryIt, mixed...), muster.Finished),
			"All":       s.wait(s.send(batch.CarryIt, words(30, "create")...), muster.Finished),
			"Nothing":   s.wait(s.send(batch.CarryIt, words(30, "same")...), muster.Finished),
			"Failures":  s.wait(s.send(batch.CarryIt, words(30, "fail")...), muster.Finished),
			"Cancelled": s.ask(s.engine.Cancel, s.wait(s.send(batch.PlanIt, mixed...), muster.Planned)),
			"Never":     s.ask(s.engine.Cancel, s.send(batch.Rest, mixed...)),
		} {
			if b.Total < 23 {
				t.Errorf("%s has %d rows", name, b.Total)
			}
			s.pages(b, s.page(b, "", 7))
		}
	})
}

// While a batch is worked on, totals and items are of one moment, and whoever asks may hold the batch as it was long ago.
func TestPagesOfARunningBatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		for _, planned := range []bool{false, true} {
			rows := slices.Concat([]string{"create", "fail"}, words(4_997, "create"), []string{"same"}, words(50, "create"), []string{"fail"}, words(49, "same"))
			old := s.send(batch.Rest, rows...)
			if planned {
				old = s.wait(s.ask(s.engine.Plan, old), muster.Planned)
			}
			at, free := s.close(5_001)
			b := s.ask(s.engine.Run, old)
			border := at() - 1
			s.waitFor(b, border)
			of := map[batch.ItemOutcome][]int{}
			for i, word := range rows {
				outcome := batch.OutcomePending
				switch {
				case word == "fail" && (planned || i < border):
					outcome = batch.OutcomeFailed
				case i < border && word == "same":
					outcome = batch.OutcomeUnchanged
				case i < border:
					outcome = batch.OutcomeDone
				}
				of[outcome] = append(of[outcome], i)
			}
			for outcome, all := range of {
				for _, skip := range []int{0, 60, len(all) - 8} {
					s.pageIs(old, []batch.ItemOutcome{outcome}, max(skip, 0), 10, all)
				}
			}
			items, total, err := s.engine.Page(t.Context(), s.caller, old, nil, border-5, 10)
			if err != nil || total != 5_100 || len(items) != 10 || items[0].Index != border-5 || items[9].Index != border+4 {
				t.Errorf("a page over the border: %d of %d, %v", len(items), total, err)
			}
			free()
			s.wait(b, muster.Finished)
			s.pageIs(old, []batch.ItemOutcome{batch.OutcomeFailed}, 0, 10, []int{1, 5_050})
			s.pageIs(old, []batch.ItemOutcome{batch.OutcomePending}, 0, 10, nil)
		}
	})
}

func TestPagesOfAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		b := s.wait(s.send(batch.CarryIt, "create"), muster.Finished)
		stranger := s.caller
		stranger.Tenant++
		if _, _, err := s.engine.Page(t.Context(), stranger, b, nil, 0, 10); muster.CodeOf(err) != muster.NotFound {
			t.Errorf("another tenant gets %v", err)
		}
		stranger = s.caller
		stranger.Grants = nil
		if _, _, err := s.engine.Page(t.Context(), stranger, b, nil, 0, 10); err == nil {
			t.Error("a caller without grants gets a page")
		}
	})
}
