package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestFind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		var file strings.Builder
		file.WriteString("last_name,Mail\n")
		for i := range 2_100 {
			fmt.Fprintf(&file, "a@n,P%d@x.test\n", i)
		}
		file.WriteString("N,p7777\nN,\n")
		b := h.run(file.String(), intake.Upload{})
		waiting, err := h.upload(`[{"mail":"Zoe@x.test","last_name":"Z"},{"last_name":"zoe"}]`, intake.Upload{Name: "a.json"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			b           store.BatchRow
			text        string
			outcomes    []batch.ItemOutcome
			skip, limit int
			want        []int
			total       int
		}{
			{b, "p2099@", nil, 0, 10, []int{2099}, 1},
			{b, " P77", nil, 0, 10, []int{77, 770, 771, 772, 773, 774, 775, 776, 777, 778}, 12},
			{b, "p77", nil, 10, 10, []int{779, 2100}, 12},
			{b, "p77", []batch.ItemOutcome{batch.OutcomeFailed, batch.OutcomePending}, 0, 10, []int{2100}, 1},
			{b, "p77", []batch.ItemOutcome{batch.OutcomeDone}, 11, 10, nil, 11},
			{b, "a@n", nil, 0, 10, nil, 0},
			{b, "x.test", nil, 2_099, 0, nil, 2_100},
			{waiting, "zoe", []batch.ItemOutcome{batch.OutcomePending}, 0, 10, []int{0}, 1},
		} {
			items, total, err := h.intake.Find(t.Context(), h.caller, c.b, c.text, c.outcomes, c.skip, c.limit)
			var got []int
			for _, item := range items {
				got = append(got, item.Index)
			}
			if err != nil || total != c.total || !slices.Equal(got, c.want) {
				t.Errorf("%q of %v from %d: %v of %d %v, want %v of %d", c.text, c.outcomes, c.skip, got, total, err, c.want, c.total)
			}
		}
		large := b
		large.Total = 100_001
		if _, _, err := h.intake.Find(t.Context(), h.caller, large, "x", nil, 0, 10); muster.CodeOf(err) != muster.TooLong || !strings.Contains(err.Error(), "100000") {
			t.Errorf("in a large batch: %v", err)
		}
		large.Kind = muster.ProvisionBatch
		if _, _, err := h.intake.Find(t.Context(), h.caller, large, "x", nil, 0, 10); muster.CodeOf(err) != muster.Unsupported {
			t.Errorf("in a batch of accounts: %v", err)
		}
	})
}
