package batch

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// A batch is its unit's: who may read people there sees it, who may change people there does with it as they like, and to others it is not there.
// One that is for no unit is the whole tenant's.

// viewOf is view for what belongs to one batch, which it reads anew: what the caller brought may be old.
func (e *Engine) viewOf(ctx context.Context, caller muster.Caller, batch int64, f func(*store.Tx) error) error {
	if caller.Has(muster.ReadPeople) {
		return e.view(ctx, caller, f)
	}
	return e.seek(ctx, caller, func(tx *store.Tx) (store.BatchRow, error) { return tx.BatchBySeq(batch) }, f)
}

// seek finds a batch and, when the caller may see it, goes on with f.
func (e *Engine) seek(ctx context.Context, caller muster.Caller, find func(*store.Tx) (store.BatchRow, error), f func(*store.Tx) error) error {
	if err := access.Some(caller, muster.ReadPeople); err != nil {
		return err
	}
	return e.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		b, err := find(tx)
		if err != nil {
			return err
		}
		if err := access.See(tx, caller, b.Unit, missing(&b)); err != nil {
			return err
		}
		return f(tx)
	})
}

// changeable gives a batch that the caller may change.
func changeable(tx *store.Tx, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	b, err := tx.Batch(id)
	if err == nil {
		err = access.Change(tx, caller, b.Unit, missing(&b))
	}
	return b, err
}

// mayChange is changeable in a transaction of its own.
func (e *Engine) mayChange(ctx context.Context, caller muster.Caller, id uuid.UUID) (b store.BatchRow, err error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return b, err
	}
	err = e.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		b, err = changeable(tx, caller, id)
		return err
	})
	return b, err
}

// missing is the error of a batch that is not there, in the store's words.
func missing(b *store.BatchRow) error {
	return muster.Errorf(muster.NotFound, "id", "%s", fmt.Sprintf("There is no batch %s.", b.ID))
}

// within is kept among the options of a batch whose submitter may write to some units only: its rows may do no more than its submitter.
type within struct {
	Units []int64 `json:"within"`
}

// confine refuses a batch that its submitter may not submit, and sees over what its rows may reach.
func (r *Receiver) confine(tx *store.Tx) error {
	if err := access.Over(tx, r.caller, muster.WritePeople, r.row.Unit); err != nil {
		return err
	}
	reach, err := access.ReachOf(tx, r.caller, muster.WritePeople)
	if r.within = nil; err == nil && !reach.All() {
		r.within = reach.Units()
	}
	return err
}

// confined is the batch with that among its options.
func (r *Receiver) confined() (store.BatchRow, error) {
	b := r.row
	if r.within == nil {
		return b, nil
	}
	options := map[string]json.RawMessage{}
	err := json.Unmarshal(b.Options, &options)
	if err == nil {
		options["within"], err = json.Marshal(r.within)
	}
	if err == nil {
		b.Options, err = json.Marshal(options)
	}
	if err != nil {
		return b, fmt.Errorf("batch: options: %w", err)
	}
	return b, nil
}

// Within is over what the rows of a batch may reach; nil is the whole tenant.
func Within(tx *store.Tx, b *store.BatchRow) (*access.Reach, error) {
	var w within
	if err := json.Unmarshal(b.Options, &w); err != nil {
		return nil, fmt.Errorf("batch: options of batch %d: %w", b.Seq, err)
	}
	if w.Units == nil {
		return nil, nil
	}
	reach, err := access.Within(tx, w.Units)
	return &reach, err
}
