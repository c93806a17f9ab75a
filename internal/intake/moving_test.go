package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// set changes somebody behind the back of a plan.
func (h *house) set(n int, d muster.Draft) {
	h.t.Helper()
	out, err := h.roster.Change(h.t.Context(), h.caller, []roster.Wish{{Person: h.people()[n].ID, Draft: d}})
	if err != nil || out[0].Err != nil {
		h.t.Fatal(err, out)
	}
}

func (h *house) plan(file string, u intake.Upload) store.BatchRow {
	h.t.Helper()
	u.Then = batch.PlanIt
	b, err := h.upload(file, u)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(b, muster.Planned)
}

// Between plan and run the directory moves on: every step is decided anew, and what nobody saw in the plan is not taken away.
func TestTheDirectoryMovesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.furnish()
		b := h.plan("email,first_name,last_name,status,username\nann@x.test,Anna,,,\nbob@x.test,,,suspended,\nnew@x.test,New,One,,\n,,Fuchs,,cid\n", intake.Upload{})
		h.set(0, muster.Draft{"last_name": "Lear", "first_name": "Anna"})
		h.set(2, muster.Draft{"email": "new@x.test"}) // row 4 means Cid now, as row 5 does
		b, err := h.engine.Run(t.Context(), h.caller, b.ID)
		if err != nil {
			t.Fatal(err)
		}
		b = h.wait(b, muster.HeldBatch)
		want := []string{"2 unchanged", "3 updated", "4 failed This is the same person as row 5", "5 updated"}
		for i, got := range h.told(b) {
			if !isTold(got, want[i]) {
				t.Errorf("got %s, want %s", got, want[i])
			}
		}
		if p := h.people(); p[0].LastName != "Lear" || p[1].State != muster.Suspended || p[2].LastName != "Fuchs" || len(p) != 3 {
			t.Errorf("people %+v", p)
		}
	})
}

func TestARunThatWouldTakeAwayMoreThanItsPlan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.furnish()
		h.set(0, muster.Draft{"state": "suspended"})
		b := h.plan("email,status,username\nann@x.test,suspended,\nbob@x.test,,bob\n,,cid\n", intake.Upload{})
		if b.Plan != (muster.Plan{Unchanged: 3}) {
			t.Errorf("plan %+v", b.Plan)
		}
		h.set(0, muster.Draft{"state": "active"})
		h.set(1, muster.Draft{"username": "robert"})
		b, err := h.engine.Run(t.Context(), h.caller, b.ID)
		if err != nil {
			t.Fatal(err)
		}
		b = h.wait(b, muster.HeldBatch)
		if want := (muster.Plan{Unchanged: 1, Update: 2, Disables: 1, Renames: 1, Hold: b.Message}); b.State != muster.HeldBatch || b.Plan != want {
			t.Fatalf("%s %+v, want %+v", b.State, b.Plan, want)
		}
		if p := h.people(); p[0].State != muster.Active || p[1].Username != "robert" {
			t.Errorf("done before anybody said so: %+v", p)
		}
		if b, err = h.engine.Release(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		b = h.wait(b)
		if p := h.people(); b.Counts.Updated != 2 || b.Counts.Disables != 1 || b.Counts.Renames != 1 || p[0].State != muster.Suspended || p[1].Username != "bob" {
			t.Errorf("released: %+v %+v", b.Counts, p)
		}
	})
}

func TestRenamesPastTheLimitAreHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		var before, after strings.Builder
		before.WriteString("email,username\n")
		after.WriteString("email,username\n")
		for i := range 20 {
			fmt.Fprintf(&before, "p%d@x.test,p%d\n", i, i)
			fmt.Fprintf(&after, "p%d@x.test,q%d\n", i, i)
		}
		h.run(before.String(), intake.Upload{})
		for _, then := range []batch.Then{batch.CarryIt, batch.PlanIt} {
			b, err := h.upload(after.String(), intake.Upload{Then: then})
			if err != nil {
				t.Fatal(err)
			}
			if then == batch.PlanIt {
				b = h.wait(b, muster.Planned)
				if b.Plan.Hold == "" {
					t.Errorf("nobody is told beforehand: %+v", b.Plan)
				}
				if b, err = h.engine.Run(t.Context(), h.caller, b.ID); err != nil {
					t.Fatal(err)
				}
			}
			if b = h.wait(b, muster.HeldBatch); b.Plan.Renames != 20 || b.Counts.Done != 0 || !strings.Contains(b.Message, "20 usernames would change") {
				t.Errorf("%s: %s %+v %q", then, b.State, b.Plan, b.Message)
			}
			if _, err := h.engine.Cancel(t.Context(), h.caller, b.ID); err != nil {
				t.Fatal(err)
			}
			if p := h.people()[3]; p.Username != "p3" {
				t.Errorf("renamed to %s", p.Username)
			}
		}
	})
}

// An import that is cancelled is followed all the same: as far as it came.
func TestCancelledImportsAreFollowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		b := h.plan(three, intake.Upload{})
		if _, err := h.engine.Cancel(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
		defer cancel()
		for {
			f, ok, err := h.engine.Following(ctx, h.caller, b)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				if f = h.wait(f); f.Total != 0 || f.State != muster.Finished {
					t.Errorf("followed by %s of %d", f.State, f.Total)
				}
				return
			}
		}
	})
}

// A workbook comes back as a workbook, and can be sent again.
func TestWorkbooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		var book bytes.Buffer
		w, err := sheet.NewWriter(&book, sheet.Format{Kind: sheet.XLSX}, []string{"E-mail", "Nom", "Mot de passe"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, cells := range [][]string{{"a@x.test", "=1+1", canary}, {"bad", "B", canary}} {
			if err := w.Write(sheet.Row{Cells: cells}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		u := intake.Upload{Name: "list.xlsx"}
		b := h.run(book.String(), u)
		if b.Counts.Created != 1 || b.Counts.Failed != 1 || h.people()[0].LastName != "=1+1" {
			t.Errorf("%v %+v", h.told(b), h.people())
		}
		answer := h.result(b)
		again := h.run(answer, u)
		if again.Counts.Unchanged != 1 || again.Counts.Failed != 1 {
			t.Errorf("again: %v", h.told(again))
		}
		r, err := sheet.Open(strings.NewReader(h.result(again)), sheet.Options{Name: "x.xlsx"})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got := strings.Join(r.Header(), "|"); got != "E-mail|Nom|Mot de passe|muster_status|muster_username|muster_error" {
			t.Errorf("header %s", got)
		}
		row, err := r.Next()
		if err != nil || !strings.HasPrefix(strings.Join(row.Cells, "|"), "a@x.test|=1+1||unchanged|") {
			t.Errorf("row %v %v", row, err)
		}
	})
}
