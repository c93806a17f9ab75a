package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/riverqueue/river/riverdriver"
)

// insertTopic is the notification on which River's workers look for jobs.
const insertTopic = "river_insert"

// waker is the listener through which River's workers hear that there is something to do. It hands on what the database's own listener hears
// (PostgreSQL: jobs of any process) and adds the nudges of this process, which need no database at all.
//
// River asks for one notification after the other, and a wait of its own is interrupted by ending its context; a nudge interrupts the inner wait
// in the same way. That is safe with pgx, and River itself does it every five seconds.
type waker struct {
	riverdriver.Listener

	payloads []string // one notification for each lane of this process

	mu        sync.Mutex
	pending   int                // so many of payloads have yet to be handed out
	interrupt context.CancelFunc // ends the inner wait; nil while there is none
}

func newWaker(lanes map[string]int) *waker {
	w := &waker{Listener: deaf{}}
	for _, lane := range slices.Sorted(maps.Keys(lanes)) {
		w.payloads = append(w.payloads, fmt.Sprintf(`{"queue":%q}`, lane))
	}
	return w
}

// nudge wakes every lane. Which lanes have work is not known here: a job may have been enqueued by another goroutine whose commit came later.
func (w *waker) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = len(w.payloads)
	if w.interrupt != nil {
		w.interrupt()
	}
}

// WaitForNotification gives what comes first, a nudge or the database's notification.
func (w *waker) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	if nudge := w.take(stop); nudge != nil {
		return nudge, nil
	}
	heard, err := w.Listener.WaitForNotification(waiting)
	if err != nil && ctx.Err() == nil {
		if nudge := w.take(nil); nudge != nil {
			return nudge, nil
		}
	}
	return heard, err
}

// take gives the next nudge, or nil when there is none; then interrupt is what the next nudge calls.
func (w *waker) take(interrupt context.CancelFunc) *riverdriver.Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interrupt = nil
	if w.pending == 0 {
		w.interrupt = interrupt
		return nil
	}
	w.pending--
	return &riverdriver.Notification{Topic: insertTopic, Payload: w.payloads[w.pending]}
}

// deaf is the inner listener on SQLite, where there is one process and the database tells nobody anything.
type deaf struct{}

func (deaf) Close(context.Context) error            { return nil }
func (deaf) Connect(context.Context) error          { return nil }
func (deaf) Listen(context.Context, string) error   { return nil }
func (deaf) Ping(context.Context) error             { return nil }
func (deaf) Schema() string                         { return "" }
func (deaf) SetAfterConnectExec(string)             {}
func (deaf) Unlisten(context.Context, string) error { return nil }

func (deaf) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
