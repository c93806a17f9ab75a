package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/store/storetest"
)

// What a client of JumpCloud's bulk jobs sees of the built binary. What each attribute means is internal/api/jumpcloud's to test; here are the
// promises that take a whole server: order, races, repeats, and that nothing is lost (jumpcloudkill_test.go).

// jcJob is JobDetails.
type jcJob struct {
	ID              string   `json:"id"`
	AdminID         string   `json:"adminId"`
	Name            string   `json:"name"`
	Status          string   `json:"status"`
	CreatedAt       string   `json:"createdAt"`
	UpdatedAt       string   `json:"updatedAt"`
	WorkUnitsCount  int      `json:"workUnitsCount"`
	PersistedFields []string `json:"persistedFields"`
	Meta            struct {
		Total     int `json:"total"`
		Pending   int `json:"pending"`
		Succeeded int `json:"succeeded"`
		Failed    int `json:"failed"`
		Warnings  int `json:"warnings"`
		Percent   int `json:"percentComplete"`
	} `json:"meta"`
}

func (j *jcJob) over() bool { return j.Status == "finished" || j.Status == "failed" }

// jcResult is JobWorkresult.
type jcResult struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	StatusMsg string `json:"statusMsg"`
	Meta      struct {
		Index    int     `json:"index"`
		Status   string  `json:"status"`
		User     *string `json:"systemuserId"`
		Email    *string `json:"email"`
		Username *string `json:"username"`
		Changed  []string
		Errors   []jcFault `json:"errors"`
		Warnings []jcFault `json:"warnings"`
	} `json:"meta"`
}

type jcFault struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// user is the id of the user that a row is about.
func (r *jcResult) user(t *testing.T) string {
	t.Helper()
	if r.Meta.User == nil {
		t.Fatalf("row %d is about nobody: %+v", r.Meta.Index, r)
	}
	return *r.Meta.User
}

// row is one user of a body.
type row map[string]any

func with(r row, more row) row {
	r = maps.Clone(r)
	maps.Copy(r, more)
	return r
}

// somebody is the smallest user there can be, never the same twice under one prefix.
func somebody(prefix string, n int) row {
	return row{"email": fmt.Sprintf("%s%d@example.org", prefix, n), "username": fmt.Sprintf("%s%d", prefix, n), "firstname": "Ann", "lastname": "Example"}
}

func somebodies(prefix string, n int) []row {
	list := make([]row, n)
	for i := range list {
		list[i] = somebody(prefix, i)
	}
	return list
}

// jc sends a request with the admin's key and gives the answer.
func (s *server) jc(t *testing.T, method, path string, body io.Reader, header http.Header) (int, http.Header, []byte) {
	t.Helper()
	status, head, answer, err := s.jcOnce(t, method, path, body, header)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, head, answer
}

// jcOnce is jc where no answer may come.
func (s *server) jcOnce(t *testing.T, method, path string, body io.Reader, header http.Header) (int, http.Header, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header = http.Header{"X-Api-Key": {s.key}, "Content-Type": {"application/json"}}
	maps.Copy(request.Header, header)
	response, err := s.http.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if kind := response.Header.Get("Content-Type"); err == nil && !strings.HasPrefix(kind, "application/json") {
		t.Errorf("%s %s: answered as %q: %.200s", method, path, kind, answer)
	}
	return response.StatusCode, response.Header, answer, err
}

// jcCall is jc for a request that must succeed, with 200.
func jcCall[T any](t *testing.T, s *server, method, path string, body any) (v T) {
	t.Helper()
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(asJSON(t, body))
	}
	status, _, answer := s.jc(t, method, path, content, nil)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %.500s", method, path, status, answer)
	}
	decode(t, answer, &v)
	return v
}

func asJSON(t *testing.T, body any) []byte {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// submit sends a job that must be accepted, and gives its id.
func (s *server) submit(t *testing.T, method string, rows any) string {
	t.Helper()
	return jcCall[struct {
		ID string `json:"jobId"`
	}](t, s, method, "/api/v2/bulk/users", rows).ID
}

func (s *server) job(t *testing.T, id string) jcJob {
	t.Helper()
	return jcCall[jcJob](t, s, http.MethodGet, "/api/v2/jobs/"+id, nil)
}

// jobDone waits for the end of a job. Whenever it looks, the counts must add up, and none may have gone back.
func (s *server) jobDone(t *testing.T, id string, within time.Duration) (last jcJob) {
	t.Helper()
	until(t, within, "the job is finished", func() bool {
		j := s.job(t, id)
		m := j.Meta
		if m.Pending+m.Succeeded+m.Failed != m.Total || m.Total != j.WorkUnitsCount {
			t.Errorf("counts of a %s job do not add up: %+v", j.Status, j)
		}
		if m.Succeeded < last.Meta.Succeeded || m.Failed < last.Meta.Failed || m.Percent < last.Meta.Percent || (m.Percent == 100) != (j.Status == "finished") {
			t.Errorf("after %+v comes %+v", last, j)
		}
		last = j
		return j.over()
	})
	return last
}

// results gives the results of all rows of a job, read page by page.
func (s *server) results(t *testing.T, id string) (all []jcResult) {
	t.Helper()
	for {
		path := fmt.Sprintf("/api/v2/jobs/%s/results?limit=100&skip=%d", id, len(all))
		status, head, answer := s.jc(t, http.MethodGet, path, nil, nil)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %.500s", path, status, answer)
		}
		var page []jcResult
		decode(t, answer, &page)
		for n := range page {
			if page[n].Meta.Index != len(all)+n || page[n].Meta.Status != page[n].Status {
				t.Fatalf("%s: row %d is %+v", path, n, page[n])
			}
		}
		all = append(all, page...)
		total, err := strconv.Atoi(head.Get("X-Total-Count"))
		if err != nil || len(page) == 0 && len(all) < total {
			t.Fatalf("%s: %d rows, X-Total-Count %q", path, len(page), head.Get("X-Total-Count"))
		}
		if len(all) >= total {
			return all
		}
	}
}

