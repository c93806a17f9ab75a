// Package api is the ground that all HTTP surfaces stand on: which surface answers a path, request ids, the request log, panics, and the shape of
// the answers that belong to no surface.
//
// It knows no surface and no noun; each surface is a folder below this one. Reading goes: Router here, Mux (mux.go) for a surface's own routes,
// Trace (trace.go) for what the log says of a request, Problem (problem.go) for errors in the shape of RFC 9457.
package api

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/musterid/muster"
)

// Surface is one dialect of HTTP over the core.
type Surface struct {
	Name string
	// Prefixes are the beginnings of paths, as literal segments in escaped form, that this surface answers: also the paths it does not know.
	Prefixes []string
	Handler  http.Handler
	// Panicked answers a request whose handler broke before it had answered anything, in the surface's own shape.
	Panicked func(w http.ResponseWriter, r *http.Request)
}

// Router hands each request to the surface with the longest prefix of whole segments of the escaped path. It never redirects and never tidies a
// path: /v1//people, /v1/people/ and /%76%31/people are other paths than /v1/people.
type Router struct {
	log      *slog.Logger
	now      func() time.Time
	root     *branch
	fallback Surface
}

// branch is a node in the tree of prefixes.
type branch struct {
	surface *Surface
	next    map[string]*branch
}

// NewRouter makes a Router. fallback answers what no prefix leads to.
func NewRouter(log *slog.Logger, now func() time.Time, fallback Surface, surfaces ...Surface) *Router {
	rt := &Router{log: log, now: now, root: &branch{}, fallback: fallback}
	for i := range surfaces {
		for _, prefix := range surfaces[i].Prefixes {
			at := rt.root
			for _, segment := range segments(prefix) {
				if at.next == nil {
					at.next = map[string]*branch{}
				}
				if at.next[segment] == nil {
					at.next[segment] = &branch{}
				}
				at = at.next[segment]
			}
			if at.surface != nil {
				panic("api: two surfaces answer " + prefix)
			}
			at.surface = &surfaces[i]
		}
	}
	return rt
}

// segments splits an escaped path behind its first slash.
func segments(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func (rt *Router) pick(path string) *Surface {
	found := &rt.fallback
	if !strings.HasPrefix(path, "/") {
		return found
	}
	at := rt.root
	for _, segment := range segments(path) {
		if at = at.next[segment]; at == nil {
			break
		}
		if at.surface != nil {
			found = at.surface
		}
	}
	return found
}

// ServeHTTP implements http.Handler.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	surface := rt.pick(r.URL.EscapedPath())
	trace := &Trace{ID: requestID(r.Header.Get("X-Request-Id")), Surface: surface.Name, began: rt.now()}
	r = r.WithContext(withTrace(r.Context(), trace))
	out := &writer{ResponseWriter: w}
	ExtendWrite(out)
	waitForBody(out, r, bodyWithin)
	out.Header().Set("X-Request-Id", trace.ID)
	defer rt.finish(out, r, trace, surface)
	surface.Handler.ServeHTTP(out, r)
}

// How long a client may take to send a body, and what nobody has read of it once the request is done with: the server waits for that before it
// answers. Whoever takes longer ones, such as files, sets another deadline for each piece, and none once the body is there.
const (
	bodyWithin = 30 * time.Second
	restWithin = 10 * time.Second
)

// waitForBody waits no longer than that for what has yet to come. A request without a body is left alone: its connection is watched for its end.
func waitForBody(w http.ResponseWriter, r *http.Request, within time.Duration) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // a recorder of a test has none
	}
}

// writeWithin is how long a client may take to receive an answer, or a piece of one.
const writeWithin = 2 * time.Minute

// ExtendWrite gives the client two minutes from now to receive what is written. Every request begins with that; whoever works longer, or writes
// without an end in sight, extends it before each write.
func ExtendWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder of a test has none
}

// finish answers a panic and writes the line of the log.
func (rt *Router) finish(out *writer, r *http.Request, trace *Trace, surface *Surface) {
	cause := recover()
	if cause != nil && cause != http.ErrAbortHandler && r.Context().Err() == nil {
		rt.log.Error("panic", "request", trace.ID, "route", trace.Route, "panic", cause, "stack", string(debug.Stack()))
	}
	started := out.status != 0
	waitForBody(out, r, restWithin)
	if cause != nil && !started && r.Context().Err() == nil {
		surface.Panicked(out, r)
	}
	rt.write(out, r, trace)
	if cause != nil && started {
		panic(http.ErrAbortHandler) // the connection ends, so that nobody takes half an answer for a whole one
	}
}

// write logs a request: never its path, query or body, which may name people.
func (rt *Router) write(out *writer, r *http.Request, trace *Trace) {
	status := out.status
	switch {
	case status != 0:
	case r.Context().Err() != nil:
		status = StatusClientGone
	default:
		status = http.StatusOK
	}
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case trace.Quiet:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", method(r.Method)), slog.String("surface", trace.Surface), slog.String("route", trace.Route), slog.Int("status", status),
		slog.Duration("took", rt.now().Sub(trace.began).Round(time.Microsecond)), slog.Int64("bytes", out.bytes), slog.String("request", trace.ID),
	}
	if trace.Key != 0 {
		attrs = append(attrs, slog.Int64("key", trace.Key), slog.Int64("tenant", trace.Tenant))
	}
	if trace.Cause != nil {
		attrs = append(attrs, slog.String("error", muster.Explain(trace.Cause)))
	}
	rt.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// method keeps what a client invents out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "OTHER"
}

// writer remembers what was answered.
type writer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
