package roster

import (
	"context"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// JoinOp puts a person into a unit, or changes how they are in it. What is nil stays, or is nothing when the membership is new.
type JoinOp struct {
	Person, Unit uuid.UUID
	Primary      *bool // false has the primary pass to the oldest other unit of the kind, if there is one
	Title        *string
	Roles        []RoleGrant
	OnlyRoles    bool  // roles that are not in Roles are taken away
	Version      int64 // of the membership that the caller saw; 0 accepts any, and none
}

// LeaveOp takes a person out of a unit. Who is not in it is left alone.
type LeaveOp struct{ Person, Unit uuid.UUID }

// GroupOp puts a person into a group or takes them out. Title stays when it is nil.
type GroupOp struct {
	Person, Group uuid.UUID
	Title         *string
}

// MembershipResult is what became of one element. An empty Change says that it was so already.
type MembershipResult struct {
	Membership  muster.Membership // of a join of a unit, as it is afterwards
	Kind        string            // of the unit
	Assignments []muster.Assignment
	Change      muster.Change // of the person: fields such as units.class:6A.primary and groups.staff
	Faults      muster.Errors // why nothing was done
}

// Join puts people into units. Joining twice changes nothing. A closed unit can be joined like any.
func (r *Roster) Join(ctx context.Context, caller muster.Caller, ops []JoinOp) ([]MembershipResult, error) {
	return r.linkUnits(ctx, caller, len(ops), func(i int) (uuid.UUID, uuid.UUID, want) {
		op := ops[i]
		return op.Person, op.Unit, want{primary: op.Primary, title: op.Title, roles: op.Roles, onlyRoles: op.OnlyRoles, version: op.Version}
	})
}

// holdToVersion refuses what was meant for a membership as it was before somebody changed it.
func (h *held) holdToVersion(l *link) {
	if l.unit == nil || l.version == 0 {
		return
	}
	if m := h.in(l.unit.Seq); m == nil || m.row.Version != l.version {
		l.faults = append(l.faults, muster.Errorf(muster.Stale, "", "The membership was changed meanwhile. Read it again."))
	}
}

// Leave takes people out of units, with the roles they held there.
func (r *Roster) Leave(ctx context.Context, caller muster.Caller, ops []LeaveOp) ([]MembershipResult, error) {
	return r.linkUnits(ctx, caller, len(ops), func(i int) (uuid.UUID, uuid.UUID, want) { return ops[i].Person, ops[i].Unit, want{leave: true} })
}

// AddToGroups puts people into groups. Adding twice changes nothing.
func (r *Roster) AddToGroups(ctx context.Context, caller muster.Caller, ops []GroupOp) ([]MembershipResult, error) {
	return r.linkGroups(ctx, caller, ops, false)
}

// RemoveFromGroups takes people out of groups. Who is not in one is left alone.
func (r *Roster) RemoveFromGroups(ctx context.Context, caller muster.Caller, ops []GroupOp) ([]MembershipResult, error) {
	return r.linkGroups(ctx, caller, ops, true)
}

func (r *Roster) linkUnits(ctx context.Context, caller muster.Caller, n int, op func(i int) (person, unit uuid.UUID, w want)) (out []MembershipResult, err error) {
	err = r.changeIn(ctx, caller, func(tx *store.Tx, b *Bounds) error {
		links := make([]link, n)
		refs := make([]UnitRef, n)
		for i := range links {
			links[i].id, refs[i].ID, links[i].want = op(i)
			links[i].bounds = b
		}
		units, err := findUnits(tx, refs)
		if err != nil {
			return err
		}
		units.hideFrom(b)
		for i := range links {
			var fault *muster.Error
			links[i].unit, fault = units.find("unit", refs[i])
			links[i].faults = appendFault(nil, fault)
		}
		out, err = r.carryOut(tx, caller, links)
		return err
	})
	return out, err
}

func (r *Roster) linkGroups(ctx context.Context, caller muster.Caller, ops []GroupOp, leave bool) (out []MembershipResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		refs := make([]GroupRef, len(ops))
		for i, op := range ops {
			refs[i].ID = op.Group
		}
		groups, err := findGroups(tx, refs)
		if err != nil {
			return err
		}
		links := make([]link, len(ops))
		for i, op := range ops {
			links[i] = link{id: op.Person, want: want{leave: leave, title: op.Title}}
			var fault *muster.Error
			links[i].group, fault = groups.find("group", refs[i])
			links[i].faults = appendFault(nil, fault)
		}
		out, err = r.carryOut(tx, caller, links)
		return err
	})
	return out, err
}

// carryOut finds the people that links name and carries the links out.
func (r *Roster) carryOut(tx *store.Tx, caller muster.Caller, links []link) ([]MembershipResult, error) {
	ids := make([]uuid.UUID, len(links))
	for i := range links {
		ids[i] = links[i].id
	}
	people, err := tx.PeopleByID(ids)
	if err != nil {
		return nil, err
	}
	if len(links) > 0 {
		if err := links[0].bounds.forget(tx, people); err != nil {
			return nil, err
		}
	}
	for i := range links {
		l := &links[i]
		p, there := people[l.id]
		if !there || p.State == muster.Deleted {
			l.faults = append(l.faults, muster.Errorf(muster.NotFound, "person", "There is no person %s.", l.id))
		}
		l.person = p.Seq
		l.faults = append(l.faults, l.check()...)
	}
	if err := r.carryLinks(tx, caller, links); err != nil {
		return nil, err
	}
	out := make([]MembershipResult, len(links))
	for i := range links {
		out[i].Change, out[i].Faults = links[i].change, links[i].faults
		if m := links[i].member; m != nil {
			out[i].Membership, out[i].Kind, out[i].Assignments = m.row.Membership, m.row.UnitKind, m.assignments()
		}
	}
	return out, nil
}

// carryLinks carries links out, with the record of it and the job that follows.
func (r *Roster) carryLinks(tx *store.Tx, caller muster.Caller, links []link) error {
	if err := applyLinks(tx, links, false); err != nil {
		return err
	}
	var entries []muster.AuditEntry
	var people []int64
	for i := range links {
		l := &links[i]
		if l.change.Empty() {
			continue
		}
		action := "person.join"
		switch {
		case l.leave:
			action = "person.leave"
		case l.edit != nil:
			action = "person.role"
		}
		entry := entryOf(caller, action, "person "+l.id.String(), l.change)
		entry.Person = l.person
		entries, people = append(entries, entry), append(people, l.person)
	}
	if err := tx.Audit(entries); err != nil {
		return err
	}
	return r.wakeFor(tx, causeOf(caller), people)
}

func (m *member) assignments() []muster.Assignment {
	var list []muster.Assignment
	for _, a := range m.roles {
		if !a.gone {
			list = append(list, a.row.Assignment)
		}
	}
	return list
}