// done submits a job and gives the results of its rows, once it is finished.
func (s *server) done(t *testing.T, method string, rows any) []jcResult {
	t.Helper()
	id := s.submit(t, method, rows)
	if j := s.jobDone(t, id, time.Minute); j.Status != "finished" {
		t.Errorf("the job is %+v", j)
	}
	return s.results(t, id)
}

// became is how rows ended, in a letter for each: . for one that succeeded, the first letter of the code for one that failed.
func became(list []jcResult) string {
	var b strings.Builder
	for _, r := range list {
		switch {
		case r.Status == "finished" && len(r.Meta.Errors) == 0:
			b.WriteByte('.')
		case r.Status == "failed" && len(r.Meta.Errors) > 0:
			b.WriteByte(r.Meta.Errors[0].Code[0])
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// jcUser gives a user's attributes.
func (s *server) jcUser(t *testing.T, id string) map[string]any {
	t.Helper()
	return jcCall[map[string]any](t, s, http.MethodGet, "/api/systemusers/"+id, nil)
}

// jcUsers is how many users there are.
func (s *server) jcUsers(t *testing.T) int {
	t.Helper()
	return jcCall[struct {
		Total int `json:"totalCount"`
	}](t, s, http.MethodGet, "/api/systemusers?limit=1", nil).Total
}

// The outcome of a body is as if its rows were applied one after the other, whatever stands in them.
func TestJumpCloudRowsTakeEffectInOrder(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		first := s.done(t, http.MethodPost, []row{somebody("a", 0), somebody("b", 0)})
		a, b := first[0].user(t), first[1].user(t)

		t.Run("one address, many rows", func(t *testing.T) {
			rows := somebodies("same", 200)
			for n := range rows {
				rows[n]["email"] = "Same@Example.org"
			}
			list := s.done(t, http.MethodPost, rows)
			if got := became(list); got != "."+strings.Repeat("c", 199) {
				t.Errorf("%s", got)
			}
			if e := list[199].Meta.Errors[0]; e.Field != "email" || e.Code != "conflict" || !strings.Contains(e.Message, "index 0") {
				t.Errorf("the last row says %+v", e)
			}
		})
		t.Run("a conflict names the user that is there", func(t *testing.T) {
			list := s.done(t, http.MethodPost, []row{with(somebody("new", 0), row{"username": "A0"})})
			if e := list[0].Meta.Errors; len(e) != 1 || e[0].Field != "username" || !strings.Contains(e[0].Message, a) {
				t.Errorf("%+v, want the id %s", e, a)
			}
			if list[0].Meta.User != nil {
				t.Errorf("it is about %s", *list[0].Meta.User)
			}
		})
		t.Run("a swap through a third name", func(t *testing.T) {
			list := s.done(t, http.MethodPatch, []row{{"id": a, "username": "swap"}, {"id": b, "username": "a0"}, {"id": a, "username": "b0"}})
			if got := became(list); got != "..." {
				t.Errorf("%s: %+v", got, list)
			}
			if u, v := s.jcUser(t, a)["username"], s.jcUser(t, b)["username"]; u != "b0" || v != "a0" {
				t.Errorf("they are called %v and %v", u, v)
			}
		})
		t.Run("a name that is taken, then one that is free", func(t *testing.T) {
			list := s.done(t, http.MethodPatch, []row{{"id": a, "username": "a0"}, {"id": a, "username": "free"}, {"id": b, "username": "b0"}, {"id": b, "lastname": "Last"}})
			if got := became(list); got != "c..." {
				t.Errorf("%s: %+v", got, list)
			}
			if u := s.jcUser(t, b); u["username"] != "b0" || u["lastname"] != "Last" {
				t.Errorf("%+v", u)
			}
		})
		t.Run("all that is wrong, at once", func(t *testing.T) {
			list := s.done(t, http.MethodPost, []row{{"username": "b0", "firstname": 7, "attributes": []row{{"name": "no good", "value": "x"}}, "unheard": 1}})
			fields := map[string]string{}
			for _, e := range list[0].Meta.Errors {
				fields[e.Field] = e.Code
			}
			want := map[string]string{"email": "required", "username": "conflict", "firstname": "invalid", "attributes[0].name": "invalid"}
			if !maps.Equal(fields, want) {
				t.Errorf("%v, want %v", list[0].Meta.Errors, want)
			}
		})
		t.Run("nobody of this id", func(t *testing.T) {
			people := s.jcUsers(t)
			list := s.done(t, http.MethodPatch, []row{{"id": strings.Repeat("a", 24), "email": "x@example.org"}, {"email": "a0@example.org"}, {"id": a, "_id": b}, {"id": a}})
			if got := became(list); got != "nri." {
				t.Errorf("%s: %+v", got, list)
			}
			if n := s.jcUsers(t); n != people {
				t.Errorf("%d people, before it were %d", n, people)
			}
		})
	})
}

// Of several jobs at once, that of one comes first with all its rows; nothing is mixed, also where the jobs come to different nodes.
func TestJumpCloudRivalJobsTakeTurns(t *testing.T) {
	rows, rivals := 600, 3
	if raceDetector {
		rows = 200
	}
	each(t, func(t *testing.T, s *server) {
		nodes := []*server{s}
		if s.database != "" {
			nodes = append(nodes, start(t, options{node: s}))
		}
		jobs := make(chan string, rivals)
		body := asJSON(t, somebodies("rival", rows))
		for n := range rivals {
			go func() {
				status, _, answer, err := nodes[n%len(nodes)].jcOnce(t, http.MethodPost, "/api/v2/bulk/users", bytes.NewReader(body), nil)
				var id struct {
					ID string `json:"jobId"`
				}
				if err != nil || status != http.StatusOK || json.Unmarshal(answer, &id) != nil {
					t.Errorf("a rival: %d %s %v", status, answer, err)
				}
				jobs <- id.ID
			}()
		}
		winners := 0
		for range rivals {
			id := storetest.Await(t, jobs, "a job")
			if t.Failed() {
				return
			}
			switch j := s.jobDone(t, id, time.Minute); {
			case j.Meta.Succeeded == rows:
				winners++
			case j.Meta.Failed != rows:
				t.Errorf("a job is mixed: %+v", j)
			}
		}
		if winners != 1 || s.jcUsers(t) != rows {
			t.Errorf("%d jobs of %d won, %d users", winners, rivals, s.jcUsers(t))
		}

		// Rows of one user in two jobs, each adding an attribute of its own: none is lost.
		user := s.done(t, http.MethodPost, []row{somebody("merged", 0)})[0].user(t)
		for n := range rivals {
			go func() {
				body := asJSON(t, []row{{"id": user, "attributes": []row{{"name": fmt.Sprint("own", n), "value": "x"}}}})
				status, _, answer, err := nodes[n%len(nodes)].jcOnce(t, http.MethodPatch, "/api/v2/bulk/users?arrayMode=merge", bytes.NewReader(body), nil)
				var id struct {
					ID string `json:"jobId"`
				}
				if err != nil || status != http.StatusOK || json.Unmarshal(answer, &id) != nil {
					t.Errorf("a rival: %d %s %v", status, answer, err)
				}
				jobs <- id.ID
			}()
		}
		for range rivals {
			id := storetest.Await(t, jobs, "a job")
			if !t.Failed() {
				s.jobDone(t, id, time.Minute)
			}
		}
		if list, _ := s.jcUser(t, user)["attributes"].([]any); len(list) != rivals {
			t.Errorf("of %d attributes these are there: %v", rivals, list)
		}
	})
}

// People who were deleted come back under the same names and addresses, as new ones.
func TestJumpCloudDeleteAndImportAgain(t *testing.T) {
	n := 1000
	if raceDetector {
		n = 100
	}
	each(t, func(t *testing.T, s *server) {
		rows := somebodies("gone", n)
		for i := range rows {
			rows[i]["employeeIdentifier"] = fmt.Sprint("E", i)
		}
		old := map[string]bool{}
		for _, r := range s.done(t, http.MethodPost, rows) {
			old[r.user(t)] = true
		}
		for id := range old {
			if u := jcCall[map[string]any](t, s, http.MethodDelete, "/api/systemusers/"+id, nil); u["_id"] != id {
				t.Fatalf("the deleted user is %v", u)
			}
		}
		if left := s.jcUsers(t); left != 0 {
			t.Errorf("%d users are left", left)
		}
		list := s.done(t, http.MethodPost, rows)
		if got := became(list); got != strings.Repeat(".", n) {
			t.Fatalf("%.100s: %+v", got, list[0])
		}
		for i := range list {
			if old[list[i].user(t)] {
				t.Errorf("row %d is about somebody deleted", i)
			}
		}
		for id := range old {
			if status, _, _ := s.jc(t, http.MethodGet, "/api/systemusers/"+id, nil, nil); status != http.StatusNotFound {
				t.Errorf("somebody deleted answers %d", status)
			}
			break
		}
	})
}
