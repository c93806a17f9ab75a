// Package all lists the kinds of targets there are. A new kind is a line here; nothing registers itself.
//
// It is the only package that imports kinds, and knows nothing else of them: what a kind must be is in internal/connector, what it must pass in
// internal/connector/connectortest.
package all

import (
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/keycloak"
	"github.com/musterid/muster/internal/connector/ldap"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

// Kinds gives every kind, in the order in which forms show them.
func Kinds() []connector.Kind {
	return []connector.Kind{
		keycloak.Kind,
		ldap.Kind,
		rehearsal.Kind,
	}
}

// Lookup gives the kind of a name; another name is a *muster.Error that lists those there are.
func Lookup(name string) (connector.Kind, error) {
	var names []string
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return connector.Kind{}, muster.Errorf(muster.Unsupported, "kind", "There is no kind of target %q. There are: %s.", name, strings.Join(names, ", "))
}
