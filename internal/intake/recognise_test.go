package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// crowd is a file of so many people, with what some of the rows say instead.
func crowd(n int, instead map[int]string) string {
	var file strings.Builder
	file.WriteString("source_id,email,first_name,last_name,department,birth_date,status,phones.mobile\n")
	for i := range n {
		row, other := instead[i]
		if !other {
			row = person(i, "Sales & <Marketing>")
		}
		fmt.Fprintln(&file, row)
	}
	return file.String()
}

func person(i int, department string) string {
	phone, state := "", "active"
	if i%100 == 7 {
		phone, state = fmt.Sprintf("+33 1 %08d", 10_000_000+i), "suspended"
	}
	if i%3 == 0 {
		department = strings.ToUpper(strings.NewReplacer("&", "", "<", "", ">", "").Replace(department))
	}
	return fmt.Sprintf(`s%d,P%d@x.test,Élise,"O'Brien ""%d""",%s,2010-01-02,%s,%s`, i, i, i%7, department, state, phone)
}

// A file that comes again is decided on ahead of the rows' turns. What is different about a row further down is seen all the same.
func TestRowsOfPeopleWhoAreHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		const rows, odd = 11_200, 10_700
		h := all.in(t)
		if b := h.run(crowd(rows, nil), intake.Upload{Source: "hr"}); b.Counts.Created != rows {
			t.Fatalf("%+v", b.Counts)
		}
		for _, c := range []struct {
			name, row, want string
		}{
			{"a department", person(odd, "Research"), "updated"},
			{"that again", person(odd, "Research"), "unchanged"},
			{"an address of a row before", strings.Replace(person(odd, "Research"), fmt.Sprint("P", odd, "@"), "P3@", 1), "failed This row means two people"},
			{"a row before once more", person(12, "Sales & <Marketing>"), "failed source_id: This is the same person as row 14:"},
			{"somebody before, otherwise", ",p12@x.test,Zoé,,,,,", "failed email: This is the same person as row 14:"},
			{"a date that is none", strings.Replace(person(odd, "Research"), "2010-01-02", "soon", 1), "failed birth_date"},
			{"a state", strings.Replace(person(odd, "Research"), "active", "archived", 1), "updated"},
			{"a new address", strings.Replace(person(odd, "Research"), "@x.test", "@y.test", 1), "updated"},
			{"somebody new", "new,new@x.test,Ann,Lee,,,,", "created"},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := *h
				h.t = t
				told := h.told(h.run(crowd(rows, map[int]string{odd: c.row}), intake.Upload{Source: "hr"}))
				if want := fmt.Sprint(odd+2, " ", c.want); !isTold(told[odd], want) {
					t.Errorf("got %s, want %s", told[odd], want)
				}
				for i := range told {
					if i != odd && !isTold(told[i], fmt.Sprint(i+2, " unchanged")) {
						t.Fatalf("got %s, want it unchanged", told[i])
					}
				}
			})
		}
		moved := map[int]string{}
		for i := range rows {
			moved[i] = person(i, "Production")
		}
		b := h.run(crowd(rows, moved), intake.Upload{Source: "hr"})
		for i, item := range h.items(b) {
			if f, _ := item.Change.Field("department"); !strings.EqualFold(fmt.Sprint(f.After), "production") || item.Guard == 0 || len(item.Change.Fields) > 3 {
				t.Fatalf("row %d: %+v", i, item)
			}
		}
		if b.Counts.Updated != rows {
			t.Errorf("of %d rows came %+v", rows, b.Counts)
		}
		if b = h.run(crowd(rows, moved), intake.Upload{Source: "hr"}); b.Counts.Unchanged != rows {
			t.Errorf("that again: %+v", b.Counts)
		}
		look := func(p store.PersonRow) string {
			return fmt.Sprint(p.SourceID, p.Profile.Department, p.Version, p.State)
		}
		people, err := h.roster.People(t.Context(), h.caller, store.PeopleQuery{Source: "hr", SourceID: "s5", Limit: 2})
		if err != nil || len(people) != 1 || look(people[0]) != fmt.Sprint("s5", "Production", 2, muster.Active) {
			t.Errorf("people %+v, %v", people, err)
		}
	})
}
