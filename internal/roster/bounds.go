package roster

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Bounds are what somebody may do to people whose rights end at some units; nil is whatever they like. What they do not know of is not there for
// them. docs/adr/0007-scoped-grants.md has the rules and their reasons.
type Bounds struct {
	known access.Reach // what they may read or change
	may   access.Reach // what they may change
}

// BoundsOf are those of a caller. A caller who may change nobody is muster.Forbidden.
func BoundsOf(tx *store.Tx, caller muster.Caller) (*Bounds, error) {
	may, err := access.ReachOf(tx, caller, muster.WritePeople)
	if err != nil || may.All() {
		return nil, err
	}
	known, err := access.Known(tx, caller)
	return &Bounds{known, may}, err
}

// BoundsWithin are those of a reach, for work that goes on when its caller has left; nil gives nil.
func BoundsWithin(r *access.Reach) *Bounds {
	if r == nil || r.All() {
		return nil
	}
	return &Bounds{*r, *r}
}

// People says how much of each of some people is theirs to change, and of whom they know.
func (b *Bounds) People(tx *store.Tx, seqs []int64) (may map[int64]access.Part, known map[int64]bool, err error) {
	if may, err = b.may.People(tx, seqs); err != nil {
		return nil, nil, err
	}
	parts, err := b.known.People(tx, seqs)
	known = make(map[int64]bool, len(parts))
	for seq, part := range parts {
		known[seq] = part != access.Outside
	}
	return may, known, err
}

// forget takes those out of some people who are not there for somebody within these bounds.
func (b *Bounds) forget(tx *store.Tx, people map[uuid.UUID]store.PersonRow) error {
	if b == nil {
		return nil
	}
	return known(tx, b.known, people)
}

// changeIn is change for operations that a caller may do whose rights are over units.
func (r *Roster) changeIn(ctx context.Context, caller muster.Caller, f func(tx *store.Tx, b *Bounds) error) error {
	return r.bounded(ctx, caller, r.store.Update, f)
}

// changeFew is changeIn for what a request asks about a person or a few. For those whose rights have no bounds, everything is looked up by unique keys.
func (r *Roster) changeFew(ctx context.Context, caller muster.Caller, f func(tx *store.Tx, b *Bounds) error) error {
	if access.Can(caller, muster.WritePeople) != nil {
		return r.changeIn(ctx, caller, f)
	}
	return r.bounded(ctx, caller, r.store.Single, f)
}

func (r *Roster) bounded(
	ctx context.Context, caller muster.Caller, update func(context.Context, int64, func(*store.Tx) error) error, f func(tx *store.Tx, b *Bounds) error,
) error {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return err
	}
	return update(ctx, caller.Tenant, func(tx *store.Tx) error {
		b, err := BoundsOf(tx, caller)
		if err != nil {
			return err
		}
		return f(tx, b)
	})
}

// The fields that say who somebody is, wherever they are: what they sign in by, and whether they are there at all. Who has somebody together with
// others does not change these.
var ofTheWhole = []string{"username", "email", "email_verified", "recovery_email", "employee_id", "code", "source", "source_id", "state", "reason"}

// tenantsAlone are the fields that may give rights over the whole tenant.
func tenantsAlone(field string) bool { return field == "mode" || strings.HasPrefix(field, "flags.") }

