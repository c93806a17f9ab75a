package roster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func (c *campus) join(ops ...roster.JoinOp) []roster.MembershipResult {
	c.t.Helper()
	out, err := c.Join(c.t.Context(), c.caller, ops)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *campus) leave(person, unit uuid.UUID) roster.MembershipResult {
	c.t.Helper()
	out, err := c.Leave(c.t.Context(), c.caller, []roster.LeaveOp{{Person: person, Unit: unit}})
	if err != nil {
		c.t.Fatal(err)
	}
	return out[0]
}

func (c *campus) add(g muster.Group, people ...uuid.UUID) {
	c.t.Helper()
	ops := make([]roster.GroupOp, len(people))
	for i, p := range people {
		ops[i] = roster.GroupOp{Person: p, Group: g.ID}
	}
	out, err := c.AddToGroups(c.t.Context(), c.caller, ops)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range out {
		if len(r.Faults) > 0 {
			c.t.Fatal(r.Faults)
		}
	}
}

// woken lists the people that jobs named, in the order of the jobs.
func (c *campus) woken() []int64 {
	c.t.Helper()
	rows, err := c.st.Handle().QueryContext(c.t.Context(), "SELECT cast(args AS text) FROM river_job WHERE kind = 'accounts' ORDER BY id")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	var people []int64
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			c.t.Fatal(err)
		}
		var args roster.AccountsArgs
		if err := json.Unmarshal([]byte(text), &args); err != nil || args.Tenant != storetest.Tenant {
			c.t.Fatalf("job %s: %v", text, err)
		}
		people = append(people, args.People...)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return people
}

// shown writes down what somebody belongs to: "6A* 6B(Delegate) chess* +staff", the primary unit of each kind with a star.
func (c *campus) shown(person uuid.UUID) string {
	c.t.Helper()
	out, err := c.BelongingsOf(c.t.Context(), c.caller, []uuid.UUID{person})
	if err != nil {
		c.t.Fatal(err)
	}
	var words []string
	for _, m := range out[0].Memberships {
		word := m.Unit.Code
		if m.Membership.Primary {
			word += "*"
		}
		if m.Membership.Title != "" {
			word += "(" + m.Membership.Title + ")"
		}
		for _, a := range m.Assignments {
			word += fmt.Sprintf("[%s/%s %v %v]", a.Role, a.Secondary, a.Cycles, a.Subjects)
		}
		words = append(words, word)
	}
	for _, g := range out[0].Groups {
		word := "+" + g.Group.Code
		if g.Title != "" {
			word += "(" + g.Title + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestJoinAndLeave(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("class:6A", "class:6B", "class:6C", "club:chess")
		ana := c.people("ana")[0]
		unit := func(code string) uuid.UUID { return units[code].ID }
		before := len(c.woken())
		for _, step := range []struct {
			name string
			run  func() roster.MembershipResult
			want string // what she belongs to
			diff string // the fields that change
		}{
			{"first", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6A")})[0]
			}, "6A*", "units.class:6A.primary"},
			{"again", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6A")})[0]
			}, "6A*", ""},
			{"another, titled", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6B"), Title: ptr("Delegate")})[0]
			}, "6A* 6B(Delegate)", "units.class:6B.primary units.class:6B.title"},
			{"another kind", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("club:chess")})[0]
			}, "6A* 6B(Delegate) chess*", "units.club:chess.primary"},
			{"new primary", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6C"), Primary: ptr(true)})[0]
			}, "6A 6B(Delegate) chess* 6C*", "units.class:6A.primary units.class:6C.primary"},
			{"primary passes to the oldest", func() roster.MembershipResult { return c.leave(ana.ID, unit("class:6C")) }, "6A* 6B(Delegate) chess*", "units.class:6A.primary units.class:6C.primary"},
			{"not in it", func() roster.MembershipResult { return c.leave(ana.ID, unit("class:6C")) }, "6A* 6B(Delegate) chess*", ""},
			{"gives up being primary", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6A"), Primary: ptr(false)})[0]
			}, "6A 6B*(Delegate) chess*", "units.class:6A.primary units.class:6B.primary"},
			{"the only one stays primary", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("club:chess"), Primary: ptr(false)})[0]
			}, "6A 6B*(Delegate) chess*", ""},
			{"no title", func() roster.MembershipResult {
				return c.join(roster.JoinOp{Person: ana.ID, Unit: unit("class:6B"), Title: ptr("")})[0]
			}, "6A 6B* chess*", "units.class:6B.title"},
			{"last", func() roster.MembershipResult {
				c.leave(ana.ID, unit("class:6A"))
				return c.leave(ana.ID, unit("class:6B"))
			}, "chess*", "units.class:6B.primary"},
		} {
			got := step.run()
			if len(got.Faults) > 0 || strings.Join(got.Change.Names(), " ") != step.diff {
				c.t.Errorf("%s: changed %q %v, want %q", step.name, got.Change.Names(), got.Faults, step.diff)
			}
			if got := c.shown(ana.ID); got != step.want {
				c.t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
		changes := 9 // of the steps above and the first half of the last
		if got := c.woken()[before:]; len(got) != changes || got[0] != ana.Seq {
			c.t.Errorf("woken for %v", got)
		}
		if got := c.recorded("person " + ana.ID.String()); len(got) != 1+changes || got[1] != "person.join units.class:6A.primary" || !strings.HasPrefix(got[changes], "person.leave") {
			c.t.Errorf("recorded %q", got)
		}
	})
}

