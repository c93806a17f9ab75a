package batch

import (
	"context"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Batch is a batch as stored, under a name that surfaces may use: they do not know the store.
type Batch = store.BatchRow

// Origins gives the ids of the batch that b follows and of the one whose failed rows it retries; the zero UUID where there is none.
func (e *Engine) Origins(ctx context.Context, caller muster.Caller, b Batch) (source, retryOf uuid.UUID, err error) {
	if b.SourceBatch == 0 && b.RetryOf == 0 {
		return source, retryOf, nil
	}
	err = e.viewOf(ctx, caller, b.Seq, func(tx *store.Tx) error {
		for _, link := range []struct {
			seq int64
			id  *uuid.UUID
		}{{b.SourceBatch, &source}, {b.RetryOf, &retryOf}} {
			if link.seq == 0 {
				continue
			}
			row, err := tx.BatchBySeq(link.seq)
			if err != nil {
				return err
			}
			*link.id = row.ID
		}
		return nil
	})
	return source, retryOf, err
}

// Numbered gives a batch by its number, for surfaces whose ids carry one; the caller of it holds the rest of the id against the batch.
func (e *Engine) Numbered(ctx context.Context, caller muster.Caller, seq int64) (b Batch, err error) {
	find := func(tx *store.Tx) (found store.BatchRow, err error) {
		b, err = tx.BatchBySeq(seq)
		if err == nil && b.State == muster.Receiving {
			err = missing(&b)
		}
		return b, err
	}
	if err = e.seek(ctx, caller, find, func(*store.Tx) error { return nil }); err != nil {
		return Batch{}, err
	}
	return b, nil
}
