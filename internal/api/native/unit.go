package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Unit is a node of the tenant's tree.
type Unit struct {
	ID         uuid.UUID         `json:"id" format:"uuid"`
	Seq        int64             `json:"seq"`
	Version    int64             `json:"version"`
	Kind       string            `json:"kind" example:"class" doc:"What sort of unit it is. It never changes."`
	Code       string            `json:"code" example:"6A" doc:"Unique among the units of the kind."`
	Name       string            `json:"name" example:"Class 6A"`
	Parent     *uuid.UUID        `json:"parent" format:"uuid" doc:"The unit above; null at the top."`
	Closed     bool              `json:"closed" doc:"No longer in use."`
	Attributes map[string]string `json:"attributes,omitempty"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

func unitView(u *muster.Unit) Unit {
	v := Unit{
		ID: u.ID, Seq: u.Seq, Version: u.Version, Kind: u.Kind, Code: u.Code, Name: u.Name, Closed: u.Closed, Attributes: u.Attributes,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.Parent != uuid.Nil {
		v.Parent = &u.Parent
	}
	return v
}

// OneUnit names a unit in the path.
type OneUnit struct {
	Unit string `path:"unit" doc:"The unit's id."`
}

// UnitOut answers with one unit.
type UnitOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Unit
}

func (s *surface) units() {
	handle(s, op(http.MethodGet, "/v1/units", "list-units", "List units", "Units of the tenant, page by page, in the order in which they came."), s.listUnits)
	handle(s, op(http.MethodPost, "/v1/units", "create-unit", "Make a unit", "Makes a unit, at the top of the tree or below another one.", creates), s.createUnit)
	handle(s, op(http.MethodGet, "/v1/units/{unit}", "get-unit", "Get a unit", "One unit."), s.getUnit)
	handle(s, op(http.MethodPatch, "/v1/units/{unit}", "change-unit", "Change a unit",
		"A JSON merge patch. Another parent moves the unit with all below it; null moves it to the top."), s.changeUnit)
	handle(s, op(http.MethodDelete, "/v1/units/{unit}", "delete-unit", "Remove a unit", "Removes an empty unit for good. One that has people or units in it is a conflict."), s.deleteUnit)
}

// UnitFilter is which units to list.
type UnitFilter struct {
	Paging
	Kind   string `query:"kind"`
	Code   string `query:"code"`
	Name   string `query:"name" doc:"The beginning, ignoring case and accents."`
	Parent string `query:"parent" doc:"Right below this unit: its id, or top."`
	Below  string `query:"below" doc:"This unit and all below it: its id."`
	Closed string `query:"closed" enum:"true,false"`
}

func (s *surface) listUnits(ctx context.Context, caller muster.Caller, in *UnitFilter) (*struct{ Body Page[Unit] }, error) {
	at, err := in.open("units", in.Kind, in.Code, in.Name, in.Parent, in.Below, in.Closed)
	if err != nil {
		return nil, err
	}
	q := roster.UnitQuery{Kind: in.Kind, Code: in.Code, Name: in.Name, Top: in.Parent == "top", After: at.Seq, Limit: in.ask()}
	if in.Closed != "" {
		q.Closed = ptr(in.Closed == "true")
	}
	if in.Parent != "" && !q.Top {
		if q.Parent, err = idOf("unit", in.Parent); err != nil {
			return nil, about("parent", err)
		}
	}
	if in.Below != "" {
		if q.Below, err = idOf("unit", in.Below); err != nil {
			return nil, about("below", err)
		}
	}
	list, err := s.Roster.Units(ctx, caller, q)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Page[Unit] }{*paged(in.Paging, at, list, unitView, func(u *muster.Unit) (string, int64) { return "", u.Seq })}, nil
}

// UnitIn is a unit to be made.
type UnitIn struct {
	Body struct {
		Kind       string            `json:"kind" required:"true" example:"class"`
		Code       string            `json:"code" required:"true" example:"6A"`
		Name       string            `json:"name" required:"true" example:"Class 6A"`
		Parent     string            `json:"parent,omitempty" nullable:"true" doc:"The unit above: its id, its code, or kind:code."`
		Attributes map[string]string `json:"attributes,omitempty"`
		Closed     bool              `json:"closed,omitempty"`
	}
}

// unitRef reads the id of a unit, its code, or kind:code.
func unitRef(text string) roster.UnitRef {
	if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
		return roster.UnitRef{ID: id}
	}
	return roster.ParseUnitRef(text)
}

func oneUnit(results []roster.UnitResult, err error) (*UnitOut, error) {
	if err == nil {
		err = results[0].Faults.Or()
	}
	if err != nil {
		return nil, err
	}
	u := results[0].Unit
	return &UnitOut{ETag: etag(u.Version), Location: "/v1/units/" + u.ID.String(), Body: unitView(&u)}, nil
}

func (s *surface) createUnit(ctx context.Context, caller muster.Caller, in *UnitIn) (*UnitOut, error) {
	b := in.Body
	return oneUnit(s.Roster.CreateUnits(ctx, caller, []roster.NewUnit{
		{Kind: b.Kind, Code: b.Code, Name: b.Name, Parent: unitRef(b.Parent), Attributes: b.Attributes, Closed: b.Closed},
	}))
}

func (s *surface) getUnit(ctx context.Context, caller muster.Caller, in *OneUnit) (*UnitOut, error) {
	id, err := idOf("unit", in.Unit)
	if err != nil {
		return nil, err
	}
	return oneUnit(s.Roster.FindUnits(ctx, caller, []roster.UnitRef{{ID: id}}))
}

// UnitPatch changes a unit.
type UnitPatch struct {
	OneUnit
	IfMatch
	Body struct {
		Code       Maybe[string]            `json:"code,omitempty"`
		Name       Maybe[string]            `json:"name,omitempty"`
		Parent     Maybe[string]            `json:"parent,omitempty"`
		Closed     Maybe[bool]              `json:"closed,omitempty"`
		Attributes map[string]Maybe[string] `json:"attributes,omitempty"`
		ReadBack                            // members that are not set
		Kind       string                   `json:"kind,omitempty" doc:"It never changes; it may be sent back as it was read."`
	}
}

func (s *surface) changeUnit(ctx context.Context, caller muster.Caller, in *UnitPatch) (*UnitOut, error) {
	id, version, err := in.about("unit", in.Unit)
	if err != nil {
		return nil, err
	}
	b := in.Body
	version = b.guard(version)
	if b.any() || b.Kind != "" {
		u, err := s.Roster.Unit(ctx, caller, roster.UnitRef{ID: id})
		if err != nil {
			return nil, err
		}
		faults := b.check(u.ID, u.Seq, u.CreatedAt, u.UpdatedAt)
		if b.Kind != "" && b.Kind != u.Kind {
			faults = append(faults, muster.Errorf(muster.ReadOnly, "kind", "The kind of a unit never changes."))
		}
		if len(faults) > 0 && (version == 0 || version == u.Version) {
			return nil, faults
		}
	}
	c := roster.UnitChange{Unit: id, Version: version, Code: b.Code.pointer(), Name: b.Name.pointer(), Closed: b.Closed.pointer()}
	if b.Parent.Given {
		c.Parent = ptr(unitRef(b.Parent.Value))
	}
	if len(b.Attributes) > 0 {
		c.Attributes = make(map[string]string, len(b.Attributes))
		for name, value := range b.Attributes {
			c.Attributes[name] = value.Value
		}
	}
	return oneUnit(s.Roster.ChangeUnits(ctx, caller, []roster.UnitChange{c}))
}

// UnitGuarded names a unit and guards what is done.
type UnitGuarded struct {
	OneUnit
	IfMatch
}

func (s *surface) deleteUnit(ctx context.Context, caller muster.Caller, in *UnitGuarded) (*struct{}, error) {
	id, version, err := in.about("unit", in.Unit)
	if err != nil {
		return nil, err
	}
	_, err = oneUnit(s.Roster.DeleteUnits(ctx, caller, []roster.UnitDelete{{Unit: id, Version: version}}))
	return &struct{}{}, err
}
