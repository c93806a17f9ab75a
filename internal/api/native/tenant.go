package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
)

// Tenant is a customer.
type Tenant struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Code      string    `json:"code" example:"default" doc:"It never changes."`
	Name      string    `json:"name"`
	Settings  Settings  `json:"settings"`
	CreatedAt time.Time `json:"created_at"`
}

// Settings are a tenant's rules.
type Settings struct {
	Usernames    muster.UsernamePolicy           `json:"usernames" doc:"How usernames are made."`
	Limits       muster.Limits                   `json:"limits" doc:"What a batch may do unasked. Past one of them it is held."`
	Issuers      []muster.Issuer                 `json:"issuers,omitempty" doc:"Whose tokens are accepted. Shown to those who look after tenants."`
	Catalogues   map[string]muster.UnitCatalogue `json:"catalogues,omitempty" doc:"By kind of unit: the roles and cycles there are, in place of the built-in ones."`
	Provisioning muster.ProvisioningRules        `json:"provisioning,omitzero" doc:"Which target counts where only one account of a person is shown."`
	ReportTo     string                          `json:"report_to,omitempty" doc:"Who is mailed what became of an import whose sender has no address of their own."`
}

func tenantView(t *muster.Tenant) Tenant {
	settings := Settings(t.Settings)
	settings.Usernames = settings.Usernames.WithDefaults()
	return Tenant{ID: t.ID, Code: t.Code, Name: t.Name, Settings: settings, CreatedAt: t.CreatedAt}
}

// SettingsIn are settings as far as they are said.
type SettingsIn struct {
	Usernames *struct {
		Pattern     *string `json:"pattern,omitempty" doc:"Such as {first}.{last}."`
		Digits      *int    `json:"digits,omitempty"`
		FirstNumber *int    `json:"first_number,omitempty"`
		Number      *string `json:"number,omitempty"`
		MaxLength   *int    `json:"max_length,omitempty"`
	} `json:"usernames,omitempty"`
	Limits *struct {
		MaxDisables *int `json:"max_disables,omitempty"`
		MaxRenames  *int `json:"max_renames,omitempty"`
		Percent     *int `json:"percent,omitempty"`
	} `json:"limits,omitempty"`
	Issuers *[]muster.Issuer `json:"issuers,omitempty" doc:"Whose tokens are accepted. It stands in place of the list there was."`

	Provisioning *struct {
		Target *string `json:"target,omitempty" doc:"The target's name. Empty: the only one of kind keycloak, else the accounts that are held here."`
	} `json:"provisioning,omitempty"`
	Catalogues *map[string]muster.UnitCatalogue `json:"catalogues,omitempty" doc:"By kind of unit: the roles and cycles there are, in place of the built-in ones. All of them stand in place of those there were."`
	ReportTo   *string                          `json:"report_to,omitempty" doc:"Who is mailed what became of an import whose sender has no address of their own. Empty: nobody."`
}

// over lays what is said over settings.
func (in *SettingsIn) over(s muster.Settings) muster.Settings {
	if in == nil {
		return s
	}
	if u := in.Usernames; u != nil {
		lay(&s.Usernames.Pattern, u.Pattern)
		lay(&s.Usernames.Digits, u.Digits)
		lay(&s.Usernames.FirstNumber, u.FirstNumber)
		lay((*string)(&s.Usernames.Number), u.Number)
		lay(&s.Usernames.MaxLength, u.MaxLength)
	}
	if l := in.Limits; l != nil {
		lay(&s.Limits.MaxDisables, l.MaxDisables)
		lay(&s.Limits.MaxRenames, l.MaxRenames)
		lay(&s.Limits.Percent, l.Percent)
	}
	if p := in.Provisioning; p != nil {
		lay(&s.Provisioning.Target, p.Target)
	}
	lay(&s.Issuers, in.Issuers)
	lay(&s.Catalogues, in.Catalogues)
	lay(&s.ReportTo, in.ReportTo)
	return s
}

