package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster/internal/queue"
)

type jobID struct {
	ID int `json:"id"`
}

// tell gives a handler that sends the id of each job it is given.
func tell(to chan<- int) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, args json.RawMessage) error {
		var job jobID
		if err := json.Unmarshal(args, &job); err != nil {
			return err
		}
		select {
		case to <- job.ID:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestCommittedJobRunsOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 0), make(chan int, 10)
		q.Handle("note", "work", tell(done))
		run(t, q)
		d.enqueue(t, q, "note", jobID{7})
		if got := receive(t, done, "the job"); got != 7 {
			t.Errorf("args: got id %d, want 7", got)
		}
		d.eventually(t, `state = 'completed'`, 1)
		if len(done) != 0 || d.count(t, `attempt = 1`) != 1 {
			t.Error("the job ran more than once")
		}
	})
}

func TestRolledBackJobNeverRuns(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 0), make(chan int, 10)
		q.Handle("note", "work", tell(done))
		run(t, q)
		tx := must(d.db.Begin())
		if err := q.Enqueue(t.Context(), tx, "note", jobID{1}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		q.Nudge()
		d.enqueue(t, q, "note", jobID{2})
		if got := receive(t, done, "the job"); got != 2 {
			t.Errorf("job %d ran; it was rolled back", got)
		}
		if n := d.count(t, `true`); n != 1 {
			t.Errorf("%d jobs, want 1", n)
		}
	})
}

func TestFailedJobIsTriedAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		var log bytes.Buffer
		q := d.openLogging(t, 2, 20*time.Millisecond, slog.New(slog.NewTextHandler(&log, nil)))
		tries, done := 0, make(chan int, 1)
		q.Handle("shaky", "work", func(context.Context, json.RawMessage) error {
			switch tries++; tries {
			case 1:
				return errors.New("mail of ana@example.org bounced")
			case 2:
				panic("index out of range")
			}
			done <- tries
			return nil
		})
		stop := run(t, q)
		d.enqueue(t, q, "shaky", jobID{123456789})
		if got := receive(t, done, "the third try"); got != 3 {
			t.Errorf("it took %d tries, want 3", got)
		}
		d.eventually(t, `state = 'completed'`, 1)
		stop()
		text := log.String()
		for _, want := range []string{"kind=shaky", "ana@example.org", "index out of range", "attempt=2"} {
			if strings.Count(text, want) == 0 {
				t.Errorf("the log lacks %s:\n%s", want, text)
			}
		}
		if n := strings.Count(text, "level="); n != 2 {
			t.Errorf("%d lines in the log, want one for each failure:\n%s", n, text)
		}
		if strings.Contains(text, "123456789") {
			t.Errorf("the log has the arguments:\n%s", text)
		}
		if n := d.count(t, `cast(errors as text) LIKE '%example.org%'`); n != 0 {
			t.Error("the job's row keeps the text of the error")
		}
	})
}

func TestHandlerGoesOnByEnqueueingItself(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 0), make(chan struct{})
		step := func(ctx context.Context, args json.RawMessage) error {
			var job jobID
			if err := json.Unmarshal(args, &job); err != nil {
				return err
			}
			if job.ID == 5 {
				close(done)
				return nil
			}
			tx, err := d.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if err := q.Enqueue(ctx, tx, "step", jobID{job.ID + 1}, queue.Once()); err != nil {
				return err
			}
			defer q.Nudge()
			return tx.Commit()
		}
		q.Handle("step", "work", step)
		run(t, q)
		d.enqueue(t, q, "step", jobID{1})
		receive(t, done, "the fifth step")
		d.eventually(t, `state = 'completed'`, 5)
	})
}

// A process knows which of its lanes it is working in.
func TestWorking(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q := d.open(t, 2, 0)
		at, end := make(chan struct{}), make(chan struct{})
		q.Handle("note", "work", func(context.Context, json.RawMessage) error {
			at <- struct{}{}
			<-end
			return nil
		})
		stop := run(t, q)
		says := func(when string, want bool) {
			t.Helper()
			if q.Working() != want || q.Working("work") != want || q.Working("other", "work") != want || q.Working("other") {
				t.Errorf("%s: working %v, in work %v, in another lane %v", when, q.Working(), q.Working("work"), q.Working("other"))
			}
		}
		says("before", false)
		d.enqueue(t, q, "note", jobID{1})
		receive(t, at, "the job")
		says("during the job", true)
		close(end)
		stop()
		says("after it", false)
	})
}

func TestQueuesShareTheWork(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		const jobs = 60
		queues := []*queue.Queue{d.open(t, 4, 50*time.Millisecond)}
		if d.engine == queue.Postgres {
			queues = append(queues, d.open(t, 4, 50*time.Millisecond))
		}
		var mu sync.Mutex
		worked, all := map[int]int{}, make(chan struct{})
		for _, q := range queues {
			q.Handle("share", "work", func(_ context.Context, args json.RawMessage) error {
				var job jobID
				if err := json.Unmarshal(args, &job); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				if worked[job.ID]++; len(worked) == jobs && worked[job.ID] == 1 {
					close(all)
				}
				return nil
			})
			run(t, q)
		}
		for id := range jobs {
			d.enqueue(t, queues[0], "share", jobID{id})
		}
		receive(t, all, "all jobs")
		d.eventually(t, `state = 'completed' AND attempt = 1`, jobs)
		mu.Lock()
		defer mu.Unlock()
		for id, times := range worked {
			if times != 1 {
				t.Errorf("job %d ran %d times", id, times)
			}
		}
	})
}

func TestHandleRefusesMistakes(t *testing.T) {
	t.Parallel()
	q := newSQLite(t).open(t, 1, 0)
	nothing := func(context.Context, json.RawMessage) error { return nil }
	q.Handle("note", "work", nothing)
	for name, mistake := range map[string]func(){
		"same kind again": func() { q.Handle("note", "work", nothing) },
		"unknown lane":    func() { q.Handle("other", "wrok", nothing) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			mistake()
		}()
	}
}

func TestEnqueueRefusesUnknownKind(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	q := d.open(t, 1, 0)
	tx := must(d.db.Begin())
	defer tx.Rollback()
	if err := q.Enqueue(t.Context(), tx, "nobody", nil); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("got %v, want an error that names the kind", err)
	}
}

func TestOpenWantsMigratedDatabase(t *testing.T) {
	t.Parallel()
	for _, options := range []queue.Options{
		{Engine: queue.SQLite, DSN: t.TempDir() + "/none.db"},
		{Engine: "oracle"},
	} {
		if q, err := queue.Open(t.Context(), options); err == nil {
			t.Errorf("%+v: opened", options)
			q.Close()
		}
	}
}

func TestMigrateMayBeRepeated(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		if err := queue.Migrate(t.Context(), d.engine, d.db); err != nil {
			t.Error(err)
		}
	})
}
