package roster

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Catalogue gives the roles, secondary roles, cycles and subjects of the tenant's units: words, which every caller of the tenant may know.
func (r *Roster) Catalogue(ctx context.Context, caller muster.Caller) (c Catalogue, err error) {
	err = r.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		tenant, err := tx.Own()
		c = muster.CatalogueOf(tenant.Settings)
		return err
	})
	return c, err
}
