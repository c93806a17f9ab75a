package access

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// The names of what the first start makes.
const (
	FirstTenant = "default"
	FirstKey    = "admin" // and its application
)

// Bootstrap is part of every start. The first start of a database, in whichever process, binds the database to its sealing key, makes the tenant
// "default" and an admin key; save is called with the bare key before any of that is committed, so that no database is ever left without somebody
// who can get in. (What save wrote for a start that did not come to its end is worthless; save replaces it at the next.) Every later start only
// compares the sealing key, and refuses one that the database does not belong to.
//
// first says whether this was the first start. Of several processes that start at once exactly one is told so.
func (a *Access) Bootstrap(ctx context.Context, key secret.Key, save func(plain string) error) (first bool, err error) {
	err = a.st.WithStartLock(ctx, func() error {
		return a.st.Update(ctx, store.Everyone, func(tx *store.Tx) error {
			var recorded string
			if recorded, first, err = tx.KeyFingerprint(key.Fingerprint()); err != nil {
				return err
			}
			if recorded != key.Fingerprint() {
				return muster.Errorf(muster.Policy, "key", "This database belongs to the sealing key %s, and this process has the key %s. Start it with the key file of the "+
					"process that created the database: copy that file over its own.", recorded, key.Fingerprint())
			}
			if !first {
				return nil
			}
			tenant := muster.Tenant{Code: FirstTenant, Name: "Default", Settings: muster.DefaultSettings()}
			if err := tx.CreateTenant(&tenant); err != nil {
				return err
			}
			return makeFirstKey(tx.Of(tenant.Seq), save)
		})
	})
	if err == nil {
		a.key = key
	}
	return first && err == nil, err
}

func makeFirstKey(tx *store.Tx, save func(plain string) error) error {
	system := muster.Caller{Name: "system", Surface: "start"}
	own, err := tx.Own()
	if err != nil {
		return err
	}
	if err := tx.Audit(entry(system, "tenant.create", "tenant:"+own.ID.String(), muster.Diff(nil, tenantRecord(own)))); err != nil {
		return err
	}
	application, _, err := tx.EnsureApplication(FirstKey)
	if err != nil {
		return err
	}
	plain, _, err := writeKey(tx, system, muster.Key{Name: FirstKey, Scope: muster.AdminScope, Application: application.Seq}, application.Name)
	if err != nil {
		return err
	}
	return save(plain)
}
