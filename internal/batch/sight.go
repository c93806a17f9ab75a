package batch

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// sight says whether rows are foreseen: as long as those before brought new people and nothing else, or none.
type sight struct {
	clear         bool // new people
	known         bool // people who are here
	resting       bool // of whom nothing changed for the most part
	chunks        int  // looked at
	next, created int  // of the batch, when it was looked at last
	here, same    int  // those who were changed, or not, and those who were not
	misses, blind int  // how often rows were not foreseen well, and for how many chunks that counts against the next ones
}

// mostMisses is after how many misses a drive no longer waits longer from one to the next.
const mostMisses = 6

// learn looks at what became of the rows so far.
func (s *sight) learn(b *store.BatchRow) {
	rows, here := b.NextIndex-s.next, b.Counts.Updated+b.Counts.Unchanged
	s.clear = s.chunks > 0 && rows > 0 && rows == b.Counts.Created-s.created
	s.known = s.chunks > 0 && rows > 0 && rows == here-s.here && !planned(b)
	s.resting = s.known && 2*(b.Counts.Unchanged-s.same) > rows
	if s.blind > 0 {
		s.blind--
		s.clear, s.known = false, false
	}
	s.chunks++
	s.next, s.created, s.here, s.same = b.NextIndex, b.Counts.Created, here, b.Counts.Unchanged
}

// missed notes that rows were not foreseen well. Each time costs a chunk that is written in vain, so it is tried less and less often.
func (s *sight) missed() {
	s.misses = min(s.misses+1, mostMisses)
	s.clear, s.known, s.blind = false, false, 1<<s.misses
}

// planned says whether the rows of a batch were decided on before it is run.
func planned(b *store.BatchRow) bool { return b.Plan.Create+b.Plan.Update+b.Plan.Unchanged > 0 }

// seeing is how a chunk is decided on ahead: from its rows as they came, and else from the decoded ones. nil leaves it to its turn.
type seeing struct {
	rows    func(context.Context, store.BatchRow, *decoded, []Row)
	decoded func(context.Context, store.BatchRow, *decoded)
}

// seeing says how the chunk after one is decided on. Numbers are taken ahead only after rows that took theirs. Rows of people who are here take none.
func (d *drive) seeing(b *store.BatchRow, before *decoded) (see seeing) {
	switch {
	case b.State != muster.Running || d.engine.seer == nil:
	case d.sight.known:
		see.decoded = d.recognise
		if d.sight.resting {
			see.rows = d.rest
		}
	case d.sight.clear && before.foreseen != nil:
		see.decoded = d.foresee
	}
	return see
}

// recognise is foresee for a chunk of people who are here.
func (d *drive) recognise(ctx context.Context, b store.BatchRow, next *decoded) {
	d.lookAhead(ctx, next, d.engine.store.Ahead, func(tx *store.Tx) (*Foreseen, error) { return d.engine.seer.Recognise(tx, &b, next.rows, next.first) })
}

// rest is recognise for one of whose people nearly nothing changes.
func (d *drive) rest(ctx context.Context, b store.BatchRow, next *decoded, rows []Row) {
	d.lookAhead(ctx, next, d.engine.store.Ahead, func(tx *store.Tx) (*Foreseen, error) { return d.engine.seer.Rest(tx, &b, rows, next.first) })
}

// stands says whether what was decided on ahead may be written, now that it is known what those before came to. Of people who are here their versions
// tell.
func (d *drive) stands(next *decoded) bool {
	return next.foreseen == nil || next.foreseen.People != nil || d.sight.clear
}
