// Package apitest is what the tests of every HTTP surface stand on: a server as the binary runs it, on a port of its own, and transcripts
// (transcript.go): whole conversations that can be read, and are held to what the server answers.
//
// It knows no surface. What a surface's answers must look like is said in the tests beside it.
package apitest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/app"
	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/store/storetest"
)

// Server is a real process's worth of the product.
type Server struct {
	T   testing.TB
	App *app.App
	Key string // the admin key
	// HTTP sends the requests.
	HTTP *http.Client
}

// Serve starts a server, over SQLite unless the settings say otherwise, that stops with the test.
func Serve(t testing.TB, settings config.Config) *Server {
	t.Helper()
	return ServeAt(t, settings, nil)
}

// ServeAt is Serve with a clock of the test's own; nil is the real one.
func ServeAt(t testing.TB, settings config.Config, now func() time.Time) *Server {
	t.Helper()
	storetest.Bound(t)
	settings.Data, settings.Listen = t.TempDir(), "127.0.0.1:0"
	a, err := app.Open(t.Context(), app.Config{Config: settings, Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s := &Server{T: t, App: a, HTTP: &http.Client{
		Transport: &http.Transport{}, Timeout: storetest.Patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(func() {
		s.HTTP.CloseIdleConnections()
		stop()
		if err := storetest.Await(t, ended, "the server to stop"); err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	storetest.Await(t, a.Ready(), "the server to be ready")
	key, err := os.ReadFile(a.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	s.Key = strings.TrimSpace(string(key))
	return s
}

// Each runs a test against a server over each engine.
func Each(t *testing.T, settings config.Config, f func(t *testing.T, s *Server)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			own := settings // the subtests run at the same time
			own.Database = storetest.Blank(t, engine).URL
			f(t, Serve(t, own))
		})
	}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send makes a request with the admin key, in the form of every surface. Headers come in pairs, and an empty value takes one away; a body is JSON unless a header says otherwise.
func (s *Server) Send(method, path, body string, headers ...string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.App.URL(), strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	r.URL.Opaque = path // as it is: no tidying by the client
	r.Header.Set("Authorization", "Bearer "+s.Key)
	r.Header.Set("X-Api-Key", s.Key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := s.HTTP.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, text}
}

// Must is Send for a request that has to have a status.
func (s *Server) Must(status int, method, path, body string, headers ...string) Answer {
	s.T.Helper()
	a := s.Send(method, path, body, headers...)
	if a.Status != status {
		s.T.Fatalf("%s %s: %d, want %d\n%s", method, path, a.Status, status, a.Body)
	}
	return a
}

// Into decodes the body.
func (a Answer) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
}

// Object decodes the body as an object.
func (a Answer) Object(t testing.TB) map[string]any {
	t.Helper()
	var o map[string]any
	a.Into(t, &o)
	return o
}

// Until asks for a path until the field of the answer, a path of names and numbers with dots between, has a value. It gives the last answer.
func (s *Server) Until(path, field, value string) map[string]any {
	s.T.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // a poll, not a guess at how long something takes
		var answer any
		s.Must(http.StatusOK, http.MethodGet, path, "").Into(s.T, &answer)
		if got := at(answer, field); got == value {
			object, _ := answer.(map[string]any)
			return object
		} else if time.Since(began) > storetest.Patience {
			s.T.Fatalf("GET %s: %s is %q, not %q: %v", path, field, got, value, answer)
		}
	}
}
