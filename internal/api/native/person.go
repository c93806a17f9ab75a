package native

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// OnePerson names a person in the path.
type OnePerson struct {
	Person string `path:"person" doc:"The person's id." example:"0199f3c2-7c1e-7c8a-8000-000000000001"`
}

// PersonOut answers with one person.
type PersonOut struct {
	ETag     string `header:"ETag" doc:"The version, for If-Match."`
	Location string `header:"Location" doc:"Where the person is."`
	Body     Person
}

func personOut(p *roster.Person) *PersonOut {
	return &PersonOut{ETag: etag(p.Version), Location: "/v1/people/" + p.ID.String(), Body: personView(p)}
}

func (s *surface) people() {
	handle(s, op(http.MethodGet, "/v1/people", "list-people", "List people",
		"People of the tenant, page by page. Deleted people are listed only when `state=deleted` asks for them. Filters add up."), s.listPeople)
	handle(s, op(http.MethodPost, "/v1/people", "create-person", "Enrol somebody",
		"Makes one person. Without a username one is made by the tenant's policy, and it never goes to anybody else. Many people at once go to `POST /v1/batches`.",
		creates, free), s.createPerson)
	handle(s, op(http.MethodGet, "/v1/people/{person}", "get-person", "Get somebody", "One person; also somebody who was deleted, until they are erased."), s.getPerson)
	handle(s, op(http.MethodPatch, "/v1/people/{person}", "change-person", "Change somebody",
		"A JSON merge patch: fields that are absent stay, null clears. Members of `attributes` and `flags` are merged one by one; lists are replaced.", free), s.changePerson)
	handle(s, op(http.MethodDelete, "/v1/people/{person}", "delete-person", "Delete somebody",
		"Their accounts stop working, their address and other identifiers are free at once, and they can be restored for a while."), s.deletePerson)
}

// PeopleFilter is which people to list.
type PeopleFilter struct {
	Paging
	State        string    `query:"state" enum:"staged,active,suspended,archived,deleted"`
	Username     string    `query:"username" doc:"Exactly, ignoring case."`
	Email        string    `query:"email" doc:"Who holds the address, ignoring case."`
	EmployeeID   string    `query:"employee_id"`
	Source       string    `query:"source" doc:"With source_id."`
	SourceID     string    `query:"source_id"`
	Phone        string    `query:"phone" doc:"Who holds the number, in the form +33612345678."`
	Unit         string    `query:"unit" doc:"Members of a unit: its id, its code, or kind:code."`
	UnitBelow    string    `query:"unit_below" doc:"Members of a unit and of all below it."`
	Group        string    `query:"group" doc:"Members of a group: its id or code."`
	Name         string    `query:"name" doc:"The beginning of a last name, or of last and first name, ignoring case and accents."`
	CreatedSince time.Time `query:"created_since"`
	UpdatedSince time.Time `query:"updated_since"`
	Sort         string    `query:"sort" enum:"created,-created,username,name" default:"created"`
}

// PeopleOut answers with a page of people.
type PeopleOut struct{ Body Page[Person] }

func (s *surface) listPeople(ctx context.Context, caller muster.Caller, in *PeopleFilter) (*PeopleOut, error) {
	at, err := in.open("people", in.Sort, in.State, in.Username, in.Email, in.EmployeeID, in.Source, in.SourceID, in.Phone, in.Unit, in.UnitBelow, in.Group, in.Name,
		in.CreatedSince.String(), in.UpdatedSince.String())
	if err != nil {
		return nil, err
	}
	if in.Source != "" && in.SourceID == "" {
		return nil, muster.Errorf(muster.Required, "source_id", "A source is looked for together with the person's id there.")
	}
	q := roster.Query{
		State: muster.State(in.State), Username: in.Username, Email: in.Email, EmployeeID: in.EmployeeID, Source: in.Source, SourceID: in.SourceID, Phone: in.Phone,
		Name: in.Name, CreatedSince: in.CreatedSince, UpdatedSince: in.UpdatedSince, Sort: roster.Sort(in.Sort), AfterKey: at.Key, AfterSeq: at.Seq, Limit: in.ask(),
	}
	if err := s.places(ctx, caller, in, &q); err != nil {
		return nil, err
	}
	people, err := s.Roster.People(ctx, caller, q)
	if err != nil {
		return nil, err
	}
	page := paged(in.Paging, at, people, personView, func(p *roster.Person) (string, int64) {
		key, _ := p.SortKey(q.Sort) // an order that is not there was refused
		return key, p.Seq
	})
	return &PeopleOut{*page}, nil
}

