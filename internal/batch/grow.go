package batch

import "context"

// firstAnalysis is how many rows are written before the database looks at its tables for the first time.
const firstAnalysis = 1_000

// grew has PostgreSQL look at its tables again after the first large chunk, and whenever as much again was written: bulk work outruns its own
// schedule, and plans made for an empty table walk a whole tenant. The first look is waited for, because the next chunk is planned by it, and later
// ones only by the end of the drive. Failing costs speed only.
func (d *drive) grew(ctx context.Context, rows int) {
	e := d.engine
	written, before := e.written.Add(int64(rows)), e.analyzed.Load()
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
