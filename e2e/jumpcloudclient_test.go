package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/store/storetest"
)

// rubyClient is a process of testdata/jumpcloud_client.rb, which puts requests on the wire as the published Ruby client does.
type rubyClient struct {
	t       *testing.T
	to      io.WriteCloser
	from    io.Closer
	answers *bufio.Reader
}

// rubyCall is one of its calls; what is empty is not said.
type rubyCall struct {
	Call  string         `json:"call"`
	ID    string         `json:"id,omitempty"`
	Query map[string]any `json:"query,omitempty"`
	Body  any            `json:"body,omitempty"`
	Org   *string        `json:"org,omitempty"`
}

type rubyAnswer struct {
	Data    json.RawMessage `json:"data"`
	Status  int             `json:"status"`
	Headers map[string]any  `json:"headers"`
	Error   string          `json:"error"` // ApiError: the server refused; anything else: the client could not make sense of the answer
	Body    string          `json:"body"`
}

// startRuby starts a client of a server, which ends with the test.
func startRuby(t *testing.T, url, key string) *rubyClient {
	t.Helper()
	if err := exec.Command("ruby", "-e", `require "typhoeus"`).Run(); err != nil {
		connectortest.Missing(t, "ruby with typhoeus is not installed (Debian packages ruby, ruby-typhoeus)")
	}
	command := exec.Command("ruby", "testdata/jumpcloud_client.rb", url, key)
	command.SysProcAttr = dieWithParent()
	var said bytes.Buffer
	command.Stderr = &said
	to, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = to.Close()
		if err := command.Wait(); err != nil || said.Len() > 0 {
			t.Errorf("the Ruby client ended with %v: %s", err, said.String())
		}
	})
	return &rubyClient{t: t, to: to, from: from, answers: bufio.NewReaderSize(from, 1<<16)}
}

func (r *rubyClient) try(c rubyCall) (a rubyAnswer) {
	r.t.Helper()
	if _, err := r.to.Write(append(asJSON(r.t, c), '\n')); err != nil {
		r.t.Fatal(err)
	}
	late := time.AfterFunc(waitWithin, func() { _ = r.to.Close(); _ = r.from.Close() })
	line, err := r.answers.ReadBytes('\n')
	late.Stop()
	if err != nil {
		r.t.Fatalf("%s: the client ended: %v", c.Call, err)
	}
	decode(r.t, line, &a)
	return a
}

// rubyCalls makes a call that must succeed, with 200.
func rubyCalls[T any](r *rubyClient, c rubyCall) (v T) {
	r.t.Helper()
	a := r.try(c)
	if a.Error != "" || a.Status != http.StatusOK {
		r.t.Fatalf("%s: %d %s: %.500s", c.Call, a.Status, a.Error, a.Body)
	}
	decode(r.t, a.Data, &v)
	return v
}

// refused makes a call that must be refused by the server, in its own shape.
func (r *rubyClient) refused(c rubyCall, status int) {
	r.t.Helper()
	a := r.try(c)
	var e struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
	}
	if a.Error != "ApiError" || a.Status != status || json.Unmarshal([]byte(a.Body), &e) != nil || e.Code != status || e.Message == "" || e.Status != http.StatusText(status) {
		r.t.Errorf("%s: %d %s %.500s, want %d", c.Call, a.Status, a.Error, a.Body, status)
	}
}

type jobID struct {
	ID string `json:"jobId"`
}

// jobDone waits for the end of a job as a client does: it asks until no row is pending.
func (r *rubyClient) jobDone(id string) jcJob {
	r.t.Helper()
	var job jcJob
	until(r.t, 2*time.Minute, "the job is finished", func() bool {
		job = rubyCalls[jcJob](r, rubyCall{Call: "jobs_get", ID: id})
		return job.Status == "finished"
	})
	return job
}

// The script does put on the wire what was seen of the published client. Otherwise the test below would prove nothing.
func TestJumpCloudRubyClientSpeaksAsThePublishedOne(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heard := make(chan string, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request := make([]byte, 64<<10)
			n, _ := conn.Read(request)
			heard <- string(request[:n])
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
			_ = conn.Close()
		}
	}()
	r := startRuby(t, "http://"+listener.Addr().String(), "KEY")
	empty := ""
	for name, c := range map[string]struct {
		call  rubyCall
		first string
		end   string
	}{
		"rows":    {rubyCall{Call: "bulk_users_create", Body: []row{{"email": "a"}}, Org: &empty}, "POST /api/v2/bulk/users HTTP/1.1", "Content-Length: 15\r\n\r\n[{\"email\":\"a\"}]"},
		"no body": {rubyCall{Call: "bulk_users_create"}, "POST /api/v2/bulk/users HTTP/1.1", "Content-Length: 0\r\n\r\n"},
		"no rows": {rubyCall{Call: "bulk_users_update"}, "PATCH /api/v2/bulk/users HTTP/1.1", "x-api-key: KEY\r\n\r\n"},
		"a list":  {rubyCall{Call: "jobs_results", ID: "x", Query: map[string]any{"limit": 5}}, "GET /api/v2/jobs/x/results?limit=5 HTTP/1.1", "x-api-key: KEY\r\n\r\n"},
	} {
		r.try(c.call)
		said := storetest.Await(t, heard, "what the client says")
		if !strings.HasPrefix(said, c.first+"\r\n") || !strings.HasSuffix(said, c.end) || strings.Contains(said, "x-org-id") || strings.Contains(said, "Expect") ||
			strings.Count(said, "\r\nContent-Type: application/json\r\n") != 2 || strings.Count(said, "\r\nAccept: application/json\r\n") != 2 {
			t.Errorf("%s: the client said %q", name, said)
		}
	}
}

