package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Group is a flat set of people.
type Group struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Seq       int64     `json:"seq"`
	Version   int64     `json:"version"`
	Code      string    `json:"code" example:"staff" doc:"Unique in the tenant. Case makes a difference."`
	Label     string    `json:"label" example:"Staff"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func groupView(g *muster.Group) Group {
	return Group{ID: g.ID, Seq: g.Seq, Version: g.Version, Code: g.Code, Label: g.Label, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt}
}

// OneGroup names a group in the path.
type OneGroup struct {
	Group string `path:"group" doc:"The group's id."`
}

// GroupOut answers with one group.
type GroupOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Group
}

func (s *surface) groups() {
	handle(s, op(http.MethodGet, "/v1/groups", "list-groups", "List groups", "Groups of the tenant, page by page, in the order in which they came."), s.listGroups)
	handle(s, op(http.MethodPost, "/v1/groups", "create-group", "Make a group", "Makes a group.", creates), s.createGroup)
	handle(s, op(http.MethodGet, "/v1/groups/{group}", "get-group", "Get a group", "One group."), s.getGroup)
	handle(s, op(http.MethodPatch, "/v1/groups/{group}", "change-group", "Change a group", "A JSON merge patch."), s.changeGroup)
	handle(s, op(http.MethodDelete, "/v1/groups/{group}", "delete-group", "Remove a group", "Removes a group for good. One that has members is a conflict, unless `force=true` takes them out first."), s.deleteGroup)
	handle(s, op(http.MethodGet, "/v1/groups/{group}/members", "list-group-members", "List a group's members", "Who is in a group, page by page."), s.listGroupMembers)
	handle(s, op(http.MethodPut, "/v1/groups/{group}/members/{person}", "join-group", "Put somebody into a group", "Being in it already changes nothing."), s.joinGroup)
	handle(s, op(http.MethodDelete, "/v1/groups/{group}/members/{person}", "leave-group", "Take somebody out of a group", "Not being in it is no fault."), s.leaveGroup)
}

// GroupFilter is which groups to list.
type GroupFilter struct {
	Paging
	Label string `query:"label" doc:"The beginning, ignoring case and accents."`
}

func (s *surface) listGroups(ctx context.Context, caller muster.Caller, in *GroupFilter) (*struct{ Body Page[Group] }, error) {
	at, err := in.open("groups", in.Label)
	if err != nil {
		return nil, err
	}
	list, err := s.Roster.Groups(ctx, caller, roster.GroupQuery{Label: in.Label, After: at.Seq, Limit: in.ask()})
	if err != nil {
		return nil, err
	}
	return &struct{ Body Page[Group] }{*paged(in.Paging, at, list, groupView, func(g *muster.Group) (string, int64) { return "", g.Seq })}, nil
}

// GroupIn is a group to be made.
type GroupIn struct {
	Body struct {
		Code  string `json:"code" required:"true" example:"staff"`
		Label string `json:"label" required:"true" example:"Staff"`
	}
}

func oneGroup(results []roster.GroupResult, err error) (*GroupOut, error) {
	if err == nil {
		err = results[0].Faults.Or()
	}
	if err != nil {
		return nil, err
	}
	g := results[0].Group
	return &GroupOut{ETag: etag(g.Version), Location: "/v1/groups/" + g.ID.String(), Body: groupView(&g)}, nil
}

func (s *surface) createGroup(ctx context.Context, caller muster.Caller, in *GroupIn) (*GroupOut, error) {
	return oneGroup(s.Roster.CreateGroups(ctx, caller, []roster.NewGroup{{Code: in.Body.Code, Label: in.Body.Label}}))
}

func (s *surface) getGroup(ctx context.Context, caller muster.Caller, in *OneGroup) (*GroupOut, error) {
	id, err := idOf("group", in.Group)
	if err != nil {
		return nil, err
	}
	return oneGroup(s.Roster.FindGroups(ctx, caller, []roster.GroupRef{{ID: id}}))
}

// GroupPatch changes a group.
type GroupPatch struct {
	OneGroup
	IfMatch
	Body struct {
		Code  Maybe[string] `json:"code,omitempty"`
		Label Maybe[string] `json:"label,omitempty"`
		ReadBack
	}
}

func (s *surface) changeGroup(ctx context.Context, caller muster.Caller, in *GroupPatch) (*GroupOut, error) {
	id, version, err := in.about("group", in.Group)
	if err != nil {
		return nil, err
	}
	b := in.Body
	version = b.guard(version)
	if b.any() {
		g, err := s.Roster.Group(ctx, caller, roster.GroupRef{ID: id})
		if err != nil {
			return nil, err
		}
		if faults := b.check(g.ID, g.Seq, g.CreatedAt, g.UpdatedAt); len(faults) > 0 && (version == 0 || version == g.Version) {
			return nil, faults
		}
	}
	return oneGroup(s.Roster.ChangeGroups(ctx, caller, []roster.GroupChange{{Group: id, Version: version, Code: b.Code.pointer(), Label: b.Label.pointer()}}))
}

// GroupGuarded names a group and guards its removal.
type GroupGuarded struct {
	OneGroup
	IfMatch
	Force bool `query:"force" doc:"Take its members out first."`
}

func (s *surface) deleteGroup(ctx context.Context, caller muster.Caller, in *GroupGuarded) (*struct{}, error) {
	id, version, err := in.about("group", in.Group)
	if err != nil {
		return nil, err
	}
	_, err = oneGroup(s.Roster.DeleteGroups(ctx, caller, []roster.GroupDelete{{Group: id, Version: version, Force: in.Force}}))
	return &struct{}{}, err
}

// GroupMember is a person in a group.
type GroupMember struct {
	Person uuid.UUID `json:"person" format:"uuid"`
	Title  string    `json:"title,omitempty"`
}

// GroupMembersIn lists the members of a group.
type GroupMembersIn struct {
	OneGroup
	Paging
}

func (s *surface) listGroupMembers(ctx context.Context, caller muster.Caller, in *GroupMembersIn) (*struct{ Body Page[GroupMember] }, error) {
	id, err := idOf("group", in.Group)
	if err != nil {
		return nil, err
	}
	at, err := in.open("group members", in.Group)
	if err != nil {
		return nil, err
	}
	list, err := s.Roster.GroupMembers(ctx, caller, id, at.Seq, in.ask())
	if err != nil {
		return nil, err
	}
	view := func(m *roster.GroupMember) GroupMember { return GroupMember{Person: m.Person, Title: m.Title} }
	end := func(m *roster.GroupMember) (string, int64) { return "", muster.PersonSeq(m.Person) }
	return &struct{ Body Page[GroupMember] }{*paged(in.Paging, at, list, view, end)}, nil
}

// GroupMemberIn puts a person into a group.
type GroupMemberIn struct {
	OneGroup
	OnePerson
	Body *struct {
		Title Maybe[string] `json:"title,omitempty" doc:"A free text; absent keeps the one there is."`
	} `required:"false"`
}

// ends reads the two ids of a membership.
func ends(noun, other, person string) (a, b uuid.UUID, err error) {
	if a, err = idOf(noun, other); err == nil {
		b, err = idOf("person", person)
	}
	return a, b, err
}

func (s *surface) joinGroup(ctx context.Context, caller muster.Caller, in *GroupMemberIn) (*struct{ Body GroupMember }, error) {
	group, person, err := ends("group", in.Group, in.Person)
	if err != nil {
		return nil, err
	}
	want := roster.GroupOp{Group: group, Person: person}
	if in.Body != nil {
		want.Title = in.Body.Title.pointer()
	}
	results, err := s.Roster.AddToGroups(ctx, caller, []roster.GroupOp{want})
	if err == nil {
		err = results[0].Faults.Or()
	}
	if err != nil {
		return nil, err
	}
	belongs, err := s.belongings(ctx, caller, person)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body GroupMember }{GroupMember{Person: person}}
	for _, g := range belongs.Groups {
		if g.Group.ID == group {
			out.Body.Title = g.Title
		}
	}
	return out, nil
}

func (s *surface) leaveGroup(ctx context.Context, caller muster.Caller, in *struct {
	OneGroup
	OnePerson
},
) (*struct{}, error) {
	group, person, err := ends("group", in.Group, in.Person)
	if err != nil {
		return nil, err
	}
	results, err := s.Roster.RemoveFromGroups(ctx, caller, []roster.GroupOp{{Group: group, Person: person}})
	if err == nil {
		err = results[0].Faults.Or()
	}
	return &struct{}{}, err
}
