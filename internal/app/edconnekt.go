package app

import (
	"context"

	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/api/edconnekt"
)

// edconnekt is the EdConnekt surface.
func (a *App) edconnekt(closing context.Context) api.Surface {
	c := a.config.EdConnekt
	return edconnekt.New(edconnekt.Options{
		Access: a.access, Roster: a.roster, Batches: a.batches, Intake: a.intake, Provision: a.provision, Now: a.store.Now, Closing: closing.Done(),
		Health: a.health, Body: a.config.Limits.Body, Depth: a.config.Limits.Depth, Upload: a.uploadLimits(),
		Origins: c.Origins, TestItems: c.TestItems, Stream: !c.NoStream,
	})
}

// health is what the EdConnekt health pages tell. It asks the database and nobody outside.
func (a *App) health(ctx context.Context) edconnekt.Health {
	h := edconnekt.Health{Database: a.store.Ping(ctx) == nil, Workers: a.pulse.alive(), Accounts: "disabled"}
	if !h.Database {
		h.Accounts = "disconnected"
		return h
	}
	reach, err := a.provision.Reachable(ctx, "keycloak")
	switch {
	case err != nil || reach.Down > 0:
		h.Accounts = "disconnected"
	case reach.Targets > 0:
		h.Accounts = "connected"
	}
	return h
}
