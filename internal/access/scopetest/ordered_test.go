package scopetest

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// To be put into an order is to get an account: it takes the right to change the person, and not only the order.
func TestWhoMayBePutIntoAnOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		caller := muster.Caller{Tenant: storetest.Tenant, Name: "login:staff", Surface: "native", Grants: []muster.Grant{
			{Privilege: muster.ReadPeople, Scope: muster.UnitScope, Object: w.other.Seq},
			{Privilege: muster.ReadPeople, Scope: muster.UnitScope, Object: w.mine.Seq},
			{Privilege: muster.WritePeople, Scope: muster.UnitScope, Object: w.mine.Seq},
		}}
		ordered := func(grants ...muster.Grant) func(muster.Unit) muster.Code {
			c := caller
			c.Grants = append(c.Grants[:len(c.Grants):len(c.Grants)], grants...)
			return func(u muster.Unit) muster.Code {
				_, err := w.provision.AddToOrder(t.Context(), c, w.ordered.ID, w.person("item", u).ID)
				return muster.CodeOf(err)
			}
		}
		if code := ordered()(w.mine); code != "" {
			t.Errorf("somebody of the unit: %s", code)
		}
		if code := ordered()(w.other); code != muster.Forbidden {
			t.Errorf("somebody who may only be read: %q", code)
		}
		if code := ordered(muster.Grant{Privilege: muster.WritePeople, Scope: muster.UnitScope, Object: w.other.Seq})(w.other); code != "" {
			t.Errorf("somebody of another unit of the caller's: %s", code)
		}
	})
}
