package intake

import (
	"slices"
	"testing"

	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
)

// A column is a state by most of what stands in it: neither a slip of the pen nor a region that reads like a state decides.
func TestColumnOfStates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cells []string
		want  bool
	}{
		{"nothing", nil, true},
		{"blanks", []string{"", " "}, true},
		{"states", []string{"active", "Suspendu", "", "former"}, true},
		{"one slip", []string{"active", "suspnded", "suspended"}, true},
		{"regions", []string{"WA", "MN", "OK", "VT"}, false},
		{"words", []string{"purple", "green"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var sample []batch.Row
			for _, cell := range c.cells {
				sample = append(sample, batch.Row{Cells: []string{"Martin", cell}})
			}
			if got := holdsStates(sample, sheet.Column{Index: 1}); got != c.want {
				t.Errorf("%q: %v", c.cells, got)
			}
		})
	}
}

func TestStateColumnIsUnderstood(t *testing.T) {
	t.Parallel()
	o := Options{Header: []string{"last_name", "status"}}
	sample := []batch.Row{{Cells: []string{"Martin", "active"}}, {Cells: []string{"Petit", "purple"}}}
	if err := understand(&o, nil, sample); err != nil || len(o.Notes) != 0 {
		t.Fatalf("%v %v", err, o.Notes)
	}
	if !slices.ContainsFunc(o.Columns, func(c sheet.Column) bool { return c.Header == "status" && c.Field == "state" }) {
		t.Errorf("columns %+v", o.Columns)
	}
	w := o.wish(&batch.Row{Number: 3, Cells: sample[1].Cells}, nil)
	if len(w.faults) != 1 || w.faults[0].Field != "state" {
		t.Errorf("faults %v", w.faults)
	}
}

// Only what nobody recognised is worth a word: a column that was left out, under whatever case, and our own are not.
func TestColumnsNotUsed(t *testing.T) {
	t.Parallel()
	o := Options{Header: []string{"email", "Shoe size", "Remark", "muster_status"}}
	if err := understand(&o, map[string]string{"remark": "-"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := o.Unrecognised(); len(o.Notes) != 1 || o.Notes[0].Field != "Shoe size" || !slices.Equal(got, []string{"Shoe size"}) {
		t.Errorf("notes %v, unrecognised %q", o.Notes, got)
	}
}
