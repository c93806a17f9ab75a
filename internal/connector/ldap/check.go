package ldap

import (
	"context"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Check proves that the directory can be reached and lets us in, that the entries which settings name are there, and that its schema has the
// attributes and classes they name. Rights to write cannot be proved without writing.
func (t *target) Check(ctx context.Context) error {
	err := t.pool.do(ctx, func(c *ldap.Conn) error {
		for _, place := range [][2]string{{"base_dn", t.BaseDN}, {"dn", t.parent}, {"disabled_dn", t.branch()}, {"groups_base_dn", t.GroupsBaseDN}} {
			if place[1] == "" {
				continue
			}
			_, err := t.read(c, place[1])
			if err == connector.ErrNotFound {
				return t.unseen(place[0], place[1], nil)
			}
			if err != nil {
				return err
			}
		}
		return t.checkSchema(c)
	})
	return t.outcome("read", err)
}

func (l *layout) branch() string {
	if l.disabled == nil {
		return ""
	}
	return l.DisabledDN
}

// checkSchema compares settings with the schema, where the directory shows it.
func (t *target) checkSchema(c *ldap.Conn) error {
	attrs, classes, err := schema(c)
	if err != nil || len(attrs) == 0 || len(classes) == 0 {
		return err
	}
	var faults muster.Errors
	want := func(known map[string]bool, setting, what, name string) {
		if name != "" && !known[fold(name)] {
			faults = append(faults, muster.Errorf(muster.Invalid, "config."+setting, "The directory knows no %s %s.", what, name))
		}
	}
	want(attrs, "username_attribute", "attribute", t.UsernameAttribute)
	want(attrs, "id_attribute", "attribute", t.IDAttribute)
	want(attrs, "marker_attribute", "attribute", t.MarkerAttribute)
	switch t.Disable {
	case "attribute":
		want(attrs, "disabled_attribute", "attribute", t.flag)
	case "lock":
		if !attrs[fold(t.flag)] {
			faults = append(faults, muster.Errorf(muster.Invalid, "config.disable", "Accounts cannot be locked, because the directory works without the password policy overlay."))
		}
	}
	for _, m := range t.mappings {
		want(attrs, "attributes", "attribute", m.Attr)
	}
	for attr := range t.Fixed {
		want(attrs, "fixed", "attribute", attr)
	}
	for _, class := range t.ObjectClasses {
		want(classes, "object_classes", "object class", class)
	}
	if t.GroupsBaseDN != "" {
		want(classes, "group_object_class", "object class", t.GroupObjectClass)
	}
	if len(faults) > 0 {
		return connector.Permanent(faults)
	}
	return nil
}

// schema gives the folded names of all attributes and object classes; empty when the directory does not say.
func schema(c *ldap.Conn) (attrs, classes map[string]bool, err error) {
	root, err := base(c, "", "subschemaSubentry")
	if err != nil || root == nil || root.GetEqualFoldAttributeValue("subschemaSubentry") == "" {
		return nil, nil, err
	}
	e, err := base(c, root.GetEqualFoldAttributeValue("subschemaSubentry"), "attributeTypes", "objectClasses")
	if err != nil || e == nil {
		return nil, nil, err
	}
	return schemaNames(e.GetEqualFoldAttributeValues("attributeTypes")), schemaNames(e.GetEqualFoldAttributeValues("objectClasses")), nil
}

func base(c *ldap.Conn, dn string, attrs ...string) (*ldap.Entry, error) {
	r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attrs, nil))
	if err != nil && broken(err) {
		return nil, err
	}
	if err != nil || len(r.Entries) == 0 {
		return nil, nil
	}
	return r.Entries[0], nil
}

var (
	oneName   = regexp.MustCompile(` NAME '([^']+)'`)
	manyNames = regexp.MustCompile(` NAME \(([^)]*)\)`)
)

// schemaNames reads the names out of descriptions such as ( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name ).
func schemaNames(descriptions []string) map[string]bool {
	names := make(map[string]bool, 2*len(descriptions))
	for _, d := range descriptions {
		if m := oneName.FindStringSubmatch(d); m != nil {
			names[fold(m[1])] = true
		} else if m := manyNames.FindStringSubmatch(d); m != nil {
			for _, n := range strings.Fields(m[1]) {
				names[fold(strings.Trim(n, "'"))] = true
			}
		}
	}
	return names
}
