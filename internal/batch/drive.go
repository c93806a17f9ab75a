package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Chunk sizes: as large as pays, smaller while single writes wait behind it. Large rows are fewer: what a chunk takes in memory and in time is bounded.
const (
	chunkRows     = 5_000
	chunkRowsBusy = 1_000
	chunkBytes    = 4 << 20
)

// driveTime is how long one job works on a batch before it lets others have the worker.
const driveTime = 10 * time.Second

// errLost ends a drive whose batch somebody else holds now.
var errLost = errors.New("batch: the lease was lost")

// drive works on one batch: chunk after chunk, each in one transaction, until it is finished, held or cancelled, or the time is up. It may be
// called at any time, by any process, any number of times: a batch is driven by whoever holds its lease.
func (e *Engine) drive(ctx context.Context, args jobArgs) error {
	owner := fmt.Sprintf("%s/%d", e.node, e.drives.Add(1))
	leased := false
	err := e.store.Update(ctx, args.Tenant, func(tx *store.Tx) (err error) {
		leased, err = tx.LeaseBatch(args.Batch, owner, tx.Now().Add(leaseTime))
		return err
	})
	if err != nil || !leased {
		return err
	}
	d := &drive{engine: e, tenant: args.Tenant, batch: args.Batch, owner: owner, until: e.store.Now().Add(driveTime)}
	err = d.loop(ctx)
	d.drop()
	d.looks.Wait()
	if errors.Is(err, errLost) {
		return nil
	}
	return errors.Join(err, d.leave(ctx, err == nil))
}

// drive is one job's work on a batch.
type drive struct {
	engine *Engine
	tenant int64
	batch  int64
	owner  string
	until  time.Time
	ahead  chan decoded // the chunk after the one being written
	cancel context.CancelFunc
	more   bool // the time was up before the work was done

	turn  int64 // the place in the line that has come to be the first; 0 is in none
	waits bool  // it has not come

	sight sight
	looks sync.WaitGroup // of the database at its tables: see grew

	narrowed []narrowed // the last of which is within those before it
}

// decoded is a chunk that was read ahead.
type decoded struct {
	first, end int
	rows       any
	foreseen   *Foreseen // nil when the rows are decided on at their turn
	err        error
}

func (d *drive) loop(ctx context.Context) error {
	for {
		b, err := d.read(ctx)
		if err != nil {
			return err
		}
		if b.State != muster.Planning && b.State != muster.Running {
			return nil
		}
		if d.more = ctx.Err() != nil || !d.engine.store.Now().Before(d.until); d.more {
			return nil
		}
		if b.Cancel || b.NextIndex >= b.Total {
			if err := d.end(ctx); err != nil {
				return err
			}
			continue
		}
		if d.waits = b.Turn != d.turn; d.waits {
			return nil
		}
		if err := d.chunk(ctx, b); err != nil {
			return err
		}
	}
}

// chunk decides on the next rows and stores what came of it.
func (d *drive) chunk(ctx context.Context, b store.BatchRow) error {
	d.sight.learn(&b)
	next := d.take(ctx, b)
	switch {
	case errors.Is(next.err, errPanic):
		return d.narrow(ctx, next, next.err)
	case next.err != nil:
		return d.engine.giveUp(ctx, b, next.err)
	}
	if next.foreseen == nil && d.sight.clear && b.State == muster.Running {
		d.foresee(ctx, b, &next)
	}
	if next.end < b.Total {
		d.readAhead(ctx, b, next.end, d.seeing(&b, &next))
	}
	err := d.carryOut(ctx, b, next)
	if held := (*holding)(nil); errors.As(err, &held) {
		err = d.engine.store.Bulk(ctx, d.tenant, func(tx *store.Tx) error { return d.write(tx, next, held) })
	}
	switch {
	case err == nil:
		d.grew(ctx)
		return nil
	case store.Refused(err):
		return d.narrow(ctx, next, err)
	case err != nil && muster.CodeOf(err) != muster.Internal:
		return d.engine.giveUp(ctx, b, err)
	}
	return err
}

// write is one chunk's transaction. A chunk that proved to be one to hold is held.
func (d *drive) write(tx *store.Tx, next decoded, held *holding) error {
	b, err := d.lock(tx)
	if err != nil {
		return err
	}
	if b.NextIndex != next.first || b.Cancel || b.Turn != d.turn {
		return nil // somebody was faster, or the user; the loop looks again
	}
	switch {
	case held != nil:
		return d.engine.hold(tx, &b, next, held)
	case b.State == muster.Planning && next.foreseen != nil:
		return errMissed
	case b.State == muster.Planning:
		return d.engine.planChunk(tx, &b, next)
	}
	return d.engine.carryOut(tx, &b, next)
}

