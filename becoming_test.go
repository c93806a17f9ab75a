package muster_test

import (
	"reflect"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
)

// drawDraft draws facts of a few fields of every kind, often the same ones.
func drawDraft(t *rapid.T, label string) muster.Draft {
	names := []string{
		"username", "email", "first_name", "last_name", "state", "mode", "manager", "department", "phones.work", "phones.home", "addresses.work.locality", "attributes.class_code", "attributes.a",
		"flags.sudo", "flags.uid", "email_verified", "absent", "locale",
	}
	d := muster.Draft{}
	for _, name := range rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, label) {
		var values []any
		switch name {
		case "email":
			values = []any{"a@example.org", "B@example.org", "", nil}
		case "state":
			values = []any{"suspended", "active"}
		case "mode":
			values = []any{"standard", "rest"}
		case "locale":
			values = []any{"fr", "en-GB", nil}
		case "manager":
			values = []any{uuid.UUID{1}.String(), uuid.UUID{2}.String(), ""}
		case "email_verified", "absent", "flags.sudo":
			values = []any{true, false, nil}
		case "flags.uid":
			values = []any{float64(5), float64(6), "5", nil}
		default:
			values = []any{"", "anna", "Zoë", " anna ", nil}
		}
		d[name] = rapid.SampledFrom(values).Draw(t, label+" "+name)
	}
	return d
}

func drawPerson(t *rapid.T) muster.Person {
	p, faults := muster.Person{State: muster.Active, Mode: muster.Standard}.With(drawDraft(t, "person"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p
}

func TestChangeToIsTheDiffOfRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPerson(t)
		next, faults := p.With(drawDraft(t, "draft"))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if rapid.Bool().Draw(t, "anybody") {
			next = drawPerson(t)
		}
		if got, want := p.ChangeTo(&next), muster.Diff(p.Record(), next.Record()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	})
}

func TestADraftThatIsSoAlreadyChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, d := drawPerson(t), drawDraft(t, "draft")
		if rapid.Bool().Draw(t, "own") { // what is so already
			for name := range d {
				delete(d, name)
			}
			for name, v := range p.Record() {
				if rapid.Bool().Draw(t, name) {
					d[name] = v
				}
			}
		}
		if !p.Has(d) {
			return
		}
		next, faults := p.With(d)
		if len(faults) > 0 || !reflect.DeepEqual(next, p) {
			t.Fatalf("%+v has %+v, which makes %+v of it, %v", p, d, next, faults)
		}
	})
}

func TestHas(t *testing.T) {
	t.Parallel()
	p, faults := muster.Person{State: muster.Active}.With(muster.Draft{"email": "a@example.org", "attributes.class_code": "6A", "absent": true, "department": "IT"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for name, c := range map[string]struct {
		draft muster.Draft
		want  bool
	}{
		"nothing":              {muster.Draft{}, true},
		"the same":             {muster.Draft{"email": "a@example.org", "attributes.class_code": "6A", "absent": true, "department": "IT", "state": "active"}, true},
		"what is not known":    {muster.Draft{"last_name": nil, "email_verified": nil}, true},
		"another text":         {muster.Draft{"department": "HR"}, false},
		"cleared":              {muster.Draft{"department": nil}, false},
		"another attribute":    {muster.Draft{"attributes.other": "x"}, false},
		"a field there is not": {muster.Draft{"nonsense": nil}, false},
		"not a text":           {muster.Draft{"department": 7}, false},
		"an attribute cleared": {muster.Draft{"attributes.class_code": nil}, false},
		"true":                 {muster.Draft{"email_verified": true}, false},
	} {
		if got := p.Has(c.draft); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
