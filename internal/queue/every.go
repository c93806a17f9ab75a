package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// ticker is one registered periodic function.
type ticker struct {
	interval time.Duration
	name     string
	work     func(ctx context.Context) error
}

// Every calls fn when Run starts and then once per interval, in this process: every process does so, and fn itself sees to it that this is
// harmless. A call that takes longer than the interval delays the next one; there are never two at a time. Errors and panics are logged. It must
// be called before Run.
func (q *Queue) Every(interval time.Duration, name string, fn func(ctx context.Context) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		panic(fmt.Sprintf("queue: periodic %q is registered after Run", name))
	}
	q.tickers = append(q.tickers, ticker{interval: interval, name: name, work: fn})
}

func (t ticker) run(ctx context.Context, log *slog.Logger) {
	clock := time.NewTicker(t.interval)
	defer clock.Stop()
	for ctx.Err() == nil {
		err := call(ctx, func(ctx context.Context, _ json.RawMessage) error { return t.work(ctx) }, nil)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "periodic work failed", "name", t.name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-clock.C:
		}
	}
}