func TestJoinNamesWhatIsWrong(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("class:6A")
		people := c.people("ana", "gone")
		if _, err := c.Delete(c.t.Context(), c.caller, []roster.Wish{{Person: people[1].ID}}); err != nil {
			c.t.Fatal(err)
		}
		ok := roster.JoinOp{Person: people[0].ID, Unit: units["class:6A"].ID}
		with := func(f func(op *roster.JoinOp)) roster.JoinOp { op := ok; f(&op); return op }
		out := c.join(
			with(func(op *roster.JoinOp) { op.Person = uuid.New() }),
			with(func(op *roster.JoinOp) { op.Person = people[1].ID }),
			with(func(op *roster.JoinOp) { op.Unit = uuid.New() }),
			with(func(op *roster.JoinOp) { op.Title = ptr(strings.Repeat("é", 256)) }),
			with(func(op *roster.JoinOp) { op.Title = ptr("a\nb") }),
			with(func(op *roster.JoinOp) { op.Roles = []roster.RoleGrant{{Role: "ok"}, {}} }),
			ok,
		)
		for i, want := range []string{"not_found person", "not_found person", "not_found unit", "too_long title", "invalid title", "required roles[1].role", "ok"} {
			if got := fault(out[i].Faults); got != want {
				c.t.Errorf("join %d: %s, want %s", i, got, want)
			}
		}
		if out[6].Membership.Person != people[0].ID || out[6].Membership.Unit != units["class:6A"].ID || out[6].Membership.ID == uuid.Nil {
			c.t.Errorf("membership %+v", out[6].Membership)
		}
		members, err := c.Members(c.t.Context(), c.caller, units["class:6A"].ID, 0, 0)
		if err != nil || len(members) != 1 || members[0].Membership.Person != people[0].ID {
			c.t.Errorf("members %+v, %v", members, err)
		}
		of, err := c.BelongingsOf(c.t.Context(), c.caller, []uuid.UUID{people[1].ID, people[0].ID})
		if err != nil || fault(of[0].Faults) != "not_found person" || len(of[1].Memberships) != 1 {
			c.t.Errorf("belongings %+v, %v", of, err)
		}
	})
}

func TestRolesAreHeldInUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		unit, ana := c.grow("school:lycee")["school:lycee"].ID, c.people("ana")[0].ID
		teacher := roster.RoleGrant{Role: "teacher", Cycles: []string{"middle"}, Subjects: []string{"maths"}}
		head := roster.RoleGrant{Role: "teacher", Secondary: "head"}
		for _, step := range []struct {
			op         roster.JoinOp
			want, diff string
		}{
			{roster.JoinOp{Roles: []roster.RoleGrant{teacher, head}}, "lycee*[teacher/ [middle] [maths]][teacher/head [] []]", "primary roles.teacher roles.teacher+head roles.teacher.cycles roles.teacher.subjects"},
			{roster.JoinOp{Roles: []roster.RoleGrant{teacher}}, "lycee*[teacher/ [middle] [maths]][teacher/head [] []]", ""},
			{roster.JoinOp{Roles: []roster.RoleGrant{{Role: "teacher", Cycles: []string{}}}}, "lycee*[teacher/ [] [maths]][teacher/head [] []]", "roles.teacher.cycles"},
			{roster.JoinOp{Roles: []roster.RoleGrant{head, {Role: "admin"}}, OnlyRoles: true}, "lycee*[teacher/head [] []][admin/ [] []]", "roles.admin roles.teacher roles.teacher.subjects"},
			{roster.JoinOp{OnlyRoles: true}, "lycee*", "roles.admin roles.teacher+head"},
		} {
			step.op.Person, step.op.Unit = ana, unit
			got := c.join(step.op)[0]
			diff := strings.ReplaceAll(strings.Join(got.Change.Names(), " "), "units.school:lycee.", "")
			if len(got.Faults) > 0 || diff != step.diff {
				c.t.Errorf("%+v: changed %s %v, want %s", step.op.Roles, diff, got.Faults, step.diff)
			}
			if got := c.shown(ana); got != step.want {
				c.t.Errorf("%+v: %s, want %s", step.op.Roles, got, step.want)
			}
			for _, a := range got.Assignments {
				if a.ID == uuid.Nil || a.Membership != got.Membership.ID {
					c.t.Errorf("assignment %+v of membership %s", a, got.Membership.ID)
				}
			}
		}
	})
}

