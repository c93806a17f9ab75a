package roster_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// campus is a roster in a fresh database, and a caller who may do everything in it.
type campus struct {
	*roster.Roster
	t      *testing.T
	st     *store.Store
	caller muster.Caller
}

func eachCampus(t *testing.T, f func(c *campus)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		aim(t, st)
		f(newCampus(t, st))
	})
}

func newCampus(t *testing.T, st *store.Store) *campus {
	t.Helper()
	options := queue.Options{Engine: string(st.Engine()), DSN: st.DSN()}
	if st.Engine() == store.SQLite {
		options.Writer = st.Handle()
	}
	q, err := queue.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	q.Handle(roster.AccountsJob, "accounts", func(context.Context, json.RawMessage) error { return nil })
	caller := muster.Caller{Tenant: storetest.Tenant, Name: "key:test", Surface: "native", RequestID: "r1", Grants: muster.WriteScope.Grants()}
	return &campus{Roster: roster.New(st, q), t: t, st: st, caller: caller}
}

// aim makes a target: without one, nobody's accounts are looked at.
func aim(t *testing.T, st *store.Store) {
	t.Helper()
	target := store.TargetRow{Target: muster.Target{ID: uuid.Must(uuid.NewV7()), Name: "target", Kind: "none", Policy: muster.DefaultTargetPolicy()}, Config: []byte{0}}
	if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return tx.CreateTarget(&target) }); err != nil {
		t.Fatal(err)
	}
}

// Without a target, nobody's accounts are looked at; with one, everybody's are.
func TestWakingForTargetsOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := newCampus(t, st)
		c.people("before")
		if got := c.woken(); len(got) != 0 {
			t.Errorf("woken for %v without a target", got)
		}
		aim(t, st)
		after := c.people("after")
		if got := c.woken(); !slices.Equal(got, []int64{after[0].Seq}) {
			t.Errorf("woken for %v", got)
		}
	})
}

// grow makes units given as kind:code or kind:code<parent.
func (c *campus) grow(units ...string) map[string]muster.Unit {
	c.t.Helper()
	list := make([]roster.NewUnit, len(units))
	for i, u := range units {
		name, parent, _ := strings.Cut(u, "<")
		kind, code, _ := strings.Cut(name, ":")
		list[i] = roster.NewUnit{Kind: kind, Code: code, Name: "Unit " + code, Parent: roster.ParseUnitRef(parent)}
	}
	out, err := c.CreateUnits(c.t.Context(), c.caller, list)
	if err != nil {
		c.t.Fatal(err)
	}
	made := map[string]muster.Unit{}
	for i, r := range out {
		if len(r.Faults) > 0 {
			c.t.Fatalf("unit %s: %v", units[i], r.Faults)
		}
		made[r.Unit.Kind+":"+r.Unit.Code] = r.Unit
	}
	return made
}

// people enrols people of these usernames.
func (c *campus) people(usernames ...string) []store.PersonRow {
	c.t.Helper()
	drafts := make([]muster.Draft, len(usernames))
	for i, name := range usernames {
		drafts[i] = muster.Draft{"username": name}
	}
	out, err := c.Enrol(c.t.Context(), c.caller, false, drafts)
	if err != nil {
		c.t.Fatal(err)
	}
	list := make([]store.PersonRow, len(out))
	for i, r := range out {
		if r.Err != nil {
			c.t.Fatal(r.Err)
		}
		list[i] = r.Person
	}
	return list
}

// recorded lists the audit entries of objects that begin so, as "action field field".
func (c *campus) recorded(object string) []string {
	c.t.Helper()
	rows, err := c.st.Handle().QueryContext(c.t.Context(), "SELECT action, actor, surface, request, change FROM audit WHERE object LIKE $1 ORDER BY seq", object+"%")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var action, actor, surface, request, text string
		var change muster.Change
		if err := rows.Scan(&action, &actor, &surface, &request, &text); err != nil {
			c.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &change); err != nil {
			c.t.Fatal(err)
		}
		if actor != c.caller.Name || surface != c.caller.Surface || request != c.caller.RequestID {
			c.t.Errorf("entry of %s %s %s", actor, surface, request)
		}
		list = append(list, strings.Join(append([]string{action}, change.Names()...), " "))
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return list
}

