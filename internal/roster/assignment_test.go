package roster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// held writes down roles as "lycee teacher/enseignant [middle] [latin] (Prof)".
func held(units map[string]muster.Unit, list ...roster.AssignmentView) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprintf("%s/%s %v %v (%s)", v.Role, v.Secondary, v.Cycles, v.Subjects, v.Title)
		for _, u := range units {
			if u.ID == v.Unit && u.Kind == v.Kind {
				words[i] = u.Code + " " + words[i]
			}
		}
	}
	return strings.Join(words, "; ")
}

func TestSingleRoles(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("establishment:lycee", "establishment:college", "club:chess")
		lycee, chess := units["establishment:lycee"].ID, units["club:chess"].ID
		people := c.people("ana", "bob")
		ana, bob := people[0].ID, people[1].ID
		ctx := c.t.Context()
		given := func(unit uuid.UUID, title *string, g roster.RoleGrant, want string) roster.AssignmentView {
			c.t.Helper()
			v, err := c.Assign(ctx, c.caller, ana, unit, g, title)
			if got := held(units, v); err != nil || got != want {
				c.t.Fatalf("%+v: %s, %v, want %s", g, got, err, want)
			}
			return v
		}
		head := given(lycee, ptr("Prof"), roster.RoleGrant{Role: "teacher", Secondary: "prof_principal", Cycles: []string{"lycée", "high"}}, "lycee teacher/prof_principal [high] [] (Prof)")
		given(lycee, nil, roster.RoleGrant{Role: "teacher", Secondary: "enseignant"}, "lycee teacher/enseignant [] [] (Prof)")
		again := given(lycee, nil, roster.RoleGrant{Role: "teacher", Secondary: "prof_principal", Subjects: []string{"latin"}}, "lycee teacher/prof_principal [high] [latin] (Prof)")
		if again.ID != head.ID || head.ID == uuid.Nil || again.CreatedAt != head.CreatedAt || head.CreatedAt.IsZero() || !again.UpdatedAt.After(head.UpdatedAt) {
			c.t.Errorf("%+v became %+v", head.Assignment, again.Assignment)
		}
		given(chess, nil, roster.RoleGrant{Role: "anything", Cycles: []string{"any"}}, "chess anything/ [any] [] ()")

		for name, f := range map[string]struct {
			person, unit uuid.UUID
			g            roster.RoleGrant
			want         string
		}{
			"role":        {ana, lycee, roster.RoleGrant{Role: "pilot"}, "invalid role"},
			"no role":     {ana, lycee, roster.RoleGrant{}, "required role"},
			"pair":        {ana, lycee, roster.RoleGrant{Role: "parent", Secondary: "enseignant"}, "invalid secondary"},
			"cycle":       {ana, lycee, roster.RoleGrant{Role: "parent", Cycles: []string{"moon"}}, "invalid cycles"},
			"nobody":      {uuid.New(), lycee, roster.RoleGrant{Role: "parent"}, "not_found person"},
			"no unit":     {ana, uuid.New(), roster.RoleGrant{Role: "parent"}, "not_found unit"},
			"long":        {ana, chess, roster.RoleGrant{Role: strings.Repeat("x", 65)}, "too_long role"},
			"line breaks": {ana, lycee, roster.RoleGrant{Role: "parent", Subjects: []string{"a\nb"}}, "invalid subjects"},
		} {
			if _, err := c.Assign(ctx, c.caller, f.person, f.unit, f.g, nil); fault(muster.Faults(err)) != f.want {
				c.t.Errorf("%s: %v, want %s", name, err, f.want)
			}
		}

		for _, step := range []struct {
			name string
			id   uuid.UUID
			of   uuid.UUID
			c    roster.AssignmentChange
			want string
		}{
			{"Cycles", head.ID, ana, roster.AssignmentChange{Cycles: &[]string{"primaire"}}, "lycee teacher/prof_principal [primary] [latin] (Prof)"},
			{"Nothing", head.ID, ana, roster.AssignmentChange{}, "lycee teacher/prof_principal [primary] [latin] (Prof)"},
			{"Empty", head.ID, ana, roster.AssignmentChange{Subjects: &[]string{}}, "lycee teacher/prof_principal [primary] [] (Prof)"},
			{"AnotherRole", head.ID, ana, roster.AssignmentChange{Role: ptr("admin_staff"), Secondary: ptr("secretaire"), Title: ptr("")}, "lycee admin_staff/secretaire [primary] [] ()"},
			{"PairLeftBehind", head.ID, ana, roster.AssignmentChange{Role: ptr("teacher")}, "invalid secondary"},
			{"NoSuchRole", head.ID, ana, roster.AssignmentChange{Role: ptr("pilot")}, "invalid role"},
			{"NoRole", head.ID, ana, roster.AssignmentChange{Role: ptr("")}, "required role"},
			{"NoSuchCycle", head.ID, ana, roster.AssignmentChange{Cycles: &[]string{"moon"}}, "invalid cycles"},
			{"HeldAlready", head.ID, ana, roster.AssignmentChange{Role: ptr("teacher"), Secondary: ptr("enseignant")}, "conflict role"},
			{"OfAnother", head.ID, bob, roster.AssignmentChange{Role: ptr("teacher")}, "not_found id"},
			{"OfNobody", head.ID, uuid.New(), roster.AssignmentChange{Role: ptr("teacher")}, "not_found person"},
			{"NoSuchAssignment", uuid.New(), ana, roster.AssignmentChange{Role: ptr("teacher")}, "not_found id"},
			{"LongTitle", head.ID, ana, roster.AssignmentChange{Title: ptr(strings.Repeat("é", 256))}, "too_long title"},
			{"BackToARoleAlone", head.ID, ana, roster.AssignmentChange{Role: ptr("teacher"), Secondary: ptr("")}, "lycee teacher/ [primary] [] ()"},
		} {
			v, err := c.ChangeAssignment(ctx, c.caller, step.of, step.id, step.c)
			got := held(units, v)
			if err != nil {
				got = fault(muster.Faults(err))
			} else if v.ID != head.ID {
				c.t.Errorf("%s: the id became %s", step.name, v.ID)
			}
			if got != step.want {
				c.t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}

		list := func(person, unit uuid.UUID) string {
			found, err := c.Assignments(ctx, c.caller, person, unit)
			if err != nil {
				return fault(muster.Faults(err))
			}
			return held(units, found...)
		}
		one, err := c.Assignment(ctx, c.caller, ana, head.ID)
		if err != nil || held(units, one) != "lycee teacher/ [primary] [] ()" {
			c.t.Errorf("one: %s, %v", held(units, one), err)
		}
		if _, err := c.Assignment(ctx, c.caller, bob, head.ID); muster.CodeOf(err) != muster.NotFound {
			c.t.Errorf("one of another: %v", err)
		}
		if err := c.RemoveAssignment(ctx, c.caller, bob, head.ID); muster.CodeOf(err) != muster.NotFound {
			c.t.Errorf("taken from another: %v", err)
		}
		if err := c.RemoveAssignment(ctx, c.caller, ana, head.ID); err != nil {
			c.t.Error(err)
		}
		if err := c.RemoveAssignment(ctx, c.caller, ana, head.ID); muster.CodeOf(err) != muster.NotFound {
			c.t.Errorf("taken twice: %v", err)
		}
		for _, look := range []struct {
			person, unit uuid.UUID
			want         string
		}{
			{ana, uuid.Nil, "lycee teacher/enseignant [] [] (); chess anything/ [any] [] ()"},
			{ana, lycee, "lycee teacher/enseignant [] [] ()"},
			{ana, units["establishment:college"].ID, ""},
			{bob, uuid.Nil, ""},
			{uuid.New(), uuid.Nil, "not_found person"},
		} {
			if got := list(look.person, look.unit); got != look.want {
				c.t.Errorf("of %s in %s: %s, want %s", look.person, look.unit, got, look.want)
			}
		}
		if got := c.shown(ana); got != "lycee*[teacher/enseignant [] []] chess*[anything/ [any] []]" {
			c.t.Errorf("in the end %s", got)
		}
		var actions []string
		for _, e := range c.recorded("person " + ana.String()) {
			action, _, _ := strings.Cut(e, " ")
			actions = append(actions, action)
		}
		want := "person.create person.join person.join person.join person.join person.role person.role person.role person.role person.role"
		if got := strings.Join(actions, " "); got != want {
			c.t.Errorf("recorded: %s\nwant      %s", got, want)
		}
	})
}

