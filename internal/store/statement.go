package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// SQLite's driver makes a statement out of its text each time, which costs more than most of our statements do: it was two fifths of enrolling one
// person. So each connection keeps the statements it has made. SQLite itself makes them anew when the schema has changed.

const (
	keptMost = 160   // statements of one connection
	keptText = 4_000 // bytes of a text at most: what is longer was put together for once
)

// openSQLiteHandle is sql.Open with connections that keep their statements.
func openSQLiteHandle(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(liteConnector{c}), nil
}

type liteConnector struct{ driver.Connector }

func (c liteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(liteDriverConn)
	if !ok {
		return nil, errors.Join(errors.New("store: SQLite's driver is not the one this was written for"), conn.Close())
	}
	return &liteConn{liteDriverConn: full, kept: map[string]*liteStmt{}}, nil
}

// liteDriverConn is what the driver's connections can do.
type liteDriverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// liteDriverStmt is what its statements can do.
type liteDriverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// liteConn is a connection with its statements. Like every connection it is used by one goroutine at a time.
type liteConn struct {
	liteDriverConn
	kept map[string]*liteStmt
	tick int64 // counts uses, so that the statement that was used longest ago goes first
}

// liteStmt is a statement that is kept, or one for once.
type liteStmt struct {
	liteDriverStmt
	conn *liteConn
	text string
	kept bool
	busy bool // somebody reads its rows, or has it prepared
	used int64
}

// Close gives the statement back to its connection.
func (s *liteStmt) Close() error {
	if s.kept {
		s.busy = false
		return nil
	}
	return s.liteDriverStmt.Close()
}

// take gives a statement for a text. One that is busy, because a query is asked within the rows of the same query, is made a second time.
func (c *liteConn) take(ctx context.Context, text string) (*liteStmt, error) {
	c.tick++
	known := c.kept[text]
	if known != nil && !known.busy {
		known.busy, known.used = true, c.tick
		return known, nil
	}
	made, err := c.bare(ctx, text)
	if err != nil {
		return nil, err
	}
	s := &liteStmt{liteDriverStmt: made, conn: c, text: text, busy: true, used: c.tick}
	if known == nil && len(text) <= keptText {
		s.kept = true
		c.makeRoom()
		c.kept[text] = s
	}
	return s, nil
}

// makeRoom lets the statement go that was used longest ago. Those that are busy stay.
func (c *liteConn) makeRoom() {
	if len(c.kept) < keptMost {
		return
	}
	var oldest *liteStmt
	for _, s := range c.kept {
		if !s.busy && (oldest == nil || s.used < oldest.used) {
			oldest = s
		}
	}
	if oldest != nil {
		delete(c.kept, oldest.text)
		_ = oldest.liteDriverStmt.Close() // it tells how its last use ended, which is known
	}
}

// bare is PrepareContext without keeping anything.
func (c *liteConn) bare(ctx context.Context, text string) (liteDriverStmt, error) {
	made, err := c.liteDriverConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	full, ok := made.(liteDriverStmt)
	if !ok {
		return nil, errors.Join(errors.New("store: SQLite's driver is not the one this was written for"), made.Close())
	}
	return full, nil
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *liteConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ExecContext implements driver.ExecerContext.
func (c *liteConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(text) > keptText { // perhaps several statements, such as a migration
		return c.liteDriverConn.ExecContext(ctx, text, args)
	}
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // the execution tells
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *liteConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if len(text) > keptText {
		return c.liteDriverConn.QueryContext(ctx, text, args)
	}
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		_ = s.Close() // err tells
		return nil, err
	}
	return &liteRows{Rows: rows, stmt: s}, nil
}

// Close implements driver.Conn.
func (c *liteConn) Close() error {
	for text, s := range c.kept {
		delete(c.kept, text)
		_ = s.liteDriverStmt.Close() // as in makeRoom
	}
	return c.liteDriverConn.Close()
}

// liteRows are the rows of a statement, which is busy until they are closed.
type liteRows struct {
	driver.Rows
	stmt *liteStmt
}

// Close implements driver.Rows.
func (r *liteRows) Close() error { return errors.Join(r.Rows.Close(), r.stmt.Close()) }