// places finds the unit and group that people are to be in.
func (s *surface) places(ctx context.Context, caller muster.Caller, in *PeopleFilter, q *roster.Query) error {
	if in.Unit != "" {
		unit, err := s.Roster.Unit(ctx, caller, unitRef(in.Unit))
		if err != nil {
			return err
		}
		q.Unit = unit.Seq
	}
	if in.UnitBelow != "" {
		unit, err := s.Roster.Unit(ctx, caller, unitRef(in.UnitBelow))
		if err != nil {
			return about("unit_below", err)
		}
		q.UnitBelow = unit.Path
	}
	if in.Group != "" {
		group, err := s.Roster.Group(ctx, caller, groupRef(in.Group))
		if err != nil {
			return err
		}
		q.Group = group.Seq
	}
	return nil
}

// about says which filter or field leads to nothing, where floor 2 calls it by another name.
func about(field string, err error) error {
	if muster.CodeOf(err) != muster.NotFound {
		return err
	}
	fault := *muster.Faults(err)[0]
	fault.Field = field
	return &fault
}

// PersonIn is somebody new.
type PersonIn struct {
	EmailUse string `query:"email" enum:"unique,shared" default:"unique" doc:"shared: an address that somebody holds is taken without claiming it, instead of failing."`
	Body     PersonInput
}

func (s *surface) createPerson(ctx context.Context, caller muster.Caller, in *PersonIn) (*PersonOut, error) {
	body, password := in.Body.withoutPassword()
	draft, err := body.new()
	if err != nil {
		return nil, err
	}
	wish := roster.Wish{Draft: draft}
	if err := s.setPassword(ctx, caller, password, &wish); err != nil {
		return nil, err
	}
	return onePerson(s.Roster.EnrolWith(ctx, caller, roster.AdmitOptions{SharedEmail: in.EmailUse == "shared"}, []roster.Wish{wish}))
}

func onePerson(results []roster.Result, err error) (*PersonOut, error) {
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return nil, err
	}
	return personOut(&results[0].Person), nil
}

func (s *surface) getPerson(ctx context.Context, caller muster.Caller, in *OnePerson) (*PersonOut, error) {
	id, err := idOf("person", in.Person)
	if err != nil {
		return nil, err
	}
	p, err := s.Roster.Person(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return personOut(&p), nil
}

// PersonPatch changes somebody.
type PersonPatch struct {
	OnePerson
	IfMatch
	Body PersonInput
}

func (s *surface) changePerson(ctx context.Context, caller muster.Caller, in *PersonPatch) (*PersonOut, error) {
	id, version, err := in.about("person", in.Person)
	if err != nil {
		return nil, err
	}
	body, password := in.Body.withoutPassword()
	draft := body.draft(true)
	if body.touchesReadOnly() {
		p, err := s.Roster.Person(ctx, caller, id)
		if err != nil {
			return nil, err
		}
		if draft, version, err = body.patch(&p, version); err != nil {
			return nil, err
		}
	}
	wish := roster.Wish{Person: id, Draft: draft, Version: version}
	if err := s.setPassword(ctx, caller, password, &wish); err != nil {
		return nil, err
	}
	return onePerson(s.Roster.Change(ctx, caller, []roster.Wish{wish}))
}

// PersonGuarded names a person and guards what is done.
type PersonGuarded struct {
	OnePerson
	IfMatch
}

func (s *surface) deletePerson(ctx context.Context, caller muster.Caller, in *PersonGuarded) (*struct{}, error) {
	id, version, err := in.about("person", in.Person)
	if err != nil {
		return nil, err
	}
	_, err = onePerson(s.Roster.Delete(ctx, caller, []roster.Wish{{Person: id, Version: version}}))
	return &struct{}{}, err
}

// groupRef reads the id or code of a group.
func groupRef(text string) roster.GroupRef {
	if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
		return roster.GroupRef{ID: id}
	}
	return roster.GroupRef{Code: strings.TrimSpace(text)}
}
