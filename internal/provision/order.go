package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
)

// OrderView is an order: a provision batch that somebody makes of an import when they want accounts for its people, and runs when they want them,
// as often as they like. It has one item for each person, which follows the account on the one target that stands behind the order.
//
// Its states are ready, running and finished; and running again. Its items are pending without an account until a run takes them.
type OrderView struct {
	batch.Batch
	SourceID uuid.UUID // of the import
	Unit     uuid.UUID // that the import is for; the zero UUID is none
}

// sourceRows is how many rows of an import are looked at in one transaction.
const sourceRows = 10_000

// Order makes the order of an import, or gives the one there is, and adds items for the people whom the import has brought since: one for each who
// is to have an account. An import whose accounts are made without being asked for has none.
func (p *Provision) Order(ctx context.Context, caller muster.Caller, source uuid.UUID) (view OrderView, err error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return view, err
	}
	var src, b store.BatchRow
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		src, b, err = orderOf(tx, caller, source)
		return err
	})
	if err != nil {
		return view, err
	}
	if err := p.topUp(ctx, caller.Tenant, &src, b.Seq); err != nil {
		return view, err
	}
	err = p.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		if b, err = tx.BatchBySeq(b.Seq); err != nil {
			return err
		}
		view, err = orderView(tx, b)
		return err
	})
	return view, err
}

// orderOf gives an import and its order, and makes that when there is none.
func orderOf(tx *store.Tx, caller muster.Caller, id uuid.UUID) (source, b store.BatchRow, err error) {
	missing := muster.Errorf(muster.NotFound, "source", "There is no import %s.", id)
	source, err = tx.Batch(id)
	if muster.CodeOf(err) == muster.NotFound || err == nil && source.Kind != muster.ImportBatch {
		err = missing
	}
	if err == nil {
		err = access.Change(tx, caller, source.Unit, missing)
	}
	if err != nil {
		return source, b, err
	}
	b, err = tx.BatchFollowing(source.Seq)
	found := err == nil
	if err != nil && muster.CodeOf(err) != muster.NotFound {
		return source, b, err
	}
	if found && !b.Order || !found && !OnRequest(&source) && !source.State.Final() {
		return source, b, muster.Errorf(muster.Conflict, "source", "The accounts of this import are made without being asked for. There is nothing to order.")
	}
	if found {
		return source, b, nil
	}
	b = store.BatchRow{Order: true, Unit: source.Unit}
	b.Kind, b.State, b.Surface, b.Name, b.Batch.Owner, b.SourceBatch = muster.ProvisionBatch, muster.Ready, caller.Surface, source.Name, caller.Name, source.Seq
	if err := tx.CreateBatch(&b); err != nil {
		return source, b, err // another process was faster, and the transaction is repeated
	}
	return source, b, tx.Audit([]muster.AuditEntry{{
		Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: "order.create", Object: "batch " + b.ID.String(), Batch: b.Seq,
	}})
}

// OnRequest says whether the accounts of an import's people are made only when somebody orders them: nothing follows the import by itself.
func OnRequest(source *store.BatchRow) bool {
	var o struct {
		Asked bool `json:"accounts_asked"`
	}
	return json.Unmarshal(source.Options, &o) == nil && o.Asked
}

