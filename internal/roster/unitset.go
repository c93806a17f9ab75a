package roster

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// UnitRef names a unit: by id, else by code, with the kind where units of several kinds have it.
type UnitRef struct {
	ID   uuid.UUID
	Kind string
	Code string
}

// ParseUnitRef reads kind:code, or a code alone. No code has a colon in it.
func ParseUnitRef(s string) UnitRef {
	if kind, code, both := strings.Cut(s, ":"); both {
		return UnitRef{Kind: strings.TrimSpace(kind), Code: strings.TrimSpace(code)}
	}
	return UnitRef{Code: strings.TrimSpace(s)}
}

// IsZero says that no unit is named.
func (u UnitRef) IsZero() bool { return u.ID == uuid.Nil && u.Code == "" }

func (u UnitRef) String() string {
	switch {
	case u.ID != uuid.Nil:
		return u.ID.String()
	case u.Kind != "":
		return u.Kind + ":" + u.Code
	}
	return u.Code
}

// unitSet is some units, read once for a whole request.
type unitSet struct {
	byID   map[uuid.UUID]*store.UnitRow
	byCode map[string][]*store.UnitRow
}

// findUnits reads the units that are named, in two statements.
func findUnits(tx *store.Tx, refs []UnitRef) (*unitSet, error) {
	var ids []uuid.UUID
	var codes []string
	for _, ref := range refs {
		if ref.ID != uuid.Nil {
			ids = append(ids, ref.ID)
		} else if ref.Code != "" {
			codes = append(codes, ref.Code)
		}
	}
	byID, err := tx.UnitsByID(ids)
	if err != nil {
		return nil, err
	}
	byCode, err := tx.UnitsByCode(codes)
	if err != nil {
		return nil, err
	}
	set := &unitSet{byID: map[uuid.UUID]*store.UnitRow{}, byCode: map[string][]*store.UnitRow{}}
	for _, row := range byID {
		set.add(&row)
	}
	for _, rows := range byCode {
		for _, row := range rows {
			if set.byID[row.ID] == nil {
				set.add(&row)
			}
		}
	}
	return set, nil
}

func (s *unitSet) add(row *store.UnitRow) {
	s.byID[row.ID] = row
	s.byCode[row.Code] = append(s.byCode[row.Code], row)
}

func (s *unitSet) remove(row *store.UnitRow) {
	delete(s.byID, row.ID)
	s.byCode[row.Code] = slices.DeleteFunc(s.byCode[row.Code], func(u *store.UnitRow) bool { return u == row })
}

// find gives the unit that is named, or the error about a field.
func (s *unitSet) find(field string, ref UnitRef) (*store.UnitRow, *muster.Error) {
	if ref.ID != uuid.Nil {
		if row := s.byID[ref.ID]; row != nil {
			return row, nil
		}
		return nil, muster.Errorf(muster.NotFound, field, "There is no unit %s.", ref)
	}
	rows := s.byCode[ref.Code]
	switch {
	case ref.Kind != "":
		if row := s.coded(ref.Kind, ref.Code); row != nil {
			return row, nil
		}
	case len(rows) == 1:
		return rows[0], nil
	case len(rows) > 1:
		kinds := make([]string, len(rows))
		for i, row := range rows {
			kinds[i] = row.Kind
		}
		slices.Sort(kinds)
		return nil, muster.Errorf(muster.Conflict, field, "There are units %s of several kinds: %s. Write the kind before the code, such as %s:%s.",
			ref.Code, strings.Join(kinds, ", "), kinds[0], ref.Code)
	}
	return nil, muster.Errorf(muster.NotFound, field, "There is no unit %q.", ref)
}

// coded gives the unit of a kind and code, or nil.
func (s *unitSet) coded(kind, code string) *store.UnitRow {
	for _, row := range s.byCode[code] {
		if row.Kind == kind {
			return row
		}
	}
	return nil
}

// versioned gives a unit that is to change, if it is as the caller saw it.
func (s *unitSet) versioned(id uuid.UUID, version int64) (*store.UnitRow, *muster.Error) {
	row := s.byID[id]
	if row == nil {
		return nil, muster.Errorf(muster.NotFound, "id", "There is no unit %s.", id)
	}
	if version != 0 && version != row.Version {
		return nil, muster.Errorf(muster.Stale, "", "%s was changed meanwhile (version %d, not %d). Read it again.", row.Name, row.Version, version)
	}
	return row, nil
}

// recoded keeps byCode true when a unit is given another code.
func (s *unitSet) recoded(row *store.UnitRow, code string) {
	if row.Code == code {
		return
	}
	s.remove(row)
	s.byID[row.ID] = row
	s.byCode[code] = append(s.byCode[code], row)
}

// moved keeps paths true when a unit moves with all below it.
func (s *unitSet) moved(from, to string) {
	for _, row := range s.byID {
		if rest, below := strings.CutPrefix(row.Path, from); below {
			row.Path = to + rest
		}
	}
}

func (s *unitSet) depth(id uuid.UUID) int {
	if row := s.byID[id]; row != nil {
		return store.UnitDepth(row.Path)
	}
	return 0
}

// UnitQuery is which units to list. Zero fields do not filter.
type UnitQuery struct {
	Kind   string
	Parent uuid.UUID
	Top    bool      // only those without a parent
	Below  uuid.UUID // this unit and all below
	Code   string
	Name   string // the beginning, ignoring case and accents
	Closed *bool

	After int64 // Seq of the last one of the page before
	Limit int   // 50 when 0, at most 1,000
}

// Units gives one page of units, in the order in which they came.
func (r *Roster) Units(ctx context.Context, caller muster.Caller, q UnitQuery) (list []muster.Unit, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		rows := store.UnitQuery{Kind: q.Kind, Top: q.Top, Code: q.Code, Name: q.Name, Closed: q.Closed, Within: reach.Filter(), AfterSeq: q.After, Limit: pageLimit(q.Limit)}
		known, err := knownUnits(tx, reach, []UnitRef{{ID: q.Parent}, {ID: q.Below}})
		if err != nil {
			return err
		}
		if q.Parent != uuid.Nil {
			parent, fault := known.find("parent", UnitRef{ID: q.Parent})
			if fault != nil {
				return fault
			}
			rows.Parent = parent.Seq
		}
		if q.Below != uuid.Nil {
			top, fault := known.find("below", UnitRef{ID: q.Below})
			if fault != nil {
				return fault
			}
			rows.Below = top.Path
		}
		found, err := tx.ListUnits(rows)
		for _, u := range found {
			list = append(list, u.Unit)
		}
		return err
	})
	return list, err
}

// FindUnits gives the units that are named.
func (r *Roster) FindUnits(ctx context.Context, caller muster.Caller, refs []UnitRef) (out []UnitResult, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		out = make([]UnitResult, len(refs))
		known, err := knownUnits(tx, reach, refs)
		if err != nil {
			return err
		}
		for i, ref := range refs {
			row, fault := known.find("unit", ref)
			if out[i].Faults = appendFault(nil, fault); fault == nil {
				out[i].Unit = row.Unit
			}
		}
		return nil
	})
	return out, err
}

// Unit gives one unit.
func (r *Roster) Unit(ctx context.Context, caller muster.Caller, ref UnitRef) (muster.Unit, error) {
	out, err := r.FindUnits(ctx, caller, []UnitRef{ref})
	if err != nil {
		return muster.Unit{}, err
	}
	return out[0].Unit, out[0].Faults.Or()
}
