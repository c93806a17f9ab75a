package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// mixture makes people of all kinds: known and unknown fields, lists, flags of every kind, shared addresses, every state.
func mixture(t *testing.T, st *store.Store) []*store.PersonRow {
	t.Helper()
	var people []*store.PersonRow
	for i := range 60 {
		p := named("", firstNames[i%len(firstNames)], lastNames[i%len(lastNames)])
		p.State = []muster.State{muster.Active, muster.Archived, muster.Suspended, muster.Staged, muster.Deleted, muster.Active}[i%6]
		p.Profile.Nickname = fmt.Sprint(i)
		switch i % 3 {
		case 0:
			p.Email = fmt.Sprintf("Jean.%d@Example.org", i)
		case 1:
			p.Email, p.EmailShared = "Shared@Example.org", true
		}
		if i%4 > 0 {
			p.Username = fmt.Sprintf("U%d.jean", i)
		}
		if i%5 == 0 {
			p.EmployeeID, p.Keys.Employee = fmt.Sprint("E", i), fmt.Sprint("E", i)
		}
		p.Profile.Company = []string{"", "Acme", "acme", "Élan \"x\" & Co", "Zed_1%"}[i%5]
		p.EmailVerified = i%2 == 0
		if i%3 == 0 {
			p.Profile.Phones = []muster.Phone{{Type: "work", Number: fmt.Sprint("+33 ", i)}, {Type: "home", Number: "1"}}
			p.Profile.Attributes = map[string]string{"class": fmt.Sprint(i % 2), "a \"b\".c": "Odd"}
		}
		if i%7 == 0 {
			p.Profile.Addresses = []muster.Address{{Type: "work", Locality: "Dakar"}, {Type: "home"}}
		}
		switch i % 6 {
		case 1:
			p.Profile.Flags = map[string]any{"sudo": true, "uid": 5000 + i, "note": "Hello", "mfa": map[string]any{"configured": true}}
		case 2:
			p.Profile.Flags = map[string]any{"sudo": "true", "uid": "7", "note": 1, "mfa": "on"}
		case 3:
			p.Profile.Flags = map[string]any{"note": "nul\x00here", "uid": 1.5}
			p.Profile.Company, p.Profile.Attributes, p.Profile.Phones, p.Profile.Addresses = "", nil, nil, nil // PostgreSQL cannot look beside such a text
			p.Profile.Flags = map[string]any{"uid": 1.5, "sudo": false}
		}
		people = append(people, p)
	}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if err := insert(tx, people...); err != nil {
			return err
		}
		for i, p := range people {
			if i%9 == 0 {
				p.Manager, p.ManagerSeq, p.Version = people[1].ID, people[1].Seq, 2
				if err := tx.UpdatePeople([]*store.PersonRow{p}); err != nil {
					return err
				}
			}
		}
		counts := map[muster.State]int{}
		for _, p := range people {
			counts[p.State]++
		}
		if err := tx.CountPeople(counts); err != nil {
			return err
		}
		return tx.SetCredential(people[0].Seq, "hash")
	})
	return people
}

// valuesOf gives what somebody has in a field, as it is compared.
func valuesOf(p *store.PersonRow, first *store.PersonRow, field string, kind store.Kind) (list []any) {
	add := func(texts ...string) {
		for _, s := range texts {
			if s != "" {
				list = append(list, s)
			}
		}
	}
	switch field {
	case "seq":
		return []any{p.Seq}
	case "manager":
		if p.ManagerSeq != 0 {
			return []any{p.ManagerSeq}
		}
	case "username":
		add(p.Keys.Username)
	case "email":
		add(strings.ToLower(p.Email))
	case "employee_id":
		add(p.EmployeeID)
	case "first_name":
		add(p.FirstName)
	case "state":
		add(string(p.State))
	case "company":
		add(p.Profile.Company)
	case "created_at":
		return []any{p.CreatedAt}
	case "email_verified":
		return []any{p.EmailVerified}
	case "password":
		return []any{p.Seq == first.Seq}
	case "phones.number":
		for _, phone := range p.Profile.Phones {
			add(phone.Number)
		}
	case "addresses.locality":
		for _, a := range p.Profile.Addresses {
			add(a.Locality)
		}
	case "attribute_names":
		for name := range p.Profile.Attributes {
			add(name)
		}
	case "attribute_values":
		for _, value := range p.Profile.Attributes {
			add(value)
		}
	case "attributes.class":
		add(p.Profile.Attributes["class"])
	case `attributes.a "b".c`:
		add(p.Profile.Attributes[`a "b".c`])
	default:
		return flagOf(p, strings.TrimPrefix(field, "flags."), kind)
	}
	return list
}

