package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/store/storetest"
)

// TestJumpCloudSurvivesKills kills the server while the body of a job comes in, right after the job was accepted, and in the middle of it. What was
// not accepted leaves nothing; what was is done by itself, every row once.
func TestJumpCloudSurvivesKills(t *testing.T) {
	rows := 100_000
	if raceDetector {
		rows = 12_000 // three chunks
	}
	each(t, func(t *testing.T, s *server) {
		body := asJSON(t, somebodies("kill", rows))
		s.killWhileSending(t, body)

		status, _, answer := s.jc(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(body), http.Header{"Idempotency-Key": {"the-only-one"}})
		if s.database == "" || !raceDetector { // on PostgreSQL each kill costs a lease
			s.kill() // as soon as it is answered
			s.again()
		}
		var job jobID
		if decode(t, answer, &job); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		if j := s.job(t, job.ID); j.WorkUnitsCount != rows {
			t.Fatalf("after the kill the job is %+v", j)
		}
		status, head, answer := s.jc(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(body), http.Header{"Idempotency-Key": {"the-only-one"}})
		if status != http.StatusOK || head.Get("Idempotency-Replayed") != "true" || !strings.Contains(string(answer), job.ID) {
			t.Errorf("sent again it is %d %s", status, answer)
		}

		before := 0
		until(t, time.Minute, "it is at work", func() bool { // the lease of a process that died has to run out first
			before = s.job(t, job.ID).Meta.Succeeded
			return before > 0
		})
		s.kill()
		s.again()
		if now := s.job(t, job.ID); now.Meta.Succeeded < before || now.Meta.Failed != 0 {
			t.Errorf("before the kill %d rows were done, after it %+v", before, now.Meta)
		}
		if j := s.jobDone(t, job.ID, 2*time.Minute); j.Meta.Succeeded != rows || s.jcUsers(t) != rows {
			t.Errorf("%+v, %d users", j, s.jcUsers(t))
		}
		s.stop()
		s.leavesNothing(t)
		s.wroteOnce(t, rows)
	})
}

// killWhileSending kills the server in the middle of a body. No job is there then, and nobody.
func (s *server) killWhileSending(t *testing.T, body []byte) {
	t.Helper()
	from, to := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		_, _, _, err := s.jcOnce(t, http.MethodPost, "/api/v2/bulk/users", from, nil)
		answered <- err
	}()
	if _, err := to.Write(body[:len(body)*2/3]); err != nil {
		t.Fatal(err)
	}
	s.kill()
	_ = to.CloseWithError(io.ErrUnexpectedEOF)
	if err := storetest.Await(t, answered, "the end of the request"); err == nil {
		t.Error("half a body was answered")
	}
	s.again()
	if list := list[batchView](t, s, "/v1/batches", nil); len(list) != 0 || s.jcUsers(t) != 0 {
		t.Errorf("half a body left %+v and %d users", list, s.jcUsers(t))
	}
}

// wroteOnce proves, on a server that was stopped, that every person was written once, and by one item.
func (s *server) wroteOnce(t *testing.T, people int) {
	t.Helper()
	driver, address := "sqlite", "file:"+filepath.Join(s.dir, "muster.db")+"?mode=ro"
	if s.database != "" {
		driver, address = "pgx", s.database
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, want := range map[string]int{
		"SELECT count(*) FROM person":                                             people,
		"SELECT count(*) FROM person WHERE version = 1":                           people,
		"SELECT count(DISTINCT person) FROM item WHERE state = 'done'":            people,
		"SELECT count(*) FROM item":                                               people,
		"SELECT count(DISTINCT username_key) FROM person":                         people,
		"SELECT count(*) FROM batch WHERE state <> 'receiving' AND lease IS NULL": 1,
	} {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, want %d, %v", query, n, want, err)
		}
	}
}

// TestJumpCloudReportsSurviveAKill has an administrator mailed what became of a job, and kills the server when the mail server has the mail and
// before it could say so. The mail goes out once more, with the same Message-ID. A job that asks for silence sends none. (What a PostgreSQL would add
// is the lease of a dead process, for which internal/invite has a clock.)
func TestJumpCloudReportsSurviveAKill(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	struck, dead := make(chan struct{}, 1), make(chan struct{})
	sink.OnAccepted(func(mailtest.Message) {
		select {
		case struck <- struct{}{}:
			<-dead
		default:
		}
	})
	s := start(t, options{args: []string{
		"--smtp-address", sink.Addr(), "--smtp-tls", "none", "--mail-from", "Accounts <accounts@hugo.example>", "--public-url", "http://accounts.hugo.example",
	}})
	admin := call[personView](t, s, http.MethodPost, "/v1/people", map[string]any{"first_name": "Ada", "email": "ada@example.org", "locale": "fr"})
	s.key = call[struct {
		Key string `json:"key"`
	}](t, s, http.MethodPost, "/v1/keys", map[string]any{"name": "ada", "scope": "admin", "person": admin.ID}).Key

	silent := jcCall[jobID](t, s, http.MethodPost, "/api/v2/bulk/users?suppressEmail=true", []row{somebody("silent", 0)})
	s.jobDone(t, silent.ID, time.Minute)
	secret := "Zq7-canary-password"
	job := s.submit(t, http.MethodPost, []row{with(somebody("told", 0), row{"password": secret}), {"username": "nobody", "password": secret}})
	storetest.Await(t, struck, "the mail")
	s.kill()
	close(dead)
	struck <- struct{}{} // from now on nobody is held up
	s.again()
	s.reported(t, sink, job)
	s.stop()
	s.hides(t, secret)
}

