package app

import (
	"bytes"
	"compress/flate"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// sender sends requests and keeps all answers.
type sender struct {
	t       *testing.T
	a       *App
	key     string
	answers strings.Builder
}

func (s *sender) send(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.a.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("X-Api-Key", s.key)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(&s.answers, "%s %s: %d %v\n%s\n", method, path, response.StatusCode, response.Header, text)
	return response.StatusCode, string(text)
}

func (s *sender) signsIn(login, password string) bool {
	s.t.Helper()
	status, _ := s.send(http.MethodGet, "/v1/me", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(login+":"+password)))
	return status == http.StatusOK
}

// until asks until an answer has a text in it.
func (s *sender) until(path, has string) string {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < storetest.Patience; time.Sleep(20 * time.Millisecond) { // a poll
		if _, text := s.send(http.MethodGet, path, ""); strings.Contains(text, has) {
			return text
		}
	}
	s.t.Fatalf("%s never says %s", path, has)
	return ""
}

// A password is nowhere but where it is meant to be: not in an answer, the log, the database with its journal, or what is kept of bodies; before it is
// hashed, after it, and of rows that failed.
func TestPasswordsAreNowhere(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			c := settings(t, storetest.Blank(t, engine))
			var log safeBuffer
			a, err := Open(t.Context(), Config{Config: c, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			storetest.Await(t, a.Ready(), "the process to be ready")
			s := &sender{t: t, a: a, key: adminKey(t, a)}
			plant(s)
			s.nowhere("while it runs", c, log.String())
			s.hashed(c)
			s.nowhere("when all is hashed", c, log.String())
			cancel()
			if err := errors.Join(<-ended, a.Close()); err != nil {
				t.Fatal(err)
			}
			s.nowhere("after the end", c, log.String())
		})
	}
}

