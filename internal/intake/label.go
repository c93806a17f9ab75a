package intake

import (
	"cmp"
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
)

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
	profile, err := in.profileOf(&o)
	if err != nil {
		profile = nil // its batch says so; names in our own words can be read all the same
	}
	labels := map[int]string{}
	nameless := make([]muster.Item, 0, len(items))
	for _, item := range items {
		if item.Person == 0 && item.Change.Empty() {
			nameless = append(nameless, item)
		}
	}
	err = in.eachRow(ctx, caller, b, nameless, func(item *muster.Item, row *batch.Row) {
		if label := o.label(row, profile); label != "" {
			labels[item.Index] = label
		}
	})
	return labels, err
}

// label is what the row itself calls whom it means.
func (o *Options) label(row *batch.Row, profile *Profile) string {
	if row.JSON == nil {
		profile = nil // what stands in the cells
	}
	w := o.asked(row, profile)
	name := muster.Person{DisplayName: w.text("display_name"), FirstName: w.text("first_name"), LastName: w.text("last_name")}.Shown()
	return cut(cmp.Or(name, w.text("email"), w.text("username"), w.text("source_id")))
}
