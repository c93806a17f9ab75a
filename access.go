package muster

import (
	"time"

	"github.com/google/uuid"
)

// Tenant is the customer: owns everything, and nothing crosses it.
type Tenant struct {
	Seq      int64
	ID       uuid.UUID
	Code     string
	Name     string
	Settings Settings

	CreatedAt time.Time
}

// Settings are a tenant's rules.
type Settings struct {
	Usernames    UsernamePolicy           `json:"usernames"`
	Limits       Limits                   `json:"limits"`
	Issuers      []Issuer                 `json:"issuers,omitempty"`
	Catalogues   map[string]UnitCatalogue `json:"catalogues,omitempty"` // by kind of unit; each stands in place of the built-in one
	Provisioning ProvisioningRules        `json:"provisioning,omitzero"`

	// ReportTo is who is mailed what became of an import whose sender has no address, as a key that belongs to no person; "" is nobody.
	ReportTo string `json:"report_to,omitempty"`
}

// ProvisioningRules say where people's accounts are when only one place counts, as for a surface that shows one account of each person.
type ProvisioningRules struct {
	Target string `json:"target,omitempty"` // the target's name; "" is the only one of kind keycloak, else the accounts that are held here
}

// DefaultSettings are those of a tenant that has said nothing.
func DefaultSettings() Settings {
	return Settings{Usernames: DefaultUsernamePolicy(), Limits: DefaultLimits()}
}

// Privilege is a kind of thing that a caller may do.
type Privilege string

const (
	ReadPeople    Privilege = "people.read"
	WritePeople   Privilege = "people.write"
	ReadTargets   Privilege = "targets.read"
	ManageTargets Privilege = "targets.manage"
	ManageKeys    Privilege = "keys.manage"
	ManageTenants Privilege = "tenants.manage"
)

// ScopeKind says over what a privilege holds.
type ScopeKind string

const (
	TenantScope   ScopeKind = "tenant"
	UnitScope     ScopeKind = "unit"      // a unit and all below
	OwnUnitsScope ScopeKind = "own_units" // the holder's own units and all below
	NoUnitScope   ScopeKind = "no_unit"   // people without a unit
	SelfScope     ScopeKind = "self"      // the holder
	HandOutScope  ScopeKind = "hand_out"  // for membership: the group or role that may be handed out
)

// Grant is a privilege over a scope.
type Grant struct {
	Privilege Privilege
	Scope     ScopeKind
	Object    int64 // the unit, group or role; 0 where the scope needs none
}

// KeyScope is the short word for the grants of an API key.
type KeyScope string

const (
	ReadScope  KeyScope = "read"
	WriteScope KeyScope = "write"
	AdminScope KeyScope = "admin"
)

// Grants spells a key scope out.
func (s KeyScope) Grants() []Grant {
	var list []Grant
	add := func(privileges ...Privilege) {
		for _, p := range privileges {
			list = append(list, Grant{Privilege: p, Scope: TenantScope})
		}
	}
	switch s {
	case AdminScope:
		add(ReadPeople, WritePeople, ReadTargets, ManageTargets, ManageKeys, ManageTenants)
	case WriteScope:
		add(ReadPeople, WritePeople, ReadTargets)
	case ReadScope:
		add(ReadPeople, ReadTargets)
	}
	return list
}

// Application is a program that calls; it owns keys.
type Application struct {
	Seq       int64
	ID        uuid.UUID
	Name      string
	CreatedAt time.Time
}

// Key is a credential of an application or a person. The key itself is not stored, only its hash.
type Key struct {
	Seq         int64
	ID          uuid.UUID
	Name        string
	Prefix      string // the first characters, to recognise it by
	Scope       KeyScope
	Application int64 // 0 when it belongs to a person
	Person      int64
	ExpiresAt   time.Time // zero: never
	LastUsedAt  time.Time // to the minute
	CreatedAt   time.Time
}

// Caller is who is asking: with a tenant, rights, and the way they came.
type Caller struct {
	Tenant    int64
	Home      int64  // whose credential it is, for a caller at work in another tenant; 0: the same tenant
	Name      string // for the audit: key:secretary, person:jean.dupont
	Key       int64
	Person    int64
	Subject   string // of the token that the caller came with, as its issuer names them; "" for a key
	Grants    []Grant
	Surface   string // native, cli, jumpcloud …
	RequestID string
}

// Has says whether the caller holds a privilege over the whole tenant.
func (c Caller) Has(p Privilege) bool {
	for _, g := range c.Grants {
		if g.Privilege == p && g.Scope == TenantScope {
			return true
		}
	}
	return false
}

// AuditEntry is one recorded change of state. Change holds before and after; it never holds a secret.
type AuditEntry struct {
	Seq     int64
	At      time.Time
	Actor   string
	Surface string
	Request string
	Action  string // person.create, person.update, target.pause …
	Object  string // kind and id of what changed: person, unit, batch …
	Person  int64  // seq, when the object is a person
	Batch   int64  // seq of the batch, for entries that stand for a chunk
	Change  Change
	Digest  string // of a chunk: over its items
}
