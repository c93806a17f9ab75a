package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/musterid/muster"
)

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Problem is an error as RFC 9457 has it: the shape of the native API and of paths that belong to no surface.
type Problem struct {
	Type      string  `json:"type" example:"about:blank" doc:"Always about:blank: the code says what kind of error it is."`
	Title     string  `json:"title" example:"Conflict" doc:"The status in words."`
	Status    int     `json:"status" example:"409" doc:"The HTTP status."`
	Code      string  `json:"code" example:"conflict" doc:"What kind of error it is, in a word that programs can rely on."`
	Detail    string  `json:"detail" example:"The address ana@example.org is held by Ana Souza." doc:"One sentence that says what to do."`
	RequestID string  `json:"request_id,omitempty" example:"0199f3c2-7c1e-7c8a-a3fd-51c5a0f1e9d2" doc:"The request's id, as in the server's log."`
	Errors    []Fault `json:"errors,omitempty" doc:"Every fault that was found, in the order of the fields."`
}

// Fault is one thing that is wrong.
type Fault struct {
	Code    string `json:"code" example:"conflict"`
	Field   string `json:"field,omitempty" example:"email" doc:"The path of the value at fault. Absent when it is the object as a whole."`
	Column  string `json:"column,omitempty" example:"Courriel" doc:"Of the imported file, when the value stands in one."`
	Message string `json:"message" example:"The address ana@example.org is held by Ana Souza."`
}

// statuses is the one table from codes to status.
var statuses = map[muster.Code]int{
	muster.Required:        http.StatusUnprocessableEntity,
	muster.Invalid:         http.StatusUnprocessableEntity,
	muster.TooLong:         http.StatusUnprocessableEntity, // a body as a whole: TooLarge says so
	muster.Conflict:        http.StatusConflict,
	muster.NotFound:        http.StatusNotFound,
	muster.ReadOnly:        http.StatusUnprocessableEntity,
	muster.Unsupported:     http.StatusUnprocessableEntity,
	muster.Policy:          http.StatusUnprocessableEntity,
	muster.Unauthenticated: http.StatusUnauthorized,
	muster.Forbidden:       http.StatusForbidden,
	muster.Stale:           http.StatusPreconditionFailed,
	muster.Gone:            http.StatusGone,
	muster.Unavailable:     http.StatusServiceUnavailable,
	muster.Internal:        http.StatusInternalServerError,
}

// StatusClientGone is what the log says of a request whose sender went away. Nobody receives it.
const StatusClientGone = 499

// WithStatus is an error whose status its code does not tell, because it is about HTTP itself: 400, 405, 408, 413, 415.
type WithStatus struct {
	Status int
	Err    error
}

func (e *WithStatus) Error() string { return e.Err.Error() }

// Unwrap gives what the error says.
func (e *WithStatus) Unwrap() error { return e.Err }

// ProblemOf turns an error into a Problem. route is the pattern of the path: something that is not there is 404 when the path names it, and 422
// when a body or a query does. What has no code is internal: it goes to the trace, for the log, and never into the answer.
func ProblemOf(ctx context.Context, route string, err error) *Problem {
	trace := TraceOf(ctx)
	if Left(ctx, err) {
		err = &WithStatus{Status: StatusClientGone, Err: muster.Errorf(muster.Invalid, "", "The sender did not wait for the answer.")}
	}
	if Late(err) {
		err = muster.Errorf(muster.Unavailable, "", "This took too long and was given up. Try again later, or ask for less at a time.").Because(err)
	}
	faults := muster.Faults(err)
	status := http.StatusInternalServerError
	for i, f := range faults {
		s, known := statuses[f.Code]
		if !known {
			s = http.StatusInternalServerError
		}
		if f.Code == muster.NotFound && f.Field != "" && f.Field != "id" && !strings.Contains(route, "{"+f.Field+"}") {
			s = http.StatusUnprocessableEntity
		}
		if i == 0 {
			status = s
		}
		if s >= 500 {
			trace.Cause = err
		}
	}
	var fixed *WithStatus
	if errors.As(err, &fixed) {
		status = fixed.Status
	}
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: string(faults[0].Code), Detail: faults[0].Message, RequestID: trace.ID,
		Errors: make([]Fault, len(faults)),
	}
	for i, f := range faults {
		p.Errors[i] = Fault{Code: string(f.Code), Field: f.Field, Message: f.Message}
	}
	return p
}

// Left says whether something failed because the sender of the request did not wait. Nobody receives the answer then, so the cause is noted for the
// log, and for whoever must know whether anything was done.
func Left(ctx context.Context, err error) bool {
	if !errors.Is(err, context.Canceled) || ctx.Err() == nil {
		return false
	}
	TraceOf(ctx).Cause = err
	return true
}

// Late says whether something was given up because it took too long, and nothing else is to be said about it.
func Late(err error) bool {
	var said *muster.Error
	return errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &said)
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the status, for huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type, for huma.
func (p *Problem) ContentType(string) string { return ProblemType }

// Header sets what belongs to the status besides the body.
func (p *Problem) Header(h http.Header) {
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="muster"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
}

// GetHeaders is what Header sets, for huma.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	p.Header(h)
	return h
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	p.Header(w.Header())
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p) // a client that is gone
}

// Refuse answers a request with an error as a Problem.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	ProblemOf(r.Context(), TraceOf(r.Context()).Route, err).Write(w)
}

// NoRoute answers a path that nobody knows.
func NoRoute(w http.ResponseWriter, r *http.Request) {
	Refuse(w, r, muster.Errorf(muster.NotFound, "", "There is nothing at this path. GET / lists where to begin."))
}

// NotAllowed answers a method that a path does not have. Its header Allow is set already.
func NotAllowed(w http.ResponseWriter, r *http.Request) {
	Refuse(w, r, &WithStatus{
		Status: http.StatusMethodNotAllowed, Err: muster.Errorf(muster.Unsupported, "", "This path does not have that method. It has %s.", w.Header().Get("Allow")),
	})
}

// Panicked answers a request whose handler broke.
func Panicked(w http.ResponseWriter, r *http.Request) {
	Refuse(w, r, errors.New("a handler panicked"))
}
