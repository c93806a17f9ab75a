package batch

import (
	"context"

	"github.com/musterid/muster/internal/store"
)

// Batches whose rows take effect in order also work one after the other, within a tenant: each takes a place in a line when it is to be carried out,
// and only the first one writes. What ends, is held or is planned stands in no line; a batch that is released goes to the end of it.
//
// Nobody waits in the line at work: a drive whose turn has not come lets go of its batch, and whoever leaves the line has the next one driven.

// setOff saves a batch that is to be carried out from now on, and has it driven. One without rows has been.
func (e *Engine) setOff(tx *store.Tx, b *store.BatchRow) error {
	if b.Total == 0 {
		return e.finish(tx, b)
	}
	if b.Ordered {
		if err := tx.TakeTurn(b); err != nil {
			return err
		}
	}
	if err := tx.SaveBatch(b); err != nil {
		return err
	}
	return e.wake(tx, b.Seq)
}

// settle saves a batch that is not, or no longer, carried out, does what follows from its end, and has the next in the line driven. It comes last in
// a transaction, because from then on nobody takes a place in the line until that ends.
func (e *Engine) settle(tx *store.Tx, b *store.BatchRow) error {
	stood := b.Turn != 0
	b.Turn = 0
	if err := tx.SaveBatch(b); err != nil {
		return err
	}
	if b.State.Final() {
		batch := b.Seq
		tx.AfterCommit(func() { e.seen.forget(batch) })
		if err := e.worker.Written(tx, b); err != nil {
			return err
		}
	}
	if !stood {
		return nil
	}
	next, err := tx.AfterTurn()
	if err != nil || next == 0 {
		return err
	}
	return e.wake(tx, next)
}

// read looks at the batch, and whether its turn has come.
func (d *drive) read(ctx context.Context) (b store.BatchRow, err error) {
	err = d.engine.store.View(ctx, d.tenant, func(tx *store.Tx) (err error) {
		if b, err = tx.BatchBySeq(d.batch); err != nil || b.Turn == d.turn {
			return err
		}
		has, err := tx.HasTurn(&b)
		if has {
			d.turn = b.Turn // and stays first until it leaves the line
		}
		return err
	})
	return b, err
}

// missedTurn says whether the turn came while the drive was about to let go. It is asked once the lease is given back: whoever leaves the line
// after that finds the batch free.
func (d *drive) missedTurn(tx *store.Tx) (bool, error) {
	if !d.waits {
		return false, nil
	}
	b, err := tx.BatchBySeq(d.batch)
	if err != nil || b.State.Final() {
		return false, err
	}
	return tx.HasTurn(&b)
}
