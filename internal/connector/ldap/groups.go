package ldap

import (
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// member is how a group names the account.
func (l *layout) member(dn, username string) string {
	if l.byName {
		return username
	}
	return dn
}

func (l *layout) groupFilter() string { return "(objectClass=" + l.GroupObjectClass + ")" }

// memberships lists the groups that hold a member.
func (t *target) memberships(c *ldap.Conn, member string) ([]*ldap.Entry, error) {
	return t.searchGroups(c, "(&"+t.groupFilter()+equals(t.members, member)+")")
}

func (t *target) searchGroups(c *ldap.Conn, filter string) ([]*ldap.Entry, error) {
	r, err := c.SearchWithPaging(ldap.NewSearchRequest(t.GroupsBaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"cn"}, nil), uint32(t.PageSize))
	if code(err) == ldap.LDAPResultNoSuchObject {
		return nil, t.unseen("groups_base_dn", t.GroupsBaseDN, err)
	}
	if err != nil {
		return nil, err
	}
	return r.Entries, nil
}

// group finds the group of a code (its cn), and makes it with its first member where that is allowed. made says that nothing is left to do.
func (t *target) group(c *ldap.Conn, name, member string) (dn string, made bool, err error) {
	found, err := t.searchGroups(c, "(&"+t.groupFilter()+equals("cn", name)+")")
	switch {
	case err != nil:
		return "", false, err
	case len(found) > 1:
		return "", false, connector.Permanent(muster.Errorf(muster.Conflict, "groups", "Several groups of the directory have the code %s, such as %s and %s.", name, found[0].DN, found[1].DN))
	case len(found) == 1:
		return found[0].DN, false, nil
	case !t.CreateGroups:
		return "", false, connector.Permanent(muster.Errorf(muster.NotFound, "groups", "The directory has no group %s below %s. Create it there, or set create_groups.", name, t.GroupsBaseDN))
	}
	dn = "cn=" + escapeDN(name) + "," + t.GroupsBaseDN
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{t.GroupObjectClass})
	add.Attribute("cn", []string{name})
	add.Attribute(t.members, []string{member})
	err = c.Add(add)
	if code(err) != ldap.LDAPResultEntryAlreadyExists {
		return dn, true, err
	}
	found, err = t.searchGroups(c, "(&"+t.groupFilter()+equals("cn", name)+")")
	if err == nil && len(found) != 1 { // nobody was faster: it is something else
		err = connector.Permanent(muster.Errorf(muster.Conflict, "groups", "The directory has an entry %s that is not a group of class %s.", dn, t.GroupObjectClass))
	}
	return dn, false, err
}

// regroup joins and leaves groups.
func (t *target) regroup(c *ldap.Conn, dn, username string, change muster.FieldChange) error {
	member, wanted := t.member(dn, username), connector.Texts(change.After)
	for _, name := range wanted {
		group, made, err := t.group(c, name, member)
		if err == nil && !made {
			err = t.join(c, group, member)
		}
		if err != nil {
			return err
		}
	}
	left := slices.DeleteFunc(connector.Texts(change.Before), func(name string) bool { return slices.Contains(wanted, name) })
	for _, name := range left {
		found, err := t.searchGroups(c, "(&"+t.groupFilter()+equals("cn", name)+equals(t.members, member)+")")
		if err != nil {
			return err
		}
		for _, g := range found {
			if err := t.leave(c, g.DN, member); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *target) join(c *ldap.Conn, group, member string) error {
	m := ldap.NewModifyRequest(group, nil)
	m.Add(t.members, []string{member})
	if err := c.Modify(m); code(err) != ldap.LDAPResultAttributeOrValueExists {
		return err
	}
	return nil
}

// leave takes a member out. The last one of a group that must have one gives way to the placeholder.
func (t *target) leave(c *ldap.Conn, group, member string) error {
	m := ldap.NewModifyRequest(group, nil)
	m.Delete(t.members, []string{member})
	err := c.Modify(m)
	if code(err) == ldap.LDAPResultObjectClassViolation && t.needsMember() {
		m = ldap.NewModifyRequest(group, nil)
		m.Add(t.members, []string{t.GroupPlaceholder})
		m.Delete(t.members, []string{member})
		err = c.Modify(m)
	}
	if n := code(err); n == ldap.LDAPResultNoSuchAttribute || n == ldap.LDAPResultNoSuchObject { // out already
		return nil
	}
	return err
}

// forget takes a member out of all groups.
func (t *target) forget(c *ldap.Conn, member string) error {
	groups, err := t.memberships(c, member)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := t.leave(c, g.DN, member); err != nil {
			return err
		}
	}
	return nil
}

// follow makes groups name an account by its new name where they still have an old one. A directory with the refint overlay has done it already.
func (t *target) follow(c *ldap.Conn, old, now string) error {
	groups, err := t.memberships(c, old)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := t.join(c, g.DN, now); err != nil {
			return err
		}
		if err := t.leave(c, g.DN, old); err != nil {
			return err
		}
	}
	return nil
}
