package ldap

import (
	"context"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Find gives the account that the query leads to.
func (t *target) Find(ctx context.Context, q connector.Query) (connector.Account, error) {
	var account connector.Account
	err := t.pool.do(ctx, func(c *ldap.Conn) error {
		e, err := t.look(c, q)
		if err != nil {
			return err
		}
		account, err = t.whole(c, e)
		return err
	})
	if err != nil {
		return connector.Account{}, t.outcome("look for an entry", err)
	}
	return account, nil
}

func (t *target) look(c *ldap.Conn, q connector.Query) (*ldap.Entry, error) {
	switch {
	case q.ExternalID != "":
		return t.byID(c, q.ExternalID, q.Username)
	case q.Marker != "" && t.MarkerAttribute != "":
		e, err := t.only(c, equals(t.MarkerAttribute, q.Marker+markerLabel), "the marker "+q.Marker)
		if err != connector.ErrNotFound || q.Username == "" {
			return e, err
		}
	}
	if q.Username == "" {
		return nil, connector.ErrNotFound
	}
	return t.only(c, equals(t.UsernameAttribute, q.Username), "the username "+q.Username)
}

// byID finds the entry of an external id. Usernames are hints: an entry standing where they lead is read first, since many directories have no
// index on ids, and it counts only if the id is its own.
func (t *target) byID(c *ldap.Conn, id string, hints ...string) (*ldap.Entry, error) {
	filter, ok := t.idFilter(id)
	if !ok {
		return nil, connector.ErrNotFound
	}
	for i, hint := range hints {
		if hint == "" || slices.Contains(hints[:i], hint) {
			continue
		}
		e, err := t.read(c, t.entryDN(hint, true))
		if err == nil && t.externalID(e) == id {
			return e, nil
		}
		if err != nil && err != connector.ErrNotFound && broken(err) {
			return nil, err
		}
	}
	return t.only(c, filter, "the id "+id)
}

// only searches for the one entry that a filter finds.
func (t *target) only(c *ldap.Conn, filter, what string) (*ldap.Entry, error) {
	r, err := c.Search(ldap.NewSearchRequest(t.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false, filter, t.reads, nil))
	if code(err) == ldap.LDAPResultSizeLimitExceeded && r != nil && len(r.Entries) > 0 {
		err = nil
	}
	switch {
	case err != nil && code(err) == ldap.LDAPResultNoSuchObject:
		return nil, t.unseen("base_dn", t.BaseDN, err)
	case err != nil:
		return nil, err
	case len(r.Entries) == 0:
		return nil, connector.ErrNotFound
	case len(r.Entries) > 1:
		return nil, connector.Permanent(muster.Errorf(muster.Conflict, "", "Several entries of the directory have %s, such as %s and %s. Only one may.", what, r.Entries[0].DN, r.Entries[1].DN))
	}
	return r.Entries[0], nil
}

// read reads the entry of a name.
func (t *target) read(c *ldap.Conn, dn string) (*ldap.Entry, error) {
	r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", t.reads, nil))
	switch {
	case err != nil && code(err) == ldap.LDAPResultNoSuchObject:
		return nil, connector.ErrNotFound
	case err != nil:
		return nil, err
	case len(r.Entries) == 0:
		return nil, connector.ErrNotFound
	}
	return r.Entries[0], nil
}

// whole gives an account with its groups.
func (t *target) whole(c *ldap.Conn, e *ldap.Entry) (connector.Account, error) {
	a := t.account(e)
	if a.ExternalID == "" {
		return a, t.withoutID(e.DN)
	}
	if t.GroupsBaseDN == "" {
		return a, nil
	}
	groups, err := t.memberships(c, t.member(e.DN, a.Username))
	if err != nil {
		return a, err
	}
	if len(groups) > 0 {
		codes := make([]string, len(groups))
		for i, g := range groups {
			codes[i] = g.GetEqualFoldAttributeValue("cn")
		}
		slices.Sort(codes)
		a.Attributes["groups"] = slices.Compact(codes)
	}
	return a, nil
}

func (l *layout) withoutID(dn string) error {
	return connector.Permanent(muster.Errorf(muster.Policy, "config.id_attribute", "The directory does not show the attribute %s of %s to %s.", l.IDAttribute, dn, l.worker()))
}
