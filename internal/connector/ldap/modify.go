package ldap

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// modify sets the attributes of a step in one request, or makes none when all of them stand as they should. e is the entry as it was before it
// was moved to dn.
func (t *target) modify(c *ldap.Conn, e *ldap.Entry, dn, username string, enabled bool, s connector.Step) error {
	m := ldap.NewModifyRequest(dn, nil)
	set := func(attr string, values []string) {
		present := e.GetEqualFoldAttributeValues(attr)
		if values = withRDN(dn, attr, values); !slices.Equal(present, values) {
			m.Replace(attr, values)
		}
	}
	inName := attributesOfRDN(dn)
	if !slices.ContainsFunc(inName, func(a *ldap.AttributeTypeAndValue) bool { return strings.EqualFold(a.Type, t.UsernameAttribute) }) {
		set(t.UsernameAttribute, []string{username})
	}
	for _, change := range s.Change.Fields {
		for _, mp := range t.mappings {
			if mp.Field == change.Field {
				after := mp.Values(change.After)
				if t.surnamed && len(after) == 0 && strings.EqualFold(mp.Attr, "sn") {
					continue // names sees to it
				}
				set(mp.Attr, replaced(e.GetEqualFoldAttributeValues(mp.Attr), mp.Values(change.Before), after))
			}
		}
	}
	t.names(e, username, s, set)
	if s.Marker != "" && t.MarkerAttribute != "" && t.marker(e) != s.Marker {
		set(t.MarkerAttribute, marked(e.GetEqualFoldAttributeValues(t.MarkerAttribute), s.Marker))
	}
	if t.flag != "" && enabled != t.enabled(e) {
		set(t.flag, t.flagged(e.GetEqualFoldAttributeValues(t.flag), enabled))
	}
	if len(m.Changes) == 0 {
		return nil
	}
	return c.Modify(m)
}

// names sets the attributes that an entry of a person must have and that are made from several fields.
func (t *target) names(e *ldap.Entry, username string, s connector.Step, set func(string, []string)) {
	fields := []string{"first_name", "last_name", "display_name", "username"}
	if !slices.ContainsFunc(s.Change.Fields, func(f muster.FieldChange) bool { return slices.Contains(fields, f.Field) }) {
		return
	}
	known := t.account(e)
	wanted := s.Wanted
	if wanted == nil {
		wanted = known.Attributes.Apply(muster.Change{Action: muster.Update, Fields: s.Change.Fields})
	}
	if t.surnamed && wanted.Text("last_name") == "" {
		set("sn", []string{surname(wanted, username)})
	}
	if t.named {
		set("cn", replaced(e.GetEqualFoldAttributeValues("cn"), []string{commonName(known.Attributes, known.Username)}, []string{commonName(wanted, username)}))
	}
}

func attributesOfRDN(dn string) []*ldap.AttributeTypeAndValue {
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return nil
	}
	return parsed.RDNs[0].Attributes
}

// withRDN keeps among the values of an attribute the one that the entry is named by: a directory does not let go of it.
func withRDN(dn, attr string, values []string) []string {
	for _, a := range attributesOfRDN(dn) {
		if strings.EqualFold(a.Type, attr) && !has(values, a.Value) {
			values = append(slices.Clone(values), a.Value)
		}
	}
	return values
}
