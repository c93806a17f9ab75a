package keycloak_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/keycloak"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var env = connector.Environment{
	Guard:   outbound.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	Timeout: 60 * time.Second, Size: 6,
}

type settings = map[string]any

func decode(t testing.TB, set settings) any {
	t.Helper()
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	config, err := connector.Decode(keycloak.Kind, raw)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	return config
}

func open(t testing.TB, set settings) connector.Connector {
	t.Helper()
	c, err := keycloak.Kind.Open(t.Context(), decode(t, set), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]settings{
		"Default": {},
		"Roles":   {"roles": []string{"staff", "app/reader"}, "group_roles": settings{"teachers": "teacher"}, "group_paths": settings{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, harness(t, keycloaktest.Start(t), set))
		})
	}
}

func TestRandomNames(t *testing.T) {
	t.Parallel()
	connectortest.RandomNames(t, harness(t, keycloaktest.Start(t)), 60, 7)
}

// harness is that of a realm which has the group staff at the top, and one for the code teachers elsewhere.
func harness(t testing.TB, server *keycloaktest.Server, more ...settings) connectortest.Harness {
	r := server.Realm(t, keycloaktest.Options{Attributes: []string{"department", "displayName"}, Rights: append([]string{"view-clients"}, keycloaktest.Rights...)})
	watch := watched(t, server.URL)
	base := settings{
		"url": watch.URL, "group_paths": settings{"teachers": "/school/teachers"},
		"attributes": settings{"department": "department", "display_name": "displayName"},
	}
	set := r.Settings(append([]settings{base}, more...)...)
	wrong := r.Settings(base, settings{"client_secret": "canary-wrong-secret"})
	h := connectortest.Harness{
		Kind: keycloak.Kind, Config: decode(t, set), Env: env, Wrong: decode(t, wrong), Secret: "canary-",
		Fields: []string{"first_name", "last_name", "display_name", "email", "department"}, Clear: "department",
		Plant: func(t testing.TB, username string) string {
			return r.Add(t, keycloaktest.User{Username: username, Enabled: true, FirstName: "Stranger"})
		},
		Raw: func(t testing.TB, id string) string { return raw(t, r, id) },
		Names: func(t testing.TB) (names []string) {
			for _, u := range r.Users(t) {
				names = append(names, u.Username)
			}
			return names
		},
		Writes: func(testing.TB) int { return int(watch.writes.Load()) },
		Groups: []string{"staff", "teachers"},
		PlantMember: func(t testing.TB, code, id string) {
			r.Must(t, http.MethodPut, "/users/"+id+"/groups/"+r.GroupID(t, map[string]string{"staff": "/staff", "teachers": "/school/teachers"}[code]), nil, nil)
		},
		Members: func(t testing.TB, id string) (codes []string) {
			for _, path := range paths(t, r, id) {
				codes = append(codes, path[strings.LastIndex(path, "/")+1:])
			}
			if slices.Contains(roles(t, r, id), "teacher") {
				codes = append(codes, "teachers")
			}
			slices.Sort(codes)
			return codes
		},
		Refuses: refuses,
	}
	return h
}

// refuses are the rules of a new realm's user profile: 3 to 255 characters, none of those below, and letters of one script that look like no others.
func refuses(username string) bool {
	n := len([]rune(username))
	return n < 3 || n > 255 || prohibited.MatchString(username) || strings.ToLower(username) != username || !latin.MatchString(username)
}

var (
	prohibited = regexp.MustCompile("[<>&\"'\\s\\x{00a0}$%!#?§,;:*~/\\\\|^=\\[\\]{}()`\\x00-\\x1f\\x7f]")
	latin      = regexp.MustCompile(`^[a-z0-9à-öø-ÿ._@+-]*$`)
)

// raw gives all that the realm knows of an account.
func raw(t testing.TB, r *keycloaktest.Realm, id string) string {
	t.Helper()
	var user map[string]any
	r.Must(t, http.MethodGet, "/users/"+id, nil, &user)
	text, err := json.Marshal(user)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %s", text, paths(t, r, id), roles(t, r, id))
}

// paths gives the paths of the groups that an account is in.
func paths(t testing.TB, r *keycloaktest.Realm, id string) (list []string) {
	t.Helper()
	var groups []struct{ Path string }
	r.Must(t, http.MethodGet, "/users/"+id+"/groups", nil, &groups)
	for _, g := range groups {
		list = append(list, g.Path)
	}
	slices.Sort(list)
	return list
}

// roles gives the names of the roles that an account was given, client roles after their client's id.
func roles(t testing.TB, r *keycloaktest.Realm, id string) (list []string) {
	t.Helper()
	type role struct{ Name string }
	var given struct {
		RealmMappings  []role
		ClientMappings map[string]struct{ Mappings []role }
	}
	r.Must(t, http.MethodGet, "/users/"+id+"/role-mappings", nil, &given)
	for _, g := range given.RealmMappings {
		list = append(list, g.Name)
	}
	for client, m := range given.ClientMappings {
		for _, g := range m.Mappings {
			list = append(list, client+"/"+g.Name)
		}
	}
	slices.Sort(list)
	return list
}

var kind = keycloak.Kind

// person is a sample of a person with an address; more is laid over it.
func person(username string, more settings) muster.Record {
	r := muster.Record{"username": username, "enabled": true, "first_name": "Ana", "last_name": "Diaz", "email": username + "@example.org"}
	for field, value := range more {
		if r[field] = value; value == nil {
			delete(r, field)
		}
	}
	return r
}

// creation is the step that makes an account, whose marker is made of the username.
func creation(username string, more settings) connector.Step {
	wanted := person(username, more)
	return connector.Step{Intent: connector.Create, Marker: "marker-" + username, Username: username, Change: muster.Diff(nil, wanted), Wanted: wanted}
}

// correction is the step from one record to another.
func correction(id string, has, wanted muster.Record) connector.Step {
	return connector.Step{
		Intent: connector.Ensure, ExternalID: id, Marker: "marker-" + has.Text("username"), Username: wanted.Text("username"),
		Change: muster.Diff(has, wanted), Wanted: wanted,
	}
}

func create(t testing.TB, c connector.Connector, username string, more settings) connector.Account {
	t.Helper()
	made, err := c.Apply(t.Context(), creation(username, more))
	if err != nil {
		t.Fatalf("create %s: %v", username, err)
	}
	return made
}
