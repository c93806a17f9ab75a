package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Membership is a person in a unit.
type Membership struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Version   int64     `json:"version"`
	Person    uuid.UUID `json:"person" format:"uuid"`
	Unit      uuid.UUID `json:"unit" format:"uuid"`
	Primary   bool      `json:"primary" doc:"The person's main unit of this kind."`
	Title     string    `json:"title,omitempty" doc:"A free text; it gives no rights."`
	Roles     []Role    `json:"roles" doc:"Catalogue roles held through the membership; these give rights."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Role is a catalogue role held through a membership.
type Role struct {
	ID        uuid.UUID `json:"id,omitempty" format:"uuid" readOnly:"true" required:"false"`
	Role      string    `json:"role" example:"member"`
	Secondary string    `json:"secondary,omitempty"`
	Cycles    []string  `json:"cycles,omitempty"`
	Subjects  []string  `json:"subjects,omitempty"`
}

func membershipView(m muster.Membership, held []muster.Assignment) Membership {
	v := Membership{
		ID: m.ID, Version: m.Version, Person: m.Person, Unit: m.Unit, Primary: m.Primary, Title: m.Title, Roles: make([]Role, len(held)),
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
	for i, a := range held {
		v.Roles[i] = Role{ID: a.ID, Role: a.Role, Secondary: a.Secondary, Cycles: a.Cycles, Subjects: a.Subjects}
	}
	return v
}

func (s *surface) memberships() {
	handle(s, op(http.MethodGet, "/v1/people/{person}/memberships", "person-memberships", "What somebody belongs to", "The units and groups that a person is in."), s.personMemberships)
	handle(s, op(http.MethodGet, "/v1/units/{unit}/members", "list-unit-members", "List a unit's members", "Who is in a unit itself, page by page. `GET /v1/people?unit_below=` lists those below it too."), s.listMembers)
	handle(s, op(http.MethodPut, "/v1/units/{unit}/members/{person}", "join-unit", "Put somebody into a unit",
		"Makes the membership, or changes it: what is absent stays. `roles` is the whole list when it is given."), s.joinUnit)
	handle(s, op(http.MethodDelete, "/v1/units/{unit}/members/{person}", "leave-unit", "Take somebody out of a unit", "With the roles held there. Not being in it is no fault."), s.leaveUnit)
}

// Belongings is what a person belongs to.
type Belongings struct {
	Units  []Membership `json:"units"`
	Groups []InGroup    `json:"groups"`
}

// InGroup is a group that somebody is in.
type InGroup struct {
	Group uuid.UUID `json:"group" format:"uuid"`
	Code  string    `json:"code"`
	Label string    `json:"label"`
	Title string    `json:"title,omitempty"`
}

func (s *surface) belongings(ctx context.Context, caller muster.Caller, person uuid.UUID) (roster.Belongings, error) {
	all, err := s.Roster.BelongingsOf(ctx, caller, []uuid.UUID{person})
	if err != nil {
		return roster.Belongings{}, err
	}
	return all[0], all[0].Faults.Or()
}

func (s *surface) personMemberships(ctx context.Context, caller muster.Caller, in *OnePerson) (*struct{ Body Belongings }, error) {
	id, err := idOf("person", in.Person)
	if err != nil {
		return nil, err
	}
	b, err := s.belongings(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body Belongings }{}
	out.Body.Units = make([]Membership, len(b.Memberships))
	for i, m := range b.Memberships {
		out.Body.Units[i] = membershipView(m.Membership, m.Assignments)
	}
	out.Body.Groups = make([]InGroup, len(b.Groups))
	for i, g := range b.Groups {
		out.Body.Groups[i] = InGroup{Group: g.Group.ID, Code: g.Group.Code, Label: g.Group.Label, Title: g.Title}
	}
	return out, nil
}

// MembersIn lists the members of a unit.
type MembersIn struct {
	OneUnit
	Paging
}

func (s *surface) listMembers(ctx context.Context, caller muster.Caller, in *MembersIn) (*struct{ Body Page[Membership] }, error) {
	id, err := idOf("unit", in.Unit)
	if err != nil {
		return nil, err
	}
	at, err := in.open("members", in.Unit)
	if err != nil {
		return nil, err
	}
	list, err := s.Roster.Members(ctx, caller, id, at.Seq, in.ask())
	if err != nil {
		return nil, err
	}
	view := func(m *roster.UnitMembership) Membership { return membershipView(m.Membership, m.Assignments) }
	end := func(m *roster.UnitMembership) (string, int64) { return "", muster.PersonSeq(m.Membership.Person) }
	return &struct{ Body Page[Membership] }{*paged(in.Paging, at, list, view, end)}, nil
}

// MemberIn puts a person into a unit.
type MemberIn struct {
	OneUnit
	OnePerson
	Body *struct {
		Primary Maybe[bool]   `json:"primary,omitempty" doc:"The first unit of a kind is primary anyway."`
		Title   Maybe[string] `json:"title,omitempty"`
		Roles   *[]Role       `json:"roles,omitempty" doc:"All roles that are to be held here."`
		ReadBack
		ReadEnds
	} `required:"false"`
}

// ReadEnds are the ends of a membership, which the path names. They may stand in the body, so that what was read can be written back.
type ReadEnds struct {
	ReadPerson string `json:"person,omitempty" doc:"May be sent back as it was read."`
	ReadUnit   string `json:"unit,omitempty" doc:"May be sent back as it was read."`
}

// readBack holds members that are sent back to what the membership has. One that has moved on since is left to its version.
func (s *surface) readBack(ctx context.Context, caller muster.Caller, want roster.JoinOp, in *MemberIn) error {
	b := in.Body
	if !b.any() && b.ReadEnds == (ReadEnds{}) {
		return nil
	}
	var faults muster.Errors
	for _, end := range []struct{ name, sent, is string }{{"person", b.ReadPerson, want.Person.String()}, {"unit", b.ReadUnit, want.Unit.String()}} {
		if end.sent != "" && end.sent != end.is {
			faults = append(faults, muster.Errorf(muster.ReadOnly, end.name, "This cannot be set. Leave it out, or send it as it was read."))
		}
	}
	all, err := s.belongings(ctx, caller, want.Person)
	if err != nil {
		return err
	}
	var there muster.Membership
	for _, m := range all.Memberships {
		if m.Unit.ID == want.Unit {
			there = m.Membership
		}
	}
	if b.Version == 0 || b.Version == there.Version {
		faults = append(faults, b.check(there.ID, 0, there.CreatedAt, there.UpdatedAt)...)
	}
	return faults.Or()
}

func (s *surface) joinUnit(ctx context.Context, caller muster.Caller, in *MemberIn) (*struct{ Body Membership }, error) {
	unit, person, err := ends("unit", in.Unit, in.Person)
	if err != nil {
		return nil, err
	}
	want := roster.JoinOp{Unit: unit, Person: person}
	if in.Body != nil {
		want.Primary, want.Title, want.Version = in.Body.Primary.pointer(), in.Body.Title.pointer(), in.Body.Version
		if err := s.readBack(ctx, caller, want, in); err != nil {
			return nil, err
		}
		if in.Body.Roles != nil {
			want.OnlyRoles = true
			for _, r := range *in.Body.Roles {
				want.Roles = append(want.Roles, roster.RoleGrant{Role: r.Role, Secondary: r.Secondary, Cycles: r.Cycles, Subjects: r.Subjects})
			}
		}
	}
	results, err := s.Roster.Join(ctx, caller, []roster.JoinOp{want})
	if err == nil {
		err = results[0].Faults.Or()
	}
	if err != nil {
		return nil, err
	}
	return &struct{ Body Membership }{membershipView(results[0].Membership, results[0].Assignments)}, nil
}

func (s *surface) leaveUnit(ctx context.Context, caller muster.Caller, in *struct {
	OneUnit
	OnePerson
},
) (*struct{}, error) {
	unit, person, err := ends("unit", in.Unit, in.Person)
	if err != nil {
		return nil, err
	}
	results, err := s.Roster.Leave(ctx, caller, []roster.LeaveOp{{Unit: unit, Person: person}})
	if err == nil {
		err = results[0].Faults.Or()
	}
	return &struct{}{}, err
}
