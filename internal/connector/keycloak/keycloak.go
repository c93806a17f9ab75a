// Package keycloak keeps accounts in a realm of a Keycloak, over its Admin REST API and as a client of that realm.
//
// It creates, changes, renames, disables and deletes users, gives them roles, maintains memberships in groups, and has Keycloak mail people the
// link by which they activate their account. It touches the attributes that are mapped and no others, and imports nobody. config.go has the
// settings, call.go the exchange, errors.go what is made of answers, apply.go the writes, profile.go why an attribute may not be there, and
// activation.go the mails; docs/connectors/keycloak.md is for operators.
package keycloak

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/outbound"
)

// Kind is the kind of target called keycloak.
var Kind = connector.Kind{
	Name:   "keycloak",
	Label:  "Keycloak",
	Config: func() any { return defaults() },
	Open:   open,
	Powers: connector.Powers{Marker: true, Rename: true, Groups: true, List: true, Passwords: true, Activation: true},
}

// target is an open realm.
type target struct {
	*Config
	mappings []connector.Mapping
	admin    *url.URL // of the realm in the Admin API
	http     *http.Client
	tokens   *tokens

	mu       sync.Mutex
	groups   map[string]string // ids by path
	known    map[string]role   // by name as in settings
	profiled time.Time         // when the user profile was last seen to take all attributes
}

func open(_ context.Context, config any, env connector.Environment) (connector.Connector, error) {
	c := *config.(*Config)
	mappings, base, pool, err := c.read()
	if err != nil {
		return nil, err
	}
	if env.Timeout <= 0 {
		env.Timeout = 30 * time.Second
	}
	client := outbound.HTTPClient(env.Guard, env.Timeout)
	transport := outbound.Transport(env.Guard, env.Timeout)
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	transport.MaxIdleConnsPerHost = max(env.Size, 8)
	client.Transport = transport
	return &target{
		Config: &c, mappings: mappings, admin: base.JoinPath("admin", "realms", c.Realm), http: client,
		tokens: &tokens{
			endpoint: base.JoinPath("realms", c.signInRealm(), "protocol", "openid-connect", "token").String(),
			id:       c.ClientID, secret: c.ClientSecret, http: client, turn: make(chan struct{}, 1),
		},
		groups: map[string]string{}, known: map[string]role{},
	}, nil
}

// Close closes all connections.
func (t *target) Close() error {
	t.http.CloseIdleConnections()
	return nil
}
