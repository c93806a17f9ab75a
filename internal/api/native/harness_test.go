package native_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/app"
	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real process's worth of the product, on a port of its own.
type server struct {
	t    *testing.T
	app  *app.App
	key  string
	http *http.Client
}

// serve starts a server, over SQLite unless the settings say otherwise, that stops with the test.
func serve(t *testing.T, settings config.Config) *server {
	t.Helper()
	settings.Data, settings.Listen = t.TempDir(), "127.0.0.1:0"
	a, err := app.Open(t.Context(), app.Config{Config: settings, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s := &server{t: t, app: a, http: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	<-a.Ready()
	key, err := os.ReadFile(a.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	s.key = strings.TrimSpace(string(key))
	return s
}

// each runs a test against a server over each engine.
func each(t *testing.T, settings config.Config, f func(t *testing.T, s *server)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			own := settings // the subtests run at the same time
			own.Database = storetest.Blank(t, engine).URL
			f(t, serve(t, own))
		})
	}
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
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.app.URL(), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.URL.Opaque = path // as it is: no tidying by the client
	r.Header.Set("Authorization", "Bearer "+s.key)
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
	response, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, text}
}

// must is send for a request that has to have a status.
func (s *server) must(status int, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.send(method, path, body, headers...)
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d\n%s", method, path, a.status, status, a.body)
	}
	return a
}

// into decodes the body.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
}

// object decodes the body as an object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	a.into(t, &o)
	return o
}

// problem decodes the body as a problem, and holds it to its shape.
func (a answer) problem(t *testing.T) problem {
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
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // a poll, not a guess at how long something takes
		b := s.must(http.StatusOK, http.MethodGet, "/v1/batches/"+id, "").object(s.t)
		if b["state"] == state {
			return b
		}
		if time.Since(began) > 30*time.Second {
			s.t.Fatalf("the batch is %v, not %s: %v", b["state"], state, b["message"])
		}
	}
}

func text(v any) string { s, _ := v.(string); return s }
