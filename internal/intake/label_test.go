package intake_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A row that failed is known by what stands in it, whatever its columns are called; one that has a person needs no label.
func TestLabels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		labels := func(b store.BatchRow) map[int]string {
			t.Helper()
			got, err := h.intake.Labels(t.Context(), h.caller, b, h.items(b))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		b := h.run("Prénom,Nom,Courriel,username,id,birth_date,password\n"+
			"Zoé,Martin,zoe@x.test,,,,\n"+
			"Léo,Durand,leo,,,,x\n"+
			",Petit,,,,soon,\n"+
			",,ali@x.test,,,soon,\n"+
			",,,eva,7,soon,\n"+
			",,,,8,soon,\n"+
			",,,,,soon,secret\n", intake.Upload{Source: "hr", Mapping: map[string]string{"id": "source_id"}})
		want := map[int]string{1: "Léo Durand", 2: "Petit", 3: "ali@x.test", 4: "eva", 5: "8"}
		if got := labels(b); !maps.Equal(got, want) {
			t.Errorf("labels %v, want %v; rows %q", got, want, h.told(b))
		}
		b = h.run(`[{"displayName":"Ann Lee","email":5},{"email":"x"},{"email":["x"]}]`, intake.Upload{Name: "a.json"})
		if got, want := labels(b), map[int]string{0: "Ann Lee", 1: "x"}; !maps.Equal(got, want) {
			t.Errorf("labels of objects %v, want %v; rows %q", got, want, h.told(b))
		}
	})
}

// Failures that lie far apart, and only those that are asked for.
func TestLabelsOfAPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		var file strings.Builder
		file.WriteString("last_name,email\n")
		for i := range 1100 {
			fmt.Fprintf(&file, "N%d,nonsense\n", i)
		}
		b := h.run(file.String(), intake.Upload{})
		var asked []muster.Item
		for _, i := range []int{3, 249, 250, 260, 1099, 5} {
			asked = append(asked, muster.Item{Batch: b.Seq, Index: i, State: muster.FailedItem})
		}
		got, err := h.intake.Labels(t.Context(), h.caller, b, asked)
		if err != nil || len(got) != len(asked) {
			t.Fatalf("%v %v", got, err)
		}
		for i, label := range got {
			if label != fmt.Sprintf("N%d", i) {
				t.Errorf("row %d is labelled %q", i, label)
			}
		}
		nobody := h.caller
		nobody.Grants = nil
		if _, err := h.intake.Labels(context.Background(), nobody, b, asked); muster.CodeOf(err) != muster.Forbidden {
			t.Errorf("without grants: %v", err)
		}
	})
}
