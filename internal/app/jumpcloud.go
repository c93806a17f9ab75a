package app

import (
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/api/jumpcloud"
)

// jumpcloud is the JumpCloud surface.
func (a *App) jumpcloud() api.Surface {
	c := a.config.JumpCloud
	return jumpcloud.New(jumpcloud.Options{
		Access: a.access, Roster: a.roster, Batches: a.batches, Intake: a.intake, Now: a.store.Now,
		Body: a.config.Limits.Body, Depth: a.config.Limits.Depth, BulkBody: c.Body, BulkRows: c.Rows, Retention: a.jobsShown(),
		States: jumpcloud.States{CSVImport: stateNamed(c.CSVImport), ApplicationImport: stateNamed(c.ApplicationImport), ManualEntry: stateNamed(c.ManualEntry)},
	})
}

// jobsShown is how long bulk jobs are shown after their end.
func (a *App) jobsShown() time.Duration {
	return time.Duration(a.config.JumpCloud.Days) * 24 * time.Hour
}

func stateNamed(word string) muster.State {
	if word == "STAGED" {
		return muster.Staged
	}
	return muster.Active
}
