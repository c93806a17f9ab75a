package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// BatchRow is a batch with what its driver keeps: who drives it, and what its makers asked for (Options, as JSON).
type BatchRow struct {
	muster.Batch
	Tenant      int64
	Options     json.RawMessage
	Unit        int64 // what it is for; 0 is none
	Order       bool  // a provision batch that somebody asked for, and that runs when asked to
	Waiting     int   // of an order: items that nobody has asked to be run yet
	Turn        int64 // place in the line of the tenant's imports that work one after the other; 0 is in none
	Plan        muster.Plan
	SourceIndex int  // of a provision batch: how far the source batch has been followed
	Released    bool // somebody let it pass its limits
	Cancel      bool // somebody asked for it to stop
	Owner       string
	Lease       time.Time
}

const batchColumns = `t.seq, t.id, t.tenant, t.kind, t.surface, t.name, t.creator, t.ordered, t.source_batch, t.source_index, t.retry_of, t.options, t.state,
 t.message, t.plan, t.released, t.cancel, t.total, t.next_index, t.done, t.failed, t.skipped, t.created, t.updated, t.unchanged, t.disables, t.renames, t.warnings,
 t.owner, t.lease, t.created_at, t.updated_at, t.started_at, t.finished_at, t.unit, t.waiting, t.turn`

func scanBatch(scan func(...any) error) (BatchRow, error) {
	var b BatchRow
	var ordered, released, cancel int64
	var source, retry, lease, created, updated, started, finished, unit, waiting, turn sql.NullInt64
	var options, plan string
	c := &b.Counts
	err := scan(&b.Seq, &b.ID, &b.Tenant, (*string)(&b.Kind), &b.Surface, &b.Name, &b.Batch.Owner, &ordered, &source, &b.SourceIndex, &retry, &options,
		(*string)(&b.State), text{&b.Message}, text{&plan}, &released, &cancel, &b.Total, &b.NextIndex, &c.Done, &c.Failed, &c.Skipped, &c.Created, &c.Updated, &c.Unchanged,
		&c.Disables, &c.Renames, &c.Warnings, text{&b.Owner}, &lease, &created, &updated, &started, &finished,
		&unit, &waiting, &turn)
	b.Ordered, b.Released, b.Cancel = ordered == 1, released == 1, cancel == 1
	b.Unit, b.Order, b.Waiting, b.Turn = unit.Int64, waiting.Valid, int(waiting.Int64), turn.Int64
	b.SourceBatch, b.RetryOf, b.Options = source.Int64, retry.Int64, json.RawMessage(options)
	b.Lease, b.CreatedAt, b.UpdatedAt = fromMicros(lease), fromMicros(created), fromMicros(updated)
	b.StartedAt, b.FinishedAt = fromMicros(started), fromMicros(finished)
	if err == nil && plan != "" {
		err = json.Unmarshal([]byte(plan), &b.Plan)
	}
	return b, err
}

// CreateBatch writes a new batch and gives it seq, id and times.
func (tx *Tx) CreateBatch(b *BatchRow) error {
	if b.ID == uuid.Nil {
		b.ID = tx.newID()
	}
	if len(b.Options) == 0 {
		b.Options = json.RawMessage("{}")
	}
	b.Tenant, b.CreatedAt, b.UpdatedAt = tx.tenant, tx.now, tx.now
	c := b.Counts
	var err error
	b.Seq, err = tx.insert(`INSERT INTO batch (id, tenant, kind, surface, name, creator, ordered, source_batch, source_index, retry_of, options, state, message,
 released, cancel, total, next_index, done, failed, skipped, created, updated, unchanged, disables, renames, warnings, created_at, updated_at, started_at,
 finished_at, unit, waiting) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
 $29, $30, $31)
 RETURNING seq`, tx.uuid(b.ID), tx.tenant, string(b.Kind), b.Surface, b.Name, b.Batch.Owner, flag(b.Ordered), orNullNumber(b.SourceBatch), b.SourceIndex,
		orNullNumber(b.RetryOf), string(b.Options), string(b.State), orNull(b.Message), flag(b.Released), b.Total, b.NextIndex, c.Done, c.Failed, c.Skipped, c.Created,
		c.Updated, c.Unchanged, c.Disables, c.Renames, c.Warnings, micros(b.CreatedAt), micros(b.UpdatedAt), micros(b.StartedAt), micros(b.FinishedAt),
		orNullNumber(b.Unit), b.waiting())
	if clash(err) {
		return fmt.Errorf("%w: %w", ErrClash, err) // another process made the batch that follows the same import
	}
	return err
}

