package keycloaktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// What every realm has.
const (
	ClientID     = "muster"                    // the client that Muster works as
	ClientSecret = "canary-client-secret-5d1e" // its secret
	AppID        = "app"                       // a public client that people sign in to
	AppURL       = "http://127.0.0.1:9/app"    // where it would be
	Marker       = "muster"                    // the attribute of the marker, declared for administrators alone
	From         = "keycloak@example.org"      // sender of the realm's mails
)

// Hashing is a password policy under which hashing takes no time. A test that sets a "passwordPolicy" adds to it with " and ".
const Hashing = "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)"

// Rights are the roles of the client realm-management that docs/connectors/keycloak.md asks for.
var Rights = []string{"manage-users", "view-users", "query-users", "query-groups", "view-realm", "view-events"}

// Options change what a realm is like.
type Options struct {
	SMTP       string         // host:port of a server without encryption and names that takes the realm's mails
	Attributes []string       // declared in the user profile besides the marker
	Bare       bool           // the user profile is as Keycloak makes it: without the marker, too
	Rights     []string       // of the client instead of Rights
	Realm      map[string]any // laid over the realm's representation, such as "passwordPolicy": "length(8)"
}

// Realm is a realm of one test, with the realm roles staff and teacher, the role reader of the client app, and the groups /staff and /school/teachers.
type Realm struct {
	Server *Server
	Name   string
}

var serial atomic.Int64

// Realm makes a realm that goes away with the test.
func (s *Server) Realm(t testing.TB, o Options) *Realm {
	t.Helper()
	r := &Realm{Server: s, Name: fmt.Sprintf("test-%s-%d", random(), serial.Add(1))}
	rights := o.Rights
	if rights == nil {
		rights = Rights
	}
	wanted := map[string]any{
		"realm": r.Name, "enabled": true, "sslRequired": "none", "editUsernameAllowed": true, "eventsEnabled": true, "eventsExpiration": 3600,
		"passwordPolicy": Hashing, "components": map[string]any{"org.keycloak.keys.KeyProvider": keys()},
		"clients": []any{
			map[string]any{
				"clientId": ClientID, "secret": ClientSecret, "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": false,
			},
			map[string]any{
				"clientId": AppID, "publicClient": true, "directAccessGrantsEnabled": true, "standardFlowEnabled": true, "redirectUris": []string{AppURL + "*"},
			},
		},
		"users": []any{map[string]any{
			"username": "service-account-" + ClientID, "enabled": true, "serviceAccountClientId": ClientID,
			"clientRoles": map[string]any{"realm-management": rights},
		}},
		"roles": map[string]any{
			"realm":  []any{map[string]any{"name": "staff"}, map[string]any{"name": "teacher"}},
			"client": map[string]any{AppID: []any{map[string]any{"name": "reader"}}},
		},
		"groups": []any{
			map[string]any{"name": "staff"},
			map[string]any{"name": "school", "subGroups": []any{map[string]any{"name": "teachers"}}},
		},
	}
	if o.SMTP != "" {
		host, port, err := net.SplitHostPort(o.SMTP)
		if err != nil {
			t.Fatalf("keycloaktest: %v", err)
		}
		wanted["smtpServer"] = map[string]any{"host": host, "port": port, "from": From}
	}
	maps.Copy(wanted, o.Realm)
	s.must(t, http.MethodPost, "/admin/realms", wanted, nil)
	t.Cleanup(func() {
		_, _, _ = s.Do(context.Background(), http.MethodDelete, "/admin/realms/"+r.Name, nil, nil) // a stopped server keeps it
	})
	if !o.Bare {
		r.Declare(t, append([]string{Marker}, o.Attributes...)...)
	}
	return r
}

// Declare adds attributes to the realm's user profile that administrators alone may read and write.
func (r *Realm) Declare(t testing.TB, names ...string) {
	t.Helper()
	var profile map[string]any
	r.Must(t, http.MethodGet, "/users/profile", nil, &profile)
	attributes, _ := profile["attributes"].([]any)
	for _, name := range names {
		attributes = append(attributes, map[string]any{
			"name": name, "permissions": map[string]any{"view": []string{"admin"}, "edit": []string{"admin"}},
		})
	}
	profile["attributes"] = attributes
	r.Must(t, http.MethodPut, "/users/profile", profile, nil)
}

