package queue

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Waiting jobs of the same kind and arguments are what Once looks for. River's own indexes would make that a walk over all jobs of the kind,
// done ones included. PostgreSQL: a hash index, because a b-tree entry may not be longer than 2.7 kB.
const (
	waitingIndexSQLite   = `CREATE INDEX IF NOT EXISTS river_job_waiting ON river_job (kind, args) WHERE state IN ('available', 'retryable', 'scheduled')`
	waitingIndexPostgres = `CREATE INDEX IF NOT EXISTS river_job_waiting ON river_job USING hash (args) WHERE state IN ('available', 'retryable', 'scheduled')`
)

// Migrate brings River's tables up to date. It may be repeated. Two processes must not run it at the same time: the caller holds its own
// migration lock.
func Migrate(ctx context.Context, engine string, db *sql.DB) error {
	var driver riverdriver.Driver[*sql.Tx]
	index := waitingIndexSQLite
	switch engine {
	case SQLite:
		driver = riversqlite.New(db)
	case Postgres:
		driver, index = riverdatabasesql.New(db), waitingIndexPostgres
	default:
		return fmt.Errorf("queue: migrate: unknown engine %q: use %q or %q", engine, SQLite, Postgres)
	}
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("queue: migrate: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("queue: migrate: %w", err)
	}
	if _, err := db.ExecContext(ctx, index); err != nil {
		return fmt.Errorf("queue: migrate: index of waiting jobs: %w", err)
	}
	return nil
}
