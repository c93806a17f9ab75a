package store

import (
	"strings"

	"github.com/musterid/muster"
)

// ItemPage is which items of a batch to give. What is asked for in no way is not given.
type ItemPage struct {
	Batch     int64
	Pending   bool // planned ones too
	Changed   bool // done, and something came of it
	Unchanged bool // done, and there was nothing to do
	Failed    bool
	Skipped   bool

	From  int // the first index to look at
	Skip  int // how many of those asked for to pass over
	Limit int
}

// ItemsPage gives the stored items of a batch that are asked for, in order. Passing over costs as much as looking at what lies between, within the
// one batch: whoever knows where to begin says From.
func (tx *Tx) ItemsPage(p ItemPage) ([]muster.Item, error) {
	if !p.Pending && !p.Changed && !p.Unchanged && !p.Failed && !p.Skipped {
		return nil, nil
	}
	query, args := tx.itemsPage(p)
	return tx.items(query, args)
}

func (tx *Tx) itemsPage(p ItemPage) (query string, args []any) {
	w := where{}
	w.add("t.id >= ? AND t.id < ?", muster.ItemKey(p.Batch, p.From), muster.ItemKey(p.Batch+1, 0))
	w.add("t.tenant = ?", tx.tenant)
	if conditions := p.conditions(); len(conditions) > 0 {
		if !p.Pending && !p.Changed && !p.Unchanged {
			w.add("t.state IN ('failed', 'skipped')") // for the index that holds only these
		}
		w.add("(" + strings.Join(conditions, " OR ") + ")")
	}
	query = "SELECT " + itemColumns + " FROM item t WHERE " + w.sql() + " ORDER BY t.id LIMIT " + w.arg(p.Limit)
	if p.Skip > 0 {
		query += " OFFSET " + w.arg(p.Skip)
	}
	return query, w.args
}

// conditions are one for each kind of items that is asked for; none when that is all of them.
func (p ItemPage) conditions() []string {
	if p.Pending && p.Changed && p.Unchanged && p.Failed && p.Skipped {
		return nil
	}
	var list []string
	for _, c := range []struct {
		asked bool
		sql   string
	}{
		{p.Pending, "t.state IN ('pending', 'planned')"},
		{p.Changed && p.Unchanged, "t.state = 'done'"},
		{p.Changed && !p.Unchanged, "t.state = 'done' AND t.change IS NOT NULL"},
		{p.Unchanged && !p.Changed, "t.state = 'done' AND t.change IS NULL"},
		{p.Failed, "t.state = 'failed'"},
		{p.Skipped, "t.state = 'skipped'"},
	} {
		if c.asked {
			list = append(list, c.sql)
		}
	}
	return list
}
