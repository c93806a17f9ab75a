package store_test

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestLoginsAreOfOneTenant(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, _ *storetest.Clock) {
		const issuer = "https://sso.example.org"
		other := secondTenant(t, st)
		ana, eve := named("ana", "", ""), named("eve", "", "")
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, ana) })
		write(t, st, other, func(tx *store.Tx) error { return insert(tx, eve) })
		save := func(tenant int64, subject string, person int64, changed bool) {
			t.Helper()
			write(t, st, tenant, func(tx *store.Tx) error {
				got, err := tx.SaveLogin(issuer, subject, person)
				if got != changed {
					t.Errorf("saving %s for %d changes something: %v", subject, person, got)
				}
				return err
			})
		}
		save(storetest.Tenant, "s", ana.Seq, true)
		save(storetest.Tenant, "s", ana.Seq, false)
		save(other, "s", eve.Seq, true)
		for tenant, person := range map[int64]*store.PersonRow{storetest.Tenant: ana, other: eve} {
			look(t, st, tenant, func(tx *store.Tx) error {
				l, err := tx.Login(issuer, "s")
				if l.Person != person.Seq || l.PersonID != person.ID || l.Username != person.Username || l.State != person.State {
					t.Errorf("tenant %d: %+v", tenant, l)
				}
				if _, err := tx.Login(issuer, "S"); muster.CodeOf(err) != muster.NotFound {
					t.Errorf("another subject: %v", err)
				}
				if _, err := tx.Login(issuer+"/", "s"); muster.CodeOf(err) != muster.NotFound {
					t.Errorf("another issuer: %v", err)
				}
				return err
			})
		}
		another := named("ana.again", "", "")
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, another) })
		save(storetest.Tenant, "s", another.Seq, true)
	})
}

func TestAudiencesOfIssuers(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, _ *storetest.Clock) {
		const url = "https://sso.example.org"
		other := secondTenant(t, st)
		issuer := func(audience ...string) []muster.Issuer { return []muster.Issuer{{Issuer: url, Audience: audience}} }
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.SaveIssuers(issuer("a", "b")) })
		err := st.Update(t.Context(), other, func(tx *store.Tx) error { return tx.SaveIssuers(issuer("c", "b")) })
		if muster.CodeOf(err) != muster.Conflict {
			t.Errorf("an audience that is taken: %v", err)
		}
		write(t, st, other, func(tx *store.Tx) error { return tx.SaveIssuers(issuer("c")) })
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.SaveIssuers(issuer("b")) })
		look(t, st, store.Everyone, func(tx *store.Tx) error {
			for _, c := range []struct {
				audience []string
				tenant   int64
			}{{[]string{"a"}, 0}, {nil, 0}, {[]string{"x", "c", "b"}, other}, {[]string{"b", "c"}, storetest.Tenant}, {[]string{"b", "b"}, storetest.Tenant}} {
				got, err := tx.TenantOfIssuer(url, c.audience)
				if got != c.tenant || c.tenant == 0 && muster.CodeOf(err) != muster.NotFound || c.tenant != 0 && err != nil {
					t.Errorf("%q leads to %d, %v; want %d", c.audience, got, err, c.tenant)
				}
			}
			_, err := tx.TenantOfIssuer(url+"/", []string{"b"})
			if muster.CodeOf(err) != muster.NotFound {
				t.Errorf("another issuer: %v", err)
			}
			return nil
		})
	})
}
