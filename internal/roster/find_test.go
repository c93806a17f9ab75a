package roster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// What is found page by page is everybody who was counted, each once and in order.
func TestFoundAndCounted(t *testing.T) {
	eachCampus(t, func(c *campus) {
		var list []roster.Admission
		for i := range 23 {
			list = append(list, roster.Admission{Draft: muster.Draft{"first_name": fmt.Sprintf("É%02d", 22-i), "last_name": "Bâ", "company": []string{"Acme", "Élan"}[i%2], "email": fmt.Sprintf("e%d@x.test", i)}})
		}
		for i, r := range c.admit(idt, list...) {
			if r.Err != nil {
				c.t.Fatal(r.Err)
			}
			if i == 22 {
				if _, err := c.Delete(c.t.Context(), c.caller, []roster.Wish{{Person: r.Person.ID}}); err != nil {
					c.t.Fatal(err)
				}
			}
		}
		is := func(field string, op roster.Comparison, values ...any) roster.Condition {
			return roster.Condition{Field: field, Op: op, Values: values}
		}
		for name, f := range map[string]struct {
			roster.Filter
			want int
		}{
			"everybody":     {roster.Filter{}, 22},
			"newest first":  {roster.Filter{Order: []roster.Order{{Field: "seq", Down: true}}}, 22},
			"active":        {roster.Filter{Where: is("state", roster.Is, "active")}, 22},
			"suspended":     {roster.Filter{Where: is("state", roster.Is, "suspended", "archived")}, 0},
			"a company":     {roster.Filter{Where: is("company", roster.Has, "éLAN"), Order: []roster.Order{{Field: "first_name"}}}, 11},
			"an address":    {roster.Filter{Where: is("email", roster.Is, "E1@x.test")}, 1},
			"a deleted one": {roster.Filter{Where: is("email", roster.Is, "e22@x.test")}, 0},
		} {
			met := map[int64]bool{}
			for offset := 0; ; offset += 5 {
				page := f.Filter
				page.Offset, page.Limit = offset, 5
				people, total, err := c.Find(c.t.Context(), c.caller, page)
				if err != nil || total != f.want {
					c.t.Fatalf("%s: %d, %v, want %d", name, total, err, f.want)
				}
				for _, p := range people {
					met[p.Seq] = true
				}
				if len(f.Order) == 1 && f.Order[0].Field == "first_name" && !slices.IsSortedFunc(people, func(a, b roster.Person) int { return strings.Compare(a.FirstName, b.FirstName) }) {
					c.t.Errorf("%s: not in order", name)
				}
				if len(people) < 5 {
					break
				}
			}
			if len(met) != f.want {
				c.t.Errorf("%s: met %d, want %d", name, len(met), f.want)
			}
		}
	})
}

func TestFindingIsBounded(t *testing.T) {
	eachCampus(t, func(c *campus) {
		for name, s := range map[string]struct {
			f    roster.Filter
			want string
		}{
			"no such field":    {roster.Filter{Where: roster.Condition{Field: "shoe", Op: roster.Is, Values: []any{"1"}}}, "invalid filter"},
			"too many":         {roster.Filter{Where: roster.Condition{Field: "email", Op: roster.Is, Values: make([]any, store.MaxConditionValues+1)}}, "too_long filter"},
			"no such order":    {roster.Filter{Order: []roster.Order{{Field: "phones.number"}}}, "invalid sort"},
			"too many keys":    {roster.Filter{Order: make([]roster.Order, store.MaxOrders+1)}, "too_long sort"},
			"nothing is amiss": {roster.Filter{}, "ok"},
		} {
			_, _, err := c.Find(c.t.Context(), c.caller, s.f)
			if got := fault(muster.Faults(err)); got != s.want {
				c.t.Errorf("%s: %v, want %s", name, err, s.want)
			}
		}
		nobody := c.caller
		nobody.Grants = nil
		if _, _, err := c.Find(c.t.Context(), nobody, roster.Filter{}); muster.CodeOf(err) != muster.Forbidden {
			c.t.Errorf("of a caller without rights: %v", err)
		}
	})
}
