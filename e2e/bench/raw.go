package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/musterid/muster"
	"github.com/musterid/muster/e2e/people"
)

// The raw limit is the same people in a plain table of twelve columns with a primary key and three unique indexes, written by the bare driver:
// in transactions of 1,000 rows with a prepared INSERT on SQLite (S), with one COPY on one connection on PostgreSQL (B).

const rawTable = `CREATE TABLE users (id %s PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, external_id TEXT NOT NULL UNIQUE,
 first_name TEXT, last_name TEXT, display_name TEXT, department TEXT, state TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)`

var rawColumns = []string{"id", "username", "email", "external_id", "first_name", "last_name", "display_name", "department", "state", "version", "created_at", "updated_at"}

const rawTransaction = 1_000

// rawRows are the rows, made before the clock runs. numbers counts namesakes, for lists that go into one table.
func rawRows(seed uint64, prefix string, n int, numbers map[string]int) [][]any {
	m := people.New(seed, prefix)
	at := time.Now().UnixMicro()
	rows := make([][]any, n)
	for i := range rows {
		p := m.Next()
		base := muster.Fold(p.First) + "." + muster.Fold(p.Last)
		numbers[base]++
		id := uuid.Must(uuid.NewV7())
		username := fmt.Sprintf("%s%03d", base, numbers[base])
		rows[i] = []any{id[:], username, p.Email, p.SourceID, p.First, p.Last, p.First + " " + p.Last, p.Department, "active", int64(1), at, at}
	}
	return rows
}

// raw writes the rows with the bare driver and gives the rate. On SQLite others may be there already; they are not timed.
func (e *engine) raw(ctx context.Context, there, rows [][]any) (perSecond float64, err error) {
	if e.name == "SQLite" {
		return e.rawSQLite(ctx, there, rows)
	}
	return e.rawPostgres(ctx, rows)
}

const rawPragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(20000)&_pragma=busy_timeout(15000)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16000)&_txlock=immediate"

func (e *engine) rawSQLite(ctx context.Context, there, rows [][]any) (float64, error) {
	dir, err := os.MkdirTemp(e.b.dir, "raw-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+rawPragmas)
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // it goes away
	db.SetMaxOpenConns(1)
	if err := execAll(ctx, db, fmt.Sprintf(rawTable, "BLOB")); err != nil {
		return 0, err
	}
	if err := insertRaw(ctx, db, there); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := insertRaw(ctx, db, rows); err != nil {
		return 0, err
	}
	return float64(len(rows)) / time.Since(start).Seconds(), nil
}

func insertRaw(ctx context.Context, db *sql.DB, rows [][]any) error {
	for chunk := range slices.Chunk(rows, rawTransaction) {
		if err := insertChunk(ctx, db, chunk); err != nil {
			return err
		}
	}
	return nil
}

func insertChunk(ctx context.Context, db *sql.DB, rows [][]any) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit this does nothing
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, row := range rows {
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (e *engine) rawPostgres(ctx context.Context, rows [][]any) (float64, error) {
	address, err := e.b.postgres.create(ctx, "template1")
	if err != nil {
		return 0, err
	}
	defer e.b.postgres.drop(address)
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx) //nolint:errcheck // it goes away
	if _, err := conn.Exec(ctx, fmt.Sprintf(rawTable, "UUID")); err != nil {
		return 0, err
	}
	start := time.Now()
	n, err := conn.CopyFrom(ctx, pgx.Identifier{"users"}, rawColumns, pgx.CopyFromRows(rows))
	if err != nil {
		return 0, err
	}
	return float64(n) / time.Since(start).Seconds(), nil
}
