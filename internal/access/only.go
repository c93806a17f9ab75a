package access

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// OnlyTenant is the tenant that a request without a credential is about: the only one there is. Where there are several it is muster.NotFound.
func (a *Access) OnlyTenant(ctx context.Context) (seq int64, err error) {
	err = a.st.View(ctx, store.Everyone, func(tx *store.Tx) error {
		list, err := tx.Tenants()
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return muster.Errorf(muster.NotFound, "tenant", "There are several tenants here, and nothing says which one is meant.")
		}
		seq = list[0].Seq
		return nil
	})
	return seq, err
}
