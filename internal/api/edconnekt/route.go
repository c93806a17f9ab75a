package edconnekt

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/roster"
)

const answerWithin = 30 * time.Second // an ordinary request

// request is one request that got as far as an operation.
type request struct {
	*checks
	ctx    context.Context
	w      http.ResponseWriter
	r      *http.Request
	caller muster.Caller // the zero Caller where nobody has to sign in
	// unit is the establishment that the browser has selected and that the caller may work in; the zero UUID when none is.
	unit uuid.UUID
	role string // that was selected with it
}

// operation answers a request with a body and its status, or with an error; a nil body says that it has answered by itself.
type operation func(q *request) (status int, body any, err error)

// The three services stand under their own prefixes and, as their clients are also configured without, bare (contract §2). No path redirects: a
// redirected POST of another origin would fail its preflight, so that a final slash more or less is the same route.
var (
	provisioningService  = []string{"/provisioning", "/provisioning/provisioning"}
	identityService      = []string{"/identity/api/v1/identity", "/api/v1/identity"}
	establishmentService = []string{"/establishment/api/etablissements", "/api/etablissements"}
)

// wants says what an operation wants to know of the caller.
type wants int

const (
	anybody   wants = iota // no credential
	signedIn               // a valid credential; the selection is not looked at, so that somebody whose selection is stale can choose again
	selection              // a valid credential, and a selection that is the caller's, where one was made
)

// route registers an operation under each of a service's prefixes, with and without a final slash.
func (s *surface) route(service []string, method, path string, who wants, do operation) {
	s.routeWithin(answerWithin, service, method, path, who, do)
}

// routeLong is route for an operation that reads or writes as long as the client takes.
func (s *surface) routeLong(service []string, method, path string, who wants, do operation) {
	s.routeWithin(0, service, method, path, who, do)
}

func (s *surface) routeWithin(limit time.Duration, service []string, method, path string, who wants, do operation) {
	for _, prefix := range service {
		full := strings.TrimSuffix(prefix+path, "/")
		for _, form := range []string{full, full + "/"} {
			s.mux.HandleFunc(method+" "+form, func(w http.ResponseWriter, r *http.Request) {
				if limit > 0 {
					ctx, cancel := context.WithTimeout(r.Context(), limit)
					defer cancel()
					r = r.WithContext(ctx)
				}
				s.answer(w, r, who, do)
			})
		}
	}
}

// answer carries an operation out: credential first, so that a 401 comes before anything else; then the selection; then the operation.
func (s *surface) answer(w http.ResponseWriter, r *http.Request, who wants, do operation) {
	q := &request{checks: &checks{s: s, w: w, r: r}, ctx: r.Context(), w: w, r: r}
	if err := s.identify(q, who); err != nil {
		s.refuse(w, r, err)
		return
	}
	status, body, err := do(q)
	api.ExtendWrite(w) // whoever sent a large file took their time
	switch {
	case err != nil:
		s.refuse(w, r, err)
	case body != nil:
		write(w, status, body)
	}
}

// identify finds out who calls and what they have selected.
func (s *surface) identify(q *request, who wants) (err error) {
	if who == anybody {
		return nil
	}
	if q.caller, err = s.callerOf(q.r); err != nil || who == signedIn {
		return err
	}
	return s.selected(q)
}

// callerOf turns the bearer token of a request into a caller: a Muster key, or a token of a configured issuer.
func (s *surface) callerOf(r *http.Request) (muster.Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "", "Send a bearer token.")
	}
	caller, err := s.Access.CallerOfToken(r.Context(), token)
	if err != nil {
		return caller, err
	}
	trace := api.TraceOf(r.Context())
	caller.Surface, caller.RequestID = surfaceName, trace.ID
	trace.Key, trace.Tenant = caller.Key, caller.Tenant
	return caller, nil
}

var errNotYours = say(http.StatusForbidden, "CONTEXT_FORBIDDEN", "Vous n’avez pas accès à cet établissement avec ce rôle.")

// selected checks the establishment and role that the browser has selected. They are a wish, never a proof (contract §3).
func (s *surface) selected(q *request) error {
	etab := given(q.r.Header.Get("X-Etab"))
	if etab == "" {
		return nil
	}
	id, fault := parseUUID(etab)
	if fault != "" {
		return errNotYours
	}
	role, _, _ := strings.Cut(given(q.r.Header.Get("X-Roles")), ",")
	q.unit, q.role = id, strings.TrimSpace(role)
	_, err := s.establishment(q, id)
	if muster.CodeOf(err) == muster.Internal || err == nil && (q.role == "" || s.everywhere(q.caller)) {
		return err
	}
	holds, err := s.holds(q, id, q.role) // a pupil has selected their school too, and may read little of it
	if errors.Is(err, errNobody) || err == nil && !holds {
		err = errNotYours
	}
	return err
}

// bySubject is the caller under the name that created_by and uploaded_by show: the token's subject (contract §4.2), also of somebody whom the directory
// knows by a username.
func (q *request) bySubject() muster.Caller {
	c := q.caller
	if c.Subject != "" {
		c.Name = loginName + c.Subject
	}
	return c
}

// loginName begins the name of a caller that is a token's subject.
const loginName = "login:"

func createdBy(owner string) string { return strings.TrimPrefix(owner, loginName) }

// everywhere says whether a caller's rights are over all establishments.
func (s *surface) everywhere(c muster.Caller) bool { return c.Has(muster.ReadPeople) }

// scope is the establishment that lists are limited to: what somebody of an establishment has selected. Administrators see all of them.
func (s *surface) scope(q *request) uuid.UUID {
	if s.everywhere(q.caller) {
		return uuid.UUID{}
	}
	return q.unit
}

// establishment gives an establishment that the caller may see.
func (s *surface) establishment(q *request, id uuid.UUID) (muster.Unit, error) {
	u, err := s.Roster.Unit(q.ctx, q.caller, roster.UnitRef{ID: id})
	if err == nil && u.Kind != kind {
		err = muster.Errorf(muster.NotFound, "id", "There is no unit %s.", id)
	}
	return u, err
}

// given is a value that browsers send, without the words that JavaScript makes of nothing.
func given(value string) string {
	switch value = strings.TrimSpace(value); value {
	case "null", "undefined":
		return ""
	}
	return value
}
