package intake

import (
	"strings"
	"time"

	"github.com/musterid/muster"
)

// stateWords are what people and products write for a state, folded.
var stateWords = map[string]muster.State{
	"active": muster.Active, "activated": muster.Active, "enabled": muster.Active, "ok": muster.Active, "actif": muster.Active, "active e": muster.Active,
	"activee": muster.Active, "present": muster.Active, "current": muster.Active, "true": muster.Active, "yes": muster.Active, "oui": muster.Active,
	"staged": muster.Staged, "pending": muster.Staged, "enattente": muster.Staged, "prepare": muster.Staged,
	"suspended": muster.Suspended, "disabled": muster.Suspended, "inactive": muster.Suspended, "inactif": muster.Suspended, "suspendu": muster.Suspended,
	"suspendue": muster.Suspended, "desactive": muster.Suspended, "bloque": muster.Suspended, "blocked": muster.Suspended, "false": muster.Suspended,
	"no": muster.Suspended, "non": muster.Suspended,
	"archived": muster.Archived, "former": muster.Archived, "left": muster.Archived, "archive": muster.Archived, "parti": muster.Archived, "sorti": muster.Archived,
	"transferred": muster.Archived, "transfere": muster.Archived,
	"deleted": muster.Deleted, "supprime": muster.Deleted, "supprimee": muster.Deleted,
}

// stateOf reads a state. opposite is for columns where a yes means that the person may not sign in.
func stateOf(cell string, opposite bool) (muster.State, bool) {
	state, ok := stateWords[muster.Fold(cell)]
	if !ok || !opposite {
		return state, ok
	}
	switch state {
	case muster.Active:
		return muster.Suspended, true
	case muster.Suspended:
		return muster.Active, true
	}
	return state, true
}

// dateOf reads a date in the order the user said; the standard form always.
func dateOf(field, cell, order string) (string, *muster.Error) {
	cell = strings.TrimSpace(cell)
	if t, err := time.Parse("2006-01-02", cell); err == nil {
		return t.Format(time.DateOnly), nil
	}
	layouts := map[string]string{"dmy": "2/1/2006", "mdy": "1/2/2006"}
	if layout, said := layouts[order]; said {
		if t, err := time.Parse(layout, strings.NewReplacer(".", "/", "-", "/", " ", "/").Replace(cell)); err == nil {
			return t.Format(time.DateOnly), nil
		}
		return "", muster.Errorf(muster.Invalid, field, "%q is not a date, neither as 2006-01-31 nor in the order %s.", cut(cell), order)
	}
	return "", muster.Errorf(muster.Invalid, field, "%q is not a date of the form 2006-01-31. If day and month stand first, say so: dates dmy or mdy.", cut(cell))
}

// listOf splits a cell that holds several codes.
func listOf(cell string) []string {
	var list []string
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' || r == '|' || r == '\n' }) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// unitsOf splits a cell that names units. Where Google writes a path, such as /Pupils/6A, its last part is the unit; / alone is none.
func unitsOf(cell string) []string {
	var list []string
	for _, unit := range listOf(cell) {
		if path, isPath := strings.CutPrefix(unit, "/"); isPath {
			path = strings.TrimSuffix(path, "/")
			unit = strings.TrimSpace(path[strings.LastIndexByte(path, '/')+1:])
		}
		if unit != "" {
			list = append(list, unit)
		}
	}
	return list
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
