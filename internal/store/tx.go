package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/musterid/muster"
)

// Tx is a transaction of one tenant. Every query of a tenant's rows is scoped by it. It carries its context and the time, which is the same for
// all that is written in it.
type Tx struct {
	store  *Store
	ctx    context.Context
	sql    *sql.Tx   // nil in a Peek
	on     statement // where statements go: sql, or in a Peek the handle
	conn   *sql.Conn // the connection under sql, for bulk statements of PostgreSQL; nil in a View
	tenant int64
	now    time.Time
	stmts  map[string]*sql.Stmt
	after  []func()
	tries  int   // how many savepoints are open
	single bool  // see Single
	begun  bool  // a Single has asked for something
	shard  *int  // of the counts of people that this transaction adds to; nil where there are no shards
	aimed  *bool // whether there are targets, as Own saw it

	waiting  []laterOne     // see later
	released map[int64]bool // people whose keys ReleaseKeys took
}

// statement is what carries statements out.
type statement interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Everyone is the tenant of a transaction that belongs to none: for what the process does on its own account.
const Everyone int64 = 0

// SQL is the transaction itself, for the queue: a job is saved with the change that calls for it.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }

// Context is the transaction's.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now is the time of everything written in this transaction.
func (tx *Tx) Now() time.Time { return tx.now }

// Tenant is whose transaction this is.
func (tx *Tx) Tenant() int64 { return tx.tenant }

// Of is the same transaction in the name of a tenant, for a transaction of Everyone that has just made the tenant. AfterCommit is called on tx
// itself: what this gives forgets it.
func (tx *Tx) Of(tenant int64) *Tx {
	own := *tx
	own.tenant, own.after, own.stmts, own.released, own.aimed = tenant, nil, nil, nil, nil
	own.waiting, own.single = nil, false
	return &own
}

// AfterCommit has f called once the transaction is durable, and never when it is not. f runs before Update returns and may use the store.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// How often a transaction is carried out at the most that lost to another one. A single write meets the others who write the same just then, of whom
// one gets through at a time; bulk work is written by one worker.
const (
	attempts       = 5
	singleAttempts = 12
	longestPause   = 200 * time.Millisecond
)

// Update runs f in a transaction that is committed when f gives nil, and leaves nothing otherwise. f may run more than once, so what it changes
// in memory it must set, not add to. It does SQL only: others may wait for it. On SQLite several callers' functions may share one commit, each
// undone alone when it fails, and f runs in another goroutine than its caller (in a test it must not call t.Fatal).
func (s *Store) Update(ctx context.Context, tenant int64, f func(*Tx) error) error {
	if s.commits != nil {
		return s.submit(ctx, &unitOfWork{ctx: ctx, tenant: tenant, f: f, shared: true})
	}
	return s.updateAlone(ctx, transaction{tenant: tenant, f: f}, singleAttempts)
}

// Single is Update for what one request asks about one person or the like: the same few statements over and over, each by a unique key. On
// PostgreSQL their plans are kept, which cost more than they do, and numbers of usernames are taken within the transaction: both would be wrong for
// bulk work (see openPostgres and Tx.Reserve).
func (s *Store) Single(ctx context.Context, tenant int64, f func(*Tx) error) error {
	if s.commits != nil {
		return s.Update(ctx, tenant, f)
	}
	return s.updateAlone(ctx, transaction{tenant: tenant, f: f, single: true}, singleAttempts)
}

// Together is Single for several requests whose wishes are carried out in one transaction. It is not repeated, and on PostgreSQL it gives up where it
// would wait long for what another transaction holds: whoever fails so has each wish carried out by itself, and those who need not wait do not.
func (s *Store) Together(ctx context.Context, tenant int64, f func(*Tx) error) error {
	if s.commits != nil {
		return s.Update(ctx, tenant, f)
	}
	return s.updateAlone(ctx, transaction{tenant: tenant, f: f, single: true, together: true}, 1)
}

