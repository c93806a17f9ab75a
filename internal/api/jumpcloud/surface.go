// Package jumpcloud is the HTTP surface that clients of JumpCloud's directory speak: bulk jobs that create and update users, their results row by
// row, and the few operations on single users without which a bulk client cannot make sense of the outcome. Its clients work unmodified.
//
// There is no rule of the product here: handlers check the form of a request, call floor 2, and answer in this surface's words. A system user is a
// person, an organization a tenant, a job an import whose rows take effect in order, a work result an item. README.md beside this file says what is
// served, what is refused and why.
//
// Begin with route.go (what every request goes through) and fault.go (the shape of refusals). attribute.go has every attribute of a user: how it is
// read and how it is shown; row.go is what internal/intake asks about the rows of a job. The operations stand in bulk.go, job.go, result.go for jobs
// and in systemuser.go, list.go, search.go, organization.go for single users.
package jumpcloud

import (
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
)

// Options are what the surface works with.
type Options struct {
	Access  *access.Access
	Roster  *roster.Roster
	Batches *batch.Engine
	Intake  *intake.Intake
	Now     func() time.Time

	Body      int64         // largest JSON body of a request about one user, in bytes (setting body-bytes)
	Depth     int           // of the nesting of any body (setting body-depth)
	BulkBody  int64         // largest body of a job, in bytes, after it was unpacked (setting jumpcloud-body-bytes)
	BulkRows  int           // most rows of a job (setting jumpcloud-rows)
	Retention time.Duration // how long a job is shown after its end
	States    States
}

// States are the states of new users who come without one, by how they come (contract §3.2).
type States struct {
	CSVImport, ApplicationImport, ManualEntry muster.State
}

const surfaceName = "jumpcloud"

type surface struct {
	Options
	mux *api.Mux
}

// New makes the surface. It answers every path below /api that belongs to no other surface.
func New(o Options) api.Surface {
	s := &surface{Options: o}
	s.mux = &api.Mux{NotFound: s.noRoute, NotAllowed: s.notAllowed}
	for _, register := range []func(){s.jobs, s.systemUsers, s.organizations} {
		register()
	}
	return api.Surface{Name: surfaceName, Prefixes: []string{"/api"}, Handler: s, Panicked: s.panicked}
}
