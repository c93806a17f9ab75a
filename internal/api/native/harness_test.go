package native_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real process's worth of the product, on a port of its own.
type server struct {
	*apitest.Server
	t    testing.TB
	key  string
	http *http.Client
}

// serve starts a server, over SQLite unless the settings say otherwise, that stops with the test.
func serve(t *testing.T, settings config.Config) *server {
	t.Helper()
	return serverOf(apitest.Serve(t, settings))
}

func serverOf(s *apitest.Server) *server { return &server{s, s.T, s.Key, s.HTTP} }

// each runs a test against a server over each engine.
func each(t *testing.T, settings config.Config, f func(t *testing.T, s *server)) {
	t.Helper()
	apitest.Each(t, settings, func(t *testing.T, s *apitest.Server) { f(t, serverOf(s)) })
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request. Headers come in pairs; a body is JSON unless a header says otherwise.
func (s *server) send(method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.Send(method, path, body, headers...)
	return answer{a.Status, a.Header, a.Body}
}

// must is send for a request that has to have a status.
func (s *server) must(status int, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.Must(status, method, path, body, headers...)
	return answer{a.Status, a.Header, a.Body}
}

// into decodes the body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	apitest.Answer{Status: a.status, Header: a.header, Body: a.body}.Into(t, v)
}

// object decodes the body as an object.
func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	return apitest.Answer{Status: a.status, Header: a.header, Body: a.body}.Object(t)
}

// problem decodes the body as a problem, and holds it to its shape.
func (a answer) problem(t testing.TB) problem {
	t.Helper()
	var p problem
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("not a problem: %v\n%s", err, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a problem of type %q", got)
	}
	if p.Status != a.status || p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || p.RequestID == "" || len(p.Errors) == 0 {
		t.Errorf("an incomplete problem: %s", a.body)
	}
	return p
}

type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
	Errors    []struct {
		Code    string `json:"code"`
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// wait asks until the batch is in a state.
func (s *server) wait(id, state string) map[string]any {
	s.t.Helper()
	return s.Until("/v1/batches/"+id, "state", state)
}

func text(v any) string { s, _ := v.(string); return s }
