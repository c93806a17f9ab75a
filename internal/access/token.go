package access

import (
	"context"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/auth"
	"github.com/musterid/muster/internal/store"
)

// CallerOfToken turns what a request bears into a caller: an API key, as CallerOfKey does, or a token of an OpenID Connect issuer that a tenant has in
// its settings. A bad token is muster.Unauthenticated, always before anything was changed. When the issuer does not answer and its keys are not known,
// so that the token cannot be judged, it is muster.Unavailable.
//
// A good token of somebody whom the directory does not know gives a caller without a person. Who holds the issuer's admin role administers the tenant,
// but is no operator; who is a person has what their roles give (grantsOf). A person who is not active has nothing, whatever the token says.
//
// The caller's Surface and RequestID are the surface's to fill in.
func (a *Access) CallerOfToken(ctx context.Context, bearer string) (muster.Caller, error) {
	if !auth.Looks(bearer) {
		return a.CallerOfKey(ctx, bearer)
	}
	trust, err := a.trusted(ctx, bearer)
	if err != nil {
		return muster.Caller{}, err
	}
	claims, err := a.tokens.Verify(ctx, bearer, trust.issuer)
	if err != nil {
		return muster.Caller{}, err
	}
	caller := muster.Caller{Tenant: trust.tenant, Name: "login:" + claims.Subject, Subject: claims.Subject}
	holder, err := a.holder(ctx, trust, claims)
	if muster.CodeOf(err) != muster.NotFound && err != nil {
		return muster.Caller{}, err
	}
	if err == nil {
		if holder.Username != "" {
			caller.Name = "person:" + holder.Username
		}
		if holder.State != muster.Active {
			return caller, nil
		}
		caller.Person, caller.Grants = holder.Person, grantsOf(trust.catalogue, holder.roles)
	}
	if trust.issuer.Administers(claims.RealmRoles) {
		caller.Grants = append(trust.adminGrants(), caller.Grants...)
	}
	return caller, nil
}

// trust is whose an issuer's token is.
type trust struct {
	tenant int64
	first  bool // the tenant is the installation's first
	issuer muster.Issuer
	// catalogue says what the roles of the tenant's people give.
	catalogue muster.Catalogue
}

// trusted finds the tenant and the settings by which a token is to be checked. Nothing of the token is known to be true yet.
func (a *Access) trusted(ctx context.Context, token string) (trust, error) {
	issuer, audience, err := auth.Unverified(token)
	if err != nil {
		return trust{}, err
	}
	var t trust
	err = a.st.View(ctx, store.Everyone, func(tx *store.Tx) error {
		if t.tenant, err = tx.TenantOfIssuer(issuer, audience); err != nil {
			return err
		}
		first, err := tx.FirstTenant()
		if err != nil {
			return err
		}
		own, err := tx.Of(t.tenant).Own()
		t.first, t.catalogue = t.tenant == first, muster.CatalogueOf(own.Settings)
		if i := slices.IndexFunc(own.Settings.Issuers, func(i muster.Issuer) bool { return i.Issuer == issuer }); i >= 0 {
			t.issuer = own.Settings.Issuers[i]
		}
		return err
	})
	if muster.CodeOf(err) == muster.NotFound || err == nil && t.issuer.Issuer == "" {
		return trust{}, muster.Errorf(muster.Unauthenticated, "", "No tenant accepts tokens of this issuer for this audience (iss and aud).")
	}
	return t, err
}

// adminGrants are those of who administers the tenant by a role that the issuer gives. The admins of the first tenant's issuer do not look after the
// machine and all tenants for that: operators have keys.
func (t trust) adminGrants() []muster.Grant {
	grants := muster.AdminScope.Grants()
	if t.first {
		grants = slices.DeleteFunc(grants, func(g muster.Grant) bool { return g.Privilege == muster.ManageTenants })
	}
	return grants
}

// holder is the person behind a token.
type holder struct {
	store.LoginRow
	roles []store.RoleHeld
}

