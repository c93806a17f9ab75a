package roster

import (
	"context"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Searching runs f as a search of a caller.
func (r *Roster) Searching(ctx context.Context, caller muster.Caller, q store.PeopleQuery, f func(ctx context.Context) error) error {
	return r.searching(ctx, caller, q, f)
}

// SearchesKept is how many callers have a turn or wait for one.
func (r *Roster) SearchesKept() int {
	r.searches.mu.Lock()
	defer r.searches.mu.Unlock()
	return len(r.searches.taken)
}

// Gather has those who arrive in a line wait until let is called. waiting says how many do.
func (r *Roster) Gather(tenant int64, o AdmitOptions) (waiting func() int, let func()) {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	key, l := lineKey{tenant, o}, &line{workers: workersMost}
	r.lines.of[key] = l
	waiting = func() int {
		r.lines.mu.Lock()
		defer r.lines.mu.Unlock()
		return len(l.waiting)
	}
	let = func() {
		r.lines.mu.Lock()
		l.workers = 1
		r.lines.mu.Unlock()
		r.serve(key, l)
	}
	return waiting, let
}

// Lines is how many lines there are.
func (r *Roster) Lines() int {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	return len(r.lines.of)
}

// WorkersAfter is how many transactions of a line go on at the same time, when the last one took so long.
func WorkersAfter(took time.Duration) int { return (&lines{took: took}).workers() }

// Awaited has requests come to a line, each so long after the one before, once a transaction has answered some and left others waiting. It says how
// many stand there when the next transaction begins, and after how long that is.
func Awaited(took time.Duration, answered, left, coming int, every time.Duration) (stand int, after time.Duration) {
	r := &Roster{}
	key, l := lineKey{}, &line{workers: 1, waiting: make([]*arrival, left)}
	r.lines = lines{of: map[lineKey]*line{key: l}, took: took}
	over := make(chan struct{})
	go func() {
		for range coming {
			select {
			case <-over:
				return
			case <-time.After(every):
				r.arrive(key, &arrival{})
			}
		}
	}()
	began := time.Now()
	r.lines.await(l, r.lines.withBack(l, answered))
	after = time.Since(began)
	close(over)
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	return len(l.waiting), after
}
