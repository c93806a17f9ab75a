package intake

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// Submitted is one row of an import as it came.
type Submitted struct {
	Row   int               // as the user sees it in the file
	Cells map[string]string // by field: what stands in the columns that mean something, without blanks around
}

// RowsOf gives the rows that items of an import are of, by index. Rows that are kept no longer are absent.
func (in *Intake) RowsOf(ctx context.Context, caller muster.Caller, b batch.Batch, items []muster.Item) (map[int]Submitted, error) {
	if b.Kind != muster.ImportBatch {
		return nil, muster.Errorf(muster.Unsupported, "", "Only an import has rows.")
	}
	o, err := OptionsOf(b)
	if err != nil {
		return nil, err
	}
	found := make(map[int]Submitted, len(items))
	err = in.eachRow(ctx, caller, b, items, func(item *muster.Item, row *batch.Row) {
		found[item.Index] = Submitted{Row: row.Number, Cells: o.cellsOf(row)}
	})
	return found, err
}

// rowsAtOnce is how many rows are read at a time to look at some of them.
const rowsAtOnce = 250

// eachRow shows the row of each item to see, those of one neighbourhood with one read.
func (in *Intake) eachRow(ctx context.Context, caller muster.Caller, b store.BatchRow, items []muster.Item, see func(*muster.Item, *batch.Row)) error {
	var rows []batch.Row
	from, end := 0, 0
	for i := range items {
		item := &items[i]
		if item.Index < from || item.Index >= end {
			from = item.Index - item.Index%rowsAtOnce
			end = from + rowsAtOnce
			var err error
			if rows, err = in.engine.Rows(ctx, caller, b, from, rowsAtOnce); err != nil {
				return err
			}
		}
		if n := item.Index - from; n < len(rows) {
			see(item, &rows[n])
		}
	}
	return nil
}

// cellsOf gives what stands in a row by field. Of a JSON object these are the members that mean a field; what is no text is given as JSON.
func (o *Options) cellsOf(row *batch.Row) map[string]string {
	cells := make(map[string]string, len(o.Columns))
	for _, c := range o.Columns {
		if c.Field != "" && c.Index < len(row.Cells) && !isSecret(c.Field) {
			cells[c.Field] = strings.TrimSpace(row.Cells[c.Index])
		}
	}
	var object map[string]json.RawMessage
	if row.JSON == nil || json.Unmarshal(row.JSON, &object) != nil {
		return cells
	}
	for name, value := range object {
		field := name
		if !muster.KnownField(name) {
			field = sheet.FieldOf(name)
		}
		if field == "" || isSecret(field) || sheet.Ours(name) {
			continue
		}
		text := ""
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		cells[field] = strings.TrimSpace(text)
	}
	return cells
}
