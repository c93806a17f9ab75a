package queue_test

import (
	"testing"
	"time"

	"github.com/musterid/muster/internal/queue"
)

func TestAfter(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 20*time.Millisecond), make(chan int, 10)
		q.Handle("note", "work", tell(done))
		run(t, q)
		due := time.Now().Add(700 * time.Millisecond)
		d.enqueue(t, q, "note", jobID{2}, queue.After(due))
		d.enqueue(t, q, "note", jobID{3}, queue.After(time.Now().Add(time.Hour)))
		d.enqueue(t, q, "note", jobID{1})
		if got := receive(t, done, "the first job"); got != 1 {
			t.Errorf("job %d ran first, want 1", got)
		}
		if got := receive(t, done, "the second job"); got != 2 {
			t.Errorf("job %d ran second, want 2", got)
		}
		if early := time.Until(due); early > 0 {
			t.Errorf("the job ran %s before its time", early)
		}
		if n := d.count(t, `state = 'scheduled'`); n != 1 {
			t.Errorf("%d jobs are scheduled, want the one of the next hour", n)
		}
	})
}

// dueNow makes every waiting job look as if it had just been added. (See the limit of Once.)
func (d *database) dueNow(t *testing.T) {
	t.Helper()
	now := `datetime('now', 'subsec')`
	if d.engine == queue.Postgres {
		now = `clock_timestamp()`
	}
	exec(t, d.db, `UPDATE river_job SET scheduled_at = `+now+` WHERE state = 'available'`)
}

func TestOnceAddsNothingWhileOneWaits(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q := d.open(t, 2, 0)
		q.Handle("note", "work", tell(nil))
		q.Handle("other", "work", tell(nil))
		steps := []struct {
			name   string
			before string // a statement
			kind   string
			id     int
			want   int // rows afterwards
		}{
			{name: "first", kind: "note", id: 1, want: 1},
			{name: "same", kind: "note", id: 1, want: 1},
			{name: "other args", kind: "note", id: 2, want: 2},
			{name: "other kind", kind: "other", id: 1, want: 3},
			{name: "the first waits after a failure", before: `UPDATE river_job SET state = 'retryable', attempt = 3 WHERE id = 1`, kind: "note", id: 1, want: 3},
			{name: "the first runs", before: `UPDATE river_job SET state = 'running' WHERE id = 1`, kind: "note", id: 1, want: 4},
			{name: "the new one waits", kind: "note", id: 1, want: 4},
		}
		for _, step := range steps {
			if step.before != "" {
				exec(t, d.db, step.before)
			}
			d.dueNow(t)
			if d.count(t, `state = 'retryable'`) > 0 {
				exec(t, d.db, `UPDATE river_job SET scheduled_at = $1 WHERE state = 'retryable'`, time.Now().UTC().Add(time.Minute).Format(time.DateTime))
			}
			d.enqueue(t, q, step.kind, jobID{step.id}, queue.Once())
			if got := d.count(t, `true`); got != step.want {
				t.Errorf("%s: %d jobs, want %d", step.name, got, step.want)
			}
		}
		d.enqueue(t, q, "note", jobID{1})
		if got := d.count(t, `true`); got != 5 {
			t.Errorf("without Once: %d jobs, want 5", got)
		}
	})
}

func TestOnceInOneTransaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q := d.open(t, 2, 0)
		q.Handle("note", "work", tell(nil))
		tx := must(d.db.Begin())
		for range 3 {
			if err := q.Enqueue(t.Context(), tx, "note", jobID{1}, queue.Once()); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := d.count(t, `true`); got != 1 {
			t.Errorf("%d jobs, want 1", got)
		}
	})
}

func TestOnceBringsForward(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		q, done := d.open(t, 2, 0), make(chan int, 10)
		q.Handle("note", "work", tell(done))
		run(t, q)
		d.enqueue(t, q, "note", jobID{1}, queue.Once(), queue.After(time.Now().Add(time.Hour)))
		d.enqueue(t, q, "note", jobID{1}, queue.Once(), queue.After(time.Now().Add(2*time.Hour)))
		d.enqueue(t, q, "note", jobID{1}, queue.Once())
		receive(t, done, "the job of the next hour")
		if got := d.count(t, `true`); got != 1 {
			t.Errorf("%d jobs, want 1", got)
		}
	})
}

// A job that a transaction joined must not run before the commit: it would not see what the transaction wrote.
func TestOnceHoldsTheJobUntilCommit(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	q, done := d.open(t, 2, 20*time.Millisecond), make(chan int, 10)
	q.Handle("note", "work", tell(done))
	d.enqueue(t, q, "note", jobID{1})
	d.dueNow(t)
	tx := must(d.db.Begin())
	defer tx.Rollback()
	if err := q.Enqueue(t.Context(), tx, "note", jobID{1}, queue.Once()); err != nil {
		t.Fatal(err)
	}
	if got := d.count(t, `true`); got != 1 {
		t.Fatalf("%d jobs, want 1", got)
	}
	run(t, q)
	for id := 2; id < 5; id++ {
		d.enqueue(t, q, "note", jobID{id})
		if got := receive(t, done, "another job"); got != id {
			t.Errorf("job %d ran, want %d", got, id)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, done, "the joined job"); got != 1 {
		t.Errorf("job %d ran, want 1", got)
	}
}
