package batch

import (
	"context"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// ItemOutcome is what came of an item, in one word for each that people ask for. Every item of a batch has exactly one at any moment.
type ItemOutcome string

// The outcomes.
const (
	OutcomePending   ItemOutcome = "pending"   // none yet; perhaps planned
	OutcomeDone      ItemOutcome = "done"      // something was made or changed
	OutcomeUnchanged ItemOutcome = "unchanged" // done, and there was nothing to change
	OutcomeFailed    ItemOutcome = "failed"
	OutcomeSkipped   ItemOutcome = "skipped"
)

// OutcomeOf is the outcome of an item.
func OutcomeOf(i muster.Item) ItemOutcome {
	switch i.State {
	case muster.DoneItem:
		if i.Change.Empty() {
			return OutcomeUnchanged
		}
		return OutcomeDone
	case muster.FailedItem:
		return OutcomeFailed
	case muster.SkippedItem:
		return OutcomeSkipped
	}
	return OutcomePending
}

// Page gives one page of the items that have one of some outcomes (none named: of all), in order, and how many of them there are in all. The total
// comes from the batch's counts, and the two are of the same moment, also while the batch is worked on: b may have been read before.
//
// Asking costs what stands between the batch's beginning and the page at the most, and as a rule only the page. For a total alone, ask for a
// limit of 0.
func (e *Engine) Page(ctx context.Context, caller muster.Caller, b store.BatchRow, outcomes []ItemOutcome, skip, limit int) (items []muster.Item, total int, err error) {
	err = e.viewOf(ctx, caller, b.Seq, func(tx *store.Tx) error {
		now, err := tx.BatchBySeq(b.Seq)
		if err != nil {
			return err
		}
		p := page{tx: tx, b: &now, outcomes: outcomes}
		total = p.total()
		items, err = p.read(max(skip, 0), limit, total)
		return err
	})
	return items, total, err
}

// page is one asking for a page of items.
type page struct {
	tx       *store.Tx
	b        *store.BatchRow
	outcomes []ItemOutcome
}

func (p *page) asks(o ItemOutcome) bool {
	return len(p.outcomes) == 0 || slices.Contains(p.outcomes, o)
}

func (p *page) total() (n int) {
	c := p.b.Counts
	for outcome, count := range map[ItemOutcome]int{
		OutcomePending: c.Pending(p.b.Total), OutcomeDone: c.Done - c.Unchanged, OutcomeUnchanged: c.Unchanged, OutcomeFailed: c.Failed, OutcomeSkipped: c.Skipped,
	} {
		if p.asks(outcome) {
			n += count
		}
	}
	return n
}

// read gives the page. The counts say how many of the stored items are asked for, so that nobody looks for more than there are; where all of them
// are, an item's place on the list is its index.
func (p *page) read(skip, limit, total int) ([]muster.Item, error) {
	if limit = min(limit, total-skip); limit <= 0 {
		return nil, nil
	}
	stored, err := p.stored()
	if err != nil {
		return nil, err
	}
	matching := total
	if p.asks(OutcomeOf(muster.Item{State: restState(p.b)})) {
		matching -= p.b.Total - stored
	}
	var items []muster.Item
	if skip < matching {
		q := store.ItemPage{
			Batch: p.b.Seq, Pending: p.asks(OutcomePending), Changed: p.asks(OutcomeDone), Unchanged: p.asks(OutcomeUnchanged), Failed: p.asks(OutcomeFailed),
			Skipped: p.asks(OutcomeSkipped), Skip: skip, Limit: min(limit, matching-skip),
		}
		switch {
		case matching == stored:
			q.From, q.Skip = skip, 0
		case len(p.outcomes) == 1 && q.Pending && p.b.Kind == muster.ImportBatch && p.b.State == muster.Running:
			q.From = p.b.NextIndex // every row before has its outcome
		}
		if items, err = p.tx.ItemsPage(q); err != nil {
			return nil, err
		}
	}
	for next := stored + max(skip-matching, 0); next < p.b.Total && len(items) < limit; next++ {
		items = append(items, restItem(p.b, next))
	}
	return items, nil
}

// stored is how many of the items have a row of their own. Those of an import that have none are the last ones.
func (p *page) stored() (int, error) {
	if p.b.Kind != muster.ImportBatch {
		return p.b.Total, nil
	}
	return p.tx.StoredItems(p.b.Seq)
}
