package cli

import (
	"testing"

	"github.com/musterid/muster"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	c := muster.Change{Action: muster.Update, Fields: []muster.FieldChange{
		{Field: "email", Before: "a@x.y", After: "b@x.y"}, {Field: "first_name", After: "Ann"}, {Field: "last_name", Before: "Lee"},
	}}.With("password")
	if got, want := differences(c), "email: a@x.y → b@x.y, first_name: Ann, last_name: Lee → –, password"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
