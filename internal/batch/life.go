package batch

import (
	"context"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// begin moves a batch that is complete on to what was asked for.
func (e *Engine) begin(tx *store.Tx, b *store.BatchRow, then Then) error {
	switch then {
	case Rest:
		return tx.SaveBatch(b)
	case PlanIt:
		b.State, b.NextIndex = muster.Planning, 0
	case CarryIt:
		b.State, b.StartedAt = muster.Running, tx.Now()
		return e.setOff(tx, b)
	}
	if err := tx.SaveBatch(b); err != nil {
		return err
	}
	return e.wake(tx, b.Seq)
}

// Plan has the changes of a batch worked out and stored; nothing is done. A batch that is planned already stays so.
func (e *Engine) Plan(ctx context.Context, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	return e.change(ctx, caller, id, "batch.plan", func(tx *store.Tx, b *store.BatchRow) error {
		if b.Kind != muster.ImportBatch {
			return muster.Errorf(muster.Unsupported, "", "Only imports are planned. Accounts are made by running their batch.")
		}
		switch b.State {
		case muster.Planning, muster.Planned:
			return nil
		case muster.Ready:
			return e.begin(tx, b, PlanIt)
		}
		return muster.Errorf(muster.Conflict, "state", "A batch that is %s cannot be planned.", b.State)
	})
}

// Run carries a batch out: as it was planned, or at once. A batch under way stays so. One past its limits is held until Release.
func (e *Engine) Run(ctx context.Context, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	return e.change(ctx, caller, id, "batch.run", func(tx *store.Tx, b *store.BatchRow) error {
		if b.Kind != muster.ImportBatch {
			return muster.Errorf(muster.Unsupported, "", "A batch of accounts is not run as an import is.")
		}
		switch b.State {
		case muster.Running, muster.Finished, muster.HeldBatch:
			return nil
		case muster.Ready:
			return e.begin(tx, b, CarryIt)
		case muster.Planned:
			b.StartedAt = tx.Now()
			if b.Plan.Hold != "" {
				b.State, b.Message = muster.HeldBatch, b.Plan.Hold
				return tx.SaveBatch(b)
			}
			return e.runPlan(tx, b)
		}
		return muster.Errorf(muster.Conflict, "state", "A batch that is %s cannot be run.", b.State)
	})
}

// Release lets a held batch be carried out as planned.
func (e *Engine) Release(ctx context.Context, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	return e.change(ctx, caller, id, "batch.release", func(tx *store.Tx, b *store.BatchRow) error {
		if b.State != muster.HeldBatch {
			return muster.Errorf(muster.Conflict, "state", "Only a batch that is held can be released; this one is %s.", b.State)
		}
		b.Released, b.Message, b.Plan.Hold = true, "", ""
		return e.runPlan(tx, b)
	})
}

// runPlan begins to carry out what is planned.
func (e *Engine) runPlan(tx *store.Tx, b *store.BatchRow) error {
	first, ok, err := tx.FirstPlanned(b.Seq)
	if err != nil {
		return err
	}
	b.State, b.NextIndex = muster.Running, first
	if !ok {
		b.NextIndex = b.Total
	}
	b.Plan.Hold = ""
	return e.setOff(tx, b)
}

// Cancel stops a batch at the next chunk. What was done stays done; the rest is skipped.
func (e *Engine) Cancel(ctx context.Context, caller muster.Caller, id uuid.UUID) (store.BatchRow, error) {
	return e.change(ctx, caller, id, "batch.cancel", func(tx *store.Tx, b *store.BatchRow) error {
		if b.Kind != muster.ImportBatch {
			return muster.Errorf(muster.Unsupported, "", "Accounts that are owed cannot be cancelled. Pause the target instead.")
		}
		switch {
		case b.State.Final():
			return nil
		case b.State == muster.Running || b.State == muster.Planning:
			b.Cancel = true
			if err := tx.SaveBatch(b); err != nil {
				return err
			}
			return e.wake(tx, b.Seq)
		}
		return e.stop(tx, b, muster.Cancelled, Cancelled)
	})
}

// Cancelled is the reason of rows that were not reached.
var Cancelled = muster.Errorf(muster.Policy, "", "The batch was cancelled before this row's turn came.")

// stop ends a batch before its end.
func (e *Engine) stop(tx *store.Tx, b *store.BatchRow, state muster.BatchState, reason *muster.Error) error {
	if err := tx.SkipPlanned(b.Seq, reason); err != nil {
		return err
	}
	if err := tx.DropPlanClaims(b.Seq); err != nil {
		return err
	}
	b.State, b.FinishedAt, b.Message = state, tx.Now(), reason.Message
	b.Counts.Skipped += b.Counts.Pending(b.Total)
	return e.settle(tx, b)
}

// finish closes a batch whose rows have all had their turn.
func (e *Engine) finish(tx *store.Tx, b *store.BatchRow) error {
	b.State, b.FinishedAt, b.Message = muster.Finished, tx.Now(), ""
	return e.settle(tx, b)
}

// end closes a batch whose rows have all had their turn, or that was cancelled.
func (d *drive) end(ctx context.Context) error {
	return d.engine.store.Update(ctx, d.tenant, func(tx *store.Tx) error {
		b, err := d.lock(tx)
		if err != nil {
			return err
		}
		switch {
		case b.State.Final():
			return nil
		case b.Cancel:
			return d.engine.stop(tx, &b, muster.Cancelled, Cancelled)
		case b.NextIndex < b.Total:
			return nil
		case b.State == muster.Planning:
			return d.engine.planned(tx, &b)
		case b.State == muster.Running:
			return d.engine.finish(tx, &b)
		}
		return nil
	})
}

// planned closes the planning of a batch: it waits for a run, or, when a run led here, for a release.
func (e *Engine) planned(tx *store.Tx, b *store.BatchRow) error {
	people, err := peopleBefore(tx, b)
	if err != nil {
		return err
	}
	why, err := exceeded(tx, b.Plan.Disables, b.Plan.Renames, people)
	if err != nil {
		return err
	}
	if b.Plan.Hold == "" {
		b.Plan.Hold = why
	}
	if err := tx.DropPlanClaims(b.Seq); err != nil {
		return err
	}
	b.State = muster.Planned
	if !b.StartedAt.IsZero() {
		b.State, b.Message = muster.HeldBatch, b.Plan.Hold
	}
	return tx.SaveBatch(b)
}

// giveUp ends a batch that cannot go on as a whole. An error that is ours is tried again by the queue instead.
func (e *Engine) giveUp(ctx context.Context, b store.BatchRow, cause error) error {
	if muster.CodeOf(cause) == muster.Internal {
		return cause
	}
	reason := muster.Faults(cause)[0]
	return e.store.Update(ctx, b.Tenant, func(tx *store.Tx) error {
		b, err := tx.LockBatch(b.Seq)
		if err != nil || b.State.Final() {
			return err
		}
		return e.stop(tx, &b, muster.Failed, reason)
	})
}

// change does something to a batch on a caller's behalf, and records it.
func (e *Engine) change(ctx context.Context, caller muster.Caller, id uuid.UUID, action string, f func(*store.Tx, *store.BatchRow) error) (store.BatchRow, error) {
	var b store.BatchRow
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return b, err
	}
	err := e.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := changeable(tx, caller, id)
		if err != nil {
			return err
		}
		if b, err = tx.LockBatch(found.Seq); err != nil {
			return err
		}
		before := b.State
		if err := f(tx, &b); err != nil {
			return err
		}
		if before == b.State && !b.Cancel {
			return nil
		}
		return tx.Audit([]muster.AuditEntry{{
			Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: action, Object: "batch " + b.ID.String(), Batch: b.Seq,
			Change: muster.Diff(muster.Record{"state": string(before)}, muster.Record{"state": string(b.State)}),
		}})
	})
	return b, err
}
