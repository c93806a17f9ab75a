package batch

import (
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/store"
)

// Enqueue has a job of another kind done once the transaction is durable, for what follows from a batch. Asking again while it waits adds nothing.
func (e *Engine) Enqueue(tx *store.Tx, kind string, args any) error {
	tx.AfterCommit(e.queue.Nudge)
	return e.queue.Enqueue(tx.Context(), tx.SQL(), kind, args, queue.Once())
}