// holder gives the person of a token, or muster.NotFound: by an earlier login, else by their account or address, which is then recorded.
func (a *Access) holder(ctx context.Context, t trust, claims auth.Claims) (h holder, err error) {
	find := func(tx *store.Tx) error {
		h.LoginRow, err = tx.Login(t.issuer.Issuer, claims.Subject)
		if err == nil && h.State == muster.Deleted {
			err = muster.Errorf(muster.NotFound, "", "The person of this login was deleted.")
		}
		if err != nil {
			return err
		}
		h.roles, err = tx.RolesHeld(h.Person)
		return err
	}
	var met int64
	err = a.st.View(ctx, t.tenant, func(tx *store.Tx) error {
		met = 0
		if err := find(tx); muster.CodeOf(err) != muster.NotFound {
			return err
		}
		met, err = meet(tx, t.issuer, claims)
		return err
	})
	if err != nil || met == 0 {
		return h, err
	}
	err = a.st.Update(ctx, t.tenant, func(tx *store.Tx) error {
		if err := find(tx); muster.CodeOf(err) != muster.NotFound {
			return err // somebody else was quicker
		}
		met, err := meet(tx, t.issuer, claims)
		if err != nil {
			return err
		}
		if err := record(tx, t.issuer, claims, met); err != nil {
			return err
		}
		return find(tx)
	})
	return h, err
}

// meet finds the person of a subject that comes for the first time, or gives muster.NotFound: the one whose account on the issuer's target has this id,
// else the holder of the address, if the issuer has verified it. Who has another account on that target is somebody else with the same address.
func meet(tx *store.Tx, issuer muster.Issuer, claims auth.Claims) (int64, error) {
	var target int64
	if issuer.Target != "" {
		row, err := tx.TargetByName(issuer.Target)
		if err != nil && muster.CodeOf(err) != muster.NotFound {
			return 0, err
		}
		if target = row.Seq; err == nil {
			person, err := tx.HolderOfAccount(target, claims.Subject)
			if muster.CodeOf(err) != muster.NotFound {
				return person, err
			}
		}
	}
	nobody := muster.Errorf(muster.NotFound, "", "Nobody here has this login.")
	if !claims.EmailVerified || claims.Email == "" {
		return 0, nobody
	}
	key := muster.FoldKey(claims.Email)
	holders, err := tx.Holders(store.EmailKey, []string{key})
	if err != nil {
		return 0, err
	}
	person := holders[key]
	if person == 0 {
		return 0, nobody
	}
	accounts, err := tx.AccountsOf(target, []int64{person})
	if err != nil {
		return 0, err
	}
	if account, has := accounts[person]; has && account.ExternalID != "" && account.State != muster.ReleasedAccount {
		return 0, nobody
	}
	return person, nil
}

// record keeps which person a subject is, and that it was found out now.
func record(tx *store.Tx, issuer muster.Issuer, claims auth.Claims, person int64) error {
	changed, err := tx.SaveLogin(issuer.Issuer, claims.Subject, person)
	if err != nil || !changed {
		return err
	}
	login, err := tx.Login(issuer.Issuer, claims.Subject)
	if err != nil {
		return err
	}
	e := entry(muster.Caller{Name: "login:" + claims.Subject, Surface: "login"}, "login.create", "person:"+login.PersonID.String(),
		muster.Diff(nil, muster.Record{"issuer": issuer.Issuer, "subject": claims.Subject}))
	e[0].Person = person
	return tx.Audit(e)
}

// grantsOf are the rights that come from the roles a person holds, as the tenant's catalogue has them: over the unit and all below it.
func grantsOf(catalogue muster.Catalogue, roles []store.RoleHeld) (grants []muster.Grant) {
	for _, r := range roles {
		for _, privilege := range catalogue.Rights(r.Kind, r.Role) {
			g := muster.Grant{Privilege: privilege, Scope: muster.UnitScope, Object: r.Unit}
			if !slices.Contains(grants, g) {
				grants = append(grants, g)
			}
		}
	}
	return grants
}
