package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// This file and copy.go are all that the two engines do differently.

// ErrClash is a unique key that somebody else was faster to take. Whoever gets it looks again and decides anew.
var ErrClash = errors.New("store: a unique key was taken meanwhile")

// lostRace says whether a transaction that failed so may be repeated: a deadlock, a serialization failure, a key that somebody else took
// meanwhile, or a busy database. SQLite has one writer, so there a clash has other reasons and would come again.
func (e Engine) lostRace(err error) bool {
	if errors.Is(err, ErrClash) {
		return e == Postgres
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "55P03"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY || lite.Code()&0xff == sqlite3.SQLITE_LOCKED
	}
	return false
}

// clash says whether an error is a unique key that is held.
func clash(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// errPanic marks a transaction that a panic ended.
var errPanic = errors.New("panic in a transaction")

// Refused says whether what was to be written is itself at fault: the database refuses such a value, or our own code cannot take it. Trying the
// same again gives the same.
func Refused(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "21", "22", "23", "54":
			return true
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
			return true
		}
		return false
	}
	return errors.Is(err, errPanic)
}

// texts is a set of texts as one argument, for use with from.
func (tx *Tx) texts(list []string) any {
	if tx.store.engine == Postgres {
		return list
	}
	return asJSON(list)
}

// numbers is a set of numbers as one argument, for use with from.
func (tx *Tx) numbers(list []int64) any {
	if tx.store.engine == Postgres {
		return list
	}
	return asJSON(list)
}

func asJSON(list any) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return string(b)
}

// fold_name(text) is foldName in SQLite's SQL, and lower_text(text) strings.ToLower.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("fold_name", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			return foldName(s), nil
		}
		return nil, nil
	})
	sqlite.MustRegisterDeterministicScalarFunction("lower_text", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			return strings.ToLower(s), nil
		}
		return nil, nil
	})
}

// lower is a text in lower case, for finding another one in it. Where that one is ASCII, so are the letters that matter, and that is several times as
// fast; SQLite's own function knows no others at all.
func (tx *Tx) lower(text, find string) string {
	ascii := !strings.ContainsFunc(find, func(c rune) bool { return c >= utf8.RuneSelf })
	switch {
	case tx.store.engine == SQLite && !ascii:
		return "lower_text(" + text + ")"
	case tx.store.engine == Postgres && ascii:
		return "lower(" + text + ` COLLATE "C")`
	}
	return "lower(" + text + tx.store.letters + ")"
}

// lettersOfAll gives a collation of PostgreSQL by which lower knows all letters, whatever the database was made with: one that was made with the
// locale C, as in many containers, takes É for another letter than é. A server that has none goes by its database's own.
func (s *Store) lettersOfAll(ctx context.Context) (string, error) {
	var name string
	err := s.read.QueryRowContext(ctx, `SELECT collname FROM pg_collation WHERE collname IN ('C.utf8', 'C.UTF-8', 'und-x-icu', 'en_US.utf8')
 AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) AND getdatabaseencoding() = 'UTF8' ORDER BY collname LIMIT 1`).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("store: look for a collation: %w", err)
	}
	return ` COLLATE "` + name + `"`, nil
}

// setOfTexts is a set given as an argument (texts), as the rows k.value.
func (tx *Tx) setOfTexts(mark string) string {
	if tx.store.engine == Postgres {
		return "unnest(" + mark + "::text[]) AS k(value)"
	}
	return "json_each(" + mark + ") AS k"
}

// setOfNumbers is setOfTexts for numbers.
func (tx *Tx) setOfNumbers(mark string) string {
	if tx.store.engine == Postgres {
		return "unnest(" + mark + "::bigint[]) AS k(value)"
	}
	return "json_each(" + mark + ") AS k"
}

// perText is a query that reads, for every text k.value of the set given as $1, the rows of a table (as t) on a condition. PostgreSQL gets a
// LATERAL with a fence, because anything else may be planned on an empty table as a walk over the whole tenant.
func (tx *Tx) perText(columns, table, on string) string {
	if tx.store.engine == Postgres {
		return "SELECT k.value, " + columns + " FROM unnest($1::text[]) AS k(value) CROSS JOIN LATERAL (SELECT * FROM " + table + " t WHERE " + on + " OFFSET 0) t"
	}
	return "SELECT k.value, " + columns + " FROM json_each($1) AS k CROSS JOIN " + table + " t WHERE " + on
}

