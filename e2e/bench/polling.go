package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A tracking screen of the EdConnekt front end asks, for as long as it is open, for the batches that are selected on it: seven requests of an
// identity batch and one of a provisioning batch every two seconds, and the errors every five. It does not stop when they have ended.

const (
	screenEvery = 2 * time.Second
	errorsEvery = 5 * time.Second
	connections = 6 // that a browser opens to one server
)

// screen is an open tracking screen.
type screen struct {
	server *process
	source string // the identity batch
	order  string // the provisioning batch
}

// idle is asked for between two rounds, as often at once as the screen asks: how long an answer takes that needs no work, on this machine now.
const idle = "/healthz"

// paths are what is asked for every two seconds, all at once.
func (s screen) paths() []string {
	batch := identityBase + "/bulkimport/batches/" + s.source
	list := []string{
		"/provisioning/batches/" + s.order + "/items?limit=100",
		batch + "/items?page=1&size=50",
		batch + "/status",
	}
	for _, word := range []string{"PENDING", "PROCESSING", "SUCCESS", "ERROR", "SKIPPED"} {
		list = append(list, batch+"/items?"+url.Values{"page": {"1"}, "size": {"1"}, "status": {word}}.Encode())
	}
	return list
}

// errors is what is asked for every five seconds.
func (s screen) errors() string {
	return identityBase + "/bulkimport/batches/" + s.source + "/errors?page=1&size=50"
}

// answer is how long a request took, and when it was sent.
type answer struct {
	sent time.Duration // since the screen was opened
	took time.Duration
	path string
	err  error
}

// watch polls for so long and gives every answer.
func (s screen) watch(ctx context.Context, d time.Duration) []answer {
	browser := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}}
	defer browser.CloseIdleConnections()
	start := time.Now()
	var (
		mu    sync.Mutex
		all   []answer
		going sync.WaitGroup
	)
	ask := func(paths ...string) {
		sent := time.Since(start)
		for _, path := range paths {
			going.Go(func() {
				begun := time.Now() // waiting for one of the connections is part of what a user sees
				err := s.get(ctx, browser, path)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, answer{sent: sent, took: time.Since(begun), path: path, err: err})
			})
		}
	}
	often, seldom, over := time.NewTicker(screenEvery), time.NewTicker(errorsEvery), time.NewTimer(d)
	between := time.NewTimer(screenEvery / 2)
	defer between.Stop()
	defer often.Stop()
	defer seldom.Stop()
	defer over.Stop()
	ask(append(s.paths(), s.errors())...)
	for {
		select {
		case <-often.C:
			ask(s.paths()...)
			between.Reset(screenEvery / 2)
		case <-between.C:
			ask(slices.Repeat([]string{idle}, len(s.paths()))...)
		case <-seldom.C:
			ask(s.errors())
		case <-over.C:
			going.Wait()
			return all
		case <-ctx.Done():
			going.Wait()
			return all
		}
	}
}

func (s screen) get(ctx context.Context, browser *http.Client, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.url+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.server.key)
	response, err := browser.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return nil
}

// measurePolling has a screen open for a while during a run, and for as long after it, and compares the first quarter of each with the last.
func measurePolling(ctx context.Context, b *bench) error {
	binary, err := b.program(ctx)
	if err != nil {
		return err
	}
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	t := b.table("database", "screen open", "requests", "failed", "quarter", "p50 ms", "p95 ms", "p99 ms", "idle p50", "p95", "memory MiB")
	for _, e := range engines {
		if err := e.poll(ctx, t, binary); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) poll(ctx context.Context, t *table, binary string) error {
	address := "" // the program makes its SQLite database itself
	if e.name != "SQLite" {
		o, err := e.blank(ctx, "")
		if err != nil {
			return err
		}
		defer e.b.postgres.drop(o.URL)
		address = o.URL
	}
	p, err := startProcess(ctx, binary, e.b.dir, address)
	if err != nil {
		return err
	}
	defer p.stop()
	s := screen{server: p}
	if s.source, s.order, err = p.ordered(ctx, e.b.seed, e.b.watched, e.b.latency); err != nil {
		return err
	}
	for _, when := range []string{"during the run", "after the run"} {
		if when == "during the run" {
			if err := p.call(ctx, http.MethodPost, "/provisioning/batches/"+s.order+"/run", nil, nil); err != nil {
				return err
			}
		} else if err := p.settled(ctx, s.order, e.b.watched); err != nil {
			return err
		}
		before, err := p.memory()
		if err != nil {
			return err
		}
		undone, err := p.unfinished(ctx, s.order, e.b.watched)
		if err != nil {
			return err
		}
		answers := s.watch(ctx, e.b.watching)
		after, err := p.memory()
		if err != nil {
			return err
		}
		left, err := p.unfinished(ctx, s.order, e.b.watched)
		if err != nil {
			return err
		}
		e.b.printf("  %s, %s: %d of %d without their account at the beginning, %d at the end\n", e.name, when, undone, e.b.watched, left)
		t.screen(e.name, when, answers, e.b.watching, before, after)
	}
	return ctx.Err()
}

// screen adds the rows of one screen: its first quarter and its last.
func (t *table) screen(name, when string, answers []answer, open time.Duration, before, after float64) {
	asked, failed := 0, 0
	quarters := map[quarter][]time.Duration{}
	for _, a := range answers {
		if a.path != idle {
			asked++
		}
		if a.err != nil {
			failed++
			continue
		}
		if a.sent < open/4 || a.sent >= open*3/4 {
			q := quarter{last: a.sent >= open*3/4, idle: a.path == idle}
			quarters[q] = append(quarters[q], a.took)
		}
	}
	for _, last := range []bool{false, true} {
		list, word, memory := quarters[quarter{last: last}], "first", before
		head := []any{name, when, asked, failed}
		if last {
			head, word, memory = []any{"", "", "", ""}, "last", after
		}
		idles := quarters[quarter{last: last, idle: true}]
		t.row(append(head, word, millis(list, 50), millis(list, 95), millis(list, 99), millis(idles, 50), millis(idles, 95), fmt.Sprintf("%.0f", memory))...)
	}
}

// quarter is the first or the last of a screen, of its own requests or of those that need no work.
type quarter struct{ last, idle bool }

// percentile is the shortest time that so many percent of the answers did not need longer than.
func percentile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)*percent+99)/100-1]
}

func millis(list []time.Duration, percent int) string {
	return fmt.Sprintf("%.1f", float64(percentile(list, percent).Microseconds())/1000)
}
