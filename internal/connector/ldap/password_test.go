package ldap_test

import (
	"errors"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

// canSignIn binds as the entry of an id.
func canSignIn(t testing.TB, s *ldaptest.Server, id, password string) bool {
	t.Helper()
	found := s.Search(t, "(entryUUID="+goldap.EscapeFilter(id)+")")
	if len(found) != 1 {
		t.Fatalf("%d entries of %s", len(found), id)
	}
	l, err := goldap.DialURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = l.Bind(found[0].DN, password)
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) && !goldap.IsErrorWithCode(err, goldap.LDAPResultInappropriateAuthentication) {
		t.Fatal(err)
	}
	return err == nil
}

func passwords(t testing.TB, s *ldaptest.Server, weak string, more ...settings) connectortest.PasswordHarness {
	return connectortest.PasswordHarness{
		Harness: harness(t, s, more...), Weak: weak,
		SignIn: func(t testing.TB, id, _, password string) bool { return canSignIn(t, s, id, password) },
	}
}

// withPolicy starts a directory whose policy wants eight characters, and a new password after somebody else set one.
func withPolicy(t testing.TB) *ldaptest.Server {
	s := ldaptest.StartWith(t, ldaptest.Options{Lines: []string{"overlay ppolicy", "ppolicy_default cn=policy," + ldaptest.BaseDN, "ppolicy_hash_cleartext"}})
	s.PlantAt(t, "cn=policy,"+ldaptest.BaseDN, map[string][]string{
		"objectClass": {"applicationProcess", "pwdPolicy"}, "cn": {"policy"}, "pwdAttribute": {"userPassword"}, "pwdMinLength": {"8"},
		"pwdCheckQuality": {"2"}, "pwdMustChange": {"TRUE"}, "pwdLockout": {"TRUE"},
	})
	return s
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	t.Run("Default", func(t *testing.T) {
		t.Parallel()
		connectortest.Passwords(t, passwords(t, ldaptest.Start(t), ""))
	})
	t.Run("Policy", func(t *testing.T) {
		t.Parallel()
		connectortest.Passwords(t, passwords(t, withPolicy(t), "short", settings{"disable": "lock"}))
	})
}

// The password is the person's own choice: the directory does not make them change it.
func TestNothingIsRequiredAfterAPassword(t *testing.T) {
	t.Parallel()
	s := withPolicy(t)
	c := open(t, basic(s))
	a := mustApply(t, c, creation(ana()))
	if err := c.(connector.PasswordSetter).SetPassword(t.Context(), a.ExternalID, "Trois-petits-chats-12"); err != nil {
		t.Fatal(err)
	}
	if e := s.Search(t, "(uid=ana)")[0]; e.GetAttributeValue("pwdReset") != "" || e.GetAttributeValue("pwdChangedTime") == "" {
		t.Errorf("pwdReset is %q, pwdChangedTime %q", e.GetAttributeValue("pwdReset"), e.GetAttributeValue("pwdChangedTime"))
	}
}

func TestPasswordWithoutTheRight(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	a := mustApply(t, open(t, basic(s)), creation(ana()))
	c := open(t, basic(s, settings{"bind_dn": ldaptest.ReaderDN, "bind_password": ldaptest.ReaderPassword}))
	err := c.(connector.PasswordSetter).SetPassword(t.Context(), a.ExternalID, "Trois-petits-chats-12")
	var said *muster.Error
	if !errors.As(err, &said) || said.Code != muster.Policy || said.Field == "password" || !connector.Verdict(err).Permanent {
		t.Errorf("without the right: %v", err)
	}
	s.Stop()
	if err := c.(connector.PasswordSetter).SetPassword(t.Context(), a.ExternalID, "Trois-petits-chats-12"); !connector.Verdict(err).Down {
		t.Errorf("a directory that is down: %v", err)
	}
}