// topUp adds to an order the people of its import who have no item yet. Looking takes no lock, so that a repeated order costs little.
func (p *Provision) topUp(ctx context.Context, tenant int64, source *store.BatchRow, order int64) error {
	var known int         // items of the order
	there := []int64(nil) // whom they are about, sorted
	for from := 0; from < source.Total; from += sourceRows {
		var people []int64
		err := p.store.View(ctx, tenant, func(tx *store.Tx) error {
			b, err := tx.BatchBySeq(order)
			if err != nil {
				return err
			}
			more, err := tx.PeopleIn(order, false, known, b.Total)
			if err != nil {
				return err
			}
			if known = b.Total; len(more) > 0 {
				there = append(there, more...)
				slices.Sort(there)
			}
			list, err := tx.PeopleIn(source.Seq, true, from, min(from+sourceRows, source.Total))
			if err != nil {
				return err
			}
			people, err = ordered(tx, but(list, there))
			return err
		})
		if err == nil && len(people) > 0 {
			err = p.addPeople(ctx, tenant, order, people, known)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// but gives a list without repeats and without what stands in a sorted one.
func but(list, sorted []int64) []int64 {
	var rest []int64
	seen := make(map[int64]bool, len(list))
	for _, n := range list {
		if _, out := slices.BinarySearch(sorted, n); !out && !seen[n] {
			seen[n] = true
			rest = append(rest, n)
		}
	}
	return rest
}

// addPeople adds items for people who had none when the order had so many items.
func (p *Provision) addPeople(ctx context.Context, tenant, order int64, people []int64, known int) error {
	return p.store.Bulk(ctx, tenant, func(tx *store.Tx) error {
		b, err := tx.LockBatch(order)
		if err != nil {
			return err
		}
		since, err := tx.PeopleIn(order, false, known, b.Total)
		if err != nil {
			return err
		}
		slices.Sort(since)
		return addToOrder(tx, &b, but(people, since))
	})
}

// ordered leaves out of a list of people those who are to have no account.
func ordered(tx *store.Tx, list []int64) ([]int64, error) {
	rows, err := tx.People(list)
	var people []int64
	for _, seq := range list {
		row, present := rows[seq]
		if present && row.State != muster.Archived && row.State != muster.Deleted && row.Profile.Attributes[accountRequired] != "false" {
			people = append(people, seq)
		}
	}
	return people, err
}

// accountRequired is the attribute of people by which a list says that somebody is to have no account.
const accountRequired = "account_required"

// addToOrder adds items for people who have none in an order, which is locked. A run that is under way takes them too; else they wait until somebody
// asks for one.
func addToOrder(tx *store.Tx, b *store.BatchRow, list []int64) error {
	if len(list) == 0 {
		return nil
	}
	if b.Total+len(list) > muster.MaxItems {
		return muster.Errorf(muster.TooLong, "", "A batch holds at most %d accounts.", muster.MaxItems)
	}
	idle := b.NextIndex == b.Total
	if err := tx.AddToOrder(b, list); err != nil {
		return err
	}
	b.Waiting += len(list)
	if idle {
		b.NextIndex = b.Total
		if b.State == muster.Finished {
			b.State, b.FinishedAt = muster.Ready, time.Time{}
		}
	}
	return tx.SaveBatch(b)
}

// Orders lists orders, newest first, from a place in that list on: those of a unit, or with the zero UUID all that the caller may see.
func (p *Provision) Orders(ctx context.Context, caller muster.Caller, unit uuid.UUID, skip, limit int) (views []OrderView, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = p.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		reach, err := access.ReachOf(tx, caller, muster.ReadPeople)
		if err != nil {
			return err
		}
		var of int64
		if unit != uuid.Nil {
			found, err := tx.UnitsByID([]uuid.UUID{unit})
			if err != nil {
				return err
			}
			row, there := found[unit]
			if !there || !reach.Has(row.Path) {
				return muster.Errorf(muster.NotFound, "unit", "There is no unit %s.", unit)
			}
			of = row.Seq
		}
		list, err := tx.Orders(of, reach.Filter(), max(skip, 0), min(limit, 1000))
		if err != nil {
			return err
		}
		views, err = orderViews(tx, list)
		return err
	})
	return views, err
}

func orderView(tx *store.Tx, b store.BatchRow) (OrderView, error) {
	views, err := orderViews(tx, []store.BatchRow{b})
	if err != nil {
		return OrderView{}, err
	}
	return views[0], nil
}

func orderViews(tx *store.Tx, list []store.BatchRow) ([]OrderView, error) {
	sources, seqs := make([]int64, len(list)), make([]int64, len(list))
	for i := range list {
		sources[i], seqs[i] = list[i].SourceBatch, list[i].Unit
	}
	ids, err := tx.BatchIDs(sources)
	if err != nil {
		return nil, err
	}
	units, err := tx.Units(seqs)
	views := make([]OrderView, len(list))
	for i, b := range list {
		views[i] = OrderView{Batch: b, SourceID: ids[b.SourceBatch], Unit: units[b.Unit].ID}
	}
	return views, err
}

// order gives an order that a caller may see.
func order(tx *store.Tx, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	b, err := tx.Order(id)
	if err == nil {
		err = access.See(tx, caller, b.Unit, noOrder(id))
	}
	return b, err
}

// orderToChange gives an order that a caller may change.
func orderToChange(tx *store.Tx, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	b, err := tx.Order(id)
	if err == nil {
		err = access.Change(tx, caller, b.Unit, noOrder(id))
	}
	return b, err
}

func noOrder(id uuid.UUID) *muster.Error {
	return muster.Errorf(muster.NotFound, "id", "There is no order of accounts %s.", id)
}

// RunStatus says what came of asking for a run.
type RunStatus string

const (
	RunStarted   RunStatus = "started"
	RunUnderWay  RunStatus = "already_running"
	RunNotNeeded RunStatus = "nothing_to_do"
)

// Run is the answer to somebody who asked for an order to be run.
type Run struct {
	Batch    OrderView
	Status   RunStatus
	Total    int // items
	Enqueued int // items that the run that was started takes
}

// orderJob is the kind of the job that runs an order.
const orderJob = "order"

type orderArgs struct {
	Tenant int64 `json:"tenant"`
	Batch  int64 `json:"batch"`
}

// RunOrder has accounts made for the items that wait, once more for those that failed, and people mailed again who let a mail's life time pass. It
// answers at once; the work follows. A run that is under way is left to it.
func (p *Provision) RunOrder(ctx context.Context, caller muster.Caller, id uuid.UUID) (run Run, err error) {
	repeat := 0
	err = p.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		b, err := orderToChange(tx, caller, id)
		if err == nil {
			repeat, err = tx.ToRepeat(b.Seq)
		}
		return err
	})
	if err != nil {
		return run, err
	}
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := orderToChange(tx, caller, id)
		if err != nil {
			return err
		}
		b, err := tx.LockBatch(found.Seq)
		if err != nil {
			return err
		}
		run = Run{Total: b.Total}
		if run.Status, run.Enqueued, err = p.beginRun(tx, caller, &b, repeat); err != nil {
			return err
		}
		run.Batch, err = orderView(tx, b)
		return err
	})
	return run, err
}