func flagOf(p *store.PersonRow, name string, kind store.Kind) []any {
	v := p.Profile.Flags[name]
	if name == "mfa.configured" {
		mfa, _ := p.Profile.Flags["mfa"].(map[string]any)
		v = mfa["configured"]
	}
	switch kind {
	case store.BoolKind:
		return []any{v == true}
	case store.NumberKind:
		switch n := v.(type) {
		case int:
			return []any{float64(n)}
		case float64:
			return []any{n}
		}
		return nil
	}
	if s, ok := v.(string); ok && s != "" {
		return []any{s}
	}
	return nil
}

// met says whether somebody meets a condition: what the SQL is held to.
func met(p, first *store.PersonRow, c store.Condition) bool {
	switch {
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, func(one store.Condition) bool { return met(p, first, one) })
	case c.Field == "":
		return !slices.ContainsFunc(c.All, func(one store.Condition) bool { return !met(p, first, one) })
	}
	kind, _, _ := store.Findable(c.Field)
	if strings.HasPrefix(c.Field, "flags.") {
		kind = c.Kind
	}
	has := valuesOf(p, first, c.Field, kind)
	fits := func() bool {
		for _, want := range c.Values {
			if want == nil && kind == store.BoolKind {
				want = false
			}
			if want == nil || want == "" {
				if len(has) == 0 {
					return true
				}
				continue
			}
			for _, v := range has {
				if compares(v, want, c) {
					return true
				}
			}
		}
		return false
	}
	switch c.Op {
	case store.IsNot:
		return !fits()
	case store.Is:
		return fits()
	case store.Has, store.Begins, store.Ends:
		if len(c.Values) == 1 && (c.Values[0] == nil || c.Values[0] == "") {
			return len(has) > 0
		}
	}
	return c.Values[0] != nil && c.Values[0] != "" && fits()
}

func compares(v, want any, c store.Condition) bool {
	var order int
	switch x := v.(type) {
	case string:
		text := want.(string)
		if c.Field == "username" || c.Field == "email" {
			text = strings.ToLower(text)
		}
		lower, part := strings.ToLower(x), strings.ToLower(text)
		switch c.Op {
		case store.Has:
			return strings.Contains(lower, part)
		case store.Begins:
			return strings.HasPrefix(lower, part)
		case store.Ends:
			return strings.HasSuffix(lower, part)
		}
		order = strings.Compare(x, text)
	case bool:
		order = cmp.Compare(fmt.Sprint(x), fmt.Sprint(want))
	case int64:
		order = cmp.Compare(x, want.(int64))
	case float64:
		order = cmp.Compare(x, float64(want.(int64)))
	case time.Time:
		order = x.Compare(want.(time.Time))
	}
	return c.Op == store.Is && order == 0 || c.Op == store.IsNot && order == 0 || c.Op == store.Below && order < 0 || c.Op == store.AtMost && order <= 0 ||
		c.Op == store.Above && order > 0 || c.Op == store.AtLeast && order >= 0
}

// drawn makes any condition.
func drawn(rt *rapid.T, people []*store.PersonRow, depth int) store.Condition {
	if kind := rapid.IntRange(0, 3).Draw(rt, "kind"); depth > 0 && kind < 2 {
		var list []store.Condition
		for range rapid.IntRange(1, 3).Draw(rt, "n") {
			list = append(list, drawn(rt, people, depth-1))
		}
		if kind == 0 {
			return store.Condition{All: list}
		}
		return store.Condition{Any: list}
	}
	c := store.Condition{Field: rapid.SampledFrom([]string{
		"seq", "manager", "username", "email", "employee_id", "first_name", "state", "company", "created_at", "email_verified", "password", "phones.number", "addresses.locality", "attribute_names",
		"attribute_values", "attributes.class", `attributes.a "b".c`, "flags.sudo", "flags.uid", "flags.note", "flags.mfa.configured", "username", "email",
	}).Draw(rt, "field")}
	kind, _, _ := store.Findable(c.Field)
	if strings.HasPrefix(c.Field, "flags.") {
		c.Kind = rapid.SampledFrom([]store.Kind{store.TextKind, store.BoolKind, store.NumberKind}).Draw(rt, "flag")
		kind = c.Kind
	}
	ops := []store.Op{store.Is, store.IsNot, store.Below, store.AtMost, store.Above, store.AtLeast}
	if kind == store.TextKind {
		ops = append(ops, store.Has, store.Begins, store.Ends)
	}
	c.Op = rapid.SampledFrom(append(ops, store.Is, store.Is)).Draw(rt, "op")
	most := 1
	if c.Op == store.Is || c.Op == store.IsNot {
		most = 3
	}
	for range rapid.IntRange(1, most).Draw(rt, "values") {
		var v any
		switch kind {
		case store.TextKind:
			v = rapid.SampledFrom([]string{
				"", "u1.jean", "U5.JEAN", "shared@example.ORG", "jean.3@example.org", "E5", "Ana", "é", "Éloïse", "active", "archived", "Acme", "ACME", "élan", "_1%", "%", "1", "+33 6", "Dakar", "class", "Odd", "Hello", "hell", "o",
			}).Draw(rt, "text")
		case store.BoolKind:
			v = rapid.Bool().Draw(rt, "bool")
		case store.NumberKind:
			v = rapid.SampledFrom([]int64{people[1].Seq, people[2].Seq, people[30].Seq, 5001, 1, 7, 0}).Draw(rt, "number")
		case store.TimeKind:
			v = people[0].CreatedAt.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "time")) * time.Second)
		}
		if rapid.IntRange(0, 9).Draw(rt, "unknown") == 0 {
			v = nil
		}
		c.Values = append(c.Values, v)
	}
	return c
}

