package roster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// groups makes groups of these codes.
func (c *campus) groups(codes ...string) []muster.Group {
	c.t.Helper()
	list := make([]roster.NewGroup, len(codes))
	for i, code := range codes {
		list[i] = roster.NewGroup{Code: code, Label: "Group " + code}
	}
	out, err := c.CreateGroups(c.t.Context(), c.caller, list)
	if err != nil {
		c.t.Fatal(err)
	}
	groups := make([]muster.Group, len(out))
	for i, r := range out {
		if len(r.Faults) > 0 {
			c.t.Fatal(r.Faults)
		}
		groups[i] = r.Group
	}
	return groups
}

func TestGroupsLive(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made := c.groups("ELU", "elu")
		out, err := c.CreateGroups(c.t.Context(), c.caller, []roster.NewGroup{{"ELU", "Again"}, {"new", "New"}, {"new", "Twice"}, {"bad", ""}})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"conflict code", "ok", "conflict code", "required label"} {
			if got := fault(out[i].Faults); got != want {
				c.t.Errorf("group %d: %s, want %s", i, got, want)
			}
		}
		if !strings.Contains(out[0].Faults.Error(), made[0].ID.String()) {
			c.t.Errorf("the conflict does not name the holder: %v", out[0].Faults)
		}
		changed, err := c.ChangeGroups(c.t.Context(), c.caller, []roster.GroupChange{
			{Group: made[0].ID, Label: ptr("Group ELU")},
			{Group: made[0].ID, Code: ptr("elu")},
			{Group: made[1].ID, Code: ptr("moved"), Version: 1},
			{Group: made[0].ID, Code: ptr("elu"), Label: ptr("Élus")},
			{Group: made[1].ID, Label: ptr("x"), Version: 1},
			{Group: uuid.New(), Label: ptr("x")},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"ok", "conflict code", "ok", "ok", "stale", "not_found id"} {
			if got := fault(changed[i].Faults); got != want {
				c.t.Errorf("change %d: %s, want %s", i, got, want)
			}
		}
		if !changed[0].Change.Empty() {
			c.t.Errorf("writing back what was there changed %v", changed[0].Change)
		}
		got, err := c.Group(c.t.Context(), c.caller, roster.GroupRef{Code: "elu"})
		if err != nil || got.ID != made[0].ID || got.Version != 2 {
			c.t.Errorf("read %+v, %v", got, err)
		}
		if _, err := c.Group(c.t.Context(), c.caller, roster.GroupRef{Code: "ELU"}); muster.CodeOf(err) != muster.NotFound {
			c.t.Errorf("the old code: %v", err)
		}
		list, err := c.Groups(c.t.Context(), c.caller, roster.GroupQuery{Label: "elus"})
		if err != nil || len(list) != 1 || list[0].Label != "Élus" {
			c.t.Errorf("listed %+v, %v", list, err)
		}
		want := []string{"group.create code label", "group.create code label", "group.create code label", "group.update code", "group.update code label"}
		if got := c.recorded("group "); !slices.Equal(got, want) {
			c.t.Errorf("recorded %q", got)
		}
	})
}

func TestDeleteGroups(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made, people := c.groups("full", "empty"), c.people("ana", "bob")
		c.add(made[0], people[0].ID, people[1].ID)
		before := len(c.woken())
		out, err := c.DeleteGroups(c.t.Context(), c.caller, []roster.GroupDelete{
			{Group: made[0].ID}, {Group: made[1].ID, Version: 9}, {Group: made[1].ID}, {Group: made[0].ID, Force: true}, {Group: made[0].ID},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"conflict", "stale", "ok", "ok", "not_found id"} {
			if got := fault(out[i].Faults); got != want {
				c.t.Errorf("group %d: %s, want %s", i, got, want)
			}
		}
		if got := c.woken()[before:]; !slices.Equal(got, []int64{people[0].Seq, people[1].Seq}) {
			c.t.Errorf("woken for %v", got)
		}
		if got := c.recorded("person " + people[0].ID.String()); !slices.Equal(got[1:], []string{"person.join groups.full", "person.leave groups.full"}) {
			c.t.Errorf("recorded %q", got)
		}
		if left, err := c.Groups(c.t.Context(), c.caller, roster.GroupQuery{}); err != nil || len(left) > 0 {
			c.t.Errorf("left %+v, %v", left, err)
		}
	})
}
