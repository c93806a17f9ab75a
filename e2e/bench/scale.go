package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/musterid/muster/internal/sheet"
)

// measureScale imports files of several sizes as lines of JSON into an empty database, with the raw limit of as many rows right before and after.
func measureScale(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	sizes, err := b.sizes()
	if err != nil {
		return err
	}
	t := b.table("database", "rows", "raw rows/s", "Muster rows/s", "ratio", "accepted rows/s", "raw / raw of the first size", "Muster / Muster of the first size")
	for _, e := range engines {
		var first [2]float64
		for _, n := range sizes {
			raw, own, accepted, err := e.scaled(ctx, n)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			if first[0] == 0 {
				first = [2]float64{raw, own}
			}
			t.row(e.name, n, raw, own, share(own/raw), accepted, share(raw/first[0]), share(own/first[1]))
		}
	}
	t.print()
	return nil
}

// scaled takes the raw limit and Muster in turn: three rounds of what is short, and one of what is long.
func (e *engine) scaled(ctx context.Context, n int) (raw, own, accepted float64, err error) {
	rows := rawRows(e.b.seed, "new", n, map[string]int{})
	rounds := e.b.rounds
	if n > 100_000 {
		rounds = 1
	}
	var raws, owns, accepts []float64
	for round := range rounds + 1 {
		rate, err := e.raw(ctx, nil, rows)
		if err != nil {
			return 0, 0, 0, err
		}
		raws = append(raws, rate)
		if round == rounds {
			break
		}
		rate, taken, err := e.lines(ctx, n)
		if err != nil {
			return 0, 0, 0, err
		}
		owns, accepts = append(owns, rate), append(accepts, taken)
	}
	return median(raws), median(owns), median(accepts), nil
}

// lines imports n people as they are made, and gives rows per second until they are accepted and until they are in.
func (e *engine) lines(ctx context.Context, n int) (own, accepted float64, err error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = firstOf(err, end()) }()
	file, err := made(e.b.seed, sheet.NDJSON, n)
	if err != nil {
		return 0, 0, err
	}
	runtime.GC()
	start := time.Now()
	b, err := p.accept(ctx, bytes.NewReader(file), sheet.NDJSON)
	if err != nil {
		return 0, 0, err
	}
	taken := time.Since(start)
	if b, err = p.wait(ctx, b); err != nil {
		return 0, 0, err
	}
	if b.Counts.Created != n {
		return 0, 0, fmt.Errorf("of %d rows came %+v", n, b.Counts)
	}
	return float64(n) / time.Since(start).Seconds(), float64(n) / taken.Seconds(), nil
}
