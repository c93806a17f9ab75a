package access_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A real Keycloak, set up as docs/signing-in.md says.
func TestTokensOfKeycloak(t *testing.T) {
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	const password = "correct horse battery"
	for _, user := range []keycloaktest.User{
		{Username: "ana", Enabled: true, Email: "ana@example.org", EmailVerified: true, FirstName: "Ana", LastName: "Diaz"},
		{Username: "jean", Enabled: true, Email: "jean@example.org", FirstName: "Jean", LastName: "Roux"},
	} {
		id := r.Add(t, user)
		r.Must(t, http.MethodPut, "/users/"+id+"/reset-password", map[string]any{"type": "password", "value": password, "temporary": false}, nil)
	}
	sign := func(username string) string {
		t.Helper()
		token, err := r.Token(t.Context(), username, password)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}

	h := &house{st: storetest.OpenWithoutTenant(t, store.SQLite)} // on the real clock, as Keycloak is
	h.Access = access.New(h.st)
	t.Cleanup(h.Close)
	if _, err := h.Bootstrap(t.Context(), secret.NewKey(), func(plain string) error { h.plain = plain; return nil }); err != nil {
		t.Fatal(err)
	}
	h.admin = h.caller(t, h.plain)
	ana := h.named(t, h.admin.Tenant, "ana", muster.Active)
	jean := h.named(t, h.admin.Tenant, "jean", muster.Active)
	h.account(t, h.admin.Tenant, "sso", jean.Seq, r.User(t, "jean").ID)
	host, err := url.Parse(r.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	h.setIssuers(t, h.admin, muster.Issuer{Issuer: r.Issuer(), Audience: []string{keycloaktest.ClientID}, Target: "sso", Allow: []string{host.Hostname()}})

	_, err = h.CallerOfToken(t.Context(), sign("ana"))
	want(t, "before the realm names the audience", err, muster.Unauthenticated)

	r.Must(t, http.MethodPost, "/client-scopes", map[string]any{"name": "muster-audience", "protocol": "openid-connect", "protocolMappers": []any{map[string]any{
		"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
		"config": map[string]string{"included.client.audience": keycloaktest.ClientID, "access.token.claim": "true", "id.token.claim": "false"},
	}}}, nil)
	var scopes, clients []struct{ ID, Name, ClientID string }
	r.Must(t, http.MethodGet, "/client-scopes", nil, &scopes)
	r.Must(t, http.MethodGet, "/clients?clientId="+keycloaktest.AppID, nil, &clients)
	for _, s := range scopes {
		if s.Name == "muster-audience" {
			r.Must(t, http.MethodPut, "/clients/"+clients[0].ID+"/default-client-scopes/"+s.ID, nil, nil)
		}
	}
	if c := h.token(t, sign("ana")); c.Person != ana.Seq || c.Subject != r.User(t, "ana").ID || len(c.Grants) != 0 {
		t.Errorf("by her verified address: %+v", c)
	}
	if c := h.token(t, sign("jean")); c.Person != jean.Seq {
		t.Errorf("by his account: %+v", c)
	}

	r.Must(t, http.MethodPost, "/roles", map[string]any{"name": muster.DefaultAdminRole}, nil)
	var role map[string]any
	r.Must(t, http.MethodGet, "/roles/"+muster.DefaultAdminRole, nil, &role)
	r.Must(t, http.MethodPost, "/users/"+r.User(t, "ana").ID+"/role-mappings/realm", []any{role}, nil)
	before := sign("ana")
	if c := h.token(t, before); !c.Has(muster.WritePeople) {
		t.Errorf("with the admin role: %+v", c)
	}

	// A new key, and the old one withdrawn.
	var realm struct{ ID string }
	r.Must(t, http.MethodGet, "", nil, &realm)
	var providers []map[string]any
	r.Must(t, http.MethodGet, "/components?type=org.keycloak.keys.KeyProvider", nil, &providers)
	r.Must(t, http.MethodPost, "/components", map[string]any{
		"name": "new", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": realm.ID,
		"config": map[string][]string{"priority": {"500"}, "enabled": {"true"}, "active": {"true"}, "algorithm": {"RS512"}},
	}, nil)
	r.Must(t, http.MethodPut, "/", map[string]any{"defaultSignatureAlgorithm": "RS512"}, nil)
	if c := h.token(t, sign("ana")); c.Person != ana.Seq {
		t.Errorf("with a new key: %+v", c)
	}
	for _, p := range providers {
		if p["providerId"] == "rsa-generated" || p["providerId"] == "rsa" {
			r.Must(t, http.MethodDelete, "/components/"+p["id"].(string), nil, nil)
		}
	}
	h.Close()
	h.Access = access.New(h.st)
	t.Cleanup(h.Close)
	_, err = h.CallerOfToken(t.Context(), before)
	want(t, "by a key that was withdrawn", err, muster.Unauthenticated)
}