// Settings are those of a target of kind keycloak that works on the realm; more is laid over them.
func (r *Realm) Settings(more ...map[string]any) map[string]any {
	settings := map[string]any{"url": r.Server.URL, "allow_http": true, "realm": r.Name, "client_id": ClientID, "client_secret": ClientSecret}
	for _, m := range more {
		maps.Copy(settings, m)
	}
	return settings
}

// Issuer is the name under which the realm signs tokens.
func (r *Realm) Issuer() string { return r.Server.URL + "/realms/" + r.Name }

// Path is that of the realm in the Admin API.
func (r *Realm) Path() string { return "/admin/realms/" + r.Name }

// Must calls the Admin API below the realm as the administrator, with a path such as /users.
func (r *Realm) Must(t testing.TB, method, path string, body, out any) {
	t.Helper()
	r.Server.must(t, method, r.Path()+path, body, out)
}

func (s *Server) must(t testing.TB, method, path string, body, out any) {
	t.Helper()
	status, text, err := s.Do(context.WithoutCancel(t.Context()), method, path, body, out)
	if err != nil || status >= 300 {
		t.Fatalf("keycloaktest: %s %s: %d %s %v", method, path, status, text, err)
	}
}

// Token signs somebody in to the client app with a password, and gives the access token; the error says why there is none.
func (r *Realm) Token(ctx context.Context, username, password string) (string, error) {
	return grant(ctx, r.Issuer()+"/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {AppID}, "username": {username}, "password": {password}, "scope": {"openid"},
	})
}

// User is an account as the Admin API shows it, as far as tests ask.
type User struct {
	ID              string              `json:"id,omitempty"`
	Username        string              `json:"username"`
	Email           string              `json:"email,omitempty"`
	EmailVerified   bool                `json:"emailVerified"`
	FirstName       string              `json:"firstName,omitempty"`
	LastName        string              `json:"lastName,omitempty"`
	Enabled         bool                `json:"enabled"`
	RequiredActions []string            `json:"requiredActions"`
	Attributes      map[string][]string `json:"attributes,omitempty"`
	Groups          []string            `json:"groups,omitempty"` // of Add only: paths
}

// Users gives every account of the realm but those of clients.
func (r *Realm) Users(t testing.TB) []User {
	t.Helper()
	var users []User
	r.Must(t, http.MethodGet, "/users?max=100000&briefRepresentation=false", nil, &users)
	return users
}

// User gives the account of a username; it must be there.
func (r *Realm) User(t testing.TB, username string) User {
	t.Helper()
	var users []User
	r.Must(t, http.MethodGet, "/users?exact=true&briefRepresentation=false&username="+url.QueryEscape(username), nil, &users)
	if len(users) != 1 {
		t.Fatalf("keycloaktest: %d users are called %q", len(users), username)
	}
	return users[0]
}

// Add makes an account as somebody behind Muster's back would, and gives its id.
func (r *Realm) Add(t testing.TB, u User) string {
	t.Helper()
	r.Must(t, http.MethodPost, "/users", u, nil)
	return r.User(t, strings.ToLower(u.Username)).ID
}

// GroupID gives the id of a group by its path, such as /school/teachers.
func (r *Realm) GroupID(t testing.TB, path string) string {
	t.Helper()
	var group struct{ ID string }
	r.Must(t, http.MethodGet, "/group-by-path"+path, nil, &group)
	return group.ID
}

// random keeps realms of processes that share a server apart.
func random() string { return strings.ToLower(rand.Text()[:10]) }

// signingKey signs the tokens of all realms of this process: Keycloak takes seconds to make one itself.
var signingKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// keys are what Keycloak would make for a new realm, but for a key that encrypts.
func keys() []any {
	provider := func(name, id string, config map[string]any) any {
		config["priority"] = []string{"100"}
		return map[string]any{"name": name, "providerId": id, "config": config}
	}
	return []any{
		provider("rsa", "rsa", map[string]any{"privateKey": []string{signingKey()}, "algorithm": []string{"RS256"}}),
		provider("hmac", "hmac-generated", map[string]any{"algorithm": []string{"HS512"}}),
		provider("aes", "aes-generated", map[string]any{}),
	}
}
