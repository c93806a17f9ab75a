// Package native is the REST API under /v1: everything the product can do, described by the OpenAPI 3.1 document it serves at /v1/openapi.json.
//
// There is no rule of the product here: handlers decode, call floor 2, and encode. One file per noun. What every request goes through stands in
// guard.go (credential, body, time) and repeat.go (requests that are sent twice), errors in fault.go, lists in page.go.
package native

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
)

// Options are what the surface works with.
type Options struct {
	Access    *access.Access
	Roster    *roster.Roster
	Batches   *batch.Engine
	Intake    *intake.Intake
	Provision *provision.Provision
	Now       func() time.Time
	Limits    Limits
	Closing   <-chan struct{} // ends live streams, which would go on for ever
}

// Limits bound one request.
type Limits struct {
	Body   int64 // of a JSON body, in bytes (setting body-bytes)
	Depth  int   // of its nesting (setting body-depth)
	Upload intake.Limits
}

type surface struct {
	Options
	api  huma.API
	mux  *api.Mux
	spec func() []byte
}

const specPath = "/v1/openapi.json"

// New makes the surface.
func New(o Options) api.Surface {
	s := newSurface(o)
	return api.Surface{Name: "native", Prefixes: []string{"/v1"}, Handler: s, Panicked: api.Panicked}
}

func newSurface(o Options) *surface {
	prepareHuma()
	s := &surface{Options: o, mux: &api.Mux{NotFound: api.NoRoute, NotAllowed: api.NotAllowed}}
	s.api = huma.NewAPI(document(), adapter{s})
	for _, register := range []func(){
		s.people, s.personMoves, s.units, s.memberships, s.groups, s.uploads, s.batches, s.batchMoves, s.targets, s.accounts, s.keys, s.tenants,
	} {
		register()
	}
	s.mux.HandleFunc("GET "+specPath, s.serveSpec)
	s.spec = sync.OnceValue(func() []byte {
		text, err := json.Marshal(s.api.OpenAPI())
		if err != nil {
			panic(err) // it is made of this program's own types
		}
		return text
	})
	return s
}

// ServeHTTP asks for a credential before anything else, also on paths that are not there. Only the description of the API is everybody's.
func (s *surface) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.EscapedPath() != specPath {
		caller, err := s.callerOf(r)
		if err != nil {
			api.Refuse(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
	}
	s.mux.ServeHTTP(w, r)
}

func (s *surface) serveSpec(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(s.spec()) // a client that is gone
}

type callerKey struct{}

// callerOf turns the credential of a request into a caller, in the tenant they ask to work in.
func (s *surface) callerOf(r *http.Request) (muster.Caller, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	var caller muster.Caller
	var err error
	switch {
	case strings.EqualFold(scheme, "Bearer") && key != "":
		caller, err = s.Access.CallerOfToken(r.Context(), strings.TrimSpace(key))
	case strings.EqualFold(scheme, "Basic") && key != "":
		caller, err = s.signIn(r, key)
	default:
		err = muster.Errorf(muster.Unauthenticated, "", "Send an API key or a token, as in: Authorization: Bearer muster_…")
	}
	if err != nil {
		return caller, err
	}
	trace := api.TraceOf(r.Context())
	caller.Surface, caller.RequestID = "native", trace.ID
	if code := r.Header.Get("Muster-Tenant"); code != "" {
		if caller, err = s.Access.InTenant(r.Context(), caller, code); err != nil {
			return caller, err
		}
	}
	trace.Key, trace.Tenant = caller.Key, caller.Tenant
	return caller, nil
}

func caller(ctx context.Context) muster.Caller {
	c, _ := ctx.Value(callerKey{}).(muster.Caller) // the zero caller may do nothing
	return c
}

// handle registers an operation: f gets the decoded request and gives what is answered.
func handle[I, O any](s *surface, op huma.Operation, f func(ctx context.Context, caller muster.Caller, in *I) (*O, error)) {
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, caller(ctx), in)
		if err != nil {
			return nil, api.ProblemOf(ctx, op.Path, err)
		}
		return out, nil
	})
}

// stream registers an operation that reads or writes without an end in sight. It speaks HTTP itself.
func stream(s *surface, op huma.Operation, f func(w http.ResponseWriter, r *http.Request, caller muster.Caller) error) {
	op.Responses["default"] = &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{
		api.ProblemType: {Schema: s.schemaOf((*api.Problem)(nil))},
	}}
	s.api.OpenAPI().AddOperation(&op)
	s.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r, caller(r.Context())); err != nil {
			api.ExtendWrite(w)
			api.Refuse(w, r, err)
		}
	})
}
