package ldap_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/ldap"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
	"github.com/musterid/muster/internal/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var env = connector.Environment{
	Guard:   outbound.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	Timeout: 20 * time.Second, Size: 6,
}

type settings map[string]any

// basic are the settings of a directory that ldaptest started.
func basic(s *ldaptest.Server, more ...settings) settings {
	set := settings{
		"url": s.URL, "ca": s.CA, "base_dn": ldaptest.People, "bind_dn": ldaptest.ServiceDN, "bind_password": ldaptest.ServicePassword,
		"groups_base_dn": ldaptest.Groups,
	}
	for _, m := range more {
		for k, v := range m {
			set[k] = v
		}
	}
	return set
}

func decode(t testing.TB, set settings) any {
	t.Helper()
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	config, err := connector.Decode(ldap.Kind, raw)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	return config
}

func open(t testing.TB, set settings) connector.Connector {
	t.Helper()
	c, err := ldap.Kind.Open(t.Context(), decode(t, set), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func harness(t testing.TB, s *ldaptest.Server, more ...settings) connectortest.Harness {
	set := basic(s, more...)
	wrong := basic(s, more...)
	wrong["bind_password"] = "canary-wrong-password-91c2"
	return connectortest.Harness{
		Kind: ldap.Kind, Config: decode(t, set), Env: env, Wrong: decode(t, wrong), Secret: "canary-",
		Fields: []string{"first_name", "last_name", "display_name", "email", "department"}, Clear: "department",
		Plant: s.Plant, Raw: s.Raw, Names: s.Usernames, Writes: s.Writes,
		Groups: []string{"staff", "teachers"},
		PlantMember: func(t testing.TB, group, id string) {
			dn := s.Search(t, "(entryUUID="+id+")")[0].DN
			s.Do(t, func(c *goldap.Conn) error {
				m := goldap.NewModifyRequest("cn="+group+","+ldaptest.Groups, nil)
				m.Add("member", []string{dn})
				return c.Modify(m)
			})
		},
		Members: func(t testing.TB, id string) []string {
			dn := s.Search(t, "(entryUUID="+id+")")[0].DN
			var codes []string
			for _, g := range s.Search(t, "(&(objectClass=groupOfNames)(member="+goldap.EscapeFilter(dn)+"))") {
				codes = append(codes, g.GetAttributeValue("cn"))
			}
			slices.Sort(codes)
			return codes
		},
		CutList: func(_ testing.TB, cut bool) {
			if cut {
				s.Reconfigure(`limits dn.exact="` + ldaptest.ServiceDN + `" size.soft=2 size.hard=2 size.prtotal=2`)
			} else {
				s.Reconfigure()
			}
		},
		Refuses: func(username string) bool { return len(username) > 200 },
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		set   settings
	}{
		"Default":      {},
		"LDAPS":        {set: settings{"url": "ldaps"}},
		"Lock":         {lines: []string{"overlay ppolicy"}, set: settings{"disable": "lock"}},
		"Move":         {set: settings{"disable": "move", "disabled_dn": ldaptest.Disabled}},
		"MoveRefint":   {lines: []string{"overlay refint", "refint_attributes member"}, set: settings{"disable": "move", "disabled_dn": ldaptest.Disabled}},
		"EnabledValue": {set: settings{"enabled_value": "enabled"}},
		"NamedByCN": {set: settings{
			"dn": "cn={username}," + ldaptest.People, "attributes": settings{"first_name": "givenName"}, "create_groups": true,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ldaptest.StartWith(t, ldaptest.Options{Lines: test.lines})
			if test.set["url"] != nil {
				test.set["url"] = s.TLSURL
			}
			connectortest.Run(t, harness(t, s, test.set))
		})
	}
}
