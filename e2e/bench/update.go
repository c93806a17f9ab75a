package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// measureUpdates sends a file of people in again who are there: with another department for everybody, and as it was. The raw limit writes as many
// new rows.
func measureUpdates(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, max(b.present, b.rows), max(b.present, b.rows))
	if err != nil {
		return err
	}
	t := b.table("database", "people there", "rows", "raw rows/s", "one field changed rows/s", "ratio", "of rounds", "nothing changed rows/s", "ratio", "of rounds")
	for _, e := range engines {
		if err := e.updates(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) updates(ctx context.Context, t *table) error {
	var same, moved bytes.Buffer
	if err := people.New(e.b.seed, "old").Write(&same, sheet.CSV, e.b.rows); err != nil {
		return err
	}
	if err := people.New(e.b.seed, "old").Moved("Direction").Write(&moved, sheet.CSV, e.b.rows); err != nil {
		return err
	}
	numbers := map[string]int{}
	old := rawRows(e.b.seed, "old", e.people, numbers)
	rows := rawRows(e.b.seed, "new", e.b.rows, numbers)
	if e.name != "SQLite" {
		old = nil // B is taken of an empty table
	}
	limit := &limit{there: old}
	var changed, unchanged, ofChanged, ofUnchanged []float64
	for round := range e.b.rounds + 1 {
		rate, err := e.raw(ctx, limit.there, rows)
		if err != nil {
			return err
		}
		limit.rates = append(limit.rates, rate)
		if round > 0 {
			mean := (limit.rates[round-1] + rate) / 2
			ofChanged, ofUnchanged = append(ofChanged, changed[round-1]/mean), append(ofUnchanged, unchanged[round-1]/mean)
		}
		if round == e.b.rounds {
			break
		}
		if rate, err = e.again(ctx, moved.Bytes(), func(b store.BatchRow) int { return b.Counts.Updated }); err != nil {
			return err
		}
		changed = append(changed, rate)
		if rate, err = e.again(ctx, same.Bytes(), func(b store.BatchRow) int { return b.Counts.Unchanged }); err != nil {
			return err
		}
		unchanged = append(unchanged, rate)
	}
	t.row(e.name, e.people, e.b.rows, median(limit.rates), median(changed), share(median(ofChanged)), shares(ofChanged), median(unchanged), share(median(ofUnchanged)), shares(ofUnchanged))
	return nil
}

// again sends a file in to a fresh copy and gives rows per second. All of them are to have come to what is counted.
func (e *engine) again(ctx context.Context, file []byte, counted func(store.BatchRow) int) (float64, error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	runtime.GC()
	start := time.Now()
	b, err := p.send(ctx, bytes.NewReader(file), sheet.CSV)
	spent := time.Since(start)
	if closing := end(); err == nil {
		err = closing
	}
	if err == nil && counted(b) != b.Total {
		err = fmt.Errorf("of %d rows came %+v", b.Total, b.Counts)
	}
	return float64(b.Total) / spent.Seconds(), err
}
