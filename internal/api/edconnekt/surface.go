// Package edconnekt is the HTTP surface that the EdConnekt front end speaks: its provisioning service, its identity service with the bulk import,
// and as much of its establishment service as onboarding needs. Its clients work unmodified.
//
// There is no rule of the product here: handlers check the form of a request, call floor 2, and answer in this surface's words. An identity is a
// person, an establishment a unit of the kind "establishment", an identity batch an import, a provisioning batch an order of accounts
// (internal/provision). README.md beside this file says what is served, what is refused and why.
//
// Begin with route.go (what every request goes through) and fault.go (the shapes of refusals); check.go reads requests as FastAPI does. The
// operations stand in provisioning.go, import.go, identity.go, role.go, catalogue.go, context.go and establishment.go.
package edconnekt

import (
	"context"
	"net/http"
	"time"

	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/lang"
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
	Closing   <-chan struct{} // ends live streams, which would go on for ever
	Health    func(ctx context.Context) Health

	Body   int64 // largest JSON body, in bytes (setting body-bytes)
	Depth  int   // of its nesting (setting body-depth)
	Upload intake.Limits

	Origins   []string // of browsers that may call: scheme://host[:port], or * for any
	TestItems bool     // POST …/test-items is served
	Stream    bool     // the stream of counters, which nobody has to sign in for, is served
}

// Health is what the health page tells.
type Health struct {
	Database bool // it answers
	Workers  bool // this process works on jobs
	// Accounts is connected, disconnected, or disabled where there is no Keycloak.
	Accounts string
}

const (
	surfaceName = "edconnekt"
	// kind is the kind of unit that an establishment is.
	kind = "establishment"
)

// french is the language of what this surface says to people.
var french = lang.Of("fr")

type surface struct {
	Options
	mux *api.Mux
}

// New makes the surface.
func New(o Options) api.Surface {
	s := &surface{Options: o}
	s.mux = &api.Mux{NotFound: s.noRoute, NotAllowed: s.notAllowed}
	for _, register := range []func(){
		s.services, s.provisioning, s.imports, s.identities, s.roles, s.catalogues, s.contexts, s.establishments,
	} {
		register()
	}
	prefixes := []string{"/provisioning", "/identity", "/establishment", "/api/v1/identity", "/api/etablissements", "/health"}
	return api.Surface{Name: surfaceName, Prefixes: prefixes, Handler: s, Panicked: s.panicked}
}

// ServeHTTP implements http.Handler.
func (s *surface) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if s.crossOrigin(w, r) {
		return
	}
	s.mux.ServeHTTP(w, r)
}
