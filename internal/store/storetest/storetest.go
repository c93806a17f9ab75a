// Package storetest gives tests a fresh database, so that the same test runs over SQLite and PostgreSQL. It is for tests only, of every floor.
//
// Begin with Each. SQLite is always there; PostgreSQL is the server that MUSTER_TEST_POSTGRES names, on which a database is made for each test
// and dropped after it. Where MUSTER_TEST_REQUIRE is 1 a missing server fails the test instead of skipping it.
//
// No test waits for ever: a channel is read with Await, whatever else is looked for again and again is so for Patience at most (wait.go).
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// The environment variables that tests look at.
const (
	PostgresVariable = "MUSTER_TEST_POSTGRES" // postgres://… of a server on which databases may be created
	RequireVariable  = "MUSTER_TEST_REQUIRE"  // 1: a test that cannot run is a failure
)

// Tenant is the seq of the one tenant that is there after Open. Its code is "school".
const Tenant int64 = 1

// Engines lists both, in the order of Each's subtests.
var Engines = []store.Engine{store.SQLite, store.Postgres}

// Each runs a test as the subtests "sqlite" and "postgres", each with a database of its own.
func Each(t *testing.T, f func(t *testing.T, st *store.Store)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) { f(t, Open(t, engine)) })
	}
}

// EachWithClock is Each with a clock that only the test moves.
func EachWithClock(t *testing.T, f func(t *testing.T, st *store.Store, clock *Clock)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := NewClock()
			f(t, Open(t, engine, WithClock(clock)), clock)
		})
	}
}

// Option changes how a store is opened.
type Option func(*store.Options)

// WithClock has the store take its time from a clock.
func WithClock(c *Clock) Option { return func(o *store.Options) { o.Now = c.Now } }

// Open gives a fresh database with all tables, those of the queue too, and one tenant. It is gone after the test.
func Open(t testing.TB, engine store.Engine, options ...Option) *store.Store {
	t.Helper()
	st := OpenWithoutTenant(t, engine, options...)
	err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error {
		school := muster.Tenant{Code: "school", Name: "School", Settings: muster.DefaultSettings()}
		if err := tx.CreateTenant(&school); err != nil {
			return err
		}
		if school.Seq != Tenant {
			t.Errorf("storetest: the first tenant has seq %d", school.Seq)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("storetest: create tenant: %v", err)
	}
	return st
}

// OpenWithoutTenant is Open for tests of the first start: nothing is in the tables.
func OpenWithoutTenant(t testing.TB, engine store.Engine, options ...Option) *store.Store {
	t.Helper()
	var o store.Options
	if engine == store.Postgres {
		o.URL = clonePostgres(t)
	} else {
		o.Path = copySQLite(t)
	}
	return open(t, o, options)
}

// Blank gives the options of a database in which there is not even a table, for tests of migrations.
func Blank(t testing.TB, engine store.Engine) store.Options {
	t.Helper()
	if engine == store.Postgres {
		return store.Options{URL: createPostgres(t, "template1")}
	}
	return store.Options{Path: filepath.Join(t.TempDir(), "muster.db")}
}

// AnotherNode opens the database of st a second time, as another process on the same PostgreSQL would. It is closed before st.
func AnotherNode(t testing.TB, st *store.Store, options ...Option) *store.Store {
	t.Helper()
	if st.Engine() == store.Postgres {
		return open(t, store.Options{URL: st.DSN()}, options)
	}
	return open(t, store.Options{Path: st.DSN()}, options)
}

func open(t testing.TB, o store.Options, options []Option) *store.Store {
	t.Helper()
	Bound(t)
	for _, option := range options {
		option(&o)
	}
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("storetest: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("storetest: close: %v", err)
		}
	})
	return st
}

// sqliteTemplate is a migrated file, made once in a process.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "muster-storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "muster.db")
	if err := migrate(context.Background(), store.Options{Path: path}); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func copySQLite(t testing.TB) (path string) {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("storetest: make SQLite database: %v", err)
	}
	path = filepath.Join(t.TempDir(), "muster.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("storetest: %v", err)
	}
	return path
}

// Clock is a time that only the test moves. It may be used from many goroutines.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock gives a clock that shows noon of 1 September 2026, UTC.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