// waiting is how many items of an order wait; nil for what is no order.
func (b *BatchRow) waiting() any {
	if !b.Order {
		return nil
	}
	return b.Waiting
}

// Batch gives a batch by id, or muster.NotFound. One that is still being received is not found.
func (tx *Tx) Batch(id uuid.UUID) (BatchRow, error) {
	return tx.oneBatch("t.id = $1 AND t.tenant = $2 AND t.state <> 'receiving'", fmt.Sprintf("There is no batch %s.", id), tx.uuid(id), tx.tenant)
}

// BatchBySeq gives a batch by its number, in whatever state.
func (tx *Tx) BatchBySeq(seq int64) (BatchRow, error) {
	return tx.oneBatch("t.seq = $1 AND t.tenant = $2", fmt.Sprintf("There is no batch %d.", seq), seq, tx.tenant)
}

// BatchFollowing gives the provision batch of an import, or muster.NotFound when there is none yet.
func (tx *Tx) BatchFollowing(source int64) (BatchRow, error) {
	return tx.oneBatch("t.source_batch = $1 AND t.tenant = $2", "No accounts were planned for this batch yet.", source, tx.tenant)
}

// LockFollowing keeps others who follow an import from doing so until the transaction ends, and nobody else: the batch that follows it stays free.
func (tx *Tx) LockFollowing(source int64) error {
	if tx.store.engine == SQLite {
		return nil
	}
	return tx.exec("SELECT pg_advisory_xact_lock(hashtextextended('muster following', $1))", source)
}

// LockBatch is BatchBySeq that keeps others from changing the batch until the transaction ends.
func (tx *Tx) LockBatch(seq int64) (BatchRow, error) {
	if tx.store.engine == Postgres {
		if err := tx.row("SELECT seq FROM batch WHERE seq = $1 AND tenant = $2 FOR UPDATE", []any{seq, tx.tenant}, new(int64)); err != nil {
			return BatchRow{}, err
		}
	}
	return tx.BatchBySeq(seq)
}

func (tx *Tx) oneBatch(where, missing string, args ...any) (BatchRow, error) {
	var found []BatchRow
	err := tx.each("SELECT "+batchColumns+" FROM batch t WHERE "+where, args, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		found = append(found, b)
		return err
	})
	if err != nil {
		return BatchRow{}, err
	}
	if len(found) == 0 {
		return BatchRow{}, muster.Errorf(muster.NotFound, "id", "%s", missing)
	}
	return found[0], nil
}

// Batches lists batches, newest first, from before a seq (0: from the newest). kind and state may be empty.
func (tx *Tx) Batches(kind muster.BatchKind, state muster.BatchState, before int64, limit int) ([]BatchRow, error) {
	w := where{}
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.state <> 'receiving'")
	if kind != "" {
		w.add("t.kind = ?", string(kind))
	}
	if state != "" {
		w.add("t.state = ?", string(state))
	}
	if before > 0 {
		w.add("t.seq < ?", before)
	}
	var list []BatchRow
	err := tx.each("SELECT "+batchColumns+" FROM batch t WHERE "+w.sql()+" ORDER BY t.seq DESC LIMIT "+w.arg(limit), w.args, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		list = append(list, b)
		return err
	})
	return list, err
}

