package sheet

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// setHeader reads the header row: cells are trimmed, a blank one is named after its column, and no two may say the same.
func (r *Reader) setHeader(rec record) error {
	cells := rec.cells
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(unneutralise(cells[i])), "\uFEFF"))
	}
	last := len(cells)
	for last > 0 && cells[last-1] == "" {
		last--
	}
	if last > r.limits.Columns || rec.beyond {
		return tooLong("columns", "The header in row %d has more than %d columns", rec.number, r.limits.Columns)
	}
	if r.format.Kind == XLSX {
		cells = cells[:last] // a sheet may be formatted to its far edge
	}
	cells = cells[:min(len(cells), r.limits.Columns)]
	seen := make(map[string]int, len(cells))
	for i, c := range cells {
		if len(c) > r.limits.CellBytes {
			return tooLong("cell_bytes", "The header of column %s is longer than %s", ColumnName(i), size(r.limits.CellBytes))
		}
		if !utf8.ValidString(c) {
			return muster.Errorf(muster.Invalid, "", "The header of column %s is not valid text.", ColumnName(i))
		}
		key := strings.ToLower(c)
		if first, twice := seen[key]; twice && c != "" && !secretField(FieldOf(c)) {
			return muster.Errorf(muster.Invalid, "", "Columns %s and %s have the same header, %q. Rename or remove one of them.", ColumnName(first), ColumnName(i), short(c))
		}
		seen[key] = i
	}
	for i, c := range cells {
		if c == "" {
			cells[i] = unusedName(i, seen)
		}
	}
	r.header = cells
	return nil
}

func unusedName(i int, seen map[string]int) string {
	name := "Column " + ColumnName(i)
	for n := 2; ; n++ {
		if _, used := seen[strings.ToLower(name)]; !used {
			return name
		}
		name = fmt.Sprintf("Column %s (%d)", ColumnName(i), n)
	}
}

// ColumnName is the letters a spreadsheet shows above column i, counted from 0: A … Z, AA ….
func ColumnName(i int) string {
	var letters [8]byte
	at := len(letters)
	for i++; i > 0; i = (i - 1) / 26 {
		at--
		letters[at] = byte('A' + (i-1)%26)
	}
	return string(letters[at:])
}

// Ours reports whether a column was added by us to a result sheet. It is ignored when the sheet comes back.
func Ours(header string) bool {
	h := strings.TrimSpace(header)
	return len(h) > len(oursPrefix) && strings.EqualFold(h[:len(oursPrefix)], oursPrefix)
}

const oursPrefix = "muster_"
