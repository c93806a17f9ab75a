package storetest_test

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestEachGivesAFreshDatabase(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		var list []muster.Tenant
		err := st.View(t.Context(), store.Everyone, func(tx *store.Tx) (err error) {
			list, err = tx.Tenants()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].Seq != storetest.Tenant || !list[0].CreatedAt.Equal(clock.Now()) {
			t.Errorf("tenants %+v", list)
		}
	})
}
