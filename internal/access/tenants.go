package access

import (
	"context"
	"reflect"
	"regexp"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/store"
)

// The first tenant of a database is whoever runs the installation. A caller of it with the privilege tenants.manage may make tenants and look
// after each of them; elsewhere the privilege is over the caller's own tenant, and other tenants are not there.

// Operator says whether a caller answers for the machine that the installation runs on: one with the privilege tenants.manage whose credential is the
// first tenant's, in whichever tenant they are at work. What reaches beyond tenants, such as the machine's own network and files, is theirs to allow.
func Operator(tx *store.Tx, caller muster.Caller) (bool, error) {
	if !caller.Has(muster.ManageTenants) {
		return false, nil
	}
	first, err := tx.FirstTenant()
	return err == nil && first != 0 && home(caller) == first, err
}

// home is the tenant of the caller's credential.
func home(caller muster.Caller) int64 {
	if caller.Home != 0 {
		return caller.Home
	}
	return caller.Tenant
}

// NewTenant is a tenant to be made.
type NewTenant struct {
	Code     string // lower-case letters, digits and hyphens; it never changes
	Name     string
	Settings muster.Settings // the zero Settings are the defaults
}

// TenantChange is what to change of a tenant. What is nil stays.
type TenantChange struct {
	Name     *string
	Settings *muster.Settings
}

var tenantCode = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CreateTenant makes a tenant without any key: InTenant gives the caller who makes the first one.
func (a *Access) CreateTenant(ctx context.Context, caller muster.Caller, n NewTenant) (muster.Tenant, error) {
	if err := Can(caller, muster.ManageTenants); err != nil {
		return muster.Tenant{}, err
	}
	tenant := muster.Tenant{Code: n.Code, Name: strings.TrimSpace(n.Name), Settings: n.Settings}
	if reflect.ValueOf(tenant.Settings).IsZero() {
		tenant.Settings = muster.DefaultSettings()
	}
	var faults muster.Errors
	if !tenantCode.MatchString(n.Code) {
		faults = append(faults, muster.Errorf(muster.Invalid, "code", "The code of a tenant has 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."))
	}
	if err := checkName("name", tenant.Name); err != nil {
		faults = append(faults, err)
	}
	if err := append(faults, checkSettings(tenant.Settings)...).Or(); err != nil {
		return muster.Tenant{}, err
	}
	err := a.st.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		first, err := tx.FirstTenant()
		if err != nil {
			return err
		}
		if caller.Tenant != first {
			return muster.Errorf(muster.Forbidden, "", "Only callers of the installation's first tenant make tenants; %s is another tenant's.", name(caller))
		}
		if err := tx.CreateTenant(&tenant); err != nil {
			return err
		}
		if err := saveIssuers(tx.Of(tenant.Seq), caller, nil, tenant.Settings.Issuers); err != nil {
			return err
		}
		return tx.Audit(entry(caller, "tenant.create", "tenant:"+tenant.ID.String(), muster.Diff(nil, tenantRecord(tenant))))
	})
	if err != nil {
		return muster.Tenant{}, err
	}
	return tenant, nil
}

// Tenants lists the tenants that the caller looks after, oldest first.
func (a *Access) Tenants(ctx context.Context, caller muster.Caller) (list []muster.Tenant, err error) {
	if err := Can(caller, muster.ManageTenants); err != nil {
		return nil, err
	}
	err = a.st.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		first, err := tx.FirstTenant()
		if err != nil {
			return err
		}
		if caller.Tenant == first {
			list, err = tx.Tenants()
			return err
		}
		own, err := tx.Own()
		list = []muster.Tenant{own}
		return err
	})
	return list, err
}

// Own gives the caller's own tenant. Everybody may read it: it says how usernames are made. Its issuers, which tell of the networks around, are left
// out for those who do not look after tenants.
func (a *Access) Own(ctx context.Context, caller muster.Caller) (tenant muster.Tenant, err error) {
	err = a.st.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		tenant, err = tx.Own()
		return err
	})
	if !caller.Has(muster.ManageTenants) {
		tenant.Settings.Issuers = nil
	}
	return tenant, err
}

// Tenant gives a tenant by its code. One that the caller does not look after is muster.NotFound.
func (a *Access) Tenant(ctx context.Context, caller muster.Caller, code string) (tenant muster.Tenant, err error) {
	if err := Can(caller, muster.ManageTenants); err != nil {
		return muster.Tenant{}, err
	}
	err = a.st.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		tenant, err = reach(tx, caller, code)
		return err
	})
	return tenant, err
}

// reach gives a tenant that the caller looks after.
func reach(tx *store.Tx, caller muster.Caller, code string) (muster.Tenant, error) {
	none := muster.Errorf(muster.NotFound, "tenant", "There is no tenant %q.", code)
	first, err := tx.FirstTenant()
	if err != nil {
		return muster.Tenant{}, err
	}
	tenant, err := tx.TenantByCode(code)
	if muster.CodeOf(err) == muster.NotFound || err == nil && caller.Tenant != first && tenant.Seq != caller.Tenant {
		return muster.Tenant{}, none
	}
	return tenant, err
}

