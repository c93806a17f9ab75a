package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens a handle of its own with one connection, as River's driver wants it.
//
// synchronous=NORMAL: what is written here (this job runs, that one is done) may get lost with the power, and then a job runs again; jobs
// themselves are written by the callers' connections. _timezone: River writes local times in some places and compares them as text with UTC.
func openSQLite(ctx context.Context, path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"_pragma":      {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(20000)", "cache_size(-2000)"},
		"_txlock":      {"immediate"},
		"_timezone":    {"UTC"},
		"_time_format": {"sqlite"},
		"mode":         {"rw"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var jobs int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM river_job LIMIT 1)`).Scan(&jobs); err != nil {
		return nil, errors.Join(fmt.Errorf("look for River's tables in %s: %w", path, err), db.Close())
	}
	return db, nil
}

// sqliteDriver is River's driver with two changes: it has a listener (the waker), and looking for jobs when there are none only reads. It embeds
// what River calls an unstable interface; all River modules are pinned to one version.
type sqliteDriver struct {
	*riversqlite.Driver
	db    *sql.DB
	waker *waker
}

func (d *sqliteDriver) SupportsListener() bool { return true }

func (d *sqliteDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.waker
}

func (d *sqliteDriver) GetExecutor() riverdriver.Executor {
	return &sqliteExecutor{Executor: d.Driver.GetExecutor(), db: d.db}
}

type sqliteExecutor struct {
	riverdriver.Executor
	db *sql.DB
}

// JobGetAvailable reads before it writes. River's statement is an UPDATE, which takes the write lock even when it finds nothing: each idle
// poll of each lane would wait behind a bulk transaction.
func (e *sqliteExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	var due int
	err := e.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM river_job
		WHERE state = 'available' AND queue = $1 AND priority = 1 AND scheduled_at <= datetime('now', 'subsec') LIMIT 1)`, params.Queue).Scan(&due)
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	if due == 0 {
		return nil, nil
	}
	return e.Executor.JobGetAvailable(ctx, params)
}

// adoptOrphans makes jobs wait again that were running when the process ended without saying so. SQLite has one process, and it is just
// starting, so nobody works on them. The wait grows with the attempts, because a job may be what ended the process.
func adoptOrphans(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `UPDATE river_job SET state = 'available',
		scheduled_at = datetime('now', 'subsec', '+' || min(attempt * attempt, 60) || ' seconds') WHERE state = 'running'`)
	if err != nil {
		return fmt.Errorf("take up interrupted jobs: %w", err)
	}
	return nil
}
