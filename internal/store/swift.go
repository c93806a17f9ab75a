package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// BEGIN and COMMIT are journeys to PostgreSQL, too. On the connections of Singles, BEGIN travels with the first statements of a transaction, and
// COMMIT with the last ones (see Tx.flush).

// pgxConn is the driver's connection.
type pgxConn = stdlib.Conn

// swiftConn is a connection whose transactions begin with their first statement.
type swiftConn struct {
	*pgxConn
	due bool // a transaction is open of which the server does not know yet
}

// openSwift is stdlib.OpenDB with such connections.
func openSwift(config *pgx.ConnConfig) *sql.DB {
	return sql.OpenDB(swiftConnector{stdlib.GetConnector(*config)})
}

type swiftConnector struct{ driver.Connector }

func (c swiftConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(*pgxConn)
	if !ok {
		return nil, errors.Join(errors.New("store: PostgreSQL's driver is not the one this was written for"), conn.Close())
	}
	return &swiftConn{pgxConn: full}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *swiftConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o.ReadOnly || o.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errors.New("store: a transaction of this kind has no swift beginning")
	}
	if c.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.due = true
	return swiftTx{ctx, c}, nil
}

// begun tells the server of the transaction that is due.
func (c *swiftConn) begun(ctx context.Context) error {
	if !c.due {
		return nil
	}
	_, err := c.Conn().Exec(ctx, "begin")
	c.due = err != nil
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *swiftConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.begun(ctx); err != nil {
		return nil, err
	}
	return c.pgxConn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *swiftConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.begun(ctx); err != nil {
		return nil, err
	}
	return c.pgxConn.QueryContext(ctx, query, args)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *swiftConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.begun(ctx); err != nil {
		return nil, err
	}
	return c.pgxConn.PrepareContext(ctx, query)
}

// swiftTx ends a transaction, unless its last statements have ended it.
type swiftTx struct {
	ctx  context.Context
	conn *swiftConn
}

// open says whether the server knows of the transaction.
func (t swiftTx) open() bool {
	due := t.conn.due
	t.conn.due = false
	return !due && t.conn.Conn().PgConn().TxStatus() != 'I'
}

// Commit implements driver.Tx.
func (t swiftTx) Commit() error {
	if !t.open() {
		return nil
	}
	tag, err := t.conn.Conn().Exec(t.ctx, "commit")
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// Rollback implements driver.Tx. A connection on which that fails is given up.
func (t swiftTx) Rollback() error {
	if !t.open() {
		return nil
	}
	_, err := t.conn.Conn().Exec(t.ctx, "rollback")
	if err != nil {
		_ = t.conn.Close() // err tells
	}
	return err
}

// A parcel is statements that make one journey.
type parcel struct {
	conn  *pgx.Conn
	swift *swiftConn // whose transaction begins with these statements
	batch pgx.Batch
}

// parcelFor puts what is due and what waits into a parcel for the connection.
func (tx *Tx) parcelFor(c any) *parcel {
	p := &parcel{}
	if swift, ok := c.(*swiftConn); ok && swift.due {
		p.swift = swift
		p.batch.Queue("begin")
	}
	for _, w := range tx.waiting {
		p.batch.Queue(w.query, w.args...)
	}
	tx.waiting = nil
	p.conn = connOf(c)
	return p
}

// connOf is the connection to PostgreSQL under one of database/sql.
func connOf(c any) *pgx.Conn { return c.(interface{ Conn() *pgx.Conn }).Conn() }

// begunOn is connOf for what begins a transaction that is due.
func begunOn(ctx context.Context, c any) (*pgx.Conn, error) {
	if swift, ok := c.(*swiftConn); ok {
		if err := swift.begun(ctx); err != nil {
			return nil, err
		}
	}
	return connOf(c), nil
}

// send carries the statements out. read, which may be nil, gets the result of the last one.
func (p *parcel) send(ctx context.Context, read func(pgx.BatchResults) error) error {
	if p.swift != nil { // what fails before it is sent, such as making ready a statement, has begun nothing
		defer func() { p.swift.due = p.conn.PgConn().TxStatus() == 'I' }()
	}
	n := p.batch.Len()
	results := p.conn.SendBatch(ctx, &p.batch)
	if read == nil {
		return results.Close()
	}
	for range n - 1 {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // err tells
			return err
		}
	}
	if err := read(results); err != nil {
		_ = results.Close() // err tells
		return err
	}
	return results.Close()
}