// Whatever is asked for, both engines find whom a look at everybody finds, and count as many.
func TestConditionsFindWhomALookAtEverybodyFinds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := mixture(t, st)
		write(t, st, secondTenant(t, st), func(tx *store.Tx) error {
			stranger := named("u1.jean", "Ana", "X")
			stranger.Email = "jean.3@example.org"
			return insert(tx, stranger)
		})
		rapid.Check(t, func(rt *rapid.T) {
			f := store.PeopleFilter{
				Where: drawn(rt, people, 2), Limit: rapid.IntRange(1, 70).Draw(rt, "limit"), Offset: rapid.SampledFrom([]int{0, 0, 1, 5, 100}).Draw(rt, "offset"),
				Order: rapid.SampledFrom([][]store.Order{nil, {{Field: "seq", Down: true}}, {{Field: "company"}, {Field: "email", Down: true}}, {{Field: "state", Down: true}}}).Draw(rt, "order"),
			}
			if err := f.Where.Check(); err != nil {
				rt.Fatal(err)
			}
			want := sorted(people, f)
			err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				list, total, err := tx.FindPeople(f)
				if err != nil {
					return err
				}
				page := want[min(f.Offset, len(want)):]
				page = page[:min(f.Limit, len(page))]
				got := []string{}
				for _, p := range list {
					got = append(got, p.Profile.Nickname)
				}
				if !slices.Equal(got, page) || total != len(want) {
					rt.Errorf("%+v:\ngot  %v of %d\nwant %v of %d", f, got, total, page, len(want))
				}
				return nil
			})
			if err != nil {
				rt.Fatal(err)
			}
		})
	})
}

func sorted(people []*store.PersonRow, f store.PeopleFilter) []string {
	var list []*store.PersonRow
	for _, p := range people {
		if p.State != muster.Deleted && met(p, people[0], f.Where) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *store.PersonRow) int {
		for _, o := range f.Order {
			x, y := valuesOf(a, a, o.Field, o.Kind), valuesOf(b, b, o.Field, o.Kind)
			if len(x) != len(y) {
				return len(y) - len(x)
			}
			order := cmp.Compare(a.Seq, b.Seq)
			if len(x) == 0 {
				continue
			} else if s, text := x[0].(string); text {
				order = strings.Compare(s, y[0].(string))
			}
			if o.Down {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(a.Seq, b.Seq)
	})
	labels := []string{}
	for _, p := range list {
		labels = append(labels, p.Profile.Nickname)
	}
	return labels
}

// Somebody whose flags hold what PostgreSQL cannot look into hides nobody else.
func TestFlagsThatCannotBeLookedIntoHideNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		odd, plain := named("odd", "Odd", ""), named("plain", "Plain", "")
		odd.Profile.Flags, plain.Profile.Company = map[string]any{"note": "\x00"}, "Acme"
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, odd, plain) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			list, total, err := tx.FindPeople(store.PeopleFilter{Where: store.Condition{Field: "company", Op: store.Is, Values: []any{"Acme"}}, Limit: 10})
			if total != 1 || len(list) != 1 || list[0].Username != "plain" {
				t.Errorf("%v of %d", list, total)
			}
			return err
		})
	})
}

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	is := func(field string, values ...any) store.Condition {
		return store.Condition{Field: field, Op: store.Is, Values: values}
	}
	many := make([]any, store.MaxConditionValues+1)
	for name, c := range map[string]store.Condition{
		"no such field": is("shoe", "1"), "not a path": is("flags.a'b", "1"), "no flag": is("flags.", "1"), "another kind": is("sudo", true), "text for a number": is("seq", "1"), "no values": is("email"),
		"no such op": {Field: "email", Op: "like", Values: []any{"x"}}, "two limits": {Field: "seq", Op: store.Above, Values: []any{int64(1), int64(2)}}, "part of a number": {Field: "seq", Op: store.Has, Values: []any{int64(1)}},
		"too many values": is("email", many...), "too many conditions": {Any: make([]store.Condition, store.MaxConditions)},
	} {
		if err := (store.Condition{All: []store.Condition{c}}).Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, field := range []string{"shoe", "", "phones.number", "flags.x; DROP TABLE person", "attribute_names"} {
				if _, _, err := tx.FindPeople(store.PeopleFilter{Order: []store.Order{{Field: field}}, Limit: 1}); muster.CodeOf(err) != muster.Invalid {
					t.Errorf("sorted by %q: %v", field, err)
				}
			}
			return nil
		})
	})
}

