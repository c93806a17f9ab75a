package intake_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// clubs is the profile of clubs. Juniors are known by having a level, and need no address: they are known again by their name and club.
var clubs = intake.Profile{Prepare: func(o *intake.Options, cells map[string]string) muster.Errors {
	var faults muster.Errors
	if _, has := cells["level"]; has && cells["role"] == "" {
		cells["role"] = "junior"
	}
	if cells["role"] == "" {
		faults = append(faults, muster.Errorf(muster.Required, "role", "Nobody says what this is."))
	}
	switch {
	case cells["email"] != "":
	case cells["role"] == "junior" && o.Unit != uuid.Nil:
		cells["source"], cells["source_id"] = o.Unit.String(), strings.ToLower(cells["last_name"])
	default:
		faults = append(faults, muster.Errorf(muster.Required, "email", "A %s needs an address.", cells["role"]))
	}
	if date := cells["birth_date"]; date != "" && len(date) != 10 {
		faults = append(faults, muster.Errorf(muster.Invalid, "birth_date", "Not like that."))
		delete(cells, "birth_date")
	}
	if cells["birth_date"] == "0000-00-00" {
		cells["birth_date"] = ""
	}
	return faults
}}

func reading(header []string) (map[string]string, error) {
	words := map[string]string{"surname of the member": "last_name", "contact": "email", "is a": "role", "strength": "level", "came to be": "birth_date", "wish": "-"}
	mapping := map[string]string{}
	for _, h := range header {
		if field := words[strings.ToLower(h)]; field != "" {
			mapping[h] = field
		}
	}
	if !slices.Contains(slices.Collect(maps.Values(mapping)), "last_name") {
		return nil, muster.Errorf(muster.Required, "", "There is no column of surnames.")
	}
	return mapping, nil
}

func TestProfileReadsRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		all.intake.RegisterProfile("clubs", clubs)
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				tennis := h.club("tennis")
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				u := intake.Upload{Unit: roster.UnitRef{ID: tennis.ID}, Profile: "clubs", Reading: reading}
				file := "Surname of the member;Contact;Strength;Came to be;Wish;first_name\nA;a@x.test;3;;a horse;Ann\n B ;;;;;\nC;;1;May;;\nD;d@x.test;;2010-02-30;;\nE;e@x.test;;0000-00-00;;\n"
				b := do(file, u)
				want := []string{"2 created", "3 created", "4 failed Came to be: Not like that.", "5 failed Came to be: ", "6 created"}
				got := h.told(b)
				if !slices.EqualFunc(got, want, isTold) || strings.Count(got[2]+got[3], "Came to be") != 2 {
					t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				places := []string{"a@x.test tennis:junior/[][]", " tennis:junior/[][]", "e@x.test tennis:junior/[][]"}
				if got := h.places(); !slices.Equal(got, places) {
					t.Errorf("places %q, want %q", got, places)
				}
				if p := h.people(); p[0].FirstName != "Ann" || p[0].Profile.Attributes["level"] != "3" || p[1].SourceID != "b" {
					t.Errorf("people %+v", p)
				}
				if again := do(file, u); again.Counts.Unchanged != 3 || again.Counts.Failed != 2 {
					t.Errorf("the same again: %v", h.told(again))
				}
				b = do("Surname of the member;Contact;Is a\nF;;coach\nG;g@x.test;\n", u)
				want = []string{"2 failed Contact: A coach needs an address.", "3 failed Is a: Nobody says what this is."}
				if got := h.told(b); !slices.EqualFunc(got, want, isTold) {
					t.Errorf("rows %q, want %q", got, want)
				}
			})
		}
		t.Run("Refused", func(t *testing.T) {
			h := all.in(t)
			for name, c := range map[string]struct {
				file string
				u    intake.Upload
				code muster.Code
				want string
			}{
				"NoTable":    {`[{"email":"a@x.test"}]`, intake.Upload{Name: "a.json", Profile: "clubs"}, muster.Unsupported, "and not JSON"},
				"NoProfile":  {"email\na@x.test\n", intake.Upload{Profile: "golf"}, muster.Unsupported, `"golf"`},
				"BadReading": {"email\na@x.test\n", intake.Upload{Profile: "clubs", Reading: reading}, muster.Required, "no column of surnames"},
			} {
				if _, err := h.upload(c.file, c.u); muster.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %s with %s", name, err, c.code, c.want)
				}
			}
		})
		t.Run("TheUsersMappingCountsFirst", func(t *testing.T) {
			h := all.in(t)
			b := h.run("Surname of the member,contact,other\nA,a@x.test,b@x.test\n", intake.Upload{Reading: reading, Mapping: map[string]string{" CONTACT": "-", "other": "email"}})
			if got := h.people(); b.Counts.Created != 1 || got[0].Email != "b@x.test" {
				t.Errorf("%v %+v", h.told(b), got)
			}
		})
	})
}

// A batch finds its profile again in another process, by name. Where that does not know it, the batch fails and says why.
func TestProfileAfterARestart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		const file = "last_name,email,level\nA,a@x.test,1\n"
		var known, unknown store.BatchRow
		t.Run("before", func(t *testing.T) {
			h := open(t, st)
			h.intake.RegisterProfile("clubs", clubs)
			h.intake.RegisterProfile("lost", clubs)
			for name, b := range map[string]*store.BatchRow{"clubs": &known, "lost": &unknown} {
				var err error
				if *b, err = h.upload(file, intake.Upload{Profile: name, Unit: roster.UnitRef{ID: h.club(name).ID}, Then: batch.Rest}); err != nil {
					t.Fatal(err)
				}
			}
		})
		t.Run("after", func(t *testing.T) {
			h := open(t, st)
			h.intake.RegisterProfile("clubs", clubs)
			for _, b := range []*store.BatchRow{&unknown, &known} {
				if _, err := h.engine.Run(t.Context(), h.caller, b.ID); err != nil {
					t.Fatal(err)
				}
				*b = h.wait(*b, muster.Finished, muster.Failed)
			}
			if got := h.places(); known.State != muster.Finished || len(got) != 1 || got[0] != "a@x.test clubs:junior/[][]" {
				t.Errorf("%s %v %q", known.State, h.told(known), got)
			}
			if want := `The rows of this import are to be read by the profile "lost", which this server does not know. Ask its operator.`; unknown.State != muster.Failed || unknown.Message != want || unknown.Counts.Skipped != 1 {
				t.Errorf("%s %q %+v", unknown.State, unknown.Message, unknown.Counts)
			}
		})
	})
}
