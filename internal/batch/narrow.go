package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// narrowing is by how much smaller the chunks become after one that cannot be written: a bad row is found in a few steps.
const narrowing = 20

// narrowed is rows that could not be written as a whole: those before an index are tried in so many at a time.
type narrowed struct{ rows, end int }

// narrowRows is how many rows are tried at a time from an index on; 0 is as many as ever. Once those are past that were refused in a smaller chunk, the
// others of a larger one are many at a time again.
func (d *drive) narrowRows(first int) int {
	for n := len(d.narrowed); n > 0; n-- {
		if last := d.narrowed[n-1]; first < last.end {
			return last.rows
		}
	}
	return 0
}

// narrow goes on after a chunk that the database, or our own code, refuses as it is: its rows are tried in smaller chunks, down to single rows,
// and a row that is refused by itself fails. So a fault of ours costs one row, and not the batch.
func (d *drive) narrow(ctx context.Context, refused decoded, cause error) error {
	d.drop()
	if n := refused.end - refused.first; n > 1 {
		d.narrowed = slices.DeleteFunc(d.narrowed, func(done narrowed) bool { return done.end <= refused.first })
		d.narrowed = append(d.narrowed, narrowed{max(1, n/narrowing), refused.end})
		return nil
	}
	d.engine.log.Error("row of a batch cannot be written", "tenant", d.tenant, "batch", d.batch, "index", refused.first, "error", cause)
	return d.engine.store.Bulk(ctx, d.tenant, func(tx *store.Tx) error {
		b, err := d.lock(tx)
		if err != nil || b.NextIndex != refused.first || b.Cancel || b.Turn != d.turn {
			return err
		}
		stored, err := storedItems(tx, &b, refused)
		if err != nil {
			return err
		}
		rows, err := rowsBetween(tx, b.Seq, refused.first, refused.end)
		if err != nil {
			return err
		}
		items := []muster.Item{{Batch: b.Seq, Index: refused.first, Row: rows[0].Number, State: muster.FailedItem, Reasons: muster.Errors{unwritable}}}
		if stored[refused.first].State.Final() {
			items = nil
		}
		if b.State != muster.Planning {
			return d.engine.keep(tx, &b, refused, items, stored)
		}
		count(&b, items)
		b.NextIndex = refused.end
		d.engine.keepInMind(tx, &b, refused.first, items)
		if err := tx.InsertItems(items); err != nil {
			return err
		}
		return tx.SaveBatch(&b)
	})
}

// unwritable is the reason of a row that fails for a fault of ours.
var unwritable = muster.Errorf(muster.Internal, "", "This row could not be stored, and that is our fault. The log says why.")

// errPanic marks rows with which our own code does not get along before their transaction begins.
var errPanic = errors.New("batch: panic over rows")

// guarded turns a panic of f into an error: what reads ahead runs beside the job, where a panic would end the process, and again at each start.
func guarded(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())
		}
	}()
	return f()
}
