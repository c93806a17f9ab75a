package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Pages of 50 of several filters, at the beginning, in the middle and near the end of the list, where few people are there and where many are:
// the programs run at the same time and are asked in turn.

var pageFilters = []struct{ name, query string }{
	{"state", "state=active"},
	{"state, by username", "state=active&sort=username"},
	{"name begins with m, by name", "name=m&sort=name"},
	{"nobody deleted, newest first", "sort=-created"},
}

var depths = []float64{0, 0.5, 0.9}

const pageRequests = 150 // of each filter, depth and size

func measurePages(ctx context.Context, b *bench) error {
	sizes, err := b.sizes()
	if err != nil {
		return err
	}
	t := b.table("database", "filter", "people", "beginning p50 ms", "middle", "at 90 %", "p99 ms", "slowest p50 / first")
	for _, e := range b.kinds() {
		if err := e.pages(ctx, t, sizes); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

// sizes reads -scale.
func (b *bench) sizes() ([]int, error) {
	var list []int
	for _, text := range strings.Split(b.scale, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 100 {
			return nil, fmt.Errorf("%q is no number of people of 100 or more (flag -scale)", text)
		}
		list = append(list, n)
	}
	return list, nil
}

func (e *engine) pages(ctx context.Context, t *table, sizes []int) error {
	var programs []*served
	var clients []*wire
	defer func() {
		closeAll(clients)
		for _, s := range programs {
			s.end()
		}
	}()
	for _, n := range sizes {
		s, err := e.serve(ctx, n)
		if err != nil {
			return err
		}
		programs = append(programs, s)
		clients = append(clients, s.wire())
	}
	for _, filter := range pageFilters {
		paths := make([][]string, len(programs)) // of each size: the page at each depth
		for i, w := range clients {
			var err error
			if paths[i], err = deepPages(w, "/v1/people?limit=50&"+filter.query); err != nil {
				return err
			}
		}
		took, err := askInTurn(ctx, clients, paths, pageRequests)
		if err != nil {
			return err
		}
		first := percentile(took[0][0], 50)
		for i, s := range programs {
			slowest := time.Duration(0)
			row := []any{e.name, filter.name, s.people}
			var all []time.Duration
			for d := range depths {
				slowest = max(slowest, percentile(took[i][d], 50))
				row = append(row, millis2(took[i][d], 50))
				all = append(all, took[i][d]...)
			}
			t.row(append(row, millis2(all, 99), share(float64(slowest)/float64(first)))...)
		}
	}
	return nil
}

// askInTurn asks every path of every client ever again, in turn, and gives the times by client and path.
func askInTurn(ctx context.Context, clients []*wire, paths [][]string, times int) ([][][]time.Duration, error) {
	took := make([][][]time.Duration, len(clients))
	for i := range took {
		took[i] = make([][]time.Duration, len(paths[i]))
	}
	const warm = 5 // requests that do not count
	for round := range times + warm {
		for i, w := range clients {
			for n, path := range paths[i] {
				d, err := w.get(path)
				if err = firstOf(err, ctx.Err()); err != nil {
					return nil, err
				}
				if round >= warm {
					took[i][n] = append(took[i][n], d)
				}
			}
		}
	}
	return took, nil
}

// deepPages walks a list to its end and gives the addresses of the pages at the depths that are measured.
func deepPages(w *wire, path string) ([]string, error) {
	cursors := []string{""} // where each thousand begins
	for at := ""; ; {
		answer, _, err := w.ask(http.MethodGet, strings.Replace(path, "limit=50", "limit=1000", 1)+at, "")
		if err != nil {
			return nil, err
		}
		var page struct {
			Next *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, err
		}
		if page.Next == nil {
			break
		}
		at = "&cursor=" + url.QueryEscape(*page.Next)
		cursors = append(cursors, at)
	}
	list := make([]string, len(depths))
	for i, depth := range depths {
		list[i] = path + cursors[int(depth*float64(len(cursors)))]
	}
	return list, nil
}

// millis2 is millis for what takes less than one.
func millis2(list []time.Duration, percent int) string {
	return fmt.Sprintf("%.2f", float64(percentile(list, percent).Microseconds())/1000)
}
