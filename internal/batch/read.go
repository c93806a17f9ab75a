package batch

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Get gives a batch by id.
func (e *Engine) Get(ctx context.Context, caller muster.Caller, id uuid.UUID) (b store.BatchRow, err error) {
	find := func(tx *store.Tx) (found store.BatchRow, err error) {
		b, err = tx.Batch(id)
		return b, err
	}
	if err = e.seek(ctx, caller, find, func(*store.Tx) error { return nil }); err != nil {
		return store.BatchRow{}, err
	}
	return b, nil
}

// List gives batches, newest first, from before a seq. kind and state may be empty.
func (e *Engine) List(ctx context.Context, caller muster.Caller, kind muster.BatchKind, state muster.BatchState, before int64, limit int) (list []store.BatchRow, err error) {
	if err := access.Some(caller, muster.ReadPeople); err != nil {
		return nil, err
	}
	err = e.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		reach, err := access.ReachOf(tx, caller, muster.ReadPeople)
		switch {
		case err != nil:
		case reach.All():
			list, err = tx.Batches(kind, state, before, limit)
		default:
			list, err = tx.BatchesWithin(reach.Filter(), kind, state, before, limit)
		}
		return err
	})
	return list, err
}

// Following gives the provision batch of an import. ok is false while there is none.
func (e *Engine) Following(ctx context.Context, caller muster.Caller, b store.BatchRow) (following store.BatchRow, ok bool, err error) {
	err = e.viewOf(ctx, caller, b.Seq, func(tx *store.Tx) (err error) {
		following, err = tx.BatchFollowing(b.Seq)
		if muster.CodeOf(err) == muster.NotFound {
			return nil
		}
		ok = err == nil
		return err
	})
	return following, ok, err
}

// Items gives one page of items, from an index on, in order; also of rows that had no turn yet. state may be empty. A page shorter than limit
// is the last one.
func (e *Engine) Items(ctx context.Context, caller muster.Caller, b store.BatchRow, state muster.ItemState, from, limit int) (items []muster.Item, err error) {
	err = e.viewOf(ctx, caller, b.Seq, func(tx *store.Tx) (err error) {
		items, err = ItemsOf(tx, &b, state, from, limit)
		return err
	})
	return items, err
}

// ItemsOf is Items within a transaction. Rows that had no turn have no item stored: they are all behind those that have one.
func ItemsOf(tx *store.Tx, b *store.BatchRow, state muster.ItemState, from, limit int) ([]muster.Item, error) {
	items, err := tx.Items(b.Seq, state, from, limit)
	rest := restState(b)
	if err != nil || b.Kind != muster.ImportBatch || state != "" && state != rest || len(items) == limit {
		return items, err
	}
	stored, err := tx.StoredItems(b.Seq)
	if err != nil {
		return nil, err
	}
	for next := max(from, stored); next < b.Total && len(items) < limit; next++ {
		items = append(items, restItem(b, next))
	}
	return items, nil
}

// restItem is the item of a row that has none stored.
func restItem(b *store.BatchRow, index int) muster.Item {
	item := muster.Item{Batch: b.Seq, Index: index, State: restState(b), At: b.UpdatedAt}
	if item.State == muster.SkippedItem {
		item.Reasons = muster.Errors{muster.Errorf(muster.Policy, "", "%s", b.Message)}
	}
	return item
}

// restState is the state of rows that have no item.
func restState(b *store.BatchRow) muster.ItemState {
	if b.State == muster.Cancelled || b.State == muster.Failed {
		return muster.SkippedItem
	}
	return muster.PendingItem
}

// Rows gives the rows of a batch as they were submitted, from an index on.
func (e *Engine) Rows(ctx context.Context, caller muster.Caller, b store.BatchRow, from, limit int) (rows []Row, err error) {
	err = e.viewOf(ctx, caller, b.Seq, func(tx *store.Tx) (err error) {
		rows, err = rowsBetween(tx, b.Seq, from, min(from+limit, b.Total))
		return err
	})
	return rows, err
}

// Watch calls see with a batch now and whenever it has changed, until it is final or ctx ends. It looks as often as every says.
func (e *Engine) Watch(ctx context.Context, caller muster.Caller, id uuid.UUID, every time.Duration, see func(store.BatchRow) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last time.Time
	for {
		b, err := e.Get(ctx, caller, id)
		if err != nil {
			return err
		}
		if b.UpdatedAt != last {
			last = b.UpdatedAt
			if err := see(b); err != nil {
				return err
			}
		}
		if b.State.Final() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Left is how long a running batch will take yet, at the pace it has had; 0 when that cannot be told.
func Left(b store.BatchRow, now time.Time) time.Duration {
	final := b.Total - b.Counts.Pending(b.Total)
	if b.State != muster.Running || final == 0 || b.StartedAt.IsZero() {
		return 0
	}
	return now.Sub(b.StartedAt) * time.Duration(b.Total-final) / time.Duration(final)
}

func (e *Engine) view(ctx context.Context, caller muster.Caller, f func(*store.Tx) error) error {
	if err := access.Can(caller, muster.ReadPeople); err != nil {
		return err
	}
	return e.store.View(ctx, caller.Tenant, f)
}
