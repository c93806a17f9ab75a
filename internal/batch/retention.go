package batch

import (
	"context"
	"time"

	"github.com/musterid/muster/internal/store"
)

// InputRetention is how long the rows of a batch are kept at least after its end, as they were submitted. After that there is no result sheet of it and
// no retry; what became of its people stays.
const InputRetention = 30 * 24 * time.Hour

// retentionInterval is how often old input is looked for, and retentionStep how many batches are cleared in one transaction.
const (
	retentionInterval = time.Hour
	retentionStep     = 20
)

// KeepInput has rows kept for so long after the end of their batch where that is more than InputRetention: a surface shows them as long. It comes before
// the queue runs.
func (e *Engine) KeepInput(d time.Duration) { e.inputKept = d }

// dropOldInput removes the rows of batches that ended long ago.
func (e *Engine) dropOldInput(ctx context.Context) error {
	for {
		n := 0
		err := e.store.Bulk(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			n, err = tx.DropOldBlocks(tx.Now().Add(-max(InputRetention, e.inputKept)), retentionStep)
			return err
		})
		if err != nil || n < retentionStep || ctx.Err() != nil {
			return err
		}
	}
}
