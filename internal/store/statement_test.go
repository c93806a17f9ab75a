package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

func openLite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := openSQLiteHandle("file:" + filepath.Join(t.TempDir(), "x.db") + "?" + sqlitePragmas)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec("CREATE TABLE n (v INTEGER PRIMARY KEY, w TEXT); INSERT INTO n VALUES (1, 'a'), (2, 'b'), (3, 'c')"); err != nil {
		t.Fatal(err)
	}
	return db
}

// kept is how many statements the only connection keeps, and how many of these are busy.
func kept(t *testing.T, db *sql.DB) (all, busy int) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error {
		for _, s := range c.(*liteConn).kept {
			all++
			if s.busy {
				busy++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all, busy
}

func TestStatementsAreKeptAndGivenBack(t *testing.T) {
	t.Parallel()
	db := openLite(t)
	before, _ := kept(t, db)
	for i := range 5 {
		var w string
		if err := db.QueryRow("SELECT w FROM n WHERE v = $1", i%3+1).Scan(&w); err != nil || w != string(rune('a'+i%3)) {
			t.Fatal(w, err)
		}
		if _, err := db.Exec("UPDATE n SET w = $1 WHERE v = $2", w, i%3+1); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("INSERT INTO n VALUES ($1, 'again')", i%3+1); err == nil { // it fails, and is kept all the same
			t.Fatal("a key was taken twice")
		}
	}
	if all, busy := kept(t, db); all != before+3 || busy != 0 {
		t.Errorf("%d statements more are kept, and %d busy", all-before, busy)
	}
	for i := range 3 * keptMost {
		var n int
		if err := db.QueryRow(fmt.Sprintf("SELECT %d", i)).Scan(&n); err != nil || n != i {
			t.Fatal(n, err)
		}
	}
	if all, busy := kept(t, db); all != keptMost || busy != 0 {
		t.Errorf("%d statements are kept, and %d busy", all, busy)
	}
}

// A query may be asked among the rows of the same query, and rows may be left before their end.
func TestStatementsWithinThemselves(t *testing.T) {
	t.Parallel()
	db := openLite(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	const query = "SELECT v FROM n ORDER BY v"
	pairs := 0
	outer, err := tx.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	for outer.Next() {
		var a int
		if err := outer.Scan(&a); err != nil {
			t.Fatal(err)
		}
		inner, err := tx.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
			var b int
			if err := inner.Scan(&b); err != nil {
				t.Fatal(err)
			}
			if pairs++; b > a {
				break
			}
		}
		if err := errors.Join(inner.Err(), inner.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(outer.Err(), outer.Close(), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if pairs != 2+3+3 {
		t.Errorf("%d pairs", pairs)
	}
	if _, busy := kept(t, db); busy != 0 {
		t.Errorf("%d statements are busy", busy)
	}
}

// A statement that is kept sees a schema that has changed since.
func TestStatementsOutliveTheSchema(t *testing.T) {
	t.Parallel()
	db := openLite(t)
	count := func() (n int) {
		rows, err := db.Query("SELECT * FROM n")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return n*10 + len(columns)
	}
	if got := count(); got != 32 {
		t.Error(got)
	}
	if _, err := db.Exec("ALTER TABLE n ADD COLUMN x TEXT"); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 33 {
		t.Error(got)
	}
}

// Callers who go away in the middle leave nothing busy, and nothing of theirs in what others read.
func TestStatementsOfCallersWhoGo(t *testing.T) {
	t.Parallel()
	db := openLite(t)
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				rows, err := db.QueryContext(ctx, "SELECT w FROM n WHERE v >= $1 ORDER BY v", i%3+1)
				if err == nil {
					rows.Next()
					cancel()
					_ = rows.Close()
				}
				cancel()
				var w string
				if err := db.QueryRowContext(t.Context(), "SELECT w FROM n WHERE v >= $1 ORDER BY v", i%3+1).Scan(&w); err != nil || w != string(rune('a'+i%3)) {
					t.Error(w, err)
					return
				}
			}
		})
	}
	working.Wait()
	if _, busy := kept(t, db); busy != 0 {
		t.Errorf("%d statements are busy", busy)
	}
}