// perNumber is perText for numbers.
func (tx *Tx) perNumber(columns, table, on string) string {
	if tx.store.engine == Postgres {
		return "SELECT k.value, " + columns + " FROM unnest($1::bigint[]) AS k(value) CROSS JOIN LATERAL (SELECT * FROM " + table + " t WHERE " + on + " OFFSET 0) t"
	}
	return "SELECT k.value, " + columns + " FROM json_each($1) AS k CROSS JOIN " + table + " t WHERE " + on
}

// uuid is an id as an argument.
func (tx *Tx) uuid(id uuid.UUID) any {
	if tx.store.engine == Postgres {
		return [16]byte(id)
	}
	return id[:]
}

// nextNumbers takes numbers on PostgreSQL. The name of the sequence is looked up once, not for every number.
const nextNumbers = "SELECT nextval(s.name) AS n FROM (SELECT pg_get_serial_sequence($1, 'seq')::regclass AS name OFFSET 0) s, generate_series(1, $2)"

// nextSeqs takes n numbers for rows of a table. On PostgreSQL they are taken for good, also when the transaction fails.
func (tx *Tx) nextSeqs(table string, n int) ([]int64, error) {
	seqs := make([]int64, 0, n)
	if n == 0 {
		return seqs, nil
	}
	if tx.store.engine == Postgres {
		// Numbers that nobody else took from meanwhile follow each other, so that their ends tell them. Else others are taken, and read one by one.
		var first, last int64
		err := tx.row("SELECT min(n), max(n) FROM ("+nextNumbers+") AS taken", []any{table, n}, &first, &last)
		if err == nil && last-first == int64(n)-1 {
			for seq := first; seq <= last; seq++ {
				seqs = append(seqs, seq)
			}
			return seqs, nil
		}
		if err != nil {
			return nil, err
		}
		err = tx.each(nextNumbers, []any{table, n}, func(scan func(...any) error) error {
			var seq int64
			err := scan(&seq)
			seqs = append(seqs, seq)
			return err
		})
		return seqs, err
	}
	var last int64
	err := tx.row("UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = $2 RETURNING seq", []any{n, table}, &last)
	if errors.Is(err, errNone) { // nothing was ever inserted
		last, err = int64(n), tx.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", table, n)
	}
	if err != nil {
		return nil, err
	}
	for seq := last - int64(n) + 1; seq <= last; seq++ {
		seqs = append(seqs, seq)
	}
	return seqs, nil
}

// TakesNumbersBeside says whether numbers of people and usernames are taken beside the transaction that uses them, so that any transaction may take
// them ahead; else only those that write may.
func (tx *Tx) TakesNumbersBeside() bool { return tx.store.spare != nil && !tx.single }

// Analyze has PostgreSQL look at its tables again after they have grown much; bulk loads outrun its own schedule.
func (s *Store) Analyze(ctx context.Context) error {
	if s.engine != Postgres {
		return nil
	}
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: analyze: %w", err)
	}
	defer t.Rollback() //nolint:errcheck // after a commit this does nothing
	for _, statement := range analysis {
		if _, err := t.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("store: analyze: %w", err)
		}
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("store: analyze: %w", err)
	}
	return nil
}

// analysis looks at a tenth of the rows that PostgreSQL would, and at what queries ask for: enough to tell a large table from an empty one. Its own
// schedule looks closer. All columns and all those rows cost as much processor time as writing a chunk does.
var analysis = []string{
	"SET LOCAL default_statistics_target = 10",
	"ANALYZE person (seq, id, tenant, version, username_key, email_key, phone_key, employee_key, code_key, source_key, name_key, state, manager, created_at, updated_at)",
	"ANALYZE item (id, tenant, state, person, account)",
	"ANALYZE account",
}

// Times are stored as microseconds since 1970, the same on both engines.

func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// orNull gives nil for "", so that what is not known is NULL.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNullNumber(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
