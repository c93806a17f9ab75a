package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// The parts of the API's answers that the tests look at.

type batchView struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	State     string     `json:"state"`
	Message   string     `json:"message"`
	Total     int        `json:"total"`
	Counts    counts     `json:"counts"`
	Provision *batchView `json:"provision"`
}

type counts struct {
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Pending   int `json:"pending"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
}

type itemView struct {
	Index   int     `json:"index"`
	Row     int     `json:"row"`
	State   string  `json:"state"`
	Person  string  `json:"person"`
	Reasons []fault `json:"reasons"`
	Change  struct {
		Action string `json:"action"`
	} `json:"change"`
}

type fault struct {
	Code    string `json:"code"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

type personView struct {
	ID        string `json:"id"`
	Version   int    `json:"version"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	SourceID  string `json:"source_id"`
	State     string `json:"state"`
}

type accountView struct {
	ID         string `json:"id"`
	Person     string `json:"person"`
	Username   string `json:"username"`
	ExternalID string `json:"external_id"`
	State      string `json:"state"`
}

// problem is an error of the native API.
type problem struct {
	Status int     `json:"status"`
	Code   string  `json:"code"`
	Detail string  `json:"detail"`
	Errors []fault `json:"errors"`
}

// ask sends a request as the admin and gives the answer. Only a connection that breaks is an error.
func (s *server) ask(ctx context.Context, method, path, kind string, body io.Reader) (status int, answer []byte, err error) {
	return s.askAs(ctx, s.key, method, path, kind, body)
}

func (s *server) askAs(ctx context.Context, key, method, path, kind string, body io.Reader) (status int, answer []byte, err error) {
	header := http.Header{"Authorization": {"Bearer " + key}, "X-Api-Key": {key}} // as every surface wants it
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	return s.askWith(ctx, header, method, path, body)
}

func (s *server) askWith(ctx context.Context, header http.Header, method, path string, body io.Reader) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return 0, nil, err
	}
	request.Header = header
	response, err := s.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// call sends a body as JSON and decodes a good answer into a T. Any other answer ends the test.
func call[T any](t *testing.T, s *server, method, path string, body any) (v T) {
	t.Helper()
	var content io.Reader
	if body != nil {
		packed, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(packed)
	}
	status, answer, err := s.ask(t.Context(), method, path, "application/json", content)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if len(answer) > 0 {
		decode(t, answer, &v)
	}
	return v
}

func decode(t *testing.T, answer []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("answer %.500s: %v", answer, err)
	}
}

// list gives all items of a list.
func list[T any](t *testing.T, s *server, path string, query url.Values) []T {
	t.Helper()
	q := url.Values{"limit": {"1000"}}
	for name, values := range query {
		q[name] = values
	}
	var all []T
	for {
		page := call[struct {
			Items []T     `json:"items"`
			Next  *string `json:"next_cursor"`
		}](t, s, http.MethodGet, path+"?"+q.Encode(), nil)
		all = append(all, page.Items...)
		if page.Next == nil {
			return all
		}
		q.Set("cursor", *page.Next)
	}
}

var errRefused = errors.New("refused")

// send uploads a file. The error is errRefused when the server said no, with the problem it answered, and another one when no answer came.
func (s *server) send(ctx context.Context, content io.Reader, query url.Values) (b batchView, p problem, err error) {
	return s.sendOnce(ctx, content, query, "")
}

// sendOnce is send with an idempotency key, so that it may be repeated.
func (s *server) sendOnce(ctx context.Context, content io.Reader, query url.Values, once string) (b batchView, p problem, err error) {
	header := http.Header{"Authorization": {"Bearer " + s.key}, "Content-Type": {"text/csv"}}
	if once != "" {
		header.Set("Idempotency-Key", once)
	}
	status, answer, err := s.askWith(ctx, header, http.MethodPost, "/v1/batches?"+query.Encode(), content)
	switch {
	case err != nil:
		return b, p, err
	case status/100 == 2:
		return b, p, json.Unmarshal(answer, &b)
	}
	if err := json.Unmarshal(answer, &p); err != nil {
		p.Detail = string(answer)
	}
	p.Status = status
	return b, p, errRefused
}

// upload uploads a file that must be taken.
func (s *server) upload(t *testing.T, content, name, then string) batchView {
	t.Helper()
	b, p, err := s.send(t.Context(), bytes.NewReader([]byte(content)), url.Values{"name": {name}, "then": {then}})
	if err != nil {
		t.Fatalf("upload %s: %v %+v", name, err, p)
	}
	return b
}

func (s *server) batch(t *testing.T, id string) batchView {
	t.Helper()
	return call[batchView](t, s, http.MethodGet, "/v1/batches/"+id, nil)
}

// finished waits for the end of a batch, and of the accounts that follow it when accounts says that there are any to wait for.
func (s *server) finished(t *testing.T, id string, accounts bool, within time.Duration) batchView {
	t.Helper()
	var b batchView
	defer func() {
		if t.Failed() {
			t.Logf("batch as seen last: %+v, accounts %+v", b, b.Provision)
		}
	}()
	until(t, within, "the batch is finished", func() bool {
		b = s.batch(t, id)
		return over(b.State) && (!accounts || b.Provision != nil && over(b.Provision.State))
	})
	return b
}

func over(state string) bool { return state == "finished" || state == "failed" || state == "cancelled" }

// imported uploads a file, carries it out and waits for the end, accounts included.
func (s *server) imported(t *testing.T, content, name string) batchView {
	t.Helper()
	return s.finished(t, s.upload(t, content, name, "run").ID, true, time.Minute)
}
