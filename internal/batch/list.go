package batch

import (
	"context"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Query is which batches to list by place. Zero fields do not filter.
type Query struct {
	Kind        muster.BatchKind
	Surface     string
	Unit        int64 // seq of the unit that they are for
	States      []muster.BatchState
	Skip, Limit int
}

// countedMost is how far batches are counted for a total.
const countedMost = 100_000

// Listing gives batches by place in the list, newest first, and how many there are.
func (e *Engine) Listing(ctx context.Context, caller muster.Caller, q Query) (list []Batch, total int, err error) {
	if err := access.Some(caller, muster.ReadPeople); err != nil {
		return nil, 0, err
	}
	err = e.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		ask := store.BatchQuery{Kind: q.Kind, Surface: q.Surface, Unit: q.Unit, States: q.States, Skip: q.Skip, Limit: q.Limit}
		reach, err := access.ReachOf(tx, caller, muster.ReadPeople)
		if err != nil {
			return err
		}
		if !reach.All() {
			ask.Paths = reach.Filter()
		}
		list, total, err = tx.BatchPage(ask, countedMost)
		return err
	})
	return list, total, err
}

// CountsOf gives state, size and counts of an import to whoever holds its id: nothing of what is in it, and not whose it is.
func (e *Engine) CountsOf(ctx context.Context, surface string, id uuid.UUID) (b muster.Batch, err error) {
	err = e.store.View(ctx, store.Everyone, func(tx *store.Tx) error {
		b, err = tx.CountsOfImport(surface, id)
		return err
	})
	return b, err
}
