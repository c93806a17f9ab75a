package intake_test

import (
	"fmt"
	"testing"

	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// The pages of imports, and of the accounts that follow them, say what the items do.
func TestPagesOfImportsAndAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		for n, file := range []string{three, three + "Broken;;no address;\r\n", "Nom;Courriel\r\nNew;new@school.test\r\nDupond;jean@school.test\r\nDupont;jean2@school.test\r\n"} {
			b := h.run(file, intake.Upload{})
			following, ok, err := h.engine.Following(t.Context(), h.caller, b)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			for _, b := range []store.BatchRow{b, following} {
				sum := 0
				for _, o := range []batch.ItemOutcome{batch.OutcomePending, batch.OutcomeDone, batch.OutcomeUnchanged, batch.OutcomeFailed, batch.OutcomeSkipped} {
					want := ""
					for _, item := range h.items(b) {
						if batch.OutcomeOf(item) == o {
							want += fmt.Sprint(" ", item.Index)
						}
					}
					items, total, err := h.engine.Page(t.Context(), h.caller, b, []batch.ItemOutcome{o}, 0, 100)
					got := ""
					for _, item := range items {
						got += fmt.Sprint(" ", item.Index)
					}
					if sum += total; err != nil || got != want || total != len(items) {
						t.Errorf("file %d, %s, %s:%s of %d %v, want%s", n, b.Kind, o, got, total, err, want)
					}
				}
				if sum != b.Total || b.Kind == "import" && sum == 0 {
					t.Errorf("file %d, %s: %d of %d", n, b.Kind, sum, b.Total)
				}
			}
		}
	})
}
