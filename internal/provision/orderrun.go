package provision

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/store"
)

// orderRows is how many people one transaction of a run makes accounts for, at most.
const orderRows = 1_000

// errLeft is a run that somebody else has taken over.
var errLeft = errors.New("provision: the run of the order is somebody else's now")

// enqueueOrder has an order run once the transaction is durable. Until restTime is over nobody else asks for that.
func (p *Provision) enqueueOrder(tx *store.Tx, order int64) error {
	if asked, err := tx.AwaitRun(order, tx.Now().Add(restTime)); err != nil || !asked {
		return err
	}
	tx.AfterCommit(p.queue.Nudge)
	return p.queue.Enqueue(tx.Context(), tx.SQL(), orderJob, orderArgs{Tenant: tx.Tenant(), Batch: order}, queue.Once())
}

// driveOrder carries a run of an order on, chunk by chunk, when nobody else does, until it is through or the time is up. Where the run stands is
// written with each chunk, so a run whose process dies goes on from there.
func (p *Provision) driveOrder(ctx context.Context, args orderArgs) error {
	owner := uuid.NewString()
	var held bool
	err := p.store.Update(ctx, args.Tenant, func(tx *store.Tx) (err error) {
		held, err = tx.LeaseBatch(args.Batch, owner, tx.Now().Add(leaseTime))
		return err
	})
	if err != nil || !held {
		return err
	}
	more, err := p.runOrder(ctx, args, owner)
	leave := p.store.Update(context.WithoutCancel(ctx), args.Tenant, func(tx *store.Tx) error {
		if err := tx.ReleaseBatch(args.Batch, owner); err != nil || !more {
			return err
		}
		return p.enqueueOrder(tx, args.Batch)
	})
	return errors.Join(err, leave)
}

// runOrder runs chunks. more says that the time was up before the run was through.
func (p *Provision) runOrder(ctx context.Context, args orderArgs, owner string) (more bool, err error) {
	rows := orderRows
	for until := p.store.Now().Add(driveTime); ctx.Err() == nil; {
		if p.store.Now().After(until) {
			return true, nil
		}
		more, err := p.orderChunk(ctx, args, owner, rows)
		switch {
		case errors.Is(err, errLeft):
			return false, nil
		case store.Refused(err) && rows > 1:
			rows /= 2 // somebody among them cannot be written, and costs only themselves
			continue
		case store.Refused(err):
			p.log.Error("an account cannot be written", "batch", args.Batch, "error", err)
			more, err = p.refuseOne(ctx, args, owner)
		}
		if err != nil || !more {
			return false, err
		}
		rows = min(2*rows, orderRows)
	}
	return true, ctx.Err()
}

// orderChunk makes accounts for the next items of a run, in one transaction.
func (p *Provision) orderChunk(ctx context.Context, args orderArgs, owner string, rows int) (more bool, err error) {
	err = p.store.Bulk(ctx, args.Tenant, func(tx *store.Tx) error {
		more, err = p.chunkOfOrder(tx, args.Batch, owner, rows, p.take)
		return err
	})
	return more, err
}

// refuseOne fails the item whose account cannot be written.
func (p *Provision) refuseOne(ctx context.Context, args orderArgs, owner string) (more bool, err error) {
	err = p.store.Bulk(ctx, args.Tenant, func(tx *store.Tx) error {
		more, err = p.chunkOfOrder(tx, args.Batch, owner, 1, func(_ *store.Tx, _ *store.BatchRow, items []muster.Item) ([]muster.Item, error) {
			for i := range items {
				items[i] = failedItem(items[i], muster.Errorf(muster.Internal, "", "The account could not be written. The log has more."))
			}
			return items, nil
		})
		return err
	})
	return more, err
}

// chunkOfOrder has take work on the next items and writes what became of them. Rows are locked in the order in which settling an account does:
// accounts, items, the batch.
func (p *Provision) chunkOfOrder(tx *store.Tx, order int64, owner string, rows int, take func(*store.Tx, *store.BatchRow, []muster.Item) ([]muster.Item, error)) (more bool, err error) {
	b, err := tx.BatchBySeq(order)
	if err != nil {
		return false, err
	}
	if b.Owner != owner || b.State != muster.Running || b.NextIndex >= b.Total {
		return false, errLeft
	}
	items, err := tx.Items(b.Seq, "", b.NextIndex, rows)
	if err != nil {
		return false, err
	}
	before := make(map[int]muster.Item, len(items))
	next := b.Total
	for _, item := range items {
		before[item.Index] = item
		next = item.Index + 1
	}
	settled, err := take(tx, &b, items)
	if err != nil {
		return false, err
	}
	if err := tx.UpdateItems(settled); err != nil {
		return false, err
	}
	if b, err = tx.LockBatch(order); err != nil {
		return false, err
	}
	if b.Owner != owner {
		return false, errLeft
	}
	for i := range settled {
		was := before[settled[i].Index]
		if was.State == muster.PendingItem && was.Account == 0 {
			b.Waiting--
		}
		untally(&b.Counts, &was)
		tally(&b.Counts, &settled[i])
	}
	b.NextIndex = next
	finish(tx, &b)
	if err := tx.SaveBatch(&b); err != nil {
		return false, err
	}
	if b.NextIndex == b.Total {
		return false, tx.ReleaseBatch(b.Seq, owner)
	}
	_, err = tx.LeaseBatch(b.Seq, owner, tx.Now().Add(leaseTime))
	return true, err
}

// untally takes an outcome that is one no more out of counts.
func untally(c *muster.Counts, i *muster.Item) {
	var one muster.Counts
	tally(&one, i)
	c.Done, c.Failed, c.Skipped = c.Done-one.Done, c.Failed-one.Failed, c.Skipped-one.Skipped
	c.Created, c.Updated, c.Unchanged = c.Created-one.Created, c.Updated-one.Updated, c.Unchanged-one.Unchanged
}

// sweepOrders has runs carried on whose process died.
func (p *Provision) sweepOrders(ctx context.Context) error {
	var left []store.Abandoned
	err := p.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		left, err = tx.AbandonedOrders()
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range left {
		if err := p.store.Update(ctx, a.Tenant, func(tx *store.Tx) error { return p.enqueueOrder(tx, a.Batch) }); err != nil {
			return err
		}
	}
	return nil
}
