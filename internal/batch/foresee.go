package batch

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Deciding on rows while those before them are written makes bulk work of new people as fast as the database: neither does the program wait for the
// database nor the database for the program. What they claim is not looked up then; the unique keys tell when the rows are written. Rows are foreseen
// after those before them only: what these take from counters is theirs first, and where they were not foreseen well, neither is what comes after them.

// foresee decides on a chunk of new people ahead of its turn, as far as that can be. What fails is decided on at its turn.
func (d *drive) foresee(ctx context.Context, b store.BatchRow, next *decoded) {
	if d.engine.seer != nil {
		d.lookAhead(ctx, next, d.engine.store.Peek, func(tx *store.Tx) (*Foreseen, error) { return d.engine.seer.Foresee(tx, &b, next.rows, next.first) })
	}
}

func (d *drive) lookAhead(ctx context.Context, next *decoded, view func(context.Context, int64, func(*store.Tx) error) error, decide func(tx *store.Tx) (*Foreseen, error)) {
	look := func(tx *store.Tx) error {
		f, err := decide(tx)
		if err != nil || f == nil {
			return err
		}
		if f.Known != nil {
			if f.outcome, err = outcomeOf(tx, f.Known); err != nil {
				return err
			}
			f.Known = nil
		}
		next.foreseen, next.rows = f, nil // they are read again when they are needed, and many rows do not wait for their turn twice
		return nil
	}
	err := guarded(func() error { return view(ctx, d.tenant, look) })
	if err != nil && ctx.Err() == nil {
		d.engine.log.Debug("rows of a batch could not be foreseen", "batch", d.batch, "index", next.first, "error", err)
	}
}

// errMissed is a chunk that was not foreseen well.
var errMissed = errors.New("batch: rows are not what they were foreseen to be")

// carryOut writes a chunk: as it was foreseen, and when that fails, as it is decided then.
func (d *drive) carryOut(ctx context.Context, b store.BatchRow, next decoded) error {
	if next.foreseen != nil {
		tried := false
		err := d.engine.store.Bulk(ctx, d.tenant, func(tx *store.Tx) error {
			if tried { // it lost to another transaction, and is not repeated
				return errMissed
			}
			tried = true
			err := d.write(tx, next, nil)
			if errors.Is(err, store.ErrClash) || errors.Is(err, errPanic) || store.Refused(err) {
				return fmt.Errorf("%w: %v", errMissed, err) //nolint:errorlint // a clash would have the transaction repeated
			}
			return err
		})
		if !errors.Is(err, errMissed) {
			return err
		}
		d.sight.missed()
		if next = d.decode(ctx, b, next.first, next.end-next.first); next.err != nil {
			return next.err
		}
	}
	return d.engine.store.Bulk(ctx, d.tenant, func(tx *store.Tx) error { return d.write(tx, next, nil) })
}

// fulfil writes what was foreseen.
func (e *Engine) fulfil(tx *store.Tx, b *store.BatchRow, next decoded) error {
	f := next.foreseen
	if err := f.Number(tx); err != nil {
		return err
	}
	again, err := e.rowsOf(tx, b, next.first, f.People)
	if err != nil {
		return err
	}
	if len(again) > 0 {
		return fmt.Errorf("%w: somebody has a second row", store.ErrClash)
	}
	out, prepared := f.outcome, make(chan error, 1)
	if out.packed != nil {
		prepared <- nil
	} else {
		go func() {
			prepared <- guarded(func() (err error) {
				out, err = outcomeOf(tx, f.Items())
				return err
			})
		}()
	}
	err = f.Write(tx)
	if failed := <-prepared; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return e.keepNew(tx, b, next, out)
}

// outcomeOf makes items ready to be written, and keeps of them what is still asked for. It takes nothing but time, the tenant's number and the clock from the transaction, which may be at work
// meanwhile.
func outcomeOf(tx *store.Tx, items []muster.Item) (out outcome, err error) {
	if out.packed, err = tx.PackItems(items); err != nil {
		return out, err
	}
	if out.digest, err = digest(items, out.packed); err != nil {
		return out, err
	}
	for i := range items { // what counts is that somebody was created; the texts tell the rest, and many items wait at the same time
		if items[i].Change.Action == muster.Create {
			items[i].Change.Fields = nil
		}
	}
	out.items = items
	return out, nil
}

// keepNew stores outcomes of rows that had none.
func (e *Engine) keepNew(tx *store.Tx, b *store.BatchRow, next decoded, out outcome) error {
	if err := tx.InsertPackedItems(out.packed); err != nil {
		return err
	}
	return e.kept(tx, b, next, out.items, out.digest)
}
