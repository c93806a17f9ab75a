package roster

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// What callers see whose rights are over units: the people of these, and of a person what does not belong to other units.

// lookIn is look for operations that answer a caller whose rights are over units.
func (r *Roster) lookIn(ctx context.Context, caller muster.Caller, f func(tx *store.Tx, reach access.Reach) error) error {
	if err := access.Some(caller, muster.ReadPeople); err != nil {
		return err
	}
	return r.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		reach, err := access.ReachOf(tx, caller, muster.ReadPeople)
		if err != nil {
			return err
		}
		return f(tx, reach)
	})
}

// lookAtOne is lookIn for what leads to one person by a key. Where no bounds are to be looked up it takes one statement, and no transaction.
func (r *Roster) lookAtOne(ctx context.Context, caller muster.Caller, f func(tx *store.Tx, reach access.Reach) error) error {
	if access.Can(caller, muster.ReadPeople) != nil {
		return r.lookIn(ctx, caller, f)
	}
	return r.store.Peek(ctx, caller.Tenant, func(tx *store.Tx) error {
		reach, err := access.ReachOf(tx, caller, muster.ReadPeople)
		if err != nil {
			return err
		}
		return f(tx, reach)
	})
}

// seen gives one person by id who is within reach.
func seen(tx *store.Tx, reach access.Reach, id uuid.UUID) (store.PersonRow, error) {
	p, err := tx.Person(id)
	if err != nil || reach.All() {
		return p, err
	}
	parts, err := reach.People(tx, []int64{p.Seq})
	if err == nil && parts[p.Seq] == access.Outside {
		err = muster.Errorf(muster.NotFound, "id", "There is no person %s.", id)
	}
	if err != nil {
		return store.PersonRow{}, err
	}
	return p, nil
}

// known leaves those of some people who are within reach.
func known[K comparable](tx *store.Tx, reach access.Reach, people map[K]store.PersonRow) error {
	if reach.All() {
		return nil
	}
	seqs := make([]int64, 0, len(people))
	for _, p := range people {
		seqs = append(seqs, p.Seq)
	}
	parts, err := reach.People(tx, seqs)
	maps.DeleteFunc(people, func(_ K, p store.PersonRow) bool { return parts[p.Seq] == access.Outside })
	return err
}

// knownUnits is findUnits for the units within reach.
func knownUnits(tx *store.Tx, reach access.Reach, refs []UnitRef) (*unitSet, error) {
	units, err := findUnits(tx, refs)
	if err == nil {
		units.hide(reach)
	}
	return units, err
}

// within leaves out what somebody belongs to beyond reach: other units, and groups, which are the whole tenant's.
func (b *Belongings) within(reach access.Reach) {
	if reach.All() {
		return
	}
	b.Groups = nil
	b.Memberships = slices.DeleteFunc(b.Memberships, func(m UnitMembership) bool { return !reach.Has(m.Unit.Path) })
}

// eventsWithin leaves out of somebody's history what came of batches that the caller does not see, and what is about groups and other units than those
// within reach that the person is in now.
func eventsWithin(tx *store.Tx, reach access.Reach, person int64, events []Event) ([]Event, error) {
	if reach.All() {
		return events, nil
	}
	memberships, err := tx.MembershipsOf([]int64{person})
	if err != nil {
		return nil, err
	}
	var seqs []int64
	for _, m := range memberships[person] {
		seqs = append(seqs, m.UnitSeq)
	}
	for _, e := range events {
		seqs = append(seqs, e.Batch.Unit)
	}
	units, err := tx.Units(seqs)
	if err != nil {
		return nil, err
	}
	var mine []string
	for _, m := range memberships[person] {
		if reach.Has(units[m.UnitSeq].Path) {
			mine = append(mine, "units."+m.UnitKind+":"+m.UnitCode+".")
		}
	}
	shown := func(c *muster.Change) bool {
		before := len(c.Fields)
		c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f muster.FieldChange) bool {
			return strings.HasPrefix(f.Field, "groups.") ||
				strings.HasPrefix(f.Field, "units.") && !slices.ContainsFunc(mine, func(unit string) bool { return strings.HasPrefix(f.Field, unit) })
		})
		return before == 0 || len(c.Fields) > 0
	}
	var list []Event
	for _, e := range events {
		switch {
		case e.Batch.Seq != 0 && !reach.Has(units[e.Batch.Unit].Path):
		case e.Batch.Seq != 0 && shown(&e.Item.Change), e.Batch.Seq == 0 && shown(&e.Entry.Change):
			list = append(list, e)
		}
	}
	return list, nil
}
