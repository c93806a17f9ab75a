package intake

import (
	"context"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
)

// findRows is how many rows of a batch Find looks through, and findAtOnce how many are read at a time.
const (
	findRows   = 100_000
	findAtOnce = 1_000
)

// Find gives one page of the items of an import in whose row the e-mail address contains a text, ignoring case, and that have one of some outcomes
// (none named: any), and how many there are in all. Addresses stand in the rows alone, so all rows are looked through: it is for somebody who types
// into a search box, and not for what is asked every second. Batches of very many rows are refused, and rows that are kept no longer not found.
func (in *Intake) Find(ctx context.Context, caller muster.Caller, b batch.Batch, email string, outcomes []batch.ItemOutcome, skip, limit int) (found []muster.Item, total int, err error) {
	if b.Kind != muster.ImportBatch {
		return nil, 0, muster.Errorf(muster.Unsupported, "", "Only an import has rows.")
	}
	if b.Total > findRows {
		return nil, 0, muster.Errorf(muster.TooLong, "", "A batch of more than %d rows cannot be searched. Look for the person in the directory instead.", findRows)
	}
	o, err := OptionsOf(b)
	if err != nil {
		return nil, 0, err
	}
	text := strings.ToLower(strings.TrimSpace(email))
	for from := 0; from < b.Total; from += findAtOnce {
		rows, err := in.engine.Rows(ctx, caller, b, from, findAtOnce)
		if err != nil {
			return nil, 0, err
		}
		if !slices.ContainsFunc(rows, func(r batch.Row) bool { return o.addressHas(&r, text) }) {
			continue
		}
		items, err := in.engine.Items(ctx, caller, b, "", from, findAtOnce)
		if err != nil {
			return nil, 0, err
		}
		for _, item := range items {
			n := item.Index - from
			if n >= len(rows) || !o.addressHas(&rows[n], text) || len(outcomes) > 0 && !slices.Contains(outcomes, batch.OutcomeOf(item)) {
				continue
			}
			if total++; total > skip && len(found) < limit {
				found = append(found, item)
			}
		}
	}
	return found, total, nil
}

// addressHas says whether the e-mail address that stands in a row contains a text of small letters.
func (o *Options) addressHas(row *batch.Row, text string) bool {
	if row.JSON != nil {
		return strings.Contains(strings.ToLower(o.cellsOf(row)["email"]), text)
	}
	for _, c := range o.Columns {
		if c.Field == "email" && c.Index < len(row.Cells) {
			return strings.Contains(strings.ToLower(row.Cells[c.Index]), text)
		}
	}
	return false
}
