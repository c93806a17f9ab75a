package keycloak

import (
	"slices"

	"github.com/musterid/muster/internal/connector"
)

// user is an account as the Admin API shows it. A field that is sent as null is left alone there, which is why some are pointers: what a person
// may have changed meanwhile, such as required actions, is never sent back.
type user struct {
	ID              string               `json:"id,omitempty"`
	Username        *string              `json:"username,omitempty"`
	FirstName       *string              `json:"firstName,omitempty"`
	LastName        *string              `json:"lastName,omitempty"`
	Email           *string              `json:"email,omitempty"`
	EmailVerified   *bool                `json:"emailVerified,omitempty"`
	Enabled         *bool                `json:"enabled,omitempty"`
	Attributes      *map[string][]string `json:"attributes,omitempty"` // sent, it replaces all of them
	RequiredActions []string             `json:"requiredActions,omitempty"`
	Groups          []string             `json:"groups,omitempty"` // paths; read with a new account alone

	Federation string `json:"federationLink,omitempty"` // where the account comes from, if not from the realm
}

// plain says whether an attribute is a field of the account, and not among its attributes.
func plain(attr string) bool {
	return slices.Contains(plainAttributes, attr)
}

var plainAttributes = []string{"firstName", "lastName", "email"}

// field gives the place of a plain attribute.
func (u *user) field(attr string) **string {
	switch attr {
	case "firstName":
		return &u.FirstName
	case "lastName":
		return &u.LastName
	}
	return &u.Email
}

// get gives the values of an attribute.
func (u *user) get(attr string) []string {
	if plain(attr) {
		if v := *u.field(attr); v != nil && *v != "" {
			return []string{*v}
		}
		return nil
	}
	if u.Attributes == nil {
		return nil
	}
	return (*u.Attributes)[attr]
}

// set gives an attribute its values; none clears it.
func (u *user) set(attr string, values []string) {
	if plain(attr) {
		v := ""
		if len(values) > 0 {
			v = values[0]
		}
		*u.field(attr) = &v
		return
	}
	if u.Attributes == nil {
		u.Attributes = &map[string][]string{}
	}
	if delete(*u.Attributes, attr); len(values) > 0 {
		(*u.Attributes)[attr] = values
	}
}

func (u *user) name() string  { return deref(u.Username) }
func (u *user) enabled() bool { return u.Enabled != nil && *u.Enabled }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// account reads a user; groups are looked up apart.
func (t *target) account(u *user) connector.Account {
	a := connector.Account{ExternalID: u.ID, Username: u.name(), Enabled: u.enabled(), Attributes: connector.Mapped(t.mappings, u.get)}
	if marker := u.get(t.MarkerAttribute); len(marker) > 0 {
		a.Marker = marker[0]
	}
	return a
}

// fieldOf is our name of an attribute, and "" when it has none.
func (t *target) fieldOf(attr string) string {
	if attr == "username" {
		return attr
	}
	for _, m := range t.mappings {
		if m.Attr == attr {
			return m.Name()
		}
	}
	return ""
}
