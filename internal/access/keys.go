package access

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// NewKey is a key to be made. It belongs to a person or to an application; an application that is not there is made, and one of the key's own
// name when neither is given.
type NewKey struct {
	Name        string
	Scope       muster.KeyScope // read, write or admin; empty is read
	Application string
	Person      uuid.UUID
	ExpiresAt   time.Time // zero: never
}

// KeyInfo is a key with whom it belongs to.
type KeyInfo struct {
	muster.Key
	ApplicationName string
	PersonID        uuid.UUID
	Username        string
}

// maxName is how many characters the name of a key, an application or a tenant has at most.
const maxName = 100

// CreateKey makes a key in the caller's tenant. plain is the key itself, which is not stored and cannot be shown again. It takes the privilege
// keys.manage, and nobody makes a key that may do more than they may.
func (a *Access) CreateKey(ctx context.Context, caller muster.Caller, n NewKey) (plain string, key KeyInfo, err error) {
	if err := Can(caller, muster.ManageKeys); err != nil {
		return "", KeyInfo{}, err
	}
	if err := a.checkKey(caller, &n); err != nil {
		return "", KeyInfo{}, err
	}
	err = a.st.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		key = KeyInfo{Key: muster.Key{Name: n.Name, Scope: n.Scope, ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Microsecond)}}
		owner := n.Application
		if n.Person != uuid.Nil {
			person, err := tx.Person(n.Person)
			if err != nil {
				return err
			}
			if person.State == muster.Deleted {
				return muster.Errorf(muster.NotFound, "person", "There is no person %s.", n.Person)
			}
			key.Person, key.PersonID, key.Username, owner = person.Seq, person.ID, person.Username, "person:"+person.ID.String()
		} else {
			application, created, err := tx.EnsureApplication(n.Application)
			if err != nil {
				return err
			}
			key.Application, key.ApplicationName = application.Seq, application.Name
			if created {
				change := muster.Diff(nil, muster.Record{"name": application.Name})
				if err := tx.Audit(entry(caller, "application.create", "application:"+application.ID.String(), change)); err != nil {
					return err
				}
			}
		}
		plain, key.Key, err = writeKey(tx, caller, key.Key, owner)
		return err
	})
	if err != nil {
		return "", KeyInfo{}, err
	}
	return plain, key, nil
}

