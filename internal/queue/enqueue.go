package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// soon is how far ahead a job may be due and still be put among the available ones at once, where workers find it by its time. Others wait as
// scheduled until River's scheduler, which one process runs every five seconds, moves them; it looks ahead, so they too are in time.
const soon = 10 * time.Second

// EnqueueOption changes how one job waits.
type EnqueueOption func(*wish)

// wish is what the options ask for.
type wish struct {
	after time.Time
	once  bool
}

// After lets the job run at t or up to PollInterval later, not before.
func After(t time.Time) EnqueueOption { return func(w *wish) { w.after = t } }

// Once adds nothing while a job of the same kind and arguments is waiting: that one will see what this transaction wrote, because no worker takes
// it before the commit. A running job is not waiting. If the waiting one is due later than this one it is brought forward, unless it waits
// because it failed. Equal means equal JSON text, so arguments are structs or sorted maps.
//
// Twins are rare but possible on PostgreSQL, where a job that has been due for half a second is joined no more.
func Once() EnqueueOption { return func(w *wish) { w.once = true } }

// Enqueue adds a job in the caller's transaction: it exists when tx commits, and never when tx rolls back. The caller then calls Nudge. Arguments
// are ids: they are kept for a while, in clear, and outside of what erasing a person reaches.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, kind string, args any, options ...EnqueueOption) error {
	q.mu.Lock()
	registered, known := q.kinds[kind]
	q.mu.Unlock()
	if !known {
		return fmt.Errorf("queue: enqueue: no handler is registered for kind %q", kind)
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("queue: enqueue %s: %w", kind, err)
	}
	var w wish
	for _, option := range options {
		option(&w)
	}
	if w.once {
		joined, err := q.join(ctx, tx, kind, raw, w.after)
		if err != nil {
			return fmt.Errorf("queue: enqueue %s: look for its twin: %w", kind, err)
		}
		if joined {
			return nil
		}
	}
	if _, err := q.inserter.InsertTx(ctx, tx, jobArgs{kind: kind, raw: raw}, &river.InsertOpts{Queue: registered.lane, ScheduledAt: w.after}); err != nil {
		return fmt.Errorf("queue: enqueue %s: %w", kind, err)
	}
	return nil
}

// The statements of join: $1 kind, $2 arguments, $3 when the new job would be due, $4 the state to give to a job that is brought forward.
//
// SQLite: whoever writes is alone, so a job that waits now waits until the commit.
const (
	joinSQLite = `SELECT count(*) FROM (SELECT 1 FROM river_job
		WHERE state IN ('available', 'retryable', 'scheduled') AND kind = $1 AND args = $2 AND (scheduled_at <= $3 OR attempt > 0) LIMIT 1)`
	forwardSQLite = `UPDATE river_job SET scheduled_at = $3, state = $4 WHERE id = (SELECT id FROM river_job
		WHERE state IN ('available', 'retryable', 'scheduled') AND kind = $1 AND args = $2 ORDER BY scheduled_at LIMIT 1)`
)

// PostgreSQL: a worker may take the job between our look and our commit, and would not see our changes. So the job is locked until then; workers
// skip locked jobs. The lock is shared: many callers can join one job and do not wait for each other. As a steady stream of them could hold a job
// back for ever, it is joined only in its first half second.
const joinPostgres = `
WITH twin AS (
	SELECT id FROM river_job
	WHERE state IN ('available', 'retryable', 'scheduled') AND kind = $1 AND args = $2::text::jsonb AND (scheduled_at <= $3 OR attempt > 0)
		AND scheduled_at > clock_timestamp() - interval '500 milliseconds'
	LIMIT 1 FOR SHARE SKIP LOCKED
), brought_forward AS (
	UPDATE river_job SET scheduled_at = $3, state = $4::text::river_job_state WHERE NOT EXISTS (SELECT 1 FROM twin) AND id = (
		SELECT id FROM river_job
		WHERE state IN ('available', 'retryable', 'scheduled') AND kind = $1 AND args = $2::text::jsonb AND scheduled_at > $3 AND attempt = 0
		ORDER BY scheduled_at LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING id
)
SELECT (SELECT count(*) FROM twin) + (SELECT count(*) FROM brought_forward)`

// join looks for a waiting job that can stand for a new one, and makes it due in time.
func (q *Queue) join(ctx context.Context, tx *sql.Tx, kind string, raw []byte, after time.Time) (bool, error) {
	due := after
	if due.IsZero() {
		due = time.Now()
	}
	due = due.UTC()
	state := stateFor(due)

	var twins int
	if q.options.Engine == Postgres {
		err := tx.QueryRowContext(ctx, joinPostgres, kind, string(raw), due, string(state)).Scan(&twins)
		return twins > 0, err
	}
	dueText := due.Format("2006-01-02 15:04:05.000")
	if err := tx.QueryRowContext(ctx, joinSQLite, kind, raw, dueText).Scan(&twins); err != nil || twins > 0 {
		return twins > 0, err
	}
	result, err := tx.ExecContext(ctx, forwardSQLite, kind, raw, dueText, string(state))
	if err != nil {
		return false, err
	}
	forwarded, err := result.RowsAffected()
	return forwarded > 0, err
}

// stateFor is the state in which a job waits until due.
func stateFor(due time.Time) rivertype.JobState {
	if time.Until(due) < soon {
		return rivertype.JobStateAvailable
	}
	return rivertype.JobStateScheduled
}

// insertHooks let jobs that are due soon wait as available ones.
func insertHooks() []rivertype.Hook {
	return []rivertype.Hook{river.HookInsertBeginFunc(func(_ context.Context, params *rivertype.JobInsertParams) error {
		if params.State == rivertype.JobStateScheduled && params.ScheduledAt != nil {
			params.State = stateFor(*params.ScheduledAt)
		}
		return nil
	})}
}
