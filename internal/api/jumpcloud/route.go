package jumpcloud

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

const answerWithin = 30 * time.Second // an ordinary request

// request is one request that got as far as an operation.
type request struct {
	ctx    context.Context
	w      http.ResponseWriter
	r      *http.Request
	caller muster.Caller
	org    muster.Tenant
}

// operation answers a request with a body, or with an error. Every success is 200 (contract §2, §7).
type operation func(q *request) (body any, err error)

type identified struct{}

// ServeHTTP lets nobody past who has no valid key: 401 comes before everything else, also before 404 (contract §1.5). Then the organization.
func (s *surface) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{ctx: r.Context(), w: w, r: r}
	if err := s.identify(q); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identified{}, q)))
}

// identify finds out who calls, and whether they speak of their own organization (contract §1.3). Headers that come twice count once (§1.2).
func (s *surface) identify(q *request) (err error) {
	key := strings.TrimSpace(q.r.Header.Get("X-Api-Key"))
	if key == "" {
		return refuse(http.StatusUnauthorized, "Send an API key in the header x-api-key.")
	}
	if q.caller, err = s.Access.CallerOfKey(q.ctx, key); err != nil {
		return err
	}
	trace := api.TraceOf(q.ctx)
	q.caller.Surface, q.caller.RequestID = surfaceName, trace.ID
	trace.Key, trace.Tenant = q.caller.Key, q.caller.Tenant
	if q.org, err = s.Access.Own(q.ctx, q.caller); err != nil {
		return err
	}
	switch id := strings.TrimSpace(q.r.Header.Get("X-Org-Id")); {
	case id == "":
		return nil
	case !isID(id):
		return badRequest("x-org-id", "invalid", "The header x-org-id is an organization's id: 24 hexadecimal digits. It may be left out.")
	case !strings.EqualFold(id, q.orgID()):
		return refuse(http.StatusNotFound, "There is no such organization.")
	}
	return nil
}

// route registers an operation, with and without a final slash: a POST must never be redirected (contract §1.1).
func (s *surface) route(pattern string, do operation) { s.routeWithin(answerWithin, pattern, do) }

// routeLong is route for an operation that reads as long as the client takes to send.
func (s *surface) routeLong(pattern string, do operation) { s.routeWithin(0, pattern, do) }

func (s *surface) routeWithin(limit time.Duration, pattern string, do operation) {
	for _, form := range []string{pattern, pattern + "/"} {
		s.mux.HandleFunc(form, func(w http.ResponseWriter, r *http.Request) {
			q := r.Context().Value(identified{}).(*request)
			q.ctx, q.w, q.r = r.Context(), w, r
			if limit > 0 {
				ctx, cancel := context.WithTimeout(q.ctx, limit)
				defer cancel()
				q.ctx = ctx
			}
			body, err := s.carryOut(q, do)
			api.ExtendWrite(w) // whoever sent a large body took their time
			if err != nil {
				s.refuse(w, r, err)
				return
			}
			write(w, http.StatusOK, body)
		})
	}
}

func (s *surface) carryOut(q *request, do operation) (any, error) {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		if err := checkMedia(q.r.Header.Get("Content-Type")); err != nil {
			return nil, err
		}
	}
	return do(q)
}

// checkMedia refuses a body that says it is no JSON. Clients send the header without a body, too, and twice (contract §1.2).
func checkMedia(given string) error {
	if strings.TrimSpace(given) == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(given)
	if err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "Send the body as application/json.")
}

// writer refuses a caller who may not change people, before their body is read.
func (q *request) writer() error {
	if q.caller.Has(muster.WritePeople) {
		return nil
	}
	return refuse(http.StatusForbidden, "This API key may only read.")
}
