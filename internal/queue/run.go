package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

const (
	// fetchCooldown is the shortest time between two looks for jobs in a lane, and between two notifications to other processes. It bounds
	// what one lane fetches: its free workers, a hundred times a second.
	fetchCooldown = 10 * time.Millisecond

	jobTimeout  = 30 * time.Second // then the handler's context ends; handlers go on to another job after 10 s
	rescueAfter = 40 * time.Second // a running job that is older belongs to a process that is gone
	stopTimeout = 15 * time.Second // how long Run waits for handlers whose context has ended

	keepCompleted = time.Hour
	keepDiscarded = 24 * time.Hour
)

// client is what Run needs of River's client, which has a type of its own for each driver.
type client interface {
	Start(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// Run works until ctx ends. Then it takes no more jobs, ends the context of the handlers that run, and returns when they have: nil, or an error
// that says they did not. What was interrupted waits again and runs at the next start, or in another process. Run is called once.
func (q *Queue) Run(ctx context.Context) error {
	q.mu.Lock()
	if q.started {
		q.mu.Unlock()
		return errors.New("queue: run: called a second time")
	}
	q.started = true
	q.mu.Unlock()

	var tickers sync.WaitGroup
	defer tickers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, t := range q.tickers {
		tickers.Go(func() { t.run(ctx, q.log) })
	}

	if len(q.options.Workers) == 0 || len(q.kinds) == 0 {
		<-ctx.Done()
		return nil
	}
	workers, err := q.start(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("queue: run: %w", err)
	}
	<-ctx.Done()
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer done()
	if err := workers.StopAndCancel(grace); err != nil {
		return fmt.Errorf("queue: run: handlers still at work %s after they were told to stop: %w", stopTimeout, err)
	}
	return nil
}

// start makes the working client, now that all kinds are known, and starts it.
func (q *Queue) start(ctx context.Context) (client, error) {
	config := &river.Config{
		Logger:                      riverLog(q.log),
		Workers:                     river.NewWorkers(),
		Queues:                      map[string]river.QueueConfig{},
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           max(q.options.PollInterval, fetchCooldown),
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		RetryPolicy:                 backoff{},
		MaxAttempts:                 maxAttempts,
		CompletedJobRetentionPeriod: keepCompleted,
		CancelledJobRetentionPeriod: keepDiscarded,
		DiscardedJobRetentionPeriod: keepDiscarded,
	}
	for lane, number := range q.options.Workers {
		config.Queues[lane] = river.QueueConfig{MaxWorkers: number}
	}
	for kind, r := range q.kinds {
		river.AddWorkerArgs(config.Workers, jobArgs{kind: kind}, &worker{queue: q, handler: r.handler, running: q.running[r.lane], stopping: ctx.Done()})
	}

	var workers client
	var err error
	if q.options.Engine == SQLite {
		if err := adoptOrphans(ctx, q.writer); err != nil {
			return nil, err
		}
		workers, err = river.NewClient(&sqliteDriver{Driver: riversqlite.New(q.writer), reader: q.db, waker: q.waker}, config)
	} else {
		workers, err = river.NewClient(&postgresDriver{Driver: riverpgxv5.New(q.pool), waker: q.waker}, config)
	}
	if err != nil {
		return nil, err
	}
	return workers, workers.Start(ctx)
}

// riverLog lets River's warnings and errors through, but for those about a handler's error, which has been logged with its text already.
func riverLog(log *slog.Logger) *slog.Logger { return slog.New(quietHandler{log.Handler()}) }

type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h quietHandler) Handle(ctx context.Context, record slog.Record) error {
	if strings.Contains(record.Message, ": Job errored") {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
