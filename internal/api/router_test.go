package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
)

// named answers with its name.
func named(name string, prefixes ...string) Surface {
	return Surface{
		Name: name, Prefixes: prefixes, Panicked: Panicked,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }),
	}
}

func request(method, target string) *http.Request {
	r := httptest.NewRequest(method, "http://x/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	if at := strings.IndexByte(path, '%'); at >= 0 {
		r.URL.RawPath = path
		r.URL.Path = strings.NewReplacer("%2F", "/", "%31", "1", "%76", "v", "%20", " ").Replace(path)
	}
	return r
}

func TestTheLongestPrefixOfWholeSegmentsWins(t *testing.T) {
	t.Parallel()
	rt := NewRouter(slog.New(slog.DiscardHandler), time.Now, named("home"), named("native", "/v1"), named("jump", "/api"), named("ed", "/api/v1/identity", "/identity"),
		named("bim", "/identity-provider"), named("maarch", "/rest", "/a%20b/rest"))
	for path, want := range map[string]string{
		"/": "home", "/v1": "native", "/v1/people": "native", "/v1/": "native", "/v1x": "home", "/v": "home", "//v1": "home", "/x/v1": "home", "/%76%31": "home",
		"/v1%2Fpeople": "home", "/api": "jump", "/api/v1": "jump", "/api/v1/identity": "ed", "/api/v1/identity/x": "ed", "/api/v1/identityx": "jump",
		"/api//v1/identity": "jump", "/identity": "ed", "/identity-provider": "bim", "/identity-provider/x": "bim", "/rest": "maarch", "/a%20b/rest": "maarch",
		"/a%20b": "home", "*": "home",
	} {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, request(http.MethodGet, path))
		if w.Body.String() != want {
			t.Errorf("%s goes to %s, want %s", path, w.Body, want)
		}
	}
}

// bounded is a writer that can be told until when a body is waited for.
type bounded struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (b *bounded) SetReadDeadline(t time.Time) error { b.until = append(b.until, t); return nil }

// A body is not waited for without an end, also where nobody reads it; a request without one is left alone, whose connection is watched for its end.
func TestABodyIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	rt := NewRouter(slog.New(slog.DiscardHandler), time.Now, named("home"))
	for name, body := range map[string]io.Reader{"none": nil, "some": strings.NewReader("x"), "of unknown length": io.MultiReader(strings.NewReader("x"))} {
		w := &bounded{ResponseRecorder: httptest.NewRecorder()}
		rt.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", body))
		if body == nil && len(w.until) == 0 {
			continue
		}
		now := time.Now()
		if len(w.until) != 2 || now.Add(bodyWithin).Before(w.until[0]) || now.Add(restWithin).Before(w.until[1]) || w.until[1].Before(now) {
			t.Errorf("body %s: waited for until %v", name, w.until)
		}
	}
}

func TestMux(t *testing.T) {
	t.Parallel()
	m := &Mux{NotFound: NoRoute, NotAllowed: NotAllowed}
	for _, pattern := range []string{"GET /v1/people", "POST /v1/people", "GET /v1/people/{id}", "GET /v1/people/me", "DELETE /v1/people/{id}", "GET /v1/people/{a}/in/{b}", "GET /v1/people/me/in/x"} {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s id=%s a=%s b=%s", pattern, r.PathValue("id"), r.PathValue("a"), r.PathValue("b"))
		})
	}
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/v1/people", 200, "GET /v1/people id= a= b="},
		{"HEAD", "/v1/people", 200, "GET /v1/people id= a= b="},
		{"GET", "/v1/people/7", 200, "GET /v1/people/{id} id=7 a= b="},
		{"GET", "/v1/people/me", 200, "GET /v1/people/me id= a= b="},
		{"GET", "/v1/people/me/in/y", 200, "GET /v1/people/{a}/in/{b} id= a=me b=y"}, // a literal that leads nowhere is taken back
		{"GET", "/v1/people/me/in/x", 200, "GET /v1/people/me/in/x id= a= b="},
		{"GET", "/v1/people/a%2Fb", 200, "GET /v1/people/{id} id=a/b a= b="},
		{"GET", "/v1/people/", 404, ""},
		{"GET", "/v1/people//in/x", 404, ""},
		{"GET", "/v1", 404, ""},
		{"PUT", "/v1/people", 405, "GET, HEAD, POST"},
		{"DELETE", "/v1/people/me", 405, "GET, HEAD"},
	} {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, request(c.method, c.path))
		got := w.Body.String()
		switch c.status {
		case 404:
			got = ""
		case 405:
			got = w.Header().Get("Allow")
		}
		if w.Code != c.status || got != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, w.Code, got, c.status, c.body)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	rt := NewRouter(slog.New(slog.DiscardHandler), time.Now, named("home"))
	for given, kept := range map[string]bool{
		"": false, "abc-123": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "two words": false, "caf\u00e9": false, "a\tb": false, `"'<>`: true,
	} {
		w, r := httptest.NewRecorder(), request(http.MethodGet, "/")
		r.Header["X-Request-Id"] = []string{given}
		rt.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if (id == given) != kept || id == "" {
			t.Errorf("the id %q becomes %q", given, id)
		}
	}
}