// transaction is what is to be done in one.
type transaction struct {
	tenant   int64
	f        func(*Tx) error
	single   bool
	together bool
}

// updateAlone is an Update in a transaction of its own.
func (s *Store) updateAlone(ctx context.Context, t transaction, times int) error {
	var after []func()
	err := s.repeat(ctx, times, func() (err error) {
		after, err = s.transact(ctx, t)
		return err
	})
	if err == nil {
		for _, f := range after {
			f()
		}
	}
	return err
}

// Bulk is Update for a chunk of bulk work: it never shares its commit.
func (s *Store) Bulk(ctx context.Context, tenant int64, f func(*Tx) error) error {
	if s.commits != nil {
		return s.submit(ctx, &unitOfWork{ctx: ctx, tenant: tenant, f: f})
	}
	return s.updateAlone(ctx, transaction{tenant: tenant, f: f}, attempts)
}

// View runs f in a transaction that cannot write and sees one state of the database.
func (s *Store) View(ctx context.Context, tenant int64, f func(*Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if s.engine == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	t, err := s.read.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	defer t.Rollback() //nolint:errcheck // nothing was written
	return f(&Tx{store: s, ctx: ctx, sql: t, on: t, tenant: tenant, now: s.Now()})
}

// Peek is View for what one statement can tell, or several that need not see the same state: there is no transaction around them. It is for what every
// request asks, always by a unique key: as in Single, PostgreSQL keeps the plans.
func (s *Store) Peek(ctx context.Context, tenant int64, f func(*Tx) error) error {
	handle := s.quick
	if handle == nil {
		handle = s.read
	}
	return f(&Tx{store: s, ctx: ctx, on: handle, tenant: tenant, now: s.Now()})
}

// repeat carries run out until it does not lose any more. The pauses differ, so that those who met do not meet again.
func (s *Store) repeat(ctx context.Context, times int, run func() error) error {
	for n := 1; ; n++ {
		err := run()
		if err == nil || n == times || !s.engine.lostRace(err) {
			return err
		}
		span := min(time.Duration(n*n)*10*time.Millisecond, longestPause)
		pause := time.NewTimer(span/2 + rand.N(span))
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// transact is one transaction of its own, on a connection that bulk statements can reach. It gives what is to be called after the commit.
func (s *Store) transact(ctx context.Context, what transaction) (after []func(), err error) {
	handle := s.write
	switch {
	case what.together:
		handle = s.hasty
	case what.single:
		handle = s.quick
	}
	conn, err := handle.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	defer conn.Close() //nolint:errcheck // gives it back
	t, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("store: begin: %w", err)
	}
	tx := &Tx{store: s, ctx: ctx, sql: t, on: t, conn: conn, tenant: what.tenant, now: s.Now(), single: what.single}
	if s.shards != nil {
		tx.shard = new(int)
		defer s.shards.giveBack(tx.shard)
	}
	committed := false
	if err = guarded(tx, what.f); err == nil {
		committed, err = tx.finish()
	}
	if err == nil && !committed {
		err = ctx.Err() // what ends now is surely not done
	}
	if err != nil {
		return nil, errors.Join(err, rolledBack(t))
	}
	if err := t.Commit(); err != nil && !committed { // else the context has ended since
		return nil, fmt.Errorf("store: commit: %w", uncertain(err))
	}
	return tx.after, nil
}

// ErrUncertain is the end of a transaction of which nobody knows whether it was committed: the connection broke just then. To do it again may be to
// do it twice.
var ErrUncertain = errors.New("store: nobody knows whether the transaction was committed")

// uncertain is an error of a commit, with ErrUncertain unless the database itself says that there was none.
func uncertain(err error) error {
	if err == context.DeadlineExceeded || pgconn.SafeToRetry(err) { //nolint:errorlint // wrapped, it is of a COMMIT that was sent; Canceled is not wrapped then
		return err
	}
	var said *pgconn.PgError
	var lite *sqlite.Error
	if errors.As(err, &said) && said.Severity != "PANIC" && !strings.HasPrefix(said.Code, "57P") || errors.As(err, &lite) || errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, sql.ErrTxDone) {
		return err
	}
	told := muster.Errorf(muster.Internal, "", "Nobody knows whether this was done: the connection to the database broke at the last moment. Look whether it is there before you ask for it again.")
	return fmt.Errorf("%w %w: %w", told, ErrUncertain, err)
}

func rolledBack(t *sql.Tx) error {
	if err := t.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("store: roll back: %w", err)
	}
	return nil
}