// bound refuses the ops on people who are not the caller's.
func (c *carry) bound() error {
	b := c.rules.Bounds
	if b == nil {
		return nil
	}
	seqs := slices.Clone(c.bosses)
	for seq := range c.people {
		seqs = append(seqs, seq)
	}
	may, known, err := b.People(c.tx, seqs)
	if err != nil {
		return err
	}
	for i, op := range c.ops {
		w := c.at[i]
		if there := c.people[op.Person]; there != nil && !known[op.Person] {
			c.out[i].Faults = muster.Errors{muster.Errorf(muster.NotFound, "id", "There is no person %s.", cmp.Or(op.ID, there.row.ID.String()))}
			c.at[i] = nil
			continue
		}
		if w == nil {
			continue
		}
		if boss := c.bosses[i]; boss != 0 && !known[boss] {
			c.fail(i, muster.Errorf(muster.NotFound, "manager", "There is no such person to be the manager."))
			c.bosses[i] = 0
		}
		if w.isNew {
			continue
		}
		w.shared = may[op.Person] == access.Shared
		if may[op.Person] == access.Outside {
			c.out[i].Faults = muster.Errors{muster.Errorf(muster.Forbidden, "", "%s is in none of the units in which you may change people.", w.row.Shown())}
			c.at[i] = nil
		}
	}
	return nil
}

// notTheirs gives the faults of a change that is not the caller's to make.
func (c *carry) notTheirs(w *working, next *store.PersonRow) (faults muster.Errors) {
	if c.rules.Bounds == nil {
		return nil
	}
	for _, f := range muster.Diff(w.row.Record(), next.Record()).Fields {
		switch {
		case tenantsAlone(f.Field):
			faults = append(faults, muster.Errorf(muster.Forbidden, f.Field, "Only who may change people of the whole tenant may set this."))
		case w.shared && slices.Contains(ofTheWhole, f.Field):
			faults = append(faults, muster.Errorf(muster.Forbidden, f.Field, "%s is in other units, too. Only who may change people in all of them may change this.", w.row.Shown()))
		}
	}
	return faults
}

// unknown says which of the people who hold keys the caller does not know of.
func (c *carry) unknown(seqs []int64) (map[int64]bool, error) {
	hidden := map[int64]bool{}
	if c.rules.Bounds == nil || len(seqs) == 0 {
		return hidden, nil
	}
	_, known, err := c.rules.Bounds.People(c.tx, seqs)
	for _, seq := range seqs {
		hidden[seq] = !known[seq]
	}
	return hidden, err
}

// hide takes the units out of a set that are not there for somebody.
func (s *unitSet) hide(known access.Reach) {
	for _, row := range s.byID {
		if !known.Has(row.Path) {
			s.remove(row)
		}
	}
}

// hideFrom is hide for the units that somebody within bounds knows.
func (s *unitSet) hideFrom(b *Bounds) {
	if b != nil {
		s.hide(b.known)
	}
}

// bound refuses the links that are not the caller's to make: out of their units or into groups, and such as take away what others decided.
func (b *ledger) bound(links []link) error {
	for i := range links {
		l := &links[i]
		if l.bounds == nil || len(l.faults) > 0 {
			continue
		}
		switch {
		case l.unit == nil:
			l.faults = append(l.faults, muster.Errorf(muster.Forbidden, "group", "Only who may change people of the whole tenant may change groups."))
		case !l.bounds.may.Has(l.unit.Path):
			l.faults = append(l.faults, muster.Errorf(muster.Forbidden, "unit", "%s is not one of the units in which you may change people.", l.unit.Name))
		case l.primary != nil && *l.primary:
			fault, err := b.takesPrimary(l)
			if err != nil {
				return err
			}
			l.faults = appendFault(l.faults, fault)
		}
	}
	return nil
}

// takesPrimary refuses to make a unit the primary one in place of one that is not the caller's.
func (b *ledger) takesPrimary(l *link) (*muster.Error, error) {
	for _, m := range b.people[l.person].members {
		if m.gone || !m.row.Primary || m.row.UnitKind != l.unit.Kind || m.row.UnitSeq == l.unit.Seq {
			continue
		}
		units, err := b.tx.Units([]int64{m.row.UnitSeq})
		if err != nil || l.bounds.may.Has(units[m.row.UnitSeq].Path) {
			return nil, err
		}
		return muster.Errorf(muster.Forbidden, "primary", "Another unit is primary, and it is not one in which you may change people."), nil
	}
	return nil, nil
}
