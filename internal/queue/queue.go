// Package queue wakes workers: it runs a function, later and at least once, for every job that a committed transaction asked for. It stands on
// River, whose tables live in the product's own database, so a job exists exactly when the change that wanted it does.
//
// It knows jobs (a kind, a lane, arguments that are ids) and nothing about people. It is not the record of work: what is to be done, how far it
// got and who holds it stands in the tables of the package that does it. A job only says "look there now", so running one twice, or once too
// often, must be harmless, and a sweeper (see Every) may ask again for anything that seems forgotten.
//
// Start reading at Open, then Enqueue (enqueue.go) and Run (run.go). wake.go tells how a commit reaches the workers within milliseconds on a
// database that has no notifications.
package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// The engines that Open and Migrate accept.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Handler does one job. It must return within some seconds after ctx ends, and should not take longer than 10 seconds at a time: what has more
// to do saves its place, enqueues itself again in its own transaction and returns nil. An error or a panic means that the job is tried again.
type Handler func(ctx context.Context, args json.RawMessage) error

// Options say which database to work on and how much at a time.
type Options struct {
	Engine string // SQLite or Postgres
	DSN    string // SQLite: path of the file; PostgreSQL: URL

	// Writer is, on SQLite, the one connection through which the program writes. The queue then waits for its turn there like everybody
	// else. Without it, it writes through a connection of its own, which has to find a moment when the file is not locked, and that takes
	// seconds while others write all the time: SQLite has no line to stand in. It stays the caller's to close, after the queue.
	Writer *sql.DB

	// Workers is the number of jobs that run at the same time in each lane of this process. Lanes do not wait for each other. Without any
	// lane the queue only enqueues, and leaves the work to other processes.
	Workers map[string]int

	Log *slog.Logger // default: slog.Default()

	// PollInterval is how often workers look for jobs that nobody told them about: jobs whose time has come, and those of other processes
	// whose notification got lost. Default 500 ms.
	PollInterval time.Duration
}

// Queue is one process's end of the job tables. On SQLite there is one per file; on PostgreSQL any number share the work.
type Queue struct {
	options Options
	log     *slog.Logger
	waker   *waker

	// What workers use. Jobs are inserted through the callers' transactions.
	db     *sql.DB       // SQLite: one connection of its own, which only reads when there is a writer
	writer *sql.DB       // SQLite: Options.Writer, or db
	pool   *pgxpool.Pool // PostgreSQL: a few connections of its own

	inserter *river.Client[*sql.Tx]

	running map[string]*atomic.Int64 // handlers at work in each lane of this process

	mu      sync.Mutex
	kinds   map[string]registration
	tickers []ticker
	started bool
}

type registration struct {
	lane    string
	handler Handler
}

// Open connects to a database in which Migrate has run. The caller closes the queue, after Run has returned.
func Open(ctx context.Context, options Options) (*Queue, error) {
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.PollInterval == 0 {
		options.PollInterval = 500 * time.Millisecond
	}
	q := &Queue{options: options, log: options.Log, waker: newWaker(options.Workers), kinds: map[string]registration{}}
	q.running = make(map[string]*atomic.Int64, len(options.Workers))
	for lane := range options.Workers {
		q.running[lane] = new(atomic.Int64)
	}

	var err error
	switch options.Engine {
	case SQLite:
		q.db, err = openSQLite(ctx, options.DSN, options.Writer != nil)
		if q.writer = options.Writer; q.writer == nil {
			q.writer = q.db
		}
	case Postgres:
		q.pool, err = openPostgres(ctx, options.DSN, len(options.Workers))
	default:
		err = fmt.Errorf("unknown engine %q: use %q or %q", options.Engine, SQLite, Postgres)
	}
	if err != nil {
		return nil, fmt.Errorf("queue: open: %w", err)
	}

	// The inserter has no pool: it writes through the transactions that Enqueue is given.
	config := &river.Config{Logger: riverLog(q.log), FetchCooldown: fetchCooldown, MaxAttempts: maxAttempts, Hooks: insertHooks()}
	if options.Engine == SQLite {
		q.inserter, err = river.NewClient(riversqlite.New(nil), config)
	} else {
		q.inserter, err = river.NewClient(riverdatabasesql.New(nil), config)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("queue: open: %w", err), q.Close())
	}
	return q, nil
}

// Handle says which function does the jobs of a kind and in which lane they wait. All kinds are registered before Run; every process registers
// the same ones, also those it only enqueues. It panics when a kind is registered twice, or waits in a lane that this process, which does have
// workers, has none for: both are mistakes of the program.
func (q *Queue) Handle(kind, lane string, h func(ctx context.Context, args json.RawMessage) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		panic(fmt.Sprintf("queue: kind %q is registered after Run", kind))
	}
	if _, twice := q.kinds[kind]; twice {
		panic(fmt.Sprintf("queue: kind %q is registered twice", kind))
	}
	if _, known := q.options.Workers[lane]; !known && len(q.options.Workers) > 0 {
		panic(fmt.Sprintf("queue: kind %q waits in lane %q, which has no workers", kind, lane))
	}
	q.kinds[kind] = registration{lane: lane, handler: h}
}

// Nudge tells this process's workers to look for jobs now. It is called after the commit of a transaction that enqueued something; it costs
// almost nothing, never blocks, and may be called too often. Without it jobs still run, up to PollInterval later.
func (q *Queue) Nudge() { q.waker.nudge() }

// Working says whether this process is at a job: in one of these lanes, or in any when none is named.
func (q *Queue) Working(lanes ...string) bool {
	for lane, n := range q.running {
		if n.Load() > 0 && (len(lanes) == 0 || slices.Contains(lanes, lane)) {
			return true
		}
	}
	return false
}

// Close gives the connections back.
func (q *Queue) Close() error {
	if q.pool != nil {
		q.pool.Close()
	}
	if q.db != nil {
		if err := q.db.Close(); err != nil {
			return fmt.Errorf("queue: close: %w", err)
		}
	}
	return nil
}
