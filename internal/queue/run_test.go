package queue_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterid/muster/internal/queue"
)

// Without polling, only the nudge (SQLite) or the notification (PostgreSQL) can wake the workers.
func TestNudgeWakesAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, started := d.open(t, 2, 0), make(chan time.Time, 1)
		q.Handle("note", "work", func(context.Context, json.RawMessage) error {
			started <- time.Now()
			return nil
		})
		run(t, q)
		var waits []time.Duration
		for id := range 50 {
			d.enqueue(t, q, "note", jobID{id})
			committed := time.Now()
			waits = append(waits, receive(t, started, "the job").Sub(committed))
		}
		slices.Sort(waits)
		t.Logf("from commit to start: median %s, 90%% %s, longest %s", waits[25], waits[45], waits[49])
		if waits[25] > 500*time.Millisecond {
			t.Errorf("half of the jobs waited %s or longer", waits[25])
		}
	})
}

func TestOtherProcessIsNotified(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	here, there, done := d.open(t, 2, 0), d.open(t, 2, 0), make(chan int, 1)
	here.Handle("note", "work", tell(nil))
	there.Handle("note", "work", tell(done))
	run(t, there)
	d.enqueue(t, there, "note", jobID{1})
	receive(t, done, "the queue's own job")
	d.enqueue(t, here, "note", jobID{2})
	if got := receive(t, done, "the job of the other queue"); got != 2 {
		t.Errorf("job %d ran, want 2", got)
	}
}

func TestStopInterruptsHandlers(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, running := d.open(t, 2, 0), make(chan struct{}, 2)
		q.Handle("long", "work", func(ctx context.Context, _ json.RawMessage) error {
			running <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		stop := run(t, q)
		d.enqueue(t, q, "long", jobID{1})
		receive(t, running, "the handler")
		stop() // and does not wait for ever
		if n := d.count(t, `state = 'available' AND attempt = 0 AND errors IS NULL`); n != 1 {
			t.Error("the interrupted job does not wait as if it had not run")
		}

		again, done := d.open(t, 2, 0), make(chan int, 1)
		again.Handle("long", "work", tell(done))
		run(t, again)
		receive(t, done, "the job, after the restart")
	})
}

func TestRunEndsBeforeItBegan(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q := d.open(t, 2, 0)
		q.Handle("note", "work", tell(nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.Run(ctx); err != nil {
			t.Error(err)
		}
		if err := q.Run(ctx); err == nil {
			t.Error("Run may be called twice")
		}
	})
}

func TestQueueWithoutLanesOnlyEnqueues(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q := must(queue.Open(t.Context(), queue.Options{Engine: d.engine, DSN: d.dsn}))
		defer q.Close()
		q.Handle("note", "work", tell(nil))
		ticked := make(chan struct{}, 1)
		q.Every(time.Hour, "sweep", func(context.Context) error {
			ticked <- struct{}{}
			return nil
		})
		stop := run(t, q)
		receive(t, ticked, "the periodic work")
		d.enqueue(t, q, "note", jobID{1})
		stop()
		if n := d.count(t, `state = 'available' AND queue = 'work'`); n != 1 {
			t.Errorf("%d jobs wait, want 1", n)
		}
	})
}

// The process was killed while a job ran.
func TestInterruptedJobIsTakenUp(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	q, done := d.open(t, 2, 20*time.Millisecond), make(chan int, 1)
	q.Handle("note", "work", tell(done))
	d.enqueue(t, q, "note", jobID{1})
	exec(t, d.db, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = datetime('now', 'subsec')`)
	began := time.Now()
	run(t, q)
	receive(t, done, "the job")
	if waited := time.Since(began); waited < 900*time.Millisecond {
		t.Errorf("it was taken up after %s, without the wait after a first attempt", waited)
	}
}

// Another process was killed while a job ran: River finds out by the job's age.
func TestJobOfDeadProcessIsRescued(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	q, done := d.open(t, 2, 20*time.Millisecond), make(chan int, 2)
	q.Handle("note", "work", tell(done))
	d.enqueue(t, q, "note", jobID{1})
	d.enqueue(t, q, "note", jobID{2})
	exec(t, d.db, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '41 seconds' WHERE id = 1`)
	exec(t, d.db, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() WHERE id = 2`)
	run(t, q)
	if got := receive(t, done, "the job"); got != 1 {
		t.Errorf("job %d was taken from whoever works on it", got)
	}
}

func TestDoneJobsAreCleanedUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 0), make(chan int, 10)
		q.Handle("note", "work", tell(done))
		stop := run(t, q)
		d.enqueue(t, q, "note", jobID{1})
		d.enqueue(t, q, "note", jobID{2})
		receive(t, done, "a job")
		receive(t, done, "a job")
		d.eventually(t, `state = 'completed'`, 2)
		stop()
		long := time.Now().UTC().Add(-61 * time.Minute).Format("2006-01-02 15:04:05.000")
		exec(t, d.db, `UPDATE river_job SET finalized_at = $1 WHERE id = 1`, long)

		again := d.open(t, 2, 0)
		again.Handle("note", "work", tell(done))
		run(t, again)
		d.eventually(t, `id = 1`, 0)
		if n := d.count(t, `state = 'completed'`); n != 1 {
			t.Error("the job that was just done is gone as well")
		}
	})
}

// Bulk work on SQLite writes one transaction after the other, with no pause between.
func TestQueueGetsItsTurnBesideBulkWork(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	q, done := d.open(t, 2, 0), make(chan int, 1)
	q.Handle("note", "work", tell(done))
	run(t, q)
	exec(t, d.db, `CREATE TABLE bulk (id integer primary key, data blob)`)
	ended := make(chan struct{})
	var bulk sync.WaitGroup
	defer bulk.Wait()
	defer close(ended)
	var chunks atomic.Int64
	bulk.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			tx := must(d.db.Begin())
			for began := time.Now(); time.Since(began) < 30*time.Millisecond; {
				must(tx.Exec(`INSERT INTO bulk (data) VALUES (randomblob(200))`))
			}
			if err := tx.Commit(); err != nil {
				panic(err)
			}
			chunks.Add(1)
		}
	})
	const jobs = 20
	for id := range jobs {
		d.enqueue(t, q, "note", jobID{id})
		if got := receive(t, done, "the job"); got != id {
			t.Errorf("job %d ran, want %d", got, id)
		}
	}
	// For each job bulk work may go first when the job is enqueued, fetched and marked as done, and now and then by chance once more.
	if n := chunks.Load(); n > 10*jobs {
		t.Errorf("bulk work got %d turns while %d jobs were done", n, jobs)
	}
}
