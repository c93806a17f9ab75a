package batch

import (
	"context"

	"github.com/musterid/muster/internal/store"
)

// firstAnalysis is how many people come before the database looks at its tables for the first time.
const firstAnalysis = 1_000

// grows counts people who came, once they are durable. By rows of people who are here nothing becomes large that was small.
func (e *Engine) grows(tx *store.Tx, people int) {
	tx.AfterCommit(func() { e.written.Add(int64(people)) })
}

// grew has PostgreSQL look at its tables again after the first large chunk of new people, and whenever as many again came: bulk work outruns its own
// schedule, and plans made for an empty table walk a whole tenant. The first look is waited for, because the next chunk is planned by it, and later
// ones only by the end of the drive. Failing costs speed only.
func (d *drive) grew(ctx context.Context) {
	e := d.engine
	written, before := e.written.Load(), e.analyzed.Load()
	if written < max(firstAnalysis, 2*before) || !e.analyzed.CompareAndSwap(before, written) {
		return
	}
	d.looks.Go(func() {
		if err := e.store.Analyze(ctx); err != nil && ctx.Err() == nil {
			e.log.Warn("tables could not be analyzed", "error", err)
		}
	})
	if before == 0 {
		d.looks.Wait()
	}
}
