package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	// maxAttempts: with waits of up to a minute a job that always fails is given up after about sixteen hours; by then a sweeper has long
	// asked for a fresh one.
	maxAttempts = 1000
	longestWait = time.Minute
)

// errLogged is all that the job's row keeps of an error. The text may name a person and is in the log; and the row, which River reads and writes
// whole, would grow with each attempt.
var errLogged = errors.New("the handler failed; the log has the error")

// jobArgs carries any kind of arguments through River, which knows them by type.
type jobArgs struct {
	kind string
	raw  json.RawMessage
}

func (a jobArgs) Kind() string                 { return a.kind }
func (a jobArgs) MarshalJSON() ([]byte, error) { return a.raw, nil }

func (a *jobArgs) UnmarshalJSON(data []byte) error {
	a.raw = append(a.raw[:0], data...)
	return nil
}

// worker does the jobs of one kind.
type worker struct {
	river.WorkerDefaults[jobArgs]
	queue    *Queue
	handler  Handler
	running  *atomic.Int64 // of the lane
	stopping <-chan struct{}
}

// Work runs the handler. A job that a shutdown interrupts, or that is fetched while it goes on, has not failed: it waits again as it was.
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	if w.isStopping() {
		return river.JobSnooze(0)
	}
	w.running.Add(1)
	defer w.running.Add(-1)
	err := call(ctx, w.handler, job.Args.raw)
	if err == nil {
		return nil
	}
	if w.isStopping() {
		w.queue.log.InfoContext(ctx, "job interrupted by shutdown", "kind", job.Kind, "job", job.ID, "error", err)
		return river.JobSnooze(0)
	}
	w.queue.log.ErrorContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err)
	return errLogged
}

func (w *worker) isStopping() bool {
	select {
	case <-w.stopping:
		return true
	default:
		return false
	}
}

// call turns a panic into an error.
func call(ctx context.Context, h Handler, args json.RawMessage) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return h(ctx, args)
}

// backoff is River's retry policy: 1, 2, 4, … seconds, at most a minute.
type backoff struct{}

func (backoff) NextRetry(job *rivertype.JobRow) time.Time {
	// The row has the number of the attempt that just failed.
	return plainTime(time.Now().Add(waitAfter(job.Attempt)))
}

func waitAfter(attempt int) time.Duration {
	if attempt > 6 {
		return longestWait
	}
	return time.Second << max(attempt-1, 0)
}