// guarded turns a panic in f into an error, so that a shared commit and its other callers survive it.
func guarded(tx *Tx, f func(*Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("store: %w: %v\n%s", errPanic, r, debug.Stack())
		}
	}()
	return f(tx)
}

// errBroken is a transaction in which a savepoint is gone: the database has undone all of it.
var errBroken = errors.New("store: the database has ended the transaction")

// Try runs f under a savepoint: when f fails, what it did is undone and the transaction goes on.
func (tx *Tx) Try(f func() error) error {
	// Each depth has a name of its own: when f panics inside a Try of its own, going back to the outer savepoint takes the inner one with it.
	tx.tries++
	defer func() { tx.tries-- }()
	name := "try" + strconv.Itoa(tx.tries)
	if err := tx.exec("SAVEPOINT " + name); err != nil {
		return err
	}
	kept := len(tx.after)
	err := f()
	if err != nil {
		tx.after = tx.after[:kept]
		if undo := tx.exec("ROLLBACK TO SAVEPOINT " + name); undo != nil {
			return errors.Join(errBroken, err, undo)
		}
	}
	if release := tx.exec("RELEASE SAVEPOINT " + name); release != nil {
		return errors.Join(errBroken, err, release)
	}
	return err
}

func (tx *Tx) exec(query string, args ...any) error {
	_, err := tx.affect(query, args...)
	return err
}

// affect runs a statement and says how many rows it changed.
func (tx *Tx) affect(query string, args ...any) (int64, error) {
	if err := tx.flush(); err != nil {
		return 0, err
	}
	result, err := tx.on.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("store: %s: %w", head(query), err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("store: %s: %w", head(query), err)
	}
	return n, nil
}

// insert runs an INSERT … RETURNING seq.
func (tx *Tx) insert(query string, args ...any) (seq int64, err error) {
	return seq, tx.row(query, args, &seq)
}

// row reads one row, or muster.NotFound when there is none.
func (tx *Tx) row(query string, args []any, to ...any) error {
	if err := tx.flush(); err != nil {
		return err
	}
	err := tx.on.QueryRowContext(tx.ctx, query, args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return errNone
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", head(query), err)
	}
	return nil
}

// errNone is what row gives when nothing was found. Callers name what was looked for.
var errNone = muster.Errorf(muster.NotFound, "", "There is nothing of this id.")

// each reads rows one after the other. f must not use tx.
func (tx *Tx) each(query string, args []any, f func(scan func(...any) error) error) error {
	if tx.single && tx.conn != nil && (!tx.begun || len(tx.waiting) > 0) {
		tx.begun = true
		return tx.ask(query, args, f)
	}
	if err := tx.flush(); err != nil {
		return err
	}
	rows, err := tx.on.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return fmt.Errorf("store: %s: %w", head(query), err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store: %s: %w", head(query), err)
	}
	return nil
}

// prepared gives a statement that lives as long as the transaction.
func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if stmt := tx.stmts[query]; stmt != nil {
		return stmt, nil
	}
	if err := tx.flush(); err != nil {
		return nil, err
	}
	stmt, err := tx.sql.PrepareContext(tx.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("store: prepare %s: %w", head(query), err)
	}
	if tx.stmts == nil {
		tx.stmts = make(map[string]*sql.Stmt)
	}
	tx.stmts[query] = stmt
	return stmt, nil
}

// head is the beginning of a query, for error messages.
func head(query string) string {
	if len(query) > 60 {
		return query[:60] + "…"
	}
	return query
}