// A program written with the published Ruby client does its work: it creates users, waits, reads every result, updates by the ids it found there, and
// looks at single users.
func TestJumpCloudRubyClient(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	r := startRuby(t, s.url, s.key)
	rows := append(somebodies("ruby", 25), row{"email": "ruby0@example.org", "username": "late"}, row{"username": "nobody"})
	job := rubyCalls[jobID](r, rubyCall{Call: "bulk_users_create", Body: rows, Query: map[string]any{"suppressEmail": true}})
	details := r.jobDone(job.ID)
	if details.Name != "bulk-users-create" || details.WorkUnitsCount != 27 || details.Meta.Succeeded != 25 || details.Meta.Failed != 2 {
		t.Errorf("%+v", details)
	}
	first := rubyCalls[[]jcResult](r, rubyCall{Call: "bulk_users_create_results", ID: job.ID})
	if got := became(first); got != ".........." {
		t.Errorf("without limit and skip: %s", got)
	}
	var all []jcResult
	for skip := 0; skip < 27; skip += 20 {
		all = append(all, rubyCalls[[]jcResult](r, rubyCall{Call: "jobs_results", ID: job.ID, Query: map[string]any{"limit": 20, "skip": skip}})...)
	}
	if got := became(all); got != strings.Repeat(".", 25)+"cr" || all[26].Meta.Index != 26 {
		t.Errorf("page by page: %s", got)
	}

	t.Run("update", func(t *testing.T) {
		id := all[0].user(t)
		job := rubyCalls[jobID](r, rubyCall{Call: "bulk_users_update", Body: []row{
			{"id": id, "firstname": "Once", "department": "North", "attributes": []row{{"name": "Custom", "value": "x"}}},
			{"id": id, "firstname": "Twice", "costCenter": "7", "phoneNumbers": []row{{"type": "home", "number": "+33 1"}, {"type": "work", "number": "+33 2"}}},
		}})
		r.jobDone(job.ID)
		list := rubyCalls[[]jcResult](r, rubyCall{Call: "bulk_users_create_results", ID: job.ID}) // of a job of either kind
		if got := became(list); got != ".." {
			t.Errorf("%s: %+v", got, list)
		}
		u := rubyCalls[map[string]any](r, rubyCall{Call: "systemusers_get", ID: id})
		if u["firstname"] != "Twice" || u["department"] != "North" || u["costCenter"] != "7" || len(u["phoneNumbers"].([]any)) != 2 || len(u["attributes"].([]any)) != 1 {
			t.Errorf("%v", u)
		}
	})
	t.Run("one user", func(t *testing.T) {
		made := rubyCalls[map[string]any](r, rubyCall{Call: "systemusers_post", Body: row{"email": "one@example.org", "username": "one"}})
		id, _ := made["_id"].(string)
		changed := rubyCalls[map[string]any](r, rubyCall{Call: "systemusers_put", ID: id, Body: row{"lastname": "One"}})
		if len(id) != 24 || changed["lastname"] != "One" || changed["email"] != "one@example.org" {
			t.Errorf("%v, then %v", made, changed)
		}
		type list struct {
			Total   int              `json:"totalCount"`
			Results []map[string]any `json:"results"`
		}
		found := rubyCalls[list](r, rubyCall{Call: "systemusers_list", Query: map[string]any{"filter": "username:$eq:one", "limit": 5, "sort": "-created", "fields": "email"}})
		if found.Total != 1 || len(found.Results) != 1 || found.Results[0]["_id"] != id || found.Results[0]["email"] != "one@example.org" {
			t.Errorf("%+v", found)
		}
		found = rubyCalls[list](r, rubyCall{Call: "search_systemusers_post", Body: row{"searchFilter": row{"searchTerm": "RUBY1", "fields": []string{"username"}}, "limit": 50}})
		if found.Total != 11 || len(found.Results) != 11 { // 1 and 10 to 19
			t.Errorf("%d found: %+v", found.Total, found)
		}
		if gone := rubyCalls[map[string]any](r, rubyCall{Call: "systemusers_delete", ID: id}); gone["_id"] != id {
			t.Errorf("%v", gone)
		}
		r.refused(rubyCall{Call: "systemusers_get", ID: id}, http.StatusNotFound)
	})
	t.Run("refusals", func(t *testing.T) {
		empty, other := "", strings.Repeat("0", 24)
		r.refused(rubyCall{Call: "bulk_users_create"}, http.StatusBadRequest) // without a body
		r.refused(rubyCall{Call: "bulk_users_update"}, http.StatusBadRequest)
		r.refused(rubyCall{Call: "bulk_users_create", Body: row{"email": "a@example.org"}}, http.StatusBadRequest)
		r.refused(rubyCall{Call: "bulk_users_create", Body: []any{1}}, http.StatusBadRequest)
		r.refused(rubyCall{Call: "bulk_users_create", Body: []row{}, Org: &other}, http.StatusNotFound)
		r.refused(rubyCall{Call: "jobs_get", ID: other}, http.StatusNotFound)
		r.refused(rubyCall{Call: "jobs_get", ID: "../users"}, http.StatusNotFound)
		r.refused(rubyCall{Call: "jobs_results", ID: job.ID, Query: map[string]any{"limit": 0}}, http.StatusBadRequest)
		startRuby(t, s.url, "nobody").refused(rubyCall{Call: "bulk_users_create"}, http.StatusUnauthorized)
		job := rubyCalls[jobID](r, rubyCall{Call: "bulk_users_create", Body: "[]", Org: &empty})
		if done := r.jobDone(job.ID); done.WorkUnitsCount != 0 {
			t.Errorf("a job without rows is %+v", done)
		}
		if list := rubyCalls[[]jcResult](r, rubyCall{Call: "jobs_results", ID: job.ID}); list == nil || len(list) != 0 {
			t.Errorf("its results are %v", list)
		}
	})
}

