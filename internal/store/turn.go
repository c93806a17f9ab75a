package store

import (
	"errors"
	"fmt"
)

// TakeTurn puts a batch at the end of its tenant's line. Whoever takes a turn next waits until this transaction ends, so turns become visible in the
// order of their numbers. The batch is to be saved after it.
func (tx *Tx) TakeTurn(b *BatchRow) error {
	return tx.row("INSERT INTO batch_turn (tenant, last) VALUES ($1, 1) ON CONFLICT (tenant) DO UPDATE SET last = batch_turn.last + 1 RETURNING last",
		[]any{tx.tenant}, &b.Turn)
}

// HasTurn says whether nobody stands before a batch in the line. One that stands in none need not wait.
func (tx *Tx) HasTurn(b *BatchRow) (bool, error) {
	if b.Turn == 0 {
		return true, nil
	}
	first, err := tx.firstInLine()
	return first == b.Seq, err
}

// AfterTurn gives the batch that stands first in the line once a batch has left it, and 0 when there is none. It keeps others from taking a turn
// until the transaction ends: whoever is not seen here sees that the batch is gone. So it comes last in a transaction.
func (tx *Tx) AfterTurn() (int64, error) {
	if tx.store.engine == Postgres {
		if err := tx.row("SELECT last FROM batch_turn WHERE tenant = $1 FOR UPDATE", []any{tx.tenant}, new(int64)); err != nil {
			return 0, fmt.Errorf("store: lock the line of batches: %w", err)
		}
	}
	return tx.firstInLine()
}

func (tx *Tx) firstInLine() (seq int64, err error) {
	err = tx.row("SELECT seq FROM batch WHERE tenant = $1 AND turn IS NOT NULL ORDER BY turn LIMIT 1", []any{tx.tenant}, &seq)
	if errors.Is(err, errNone) {
		return 0, nil
	}
	return seq, err
}
