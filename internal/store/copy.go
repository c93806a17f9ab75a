package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// copyRows writes many rows at once: COPY on PostgreSQL, a prepared statement on SQLite. Columns that no row has a value for are left out, which
// in bulk is a third of them. A unique key that is held is ErrClash; the caller rolls back to a savepoint.
func (tx *Tx) copyRows(table string, columns []string, rows int, at func(i int) []any) error {
	list := make([][]any, rows)
	used := make([]bool, len(columns))
	for i := range list {
		list[i] = at(i)
		for n, v := range list[i] {
			used[n] = used[n] || v != nil
		}
	}
	columns = keep(slices.Clone(columns), used)
	for i := range list {
		list[i] = keep(list[i], used)
	}
	if tx.store.engine == Postgres && rows > 8 {
		return tx.copyFrom(table, columns, list)
	}
	return tx.insertRows(table, columns, list)
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

func (tx *Tx) insertRows(table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.prepared(tx.insertInto(table, columns))
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := stmt.ExecContext(tx.ctx, row...); err != nil {
			if clash(err) {
				return fmt.Errorf("%w: %w", ErrClash, err)
			}
			return fmt.Errorf("store: insert into %s: %w", table, err)
		}
	}
	return nil
}

// insertInto is an INSERT of one row. SQLite's driver looks a parameter's name up for every value, so there they have none.
func (tx *Tx) insertInto(table string, columns []string) string {
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = "?"
		if tx.store.engine == Postgres {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
}

func (tx *Tx) copyFrom(table string, columns []string, rows [][]any) error {
	err := tx.conn.Raw(func(c any) error {
		conn := c.(*stdlib.Conn).Conn()
		types, err := tx.store.columnTypes(tx.ctx, conn, table, columns)
		if err != nil {
			return err
		}
		data, err := binaryCopy(types, rows)
		if err != nil {
			return err
		}
		_, err = conn.PgConn().CopyFrom(tx.ctx, bytes.NewReader(data), "COPY "+table+" ("+strings.Join(columns, ", ")+") FROM STDIN BINARY")
		if errors.Is(err, driver.ErrBadConn) {
			return err
		}
		if err != nil && clash(err) {
			return fmt.Errorf("%w: %w", ErrClash, err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store: copy into %s: %w", table, err)
	}
	return nil
}

// columnTypes gives the types of columns, which the server is asked for once.
func (s *Store) columnTypes(ctx context.Context, conn *pgx.Conn, table string, columns []string) ([]uint32, error) {
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + table
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

// binaryCopy writes rows in the binary form of COPY. It knows the few types that our tables have.
func binaryCopy(types []uint32, rows [][]any) ([]byte, error) {
	out := make([]byte, 0, len(rows)*len(types)*16)
	out = append(out, "PGCOPY\n\xff\r\n\x00"...)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0) // no flags, no further header
	for _, row := range rows {
		out = binary.BigEndian.AppendUint16(out, uint16(len(row)))
		for i, v := range row {
			var err error
			if out, err = appendBinary(out, types[i], v); err != nil {
				return nil, err
			}
		}
	}
	return binary.BigEndian.AppendUint16(out, 0xffff), nil
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
