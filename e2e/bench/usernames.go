package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

const (
	singles = 60    // people enrolled one by one, of each name
	bulk    = 2_000 // people of one name in an import
)

// measureUsernames fills a database with namesakes, and has people of the same name and of new ones enrolled in turn.
func measureUsernames(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	t := b.table("database", "namesakes", "single: new name ms", "common name ms", "ratio", fmt.Sprintf("bulk of %d: new name rows/s", bulk), "common name rows/s", "cost", "names numbered/s")
	for _, e := range engines {
		if err := e.usernames(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) usernames(ctx context.Context, t *table) (err error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, end()) }()
	crowd := piped(people.Namesakes(e.b.seed, "crowd", "Jean", "Dupont"), sheet.CSV, e.b.namesakes)
	defer crowd.Close()
	if _, err := p.load(ctx, crowd, sheet.CSV); err != nil {
		return err
	}
	var fresh, common []float64 // milliseconds
	for i := range singles {
		for _, one := range []struct {
			last string
			to   *[]float64
		}{{"Nouveau" + letters(i), &fresh}, {"Dupont", &common}} {
			start := time.Now()
			draft := muster.Draft{"first_name": "Jean", "last_name": one.last, "email": fmt.Sprintf("single%d.%s@example.org", i, muster.Fold(one.last))}
			results, err := p.roster.Enrol(ctx, p.caller, false, []muster.Draft{draft})
			if err = firstOf(err, results[0].Err); err != nil {
				return err
			}
			*one.to = append(*one.to, float64(time.Since(start).Microseconds())/1000)
		}
	}
	newRate, commonRate, err := e.bulkNames(ctx, p)
	if err != nil {
		return err
	}
	numbered, err := p.numbered(ctx, e.b.seed)
	t.row(e.name, e.b.namesakes, fmt.Sprintf("%.2f", median(fresh)), fmt.Sprintf("%.2f", median(common)), share(median(common)/median(fresh)),
		median(newRate), median(commonRate), share(median(over(newRate, commonRate))), numbered)
	return err
}

// bulkNames imports people of a name that is new and of the common one, in turn.
func (e *engine) bulkNames(ctx context.Context, p *product) (fresh, common []float64, err error) {
	for round := range e.b.rounds {
		for _, one := range []struct {
			last string
			to   *[]float64
		}{{"Nouvelle" + letters(round), &fresh}, {"Dupont", &common}} {
			var file bytes.Buffer
			if err := people.Namesakes(e.b.seed, fmt.Sprintf("%s%d.", muster.Fold(one.last), round), "Jean", one.last).Write(&file, sheet.CSV, bulk); err != nil {
				return nil, nil, err
			}
			start := time.Now()
			if _, err := p.load(ctx, &file, sheet.CSV); err != nil {
				return nil, nil, err
			}
			*one.to = append(*one.to, bulk/time.Since(start).Seconds())
		}
	}
	return fresh, common, nil
}

// numbered takes numbers for chunks of 5,000 people as they come, and gives how many names that makes a second.
func (p *product) numbered(ctx context.Context, seed uint64) (perSecond float64, err error) {
	const chunks, size = 6, 5_000
	m := people.New(seed, "n")
	var take [chunks]map[string]int
	for i := range take {
		take[i] = map[string]int{}
		for range size {
			one := m.Next()
			take[i][muster.Fold(one.First)+"."+muster.Fold(one.Last)]++
		}
	}
	start := time.Now()
	for _, chunk := range take {
		err := p.store.Bulk(ctx, p.caller.Tenant, func(tx *store.Tx) error {
			_, err := tx.Reserve(chunk, nil)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return chunks * size / time.Since(start).Seconds(), nil
}

// letters names a number without digits, which would not stay in a username.
func letters(n int) string { return string(rune('a'+n/26%26)) + string(rune('a'+n%26)) }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
