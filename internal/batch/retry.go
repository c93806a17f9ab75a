package batch

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Retry makes a new batch of the rows that failed, and does with it what was asked. It is muster.Conflict when nothing failed.
func (e *Engine) Retry(ctx context.Context, caller muster.Caller, id uuid.UUID, then Then) (store.BatchRow, error) {
	b, err := e.mayChange(ctx, caller, id)
	switch {
	case err != nil:
		return b, err
	case b.Kind != muster.ImportBatch:
		return b, muster.Errorf(muster.Unsupported, "", "Accounts are tried again by running their batch again.")
	case !b.State.Final():
		return b, muster.Errorf(muster.Conflict, "state", "The batch is %s; only one that has ended can be retried.", b.State)
	case b.Counts.Failed == 0 && (b.Counts.Skipped == 0 || b.State == muster.Finished):
		return b, muster.Errorf(muster.Conflict, "", "No row of this batch failed.")
	}
	r, err := e.Receive(ctx, caller, Submission{Surface: caller.Surface, Name: b.Name, Options: b.Options, Ordered: b.Ordered, RetryOf: b.Seq, Unit: b.Unit})
	if err != nil {
		return b, err
	}
	defer r.Abort(ctx) //nolint:errcheck // after Finish there is nothing to abort
	if err := e.copyFailed(ctx, caller, b, r); err != nil {
		return b, err
	}
	return r.Finish(ctx, then, nil)
}

func (e *Engine) copyFailed(ctx context.Context, caller muster.Caller, b store.BatchRow, r *Receiver) error {
	for from := 0; from < b.Total; {
		end := min(from+4*blockRows, b.Total)
		items, err := e.Items(ctx, caller, b, "", from, end-from)
		if err != nil {
			return err
		}
		rows, err := e.Rows(ctx, caller, b, from, end-from)
		if err != nil {
			return err
		}
		if len(rows) < end-from {
			return muster.Errorf(muster.Gone, "", "The rows of this batch are kept no longer, so they cannot be tried again. Import the file again.")
		}
		var again []int
		for _, item := range items {
			if item.Index < end && toRetry(b, item) {
				again = append(again, item.Index)
			}
		}
		if err := e.copyRows(ctx, b, r, rows, from, again); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// toRetry says whether a row is to have another try: it failed, or the batch ended before its turn. One that was skipped for what it is stays so.
func toRetry(b store.BatchRow, i muster.Item) bool {
	return i.State == muster.FailedItem || i.State == muster.SkippedItem && b.State != muster.Finished
}

// copyRows adds some of the rows that were read from an index on, by their indexes, each with the password that came with it.
func (e *Engine) copyRows(ctx context.Context, b store.BatchRow, r *Receiver, rows []Row, from int, again []int) error {
	var withSecret []int
	for _, index := range again {
		if rows[index-from].Secret {
			withSecret = append(withSecret, index)
		}
	}
	var sealed map[int]store.SealedPassword
	err := e.store.View(ctx, b.Tenant, func(tx *store.Tx) (err error) {
		sealed, err = tx.SealedPasswords(b.Seq, withSecret)
		return err
	})
	if err != nil {
		return err
	}
	for _, index := range again {
		row := rows[index-from]
		if !row.Secret {
			if err := r.Add(ctx, row); err != nil {
				return err
			}
			continue
		}
		kept, found := sealed[index]
		password, err := e.key.Open(store.SealedPurpose(b.Seq, index), kept.Sealed)
		if !found || err != nil {
			row.Secret, row.Warnings = false, append(slices.Clip(row.Warnings), secretGone)
			kept.Sealed = nil
		} else {
			kept.Sealed = e.key.Seal(store.SealedPurpose(r.row.Seq, r.total), password)
		}
		if err := r.add(ctx, row, kept); err != nil {
			return err
		}
	}
	return nil
}

// secretGone is the warning of a row that is tried again too late for the password that came with it.
var secretGone = muster.Errorf(muster.Unsupported, "password", "The password that came with this row is kept no longer, so none was set. Send it again.")
