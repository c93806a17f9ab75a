package roster

import (
	"context"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Belongings is what one person belongs to.
type Belongings struct {
	Memberships []UnitMembership // oldest first
	Groups      []GroupMembership
	Faults      muster.Errors // why nothing is said
}

// UnitMembership is a membership with its unit and what is held through it.
type UnitMembership struct {
	Membership  muster.Membership
	Unit        muster.Unit
	Assignments []muster.Assignment
}

// GroupMembership is a group that somebody is in.
type GroupMembership struct {
	Group muster.Group
	Title string
}

// BelongingsOf says what each of some people belongs to.
func (r *Roster) BelongingsOf(ctx context.Context, caller muster.Caller, people []uuid.UUID) (out []Belongings, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		there, err := tx.PeopleByID(people)
		if err != nil {
			return err
		}
		if err := known(tx, reach, there); err != nil {
			return err
		}
		links := make([]link, 0, len(people))
		for _, p := range there {
			links = append(links, link{person: p.Seq})
		}
		l := &ledger{tx: tx, people: map[int64]*held{}}
		if err := l.read(links); err != nil {
			return err
		}
		units, groups, err := l.ends()
		if err != nil {
			return err
		}
		out = make([]Belongings, len(people))
		for i, id := range people {
			if p, known := there[id]; known && p.State != muster.Deleted {
				out[i] = l.people[p.Seq].shown(units, groups)
				out[i].within(reach)
			} else {
				out[i].Faults = muster.Errors{muster.Errorf(muster.NotFound, "person", "There is no person %s.", id)}
			}
		}
		return nil
	})
	return out, err
}

// ends gives the units and groups that stand in a ledger.
func (l *ledger) ends() (map[int64]store.UnitRow, map[string]muster.Group, error) {
	var seqs []int64
	var codes []string
	seen := map[int64]bool{}
	for _, h := range l.order {
		for _, m := range h.members {
			if !seen[m.row.UnitSeq] {
				seen[m.row.UnitSeq] = true
				seqs = append(seqs, m.row.UnitSeq)
			}
		}
		for _, g := range h.groups {
			codes = append(codes, g.row.Code)
		}
	}
	units, err := l.tx.Units(seqs)
	if err != nil {
		return nil, nil, err
	}
	groups, err := l.tx.GroupsByCode(codes)
	return units, groups, err
}

func (h *held) shown(units map[int64]store.UnitRow, groups map[string]muster.Group) Belongings {
	var b Belongings
	for _, m := range h.members {
		b.Memberships = append(b.Memberships, UnitMembership{Membership: m.row.Membership, Unit: units[m.row.UnitSeq].Unit, Assignments: m.assignments()})
	}
	for _, g := range h.groups {
		b.Groups = append(b.Groups, GroupMembership{Group: groups[g.row.Code], Title: g.row.Title})
	}
	return b
}

// Members gives one page of a unit's memberships in the order of people's seq, from after a person's seq (muster.PersonSeq of the last one).
func (r *Roster) Members(ctx context.Context, caller muster.Caller, unit uuid.UUID, after int64, limit int) (list []UnitMembership, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		units, err := tx.UnitsByID([]uuid.UUID{unit})
		if err != nil {
			return err
		}
		u, there := units[unit]
		if !there || !reach.Has(u.Path) {
			return muster.Errorf(muster.NotFound, "unit", "There is no unit %s.", unit)
		}
		rows, err := tx.MembersOf(u.Seq, after, pageLimit(limit))
		if err != nil {
			return err
		}
		seqs := make([]int64, len(rows))
		for i, row := range rows {
			seqs[i] = row.Seq
		}
		roles, err := tx.AssignmentsOf(seqs)
		list = make([]UnitMembership, len(rows))
		for i, row := range rows {
			list[i] = UnitMembership{Membership: row.Membership, Unit: u.Unit}
			for _, a := range roles[row.Seq] {
				list[i].Assignments = append(list[i].Assignments, a.Assignment)
			}
		}
		return err
	})
	return list, err
}

// GroupMember is a person in a group.
type GroupMember struct {
	Person uuid.UUID
	Title  string
}

// GroupMembers gives one page of a group's members in the order of seq, from after a person's seq (muster.PersonSeq of the last one).
func (r *Roster) GroupMembers(ctx context.Context, caller muster.Caller, group uuid.UUID, after int64, limit int) (list []GroupMember, err error) {
	err = r.look(ctx, caller, func(tx *store.Tx) error {
		groups, err := tx.GroupsByID([]uuid.UUID{group})
		if err != nil {
			return err
		}
		g, there := groups[group]
		if !there {
			return muster.Errorf(muster.NotFound, "group", "There is no group %s.", group)
		}
		rows, err := tx.GroupMembers(g.Seq, after, pageLimit(limit))
		list = make([]GroupMember, len(rows))
		for i, row := range rows {
			list[i] = GroupMember{Person: row.PersonID, Title: row.Title}
		}
		return err
	})
	return list, err
}
