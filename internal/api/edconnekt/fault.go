package edconnekt

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// refusal is the body of every refusal that is not about the form of a request (contract §7): the identity screens read message, everybody else
// detail.
type refusal struct {
	Detail  string `json:"detail"`
	Code    any    `json:"code"` // a word in capitals, or null
	Message string `json:"message"`
}

// malformed is a request whose form is wrong: 422 with every fault of it, in the shape of FastAPI.
type malformed []fault

// fault is one entry of a 422.
type fault struct {
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Type  string         `json:"type"`
	Input any            `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

func (m malformed) Error() string { return m[0].Msg }

// said is a refusal with a status and French words of its own.
type said struct {
	status int
	code   string
	text   string
}

func (s *said) Error() string { return s.text }

func say(status int, code, text string) error { return &said{status, code, text} }

// frenchOf are the words for whole kinds of error where the sentence itself is not for this surface's readers.
var frenchOf = map[muster.Code]struct {
	status int
	code   string
	text   string // "" shows the error's own sentence, in French
}{
	muster.Required:        {http.StatusBadRequest, "REQUIRED", ""}, // 422 has a shape of its own
	muster.Invalid:         {http.StatusBadRequest, "INVALID", ""},
	muster.TooLong:         {http.StatusBadRequest, "TOO_LONG", ""},
	muster.Conflict:        {http.StatusConflict, "CONFLICT", ""},
	muster.NotFound:        {http.StatusNotFound, "NOT_FOUND", ""},
	muster.ReadOnly:        {http.StatusBadRequest, "READ_ONLY", ""},
	muster.Unsupported:     {http.StatusBadRequest, "UNSUPPORTED", ""},
	muster.Policy:          {http.StatusBadRequest, "POLICY", ""},
	muster.Unauthenticated: {http.StatusUnauthorized, "UNAUTHENTICATED", "Jeton d’accès absent, expiré ou invalide."},
	muster.Forbidden:       {http.StatusForbidden, "FORBIDDEN", "Vous n’avez pas les droits nécessaires pour cette opération."},
	muster.Stale:           {http.StatusConflict, "STALE", ""},
	muster.Gone:            {http.StatusGone, "GONE", ""},
	muster.Unavailable:     {http.StatusServiceUnavailable, "UNAVAILABLE", "Le service est momentanément indisponible. Réessayez dans quelques instants."},
}

const internalText = "Une erreur interne est survenue."

// refuse answers a request with an error.
func (s *surface) refuse(w http.ResponseWriter, r *http.Request, err error) {
	trace := api.TraceOf(r.Context())
	var form malformed
	if errors.As(err, &form) {
		body := map[string]any{"detail": form}
		if strings.Contains(trace.Route, "/identity/") { // whose screens read message
			body["message"] = form.text()
		}
		write(w, http.StatusUnprocessableEntity, body)
		return
	}
	var own *said
	if errors.As(err, &own) {
		respond(w, own.status, own.code, own.text)
		return
	}
	if api.Left(r.Context(), err) {
		w.WriteHeader(api.StatusClientGone)
		return
	}
	if api.Late(err) {
		respond(w, http.StatusServiceUnavailable, "UNAVAILABLE", frenchOf[muster.Unavailable].text)
		trace.Cause = err
		return
	}
	first := muster.Faults(err)[0]
	kind, known := frenchOf[first.Code]
	if !known {
		trace.Cause = err
		text := internalText
		if own := (*muster.Error)(nil); errors.As(err, &own) {
			text = french.Error(own)
		}
		respond(w, http.StatusInternalServerError, "INTERNAL", text)
		return
	}
	if kind.status >= 500 {
		trace.Cause = err
	}
	status, text := kind.status, kind.text
	var fixed *api.WithStatus
	if errors.As(err, &fixed) {
		status = fixed.Status
	}
	if text == "" {
		text = french.Error(first)
	}
	respond(w, status, kind.code, text)
}

func (m malformed) text() string {
	texts := make([]string, len(m))
	for i, f := range m {
		where := make([]string, 0, len(f.Loc))
		for _, part := range f.Loc[min(1, len(f.Loc)):] {
			if name, ok := part.(string); ok {
				where = append(where, name)
			}
		}
		texts[i] = strings.TrimPrefix(strings.Join(where, ".")+" : "+f.Msg, " : ")
	}
	return "Requête invalide. " + strings.Join(texts, " ; ")
}

func respond(w http.ResponseWriter, status int, code, text string) {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	}
	write(w, status, refusal{Detail: text, Code: code, Message: text})
}

// write answers with JSON.
func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // a client that is gone
}

// The framework's own answers, which clients know in English.

func (s *surface) noRoute(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusNotFound, refusal{Detail: "Not Found", Message: "Cette adresse n’existe pas."})
}

func (s *surface) notAllowed(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusMethodNotAllowed, refusal{Detail: "Method Not Allowed", Message: "Cette méthode n’est pas permise ici."})
}

func (s *surface) panicked(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusInternalServerError, "INTERNAL", internalText)
}
