package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
)

// measureImports has Muster and the raw limit take turns. Where people are there already, the limit is taken twice: of an empty table, and of one
// with as many people in it.
func measureImports(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, b.present, 0)
	if err != nil {
		return err
	}
	file, err := made(b.seed, sheet.CSV, b.rows)
	if err != nil {
		return err
	}
	t := b.table("database", "people there", "rows", "Muster rows/s", "raw: people there", "raw rows/s", "ratio", "of rounds")
	for _, e := range engines {
		numbers := map[string]int{}
		old := rawRows(b.seed, "old", e.people, numbers)
		rows := rawRows(b.seed, "new", b.rows, numbers)
		limits := []*limit{{}}
		if e.people > 0 {
			limits = append(limits, &limit{there: old})
		}
		own, err := e.turns(ctx, file, rows, limits)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		for _, l := range limits {
			t.row(e.name, e.people, b.rows, own, len(l.there), median(l.rates), share(median(l.ratios)), shares(l.ratios))
		}
	}
	t.print()
	return nil
}

// limit is one way to take the raw limit.
type limit struct {
	there  [][]any
	rates  []float64
	ratios []float64 // of Muster's rate to the mean of the raw rates before and after it
}

// turns takes the limits before and after each run of Muster, and gives the median of Muster's rate.
func (e *engine) turns(ctx context.Context, file []byte, rows [][]any, limits []*limit) (own float64, err error) {
	var rates []float64
	for round := range e.b.rounds + 1 {
		for _, l := range limits {
			rate, err := e.raw(ctx, l.there, rows)
			if err != nil {
				return 0, err
			}
			l.rates = append(l.rates, rate)
			if round > 0 {
				l.ratios = append(l.ratios, rates[round-1]/((l.rates[round-1]+rate)/2))
			}
		}
		if round == e.b.rounds {
			break
		}
		rate, err := e.importRate(ctx, file, sheet.CSV, e.b.rows)
		if err != nil {
			return 0, err
		}
		rates = append(rates, rate)
	}
	return median(rates), nil
}

// importRate imports a file into a fresh copy and gives rows per second, from the first byte of the upload to the end of the batch.
func (e *engine) importRate(ctx context.Context, file []byte, kind string, rows int) (float64, error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	runtime.GC()
	start := time.Now()
	_, err = p.load(ctx, bytes.NewReader(file), kind)
	spent := time.Since(start)
	if closing := end(); err == nil {
		err = closing
	}
	return float64(rows) / spent.Seconds(), err
}

// made gives the file of n new people.
func made(seed uint64, kind string, n int) ([]byte, error) {
	var file bytes.Buffer
	err := people.New(seed, "new").Write(&file, kind, n)
	return file.Bytes(), err
}

// measureFormats imports the same people in every format, in turn.
func measureFormats(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	rows := max(b.rows/2, 1)
	kinds := []string{sheet.CSV, sheet.XLSX, sheet.NDJSON}
	files := map[string][]byte{}
	for _, kind := range kinds {
		if files[kind], err = made(b.seed, kind, rows); err != nil {
			return err
		}
	}
	t := b.table("database", "rows", "CSV rows/s", "XLSX rows/s", "NDJSON rows/s", "XLSX / CSV", "NDJSON / CSV")
	for _, e := range engines {
		rates := map[string][]float64{}
		for range b.rounds {
			for _, kind := range kinds {
				rate, err := e.importRate(ctx, files[kind], kind, rows)
				if err != nil {
					return fmt.Errorf("%s into %s: %w", kind, e.name, err)
				}
				rates[kind] = append(rates[kind], rate)
			}
		}
		t.row(e.name, rows, median(rates[sheet.CSV]), median(rates[sheet.XLSX]), median(rates[sheet.NDJSON]),
			share(median(over(rates[sheet.XLSX], rates[sheet.CSV]))), share(median(over(rates[sheet.NDJSON], rates[sheet.CSV]))))
	}
	t.print()
	return nil
}
