package roster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// MaxDepth is how many units may stand one below the other.
const MaxDepth = 32

// NewUnit is a unit to be made. Its parent may be one that stands earlier in the same request.
type NewUnit struct {
	Kind, Code, Name string
	Parent           UnitRef // the zero UnitRef: at the top
	Attributes       map[string]string
	Closed           bool
}

// UnitChange is what is to become of a unit. What is nil stays. The kind of a unit never changes.
type UnitChange struct {
	Unit       uuid.UUID
	Version    int64 // that the caller saw; 0 accepts any
	Code       *string
	Name       *string
	Parent     *UnitRef          // the zero UnitRef: to the top
	Attributes map[string]string // to be set; an empty value removes the attribute
	Closed     *bool             // a closed unit is marked as no longer in use, and is otherwise like any
}

// UnitDelete is a unit to be removed for good. It must be empty.
type UnitDelete struct {
	Unit    uuid.UUID
	Version int64 // that the caller saw; 0 accepts any
}

// UnitResult is what became of one element.
type UnitResult struct {
	Unit   muster.Unit // as it is afterwards; as it was, when it is removed
	Change muster.Change
	Faults muster.Errors // why nothing was done
}

// CreateUnits makes units. A code that is held by another unit of the kind is muster.Conflict, naming that unit.
func (r *Roster) CreateUnits(ctx context.Context, caller muster.Caller, list []NewUnit) (out []UnitResult, err error) {
	return r.createUnits(ctx, caller, list, false)
}

// CreateUnitsTogether is CreateUnits that makes all of them or none: a fault in one leaves the others unmade, without one of their own.
func (r *Roster) CreateUnitsTogether(ctx context.Context, caller muster.Caller, list []NewUnit) (out []UnitResult, err error) {
	return r.createUnits(ctx, caller, list, true)
}

func (r *Roster) createUnits(ctx context.Context, caller muster.Caller, list []NewUnit, together bool) (out []UnitResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]UnitResult, len(list))
		refs := make([]UnitRef, 0, 2*len(list))
		for _, n := range list {
			refs = append(refs, n.Parent, UnitRef{Kind: n.Kind, Code: n.Code})
		}
		known, err := readTree(tx, refs)
		if err != nil {
			return err
		}
		seqs, err := tx.NextUnits(len(list))
		if err != nil {
			return err
		}
		var rows []*store.UnitRow
		var entries []muster.AuditEntry
		for i, n := range list {
			row, faults := newUnit(known, n, seqs[i])
			if out[i].Faults = faults; len(faults) > 0 {
				continue
			}
			known.add(row)
			rows = append(rows, row)
			out[i].Change = muster.Diff(nil, row.Record())
			entries = append(entries, entryOf(caller, "unit.create", "unit "+row.ID.String(), out[i].Change))
		}
		if together && len(rows) < len(list) {
			return nil
		}
		if err := tx.InsertUnits(rows); err != nil {
			return err
		}
		for i := range out {
			if len(out[i].Faults) == 0 {
				out[i].Unit = rows[0].Unit
				rows = rows[1:]
			}
		}
		return tx.Audit(entries)
	})
	return out, err
}

// readTree locks the tree and reads the units named.
func readTree(tx *store.Tx, refs []UnitRef) (*unitSet, error) {
	if err := tx.LockTree(); err != nil {
		return nil, err
	}
	return findUnits(tx, refs)
}

func newUnit(known *unitSet, n NewUnit, seq int64) (*store.UnitRow, muster.Errors) {
	row := &store.UnitRow{Unit: muster.Unit{
		Seq: seq, ID: uuid.Must(uuid.NewV7()), Kind: n.Kind, Code: n.Code, Name: n.Name, Attributes: n.Attributes, Closed: n.Closed,
	}}
	faults := row.Validate()
	if holder := known.coded(n.Kind, n.Code); holder != nil {
		faults = append(faults, unitHeld(holder))
	}
	var parent *store.UnitRow
	if !n.Parent.IsZero() {
		var fault *muster.Error
		if parent, fault = known.find("parent", n.Parent); fault != nil {
			return nil, append(faults, fault)
		}
		row.ParentSeq, row.Parent = parent.Seq, parent.ID
	}
	row.Path = store.UnitPath(parent, seq)
	if store.UnitDepth(row.Path) > MaxDepth {
		faults = append(faults, tooDeep())
	}
	return row, faults
}

func unitHeld(holder *store.UnitRow) *muster.Error {
	return muster.Errorf(muster.Conflict, "code", "There is a unit %s of the kind %s already: %s.", holder.Code, holder.Kind, holder.ID)
}

func tooDeep() *muster.Error {
	return muster.Errorf(muster.TooLong, "parent", "At most %d units may stand one below the other.", MaxDepth)
}

// ChangeUnits changes units, one after the other.
func (r *Roster) ChangeUnits(ctx context.Context, caller muster.Caller, list []UnitChange) (out []UnitResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]UnitResult, len(list))
		var refs []UnitRef
		for _, c := range list {
			refs = append(refs, UnitRef{ID: c.Unit})
			if c.Parent != nil {
				refs = append(refs, *c.Parent)
			}
			if c.Code != nil {
				refs = append(refs, UnitRef{Code: *c.Code})
			}
		}
		known, err := readTree(tx, refs)
		if err != nil {
			return err
		}
		var entries []muster.AuditEntry
		for i, c := range list {
			if err := changeUnit(tx, known, c, &out[i]); err != nil {
				return err
			}
			if !out[i].Change.Empty() {
				entries = append(entries, entryOf(caller, "unit.update", "unit "+c.Unit.String(), out[i].Change))
			}
		}
		return tx.Audit(entries)
	})
	return out, err
}

