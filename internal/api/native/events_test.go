package native_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/config"
)

// watch reads a batch's events to their end.
func (s *server) watch(id string, see func(batch map[string]any)) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.App.URL()+"/v1/batches/"+id+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	response, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		s.t.Fatalf("the stream is %d %q", response.StatusCode, got)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var batch map[string]any
		if err := json.Unmarshal([]byte(data), &batch); err != nil {
			s.t.Fatalf("%v in %s", err, data)
		}
		see(batch)
	}
	if err := lines.Err(); err != nil {
		s.t.Fatalf("the stream broke: %v", err)
	}
}

// Live events lead to the end of the import and of the accounts that follow; counts add up in each of them.
func TestEventsLeadToTheLastAccount(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		target := `{"name": "stage", "kind": "rehearsal", "config": {"path": "` + t.TempDir() + `/stage.rehearsal.jsonl"}}`
		s.must(http.StatusCreated, http.MethodPost, "/v1/targets", target)
		var file strings.Builder
		file.WriteString("first_name,last_name,email\n")
		for i := range 40 {
			file.WriteString("Ana,Souza,ana" + strings.Repeat("x", i) + "@example.org\n")
		}
		file.WriteString("Bad,Row,nonsense\n")
		id := text(s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run&mode=create", file.String(), "Content-Type", "text/csv").object(t)["id"])
		var last map[string]any
		s.watch(id, func(batch map[string]any) {
			last = batch
			addsUp(t, batch)
			if p, ok := batch["provision"].(map[string]any); ok {
				addsUp(t, p)
			}
		})
		provision, _ := last["provision"].(map[string]any)
		if last["state"] != "finished" || provision["state"] != "finished" || provision["total"] != 40.0 {
			t.Fatalf("the last event: %v", last)
		}
		if counts := provision["counts"].(map[string]any); counts["done"] != 40.0 {
			t.Errorf("accounts: %v", counts)
		}
		items := s.must(http.StatusOK, http.MethodGet, "/v1/batches/"+id+"/items?state=done&limit=1000", "").object(t)["items"].([]any)
		if len(items) != 40 {
			t.Fatalf("%d items are done", len(items))
		}
		for _, i := range items {
			item := i.(map[string]any)
			accounts, _ := item["accounts"].([]any)
			if len(accounts) != 1 || accounts[0].(map[string]any)["state"] != "delivered" || accounts[0].(map[string]any)["username"] != item["username"] {
				t.Fatalf("the accounts of an item: %v", item)
			}
		}
		follow := s.must(http.StatusOK, http.MethodGet, "/v1/batches/"+text(provision["id"])+"/items", "").object(t)["items"].([]any)
		if one := follow[0].(map[string]any); one["account"] == nil || one["target"] != "stage" || one["person"] == nil {
			t.Errorf("an item of the provision batch: %v", one)
		}
		if s.must(http.StatusOK, http.MethodGet, "/v1/batches/"+text(provision["id"]), "").object(t)["source_batch"] != id {
			t.Error("the provision batch does not name its import")
		}
		if n := len(s.pages("/v1/accounts?limit=7")); n != 6 {
			t.Errorf("40 accounts stand on %d pages of 7", n)
		}
		account := text(items[0].(map[string]any)["accounts"].([]any)[0].(map[string]any)["id"])
		if got := s.must(http.StatusOK, http.MethodPost, "/v1/accounts/"+account+"/deliver", "").object(t)["due"]; got == nil {
			t.Error("an account that is to be delivered again is not due")
		}
	})
}

func addsUp(t *testing.T, batch map[string]any) {
	t.Helper()
	c, _ := batch["counts"].(map[string]any)
	sum := 0.0
	for _, name := range []string{"pending", "done", "failed", "skipped"} {
		n, _ := c[name].(float64)
		if n < 0 {
			t.Errorf("%v items are %s", n, name)
		}
		sum += n
	}
	if sum != batch["total"] {
		t.Errorf("the counts of %v do not add up to %v", c, batch["total"])
	}
}

// A batch past the tenant's limits is held, and goes on when somebody lets it.
func TestABatchPastTheLimitsIsHeld(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		var people, leavers strings.Builder
		people.WriteString("username,last_name\n")
		leavers.WriteString("username,state\n")
		for i := range 30 {
			name := "u" + strings.Repeat("x", i)
			people.WriteString(name + ",Souza\n")
			leavers.WriteString(name + ",suspended\n")
		}
		id := text(s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run", people.String(), "Content-Type", "text/csv").object(t)["id"])
		s.wait(id, "finished")
		id = text(s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run", leavers.String(), "Content-Type", "text/csv").object(t)["id"])
		held := s.wait(id, "held")
		if plan := held["plan"].(map[string]any); text(plan["hold"]) == "" || plan["disables"] != 30.0 || text(held["message"]) == "" {
			t.Errorf("held with the plan %v: %v", held["plan"], held["message"])
		}
		s.must(http.StatusOK, http.MethodPost, "/v1/batches/"+id+"/release", "")
		done := s.wait(id, "finished")
		if counts := done["counts"].(map[string]any); counts["disables"] != 30.0 {
			t.Errorf("after the release: %v", counts)
		}
		if n := s.count("/v1/people?state=suspended&limit=1000"); n != 30 {
			t.Errorf("%d people are suspended", n)
		}
	})
}

// A stream that would last ends when the process is told to stop, and when its reader goes.
func TestAStreamEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	var body io.Closer
	t.Cleanup(func() { body.Close() }) // after the server's own
	s := serve(t, config.Config{})
	id := text(s.must(http.StatusCreated, http.MethodPost, "/v1/batches", "email\na@x.test\n", "Content-Type", "text/csv").object(t)["id"])
	s.must(http.StatusOK, http.MethodHead, "/v1/batches/"+id+"/events", "") // does not wait for anything
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.App.URL()+"/v1/batches/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	response, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body = response.Body
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "data: ") {
		t.Fatalf("the first line: %q, %v", line, err)
	}
	// The body is closed only after the server has stopped: Run would tell if the stream had to be cut off.
}