// What a tenant's settings say of a kind stands in place of the built-in catalogue. Who has a role that is no more keeps it, and writing it back
// changes nothing.
func TestCatalogueOfATenant(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.grow("establishment:lycee", "cloud:sky")
		ana := c.people("ana")[0].ID
		old := roster.RoleGrant{Role: "teacher", Secondary: "enseignant", Cycles: []string{"high"}}
		in := func(unit string, g roster.RoleGrant) string {
			c.t.Helper()
			u, err := c.Unit(c.t.Context(), c.caller, roster.ParseUnitRef(unit))
			if err != nil {
				c.t.Fatal(err)
			}
			out := c.join(roster.JoinOp{Person: ana, Unit: u.ID, Roles: []roster.RoleGrant{g}})
			return fault(out[0].Faults)
		}
		if got := in("lycee", old) + " " + in("sky", roster.RoleGrant{Role: "pilot"}); got != "ok ok" {
			c.t.Fatal(got)
		}
		err := c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
			own, err := tx.Own()
			if err != nil {
				return err
			}
			own.Settings.Catalogues = map[string]muster.UnitCatalogue{
				"establishment": {Roles: []muster.CatalogueEntry{{Code: "nurse", Sort: 2}, {Code: "cook", Sort: 1}, {Code: "guard", Inactive: true}}, Cycles: []muster.CatalogueEntry{{Code: "day"}}},
				"cloud":         {Roles: []muster.CatalogueEntry{{Code: "admin"}}},
			}
			return tx.SaveTenant(own)
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, step := range []struct {
			unit string
			g    roster.RoleGrant
			want string
		}{
			{"lycee", roster.RoleGrant{Role: "nurse", Cycles: []string{"Day"}}, "ok"},
			{"lycee", roster.RoleGrant{Role: "guard"}, "invalid roles[0].role"},
			{"lycee", roster.RoleGrant{Role: "teacher"}, "invalid roles[0].role"},
			{"lycee", roster.RoleGrant{Role: "nurse", Secondary: "enseignant"}, "invalid roles[0].secondary"},
			{"lycee", old, "ok"},
			{"lycee", roster.RoleGrant{Role: "teacher", Secondary: "enseignant", Cycles: []string{"high", "middle"}}, "invalid roles[0].cycles"},
			{"sky", roster.RoleGrant{Role: "pilot"}, "ok"},
			{"sky", roster.RoleGrant{Role: "member"}, "invalid roles[0].role"},
		} {
			if got := in(step.unit, step.g); got != step.want {
				c.t.Errorf("%+v in %s: %s, want %s", step.g, step.unit, got, step.want)
			}
		}
		catalogue, err := c.Catalogue(c.t.Context(), c.caller)
		if err != nil {
			c.t.Fatal(err)
		}
		var codes []string
		for _, e := range catalogue.Roles("establishment") {
			codes = append(codes, e.Code)
		}
		if !slices.Equal(codes, []string{"guard", "cook", "nurse"}) || catalogue.Has("club") {
			c.t.Errorf("catalogue of %v", codes)
		}
	})
}