// Where a key leads to the people, or their states tell all, nobody else is read: on an empty database, on a filled one, and once its statistics are
// known.
func TestPlansOfConditions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		wantFindPlans(t, st, false, false)
		for n := range 3 {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				people := make([]*store.PersonRow, 1000)
				for i := range people {
					people[i] = fullPerson(n*1000 + i)
				}
				return insert(tx, people...)
			})
		}
		wantFindPlans(t, st, true, false)
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFindPlans(t, st, true, true)
	})
}

func wantFindPlans(t *testing.T, st *store.Store, filled, known bool) {
	t.Helper()
	is := func(field string, values ...any) store.Condition {
		return store.Condition{Field: field, Op: store.Is, Values: values}
	}
	company := store.Condition{Field: "company", Op: store.Has, Values: []any{"x"}}
	for name, f := range map[string]store.PeopleFilter{
		"ids": {Where: is("seq", int64(1), int64(2))}, "username": {Where: is("username", "a", "b")}, "email": {Where: is("email", "a@example.org"), Order: []store.Order{{Field: "company"}}},
		"employee": {Where: is("employee_id", "1")}, "manager": {Where: is("manager", int64(1))}, "this or that": {Where: store.Condition{Any: []store.Condition{is("email", "a"), is("username", "a")}}, Offset: 5},
		"and more": {Where: store.Condition{All: []store.Condition{company, is("username", "a")}}}, "within": {Where: company, Within: []string{"/1/"}}, "all": {}, "down": {Order: []store.Order{{Field: "seq", Down: true}}},
		"page": {Offset: 20}, "state": {Where: is("state", "active")}, "states": {Where: is("state", "suspended", "archived"), Offset: 7}, "not a state": {Where: store.Condition{Field: "state", Op: store.IsNot, Values: []any{"staged"}}},
	} {
		f.Limit = 10
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			query, args, err := tx.FindSQL(f)
			if err != nil {
				return err
			}
			plan, err := st.ReadPlan(tx, query, args)
			if name == "email" && st.Engine() == store.SQLite && !strings.Contains(strings.Join(plan, "\n"), "person_email_shared (tenant=? AND email=?)") {
				t.Errorf("who shares an address is not found by it\n%s", strings.Join(plan, "\n"))
			}
			for _, fault := range scans(plan, filled) {
				if known && strings.Contains(fault, "using person_pkey") {
					continue // nearly everybody is of that tenant and state: PostgreSQL may as well walk in order until the page is full
				}
				t.Errorf("%s: %s\n%s\n%s", name, fault, query, strings.Join(plan, "\n"))
			}
			return err
		})
	}
}

func TestFiltersThatScan(t *testing.T) {
	t.Parallel()
	is := func(field string, values ...any) store.Condition {
		return store.Condition{Field: field, Op: store.Is, Values: values}
	}
	for name, c := range map[string]struct {
		f     store.PeopleFilter
		scans bool
	}{
		"everybody": {store.PeopleFilter{}, false}, "a later page": {store.PeopleFilter{Offset: 1}, true}, "a state": {store.PeopleFilter{Where: is("state", "active")}, false},
		"sorted": {store.PeopleFilter{Order: []store.Order{{Field: "email"}}}, true}, "newest first": {store.PeopleFilter{Order: []store.Order{{Field: "seq", Down: true}}}, false},
		"a company": {store.PeopleFilter{Where: is("company", "x")}, true}, "a username, sorted": {store.PeopleFilter{Where: is("username", "x"), Order: []store.Order{{Field: "email"}}}, false},
		"no username": {store.PeopleFilter{Where: is("username", "")}, true}, "one or nobody's": {store.PeopleFilter{Where: is("username", "x", nil)}, true},
		"a key or a company": {store.PeopleFilter{Where: store.Condition{Any: []store.Condition{is("username", "x"), is("company", "x")}}}, true}, "nobody": {store.PeopleFilter{Where: store.Condition{Any: []store.Condition{}}}, false},
	} {
		if got := c.f.Scans(); got != c.scans {
			t.Errorf("%s: %v", name, got)
		}
	}
}
