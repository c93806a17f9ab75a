package batch

import (
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// planChunk works out what the next rows would change and stores it.
func (e *Engine) planChunk(tx *store.Tx, b *store.BatchRow, next decoded) error {
	items, err := e.worker.Carry(tx, b, next.rows, e.chunk(tx, b, next, Chunk{Dry: true}))
	if err != nil {
		return err
	}
	if err := tx.InsertItems(items); err != nil {
		return err
	}
	count(b, items)
	b.NextIndex = next.end
	e.keepInMind(tx, b, next.first, items)
	return tx.SaveBatch(b)
}

// chunk says which rows Carry is given.
func (e *Engine) chunk(tx *store.Tx, b *store.BatchRow, next decoded, c Chunk) Chunk {
	c.First = next.first
	c.RowsOf = func(people []int64) (map[int64]int, error) { return e.rowsOf(tx, b, next.first, people) }
	return c
}

// A holding undoes a chunk that may not be carried out without somebody's word, as the error of its transaction. There is no savepoint to go back
// to instead: nearly no chunk is held, and for all of them SQLite would keep each page as it was before.
type holding struct {
	why   string
	items []muster.Item
}

func (*holding) Error() string { return "batch: held" }

// carryOut carries out the next rows of a running batch. What was planned is done as planned; a step whose person moved on since is decided
// anew, and so is a row that failed in the plan where rows take effect in order: it was planned without what those before it change. A chunk that passes the limits, or takes away more than the plan that was looked at, is undone: the batch is held, with the new plan.
func (e *Engine) carryOut(tx *store.Tx, b *store.BatchRow, next decoded) error {
	stored, err := storedItems(tx, b, next)
	if err != nil {
		return err
	}
	switch {
	case next.foreseen != nil && len(stored) > 0:
		return errMissed
	case next.foreseen != nil:
		return e.fulfil(tx, b, next)
	}
	final := map[int]bool{}
	for index, item := range stored {
		if item.State.Final() && !(b.Ordered && item.State == muster.FailedItem) {
			final[index] = true
		}
	}
	if b.Ordered && next.first == 0 {
		b.StartedAt = tx.Now() // it may have waited for its turn
	}
	people, err := peopleBefore(tx, b)
	if err != nil {
		return err
	}
	all, err := e.worker.Carry(tx, b, next.rows, e.chunk(tx, b, next, Chunk{Skip: final}))
	if err != nil {
		return err
	}
	items := slices.DeleteFunc(all, func(i muster.Item) bool { return final[i.Index] })
	why, err := e.mustHold(tx, b, items, stored, people)
	if err != nil {
		return err
	}
	if why != "" {
		return &holding{why, items}
	}
	return e.keep(tx, b, next, items, stored)
}

// storedItems gives the items that planning left for these rows, by index.
func storedItems(tx *store.Tx, b *store.BatchRow, next decoded) (map[int]muster.Item, error) {
	list, err := tx.Items(b.Seq, "", next.first, next.end-next.first)
	stored := make(map[int]muster.Item, len(list))
	for _, item := range list {
		if item.Index < next.end {
			stored[item.Index] = item
		}
	}
	return stored, err
}

// keep stores the outcomes of a chunk and what follows from them.
func (e *Engine) keep(tx *store.Tx, b *store.BatchRow, next decoded, items []muster.Item, stored map[int]muster.Item) error {
	if len(stored) == 0 {
		out, err := outcomeOf(tx, items)
		if err != nil {
			return err
		}
		return e.keepNew(tx, b, next, out)
	}
	if err := save(tx, items, stored); err != nil {
		return err
	}
	for i := range items {
		if stored[items[i].Index].State == muster.FailedItem {
			b.Counts.Failed-- // in the plan
		}
	}
	sum, err := digest(items, nil)
	if err != nil {
		return err
	}
	return e.kept(tx, b, next, items, sum)
}

// kept closes a chunk whose items are stored.
func (e *Engine) kept(tx *store.Tx, b *store.BatchRow, next decoded, items []muster.Item, sum string) error {
	before := b.Counts.Created
	count(b, items)
	e.grows(tx, b.Counts.Created-before)
	b.NextIndex = next.end
	e.keepInMind(tx, b, next.first, items)
	if err := tx.SaveBatch(b); err != nil {
		return err
	}
	if err := e.record(tx, b, next.first, len(items), sum); err != nil {
		return err
	}
	return e.worker.Written(tx, b)
}

// save inserts the items that are new and updates those that were planned.
func save(tx *store.Tx, items []muster.Item, stored map[int]muster.Item) error {
	if len(stored) == 0 {
		return tx.InsertItems(items)
	}
	var fresh, known []muster.Item
	for _, item := range items {
		if _, planned := stored[item.Index]; planned {
			known = append(known, item)
		} else {
			fresh = append(fresh, item)
		}
	}
	if err := tx.InsertItems(fresh); err != nil {
		return err
	}
	return tx.UpdateItems(known)
}

// mustHold says why the batch may not go on with these outcomes, and "" when it may. people is how many there were before it.
func (e *Engine) mustHold(tx *store.Tx, b *store.BatchRow, items []muster.Item, stored map[int]muster.Item, people int) (string, error) {
	disables, renames := 0, 0
	for i := range items {
		plan, planned := stored[items[i].Index]
		d, r := items[i].Change.Disables(), items[i].Change.Renames()
		if planned && (d && !plan.Change.Disables() || r && !plan.Change.Renames()) {
			return muster.Errorf(muster.Policy, "", "Row %d changed since it was planned, and would now take something away. Look at the new plan.", items[i].Row).Message, nil
		}
		if planned {
			continue // what was planned was held against the limits before the run
		}
		if d {
			disables++
		}
		if r {
			renames++
		}
	}
	if disables+renames == 0 {
		return "", nil
	}
	return exceeded(tx, b.Counts.Disables+disables, b.Counts.Renames+renames, people)
}

// exceeded says which limit of the tenant so many disables and renames pass, where there are so many people.
func exceeded(tx *store.Tx, disables, renames, people int) (string, error) {
	if disables+renames == 0 {
		return "", nil
	}
	tenant, err := tx.Own()
	return tenant.Settings.Limits.Exceeded(disables, renames, people), err
}

// present is how many people there are: all but those who left.
func present(tx *store.Tx) (people int, err error) {
	counts, err := tx.PeopleCounts()
	for state, n := range counts {
		if state != muster.Deleted && state != muster.Archived {
			people += n
		}
	}
	return people, err
}

// peopleBefore is how many people there were before a batch that is being carried out, so that a run is measured by what its preview was: neither
// those it takes away nor those it brings change what a percentage is of.
func peopleBefore(tx *store.Tx, b *store.BatchRow) (int, error) {
	people, err := present(tx)
	return max(people+b.Counts.Disables-b.Counts.Created, 0), err
}

// hold keeps what a chunk would have done as its plan. Where there was no plan, the rest is planned too: whoever releases the batch sees all of it
// first. It runs in the transaction after the one that was undone; what became of people in between is seen when the plan is carried out.
func (e *Engine) hold(tx *store.Tx, b *store.BatchRow, next decoded, h *holding) error {
	stored, err := storedItems(tx, b, next)
	if err != nil {
		return err
	}
	items := slices.Clone(h.items) // the transaction may be repeated
	b.Plan.Hold, b.Message = h.why, h.why
	if len(stored) == 0 {
		b.State = muster.Planning // from this chunk on
		return e.settle(tx, b)
	}
	b.State = muster.HeldBatch
	for i := range items {
		if was := stored[items[i].Index]; was.State == muster.FailedItem {
			b.Counts.Failed--
		} else {
			forgetPlan(b, was)
		}
		asPlanned(&items[i])
	}
	count(b, items)
	if err := save(tx, items, stored); err != nil {
		return err
	}
	return e.settle(tx, b)
}

// asPlanned turns the outcome of an item whose chunk was undone into a plan. One that failed has failed.
func asPlanned(item *muster.Item) {
	if item.State != muster.DoneItem {
		return
	}
	item.State = muster.PlannedItem
	if item.Change.Action != muster.Create {
		return
	}
	item.Person = 0 // nobody was made after all
	for n := range item.Change.Fields {
		f := &item.Change.Fields[n]
		f.Forecast = f.Field == "username"
	}
}
