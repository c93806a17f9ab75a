package jumpcloud

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// refusal is every refusal (contract §1.5): the shape of 2026, which contains the older ones.
type refusal struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Status  string   `json:"status"`
	Details []detail `json:"details,omitempty"`

	retryAfter time.Duration
}

func (r *refusal) Error() string { return r.Message }

// detail is one thing that is wrong with a request.
type detail struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	Index   *int   `json:"index,omitempty"`  // of a row, from 0
	Offset  *int64 `json:"offset,omitempty"` // of a byte of the body, from 0
}

// refuse makes a refusal with a status and a sentence that says what to do.
func refuse(status int, message string, details ...detail) *refusal {
	return &refusal{Code: status, Message: message, Status: http.StatusText(status), Details: details}
}

// badRequest is a refusal because of one value.
func badRequest(field, reason, message string) *refusal {
	return refuse(http.StatusBadRequest, message, detail{Field: field, Reason: reason})
}

// statusOf are the statuses of errors from floor 2; others are 400.
var statusOf = map[muster.Code]int{
	muster.Unauthenticated: http.StatusUnauthorized, muster.Forbidden: http.StatusForbidden, muster.NotFound: http.StatusNotFound,
	muster.Gone: http.StatusNotFound, muster.Conflict: http.StatusConflict, muster.Stale: http.StatusConflict,
	muster.Unavailable: http.StatusServiceUnavailable, muster.Internal: http.StatusInternalServerError,
}

// pressure is how long a client is asked to wait before it tries again. 503 is the one status that the official PowerShell client retries (contract §1.5).
const pressure = 5 * time.Second

// refused puts an error into this surface's words. Faults of a user are named as this surface names attributes.
func refused(err error) *refusal {
	var own *refusal
	if errors.As(err, &own) {
		return own
	}
	if api.Late(err) {
		r := refuse(http.StatusServiceUnavailable, "This takes too long at the moment. Try again later.")
		r.retryAfter = pressure
		return r
	}
	faults := muster.Faults(err)
	status, known := statusOf[faults[0].Code]
	if !known {
		status = http.StatusBadRequest
	}
	r := refuse(status, line(faults))
	if status == http.StatusServiceUnavailable {
		r.retryAfter = pressure
	}
	if status == http.StatusBadRequest || status == http.StatusConflict {
		r.Details = detailsOf(faults)
	}
	return r
}

func detailsOf(faults muster.Errors) []detail {
	list := make([]detail, len(faults))
	for i, f := range faults {
		list[i] = detail{Field: placeOf(f.Field), Reason: codeOf(f.Code), Message: inHex(f.Message)}
	}
	return list
}

// refuse answers a request with an error.
func (s *surface) refuse(w http.ResponseWriter, r *http.Request, err error) {
	trace := api.TraceOf(r.Context())
	if api.Left(r.Context(), err) {
		w.WriteHeader(api.StatusClientGone)
		return
	}
	answer := refused(err)
	if answer.Code >= 500 {
		trace.Cause = err
	}
	if answer.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(answer.retryAfter.Seconds())))
	}
	write(w, answer.Code, answer)
}

func (s *surface) noRoute(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, refuse(http.StatusNotFound, "There is nothing at this address."))
}

func (s *surface) notAllowed(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, refuse(http.StatusMethodNotAllowed, "This address takes "+w.Header().Get("Allow")+" only."))
}

func (s *surface) panicked(w http.ResponseWriter, r *http.Request) {
	write(w, http.StatusInternalServerError, refuse(http.StatusInternalServerError, "Something went wrong on our side. The log names the request."))
}

// write sends an answer. It is always JSON, never empty and never null, which the Ruby client turns into nil (contract §1.6).
func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // of our own types
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone
}

// codeOf is the code of an error in this surface's words (contract §4.2).
func codeOf(c muster.Code) string {
	switch c {
	case muster.Stale:
		return string(muster.Conflict)
	case muster.Gone:
		return string(muster.NotFound)
	case muster.Forbidden, muster.Unauthenticated:
		return string(muster.Policy)
	case muster.Unavailable:
		return string(muster.Internal)
	}
	return string(c)
}

// line is faults as one human-readable line: a sentence for each.
func line(faults muster.Errors) string {
	text := ""
	for i, f := range faults {
		switch {
		case i == 0:
		case strings.HasSuffix(text, "."):
			text += " "
		default:
			text += "; "
		}
		if name := placeOf(f.Field); name != "" {
			text += name + ": "
		}
		text += inHex(f.Message)
	}
	return text
}

// A value that somebody sent stands in quotes, and stays what it is.
var uuids = regexp.MustCompile(`(?:^|[( ])[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// inHex has a sentence name people by the ids they have here.
func inHex(message string) string {
	return uuids.ReplaceAllStringFunc(message, func(found string) string {
		text := strings.TrimLeft(found, "( ")
		id, err := uuid.Parse(text)
		if err != nil {
			return found
		}
		return strings.TrimSuffix(found, text) + userID(id)
	})
}