func TestGroupsAreJoinedAndLeft(t *testing.T) {
	eachCampus(t, func(c *campus) {
		made, people := c.groups("staff", "elu"), c.people("ana", "bob")
		out, err := c.AddToGroups(c.t.Context(), c.caller, []roster.GroupOp{
			{Person: people[0].ID, Group: made[0].ID},
			{Person: people[0].ID, Group: made[0].ID},
			{Person: people[0].ID, Group: made[0].ID, Title: ptr("Mayor")},
			{Person: people[1].ID, Group: made[0].ID},
			{Person: people[1].ID, Group: uuid.New()},
			{Person: uuid.New(), Group: made[0].ID},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for i, want := range []string{"[groups.staff] ok", "[] ok", "[groups.staff.title] ok", "[groups.staff] ok", "[] not_found group", "[] not_found person"} {
			if got := fmt.Sprint(out[i].Change.Names(), " ", fault(out[i].Faults)); got != want {
				c.t.Errorf("op %d: %s, want %s", i, got, want)
			}
		}
		if got := c.shown(people[0].ID); got != "+staff(Mayor)" {
			c.t.Errorf("ana: %s", got)
		}
		page, err := c.GroupMembers(c.t.Context(), c.caller, made[0].ID, people[0].Seq, 1)
		if err != nil || len(page) != 1 || page[0].Person != people[1].ID {
			c.t.Errorf("second page %+v, %v", page, err)
		}
		out, err = c.RemoveFromGroups(c.t.Context(), c.caller, []roster.GroupOp{{Person: people[0].ID, Group: made[0].ID}, {Person: people[0].ID, Group: made[1].ID}})
		if err != nil || out[0].Change.Empty() || !out[1].Change.Empty() || len(out[1].Faults) > 0 || c.shown(people[0].ID) != "" {
			c.t.Errorf("removed %+v, %v", out, err)
		}
	})
}

func TestJoinAll(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.grow("class:6A", "class:chess", "club:chess")
		c.groups("staff")
		names := make([]string, 20)
		for i := range names {
			names[i] = fmt.Sprintf("p%02d", i)
		}
		people := c.people(names...)
		var joins []roster.Join
		for _, p := range people {
			joins = append(joins, roster.Join{Person: p.Seq, Unit: roster.ParseUnitRef("6A"), Title: ptr("Pupil")}, roster.Join{Person: p.Seq, Group: "staff"})
		}
		joins = append(joins,
			roster.Join{Person: people[0].Seq, Unit: roster.ParseUnitRef("nowhere")},
			roster.Join{Person: people[0].Seq, Unit: roster.ParseUnitRef("club: nowhere")},
			roster.Join{Person: people[0].Seq, Unit: roster.ParseUnitRef("chess")},
			roster.Join{Person: people[0].Seq, Group: "Staff"},
			roster.Join{Person: people[0].Seq},
			roster.Join{Person: people[0].Seq, Unit: roster.ParseUnitRef("club:chess"), Roles: []roster.RoleGrant{{Role: "player"}}},
		)
		before := len(c.woken())
		run := func(dry bool) (changed int, faults []string) {
			if err := c.st.Bulk(c.t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				out, err := roster.JoinAll(tx, joins, dry)
				changed, faults = 0, nil
				for _, j := range out {
					if !j.Change.Empty() {
						changed++
					}
					if len(j.Faults) > 0 {
						faults = append(faults, fault(j.Faults)+": "+j.Faults[0].Message)
					}
				}
				return err
			}); err != nil {
				c.t.Fatal(err)
			}
			return changed, faults
		}
		for _, step := range []struct {
			name string
			dry  bool
			want int
		}{{"planned", true, 41}, {"done", false, 41}, {"again", false, 0}, {"planned again", true, 0}} {
			changed, faults := run(step.dry)
			if changed != step.want || len(faults) != 5 {
				c.t.Errorf("%s: %d changed, want %d; %q", step.name, changed, step.want, faults)
			}
			for i, want := range []string{
				`not_found unit: There is no unit "nowhere"`, `not_found unit: There is no unit "club:nowhere"`, "conflict unit: There are units chess of several kinds: class, club",
				`not_found groups: There is no group "Staff"`, "not_found unit",
			} {
				if !strings.HasPrefix(faults[i], want) {
					c.t.Errorf("%s: %s, want %s", step.name, faults[i], want)
				}
			}
		}
		if got := c.shown(people[0].ID); got != "6A*(Pupil) chess*[player/ [] []] +staff" {
			c.t.Errorf("first: %s", got)
		}
		if got := c.shown(people[19].ID); got != "6A*(Pupil) +staff" {
			c.t.Errorf("last: %s", got)
		}
		if got := len(c.woken()); got != before {
			c.t.Errorf("%d people named in jobs, though the batch does that", got-before)
		}
	})
}