// fault writes faults as "code field, code field", or ok when there is none.
func fault(faults muster.Errors) string {
	if len(faults) == 0 {
		return "ok"
	}
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = strings.TrimSpace(string(f.Code) + " " + f.Field)
	}
	return strings.Join(words, ", ")
}

func ptr[T any](v T) *T { return &v }

func TestCreateUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.grow("school:lycee", "class:6A<lycee", "club:lycee<6A")
		if u := made["club:lycee"]; u.Parent != made["class:6A"].ID || u.Version != 1 || u.Path != fmt.Sprintf("/%d/%d/%d/", made["school:lycee"].Seq, made["class:6A"].Seq, u.Seq) {
			c.t.Errorf("third unit %+v", u)
		}
		out, err := c.CreateUnits(c.t.Context(), c.caller, []roster.NewUnit{
			{Kind: "class", Code: "6A", Name: "Again"},
			{Kind: "class", Code: "6B", Name: "New", Attributes: map[string]string{"level": "6"}, Parent: roster.UnitRef{ID: made["school:lycee"].ID}},
			{Kind: "class", Code: "6B", Name: "Twice"},
			{Kind: "class", Code: "6C", Name: "New", Parent: roster.UnitRef{Code: "nowhere"}},
			{Kind: "class", Code: "6D", Name: "New", Parent: roster.UnitRef{Code: "lycee"}},
			{Kind: "class", Code: "6E", Name: "New", Parent: roster.UnitRef{Kind: "club", Code: "lycee"}},
			{Kind: "class", Code: "!", Name: ""},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"conflict code", "ok", "conflict code", "not_found parent", "conflict parent", "ok", "invalid code, required name"} {
			if got := fault(out[i].Faults); got != want {
				c.t.Errorf("unit %d: %s, want %s", i, got, want)
			}
		}
		if !strings.Contains(out[0].Faults.Error(), made["class:6A"].ID.String()) || !strings.Contains(out[2].Faults.Error(), out[1].Unit.ID.String()) {
			c.t.Errorf("the conflicts do not name the holder: %v, %v", out[0].Faults, out[2].Faults)
		}
		if !strings.Contains(out[4].Faults.Error(), "club, school") {
			c.t.Errorf("an ambiguous code does not name the kinds: %v", out[4].Faults)
		}
		got, err := c.Unit(c.t.Context(), c.caller, roster.UnitRef{Kind: "class", Code: "6B"})
		if err != nil || got.ID != out[1].Unit.ID || got.Attributes["level"] != "6" || got.Parent != made["school:lycee"].ID {
			c.t.Errorf("read back %+v, %v", got, err)
		}
		want := []string{
			"unit.create code kind name", "unit.create code kind name parent", "unit.create code kind name parent",
			"unit.create attributes.level code kind name parent", "unit.create code kind name parent",
		}
		if got := c.recorded("unit "); !slices.Equal(got, want) {
			c.t.Errorf("recorded %q", got)
		}
	})
}

func TestTheTreeIsNotTooDeep(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := []string{"n:1"}
		for i := 2; i <= roster.MaxDepth; i++ {
			units = append(units, fmt.Sprintf("n:%d<%d", i, i-1))
		}
		made := c.grow(append(units, "n:side", "n:below<side")...)
		out, err := c.CreateUnits(c.t.Context(), c.caller, []roster.NewUnit{{Kind: "n", Code: "x", Name: "x", Parent: roster.UnitRef{Code: "32"}}})
		if err != nil || fault(out[0].Faults) != "too_long parent" {
			c.t.Errorf("created: %v %v", out[0].Faults, err)
		}
		moved, err := c.ChangeUnits(c.t.Context(), c.caller, []roster.UnitChange{
			{Unit: made["n:side"].ID, Parent: &roster.UnitRef{Code: "31"}},
			{Unit: made["n:side"].ID, Parent: &roster.UnitRef{Code: "30"}},
		})
		if err != nil || fault(moved[0].Faults) != "too_long parent" || len(moved[1].Faults) > 0 {
			c.t.Errorf("moved: %v %v %v", moved[0].Faults, moved[1].Faults, err)
		}
	})
}

func TestChangeUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.grow("n:a", "n:b", "n:c<a", "n:d<c")
		id := func(code string) uuid.UUID { return made["n:"+code].ID }
		out, err := c.ChangeUnits(c.t.Context(), c.caller, []roster.UnitChange{
			{Unit: id("a"), Name: ptr("Unit a"), Version: 1},
			{Unit: id("a"), Version: 7, Name: ptr("x")},
			{Unit: id("a"), Parent: &roster.UnitRef{Code: "b"}, Version: 1},
			{Unit: id("b"), Parent: &roster.UnitRef{Code: "d"}}, // a, which holds d, is below b by now
			{Unit: id("c"), Parent: &roster.UnitRef{}, Attributes: map[string]string{"level": "6", "none": ""}},
			{Unit: id("d"), Code: ptr("a")},
			{Unit: id("d"), Code: ptr("e"), Closed: ptr(true)},
			{Unit: id("b"), Code: ptr("d")}, // free by now
			{Unit: uuid.New(), Name: ptr("x")},
			{Unit: id("b"), Parent: &roster.UnitRef{ID: id("b")}},
			{Unit: id("d"), Name: ptr("")},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"ok", "stale", "ok", "invalid parent", "ok", "conflict code", "ok", "ok", "not_found id", "invalid parent", "required name"} {
			if got := fault(out[i].Faults); got != want {
				c.t.Errorf("change %d: %s, want %s", i, got, want)
			}
		}
		if !out[0].Change.Empty() || out[0].Unit.Version != 1 {
			c.t.Errorf("writing back what was there changed %+v", out[0])
		}
		if got := out[4].Unit; got.Parent != uuid.Nil || len(got.Attributes) != 1 || got.Version != 2 {
			c.t.Errorf("moved to the top: %+v", got)
		}
		list, err := c.Units(c.t.Context(), c.caller, roster.UnitQuery{})
		if err != nil {
			c.t.Fatal(err)
		}
		bySeq := map[uuid.UUID]muster.Unit{}
		for _, u := range list {
			bySeq[u.ID] = u
		}
		for _, u := range list {
			if want := fmt.Sprintf("%s%d/", cmp.Or(bySeq[u.Parent].Path, "/"), u.Seq); u.Path != want {
				c.t.Errorf("%s has path %s, want %s", u.Code, u.Path, want)
			}
		}
		want := []string{"unit.update parent", "unit.update attributes.level parent", "unit.update closed code", "unit.update code"}
		if got := c.recorded("unit "); !slices.Equal(got[4:], want) {
			c.t.Errorf("recorded %q", got)
		}
	})
}

func TestDeleteUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.grow("n:a", "n:b<a", "n:c<b", "n:full", "n:ghosts")
		people := c.people("ana", "bob")
		c.join(roster.JoinOp{Person: people[0].ID, Unit: made["n:full"].ID}, roster.JoinOp{Person: people[1].ID, Unit: made["n:ghosts"].ID})
		if _, err := c.Delete(c.t.Context(), c.caller, []roster.Wish{{Person: people[1].ID}}); err != nil {
			c.t.Fatal(err)
		}
		try := func(units ...string) string {
			list := make([]roster.UnitDelete, len(units))
			for i, u := range units {
				list[i].Unit = made["n:"+u].ID
			}
			out, err := c.DeleteUnits(c.t.Context(), c.caller, list)
			if err != nil {
				c.t.Fatal(err)
			}
			var faults []string
			for _, r := range out {
				faults = append(faults, fault(r.Faults))
			}
			return strings.Join(faults, ", ")
		}
		for _, test := range []struct{ units, want string }{
			{"a", "conflict"},
			{"full", "conflict"},
			{"a c", "conflict, ok"},
			{"a b b", "ok, ok, not_found id"},
			{"ghosts a", "ok, not_found id"},
		} {
			if got := try(strings.Fields(test.units)...); got != test.want {
				c.t.Errorf("%s: %s, want %s", test.units, got, test.want)
			}
		}
		left, err := c.Units(c.t.Context(), c.caller, roster.UnitQuery{})
		if err != nil || len(left) != 1 || left[0].Code != "full" {
			c.t.Errorf("left %+v, %v", left, err)
		}
	})
}

func TestUnitsAreListed(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.grow("n:a", "n:b<a", "n:c<b", "m:d")
		for name, test := range map[string]struct {
			q    roster.UnitQuery
			want string
		}{
			"below":     {roster.UnitQuery{Below: made["n:b"].ID}, "b c"},
			"parent":    {roster.UnitQuery{Parent: made["n:a"].ID}, "b"},
			"top":       {roster.UnitQuery{Top: true}, "a d"},
			"kind":      {roster.UnitQuery{Kind: "m"}, "d"},
			"name":      {roster.UnitQuery{Name: "unit B"}, "b"},
			"next page": {roster.UnitQuery{After: made["n:b"].Seq, Limit: 1}, "c"},
			"unknown":   {roster.UnitQuery{Below: uuid.New()}, "not_found"},
		} {
			list, err := c.Units(c.t.Context(), c.caller, test.q)
			got := string(muster.CodeOf(err))
			for _, u := range list {
				got = strings.TrimSpace(got + " " + u.Code)
			}
			if got != test.want {
				c.t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		}
	})
}

func TestRightsOverUnitsAndGroups(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.grow("n:a")
		reader, nobody, stranger := c.caller, c.caller, c.caller
		reader.Grants, nobody.Grants = muster.ReadScope.Grants(), nil
		other := muster.Tenant{Code: "other", Name: "Other"}
		if err := c.st.Update(c.t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			c.t.Fatal(err)
		}
		stranger.Tenant = other.Seq
		for name, test := range map[string]struct {
			run  func() error
			want muster.Code
		}{
			"reader reads":   {func() error { _, err := c.Unit(c.t.Context(), reader, roster.UnitRef{Code: "a"}); return err }, ""},
			"reader creates": {func() error { _, err := c.CreateUnits(c.t.Context(), reader, nil); return err }, muster.Forbidden},
			"reader joins":   {func() error { _, err := c.Join(c.t.Context(), reader, nil); return err }, muster.Forbidden},
			"reader groups":  {func() error { _, err := c.CreateGroups(c.t.Context(), reader, nil); return err }, muster.Forbidden},
			"nobody reads":   {func() error { _, err := c.Units(c.t.Context(), nobody, roster.UnitQuery{}); return err }, muster.Forbidden},
			"stranger reads": {func() error {
				_, err := c.Unit(c.t.Context(), stranger, roster.UnitRef{ID: made["n:a"].ID})
				return err
			}, muster.NotFound},
			"stranger's member": {func() error { _, err := c.Members(c.t.Context(), stranger, made["n:a"].ID, 0, 0); return err }, muster.NotFound},
		} {
			if err := test.run(); muster.CodeOf(err) != test.want {
				c.t.Errorf("%s: %v", name, err)
			}
		}
		out, err := c.ChangeUnits(c.t.Context(), stranger, []roster.UnitChange{{Unit: made["n:a"].ID, Name: ptr("x")}})
		if err != nil || fault(out[0].Faults) != "not_found id" {
			c.t.Errorf("a stranger changes: %v %v", out, err)
		}
	})
}
