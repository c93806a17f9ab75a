package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/store"
)

// migrate makes all tables of a database.
func migrate(ctx context.Context, o store.Options) error {
	st, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	err = st.Migrate(ctx)
	if err == nil {
		err = st.WithStartLock(ctx, func() error { return queue.Migrate(ctx, string(st.Engine()), st.Handle()) })
	}
	return errors.Join(err, st.Close())
}

// server gives the URL of the test server, or ends the test.
func server(t testing.TB) string {
	t.Helper()
	address := os.Getenv(PostgresVariable)
	if address != "" {
		return address
	}
	why := "needs PostgreSQL: set " + PostgresVariable + " to the postgres:// URL of a server on which databases may be created"
	if os.Getenv(RequireVariable) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// clonePostgres gives the URL of a new database with all tables.
func clonePostgres(t testing.TB) string {
	t.Helper()
	server(t)
	template, err := postgresTemplate()
	if err != nil {
		t.Fatalf("storetest: make PostgreSQL template: %v", err)
	}
	return createPostgres(t, template)
}

// createPostgres makes a database for one test and gives its URL.
func createPostgres(t testing.TB, template string) string {
	t.Helper()
	address := server(t)
	if err := dropLeftovers(); err != nil {
		t.Fatalf("storetest: drop databases of earlier tests: %v", err)
	}
	name := databaseName(time.Now())
	if err := onServer(func(ctx context.Context, db *sql.Conn) error {
		return run(ctx, db, "CREATE DATABASE "+name+" TEMPLATE "+template)
	}); err != nil {
		t.Fatalf("storetest: %v", err)
	}
	t.Cleanup(func() {
		if err := onServer(func(ctx context.Context, db *sql.Conn) error {
			return run(ctx, db, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}); err != nil {
			t.Errorf("storetest: %v", err)
		}
	})
	return withDatabase(t, address, name)
}

func withDatabase(t testing.TB, address, name string) string {
	t.Helper()
	replaced, err := replaceDatabase(address, name)
	if err != nil {
		t.Fatalf("storetest: %s: %v", PostgresVariable, err)
	}
	return replaced
}

func replaceDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("is not a postgres:// URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

const (
	testPrefix     = "muster_test_"     // of databases of one test, followed by the time in seconds
	templatePrefix = "muster_template_" // of migrated databases that are cloned, followed by a digest of the schema
	leftoverAge    = 2 * time.Hour
)

var databaseNumber = struct {
	sync.Mutex
	n int
}{}

func databaseName(now time.Time) string {
	databaseNumber.Lock()
	defer databaseNumber.Unlock()
	databaseNumber.n++
	return fmt.Sprintf("%s%d_%d_%d", testPrefix, now.Unix(), os.Getpid(), databaseNumber.n)
}

// postgresTemplate gives the name of a migrated database to clone. It stays on the server, so that it is made once for a schema, not once for
// each package's tests.
var postgresTemplate = sync.OnceValues(func() (name string, err error) {
	digest, err := schemaDigest()
	if err != nil {
		return "", err
	}
	name = templatePrefix + digest
	return name, onServer(func(ctx context.Context, db *sql.Conn) error {
		// Tests of several packages run at once: one makes the template, the others wait. The lock ends with the connection.
		if err := run(ctx, db, "SELECT pg_advisory_lock(hashtext('"+templatePrefix+"'))"); err != nil {
			return err
		}
		defer run(ctx, db, "SELECT pg_advisory_unlock_all()") //nolint:errcheck // as said
		var there bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
			return err
		}
		return makeTemplate(ctx, db, name)
	})
})

// makeTemplate gives the database its name when it is whole, so that a process that dies on the way leaves nothing that looks like one.
func makeTemplate(ctx context.Context, db *sql.Conn, name string) error {
	making := name + "_making"
	address, err := replaceDatabase(os.Getenv(PostgresVariable), making)
	if err != nil {
		return err
	}
	if err := run(ctx, db, "DROP DATABASE IF EXISTS "+making+" WITH (FORCE)", "CREATE DATABASE "+making+" TEMPLATE template1"); err != nil {
		return err
	}
	if err := migrate(ctx, store.Options{URL: address}); err != nil {
		return err
	}
	return run(ctx, db, "ALTER DATABASE "+making+" RENAME TO "+name)
}

// schemaDigest names the schema that this program makes: Muster's migrations, and River's as they come out on SQLite.
func schemaDigest() (string, error) {
	content, err := sqliteTemplate()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "muster-storetest-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := dir + "/muster.db"
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return "", err
	}
	defer db.Close() //nolint:errcheck // only read
	var schema string
	if err := db.QueryRow("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)").Scan(&schema); err != nil {
		return "", fmt.Errorf("read schema: %w", err)
	}
	sum := sha256.Sum256([]byte(store.SchemaDigest() + schema))
	return hex.EncodeToString(sum[:8]), nil
}

// dropLeftovers drops what tests left that were killed. Errors of single databases are left alone: another process may be doing the same.
var dropLeftovers = sync.OnceValue(func() error {
	return onServer(func(ctx context.Context, db *sql.Conn) error {
		rows, err := db.QueryContext(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", testPrefix)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells
		var old []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			made, _, _ := strings.Cut(strings.TrimPrefix(name, testPrefix), "_")
			seconds, err := strconv.ParseInt(made, 10, 64)
			if err == nil && time.Since(time.Unix(seconds, 0)) > leftoverAge {
				old = append(old, name)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, name := range old {
			_ = run(ctx, db, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
		return nil
	})
})

// onServer runs f on a connection of its own to the server's own database.
func onServer(f func(ctx context.Context, db *sql.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("pgx", os.Getenv(PostgresVariable))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is buffered
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", PostgresVariable, err)
	}
	defer conn.Close() //nolint:errcheck // as above
	return f(ctx, conn)
}

func run(ctx context.Context, db *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