// checkKey puts defaults in and gives every fault.
func (a *Access) checkKey(caller muster.Caller, n *NewKey) error {
	var faults muster.Errors
	n.Name, n.Application = strings.TrimSpace(n.Name), strings.TrimSpace(n.Application)
	if err := checkName("name", n.Name); err != nil {
		faults = append(faults, err)
	}
	switch {
	case n.Application != "" && n.Person != uuid.Nil:
		faults = append(faults, muster.Errorf(muster.Invalid, "person", "A key belongs to an application or to a person, not to both."))
	case n.Application != "":
		if err := checkName("application", n.Application); err != nil {
			faults = append(faults, err)
		}
	case n.Person == uuid.Nil:
		n.Application = n.Name
	}
	if n.Scope == "" {
		n.Scope = muster.ReadScope
	}
	grants := n.Scope.Grants()
	if len(grants) == 0 {
		faults = append(faults, muster.Errorf(muster.Invalid, "scope", "%q is not a scope. Use read, write or admin.", n.Scope))
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(a.st.Now()) {
		faults = append(faults, muster.Errorf(muster.Invalid, "expires_at", "The key would have expired already. Give a time to come, or none."))
	}
	if len(faults) > 0 {
		return faults
	}
	for _, g := range grants {
		if !caller.Has(g.Privilege) {
			return muster.Errorf(muster.Forbidden, "scope", "A key of scope %s may do more (%s) than %s may.", n.Scope, g.Privilege, name(caller))
		}
	}
	return nil
}

func checkName(field, s string) *muster.Error {
	switch {
	case s == "":
		return muster.Errorf(muster.Required, field, "A name is needed.")
	case utf8.RuneCountInString(s) > maxName:
		return muster.Errorf(muster.TooLong, field, "A name has at most %d characters; this has %d.", maxName, utf8.RuneCountInString(s))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return muster.Errorf(muster.Invalid, field, "A name has letters, digits, signs and blanks only; there is something else in this one.")
	}
	return nil
}

// writeKey makes the key itself and records both.
func writeKey(tx *store.Tx, caller muster.Caller, key muster.Key, owner string) (plain string, written muster.Key, err error) {
	plain, hash, prefix := secret.NewAPIKey()
	key.Prefix = prefix
	if err := tx.CreateKey(&key, hash); err != nil {
		return "", key, err
	}
	return plain, key, tx.Audit(entry(caller, "key.create", "key:"+key.ID.String(), muster.Diff(nil, keyRecord(key, owner))))
}

func keyRecord(key muster.Key, owner string) muster.Record {
	r := muster.Record{"name": key.Name, "scope": string(key.Scope), "prefix": key.Prefix, "owner": owner}
	if !key.ExpiresAt.IsZero() {
		r["expires_at"] = key.ExpiresAt.Format(time.RFC3339)
	}
	return r
}

func info(k store.KeyRow) KeyInfo {
	return KeyInfo{Key: k.Key, ApplicationName: k.ApplicationName, PersonID: k.PersonID, Username: k.Username}
}

// Keys lists the keys of the caller's tenant, oldest first, after a seq: also those that have expired. It takes the privilege keys.manage.
func (a *Access) Keys(ctx context.Context, caller muster.Caller, after int64, limit int) ([]KeyInfo, error) {
	if err := Can(caller, muster.ManageKeys); err != nil {
		return nil, err
	}
	var list []KeyInfo
	err := a.st.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		rows, err := tx.Keys(after, limit)
		for _, k := range rows {
			list = append(list, info(k))
		}
		return err
	})
	return list, err
}

// RevokeKey makes a key of the caller's tenant unknown from now on, for every process. The last key that may make others stays: without it
// nobody could come in again. It takes the privilege keys.manage, and every privilege that the key has.
func (a *Access) RevokeKey(ctx context.Context, caller muster.Caller, id uuid.UUID) error {
	if err := Can(caller, muster.ManageKeys); err != nil {
		return err
	}
	return a.st.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		key, err := tx.Key(id)
		if err != nil {
			return err
		}
		for _, g := range key.Scope.Grants() {
			if !caller.Has(g.Privilege) {
				return muster.Errorf(muster.Forbidden, "", "This key may do more (%s) than %s may, who therefore cannot revoke it.", g.Privilege, name(caller))
			}
		}
		expired := !key.ExpiresAt.IsZero() && !tx.Now().Before(key.ExpiresAt)
		if key.Scope == muster.AdminScope && !expired {
			others, err := tx.OtherKeys(muster.AdminScope, key.Seq)
			if err != nil {
				return err
			}
			if others == 0 {
				return muster.Errorf(muster.Policy, "", "This is the last admin key of the tenant. Make another one before revoking it.")
			}
		}
		if err := tx.DeleteKey(key.Seq); err != nil {
			return err
		}
		owner := key.ApplicationName
		if key.Person != 0 {
			owner = "person:" + key.PersonID.String()
		}
		return tx.Audit(entry(caller, "key.revoke", "key:"+key.ID.String(), muster.Diff(keyRecord(key.Key, owner), nil)))
	})
}

// Applications lists the applications of the caller's tenant, oldest first, after a seq. It takes the privilege keys.manage.
func (a *Access) Applications(ctx context.Context, caller muster.Caller, after int64, limit int) (list []muster.Application, err error) {
	if err := Can(caller, muster.ManageKeys); err != nil {
		return nil, err
	}
	err = a.st.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		list, err = tx.Applications(after, limit)
		return err
	})
	return list, err
}
