package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens a handle of its own with one connection, as River's driver wants it.
//
// synchronous=NORMAL: what is written here (this job runs, that one is done) may get lost with the power, and then a job runs again; jobs
// themselves are written by the callers' connections.
func openSQLite(ctx context.Context, path string, readOnly bool) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(20000)", "cache_size(-2000)"},
		"_txlock": {"immediate"},
		"mode":    {"rw"},
	}
	if readOnly {
		query.Add("_pragma", "query_only(1)")
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

// sqliteDriver is River's driver with a listener (the waker), and what sqliteExecutor changes. It embeds what River calls an unstable interface;
// all River modules are pinned to one version.
type sqliteDriver struct {
	*riversqlite.Driver
	reader *sql.DB
	waker  *waker
}

func (d *sqliteDriver) SupportsListener() bool { return true }

func (d *sqliteDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.waker
}

func (d *sqliteDriver) GetExecutor() riverdriver.Executor {
	return &sqliteExecutor{Executor: d.Driver.GetExecutor(), reader: d.reader}
}

type sqliteExecutor struct {
	riverdriver.Executor
	reader *sql.DB
}

// JobGetAvailable reads before it writes. River's statement is an UPDATE, which takes the write lock even when it finds nothing: each idle
// poll of each lane would wait behind a bulk transaction.
func (e *sqliteExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	var due int
	err := e.reader.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM river_job
		WHERE state = 'available' AND queue = $1 AND priority = 1 AND scheduled_at <= datetime('now', 'subsec') LIMIT 1)`, params.Queue).Scan(&due)
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	if due == 0 {
		return nil, nil
	}
	return e.Executor.JobGetAvailable(ctx, params)
}

// JobSetStateIfRunningMany writes times in UTC and without the reading of the process's own clock. The driver stores a time as its String: a local
// one is later compared as text with UTC, so that a snoozed job is late by the offset of the zone, and one with a clock reading cannot be read
// back, so that no job ever gets done. (Unless the handle is opened with _timezone and _time_format; that of the caller need not be.)
func (e *sqliteExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	for _, times := range [][]*time.Time{params.ScheduledAt, params.FinalizedAt} {
		for i, at := range times {
			if at != nil {
				plain := plainTime(*at)
				times[i] = &plain
			}
		}
	}
	return e.Executor.JobSetStateIfRunningMany(ctx, params)
}

func plainTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

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
