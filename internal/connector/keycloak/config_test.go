package keycloak_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		set   settings
		field string // "" when nothing is wrong
	}{
		{"the least", nil, ""},
		{"below a path", settings{"url": "https://example.org/auth/"}, ""},
		{"no address", settings{"url": "id.example.org"}, "config.url"},
		{"another scheme", settings{"url": "ftp://id.example.org"}, "config.url"},
		{"a secret in the address", settings{"url": "https://me:secret@id.example.org"}, "config.url"},
		{"in clear", settings{"url": "http://id.example.org"}, "config.url"},
		{"in clear, and meant", settings{"url": "http://id.example.org", "allow_http": true}, ""},
		{"no certificate", settings{"ca": "secret"}, "config.ca"},
		{"a realm that leads elsewhere", settings{"realm": "../master"}, "config.realm"},
		{"a realm that is no segment", settings{"realm": ".."}, "config.realm"},
		{"a realm of the client that leads elsewhere", settings{"client_realm": "a/b"}, "config.client_realm"},
		{"no secret", settings{"client_secret": ""}, "config.client_secret"},
		{"a field that there is not", settings{"attributes": settings{"shoe_size": "shoes"}}, "config.attributes"},
		{"the username as an attribute", settings{"attributes": settings{"employee_id": "username"}}, "config.attributes"},
		{"an attribute for two", settings{"attributes": settings{"department": "x", "company": "x"}}, "config.attributes"},
		{"the marker's attribute", settings{"attributes": settings{"department": "muster"}}, "config.attributes"},
		{"a search as an attribute", settings{"marker_attribute": `a" b`}, "config.marker_attribute"},
		{"the marker in the address", settings{"marker_attribute": "email"}, "config.marker_attribute"},
		{"phones and addresses", settings{"attributes": settings{"phones.work": "phone", "addresses.home.street": "street", "attributes.class": "class"}}, ""},
		{"a parent that is no path", settings{"group_parent": "school"}, "config.group_parent"},
		{"a group that is no path", settings{"group_paths": settings{"a": "school"}}, "config.group_paths"},
		{"a role without a name", settings{"group_roles": settings{"a": ""}}, "config.group_roles"},
		{"a role for everybody without a name", settings{"roles": []string{""}}, "config.roles"},
		{"an action without a name", settings{"required_actions": []string{""}}, "config.required_actions"},
		{"an address of no client", settings{"link_redirect": "https://app.example.org"}, "config.link_client"},
		{"a page too long", settings{"page_size": 100_000}, "config.page_size"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := settings{"url": "https://id.example.org", "realm": "school", "client_id": "muster", "client_secret": "x"}
			maps.Copy(set, test.set)
			raw, err := json.Marshal(set)
			if err != nil {
				t.Fatal(err)
			}
			_, err = connector.Decode(kind, raw)
			switch {
			case test.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.field != "" && (err == nil || muster.Faults(err)[0].Field != test.field):
				t.Errorf("gives %v; want a fault of %s", err, test.field)
			}
		})
	}
}

// Phones, addresses, lists and switches stand in attributes as texts, and come back as they were.
func TestValues(t *testing.T) {
	t.Parallel()
	names := []string{"phone", "street", "city", "class"}
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Attributes: names})
	c := open(t, r.Settings(settings{"attributes": settings{
		"phones.work": "phone", "addresses.home.street": "street", "addresses.home.locality": "city", "attributes.class": "class",
	}}))
	more := settings{
		"phones":           []any{map[string]any{"type": "work", "number": "+33 1 23"}},
		"addresses":        []any{map[string]any{"type": "home", "street": "1, rue de l'École", "locality": "Paris"}},
		"attributes.class": "6e B",
	}
	made := create(t, c, "ana", more)
	found, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID})
	if err != nil {
		t.Fatal(err)
	}
	wanted := person("ana", more)
	for _, field := range []string{"phones", "addresses", "attributes.class", "first_name", "email"} {
		if !muster.Diff(muster.Record{field: found.Attributes[field]}, muster.Record{field: wanted[field]}).Empty() {
			t.Errorf("%s is %v, want %v", field, found.Attributes[field], wanted[field])
		}
	}
	without := person("ana", nil)
	if err := applied(t, c, correction(made.ExternalID, wanted, without)); err != nil {
		t.Fatal(err)
	}
	u := r.User(t, "ana")
	if got := slices.Sorted(maps.Keys(u.Attributes)); len(got) != 1 || got[0] != keycloaktest.Marker || u.Email != "ana@example.org" {
		t.Errorf("once cleared the account is %+v", u)
	}
}

// Accounts that a realm has from a directory are that directory's: found, so that their name is known to be taken, and not listed or deleted.
func TestFederatedAccounts(t *testing.T) {
	t.Parallel()
	directory := ldaptest.Start(t)
	directory.Plant(t, "stranger")
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	config := map[string][]string{
		"connectionUrl": {directory.URL}, "bindDn": {ldaptest.ReaderDN}, "bindCredential": {ldaptest.ReaderPassword}, "usersDn": {ldaptest.People},
		"vendor": {"other"}, "authType": {"simple"}, "usernameLDAPAttribute": {"uid"}, "rdnLDAPAttribute": {"uid"}, "uuidLDAPAttribute": {"entryUUID"},
		"userObjectClasses": {"inetOrgPerson"}, "editMode": {"READ_ONLY"}, "importEnabled": {"true"}, "enabled": {"true"}, "searchScope": {"2"},
	}
	r.Must(t, http.MethodPost, "/components", settings{
		"name": "directory", "providerId": "ldap", "providerType": "org.keycloak.storage.UserStorageProvider", "config": config,
	}, nil)
	c := open(t, r.Settings())
	found, err := c.Find(t.Context(), connector.Query{Username: "stranger"})
	if err != nil || found.Marker != "" {
		t.Fatalf("Find gives %+v and %v; want the directory's account", found, err)
	}
	if err := c.(connector.Lister).List(t.Context(), func(a connector.Account) error {
		t.Errorf("%s is listed", a.Username)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	err = applied(t, c, connector.Step{Intent: connector.Ensure, ExternalID: found.ExternalID, Change: muster.Diff(person("stranger", nil), nil)})
	if !connector.Verdict(err).Permanent {
		t.Errorf("deletion gives %v; want Permanent", err)
	}
}