// lock reads the batch for writing and makes sure it is still ours.
func (d *drive) lock(tx *store.Tx) (store.BatchRow, error) {
	b, err := tx.LockBatch(d.batch)
	if err != nil {
		return b, err
	}
	ours, err := tx.LeaseBatch(d.batch, d.owner, tx.Now().Add(leaseTime))
	if err == nil && !ours {
		err = errLost
	}
	return b, err
}

// take gives the decoded chunk that begins at the batch's next row.
func (d *drive) take(ctx context.Context, b store.BatchRow) decoded {
	if d.ahead != nil {
		next := <-d.ahead
		d.ahead = nil
		d.cancel()
		if next.first == b.NextIndex && next.err == nil && d.stands(&next) {
			return next
		}
	}
	return d.decode(ctx, b, b.NextIndex, d.chunkSize(&b, b.NextIndex))
}

// chunkSize is how many rows the chunk from the first row on has. The first chunks of a drive over many are small, so that it is soon known what
// the others will be like.
func (d *drive) chunkSize(b *store.BatchRow, first int) int {
	if rows := d.narrowRows(first); rows > 0 {
		return rows
	}
	switch {
	case d.engine.store.SinglesWaiting(), d.sight.chunks == 1 && b.Total-first > 4*chunkRows:
		return chunkRowsBusy
	}
	return chunkRows
}

func (d *drive) readAhead(ctx context.Context, b store.BatchRow, first int, see seeing) {
	ctx, d.cancel = context.WithCancel(ctx)
	ahead := make(chan decoded, 1)
	d.ahead = ahead
	size := d.chunkSize(&b, first)
	go func() {
		next, rows := d.fetch(ctx, b, first, size)
		if next.err == nil && see.rows != nil {
			see.rows(ctx, b, &next, rows)
		}
		if next.err == nil && next.foreseen == nil {
			d.interpret(ctx, b, &next, rows)
		}
		if next.err == nil && next.foreseen == nil && see.decoded != nil {
			see.decoded(ctx, b, &next)
		}
		ahead <- next
	}()
}

// drop waits for what is being read ahead, and forgets it.
func (d *drive) drop() {
	if d.ahead != nil {
		d.cancel()
		<-d.ahead
		d.ahead = nil
	}
}

func (d *drive) decode(ctx context.Context, b store.BatchRow, first, size int) decoded {
	next, rows := d.fetch(ctx, b, first, size)
	if next.err == nil {
		d.interpret(ctx, b, &next, rows)
	}
	return next
}

// interpret decodes the rows of a chunk.
func (d *drive) interpret(ctx context.Context, b store.BatchRow, next *decoded, rows []Row) {
	next.err = guarded(func() (err error) {
		next.rows, err = d.engine.worker.Decode(ctx, &b, rows)
		return err
	})
}

// fetch reads the rows of a chunk.
func (d *drive) fetch(ctx context.Context, b store.BatchRow, first, size int) (decoded, []Row) {
	next := decoded{first: first, end: min(first+size, b.Total)}
	var blocks []store.Block
	next.err = d.engine.store.View(ctx, d.tenant, func(tx *store.Tx) (err error) {
		blocks, err = tx.Blocks(d.batch, next.first, next.end)
		return err
	})
	if next.err != nil {
		return next, nil
	}
	rows, more, err := cutRows(blocks, next.first, next.end, chunkBytes)
	if more {
		next.end = next.first + len(rows)
	}
	switch {
	case err != nil:
		next.err = err
	case len(rows) != next.end-next.first:
		next.err = fmt.Errorf("batch: rows %d to %d: only %d are stored", next.first, next.end, len(rows))
	}
	return next, rows
}

// leave gives the lease back and, when there is more to do, asks to be called again.
func (d *drive) leave(ctx context.Context, well bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return d.engine.store.Update(ctx, d.tenant, func(tx *store.Tx) error {
		if err := tx.ReleaseBatch(d.batch, d.owner); err != nil {
			return err
		}
		again, err := d.missedTurn(tx)
		if err == nil && well && (d.more || again) {
			err = d.engine.wake(tx, d.batch)
		}
		return err
	})
}