// SaveBatch writes back what changes in the life of a batch: state, message, counts, progress, turn, times. The lease is not touched.
func (tx *Tx) SaveBatch(b *BatchRow) error {
	b.UpdatedAt = tx.now
	c := b.Counts
	plan, err := json.Marshal(b.Plan)
	if err != nil {
		return fmt.Errorf("store: plan of batch %d: %w", b.Seq, err)
	}
	return tx.exec(`UPDATE batch SET state = $1, message = $2, released = $3, cancel = $4, total = $5, next_index = $6, done = $7, failed = $8, skipped = $9, created = $10,
 updated = $11, unchanged = $12, disables = $13, renames = $14, warnings = $15, source_index = $16, updated_at = $17, started_at = $18, finished_at = $19, options = $20, plan = $21,
 waiting = $22, turn = $23 WHERE seq = $24 AND tenant = $25`, string(b.State), orNull(b.Message), flag(b.Released), flag(b.Cancel), b.Total, b.NextIndex, c.Done, c.Failed, c.Skipped, c.Created,
		c.Updated, c.Unchanged, c.Disables, c.Renames, c.Warnings, b.SourceIndex, micros(b.UpdatedAt), micros(b.StartedAt), micros(b.FinishedAt), string(b.Options), string(plan),
		b.waiting(), orNullNumber(b.Turn), b.Seq, tx.tenant)
}

// LeaseBatch makes owner the one who drives a batch until a time, when nobody else does now. It says whether that worked. Holding it already
// renews it.
func (tx *Tx) LeaseBatch(seq int64, owner string, until time.Time) (bool, error) {
	n, err := tx.affect("UPDATE batch SET owner = $1, lease = $2 WHERE seq = $3 AND tenant = $4 AND (owner IS NULL OR owner = $1 OR lease < $5)",
		owner, micros(until), seq, tx.tenant, micros(tx.now))
	return n == 1, err
}

// ReleaseBatch gives a lease back.
func (tx *Tx) ReleaseBatch(seq int64, owner string) error {
	return tx.exec("UPDATE batch SET owner = NULL, lease = NULL WHERE seq = $1 AND tenant = $2 AND owner = $3", seq, tx.tenant, owner)
}

// An Abandoned batch is to be driven and nobody does.
type Abandoned struct {
	Tenant, Batch int64
	State         muster.BatchState
}

// AbandonedBatches lists imports under way whose lease has run out, of all tenants. Those that wait for their turn are not: nobody is to drive them
// yet, but to cancel them.
func (tx *Tx) AbandonedBatches() ([]Abandoned, error) {
	var list []Abandoned
	err := tx.each(`SELECT b.tenant, b.seq, b.state FROM batch b WHERE b.state IN ('receiving', 'planning', 'running') AND b.kind = 'import'
 AND (b.lease IS NULL OR b.lease < $1) AND (b.turn IS NULL OR b.cancel = 1 OR NOT EXISTS (SELECT 1 FROM batch e WHERE e.tenant = b.tenant AND e.turn < b.turn))
 ORDER BY b.seq LIMIT 1000`, []any{micros(tx.now)}, func(scan func(...any) error) error {
		var a Abandoned
		err := scan(&a.Tenant, &a.Batch, (*string)(&a.State))
		list = append(list, a)
		return err
	})
	return list, err
}

// UnfollowedBatches lists the imports, of all tenants, that brought people whose accounts nobody has looked at, and whose provision batch has stood
// still since a time.
func (tx *Tx) UnfollowedBatches(since time.Time) ([]Abandoned, error) {
	var list []Abandoned
	err := tx.each(`SELECT s.tenant, s.seq, s.state FROM batch f JOIN batch s ON s.seq = f.source_batch WHERE f.state = 'running' AND f.kind = 'provision'
 AND f.next_index < 0 AND f.waiting IS NULL AND f.updated_at <= $1 AND (s.next_index > f.source_index OR s.state IN ('finished', 'cancelled', 'failed')) ORDER BY s.seq LIMIT 1000`,
		[]any{micros(since)}, func(scan func(...any) error) error {
			var a Abandoned
			err := scan(&a.Tenant, &a.Batch, (*string)(&a.State))
			list = append(list, a)
			return err
		})
	return list, err
}

