package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// server is a PostgreSQL on which databases may be created: one that the environment names, or one started for this run.
type server struct {
	address string
	db      *sql.DB
	own     *exec.Cmd // nil for a server that is not ours
	made    []string  // databases to drop
}

// The variables that name a server.
const (
	benchVariable = "MUSTER_BENCH_POSTGRES"
	testVariable  = "MUSTER_TEST_POSTGRES"
)

// startPostgres connects to the server that the environment names. Without one, or where it must be its own, it starts a server in dir, with its defaults.
func startPostgres(ctx context.Context, dir string, own bool) (*server, error) {
	s := &server{}
	if !own {
		s.address = cmp.Or(os.Getenv(benchVariable), os.Getenv(testVariable))
	}
	if s.address == "" {
		if err := s.start(ctx, filepath.Join(dir, "postgres")); err != nil {
			s.stop()
			return nil, fmt.Errorf("%s names no server, and none could be started: %w", benchVariable, err)
		}
	}
	db, err := sql.Open("pgx", s.address)
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s is no postgres:// URL", benchVariable)
	}
	s.db = db
	for try := 0; ; try++ {
		if err = s.db.PingContext(ctx); err == nil || s.own == nil || try == 100 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	return s, nil
}

// start makes a cluster and runs it. PostgreSQL refuses to run as root, so then it runs as the user postgres.
func (s *server) start(ctx context.Context, dir string) error {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	attributes, err := asPostgres(dir)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, initdb, "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
	command.SysProcAttr, command.Dir = attributes, dir
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	run := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port), "-k", dir, "-c", "listen_addresses=127.0.0.1")
	run.SysProcAttr, run.Dir = attributes, dir
	if err := run.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.own, s.address = run, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return nil
}

// program finds a program of PostgreSQL, which Debian keeps out of the path.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // fails for a wrong pattern only
	if len(found) == 0 {
		return "", fmt.Errorf("there is no %s", name)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func asPostgres(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres")
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(owner.Gid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// stop drops what was made, and ends a server of our own.
func (s *server) stop() {
	if s.db != nil {
		for _, name := range s.made {
			_, _ = s.db.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		}
		_ = s.db.Close()
	}
	if s.own != nil {
		_ = s.own.Process.Signal(os.Interrupt) // "fast shutdown"
		_ = s.own.Wait()
	}
}

// create makes a database as a copy of another one, and gives its address.
func (s *server) create(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("muster_bench_%d_%d", os.Getpid(), len(s.made))
	s.made = append(s.made, name)
	if _, err := s.db.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, "CHECKPOINT"); err != nil { // what the copy costs is not to be paid by what is measured
		return "", err
	}
	u, err := url.Parse(s.address)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (s *server) drop(address string) {
	_, _ = s.db.Exec("DROP DATABASE IF EXISTS " + databaseOf(address) + " WITH (FORCE)")
}

// describe says what the server promises about durability, as it says itself.
func (s *server) describe(ctx context.Context) (string, error) {
	var out strings.Builder
	for i, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size", "shared_buffers"} {
		var value string
		if err := s.db.QueryRowContext(ctx, "SHOW "+name).Scan(&value); err != nil {
			return "", err
		}
		switch i {
		case 0:
			out.WriteString("PostgreSQL " + value + ":")
		case 1:
			out.WriteString(" " + name + " " + value)
		default:
			out.WriteString(", " + name + " " + value)
		}
	}
	return out.String(), nil
}