func changeUnit(tx *store.Tx, known *unitSet, c UnitChange, out *UnitResult) error {
	row, fault := known.versioned(c.Unit, c.Version)
	if fault != nil {
		out.Faults = muster.Errors{fault}
		return nil
	}
	next := c.applied(*row)
	out.Faults = next.Validate()
	if holder := known.coded(next.Kind, next.Code); holder != nil && holder != row {
		out.Faults = append(out.Faults, unitHeld(holder))
	}
	parent := (*store.UnitRow)(nil)
	if c.Parent != nil {
		var err error
		if parent, fault, err = destination(tx, known, row, *c.Parent); err != nil {
			return err
		}
		out.Faults = appendFault(out.Faults, fault)
		next.Parent = uuid.Nil
		if parent != nil {
			next.Parent = parent.ID
		}
	}
	if len(out.Faults) > 0 {
		return nil
	}
	out.Change = muster.Diff(row.Record(), next.Record())
	if !out.Change.Empty() {
		if _, moves := out.Change.Field("parent"); moves {
			if err := tx.MoveUnit(&next, parent); err != nil {
				return err
			}
			known.moved(row.Path, next.Path)
		}
		if err := tx.UpdateUnit(&next); err != nil {
			return err
		}
		known.recoded(row, next.Code)
		*row = next
	}
	out.Unit = row.Unit
	return nil
}

// applied gives the unit with the change made, but for its place in the tree.
func (c UnitChange) applied(u store.UnitRow) store.UnitRow {
	if c.Code != nil {
		u.Code = *c.Code
	}
	if c.Name != nil {
		u.Name = *c.Name
	}
	if c.Closed != nil {
		u.Closed = *c.Closed
	}
	if len(c.Attributes) > 0 {
		attributes := maps.Clone(u.Attributes)
		if attributes == nil {
			attributes = map[string]string{}
		}
		maps.Copy(attributes, c.Attributes)
		maps.DeleteFunc(attributes, func(_, value string) bool { return value == "" })
		u.Attributes = attributes
	}
	return u
}

// destination gives the parent under which a unit is to hang, nil for the top. It refuses circles and trees that would be too deep.
func destination(tx *store.Tx, known *unitSet, u *store.UnitRow, to UnitRef) (*store.UnitRow, *muster.Error, error) {
	if to.IsZero() {
		return nil, nil, nil
	}
	parent, fault := known.find("parent", to)
	if fault != nil {
		return nil, fault, nil
	}
	if strings.HasPrefix(parent.Path, u.Path) {
		return nil, muster.Errorf(muster.Invalid, "parent", "A unit cannot stand below itself."), nil
	}
	deepest, err := tx.DepthBelow(u.Path)
	if err != nil {
		return nil, nil, err
	}
	if store.UnitDepth(parent.Path)+1+deepest-store.UnitDepth(u.Path) > MaxDepth {
		return nil, tooDeep(), nil
	}
	return parent, nil, nil
}

// DeleteUnits removes units for good. One that still has people or units in it is muster.Conflict; those that stand in the same request are
// removed first.
func (r *Roster) DeleteUnits(ctx context.Context, caller muster.Caller, list []UnitDelete) (out []UnitResult, err error) {
	err = r.change(ctx, caller, func(tx *store.Tx) error {
		out = make([]UnitResult, len(list))
		refs := make([]UnitRef, len(list))
		for i, d := range list {
			refs[i].ID = d.Unit
		}
		known, err := readTree(tx, refs)
		if err != nil {
			return err
		}
		uses, err := unitUses(tx, known)
		if err != nil {
			return err
		}
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(known.depth(list[b].Unit), known.depth(list[a].Unit)) })
		var seqs []int64
		var entries []muster.AuditEntry
		for _, i := range order {
			row, fault := known.versioned(list[i].Unit, list[i].Version)
			if fault == nil {
				fault = uses[row.Seq].hinders(row)
			}
			if fault != nil {
				out[i].Faults = muster.Errors{fault}
				continue
			}
			if parent := uses[row.ParentSeq]; parent != nil {
				parent.Children--
			}
			known.remove(row)
			seqs = append(seqs, row.Seq)
			out[i].Unit, out[i].Change = row.Unit, muster.Diff(row.Record(), nil)
			entries = append(entries, entryOf(caller, "unit.delete", "unit "+row.ID.String(), out[i].Change))
		}
		if err := tx.DeleteUnits(seqs); err != nil {
			return err
		}
		return tx.Audit(entries)
	})
	return out, err
}

type unitUse store.Use

// unitUses says what is in units that are to be removed. Nobody can join them from here on.
func unitUses(tx *store.Tx, known *unitSet) (map[int64]*unitUse, error) {
	var seqs []int64
	for _, row := range known.byID {
		seqs = append(seqs, row.Seq)
	}
	if err := tx.KeepOutOfUnits(seqs); err != nil {
		return nil, err
	}
	found, err := tx.UnitsInUse(seqs)
	uses := make(map[int64]*unitUse, len(found))
	for seq, use := range found {
		uses[seq] = (*unitUse)(&use)
	}
	return uses, err
}

func (u *unitUse) hinders(row *store.UnitRow) *muster.Error {
	switch {
	case u.Members:
		return muster.Errorf(muster.Conflict, "", "There are people in %s. Take them out first, or close the unit.", row.Name)
	case u.Children > 0:
		return muster.Errorf(muster.Conflict, "", "There are units below %s. Move or remove them first, or close the unit.", row.Name)
	}
	return nil
}