// reported waits for the second mail, and proves that it is the first once more.
func (s *server) reported(t *testing.T, sink *mailtest.Sink, job string) {
	t.Helper()
	until(t, 90*time.Second, "the mail comes again", func() bool { return len(sink.Messages()) >= 2 })
	mails := sink.Messages()
	if mails[0].ID() == "" || mails[0].ID() != mails[1].ID() || mails[0].Text != mails[1].Text {
		t.Errorf("the repeat is another mail: %s and %s", mails[0].ID(), mails[1].ID())
	}
	m := mails[1]
	if m.To[0] != "ada@example.org" || !strings.HasPrefix(m.Subject, "Import terminé : 1 réussies, 1 en échec") {
		t.Errorf("to %v: %s", m.To, m.Subject)
	}
	for _, text := range []string{"Bonjour Ada,", "http://accounts.hugo.example/api/v2/jobs/" + job + "/results", "suppressEmail=true", "1  email: "} {
		if !strings.Contains(m.Text, text) {
			t.Errorf("the mail does not say %q:\n%s", text, m.Text)
		}
	}
	for _, m := range mails {
		if strings.Contains(string(m.Raw), "canary") {
			t.Error("a mail has a password")
		}
	}
}

// hides proves, on a server that was stopped, that a secret is nowhere on disk: not in the database, its journal, or the log.
func (s *server) hides(t *testing.T, secret string) {
	t.Helper()
	files := []string{s.logPath}
	if s.database == "" {
		found, err := filepath.Glob(filepath.Join(s.dir, "muster.db*"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no database: %v", err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("%s holds a password", filepath.Base(file))
		}
	}
}

// Requests come in forms that no test of a handler has: over a connection that waits for a go-ahead, packed, twice at once under one key, with
// headers that are there and empty.
func TestJumpCloudRequestsAsTheyCome(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		body := asJSON(t, somebodies("form", 3))
		for name, c := range map[string]struct {
			header http.Header
			status int
		}{
			"with a go-ahead":        {http.Header{"Expect": {"100-continue"}}, http.StatusOK},
			"empty headers":          {http.Header{"X-Org-Id": {""}, "Creation-Source": {""}, "Idempotency-Key": {""}, "Content-Type": {""}}, http.StatusOK},
			"headers twice":          {http.Header{"Content-Type": {"application/json", "application/json"}, "Accept": {"application/json", "application/json"}}, http.StatusOK},
			"a type with parameters": {http.Header{"Content-Type": {"application/json; charset=utf-8"}}, http.StatusOK},
			"an empty key":           {http.Header{"X-Api-Key": {""}}, http.StatusUnauthorized},
			"an unknown source":      {http.Header{"Creation-Source": {"jumpcloud:elsewhere"}}, http.StatusBadRequest},
			"an id that is none":     {http.Header{"X-Org-Id": {"5"}}, http.StatusBadRequest},
			"a table":                {http.Header{"Content-Type": {"text/csv"}}, http.StatusUnsupportedMediaType},
		} {
			if status, _, answer := s.jc(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(body), c.header); status != c.status {
				t.Errorf("%s: %d %s, want %d", name, status, answer, c.status)
			}
		}

		// Two at once under one key make one job.
		body = asJSON(t, somebodies("once", 50))
		answers := make(chan string, 4)
		for range cap(answers) {
			go func() { answers <- s.insists(t, body, "at-once") }()
		}
		said := map[string]int{}
		for range cap(answers) {
			said[storetest.Await(t, answers, "an answer")]++
		}
		if len(said) != 1 {
			t.Errorf("requests at once with one key are answered %v", said)
		}
		status, _, answer := s.jc(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(asJSON(t, somebodies("other", 1))), http.Header{"Idempotency-Key": {"at-once"}})
		if status != http.StatusConflict {
			t.Errorf("another body under the key: %d %s", status, answer)
		}
		var jobs []batchView
		for _, b := range list[batchView](t, s, "/v1/batches", nil) {
			if b.Total == 50 {
				jobs = append(jobs, b)
			}
		}
		if len(jobs) != 1 {
			t.Errorf("%d jobs under one key", len(jobs))
		}
	})
}

// insists sends a job under a key until it is not told to come back later, as clients do that retry.
func (s *server) insists(t *testing.T, body []byte, key string) string {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for began := time.Now(); ; {
		status, head, answer, err := s.jcOnce(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(body), http.Header{"Idempotency-Key": {key}})
		if status != http.StatusServiceUnavailable || head.Get("Retry-After") == "" || time.Since(began) > waitWithin {
			return fmt.Sprint(status, " ", strings.TrimSpace(string(answer)), " ", err)
		}
		<-pause.C
	}
}