// beginRun begins a run of an order, which is locked, when there is something to do. repeat is how many items that are through are to be taken up.
func (p *Provision) beginRun(tx *store.Tx, caller muster.Caller, b *store.BatchRow, repeat int) (RunStatus, int, error) {
	todo := b.Waiting + b.Counts.Failed + repeat
	switch {
	case b.NextIndex < b.Total:
		return RunUnderWay, 0, nil
	case todo == 0 && b.Counts.Pending(b.Total) > 0:
		return RunUnderWay, 0, nil
	case todo == 0:
		return RunNotNeeded, 0, nil
	}
	if _, err := p.orderTarget(tx); err != nil {
		return "", 0, err
	}
	before := b.State
	b.State, b.StartedAt, b.FinishedAt, b.NextIndex = muster.Running, tx.Now(), time.Time{}, 0
	if err := tx.SaveBatch(b); err != nil {
		return "", 0, err
	}
	if err := p.enqueueOrder(tx, b.Seq); err != nil {
		return "", 0, err
	}
	return RunStarted, todo, tx.Audit([]muster.AuditEntry{{
		Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: "order.run", Object: "batch " + b.ID.String(), Batch: b.Seq,
		Change: muster.Diff(muster.Record{"state": string(before)}, muster.Record{"state": string(b.State)}),
	}})
}

// handleOrder is the job.
func (p *Provision) handleOrder(ctx context.Context, raw json.RawMessage) error {
	var args orderArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return fmt.Errorf("provision: arguments of job: %w", err)
	}
	return p.driveOrder(ctx, args)
}
