// Package store remembers: everything the product knows is in one database, SQLite in a file of its own or PostgreSQL, behind one concrete
// *Store. It decides nothing: rules of the directory are in internal/roster, the life of batches in internal/batch.
//
// One file per noun. All queries on a tenant's rows go through a Tx, which belongs to one tenant: that is the one place where tenants are kept
// apart. What differs between the engines is in dialect.go and copy.go, the schema in migrations, and what each table holds in docs/storage.md. Begin with
// Update and View (tx.go); commit.go is how many small writes become one on SQLite.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Engine is a kind of database.
type Engine string

const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Store is an open database. It may be used from many goroutines.
type Store struct {
	engine Engine
	dsn    string
	write  *sql.DB // SQLite: one connection, the only writer
	read   *sql.DB // SQLite: a few connections that cannot write; PostgreSQL: the same as write
	spare  *sql.DB // PostgreSQL: for the short transactions that run beside a long one; nil on SQLite
	quick  *sql.DB // PostgreSQL: for single writes and look-ups, whose plans are kept; nil on SQLite
	hasty  *sql.DB // PostgreSQL: like quick, for those who do not wait long for a lock; nil on SQLite
	now    func() time.Time

	commits chan *unitOfWork // SQLite: to the goroutine that shares commits; nil on PostgreSQL
	closing closing
	alive   context.Context // ends with Close
	end     context.CancelFunc
	growth  growth

	settings atomic.Pointer[readSettings] // the last that were read
	waiting  waitCount
	shards   *shards  // PostgreSQL: of counts; nil on SQLite
	numbers  numbers  // PostgreSQL: for single writes
	types    sync.Map // PostgreSQL: of columns, for copyFrom
	letters  string   // PostgreSQL: the collation by which lower knows the letters of all languages, as SQL
	done     sync.WaitGroup
	close    sync.Once
}

// Options say where the database is.
type Options struct {
	Path string           // of the SQLite file; ignored when URL is set
	URL  string           // postgres://…
	Now  func() time.Time // the clock; time.Now when nil
}

// Open opens the database; it does not create or migrate a schema (Migrate does).
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{engine: SQLite, now: o.Now, numbers: numbers{of: map[string]*someNumbers{}}}
	s.alive, s.end = context.WithCancel(context.Background())
	s.growth.next.Store(firstLook)
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if o.URL != "" {
		s.engine, s.dsn = Postgres, o.URL
		err = s.openPostgres()
	} else {
		s.dsn = o.Path
		err = s.openSQLite()
	}
	if err != nil {
		return nil, fmt.Errorf("store: open database: %w", err)
	}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if s.engine == Postgres {
		if s.letters, err = s.lettersOfAll(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	if s.engine == SQLite {
		s.commits = make(chan *unitOfWork, 1024)
		s.done.Add(1)
		go s.shareCommits()
	}
	return s, nil
}

// sqlitePragmas are the settings that were measured: WAL with full durability, and a checkpoint seldom enough for bulk work.
const sqlitePragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(20000)&_pragma=busy_timeout(15000)&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)"

// Page caches, in KiB. The driver has SQLite keep the pages of all connections of a process together, up to the sum of what each may have, so that
// the writer ends up with what readers do not use; and of the memory that its allocator gives for a page, nearly half is waste. So all of these are full
// after some hundred thousand rows and take 1.9 times as much as they say.
const (
	writeCache     = 8000
	readCache      = 4000 // of all readers
	leastReadCache = 250  // of each
)

func (s *Store) openSQLite() error {
	err := createPrivate(s.dsn)
	if err != nil {
		return err
	}
	path := "file:" + escapeSQLitePath(s.dsn) + "?" + sqlitePragmas
	if s.write, err = openSQLiteHandle(path + fmt.Sprintf("&_txlock=immediate&_pragma=cache_size(-%d)", writeCache)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	readers := max(4, runtime.GOMAXPROCS(0))
	if s.read, err = openSQLiteHandle(path + fmt.Sprintf("&_pragma=query_only(1)&_pragma=cache_size(-%d)", max(readCache/readers, leastReadCache))); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

// createPrivate makes the file so that nobody else may read people's data. A file that is there is not opened: closing it would end the locks
// that another handle of this process has on it.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func escapeSQLitePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func (s *Store) openPostgres() error {
	config, err := pgx.ParseConfig(s.dsn)
	if err != nil {
		return errors.New("the address of the database is not a PostgreSQL URL such as postgres://user:password@host/name")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	set := config.RuntimeParams
	set["application_name"] = "muster"
	set["timezone"] = "UTC"
	// Our queries are all meant for an index. A young table has no statistics, and a plan made then may walk a whole tenant.
	set["enable_seqscan"] = "off"
	set["plan_cache_mode"] = "force_custom_plan"
	set["jit"] = "off" // compiling a query costs more than running one of ours
	set["idle_in_transaction_session_timeout"] = "120000"
	s.write = stdlib.OpenDB(*config)
	s.write.SetMaxOpenConns(16)
	s.write.SetMaxIdleConns(8)
	s.spare = stdlib.OpenDB(*config)
	s.spare.SetMaxOpenConns(4)
	s.read = s.write
	// Making a plan costs more than carrying one out by a unique key does. The server may keep plans here, because what is asked here leaves a planner
	// no choice, also on an empty table.
	quick := config.Copy()
	quick.RuntimeParams["plan_cache_mode"] = "auto"
	s.quick = openSwift(quick)
	s.quick.SetMaxOpenConns(12)
	s.quick.SetMaxIdleConns(8)
	hasty := quick.Copy()
	hasty.RuntimeParams["lock_timeout"] = "200ms"
	s.hasty = openSwift(hasty)
	s.hasty.SetMaxOpenConns(4) // one or two for each tenant whose people are being enrolled just then
	s.hasty.SetMaxIdleConns(4)
	s.shards = newShards()
	return nil
}

// Engine says which kind of database this is.
func (s *Store) Engine() Engine { return s.engine }

// DSN is the path or URL that was opened, for the queue, which keeps a handle of its own.
func (s *Store) DSN() string { return s.dsn }

// Handle is the handle that migrations of the queue run on.
func (s *Store) Handle() *sql.DB { return s.write }

// Now is the store's clock, to the microsecond, in UTC: what is stored is what was meant.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Ping proves that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("store: reach database: %w", err)
	}
	return nil
}

// Close ends all work on the database. Transactions that are under way finish first.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		s.closeWork()
		handles := []*sql.DB{s.write, s.spare, s.quick, s.hasty}
		if s.read != s.write {
			handles = append(handles, s.read)
		}
		for _, h := range handles {
			if h != nil {
				err = errors.Join(err, h.Close())
			}
		}
	})
	return err
}