func TestJoinAllOfPeopleNotWrittenYet(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.grow("class:6A", "class:6B")
		joins := []roster.Join{{Person: -1, Unit: roster.UnitRef{Code: "6A"}}, {Person: -1, Unit: roster.UnitRef{Code: "6B"}}, {Person: -2, Unit: roster.UnitRef{Code: "6B"}}}
		err := c.st.View(c.t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			out, err := roster.JoinAll(tx, joins, true)
			var primaries []any
			for _, j := range out {
				primaries = append(primaries, j.Change.Fields[0].After)
			}
			if !slices.Equal(primaries, []any{true, false, true}) {
				c.t.Errorf("primaries %v", primaries)
			}
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
		err = c.st.Bulk(c.t.Context(), storetest.Tenant, func(tx *store.Tx) error { _, err := roster.JoinAll(tx, joins, false); return err })
		if err == nil {
			c.t.Error("somebody who is not written was put into a unit")
		}
	})
}

// Whatever happens in whatever portions, everybody in units has one primary unit of each kind, and what is stored is what a simple model says.
func TestOnePrimaryForEachKind(t *testing.T) {
	eachCampus(t, func(c *campus) {
		codes := []string{"class:1", "class:2", "class:3", "club:4", "club:5"}
		units := c.grow(codes...)
		n := 0
		rapid.Check(c.t, func(rt *rapid.T) {
			n++
			person := c.people(fmt.Sprintf("p%d", n))[0].ID
			var in []string // oldest first
			primary := map[string]string{}
			settle := func(kind, unwanted string) {
				if p := primary[kind]; p != "" && p != unwanted && slices.Contains(in, p) {
					return
				}
				delete(primary, kind)
				for _, code := range in {
					if strings.HasPrefix(code, kind) && (primary[kind] == "" || primary[kind] == unwanted) {
						primary[kind] = code
					}
				}
			}
			for range rapid.IntRange(1, 5).Draw(rt, "requests") {
				var ops []roster.JoinOp
				for range rapid.IntRange(1, 4).Draw(rt, "joins") {
					code := rapid.SampledFrom(codes).Draw(rt, "join")
					kind, _, _ := strings.Cut(code, ":")
					op := roster.JoinOp{Person: person, Unit: units[code].ID}
					if !slices.Contains(in, code) {
						in = append(in, code)
					}
					switch rapid.IntRange(0, 2).Draw(rt, "primary") {
					case 1:
						op.Primary = ptr(true)
						primary[kind] = code
					case 2:
						op.Primary = ptr(false)
						settle(kind, code)
					}
					settle(kind, "")
					ops = append(ops, op)
				}
				c.join(ops...)
				code := rapid.SampledFrom(codes).Draw(rt, "leave")
				kind, _, _ := strings.Cut(code, ":")
				in = slices.DeleteFunc(in, func(s string) bool { return s == code })
				settle(kind, "")
				c.leave(person, units[code].ID)
				var want []string
				for _, code := range in {
					kind, name, _ := strings.Cut(code, ":")
					if primary[kind] == code {
						name += "*"
					}
					want = append(want, name)
				}
				if got := c.shown(person); got != strings.Join(want, " ") {
					rt.Fatalf("%s, want %v", got, want)
				}
			}
		})
	})
}

// Many who change one person's memberships at once leave one primary, and a unit that is removed meanwhile leaves nobody in it.
func TestJoinsAtTheSameTime(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("class:1", "class:2", "class:3", "class:4")
		person := c.people("ana")[0].ID
		var wg sync.WaitGroup
		failed := make(chan error, 100)
		for i := range 4 {
			wg.Go(func() {
				own, next := units[fmt.Sprintf("class:%d", i+1)].ID, units[fmt.Sprintf("class:%d", (i+1)%4+1)].ID
				for range 5 {
					_, err1 := c.Join(c.t.Context(), c.caller, []roster.JoinOp{{Person: person, Unit: own}, {Person: person, Unit: next, Primary: ptr(true)}})
					_, err2 := c.Leave(c.t.Context(), c.caller, []roster.LeaveOp{{Person: person, Unit: own}})
					_, err3 := c.DeleteUnits(c.t.Context(), c.caller, []roster.UnitDelete{{Unit: units["class:4"].ID}})
					if err := errors.Join(err1, err2, err3); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		wg.Wait()
		close(failed)
		for err := range failed {
			c.t.Error(err)
		}
		if got := c.shown(person); got != "" && strings.Count(got, "*") != 1 {
			c.t.Errorf("ana: %s", got)
		}
	})
}