func lay[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// TenantOut answers with one tenant.
type TenantOut struct {
	Location string `header:"Location"`
	Body     Tenant
}

func oneTenant(t muster.Tenant, err error) (*TenantOut, error) {
	if err != nil {
		return nil, err
	}
	return &TenantOut{Location: "/v1/tenants/" + t.Code, Body: tenantView(&t)}, nil
}

func (s *surface) tenants() {
	handle(s, op(http.MethodGet, "/v1/tenants", "list-tenants", "List tenants", "The tenants that the caller looks after."), s.listTenants)
	handle(s, op(http.MethodPost, "/v1/tenants", "create-tenant", "Make a tenant",
		"Makes a tenant without any key; `POST /v1/keys` with the header `Muster-Tenant` makes its first. Only callers of the installation's first tenant may.", creates), s.createTenant)
	handle(s, op(http.MethodGet, "/v1/tenants/{tenant}", "get-tenant", "Get a tenant", "A tenant by its code; `own` is the caller's."), s.getTenant)
	handle(s, op(http.MethodPatch, "/v1/tenants/{tenant}", "change-tenant", "Change a tenant", "A JSON merge patch of name and settings; `own` is the caller's tenant."), s.changeTenant)
}

// OneTenant names a tenant in the path.
type OneTenant struct {
	Tenant string `path:"tenant" doc:"The tenant's code, or own."`
}

// code gives the code of the tenant that is named.
func (s *surface) code(ctx context.Context, caller muster.Caller, named string) (string, error) {
	if named != "own" {
		return named, nil
	}
	t, err := s.Access.Own(ctx, caller)
	return t.Code, err
}

func (s *surface) listTenants(ctx context.Context, caller muster.Caller, in *Paging) (*struct{ Body Page[Tenant] }, error) {
	at, err := in.open("tenants")
	if err != nil {
		return nil, err
	}
	list, err := s.Access.Tenants(ctx, caller)
	if err != nil {
		return nil, err
	}
	for len(list) > 0 && list[0].Seq <= at.Seq {
		list = list[1:]
	}
	return &struct{ Body Page[Tenant] }{*paged(*in, at, list[:min(len(list), in.ask())], tenantView, func(t *muster.Tenant) (string, int64) { return "", t.Seq })}, nil
}

func (s *surface) createTenant(ctx context.Context, caller muster.Caller, in *struct {
	Body struct {
		Code     string      `json:"code" required:"true" example:"north" doc:"Lower-case letters, digits and hyphens."`
		Name     string      `json:"name" required:"true" example:"North Academy"`
		Settings *SettingsIn `json:"settings,omitempty"`
	}
},
) (*TenantOut, error) {
	return oneTenant(s.Access.CreateTenant(ctx, caller, access.NewTenant{
		Code: in.Body.Code, Name: in.Body.Name, Settings: in.Body.Settings.over(muster.DefaultSettings()),
	}))
}

// getTenant shows everybody their own tenant: it says how usernames are made.
func (s *surface) getTenant(ctx context.Context, caller muster.Caller, in *OneTenant) (*TenantOut, error) {
	if in.Tenant == "own" {
		return oneTenant(s.Access.Own(ctx, caller))
	}
	return oneTenant(s.Access.Tenant(ctx, caller, in.Tenant))
}

func (s *surface) changeTenant(ctx context.Context, caller muster.Caller, in *struct {
	OneTenant
	Body struct {
		Name     *string     `json:"name,omitempty"`
		Settings *SettingsIn `json:"settings,omitempty"`
	}
},
) (*TenantOut, error) {
	code, err := s.code(ctx, caller, in.Tenant)
	if err != nil {
		return nil, err
	}
	change := access.TenantChange{Name: in.Body.Name}
	if in.Body.Settings != nil {
		now, err := s.Access.Tenant(ctx, caller, code)
		if err != nil {
			return nil, err
		}
		change.Settings = ptr(in.Body.Settings.over(now.Settings))
	}
	return oneTenant(s.Access.UpdateTenant(ctx, caller, code, change))
}
