package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// Retired is a username that went out of use and returns only to the same human.
type Retired struct {
	Key         string
	Person      int64
	EmailKey    string
	EmployeeKey string
}

// Reserve takes numbers for usernames: for each base so many, and gives the last one taken. raise lifts counters to at least a number, for given
// names of the form base + digits. Both happen in body order of nothing: bases are locked in sorted order, in one statement each.
//
// On PostgreSQL this is a short transaction of its own, so that nobody waits for a chunk that needs the same bases; numbers lost with a failed
// chunk are never used. It is part of tx on SQLite, which has one writer, and in a Single, which is as short.
func (tx *Tx) Reserve(take, raise map[string]int) (map[string]int, error) {
	return tx.reserve("username_counter", take, raise)
}

// ReserveCodes is Reserve for the numbers of codes, by prefix.
func (tx *Tx) ReserveCodes(take, raise map[string]int) (map[string]int, error) {
	return tx.reserve("code_counter", take, raise)
}

func (tx *Tx) reserve(counter string, take, raise map[string]int) (map[string]int, error) {
	if len(take) == 0 && len(raise) == 0 {
		return nil, nil
	}
	if tx.store.spare == nil || tx.single {
		return reserve(tx.ctx, tx.sql, tx, counter, take, raise)
	}
	var last map[string]int
	err := tx.store.repeat(tx.ctx, attempts, func() error {
		own, err := tx.store.spare.BeginTx(tx.ctx, nil)
		if err != nil {
			return fmt.Errorf("store: begin reservation: %w", err)
		}
		defer own.Rollback() //nolint:errcheck // after a commit this does nothing
		// A Single may hold the counter and wait for what this transaction holds, and no database sees that circle. Then all of this is repeated.
		if _, err := own.ExecContext(tx.ctx, "SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		if last, err = reserve(tx.ctx, own, tx, counter, take, raise); err != nil {
			return err
		}
		return own.Commit()
	})
	if err != nil {
		return nil, fmt.Errorf("store: reserve in %s: %w", counter, err)
	}
	return last, nil
}

func reserve(ctx context.Context, on *sql.Tx, tx *Tx, counter string, take, raise map[string]int) (map[string]int, error) {
	into := "INSERT INTO " + counter + " (tenant, base, n) " + tx.pairs() + " ON CONFLICT (tenant, base) DO UPDATE SET n = "
	for part := range tx.atOnce(raise) {
		if _, err := on.ExecContext(ctx, into+tx.greatest(counter+".n", "excluded.n"), append([]any{tx.tenant}, tx.pairArgs(part)...)...); err != nil {
			return nil, fmt.Errorf("store: raise %s: %w", counter, err)
		}
	}
	last := make(map[string]int, len(take))
	for part := range tx.atOnce(take) {
		err := tx.takeNumbers(ctx, on, into+counter+".n + excluded.n RETURNING base, n", append([]any{tx.tenant}, tx.pairArgs(part)...), last)
		if err != nil {
			return nil, fmt.Errorf("store: take from %s: %w", counter, err)
		}
	}
	return last, nil
}

// countersAtOnce is how many counters one statement changes on SQLite, which keeps in memory what it needs to undo a statement: a page of the table for
// nearly every counter, once there are many.
const countersAtOnce = 1_500

// atOnce cuts counters, in sorted order, into as many as one statement changes.
func (tx *Tx) atOnce(counters map[string]int) iter.Seq[map[string]int] {
	return func(yield func(map[string]int) bool) {
		if len(counters) == 0 {
			return
		}
		if tx.store.engine == Postgres || len(counters) <= countersAtOnce {
			yield(counters)
			return
		}
		for bases := range slices.Chunk(slices.Sorted(maps.Keys(counters)), countersAtOnce) {
			part := make(map[string]int, len(bases))
			for _, base := range bases {
				part[base] = counters[base]
			}
			if !yield(part) {
				return
			}
		}
	}
}

