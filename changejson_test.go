package muster_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/musterid/muster"
	"pgregory.net/rapid"
)

// drawValue draws a fact of any type that stands in a record.
func drawValue(t *rapid.T, label string) any {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]string{"Dupont", "Zoë", "a<b>&c", "line\u2028", "\"quoted\" \\", "bad \xff byte", "\x7f", "\x00"}), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { return f }),
		rapid.Just[any](nil),
		rapid.Just[any](muster.Phone{Type: "work", Number: "+33 <1>"}),
		rapid.Just[any]([]string{"a", "b"}),
	).Draw(t, label)
}

func TestAppendJSONIsWhatMarshalMakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := muster.Change{Action: rapid.SampledFrom([]muster.Action{"", muster.Nothing, muster.Create, muster.Update, muster.Delete}).Draw(t, "action")}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			c.Fields = append(c.Fields, muster.FieldChange{
				Field: rapid.String().Draw(t, "field"), Before: drawValue(t, "before"), After: drawValue(t, "after"), Forecast: rapid.Bool().Draw(t, "forecast"),
			})
		}
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.AppendJSON([]byte("x"))
		if err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%s, %v; want %s", got, err, want)
		}
	})
}

func TestParseChangeIsWhatUnmarshalMakes(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Fatalf(string, ...any) }, text []byte) {
		var want muster.Change
		wrong := json.Unmarshal(text, &want)
		got, err := muster.ParseChange(text)
		if (err != nil) != (wrong != nil) {
			t.Fatalf("%s: %v; want %v", text, err, wrong)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %#v; want %#v", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := muster.Change{Action: rapid.SampledFrom([]muster.Action{"", muster.Nothing, muster.Create, muster.Update, muster.Delete}).Draw(t, "action")}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			c.Fields = append(c.Fields, muster.FieldChange{
				Field: rapid.String().Draw(t, "field"), Before: drawValue(t, "before"), After: drawValue(t, "after"), Forecast: rapid.Bool().Draw(t, "forecast"),
			})
		}
		text, err := c.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, text)
		if n := len(text); n > 0 { // something else than AppendJSON writes
			at := rapid.IntRange(0, n-1).Draw(t, "at")
			check(t, append(text[:at:at], text[at+1:]...))
			check(t, append(append(text[:at:at], rapid.SampledFrom([]string{" ", "x", "\\", "}", ",", "\"", "\xff"}).Draw(t, "odd")...), text[at:]...))
		}
	})
	for _, text := range []string{
		"", "{}", "null", " {\"action\":\"create\"} ", `{"action":"create","fields":[]}`, `{"action":"create","fields":null}`, `{"fields":[{"field":"a"}],"action":"update"}`,
		`{"action":"update","fields":[{"field":"a","before":1,"after":[{"type":"x"}]},{"field":"b","after":"\u00e9"}]}`, `{"action":"update","fields":[{"field":"a"}]}x`,
	} {
		check(t, []byte(text))
	}
}

func TestCreationIsTheDiffFromNothing(t *testing.T) {
	t.Parallel()
	names := []string{"username", "email", "first_name", "last_name", "state", "department", "phones.work", "addresses.work.locality", "attributes.class_code", "attributes.a", "flags.sudo", "email_verified", "locale"}
	rapid.Check(t, func(t *rapid.T) {
		d := muster.Draft{}
		for _, name := range rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, "names") {
			switch name {
			case "email":
				d[name] = "a@example.org"
			case "state":
				d[name] = "suspended"
			case "locale":
				d[name] = "fr"
			case "email_verified", "flags.sudo":
				d[name] = rapid.Bool().Draw(t, name)
			default:
				d[name] = rapid.SampledFrom([]string{"", "anna", "Zoë", "007"}).Draw(t, name)
			}
		}
		p, faults := muster.Person{State: muster.Active, Mode: muster.Standard}.With(d)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got, want := p.Creation(), muster.Diff(nil, p.Record()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	})
}
