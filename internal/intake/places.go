package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// place puts everybody into the unit of the import, where it has one. A row that names another one has strayed into this file.
func (w *wish) place(o *Options) {
	if o.Unit == uuid.Nil {
		return
	}
	for _, unit := range w.units {
		if !slices.ContainsFunc(o.UnitNames, func(name string) bool { return strings.EqualFold(name, unit) }) {
			w.faults = append(w.faults, muster.Errorf(muster.Invalid, "unit", "Everybody in this file joins %s, and this row names %q.", o.UnitNames[1], cut(unit)))
		}
	}
	w.units = o.UnitNames[:1]
}

// unitRef reads how a row names a unit: by its id, its code, or its kind and code.
func unitRef(s string) roster.UnitRef {
	if len(s) == 36 {
		if id, err := uuid.Parse(s); err == nil {
			return roster.UnitRef{ID: id}
		}
	}
	return roster.ParseUnitRef(s)
}

// joinsOf gives the units and groups that a row puts a person into.
func (w *wish) joinsOf(person int64) []roster.Join {
	var joins []roster.Join
	for _, unit := range w.units {
		j := roster.Join{Person: person, Unit: unitRef(unit)}
		if w.title != "" {
			j.Title = &w.title
		}
		if w.role != "" {
			j.Roles = []roster.RoleGrant{{Role: w.role, Secondary: w.second, Cycles: w.cycles, Subjects: w.subjects}}
		}
		joins = append(joins, j)
	}
	for _, code := range w.groups {
		joins = append(joins, roster.Join{Person: person, Group: code})
	}
	return joins
}

// checkPlaces finds the faults in the units and groups of rows, before anything is written: a row is done whole or not at all. It gives all
// faults of each row so far.
func (in *Intake) checkPlaces(tx *store.Tx, m *match) ([]muster.Errors, error) {
	var joins []roster.Join
	var rows []int
	for i := range m.wishes {
		person := m.person[i]
		if person == 0 {
			person = -int64(i) - 1
		}
		for _, j := range m.wishes[i].joinsOf(person) {
			if !m.skip[m.first+i] && !m.gone[i] {
				j.Bounds = m.bounds
				joins, rows = append(joins, j), append(rows, i)
			}
		}
	}
	if len(joins) == 0 {
		return m.faults, nil
	}
	joined, err := roster.JoinAll(tx, joins, true)
	if err != nil {
		return nil, err
	}
	for n, j := range joined {
		for _, fault := range j.Faults {
			m.faults[rows[n]] = append(m.faults[rows[n]], ofRow(fault))
		}
	}
	return m.faults, nil
}

// ofRow says a fault of a membership in the fields of a row, which has one role.
func ofRow(fault *muster.Error) *muster.Error {
	field := strings.TrimPrefix(fault.Field, "roles[0].")
	switch field {
	case fault.Field:
		if field != "title" {
			return fault
		}
		field = "unit_title"
	case "secondary":
		field = "secondary_role"
	}
	own := *fault
	own.Field = field
	return &own
}

// putInPlaces puts the people of rows that are done into their units and groups, and adds that to the rows' changes.
func (in *Intake) putInPlaces(tx *store.Tx, m *match, items []muster.Item, dry bool) error {
	var joins []roster.Join
	var rows []int
	for i := range items {
		if m.passOver(i) || items[i].State == muster.FailedItem {
			continue
		}
		person := items[i].Person
		if person <= 0 {
			person = -int64(i) - 1
		}
		for _, j := range m.wishes[i].joinsOf(person) {
			j.Bounds = m.bounds
			joins, rows = append(joins, j), append(rows, i)
		}
	}
	if len(joins) == 0 {
		return nil
	}
	joined, err := roster.JoinAll(tx, joins, dry)
	if err != nil {
		return err
	}
	for n, j := range joined {
		item := &items[rows[n]]
		if len(j.Faults) > 0 { // it was there when the row was checked: look again
			return fmt.Errorf("%w: unit or group of row %d: %v", store.ErrClash, item.Row, j.Faults)
		}
		if j.Change.Empty() {
			continue
		}
		if item.Change.Empty() {
			item.Change.Action = muster.Update
		}
		item.Change.Fields = append(item.Change.Fields, j.Change.Fields...)
		slices.SortFunc(item.Change.Fields, func(a, b muster.FieldChange) int { return strings.Compare(a.Field, b.Field) })
	}
	return nil
}