// A handler that breaks is answered in its surface's own shape, and the log has the reason; the answer does not.
func TestPanics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		aborts  bool
	}{
		{"before the answer", func(http.ResponseWriter, *http.Request) { panic("hidden reason") }, 500, false},
		{"in the middle", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("hidden reason") }, 200, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			rt := NewRouter(slog.New(slog.NewTextHandler(&log, nil)), time.Now, Surface{Name: "home", Handler: c.handler, Panicked: Panicked})
			w := httptest.NewRecorder()
			aborted := func() (aborted bool) {
				defer func() { aborted = recover() == http.ErrAbortHandler }()
				rt.ServeHTTP(w, request(http.MethodGet, "/"))
				return false
			}()
			if w.Code != c.status || aborted != c.aborts || strings.Contains(w.Body.String(), "hidden") {
				t.Errorf("%d, aborted %v: %s", w.Code, aborted, w.Body)
			}
			if !strings.Contains(log.String(), "hidden reason") || !strings.Contains(log.String(), fmt.Sprintf("status=%d", c.status)) {
				t.Errorf("the log: %s", &log)
			}
		})
	}
}

// One table has a status for every code there is.
func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[muster.Code]int{
		muster.Required: 422, muster.Invalid: 422, muster.TooLong: 422, muster.Conflict: 409, muster.NotFound: 404, muster.ReadOnly: 422, muster.Unsupported: 422,
		muster.Policy: 422, muster.Unauthenticated: 401, muster.Forbidden: 403, muster.Stale: 412, muster.Gone: 410, muster.Unavailable: 503, muster.Internal: 500,
	} {
		p := ProblemOf(t.Context(), "", muster.Errorf(code, "", "Said."))
		if p.Status != want || p.Code != string(code) || p.Detail != "Said." {
			t.Errorf("%s: %+v, want %d", code, p, want)
		}
	}
	if len(statuses) != 14 {
		t.Errorf("the table has %d codes", len(statuses))
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		route  string
		err    error
		status int
		code   muster.Code
	}{
		{"what the path names is not there", t.Context(), "/v1/units/{unit}/members/{person}", muster.Errorf(muster.NotFound, "person", "No."), 404, muster.NotFound},
		{"what the body names is not there", t.Context(), "/v1/people/{id}", muster.Errorf(muster.NotFound, "manager", "No."), 422, muster.NotFound},
		{"the first fault counts", t.Context(), "", muster.Errors{muster.Errorf(muster.Conflict, "a", "A."), muster.Errorf(muster.Invalid, "b", "B.")}, 409, muster.Conflict},
		{"a status of its own", t.Context(), "", fmt.Errorf("wrapped: %w", &WithStatus{Status: 413, Err: muster.Errorf(muster.TooLong, "", "No.")}), 413, muster.TooLong},
		{"our own fault", t.Context(), "", errors.New("store: hidden"), 500, muster.Internal},
		{"too slow", t.Context(), "", fmt.Errorf("store: %w", context.DeadlineExceeded), 503, muster.Unavailable},
		{"too slow to be sure", t.Context(), "", muster.Errorf(muster.Internal, "", "Nobody knows.").Because(context.DeadlineExceeded), 500, muster.Internal},
		{"nobody waits", gone, "", fmt.Errorf("store: %w", context.Canceled), 499, muster.Invalid},
	} {
		w := httptest.NewRecorder()
		ProblemOf(c.ctx, c.route, c.err).Write(w)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || p.Status != c.status || p.Code != string(c.code) || strings.Contains(w.Body.String(), "hidden") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if (w.Header().Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%s: Retry-After %q", c.name, w.Header().Get("Retry-After"))
		}
	}
}

// Why something failed whose sender did not wait is kept for whoever must know whether it was done.
func TestWhoeverLeftIsNoted(t *testing.T) {
	t.Parallel()
	here, cancel := context.WithCancel(withTrace(t.Context(), &Trace{}))
	broke := fmt.Errorf("commit: %w", context.Canceled)
	if Left(here, broke) || TraceOf(here).Cause != nil {
		t.Error("who waits has left")
	}
	cancel()
	if Left(here, errors.New("another")) || !Left(here, broke) || !errors.Is(TraceOf(here).Cause, broke) {
		t.Errorf("the cause is %v", TraceOf(here).Cause)
	}
}

func FuzzMux(f *testing.F) {
	m := &Mux{NotFound: NoRoute, NotAllowed: NotAllowed}
	for _, pattern := range []string{"GET /v1/{a}", "GET /v1/{a}/{b}", "GET /v1/x/{b}/c"} {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"a", "b"} {
				if strings.Contains(TraceOf(r.Context()).Route, "{"+name+"}") && r.PathValue(name) == "" {
					panic("an empty parameter")
				}
			}
		})
	}
	for _, path := range []string{"/v1/a", "/v1//b", "/v1/%2F/c", "/v1/x/y/c", "/", "", "/v1/%"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "http://x/", nil)
		r.URL.Path, r.URL.RawPath = path, path
		r = r.WithContext(withTrace(r.Context(), &Trace{}))
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 {
			t.Errorf("%q is redirected", path)
		}
	})
}
