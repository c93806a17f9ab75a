// Package batch is the life of batches: rows received in blocks, worked through chunk by chunk, each chunk one transaction; plans, counts,
// cancelling, releasing, retrying, progress and results.
//
// It does not know what a row means. Whoever does (internal/intake) gives it a Worker. What becomes of accounts is internal/provision's.
// Start at drive.go: the loop that everything else serves.
package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// Worker knows what rows mean.
type Worker interface {
	// Decode reads rows as far as that needs no database. It runs ahead, while the chunk before is written.
	Decode(ctx context.Context, b *store.BatchRow, rows []Row) (any, error)
	// Carry decides on the decoded rows and, unless the chunk is dry, carries the changes out, in the transaction. It gives an item for each
	// row, in order; rows that are to be passed over get none of its attention, and an item that is not looked at.
	Carry(tx *store.Tx, b *store.BatchRow, decoded any, c Chunk) ([]muster.Item, error)
	// Written is called in the same transaction after the items of a chunk were stored, for what follows from them.
	Written(tx *store.Tx, b *store.BatchRow) error
}

// A Seer is a Worker that can decide on rows before their turn.
type Seer interface {
	// Foresee decides on decoded rows from the first on, as if nobody were here whom they might mean, while rows before them are written: in another
	// transaction than these, which need not be able to write. nil says that it cannot be told before their turn.
	Foresee(tx *store.Tx, b *store.BatchRow, decoded any, first int) (*Foreseen, error)
	// Recognise is Foresee as if all of the rows meant people who are here.
	Recognise(tx *store.Tx, b *store.BatchRow, decoded any, first int) (*Foreseen, error)
	// Rest is Recognise for rows that are not decoded yet, as if nearly all of them asked for nothing but what is so already.
	Rest(tx *store.Tx, b *store.BatchRow, rows []Row, first int) (*Foreseen, error)
}

// Foreseen is what rows come to unless what they claim is somebody's, or those whom they mean move on meanwhile. Number and Write are called once, one
// after the other, in the transaction that writes the rows. Each may say store.ErrClash: Carry is to decide after all, in another transaction.
type Foreseen struct {
	Number func(tx *store.Tx) error // settles what is only known then
	Write  func(tx *store.Tx) error // writes what the items tell, but for the items

	People []int64 // who must not have had a row in the batch before

	Known []muster.Item        // nil when the items are known only after Number
	Items func() []muster.Item // gives them then; it may be called while Write is at work

	outcome outcome // of those that are known
}

// outcome is items that are ready to be written.
type outcome struct {
	items  []muster.Item
	packed *store.PackedItems
	digest string
}

// Chunk says which rows of a batch Carry is given, and how.
type Chunk struct {
	First int          // index of the first row
	Dry   bool         // plan only
	Skip  map[int]bool // indexes of rows that have their outcome already

	// RowsOf gives the rows of those among some people who have one in the batch already: before these, or planned.
	RowsOf func(people []int64) (map[int64]int, error)
}

// Job is the kind of the queue job that drives one batch.
const Job = "batch"

type jobArgs struct {
	Tenant int64 `json:"tenant"`
	Batch  int64 `json:"batch"`
}

// Engine drives batches.
type Engine struct {
	store  *store.Store
	queue  *queue.Queue
	key    secret.Key
	log    *slog.Logger
	worker Worker
	seer   Seer // nil for a worker that is none
	node   string
	drives atomic.Int64

	inputKept time.Duration // see KeepInput
	seen      sightings

	written, analyzed atomic.Int64 // people who came by this process, in all and when the tables were analyzed last
}

// New makes an Engine. Passwords that come with rows are sealed with the key. Register must be called before the queue runs.
func New(s *store.Store, q *queue.Queue, key secret.Key, log *slog.Logger) *Engine {
	return &Engine{store: s, queue: q, key: key, log: log, node: uuid.NewString()}
}

// Lane is the lane of the queue that batches are driven in.
const Lane = "batches"

// sweepInterval and leaseTime together bound how long a batch rests after its process died: 25 seconds.
const (
	leaseTime     = 20 * time.Second
	sweepInterval = 5 * time.Second
)

// Register names the worker of imports and has the queue drive batches.
func (e *Engine) Register(w Worker) {
	e.worker = w
	e.seer, _ = w.(Seer)
	e.queue.Handle(Job, Lane, func(ctx context.Context, raw json.RawMessage) error {
		var args jobArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("batch: arguments of job: %w", err)
		}
		return e.drive(ctx, args)
	})
	e.queue.Every(sweepInterval, "batches left alone", e.Sweep)
	e.queue.Every(retentionInterval, "old input", e.dropOldInput)
}

// wake has a batch driven once the transaction is durable.
func (e *Engine) wake(tx *store.Tx, batch int64) error {
	tx.AfterCommit(e.queue.Nudge)
	return e.queue.Enqueue(tx.Context(), tx.SQL(), Job, jobArgs{Tenant: tx.Tenant(), Batch: batch}, queue.Once())
}

// Recover is called once at a start. On SQLite nobody else can be at work, so all that was left is taken up at once.
func (e *Engine) Recover(ctx context.Context) error {
	if e.store.Engine() == store.SQLite {
		if err := e.store.Update(ctx, store.Everyone, func(tx *store.Tx) error { return tx.FreeLeases() }); err != nil {
			return err
		}
	}
	return e.Sweep(ctx)
}

// Sweep takes up the batches that nobody drives, and removes uploads that were never finished.
func (e *Engine) Sweep(ctx context.Context) error {
	var left []store.Abandoned
	err := e.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		left, err = tx.AbandonedBatches()
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range left {
		err := e.store.Update(ctx, a.Tenant, func(tx *store.Tx) error {
			if a.State == muster.Receiving {
				return tx.DeleteBatch(a.Batch)
			}
			return e.wake(tx, a.Batch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
