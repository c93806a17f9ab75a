package queue_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/queue"
)

// patience is how long a test waits for what must happen, far longer than that takes on a busy machine. Reaching it is a failure.
const patience = 2 * time.Minute

// Everything runs east of Greenwich: a time that is written in local form and compared as UTC would delay jobs by hours.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("east", 2*60*60)
	goleak.VerifyTestMain(m)
}

// database is a fresh database of one engine, with the handle through which the rest of a program would write.
type database struct {
	engine, dsn string
	db          *sql.DB
	apart       bool // SQLite: the queue writes through a connection of its own
}

// eachEngine runs a test on SQLite, and on the PostgreSQL server of MUSTER_TEST_POSTGRES, where it makes a database of its own.
func eachEngine(t *testing.T, test func(t *testing.T, d *database)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLite(t))
	})
	t.Run("sqlite apart", func(t *testing.T) {
		t.Parallel()
		d := newSQLite(t)
		d.apart = true
		test(t, d)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgres(t))
	})
}

func newSQLite(t testing.TB) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster?#% .db")
	address := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate"}
	db := must(sql.Open("sqlite", address.String()))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return migrated(t, &database{engine: queue.SQLite, dsn: path, db: db})
}

func newPostgres(t testing.TB) *database {
	t.Helper()
	server := os.Getenv("MUSTER_TEST_POSTGRES")
	if server == "" && os.Getenv("MUSTER_TEST_REQUIRE") == "1" {
		t.Fatal("MUSTER_TEST_POSTGRES is not set, and nothing may be skipped")
	}
	if server == "" {
		t.Skip("MUSTER_TEST_POSTGRES is not set: it is the URL of a PostgreSQL server where databases may be created")
	}
	admin := must(sql.Open("pgx", server))
	t.Cleanup(func() { admin.Close() })
	name := "queue_" + uuid.NewString()[:8]
	exec(t, admin, `CREATE DATABASE `+name)
	t.Cleanup(func() { exec(t, admin, `DROP DATABASE `+name+` WITH (FORCE)`) })

	address := must(url.Parse(server))
	address.Path = "/" + name
	db := must(sql.Open("pgx", address.String()))
	t.Cleanup(func() { db.Close() })
	return migrated(t, &database{engine: queue.Postgres, dsn: address.String(), db: db})
}

func migrated(t testing.TB, d *database) *database {
	t.Helper()
	if err := queue.Migrate(context.Background(), d.engine, d.db); err != nil {
		t.Fatal(err)
	}
	return d
}

// open gives a queue with one lane, "work". Polling is so rare that only notifications and nudges wake it, unless poll says otherwise.
func (d *database) open(t testing.TB, workers int, poll time.Duration) *queue.Queue {
	t.Helper()
	return d.openLogging(t, workers, poll, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
}

func (d *database) openLogging(t testing.TB, workers int, poll time.Duration, log *slog.Logger) *queue.Queue {
	t.Helper()
	if poll == 0 {
		poll = time.Hour
	}
	options := queue.Options{Engine: d.engine, DSN: d.dsn, Workers: map[string]int{"work": workers}, Log: log, PollInterval: poll}
	if d.engine == queue.SQLite && !d.apart {
		options.Writer = d.db
	}
	q, err := queue.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

// run runs q until the returned function is called, or the test ends.
func run(t testing.TB, q *queue.Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := receive(t, ended, "the end of Run"); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// enqueue commits one job and nudges.
func (d *database) enqueue(t testing.TB, q *queue.Queue, kind string, args any, options ...queue.EnqueueOption) {
	t.Helper()
	tx := must(d.db.Begin())
	if err := q.Enqueue(t.Context(), tx, kind, args, options...); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	q.Nudge()
}

// count is the number of job rows that meet a condition.
func (d *database) count(t testing.TB, where string) int {
	t.Helper()
	var n int
	if err := d.db.QueryRow(`SELECT count(*) FROM river_job WHERE ` + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually asks until the number of job rows that meet a condition is n.
func (d *database) eventually(t testing.TB, where string, n int) {
	t.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	deadline := time.After(patience)
	for got := d.count(t, where); got != n; got = d.count(t, where) {
		select {
		case <-ticks.C:
		case <-deadline:
			t.Fatalf("jobs where %s: %d, want %d", where, got, n)
		}
	}
}

func exec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatalf("waited %s for %s", patience, what)
		panic("not reached")
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Sprint("test set-up: ", err))
	}
	return value
}
