package intake

import (
	"cmp"
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
)

// labelRows is how many rows are read at a time to label some of them.
const labelRows = 250

// Labels says by index what items of an import are to be known by that show nobody: the name that stands in the row, else its e-mail address, else
// its username or source id. Rows that name nobody, or are kept no longer, have no label.
func (in *Intake) Labels(ctx context.Context, caller muster.Caller, b store.BatchRow, items []muster.Item) (map[int]string, error) {
	if b.Kind != muster.ImportBatch {
		return nil, nil
	}
	o, err := OptionsOf(b)
	if err != nil {
		return nil, err
	}
	var rows []batch.Row
	labels, from, end := map[int]string{}, 0, 0
	for i := range items {
		item := &items[i]
		if item.Person != 0 || !item.Change.Empty() {
			continue
		}
		if item.Index < from || item.Index >= end {
			from = item.Index - item.Index%labelRows
			end = from + labelRows
			if rows, err = in.engine.Rows(ctx, caller, b, from, labelRows); err != nil {
				return nil, err
			}
		}
		if n := item.Index - from; n < len(rows) {
			if label := o.label(&rows[n]); label != "" {
				labels[item.Index] = label
			}
		}
	}
	return labels, nil
}

// label is what the row itself calls whom it means.
func (o *Options) label(row *batch.Row) string {
	w := o.asked(row)
	name := muster.Person{DisplayName: w.text("display_name"), FirstName: w.text("first_name"), LastName: w.text("last_name")}.Shown()
	return cut(cmp.Or(name, w.text("email"), w.text("username"), w.text("source_id")))
}
