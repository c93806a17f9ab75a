package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// fewRows are written one by one on PostgreSQL, and more than these with COPY. In a Single they travel together, so there are more.
const (
	fewRows         = 8
	fewRowsInSingle = 64
)

// few is how many rows are not copied yet.
func (tx *Tx) few() int {
	if tx.single && tx.tries == 0 {
		return fewRowsInSingle
	}
	return fewRows
}

// copyRows writes many rows at once: COPY on PostgreSQL, a prepared statement on SQLite. A unique key that is held is ErrClash; the caller rolls back
// to a savepoint.
func (tx *Tx) copyRows(table string, columns []string, rows int, at func(i int) []any) error {
	p := tx.pack(table, columns, nil, rows, at)
	return tx.insertPacked(&p)
}

// keep gives the elements that are used, in the place of the list.
func keep[T any](list []T, used []bool) []T {
	kept := list[:0]
	for i, v := range list {
		if used[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

// How many rows one INSERT has: what a statement costs beside its rows is shared, on SQLite above all keeping account of the numbers that are never given
// twice. More gains nothing. PostgreSQL's statements of a Single are kept with their plans, so there they have one of few lengths.
const (
	rowsAtOnce         = 16
	rowsAtOnceInSingle = 8 // or 4, 2, 1
)

// rowsOf is how many of some rows the next INSERT takes.
func (tx *Tx) rowsOf(rows int) int {
	switch {
	case tx.store.engine == SQLite:
		return min(rows, rowsAtOnce)
	case !tx.single:
		return 1
	}
	per := rowsAtOnceInSingle
	for per > rows {
		per /= 2
	}
	return per
}

func (tx *Tx) insertRows(table string, columns []string, rows [][]any) error {
	query, before := "", 0
	for len(rows) > 0 {
		per := tx.rowsOf(len(rows))
		if per != before {
			query, before = tx.insertInto(table, columns, per), per
		}
		if err := tx.insertSome(query, slices.Concat(rows[:per]...)); err != nil {
			if clash(err) {
				return fmt.Errorf("%w: %w", ErrClash, err)
			}
			return fmt.Errorf("store: insert into %s: %w", table, err)
		}
		rows = rows[per:]
	}
	return nil
}

// insertSome carries an INSERT out. SQLite's connections keep their statements themselves, also from one of the functions that share a commit to the
// next.
func (tx *Tx) insertSome(query string, args []any) error {
	if tx.single {
		return tx.later(query, args...)
	}
	if tx.store.engine == SQLite {
		_, err := tx.on.ExecContext(tx.ctx, query, args...)
		return err
	}
	stmt, err := tx.prepared(query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(tx.ctx, args...)
	return err
}

// insertInto is an INSERT of so many rows. SQLite's driver looks a parameter's name up for every value, so there they have none; and there a
// statement that fails leaves the rows it has written, because whoever gets the error undoes more than the statement. Undoing just that would
// have every page copied before it is changed.
func (tx *Tx) insertInto(table string, columns []string, rows int) string {
	insert := "INSERT OR FAIL INTO "
	if tx.store.engine == Postgres {
		insert = "INSERT INTO "
	}
	query := []byte(insert + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	for n := range rows * len(columns) {
		switch {
		case n == 0:
			query = append(query, '(')
		case n%len(columns) == 0:
			query = append(query, "), ("...)
		default:
			query = append(query, ", "...)
		}
		if tx.store.engine == Postgres {
			query = strconv.AppendInt(append(query, '$'), int64(n)+1, 10)
		} else {
			query = append(query, '?')
		}
	}
	return string(append(query, ')'))
}

func (tx *Tx) copyFrom(p *packed) error {
	if err := tx.flush(); err != nil {
		return err
	}
	err := tx.conn.Raw(func(c any) error {
		conn, err := begunOn(tx.ctx, c)
		if err != nil {
			return err
		}
		var from io.Reader = bytes.NewReader(p.bytes)
		if p.bytes == nil {
			types, err := tx.store.columnTypes(tx.ctx, conn, p.table, p.columns)
			if err != nil {
				return err
			}
			from = binaryCopy(types, p.rows)
		}
		_, err = conn.PgConn().CopyFrom(tx.ctx, from, "COPY "+p.table+" ("+strings.Join(p.columns, ", ")+") FROM STDIN BINARY")
		if errors.Is(err, driver.ErrBadConn) {
			return err
		}
		if err != nil && clash(err) {
			return fmt.Errorf("%w: %w", ErrClash, err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store: copy into %s: %w", p.table, err)
	}
	return nil
}

// columnTypes gives the types of columns, which the server is asked for once.
func (s *Store) columnTypes(ctx context.Context, conn *pgx.Conn, table string, columns []string) ([]uint32, error) {
	query := selectOf(table, columns)
	if known, ok := s.types.Load(query); ok {
		return known.([]uint32), nil
	}
	described, err := conn.Prepare(ctx, "", query)
	if err != nil {
		return nil, err
	}
	types := make([]uint32, len(described.Fields))
	for i, f := range described.Fields {
		types[i] = f.DataTypeOID
	}
	s.types.Store(query, types)
	return types, nil
}

func selectOf(table string, columns []string) string {
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + table
}

// binaryRows is rows in the binary form of COPY, made while the server takes those before. It knows the few types that our tables have.
type binaryRows struct {
	types []uint32
	rows  [][]any
	next  int
	made  []byte // and not read yet
	space []byte // that made lies in
	ended bool
}

func binaryCopy(types []uint32, rows [][]any) *binaryRows {
	return &binaryRows{types: types, rows: rows, made: []byte(copyHead)}
}

func (b *binaryRows) appendRow(out []byte, row []any) (_ []byte, err error) {
	out = binary.BigEndian.AppendUint16(out, uint16(len(b.types)))
	for i, v := range row {
		if out, err = appendBinary(out, b.types[i], v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *binaryRows) Read(to []byte) (int, error) {
	for len(b.made) == 0 {
		if b.ended {
			return 0, io.EOF
		}
		if err := b.make(len(to)); err != nil {
			return 0, err
		}
	}
	n := copy(to, b.made)
	b.made = b.made[n:]
	return n, nil
}

// make makes rows up to about so many bytes.
func (b *binaryRows) make(most int) (err error) {
	out := b.space[:0]
	for ; b.next < len(b.rows) && len(out) < most; b.next++ {
		if out, err = b.appendRow(out, b.rows[b.next]); err != nil {
			return err
		}
	}
	if b.next == len(b.rows) {
		out, b.ended = binary.BigEndian.AppendUint16(out, 0xffff), true
	}
	b.space, b.made = out, out
	return nil
}

func appendBinary(out []byte, kind uint32, v any) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return binary.BigEndian.AppendUint32(out, 0xffffffff), nil
	case string:
		if kind == pgtype.TextOID {
			return append(binary.BigEndian.AppendUint32(out, uint32(len(x))), x...), nil
		}
	case []byte:
		if kind == pgtype.ByteaOID {
			return append(binary.BigEndian.AppendUint32(out, uint32(len(x))), x...), nil
		}
	case [16]byte:
		if kind == pgtype.UUIDOID {
			return append(binary.BigEndian.AppendUint32(out, 16), x[:]...), nil
		}
	case int64:
		switch kind {
		case pgtype.Int8OID:
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(out, 8), uint64(x)), nil
		case pgtype.Int2OID:
			if x == int64(int16(x)) {
				return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(out, 2), uint16(x)), nil
			}
		}
	case int:
		return appendBinary(out, kind, int64(x))
	}
	return nil, fmt.Errorf("a %T cannot be written as PostgreSQL's type %d", v, kind)
}
