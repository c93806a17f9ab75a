package app

import (
	"context"
	"net/http"

	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/api/edconnekt"
	"github.com/musterid/muster/internal/api/native"
	"github.com/musterid/muster/internal/api/pages"
	"github.com/musterid/muster/internal/intake"
)

// surfaces is every surface of the product, on one screen.
func (a *App) surfaces(closing context.Context) http.Handler {
	links := map[string]string{"api": "/v1", "openapi": "/v1/openapi.json", "health": "/healthz", "ready": "/readyz"}
	var facts map[string]any
	surfaces := []api.Surface{
		native.New(native.Options{
			Access: a.access, Roster: a.roster, Batches: a.batches, Intake: a.intake, Provision: a.provision, Now: a.store.Now, Closing: closing.Done(),
			Limits: native.Limits{Body: a.config.Limits.Body, Depth: a.config.Limits.Depth, Upload: a.uploadLimits()},
		}),
		pages.New(pages.Options{Invite: a.invite, PublicURL: a.publicURL(), Now: a.store.Now}),
	}
	if !a.config.EdConnekt.Off {
		surfaces, facts = append(surfaces, a.edconnekt(closing)), edconnekt.Root()
	}
	if !a.config.JumpCloud.Off {
		surfaces = append(surfaces, a.jumpcloud())
	}
	return api.NewRouter(a.log, a.config.Now, api.Home(links, facts, a.readiness), surfaces...)
}

func (a *App) uploadLimits() intake.Limits {
	l := a.config.Limits
	return intake.Limits{
		Bytes: l.Upload, Rows: l.Rows, Columns: l.Columns, CellBytes: l.CellBytes, LineBytes: l.LineBytes, InflatedBytes: l.Inflated, Ratio: l.Ratio,
		Depth: l.Depth,
	}
}
