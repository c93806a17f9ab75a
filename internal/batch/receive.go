package batch

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Submission describes a batch that is about to be received.
type Submission struct {
	Surface string
	Name    string
	Options json.RawMessage // the worker's
	Ordered bool
	RetryOf int64
	Unit    int64 // seq of the unit that everybody in it is to be in; 0 is none
}

// Then says what is to happen with a batch once all of it is there.
type Then string

const (
	Rest    Then = ""     // nothing yet
	PlanIt  Then = "plan" // work out the changes and stop
	CarryIt Then = "run"  // plan and carry out, chunk by chunk
)

// flushRows is how many rows are written in one short transaction: no writer ever waits for an upload. Large rows are written when there are
// flushBytes of them. While they are written the next ones come in.
const (
	flushRows  = 5_000
	flushBytes = 4 << 20
)

// receiveLease is how long an upload may rest between two flushes before it is taken for dead.
const receiveLease = 15 * time.Minute

// Receiver takes the rows of one batch as they come. Until Finish nobody sees the batch; after Abort, or a crash, nothing is left of it.
type Receiver struct {
	engine *Engine
	caller muster.Caller
	row    store.BatchRow
	next   received
	spare  received      // room for the next ones, while those before are written
	flying chan received // gives the room back; nil when nothing is being written
	failed error         // what came of those that were being written
	total  int
	within []int64 // units that the rows may reach; nil is the whole tenant
}

// received is rows that are not written yet.
type received struct {
	first  int
	rows   []Row
	bytes  int // of rows, about
	sealed []store.SealedPassword
	err    error
}

// Receive begins a batch.
func (e *Engine) Receive(ctx context.Context, caller muster.Caller, n Submission) (*Receiver, error) {
	r := &Receiver{engine: e, caller: caller}
	err := e.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		r.row = store.BatchRow{Options: n.Options}
		r.row.Kind, r.row.Surface, r.row.Name, r.row.Batch.Owner = muster.ImportBatch, n.Surface, n.Name, caller.Name
		r.row.Ordered, r.row.RetryOf, r.row.State = n.Ordered, n.RetryOf, muster.Receiving
		r.row.Unit = n.Unit
		if err := r.confine(tx); err != nil {
			return err
		}
		if err := tx.CreateBatch(&r.row); err != nil {
			return err
		}
		_, err := tx.LeaseBatch(r.row.Seq, e.node, tx.Now().Add(receiveLease))
		return err
	})
	return r, err
}

// AddWithSecret is Add for a row that a password came with, which is kept sealed beside the rows; nil is none.
func (r *Receiver) AddWithSecret(ctx context.Context, row Row, password []byte) error {
	if password == nil {
		return r.Add(ctx, row)
	}
	row.Secret = true
	return r.add(ctx, row, store.SealedPassword{Sealed: r.engine.key.Seal(store.SealedPurpose(r.row.Seq, r.total), password)})
}

// Add takes one more row.
func (r *Receiver) Add(ctx context.Context, row Row) error {
	return r.add(ctx, row, store.SealedPassword{})
}

// add takes one more row, and the password that is sealed for it.
func (r *Receiver) add(ctx context.Context, row Row, sealed store.SealedPassword) error {
	if r.total >= muster.MaxItems {
		return muster.Errorf(muster.TooLong, "", "A batch holds at most %d rows.", muster.MaxItems)
	}
	if sealed.Sealed != nil {
		sealed.Index = r.total
		r.next.sealed = append(r.next.sealed, sealed)
	}
	r.next.rows = append(r.next.rows, row)
	r.total++
	if r.next.bytes += row.size(); len(r.next.rows) >= flushRows || r.next.bytes >= flushBytes {
		return r.flush(ctx)
	}
	return nil
}

// flush has the rows so far written while the next ones come, once those before them are.
func (r *Receiver) flush(ctx context.Context) error {
	if err := r.land(); err != nil {
		return err
	}
	rows, landed := r.next, make(chan received, 1)
	r.next, r.flying = r.spare, landed
	r.next.first = r.total
	go func() {
		rows.err = guarded(func() error {
			blocks, err := rows.blocks()
			if err != nil {
				return err
			}
			return r.engine.store.Bulk(ctx, r.caller.Tenant, func(tx *store.Tx) error { return r.write(tx, blocks, rows.sealed) })
		})
		landed <- rows
	}()
	return nil
}

// land waits for what is being written.
func (r *Receiver) land() error {
	if r.flying != nil {
		rows := <-r.flying
		r.flying = nil
		r.failed = rows.err
		clear(rows.rows)
		clear(rows.sealed)
		r.spare = received{rows: rows.rows[:0], sealed: rows.sealed[:0]}
	}
	return r.failed
}

func (r *received) blocks() ([]store.Block, error) {
	var blocks []store.Block
	for i := 0; i < len(r.rows); i += blockRows {
		block, err := pack(r.first+i, r.rows[i:min(i+blockRows, len(r.rows))])
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}

func (r *Receiver) write(tx *store.Tx, blocks []store.Block, sealed []store.SealedPassword) error {
	ours, err := tx.LeaseBatch(r.row.Seq, r.engine.node, tx.Now().Add(receiveLease))
	if err != nil {
		return err
	}
	if !ours {
		return muster.Errorf(muster.Unavailable, "", "The upload took too long and was given up. Send it again.")
	}
	if err := tx.AddBlocks(r.row.Seq, blocks); err != nil {
		return err
	}
	return tx.AddSealedPasswords(r.row.Seq, sealed)
}

// SetOptions replaces the worker's options by what is known at the end of the rows.
func (r *Receiver) SetOptions(options json.RawMessage) { r.row.Options = options }

// Finish makes the batch visible and begins what is to follow, in one transaction with whatever also is to be durable then.
func (r *Receiver) Finish(ctx context.Context, then Then, also func(tx *store.Tx, b *store.BatchRow) error) (store.BatchRow, error) {
	if err := r.land(); err != nil {
		return store.BatchRow{}, err
	}
	blocks, err := r.next.blocks()
	if err != nil {
		return store.BatchRow{}, err
	}
	b := r.row
	err = r.engine.store.Bulk(ctx, r.caller.Tenant, func(tx *store.Tx) error {
		if b, err = r.confined(); err != nil {
			return err
		}
		if err := r.write(tx, blocks, r.next.sealed); err != nil {
			return err
		}
		b.Total, b.State = r.total, muster.Ready
		if err := tx.ReleaseBatch(b.Seq, r.engine.node); err != nil {
			return err
		}
		if err := r.engine.begin(tx, &b, then); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(tx, &b)
	})
	return b, err
}

// Abort leaves nothing of the batch. It is harmless after Finish.
func (r *Receiver) Abort(ctx context.Context) error {
	if r == nil {
		return errors.New("batch: nothing was received")
	}
	_ = r.land() // whoever aborts knows already, or does not ask
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return r.engine.store.Update(ctx, r.caller.Tenant, func(tx *store.Tx) error {
		b, err := tx.BatchBySeq(r.row.Seq)
		if err != nil || b.State != muster.Receiving {
			return err
		}
		return tx.DeleteBatch(b.Seq)
	})
}
