package batch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestARowThatCannotBeWrittenCostsOnlyItself(t *testing.T) {
	for _, then := range []batch.Then{batch.CarryIt, batch.PlanIt} {
		t.Run(string(then), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, st *store.Store) {
				s := open(t, st)
				words := slices.Repeat([]string{"create"}, 300) // of which most are carried out one by one
				words[17], words[160], words[299] = "refused", "panic", "refused"
				b := s.send(then, words...)
				if then == batch.PlanIt {
					if b = s.wait(b, muster.Planned); b.Plan.Create != 297 || b.Counts.Failed != 3 {
						t.Fatalf("plan %+v, counts %+v", b.Plan, b.Counts)
					}
					var err error
					if b, err = s.engine.Run(t.Context(), s.caller, b.ID); err != nil {
						t.Fatal(err)
					}
				}
				b = s.wait(b)
				if b.State != muster.Finished || b.Counts.Created != 297 || b.Counts.Failed != 3 {
					t.Fatalf("%s %+v", b.State, b.Counts)
				}
				if marks := s.marks(b); len(marks) != 297 {
					t.Errorf("%d rows were carried out", len(marks))
				}
				for _, i := range s.page(b, muster.FailedItem, 10) {
					if !slices.Contains([]int{17, 160, 299}, i.Index) || muster.CodeOf(i.Reasons) != muster.Internal {
						t.Errorf("item %d: %v", i.Index, i.Reasons)
					}
				}
			})
		})
	}
}

// Only the neighbours of a row that cannot be written are tried one by one: the others of the chunk go together again.
func TestFewRowsAreTriedOneByOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		s := open(t, st)
		words := slices.Repeat([]string{"create"}, 400)
		words[17] = "refused"
		b := s.wait(s.send(batch.CarryIt, words...))
		if b.Counts.Created != 399 || b.Counts.Failed != 1 {
			t.Fatalf("counts %+v", b.Counts)
		}
		// 400 rows, 20 at a time, and those 20 one by one, make 19 chunks and 20.
		if n := s.count("SELECT count(*) FROM audit WHERE action = 'batch.chunk' AND batch = $1", b.Seq); n > 60 {
			t.Errorf("%d chunks", n)
		}
	})
}

// A row over which the reading of rows panics fails too, also where rows are read ahead, beside the job: the process and the rest of the batch go on.
func TestARowThatCannotBeReadCostsOnlyItself(t *testing.T) {
	for _, then := range []batch.Then{batch.CarryIt, batch.PlanIt} {
		t.Run(string(then), func(t *testing.T) {
			s := open(t, storetest.Open(t, store.SQLite))
			const rows, odd = 5_020, 5_010 // of the second chunk
			words := slices.Repeat([]string{"create"}, rows)
			words[odd] = "unreadable"
			b := s.send(then, words...)
			if then == batch.PlanIt {
				b = s.wait(b, muster.Planned)
			} else {
				b = s.wait(b)
			}
			failed := s.page(b, muster.FailedItem, 10)
			if b.Counts.Failed != 1 || len(failed) != 1 || failed[0].Index != odd || muster.CodeOf(failed[0].Reasons) != muster.Internal {
				t.Errorf("%s %+v, failed %+v", b.State, b.Counts, failed)
			}
			if then == batch.CarryIt && b.Counts.Created != rows-1 {
				t.Errorf("%s %+v", b.State, b.Counts)
			}
		})
	}
}

// Rows that are too large for one chunk together are carried out in several.
func TestLargeRows(t *testing.T) {
	s := open(t, storetest.Open(t, store.SQLite))
	r, err := s.engine.Receive(t.Context(), s.caller, batch.Submission{Surface: "native", Name: "test", Options: json.RawMessage(`{}`)})
	for i := range 21 {
		if err == nil {
			err = r.Add(t.Context(), batch.Row{Number: i + 1, Cells: []string{"create", strings.Repeat("x", 1<<20)}})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Finish(t.Context(), batch.CarryIt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.tally(s.wait(b, muster.Finished)); got[muster.DoneItem] != 21 {
		t.Errorf("%v", got)
	}
	if n := s.count("SELECT count(*) FROM audit WHERE action = 'batch.chunk'"); n < 6 {
		t.Errorf("in %d chunks", n)
	}
}
