package keycloak

import (
	"slices"
	"strconv"
	"strings"

	"github.com/musterid/muster"
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
	a := connector.Account{ExternalID: u.ID, Username: u.name(), Enabled: u.enabled(), Attributes: muster.Record{}}
	if marker := u.get(t.MarkerAttribute); len(marker) > 0 {
		a.Marker = marker[0]
	}
	addresses := map[string]map[string]any{}
	var phones, places []any
	for _, m := range t.mappings {
		values := u.get(m.attr)
		kind, part, _ := strings.Cut(m.part, ".")
		switch {
		case len(values) == 0:
		case m.field == "phones":
			for _, number := range values {
				phones = append(phones, map[string]any{"type": kind, "number": number})
			}
		case m.field == "addresses":
			if addresses[kind] == nil {
				addresses[kind] = map[string]any{"type": kind}
				places = append(places, addresses[kind])
			}
			addresses[kind][part] = values[0]
		case values[0] == "true" || values[0] == "false":
			a.Attributes[m.field] = values[0] == "true"
		default:
			a.Attributes[m.field] = values[0]
		}
	}
	if len(phones) > 0 {
		a.Attributes["phones"] = phones
	}
	if len(places) > 0 {
		a.Attributes["addresses"] = places
	}
	return a
}

// mapping keeps one field, or one part of it, in one attribute.
type mapping struct {
	field string // as in a muster.Record
	part  string // of phones and addresses, such as work and work.street
	attr  string
}

// fieldOf is our name of an attribute, and "" when it has none.
func (t *target) fieldOf(attr string) string {
	if attr == "username" {
		return attr
	}
	for _, m := range t.mappings {
		if m.attr == attr {
			return strings.TrimSuffix(m.field+"."+m.part, ".")
		}
	}
	return ""
}

// values gives the attribute's values for a value of the field, as it stands in memory or comes out of JSON. An empty text is no value.
func (m mapping) values(v any) (list []string) {
	kind, part, _ := strings.Cut(m.part, ".")
	switch x := v.(type) {
	case []muster.Phone:
		for _, p := range x {
			if p.Type == kind {
				list = append(list, p.Number)
			}
		}
	case []muster.Address:
		for _, a := range x {
			if a.Type == kind {
				list = append(list, addressPart(a, part))
			}
		}
	case []string:
		list = slices.Clone(x)
	case []any:
		for _, e := range x {
			list = append(list, m.element(e))
		}
	default:
		list = append(list, text(v))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// element reads a phone or address that has been through JSON, or a plain element of a list.
func (m mapping) element(e any) string {
	object, ok := e.(map[string]any)
	if !ok {
		return text(e)
	}
	kind, part, _ := strings.Cut(m.part, ".")
	if part == "" {
		part = "number"
	}
	if object["type"] != kind {
		return ""
	}
	return text(object[part])
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case int:
		return strconv.Itoa(x)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return ""
}

func addressPart(a muster.Address, part string) string {
	return map[string]string{
		"po_box": a.POBox, "extended": a.Extended, "street": a.Street, "locality": a.Locality, "region": a.Region,
		"postal_code": a.PostalCode, "country": a.Country,
	}[part]
}
