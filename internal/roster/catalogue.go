package roster

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Catalogue gives the roles, secondary roles, cycles and subjects of the tenant's units.
func (r *Roster) Catalogue(ctx context.Context, caller muster.Caller) (c Catalogue, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, _ access.Reach) error {
		tenant, err := tx.Own()
		c = muster.CatalogueOf(tenant.Settings)
		return err
	})
	return c, err
}
