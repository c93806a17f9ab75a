package store

import (
	"context"
	"fmt"
	"slices"
)

// Ahead is Peek for bulk work that looks at thousands of rows before it is their turn: without a transaction around the statements, each of which sees
// what is committed when it begins. On PostgreSQL they are planned each time, as for all bulk work, and their rows are read as the server sends them.
func (s *Store) Ahead(ctx context.Context, tenant int64, f func(*Tx) error) error {
	if s.engine == SQLite {
		return s.Peek(ctx, tenant, f)
	}
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: connect: %w", err)
	}
	defer conn.Close() //nolint:errcheck // gives it back
	return f(&Tx{store: s, ctx: ctx, on: conn, conn: conn, tenant: tenant, now: s.Now()})
}

// Unmoved says whether people still have the versions that they were read with, versions being the sum of these: a version only grows, and nobody who
// was there is ever gone. Nobody stands in the list twice.
func (tx *Tx) Unmoved(people []int64, versions int64) (bool, error) {
	if len(people) == 0 {
		return true, nil
	}
	first, last := slices.Min(people), slices.Max(people)
	var now int64
	if last-first == int64(len(people))-1 { // who came together come again together, as a rule, and are read one after the other
		err := tx.row("SELECT cast(coalesce(sum(t.version), 0) AS bigint) FROM person t WHERE t.seq >= $1 AND t.seq <= $2 AND t.tenant + 0 = $3",
			[]any{first, last, tx.tenant}, &now)
		return now == versions, err
	}
	query := "SELECT coalesce(sum(t.version), 0) FROM json_each($1) AS k CROSS JOIN person t WHERE t.seq = k.value AND t.tenant = $2"
	if tx.store.engine == Postgres {
		// Of a list the index is read from one to the next. The sum keeps the index by tenant out of it, which a plan made for a young table might take.
		query = "SELECT coalesce(sum(t.version), 0)::bigint FROM person t WHERE t.seq = ANY ($1::bigint[]) AND t.tenant + 0 = $2"
	}
	err := tx.row(query, []any{tx.numbers(people), tx.tenant}, &now)
	return now == versions, err
}