// takeNumbers notes the numbers that a statement has taken.
func (tx *Tx) takeNumbers(ctx context.Context, on *sql.Tx, query string, args []any, last map[string]int) error {
	if tx.store.engine == Postgres { // one row of lists is sent and read in a fraction of the time of many rows
		var bases []string
		var numbers []int64
		types := pgtype.NewMap()
		row := on.QueryRowContext(ctx, "WITH taken AS ("+query+") SELECT array_agg(base), array_agg(n) FROM taken", args...)
		if err := row.Scan(types.SQLScanner(&bases), types.SQLScanner(&numbers)); err != nil {
			return err
		}
		for i, base := range bases {
			last[base] = int(numbers[i])
		}
		return nil
	}
	rows, err := on.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var base string
		var n int
		if err := rows.Scan(&base, &n); err != nil {
			return err
		}
		last[base] = n
	}
	return rows.Err()
}

// pairs selects the tenant and a map of base to number, in sorted order.
func (tx *Tx) pairs() string {
	if tx.store.engine == Postgres {
		return "SELECT $1::bigint, x.base, x.n FROM unnest($2::text[], $3::bigint[]) AS x(base, n)"
	}
	return "SELECT $1, key, value FROM json_each($2) WHERE true"
}

func (tx *Tx) pairArgs(m map[string]int) []any {
	if tx.store.engine != Postgres {
		return []any{asJSON(m)} // encoding/json sorts the keys
	}
	bases := slices.Sorted(maps.Keys(m))
	numbers := make([]int64, len(bases))
	for i, base := range bases {
		numbers[i] = int64(m[base])
	}
	return []any{bases, numbers}
}

func (tx *Tx) greatest(a, b string) string {
	if tx.store.engine == Postgres {
		return "greatest(" + a + ", " + b + ")"
	}
	return "max(" + a + ", " + b + ")"
}

// Counters gives how far the numbers of some bases have come. Nothing is reserved: it serves previews.
func (tx *Tx) Counters(bases []string) (map[string]int, error) {
	return tx.counters("username_counter", bases)
}

// CodeCounters is Counters for the numbers of codes, by prefix.
func (tx *Tx) CodeCounters(prefixes []string) (map[string]int, error) {
	return tx.counters("code_counter", prefixes)
}

func (tx *Tx) counters(counter string, bases []string) (map[string]int, error) {
	found := make(map[string]int, len(bases))
	if len(bases) == 0 {
		return found, nil
	}
	query := tx.perText("t.n", counter, "t.tenant = $2 AND t.base = k.value")
	err := tx.each(query, []any{tx.texts(bases), tx.tenant}, func(scan func(...any) error) error {
		var base string
		var n int
		err := scan(&base, &n)
		found[base] = n
		return err
	})
	return found, err
}

// RetiredAmong gives those of the keys that are retired.
func (tx *Tx) RetiredAmong(keys []string) (map[string]Retired, error) {
	found := map[string]Retired{}
	if len(keys) == 0 {
		return found, nil
	}
	if len(keys) > fewRows { // most tenants have retired none, which is soon known
		var some bool
		err := tx.row("SELECT EXISTS (SELECT 1 FROM retired_username WHERE tenant = $1)", []any{tx.tenant}, &some)
		if err != nil || !some {
			return found, err
		}
	}
	query := tx.perText("t.person, t.email_key, t.employee_key", "retired_username", "t.tenant = $2 AND t.username_key = k.value")
	err := tx.each(query, []any{tx.texts(keys), tx.tenant}, func(scan func(...any) error) error {
		var r Retired
		err := scan(&r.Key, &r.Person, text{&r.EmailKey}, text{&r.EmployeeKey})
		found[r.Key] = r
		return err
	})
	return found, err
}

// Retire puts usernames out of use. One that is retired already stays with whom it was retired from.
func (tx *Tx) Retire(list []Retired) error {
	for _, r := range list {
		err := tx.exec(`INSERT INTO retired_username (tenant, username_key, person, email_key, employee_key, retired_at) VALUES ($1, $2, $3, $4, $5, $6)
 ON CONFLICT (tenant, username_key) DO NOTHING`, tx.tenant, r.Key, r.Person, orNull(r.EmailKey), orNull(r.EmployeeKey), micros(tx.now))
		if err != nil {
			return err
		}
	}
	return nil
}

// Unretire gives usernames back to the human they were retired from.
func (tx *Tx) Unretire(keys []string) error {
	for _, key := range keys {
		if err := tx.exec("DELETE FROM retired_username WHERE tenant = $1 AND username_key = $2", tx.tenant, key); err != nil {
			return err
		}
	}
	return nil
}
