package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/musterid/muster/e2e/people"
)

const starts = 8

// measureStarts starts the program on a database with many people and on one with none, in turn; and after a kill -9 among writes.
func measureStarts(ctx context.Context, b *bench) error {
	t := b.table("database", "people", "ended by", "starts", "listening p50 ms", "ready p50 ms", "slowest", "ready / without people")
	for _, e := range b.kinds() {
		if err := e.starts(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) starts(ctx context.Context, t *table) error {
	empty, err := e.serve(ctx, 0)
	if err != nil {
		return err
	}
	defer empty.end()
	full, err := e.serve(ctx, e.b.present)
	if err != nil {
		return err
	}
	defer full.end()
	var listens, readies [3][]time.Duration
	maker := people.New(e.b.seed, "late")
	for range starts {
		for i, s := range []*served{empty, full, full} {
			kill := i == 2
			if kill { // what was written since the last start is in the log of the database only
				for range 50 {
					if err := s.send(ctx, http.MethodPost, "/v1/people", "application/json", strings.NewReader(body(maker.Next())), nil); err != nil {
						return err
					}
				}
			}
			listening, ready, err := s.restart(ctx, e.b.binary, kill)
			if err = firstOf(err, ctx.Err()); err != nil {
				return err
			}
			listens[i], readies[i] = append(listens[i], listening), append(readies[i], ready)
		}
	}
	first := percentile(readies[0], 50)
	for i, row := range []struct {
		s   *served
		how string
	}{{empty, "SIGTERM"}, {full, "SIGTERM"}, {full, "SIGKILL"}} {
		t.row(e.name, row.s.people, row.how, starts, millis(listens[i], 50), millis(readies[i], 50), millis(readies[i], 100), share(float64(percentile(readies[i], 50))/float64(first)))
	}
	return nil
}
