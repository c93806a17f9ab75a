package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// An engine is a kind of database with what has been prepared on it.
type engine struct {
	b      *bench
	name   string // as the table shows it
	n      int
	ready  store.Options // a database with tables, to copy
	people int           // in it
}

// prepare gives the engines that are measured, each with a database that has tables and so many people. It is taken as a copy for every round.
func (b *bench) prepare(ctx context.Context, onSQLite, onPostgres int) ([]*engine, error) {
	var list []*engine
	if b.on("sqlite") {
		list = append(list, &engine{b: b, name: "SQLite", people: onSQLite})
	}
	if b.postgres != nil {
		list = append(list, &engine{b: b, name: "PostgreSQL", people: onPostgres})
	}
	for _, e := range list {
		var err error
		if e.ready, err = e.blank(ctx, "ready"); err != nil {
			return nil, err
		}
		if err := migrate(ctx, e.ready); err != nil {
			return nil, err
		}
		if err := e.fill(ctx); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fill brings the people who are to be there.
func (e *engine) fill(ctx context.Context) error {
	if e.people == 0 {
		return nil
	}
	p, err := open(ctx, e.ready)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // the copy would show what is missing
	content := piped(people.New(e.b.seed, "old"), sheet.CSV, e.people)
	defer content.Close()
	_, err = p.load(ctx, content, sheet.CSV)
	return err
}

// piped is a file that is made while it is read.
func piped(m *people.Maker, kind string, n int) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(m.Write(w, kind, n)) }()
	return r
}

// blank gives a place for a new database.
func (e *engine) blank(ctx context.Context, name string) (store.Options, error) {
	e.n++
	if e.name == "SQLite" {
		dir, err := os.MkdirTemp(e.b.dir, "sqlite-")
		return store.Options{Path: filepath.Join(dir, name+".db")}, err
	}
	address, err := e.b.postgres.create(ctx, "template1")
	return store.Options{URL: address}, err
}

// fresh gives a copy of the prepared database. done removes it.
func (e *engine) fresh(ctx context.Context) (o store.Options, done func(), err error) {
	if e.name != "SQLite" {
		o.URL, err = e.b.postgres.create(ctx, databaseOf(e.ready.URL))
		return o, func() { e.b.postgres.drop(o.URL) }, err
	}
	if o, err = e.blank(ctx, "copy"); err != nil {
		return o, nil, err
	}
	done = func() { os.RemoveAll(filepath.Dir(o.Path)) }
	if err := copyFile(o.Path, e.ready.Path); err != nil {
		done()
		return o, nil, err
	}
	return o, done, nil
}

// begin opens Muster on a fresh copy. end closes it and removes the copy.
func (e *engine) begin(ctx context.Context) (p *product, end func() error, err error) {
	o, done, err := e.fresh(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p, err = open(ctx, o); err != nil {
		done()
		return nil, nil, err
	}
	return p, func() error { err := p.close(); done(); return err }, nil
}

func copyFile(to, from string) error {
	source, err := os.Open(filepath.Clean(from))
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.OpenFile(filepath.Clean(to), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, source); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Sync(); err != nil { // what the copy costs is not to be paid by what is measured
		_ = file.Close()
		return err
	}
	return file.Close()
}

// introduce prints what the figures were taken on.
func (b *bench) introduce(ctx context.Context) error {
	b.printf("%s\n", machine())
	if b.on("sqlite") {
		db, err := sql.Open("sqlite", ":memory:")
		if err != nil {
			return err
		}
		defer db.Close() //nolint:errcheck // in memory
		var version string
		if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
			return err
		}
		b.printf("SQLite %s: journal_mode WAL, synchronous FULL, wal_autocheckpoint 20000\n", version)
	}
	if b.postgres != nil {
		line, err := b.postgres.describe(ctx)
		if err != nil {
			return err
		}
		b.printf("%s\n", line)
	}
	fsyncs, megabytes, err := tryDisk(b.dir)
	if err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	held := ""
	if b.disk != nil {
		held = fmt.Sprintf(", held to %d writes and %d MB a second", b.disk.writes, b.disk.megabytes)
	}
	b.printf("disk: %.0f fsyncs of a page one after the other, %.0f MB in one, a second%s\n", fsyncs, megabytes, held)
	b.printf("seed %d, %d rounds, medians\n\n", b.seed, b.rounds)
	return nil
}

func databaseOf(address string) string {
	name, _, _ := strings.Cut(address[strings.LastIndex(address, "/")+1:], "?")
	return name
}

// must is for statements of a raw database.
func execAll(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