// InTenant is the caller at work in another tenant, which they look after. The audit there keeps their name.
func (a *Access) InTenant(ctx context.Context, caller muster.Caller, code string) (muster.Caller, error) {
	tenant, err := a.Tenant(ctx, caller, code)
	if err != nil {
		return muster.Caller{}, err
	}
	if tenant.Seq != caller.Tenant {
		caller.Tenant, caller.Home, caller.Person = tenant.Seq, home(caller), 0
	}
	return caller, nil
}

// UpdateTenant changes a tenant that the caller looks after.
func (a *Access) UpdateTenant(ctx context.Context, caller muster.Caller, code string, change TenantChange) (muster.Tenant, error) {
	caller, err := a.InTenant(ctx, caller, code)
	if err != nil {
		return muster.Tenant{}, err
	}
	var tenant muster.Tenant
	err = a.st.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		if tenant, err = tx.Own(); err != nil {
			return err
		}
		before := tenant
		var faults muster.Errors
		if change.Name != nil {
			tenant.Name = strings.TrimSpace(*change.Name)
			if err := checkName("name", tenant.Name); err != nil {
				faults = append(faults, err)
			}
		}
		if change.Settings != nil {
			tenant.Settings = *change.Settings
			faults = append(faults, checkSettings(tenant.Settings)...)
		}
		if err := faults.Or(); err != nil {
			return err
		}
		if err := checkDigits(tx, before.Settings.Usernames, tenant.Settings.Usernames); err != nil {
			return err
		}
		d := muster.Diff(tenantRecord(before), tenantRecord(tenant))
		if d.Empty() {
			return nil
		}
		fault, err := namesTarget(tx, "provisioning.target", before.Settings.Provisioning.Target, tenant.Settings.Provisioning.Target)
		if err != nil {
			return err
		}
		if fault != nil {
			return fault
		}
		if err := saveIssuers(tx, caller, before.Settings.Issuers, tenant.Settings.Issuers); err != nil {
			return err
		}
		if err := tx.SaveTenant(tenant); err != nil {
			return err
		}
		return tx.Audit(entry(caller, "tenant.update", "tenant:"+tenant.ID.String(), d))
	})
	if err != nil {
		return muster.Tenant{}, err
	}
	return tenant, nil
}

// SettingsOf gives the settings of a tenant.
func (a *Access) SettingsOf(ctx context.Context, tenant int64) (settings muster.Settings, err error) {
	err = a.st.View(ctx, tenant, func(tx *store.Tx) error {
		own, err := tx.Own()
		settings = own.Settings
		return err
	})
	return settings, err
}

func checkSettings(s muster.Settings) muster.Errors {
	var faults muster.Errors
	if err := s.Usernames.Validate(); err != nil {
		faults = append(faults, muster.Faults(err)...)
	}
	for _, limit := range []struct {
		field string
		n     int
	}{{"limits.max_disables", s.Limits.MaxDisables}, {"limits.max_renames", s.Limits.MaxRenames}} {
		if limit.n < 0 {
			faults = append(faults, muster.Errorf(muster.Invalid, limit.field, "A limit is 0 or more, not %d.", limit.n))
		}
	}
	if s.Limits.Percent < 0 || s.Limits.Percent > 100 {
		faults = append(faults, muster.Errorf(muster.Invalid, "limits.percent", "A percentage is 0 to 100, not %d.", s.Limits.Percent))
	}
	if s.ReportTo != "" && mail.CheckAddress(s.ReportTo) != nil {
		faults = append(faults, muster.Errorf(muster.Invalid, "report_to", "%q is no address to send reports to. It needs the form admin@example.org.", s.ReportTo))
	}
	faults = append(faults, muster.ValidateCatalogues(s.Catalogues)...)
	return append(faults, checkIssuers(s.Issuers)...)
}

// checkDigits keeps numbers from becoming so short that names which are there already could be read as numbered ones.
func checkDigits(tx *store.Tx, before, after muster.UsernamePolicy) error {
	was, is := before.WithDefaults().Digits, after.WithDefaults().Digits
	if is >= was || is >= muster.DefaultUsernamePolicy().Digits {
		return nil
	}
	counts, err := tx.PeopleCounts()
	if err != nil {
		return err
	}
	for _, n := range counts {
		if n > 0 {
			return muster.Errorf(muster.Policy, "usernames.digits", "The numbers of usernames cannot be shortened from %d to %d digits once there are people.", was, is)
		}
	}
	return nil
}

func tenantRecord(t muster.Tenant) muster.Record {
	u, l := t.Settings.Usernames.WithDefaults(), t.Settings.Limits
	r := muster.Record{
		"code": t.Code, "name": t.Name, "usernames.pattern": u.Pattern, "usernames.digits": u.Digits, "usernames.first_number": u.FirstNumber,
		"usernames.number": string(u.Number), "usernames.max_length": u.MaxLength, "limits.max_disables": l.MaxDisables, "limits.max_renames": l.MaxRenames,
		"limits.percent": l.Percent,
	}
	if target := t.Settings.Provisioning.Target; target != "" {
		r["provisioning.target"] = target
	}
	if to := t.Settings.ReportTo; to != "" {
		r["report_to"] = to
	}
	recordIssuers(r, t.Settings.Issuers)
	for kind, catalogue := range t.Settings.Catalogues {
		r["catalogues."+kind] = catalogue.Text()
	}
	return r
}
