package ldap

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster/internal/connector"
)

// List gives every entry of the first object class that has a username, page by page. One connection is held for the whole of it, because the
// cookie that leads to the next page belongs to a connection.
func (t *target) List(ctx context.Context, each func(connector.Account) error) error {
	filter := "(&(objectClass=" + t.ObjectClasses[0] + ")(" + t.UsernameAttribute + "=*))"
	paging := ldap.NewControlPaging(uint32(t.PageSize))
	return t.pool.hold(ctx, func(do func(func(*ldap.Conn) error) error) error {
		for {
			var page *ldap.SearchResult
			err := do(func(c *ldap.Conn) (err error) {
				page, err = c.Search(ldap.NewSearchRequest(t.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, t.reads, []ldap.Control{paging}))
				return err
			})
			if err != nil && !cutShort(err) {
				return t.listOutcome(err)
			}
			for _, e := range page.Entries {
				if err := each(t.account(e)); err != nil {
					return err
				}
			}
			if err != nil || len(page.Referrals) > 0 {
				return fmt.Errorf("ldap: list entries: %w", connector.ErrIncomplete)
			}
			next, ok := ldap.FindControl(page.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if !ok || len(next.Cookie) == 0 {
				return nil
			}
			paging.SetCookie(next.Cookie)
		}
	})
}

// cutShort: the directory gave some entries and kept the rest to itself.
func cutShort(err error) bool {
	switch code(err) {
	case ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultReferral:
		return true
	}
	return false
}

func (t *target) listOutcome(err error) error {
	if code(err) == ldap.LDAPResultNoSuchObject {
		return t.unseen("base_dn", t.BaseDN, err)
	}
	return t.outcome("list entries", err)
}
