package roster

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// AssignmentView is a role that somebody holds in a unit.
type AssignmentView struct {
	muster.Assignment
	Unit  uuid.UUID
	Kind  string // of the unit
	Title string // of the membership: all roles in the unit share it
}

// AssignmentChange is what is to become of an assignment. What is nil stays.
type AssignmentChange struct {
	Role      *string
	Secondary *string
	Cycles    *[]string
	Subjects  *[]string
	Title     *string // of the membership
}

// Assign gives somebody a role in a unit, and puts them into it where they are not. A role that they hold already is that role, with the cycles and
// subjects that are given. A nil title stays.
func (r *Roster) Assign(ctx context.Context, caller muster.Caller, person, unit uuid.UUID, g RoleGrant, title *string) (AssignmentView, error) {
	out, err := r.Join(ctx, caller, []JoinOp{{Person: person, Unit: unit, Title: title, Roles: []RoleGrant{g}}})
	if err != nil {
		return AssignmentView{}, err
	}
	if len(out[0].Faults) > 0 {
		return AssignmentView{}, ofOneRole(out[0].Faults)
	}
	return out[0].view(func(a *muster.Assignment) bool { return a.Role == g.Role && a.Secondary == g.Secondary }), nil
}

// ChangeAssignment changes a role that somebody holds, which keeps its id.
func (r *Roster) ChangeAssignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID, c AssignmentChange) (view AssignmentView, err error) {
	out, err := r.edit(ctx, caller, person, assignment, edit{change: c})
	return out.view(func(a *muster.Assignment) bool { return a.ID == assignment }), err
}

// RemoveAssignment takes a role away. The person stays in the unit.
func (r *Roster) RemoveAssignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID) error {
	_, err := r.edit(ctx, caller, person, assignment, edit{gone: true})
	return err
}

// edit carries out what is to become of one role.
func (r *Roster) edit(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID, e edit) (out MembershipResult, err error) {
	err = r.changeIn(ctx, caller, func(tx *store.Tx, b *Bounds) error {
		held, err := rolesOf(tx, person)
		if err != nil {
			return err
		}
		at := held.find(assignment)
		if at == nil || b != nil && !b.known.Has(held.units[at.member.UnitSeq].Path) {
			return noRole(assignment)
		}
		unit := held.units[at.member.UnitSeq]
		own := e
		own.role = at.row.Seq
		w := want{title: e.change.Title, edit: &own}
		if !e.gone {
			given := want{title: w.title, roles: []RoleGrant{own.grant(&heldRole{row: at.row})}}
			if faults := given.check(); len(faults) > 0 {
				return ofOneRole(faults)
			}
		}
		results, err := r.carryOut(tx, caller, []link{{id: person, unit: &unit, bounds: b, want: w}})
		if err != nil {
			return err
		}
		out = results[0]
		return ofOneRole(out.Faults).Or()
	})
	return out, err
}

// Assignment gives one role that somebody holds.
func (r *Roster) Assignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID) (AssignmentView, error) {
	list, err := r.Assignments(ctx, caller, person, uuid.Nil)
	if err != nil {
		return AssignmentView{}, err
	}
	for _, v := range list {
		if v.ID == assignment {
			return v, nil
		}
	}
	return AssignmentView{}, noRole(assignment)
}

// Assignments lists the roles that somebody holds, in one unit or, for the zero UUID, in all; in each unit the oldest first.
func (r *Roster) Assignments(ctx context.Context, caller muster.Caller, person, unit uuid.UUID) (list []AssignmentView, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		held, err := rolesOf(tx, person)
		if err != nil {
			return err
		}
		seen := reach.All()
		list = nil
		for _, m := range held.members {
			within := reach.Has(held.units[m.UnitSeq].Path)
			seen = seen || within
			if !within || unit != uuid.Nil && m.Unit != unit {
				continue
			}
			for _, a := range held.roles[m.Seq] {
				list = append(list, AssignmentView{Assignment: a.Assignment, Unit: m.Unit, Kind: m.UnitKind, Title: m.Title})
			}
		}
		if !seen {
			return nobody(person)
		}
		return nil
	})
	return list, err
}

// rolesHeld is all that somebody holds in units.
type rolesHeld struct {
	members []store.MembershipRow
	roles   map[int64][]store.AssignmentRow // by membership
	units   map[int64]store.UnitRow
}

// roleHeld is one role with its membership.
type roleHeld struct {
	member store.MembershipRow
	row    store.AssignmentRow
}

func rolesOf(tx *store.Tx, person uuid.UUID) (h rolesHeld, err error) {
	p, err := tx.Person(person)
	if muster.CodeOf(err) == muster.NotFound || err == nil && p.State == muster.Deleted {
		return h, nobody(person)
	}
	if err != nil {
		return h, err
	}
	memberships, err := tx.MembershipsOf([]int64{p.Seq})
	if err != nil {
		return h, err
	}
	h.members = memberships[p.Seq]
	seqs, units := make([]int64, len(h.members)), make([]int64, len(h.members))
	for i, m := range h.members {
		seqs[i], units[i] = m.Seq, m.UnitSeq
	}
	if h.roles, err = tx.AssignmentsOf(seqs); err != nil {
		return h, err
	}
	h.units, err = tx.Units(units)
	return h, err
}

func (h *rolesHeld) find(assignment uuid.UUID) *roleHeld {
	for _, m := range h.members {
		for _, a := range h.roles[m.Seq] {
			if a.ID == assignment {
				return &roleHeld{m, a}
			}
		}
	}
	return nil
}

func nobody(id uuid.UUID) *muster.Error {
	return muster.Errorf(muster.NotFound, "person", "There is no person %s.", id)
}

func noRole(id uuid.UUID) *muster.Error {
	return muster.Errorf(muster.NotFound, "id", "This person holds no role %s.", id)
}

// ofOneRole says faults of roles in the fields of the one role that is meant.
func ofOneRole(faults muster.Errors) muster.Errors {
	own := make(muster.Errors, len(faults))
	for i, f := range faults {
		said := *f
		said.Field = strings.TrimPrefix(f.Field, "roles[0].")
		own[i] = &said
	}
	return own
}

// view gives the role in a result that is meant.
func (m MembershipResult) view(is func(*muster.Assignment) bool) AssignmentView {
	for _, a := range m.Assignments {
		if is(&a) {
			return AssignmentView{Assignment: a, Unit: m.Membership.Unit, Kind: m.Kind, Title: m.Membership.Title}
		}
	}
	return AssignmentView{}
}
