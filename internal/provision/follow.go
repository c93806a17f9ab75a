package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// followRows is how many items of an import are followed in one transaction.
const followRows = 2_000

// following marks a provision batch to which items may still be added. Once its import has ended and is followed to the end, NextIndex is Total.
const following = -1

// Begin makes the provision batch of an import, in the import's own transaction: from then on it is on record that accounts follow, whatever becomes
// of the job that makes them owed. An import whose accounts are ordered (order.go) gets none.
func Begin(tx *store.Tx, source *store.BatchRow) error {
	if OnRequest(source) {
		return nil
	}
	_, err := tx.BatchFollowing(source.Seq)
	if muster.CodeOf(err) != muster.NotFound {
		return err
	}
	b := newFollowing(tx, source)
	return tx.CreateBatch(&b)
}

// followBatch makes the accounts owed that an import brought, as far as the import has come. It keeps its place in the provision batch, so it
// may be called at any time and any number of times.
func (p *Provision) followBatch(ctx context.Context, tenant, batch int64) error {
	for more := true; more && ctx.Err() == nil; {
		err := p.store.Bulk(ctx, tenant, func(tx *store.Tx) (err error) {
			more, err = p.followChunk(tx, batch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// followChunk makes accounts of the next items before it locks the batch, where those that are settled meanwhile are counted.
func (p *Provision) followChunk(tx *store.Tx, batch int64) (more bool, err error) {
	if err := tx.LockFollowing(batch); err != nil {
		return false, err
	}
	source, err := tx.BatchBySeq(batch)
	if err != nil || OnRequest(&source) {
		return false, err
	}
	b, err := provisionBatch(tx, &source)
	if err != nil || b.NextIndex != following {
		return false, err
	}
	end := source.NextIndex
	if source.State.Final() {
		end = source.Total
	}
	stop := min(end, b.SourceIndex+followRows)
	people, err := followed(tx, batch, b.SourceIndex, stop)
	if err != nil {
		return false, err
	}
	seen := b
	b.Counts = muster.Counts{}
	if err := p.owe(tx, &b, people); err != nil {
		return false, err
	}
	now, err := tx.LockBatch(b.Seq)
	if err != nil {
		return false, err
	}
	if now.SourceIndex != seen.SourceIndex || now.Total != seen.Total || now.NextIndex != following {
		return false, fmt.Errorf("%w: somebody else follows batch %d", store.ErrClash, batch)
	}
	now.Total, now.SourceIndex = b.Total, stop
	now.Counts.Done, now.Counts.Failed, now.Counts.Skipped = now.Counts.Done+b.Counts.Done, now.Counts.Failed+b.Counts.Failed, now.Counts.Skipped+b.Counts.Skipped
	now.Counts.Created, now.Counts.Updated, now.Counts.Unchanged = now.Counts.Created+b.Counts.Created, now.Counts.Updated+b.Counts.Updated, now.Counts.Unchanged+b.Counts.Unchanged
	if source.State.Final() && stop == source.Total {
		now.NextIndex = now.Total
		finish(tx, &now)
	}
	return stop < end, tx.SaveBatch(&now)
}

// followed gives the people whom items of an import brought.
func followed(tx *store.Tx, batch int64, from, stop int) (people []int64, err error) {
	items, err := tx.Items(batch, "", from, stop-from)
	for _, i := range items {
		if i.Index < stop && i.State == muster.DoneItem && i.Person != 0 {
			people = append(people, i.Person)
		}
	}
	return people, err
}

// provisionBatch gives the batch that follows an import, and makes it when there is none.
func provisionBatch(tx *store.Tx, source *store.BatchRow) (store.BatchRow, error) {
	b, err := tx.BatchFollowing(source.Seq)
	if muster.CodeOf(err) != muster.NotFound {
		return b, err
	}
	b = newFollowing(tx, source)
	return b, tx.CreateBatch(&b) // when another process is faster, the transaction is repeated
}

func newFollowing(tx *store.Tx, source *store.BatchRow) store.BatchRow {
	b := newBatch(source.Surface, source.Name, source.Batch.Owner, tx)
	b.SourceBatch, b.Unit = source.Seq, source.Unit
	return b
}

func newBatch(surface, name, by string, tx *store.Tx) store.BatchRow {
	b := store.BatchRow{}
	b.Kind, b.Surface, b.Name, b.Batch.Owner = muster.ProvisionBatch, surface, name, by
	b.State, b.StartedAt, b.NextIndex = muster.Running, tx.Now(), following
	return b
}

// finish closes a provision batch whose items are all known and final. An order to which items were added meanwhile is ready for another run.
func finish(tx *store.Tx, b *store.BatchRow) bool {
	if b.State != muster.Running || b.NextIndex != b.Total || b.Counts.Pending(b.Total) > b.Waiting {
		return false
	}
	b.State, b.FinishedAt = muster.Finished, tx.Now()
	if b.Waiting > 0 {
		b.State, b.FinishedAt = muster.Ready, time.Time{}
	}
	return true
}

// followPeople makes the accounts owed of people who were changed one by one. Nothing owed leaves no batch behind.
func (p *Provision) followPeople(ctx context.Context, args roster.AccountsArgs) error {
	return p.store.Bulk(ctx, args.Tenant, func(tx *store.Tx) error {
		b := newBatch(args.Via, fmt.Sprintf("change of %d", len(args.People)), args.By, tx)
		work, err := p.plan(tx, args.People)
		if err != nil || len(work.items) == 0 {
			return err
		}
		if work.unchanged == len(work.items) {
			return nil
		}
		if err := tx.CreateBatch(&b); err != nil {
			return err
		}
		if err := p.add(tx, &b, work); err != nil {
			return err
		}
		b.NextIndex = b.Total
		finish(tx, &b)
		return tx.SaveBatch(&b)
	})
}

// owe plans the accounts of people and adds them to a batch.
func (p *Provision) owe(tx *store.Tx, b *store.BatchRow, people []int64) error {
	work, err := p.plan(tx, people)
	if err != nil {
		return err
	}
	return p.add(tx, b, work)
}

// planned is what people's accounts come to.
type planned struct {
	items     []muster.Item // without index
	fresh     []*store.AccountRow
	freshItem []int   // of each fresh account: its item
	changed   []int64 // accounts with something to deliver
	urgent    []int64 // those by which somebody loses access
	targets   []int64
	unchanged int
}

// plan compares what each target has with what it is to have.
func (p *Provision) plan(tx *store.Tx, people []int64) (planned, error) {
	targets, err := tx.Targets()
	if err != nil {
		return planned{}, err
	}
	return p.planOn(tx, targets, people)
}

// planOn is plan for some of the targets.
func (p *Provision) planOn(tx *store.Tx, targets []store.TargetRow, people []int64) (planned, error) {
	var work planned
	if len(people) == 0 || len(targets) == 0 {
		return work, nil
	}
	rows, err := tx.People(people)
	if err != nil {
		return work, err
	}
	groups, err := groupCodes(tx, people)
	if err != nil {
		return work, err
	}
	for i := range targets {
		t := &targets[i]
		accounts, err := tx.AccountsOf(t.Seq, people)
		if err != nil {
			return work, err
		}
		before := len(work.fresh) + len(work.changed) + len(work.urgent)
		for _, seq := range people {
			if row, present := rows[seq]; present {
				a, has := accounts[seq]
				work.look(tx, t, &row, groups[seq], a, has)
			}
		}
		if len(work.fresh)+len(work.changed)+len(work.urgent) > before {
			work.targets = append(work.targets, t.Seq)
		}
	}
	return work, nil
}

// look plans the account of one person on one target.
func (w *planned) look(tx *store.Tx, t *store.TargetRow, row *store.PersonRow, groups []string, a store.AccountRow, has bool) {
	want := wanted(row, t, groups)
	item := muster.Item{State: muster.PendingItem, Person: row.Seq, Account: a.Seq, Change: muster.Diff(a.Pushed, want), Guard: row.Version}
	switch {
	case !has && !deserves(row, t):
		return
	case !has:
		w.fresh = append(w.fresh, &store.AccountRow{Account: muster.Account{Target: t.Seq, Person: row.Seq, State: muster.PlannedAccount, Due: tx.Now()}})
		w.freshItem = append(w.freshItem, len(w.items))
	case a.State == muster.UnmanagedAccount:
		item.State, item.Change = muster.SkippedItem, muster.Change{}
		item.Reasons = muster.Errors{muster.Errorf(muster.Policy, "", "This account was taken out of our hands.")}
	case item.Change.Empty() && a.State == muster.DeliveredAccount && a.Due.IsZero(),
		a.ExternalID == "" && a.Due.IsZero() && !deserves(row, t) && a.Intent == nil:
		item.State, item.Change = muster.DoneItem, muster.Change{}
		w.unchanged++
	case item.Change.Disables(), a.ExternalID != "" && a.Intent != nil && want["enabled"] != true: // in doubt, it may be enabled
		w.urgent = append(w.urgent, a.Seq)
	default:
		w.changed = append(w.changed, a.Seq)
	}
	w.items = append(w.items, item)
}

// add writes what was planned: accounts that are due, their items in the batch, and the jobs that deliver.
func (p *Provision) add(tx *store.Tx, b *store.BatchRow, w planned) error {
	if b.Total+len(w.items) > muster.MaxItems {
		return muster.Errorf(muster.TooLong, "", "A batch holds at most %d accounts.", muster.MaxItems)
	}
	if err := p.makeDue(tx, &w); err != nil {
		return err
	}
	for n := range w.items {
		w.items[n].Batch, w.items[n].Index = b.Seq, b.Total+n
		tally(&b.Counts, &w.items[n])
	}
	b.Total += len(w.items)
	return tx.InsertItems(w.items)
}

// makeDue writes accounts that are due, and the jobs that deliver, and tells the items of new accounts which these are.
func (p *Provision) makeDue(tx *store.Tx, w *planned) error {
	if err := tx.CreateAccounts(w.fresh); err != nil {
		return err
	}
	for n, a := range w.fresh {
		w.items[w.freshItem[n]].Account = a.Seq
	}
	slices.Sort(w.changed) // the order in which rows are locked
	slices.Sort(w.urgent)
	if err := tx.Owe(w.changed, false); err != nil {
		return err
	}
	if err := tx.Owe(w.urgent, true); err != nil {
		return err
	}
	for _, target := range slices.Compact(w.targets) {
		if err := p.wake(tx, target); err != nil {
			return err
		}
	}
	return nil
}

// tally adds the outcome of an item of a provision batch to counts.
func tally(c *muster.Counts, i *muster.Item) {
	switch i.State {
	case muster.FailedItem:
		c.Failed++
	case muster.SkippedItem:
		c.Skipped++
	case muster.DoneItem:
		c.Done++
		switch i.Change.Action {
		case muster.Create:
			c.Created++
		case muster.Update, muster.Delete:
			c.Updated++
		default:
			c.Unchanged++
		}
	}
}