// FreeLeases ends every lease, and every attempt at a request that may be repeated: on a start over SQLite nobody else can be at it.
func (tx *Tx) FreeLeases() error {
	if err := tx.exec("DELETE FROM idempotency WHERE status = 0"); err != nil {
		return err
	}
	if err := tx.exec("UPDATE batch SET owner = NULL, lease = NULL WHERE lease IS NOT NULL"); err != nil {
		return err
	}
	if err := tx.exec(freeInvitations); err != nil {
		return err
	}
	return tx.exec("UPDATE account SET owner = NULL, lease = NULL, " + unsettled + " WHERE owner IS NOT NULL")
}

// freeInvitations finds claims where mails are due: there are no others, and a start is not to read every account for them.
const freeInvitations = "UPDATE account SET activation_owner = NULL, activation_lease = NULL WHERE activation_due IS NOT NULL AND activation_owner IS NOT NULL"

// DeleteBatch removes a batch that never became visible, with its blocks and passwords.
func (tx *Tx) DeleteBatch(seq int64) error {
	n, err := tx.affect("DELETE FROM batch WHERE seq = $1 AND tenant = $2 AND state = 'receiving'", seq, tx.tenant)
	if n == 0 || err != nil {
		return err
	}
	// Now that it is gone nobody adds to them any more.
	return tx.exec("DELETE FROM sealed_password WHERE batch = $1 AND tenant = $2", seq, tx.tenant)
}

// Block is some rows of a batch as they came, packed by whoever submitted them.
type Block struct {
	First, N int
	Bytes    []byte
}

// AddBlocks keeps rows of a batch. They are written once.
func (tx *Tx) AddBlocks(batch int64, blocks []Block) error {
	if err := tx.row("SELECT seq FROM batch WHERE seq = $1 AND tenant = $2", []any{batch, tx.tenant}, new(int64)); err != nil {
		return err
	}
	return tx.copyRows("block", []string{"batch", "first", "n", "bytes"}, len(blocks), func(i int) []any {
		return []any{batch, int64(blocks[i].First), int64(blocks[i].N), blocks[i].Bytes}
	})
}

// Blocks gives the blocks of a batch that hold the rows from first to before end, in order.
func (tx *Tx) Blocks(batch int64, first, end int) ([]Block, error) {
	var list []Block
	err := tx.each(`SELECT first, n, bytes FROM block WHERE batch = $1 AND first < $2 AND first >= (SELECT coalesce(max(first), 0) FROM block WHERE batch = $1
 AND first <= $3) AND EXISTS (SELECT 1 FROM batch WHERE seq = $1 AND tenant = $4) ORDER BY first`, []any{batch, end, first, tx.tenant}, func(scan func(...any) error) error {
		var b Block
		err := scan(&b.First, &b.N, &b.Bytes)
		list = append(list, b)
		return err
	})
	return list, err
}

// DropOldBlocks removes the rows of up to limit batches, of all tenants, that ended before a time, and says of how many.
func (tx *Tx) DropOldBlocks(before time.Time, limit int) (int, error) {
	var old []int64
	err := tx.each(`SELECT seq FROM batch WHERE finished_at < $1 AND EXISTS (SELECT 1 FROM block WHERE block.batch = batch.seq) ORDER BY seq LIMIT $2`,
		[]any{micros(before), limit}, func(scan func(...any) error) error {
			var seq int64
			err := scan(&seq)
			old = append(old, seq)
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, seq := range old {
		if err := tx.exec("DELETE FROM block WHERE batch = $1", seq); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}