// plant sends passwords in all ways there are.
func plant(s *sender) {
	s.t.Helper()
	status, text := s.send(http.MethodPost, "/api/v2/bulk/users", `[
 {"username":"ann","email":"ann@example.org","password":"Planted-of-ann"},
 {"username":"ann","email":"other@example.org","password":"Planted-of-a-failure"},
 {"username":"bob","email":"no address","password":"Planted-of-a-fault"},
 {"username":"cyd","email":"cyd@example.org","password":"Plant"},
 {"username":"dan","email":"dan@example.org","password":{"Planted-in":"an-object"}},
 {"username":"eve","email":"eve@example.org","password":"Planted-first","p\u0061ssword":"Planted-twice-eve"},
 {"username":"fay","email":"fay@example.org","password":"Planted-\u0066ay-\"\\"}]`, "Idempotency-Key", "k1")
	if status != http.StatusOK {
		s.t.Fatalf("%d %s", status, text)
	}
	job := regexp.MustCompile(`[0-9a-f]{24}`).FindString(text)
	s.until("/api/v2/jobs/"+job, `"finished"`)
	for login, password := range map[string]string{"ann": "Planted-of-ann", "eve@example.org": "Planted-twice-eve", "fay": `Planted-fay-"\`} {
		if !s.signsIn(login, password) {
			s.t.Errorf("%s does not come in", login)
		}
	}
	s.signsIn("ann", "Planted-wrong")
	s.send(http.MethodGet, "/api/v2/jobs/"+job+"/results?limit=100", "")
	s.send(http.MethodPost, "/api/systemusers", `{"username":"gus","email":"gus@example.org","password":"Planted-of-gus"}`)
	s.send(http.MethodPost, "/api/systemusers", `{"username":"gus","email":"gus@example.org","password":"Planted-of-gus2"}`)
	s.send(http.MethodPost, "/v1/people", `{"username":"hal","password":"Planted-of-hal"}`, "Idempotency-Key", "k2")
	s.send(http.MethodPost, "/v1/people", `{"username":"hal","email":"x","password":"Planted-of-hal2"}`)
	if !s.signsIn("gus", "Planted-of-gus") || !s.signsIn("hal", "Planted-of-hal") {
		s.t.Error("gus or hal does not come in")
	}
	s.send(http.MethodPost, "/v1/batches?then=run", `[{"username":"ivy","password":"Planted-in-an-upload"}]`)
	_, list := s.send(http.MethodGet, "/v1/batches", "")
	for _, id := range regexp.MustCompile(`"id":"([0-9a-f-]{36})"`).FindAllStringSubmatch(list, -1) {
		s.until("/v1/batches/"+id[1], `"finished"`)
		for _, path := range []string{"/items", "/result", "/rows"} {
			s.send(http.MethodGet, "/v1/batches/"+id[1]+path, "")
		}
	}
	_, people := s.send(http.MethodGet, "/v1/people", "")
	for _, id := range regexp.MustCompile(`"id":"([0-9a-f-]{36})"`).FindAllStringSubmatch(people, -1) {
		s.send(http.MethodGet, "/v1/people/"+id[1]+"/history", "")
	}
}

// nowhere looks everywhere.
func (s *sender) nowhere(when string, c config.Config, log string) {
	s.t.Helper()
	find := func(where string, content []byte) {
		s.t.Helper()
		for _, form := range []string{"Planted", "planted", hex.EncodeToString([]byte("Planted")), "UGxhbnRlZ", "BsYW50ZW", "QbGFudGVk"} { // base64 at its three places
			if at := bytes.Index(content, []byte(form)); at >= 0 {
				s.t.Errorf("%s %s has a password: %q", when, where, content[max(0, at-80):min(len(content), at+40)])
			}
		}
	}
	find("an answer", []byte(s.answers.String()))
	find("the log", []byte(log))
	err := filepath.WalkDir(c.Data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		find(entry.Name(), content)
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
	s.rows(c, find)
}

// rows looks at every row of every table, and into what is packed.
func (s *sender) rows(c config.Config, find func(where string, content []byte)) {
	s.t.Helper()
	driver, address, tables := "sqlite", "file:"+filepath.Join(c.Data, DatabaseFile)+"?mode=ro", "SELECT name FROM sqlite_master WHERE type = 'table'"
	if c.Database != "" {
		driver, address, tables = "pgx", c.Database, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	blocks := 0
	for _, table := range column[string](s.t, db, tables) {
		rows, err := db.QueryContext(s.t.Context(), "SELECT * FROM "+table)
		if err != nil {
			s.t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			if err := rows.Scan(to...); err != nil {
				s.t.Fatal(err)
			}
			for i, v := range values {
				raw, isBytes := v.([]byte)
				if !isBytes {
					raw = fmt.Append(nil, v)
				}
				find(table+"."+columns[i], raw)
				if table == "block" && isBytes {
					blocks++
					plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
					if err != nil || len(plain) == 0 {
						s.t.Errorf("a block: %v", err)
					}
					find("a block", plain)
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			s.t.Fatal(err)
		}
	}
	if blocks == 0 {
		s.t.Error("no block was looked into")
	}
}

// hashed waits until the passwords of rows that were done are hashed, and only those of rows that failed are sealed.
func (s *sender) hashed(c config.Config) {
	s.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) { // a poll
		waiting, failed, credentials := -1, -1, -1
		err := s.a.store.View(s.t.Context(), store.Everyone, func(tx *store.Tx) error {
			return tx.SQL().QueryRow(`SELECT (SELECT count(*) FROM sealed_password WHERE person > 0), (SELECT count(*) FROM sealed_password WHERE person = 0),
 (SELECT count(*) FROM credential)`).Scan(&waiting, &failed, &credentials)
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if waiting == 0 {
			if failed != 2 || credentials != 5 {
				s.t.Errorf("%d passwords of failed rows are kept, %d hashes", failed, credentials)
			}
			break
		}
		if time.Since(began) > storetest.Patience {
			s.t.Fatalf("%d passwords are never hashed", waiting)
		}
	}
	if !s.signsIn("ann", "Planted-of-ann") || !s.signsIn("fay", `Planted-fay-"\`) || s.signsIn("eve", "Planted-first") {
		s.t.Error("when it is hashed a password does not count, or another one does")
	}
}

func column[T any](t *testing.T, db *sql.DB, query string) (list []T) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
