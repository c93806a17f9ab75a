package ldap

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// SetPassword has the directory set a password by its own operation for that (RFC 3062), so that it stores it in its own way and applies its own
// policy. A policy that makes people change a password that somebody else set is told that this one is the person's.
func (t *target) SetPassword(ctx context.Context, externalID, password string) error {
	err := t.pool.do(ctx, func(c *ldap.Conn) error {
		e, err := t.byID(c, externalID)
		if err != nil {
			return err
		}
		if _, err := c.PasswordModify(ldap.NewPasswordModifyRequest(e.DN, "", password)); err != nil {
			return refusedPassword(err)
		}
		return chosen(c, e.DN)
	})
	return t.outcome("set the password", err)
}

// chosen takes the mark of a password that must be changed from an entry that has it.
func chosen(c *ldap.Conn, dn string) error {
	e, err := base(c, dn, "pwdReset")
	if err != nil || e == nil || e.GetEqualFoldAttributeValue("pwdReset") != "TRUE" {
		return err
	}
	m := ldap.NewModifyRequest(dn, nil)
	m.Delete("pwdReset", nil)
	return c.Modify(m)
}

// refusedPassword is what is made of an answer that is about the password itself.
func refusedPassword(err error) error {
	switch code(err) {
	case ldap.LDAPResultConstraintViolation, ldap.LDAPResultInvalidAttributeSyntax:
		return connector.Permanent(muster.Errorf(muster.Policy, "password", "The directory does not accept this password: %s. Choose another one.", said(err)).Because(err))
	case ldap.LDAPResultProtocolError:
		return connector.Permanent(muster.Errorf(muster.Unsupported, "", "The directory has no operation to set passwords.").Because(err))
	}
	return err
}