// As many users as a job may have, in one body of 12.8 MB: accepted in seconds, and each of them made once.
func TestJumpCloudRubyClientLargestJob(t *testing.T) {
	t.Parallel()
	rows, within := 100_000, 5*time.Second
	if raceDetector {
		rows, within = 3_000, 30*time.Second
	}
	s := start(t, options{})
	r := startRuby(t, s.url, s.key)
	body := make([]row, rows)
	for n := range body {
		body[n] = row{
			"email": fmt.Sprintf("person.number.%06d@example.org", n), "username": fmt.Sprintf("person.number.%06d", n), "firstname": "Firstname", "lastname": "Lastname",
		}
	}
	content := asJSON(t, body)
	began := time.Now()
	job := rubyCalls[jobID](r, rubyCall{Call: "bulk_users_create", Body: string(content)})
	took := time.Since(began)
	t.Logf("%.1f MB of %d users were accepted in %s", float64(len(content))/1e6, rows, took.Round(time.Millisecond))
	if took > within {
		t.Errorf("accepted after %s, want %s", took, within)
	}
	// From the first moment on there is a result for every row.
	last := rubyCalls[[]jcResult](r, rubyCall{Call: "jobs_results", ID: job.ID, Query: map[string]any{"limit": 100, "skip": rows - 1}})
	if len(last) != 1 || last[0].Meta.Index != rows-1 {
		t.Errorf("the last row: %+v", last)
	}
	details := r.jobDone(job.ID)
	if details.Meta.Succeeded != rows || s.jcUsers(t) != rows {
		t.Errorf("%+v, %d users", details, s.jcUsers(t))
	}
	if most, ok := s.memory(); ok {
		t.Logf("the process needed at most %d MiB", most>>20)
	}
}

// The example of docs/jumpcloud.md does what it says there, also when it is repeated, and its file can be sent back as an update.
func TestJumpCloudExample(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			connectortest.Missing(t, program+" is not installed (Debian package "+program+")")
		}
	}
	s := start(t, options{})
	script := func(args ...string) (out string, code int) {
		command := exec.CommandContext(t.Context(), "../examples/jumpcloud/import.sh", args...)
		command.Env = append(s.environment(), "MUSTER_URL="+s.url, "MUSTER_KEY="+s.key)
		said, err := command.CombinedOutput()
		if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		return string(said), command.ProcessState.ExitCode()
	}
	first, code := script("../examples/jumpcloud/people.json")
	for _, text := range []string{
		`{"status":"finished","rows":5,"succeeded":3,"failed":2,"warnings":1}`, "0\tmarie.curie\tfinished\t", "2\tmcurie\tfailed\t-\temail: ", "4\temilie.duchatelet\tfinished\t",
	} {
		if !strings.Contains(first, text) {
			t.Errorf("it does not say %q:\n%s", text, first)
		}
	}
	if again, _ := script("../examples/jumpcloud/people.json"); code != 3 || again != first {
		t.Errorf("it ended with %d; again it says:\n%s", code, again)
	}
	users := jcCall[struct {
		Results []row `json:"results"`
	}](t, s, http.MethodGet, "/api/systemusers?limit=100", nil)
	file := filepath.Join(t.TempDir(), "updates.json")
	if err := os.WriteFile(file, asJSON(t, users.Results), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := script("-X", "PATCH", file); code != 0 || strings.Count(out, "\tfinished\t") != 3 {
		t.Errorf("users sent back as they were read: %d\n%s", code, out)
	}
	for _, p := range list[personView](t, s, "/v1/people", nil) {
		if p.Version != 1 {
			t.Errorf("%s was changed by that", p.Username)
		}
	}
}
