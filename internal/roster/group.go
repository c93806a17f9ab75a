package roster

import (
	"context"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// GroupRef names a group: by id, else by code, in which case makes a difference.
type GroupRef struct {
	ID   uuid.UUID
	Code string
}

// NewGroup is a group to be made.
type NewGroup struct{ Code, Label string }

// GroupChange is what is to become of a group. What is nil stays.
type GroupChange struct {
	Group   uuid.UUID
	Version int64 // that the caller saw; 0 accepts any
	Code    *string
	Label   *string
}

// GroupDelete is a group to be removed for good.
type GroupDelete struct {
	Group   uuid.UUID
	Version int64 // that the caller saw; 0 accepts any
	Force   bool  // take its members out first, when there are any
}

// GroupResult is what became of one element.
type GroupResult struct {
	Group  muster.Group // as it is afterwards; as it was, when it is removed
	Change muster.Change
	Faults muster.Errors // why nothing was done
}

// groupSet is some groups, read once for a whole request.
type groupSet struct {
	byID   map[uuid.UUID]*muster.Group
	byCode map[string]*muster.Group
}

func findGroups(tx *store.Tx, refs []GroupRef) (*groupSet, error) {
	var ids []uuid.UUID
	var codes []string
	for _, ref := range refs {
		if ref.ID != uuid.Nil {
			ids = append(ids, ref.ID)
		} else if ref.Code != "" {
			codes = append(codes, ref.Code)
		}
	}
	byID, err := tx.GroupsByID(ids)
	if err != nil {
		return nil, err
	}
	byCode, err := tx.GroupsByCode(codes)
	if err != nil {
		return nil, err
	}
	set := &groupSet{byID: map[uuid.UUID]*muster.Group{}, byCode: map[string]*muster.Group{}}
	for _, g := range byID {
		set.byID[g.ID], set.byCode[g.Code] = &g, &g
	}
	for _, g := range byCode {
		if set.byID[g.ID] == nil {
			set.byID[g.ID], set.byCode[g.Code] = &g, &g
		}
	}
	return set, nil
}

// find gives the group that is named, or the error about a field.
func (s *groupSet) find(field string, ref GroupRef) (*muster.Group, *muster.Error) {
	if ref.ID != uuid.Nil {
		if g := s.byID[ref.ID]; g != nil {
			return g, nil
		}
		return nil, muster.Errorf(muster.NotFound, field, "There is no group %s.", ref.ID)
	}
	if g := s.byCode[ref.Code]; g != nil {
		return g, nil
	}
	return nil, muster.Errorf(muster.NotFound, field, "There is no group %q.", ref.Code)
}

// versioned gives a group that is to change, if it is as the caller saw it.
func (s *groupSet) versioned(id uuid.UUID, version int64) (*muster.Group, *muster.Error) {
	g := s.byID[id]
	if g == nil {
		return nil, muster.Errorf(muster.NotFound, "id", "There is no group %s.", id)
	}
	if version != 0 && version != g.Version {
		return nil, muster.Errorf(muster.Stale, "", "%s was changed meanwhile (version %d, not %d). Read it again.", g.Label, g.Version, version)
	}
	return g, nil
}

// check gives the faults of a group that is to be written in place of old, which is nil for a new one.
func (s *groupSet) check(g, old *muster.Group) muster.Errors {
	faults := g.Validate()
	if holder := s.byCode[g.Code]; holder != nil && holder != old {
		faults = append(faults, muster.Errorf(muster.Conflict, "code", "There is a group %s already: %s.", g.Code, holder.ID))
	}
	return faults
}

// CreateGroups makes groups. A code that is held is muster.Conflict, naming the group that holds it.
func (r *Roster) CreateGroups(ctx context.Context, caller muster.Caller, list []NewGroup) (out []GroupResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]GroupResult, len(list))
		refs := make([]GroupRef, len(list))
		for i, n := range list {
			refs[i].Code = n.Code
		}
		known, err := findGroups(tx, refs)
		if err != nil {
			return err
		}
		var groups []*muster.Group
		var entries []muster.AuditEntry
		for i, n := range list {
			g := &out[i].Group
			*g = muster.Group{ID: uuid.Must(uuid.NewV7()), Code: n.Code, Label: n.Label}
			if out[i].Faults = known.check(g, nil); len(out[i].Faults) > 0 {
				*g = muster.Group{}
				continue
			}
			known.byCode[g.Code] = g
			groups = append(groups, g)
			out[i].Change = muster.Diff(nil, g.Record())
			entries = append(entries, entryOf(caller, "group.create", "group "+g.ID.String(), out[i].Change))
		}
		if err := tx.InsertGroups(groups); err != nil {
			return err
		}
		return tx.Audit(entries)
	})
	return out, err
}

