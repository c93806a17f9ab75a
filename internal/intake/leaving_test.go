package intake_test

import (
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A nightly list keeps those who left: it goes through every night, and its result sheet says what became of their rows.
func TestListThatKeepsItsLeavers(t *testing.T) {
	const list = "email,Nom,Statut\nann@x.test,Lee,supprimé\nbob@x.test,Ray,parti\ncid@x.test,Fox,actif\nzoe@x.test,Zoé,parti\n"
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				h.furnish()
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				if c := do(list, intake.Upload{}).Counts; c.Updated != 2 || c.Created != 1 || c.Skipped != 1 || c.Failed != 0 {
					t.Errorf("first night: %+v", c)
				}
				b := do(list, intake.Upload{})
				if c := b.Counts; b.State != muster.Finished || c.Unchanged != 2 || c.Skipped != 2 || c.Failed != 0 || c.Pending(b.Total) != 0 {
					t.Errorf("second night: %s %+v", b.State, c)
				}
				const reason = ",skipped,,\"Nobody in the directory matches this row, so there is nobody to take out.\""
				want := "email,Nom,Statut,muster_status,muster_username,muster_error\nann@x.test,Lee,supprimé" + reason + "\nbob@x.test,Ray,parti,unchanged,bob,\n"
				if got := h.result(b); !strings.HasPrefix(got, want) || strings.Count(got, reason) != 2 {
					t.Errorf("result sheet\n%s\nwant\n%s", got, want)
				}
			})
		}
	})
}

func TestResultOfAPlanIsAForecast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.furnish()
		const file = "email,last_name,status\nann@x.test,Leigh,\nbob@x.test,Ray,\nnew@x.test,New,\nz@x.test,Z,left\nbad,Y,\n"
		b := h.plan(file, intake.Upload{})
		got := h.result(b)
		for n, want := range []string{"to be changed", "unchanged", "to be created", "skipped", "failed"} {
			if line := strings.Split(got, "\n")[n+1]; strings.Split(line, ",")[3] != want {
				t.Errorf("%s, want %s", line, want)
			}
		}
		for _, item := range h.items(b)[:3] {
			if item.State != muster.PlannedItem {
				t.Errorf("row %d is %s", item.Row, item.State)
			}
		}
		if again := h.run(got, intake.Upload{}); again.Counts.Updated != 1 || again.Counts.Unchanged != 1 || again.Counts.Created != 1 {
			t.Errorf("the forecast imported: %v", h.told(again))
		}
	})
}

func TestFaultsNameTheColumnOfTheFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b := h.run("Nom;Courriel;Date de naissance\nDupont;nobody;12/31/99\n", intake.Upload{})
		got := map[string]string{}
		for _, r := range h.items(b)[0].Reasons {
			got[r.Field] = r.Column
		}
		if got["email"] != "Courriel" || got["birth_date"] != "Date de naissance" {
			t.Errorf("columns of faults: %v", got)
		}
		if sheet := h.result(b); !strings.Contains(sheet, "Courriel: ") || strings.Contains(sheet, "email: ") {
			t.Errorf("result sheet:\n%s", sheet)
		}
		if _, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.CarryIt); err != nil {
			t.Error(err)
		}
	})
}

func TestRowsSkippedForWhatTheyAreAreNotRetried(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b := h.run("email,status\ngone@school.test,archived\n", intake.Upload{})
		if b.Counts.Skipped != 1 || b.State != muster.Finished {
			t.Fatalf("%s %+v", b.State, b.Counts)
		}
		if _, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.CarryIt); muster.CodeOf(err) != muster.Conflict {
			t.Errorf("retry: %v", err)
		}
	})
}
