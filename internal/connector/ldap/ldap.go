// Package ldap keeps accounts in an LDAP directory of people, such as OpenLDAP with inetOrgPerson entries.
//
// It creates, changes, renames, disables and deletes entries below one base, and maintains memberships in groups. It touches the attributes that
// are mapped and no others, sets a password only when its person chose one, and does not read people in from a directory. config.go has the settings, layout.go what they
// come to, apply.go the writes, errors.go what is made of the directory's answers; docs/connectors/ldap.md is for operators.
package ldap

import (
	"context"
	"time"

	"github.com/musterid/muster/internal/connector"
)

// Kind is the kind of target called ldap.
var Kind = connector.Kind{
	Name:   "ldap",
	Label:  "LDAP directory",
	Config: func() any { return defaults() },
	Open:   open,
	Powers: connector.Powers{Marker: true, Rename: true, Groups: true, List: true, Passwords: true},
}

// target is an open directory.
type target struct {
	*layout
	pool *pool
}

func open(_ context.Context, config any, env connector.Environment) (connector.Connector, error) {
	l, err := config.(*Config).layout()
	if err != nil {
		return nil, err
	}
	if env.Timeout <= 0 {
		env.Timeout = 30 * time.Second
	}
	if env.Size <= 0 {
		env.Size = 8
	}
	d := &dialer{layout: l, guard: env.Guard, timeout: env.Timeout}
	return &target{layout: l, pool: newPool(env.Size, env.Timeout, d.dial)}, nil
}

// Close closes all connections.
func (t *target) Close() error {
	t.pool.close()
	return nil
}