// ChangeGroups changes groups, one after the other.
func (r *Roster) ChangeGroups(ctx context.Context, caller muster.Caller, list []GroupChange) (out []GroupResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]GroupResult, len(list))
		var refs []GroupRef
		for _, c := range list {
			refs = append(refs, GroupRef{ID: c.Group})
			if c.Code != nil {
				refs = append(refs, GroupRef{Code: *c.Code})
			}
		}
		known, err := findGroups(tx, refs)
		if err != nil {
			return err
		}
		var entries []muster.AuditEntry
		for i, c := range list {
			if err := changeGroup(tx, known, c, &out[i]); err != nil {
				return err
			}
			if !out[i].Change.Empty() {
				entries = append(entries, entryOf(caller, "group.update", "group "+c.Group.String(), out[i].Change))
			}
		}
		return tx.Audit(entries)
	})
	return out, err
}

func changeGroup(tx *store.Tx, known *groupSet, c GroupChange, out *GroupResult) error {
	g, fault := known.versioned(c.Group, c.Version)
	if fault != nil {
		out.Faults = muster.Errors{fault}
		return nil
	}
	next := *g
	if c.Code != nil {
		next.Code = *c.Code
	}
	if c.Label != nil {
		next.Label = *c.Label
	}
	if out.Faults = known.check(&next, g); len(out.Faults) > 0 {
		return nil
	}
	out.Change = muster.Diff(g.Record(), next.Record())
	if !out.Change.Empty() {
		if err := tx.UpdateGroup(&next); err != nil {
			return err
		}
		delete(known.byCode, g.Code)
		*g = next
		known.byCode[g.Code] = g
	}
	out.Group = *g
	return nil
}

// mostForced is how many members a group may have that is removed with its members: what is done in one transaction is bounded.
const mostForced = 5000

// DeleteGroups removes groups for good. One that has members is muster.Conflict, unless their removal is forced.
func (r *Roster) DeleteGroups(ctx context.Context, caller muster.Caller, list []GroupDelete) (out []GroupResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]GroupResult, len(list))
		refs := make([]GroupRef, len(list))
		for i, d := range list {
			refs[i].ID = d.Group
		}
		known, err := findGroups(tx, refs)
		if err != nil {
			return err
		}
		for i, d := range list {
			g, fault := known.versioned(d.Group, d.Version)
			if fault == nil {
				fault, err = r.emptyGroup(tx, caller, g, d.Force)
			}
			if err != nil {
				return err
			}
			if fault != nil {
				out[i].Faults = muster.Errors{fault}
				continue
			}
			if err := tx.DeleteGroup(g.Seq); err != nil {
				return err
			}
			delete(known.byID, g.ID)
			out[i].Group, out[i].Change = *g, muster.Diff(g.Record(), nil)
			if err := tx.Audit([]muster.AuditEntry{entryOf(caller, "group.delete", "group "+g.ID.String(), out[i].Change)}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// emptyGroup takes everybody out of a group, or says why not. Nobody can join it from here on.
func (r *Roster) emptyGroup(tx *store.Tx, caller muster.Caller, g *muster.Group, force bool) (*muster.Error, error) {
	if err := tx.KeepOutOfGroups([]int64{g.Seq}); err != nil {
		return nil, err
	}
	members, err := tx.GroupMembers(g.Seq, 0, mostForced+1)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	if !force {
		return muster.Errorf(muster.Conflict, "", "There are people in the group %s. Take them out first, or ask for them to be taken out.", g.Code), nil
	}
	if len(members) > mostForced {
		return muster.Errorf(muster.TooLong, "", "More than %d people are in the group %s. Take them out first.", mostForced, g.Code), nil
	}
	links := make([]link, len(members))
	for i, m := range members {
		links[i] = link{id: m.PersonID, person: m.Person, group: g, want: want{leave: true}}
	}
	return nil, r.carryLinks(tx, caller, links)
}

// GroupQuery is which groups to list. Zero fields do not filter.
type GroupQuery struct {
	Label string // the beginning, ignoring case and accents

	After int64 // Seq of the last one of the page before
	Limit int   // 50 when 0, at most 1,000
}

// Groups gives one page of groups, in the order in which they came.
func (r *Roster) Groups(ctx context.Context, caller muster.Caller, q GroupQuery) (list []muster.Group, err error) {
	err = r.look(ctx, caller, func(tx *store.Tx) (err error) {
		list, err = tx.ListGroups(store.GroupQuery{Label: q.Label, AfterSeq: q.After, Limit: pageLimit(q.Limit)})
		return err
	})
	return list, err
}

// FindGroups gives the groups that are named.
func (r *Roster) FindGroups(ctx context.Context, caller muster.Caller, refs []GroupRef) (out []GroupResult, err error) {
	err = r.look(ctx, caller, func(tx *store.Tx) error {
		out = make([]GroupResult, len(refs))
		known, err := findGroups(tx, refs)
		if err != nil {
			return err
		}
		for i, ref := range refs {
			g, fault := known.find("group", ref)
			if out[i].Faults = appendFault(nil, fault); fault == nil {
				out[i].Group = *g
			}
		}
		return nil
	})
	return out, err
}

// Group gives one group.
func (r *Roster) Group(ctx context.Context, caller muster.Caller, ref GroupRef) (muster.Group, error) {
	out, err := r.FindGroups(ctx, caller, []GroupRef{ref})
	if err != nil {
		return muster.Group{}, err
	}
	return out[0].Group, out[0].Faults.Or()
}
