package sheet

import (
	"fmt"

	"github.com/musterid/muster"
)

// Limits bound what one upload may cost. A zero field takes its default. An error about a limit has code TooLong and names the limit by its JSON
// name, which is also the name of the setting.
type Limits struct {
	Bytes         int64 `json:"upload_bytes"`   // the file as it is sent
	Rows          int   `json:"rows"`           // rows of data, the header and blank rows not counted
	Columns       int   `json:"columns"`        // columns of a table
	CellBytes     int   `json:"cell_bytes"`     // one cell, in UTF-8
	LineBytes     int   `json:"line_bytes"`     // one line of a text file, or one object of a JSON array
	InflatedBytes int64 `json:"inflated_bytes"` // what a workbook's parts inflate to, together
	Ratio         int   `json:"ratio"`          // inflated to compressed size of one part, counted above 10 MiB
	Depth         int   `json:"depth"`          // nesting of JSON
}

// DefaultLimits are the limits of an installation that sets none.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 512 << 20, Rows: 1_100_000, Columns: 256, CellBytes: 32 << 10, LineBytes: 1 << 20,
		InflatedBytes: 4 << 30, Ratio: 100, Depth: 32,
	}
}

// Parts of a workbook, and the inflated size below which a ratio says nothing. Fixed: no real file comes near.
const (
	maxParts       = 1000
	ratioFrom      = 10 << 20
	maxDirectory   = 4 << 20 // bytes read while listing a workbook's parts
	maxHeaderBytes = 64 << 10
)

func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	l.Bytes, l.InflatedBytes = positive(l.Bytes, d.Bytes), positive(l.InflatedBytes, d.InflatedBytes)
	l.Rows, l.Columns, l.CellBytes = positive(l.Rows, d.Rows), positive(l.Columns, d.Columns), positive(l.CellBytes, d.CellBytes)
	l.LineBytes, l.Ratio, l.Depth = positive(l.LineBytes, d.LineBytes), positive(l.Ratio, d.Ratio), positive(l.Depth, d.Depth)
	return l
}

func positive[T int | int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// tooLong is the one shape of an error about a limit.
func tooLong(limit, format string, args ...any) *muster.Error {
	return muster.Errorf(muster.TooLong, "", format+" (limit %s).", append(args, limit)...)
}

// size says a number of bytes the way people do.
func size[T int | int64](n T) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
