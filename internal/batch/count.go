package batch

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// count adds items to the counts of their batch: the outcomes to Counts, what is only planned to Plan.
func count(b *store.BatchRow, items []muster.Item) {
	c := &b.Counts
	for i := range items {
		item := &items[i]
		switch item.State {
		case muster.FailedItem:
			c.Failed++
			continue
		case muster.SkippedItem:
			c.Skipped++
			continue
		case muster.DoneItem:
			c.Done++
		default:
			b.Plan.Add(item.Change)
			continue
		}
		switch item.Change.Action {
		case muster.Create:
			c.Created++
		case muster.Update, muster.Delete:
			c.Updated++
		default:
			c.Unchanged++
		}
		if item.Change.Disables() {
			c.Disables++
		}
		if item.Change.Renames() {
			c.Renames++
		}
		if len(item.Reasons) > 0 {
			c.Warnings++
		}
	}
}

// forgetPlan takes an item that is planned anew out of the plan's counts.
func forgetPlan(b *store.BatchRow, was muster.Item) {
	var p muster.Plan
	p.Add(was.Change)
	b.Plan.Create -= p.Create
	b.Plan.Update -= p.Update
	b.Plan.Unchanged -= p.Unchanged
	b.Plan.Disables -= p.Disables
	b.Plan.Renames -= p.Renames
}
