package batch

import (
	"context"
	"errors"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Deciding on rows while those before them are written makes bulk work of new people as fast as the database: neither does the program wait for the
// database nor the database for the program. What they claim is not looked up then; the unique keys tell when the rows are written. Rows are foreseen
// after those before them only: what these take from counters is theirs first, and where they were not foreseen well, neither is what comes after them.

// sight says whether rows are foreseen: as long as those before brought new people and nothing else.
type sight struct {
	clear         bool
	chunks        int // looked at
	next, created int // of the batch, when it was looked at last
	misses, blind int // how often rows were not foreseen well, and for how many chunks that counts against the next ones
}

// mostMisses is after how many misses a drive no longer waits longer from one to the next.
const mostMisses = 6

// learn looks at what became of the rows so far.
func (s *sight) learn(b *store.BatchRow) {
	s.clear = s.chunks > 0 && b.NextIndex > s.next && b.NextIndex-s.next == b.Counts.Created-s.created
	if s.blind > 0 {
		s.blind--
		s.clear = false
	}
	s.chunks++
	s.next, s.created = b.NextIndex, b.Counts.Created
}

// missed notes that rows were not foreseen well. Each time costs a chunk that is written in vain, so it is tried less and less often.
func (s *sight) missed() {
	s.misses = min(s.misses+1, mostMisses)
	s.clear, s.blind = false, 1<<s.misses
}

// foresee decides on a chunk ahead of its turn, as far as that can be. What fails is decided on at its turn.
func (d *drive) foresee(ctx context.Context, b store.BatchRow, next *decoded) {
	if d.engine.seer == nil {
		return
	}
	err := d.engine.store.Peek(ctx, d.tenant, func(tx *store.Tx) error {
		f, err := d.engine.seer.Foresee(tx, &b, next.rows, next.first)
		if err != nil || f == nil {
			return err
		}
		if f.Numbered {
			if f.outcome, err = outcomeOf(tx, f.Items()); err != nil {
				return err
			}
		}
		next.foreseen = f
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.engine.log.Debug("rows of a batch could not be foreseen", "batch", d.batch, "index", next.first, "error", err)
	}
}

// carryOut writes a chunk: as it was foreseen, and when that fails, as it is decided then.
func (d *drive) carryOut(ctx context.Context, next decoded) error {
	tried := false
	write := func(tx *store.Tx) error {
		now := next
		if tried && now.foreseen != nil {
			d.sight.missed()
			now.foreseen = nil
		}
		tried = true
		return d.write(tx, now, nil)
	}
	err := d.engine.store.Bulk(ctx, d.tenant, write)
	if next.foreseen != nil && (errors.Is(err, store.ErrClash) || store.Refused(err)) {
		err = d.engine.store.Bulk(ctx, d.tenant, write)
	}
	return err
}

// fulfil writes what was foreseen.
func (e *Engine) fulfil(tx *store.Tx, b *store.BatchRow, next decoded) error {
	f := next.foreseen
	if err := f.Number(tx); err != nil {
		return err
	}
	out, prepared := f.outcome, make(chan error, 1)
	if f.Numbered {
		prepared <- nil
	} else {
		go func() {
			var err error
			out, err = outcomeOf(tx, f.Items())
			prepared <- err
		}()
	}
	err := f.Write(tx)
	if failed := <-prepared; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return e.keepNew(tx, b, next, out)
}

// outcomeOf makes items ready to be written. It takes nothing but time, the tenant's number and the clock from the transaction, which may be at work
// meanwhile.
func outcomeOf(tx *store.Tx, items []muster.Item) (out outcome, err error) {
	out.items = items
	if out.packed, err = tx.PackItems(items); err != nil {
		return out, err
	}
	out.digest, err = digest(items, out.packed)
	return out, err
}

// keepNew stores outcomes of rows that had none.
func (e *Engine) keepNew(tx *store.Tx, b *store.BatchRow, next decoded, out outcome) error {
	if err := tx.InsertPackedItems(out.packed); err != nil {
		return err
	}
	return e.kept(tx, b, next, out.items, out.digest)
}
