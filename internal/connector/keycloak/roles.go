package keycloak

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// role is a role as the Admin API shows it, and whose it is.
type role struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	client string // id of the client that it is a role of; "" for a realm role
}

// mapped is where an account's roles of that kind are kept.
func (r role) mapped(user string) []string {
	if r.client == "" {
		return []string{"users", user, "role-mappings", "realm"}
	}
	return []string{"users", user, "role-mappings", "clients", r.client}
}

// role looks up a role by its name in settings: a realm role, else what stands before the last slash is a client id.
func (t *target) role(ctx context.Context, name string) (role, error) {
	t.mu.Lock()
	r, ok := t.known[name]
	t.mu.Unlock()
	if ok {
		return r, nil
	}
	r, err := t.lookRole(ctx, name)
	if missing(err) || errors.Is(err, connector.ErrNotFound) {
		return role{}, connector.Permanent(muster.Errorf(muster.Invalid, "config.roles", "The realm has no role %s. A realm role is written by its name, a role of a client as client/role.", name).Because(err))
	}
	if refusedWith(err, http.StatusForbidden) {
		return role{}, connector.Permanent(muster.Errorf(muster.Policy, "config.roles", "Keycloak does not let the client %s look up roles. Give its service account the right view-realm, and view-clients for roles of clients.", t.ClientID).Because(err))
	}
	if err != nil {
		return role{}, err
	}
	t.mu.Lock()
	t.known[name] = r
	t.mu.Unlock()
	return r, nil
}

func (t *target) lookRole(ctx context.Context, name string) (role, error) {
	var r role
	err := t.do(ctx, call{method: http.MethodGet, path: []string{"roles", name}, out: &r})
	at := strings.LastIndex(name, "/")
	if at < 0 || !missing(err) {
		return r, err
	}
	var clients []struct {
		ID       string `json:"id"`
		ClientID string `json:"clientId"`
	}
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"clients"}, query: url.Values{"clientId": {name[:at]}}, out: &clients}); err != nil {
		return role{}, err
	}
	for _, c := range clients {
		if c.ClientID == name[:at] {
			err := t.do(ctx, call{method: http.MethodGet, path: []string{"clients", c.ID, "roles", name[at+1:]}, out: &r})
			r.client = c.ID
			return r, err
		}
	}
	return role{}, connector.ErrNotFound
}

// forgetRole: the role may have been made anew.
func (t *target) forgetRole(name string) {
	t.mu.Lock()
	delete(t.known, name)
	t.mu.Unlock()
}

// held gives the roles that an account was given, by their names in settings.
func (t *target) held(ctx context.Context, id string) (map[string]bool, error) {
	var given struct {
		Realm   []role `json:"realmMappings"`
		Clients map[string]struct {
			Roles []role `json:"mappings"`
		} `json:"clientMappings"`
	}
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users", id, "role-mappings"}, out: &given}); err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, r := range given.Realm {
		held[r.Name] = true
	}
	for client, list := range given.Clients {
		for _, r := range list.Roles {
			held[client+"/"+r.Name] = true
		}
	}
	return held, nil
}

// give gives an account the roles that it has not.
func (t *target) give(ctx context.Context, id string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	held, err := t.held(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range names {
		if held[name] {
			continue
		}
		for try := 0; ; try++ {
			r, err := t.role(ctx, name)
			if err != nil {
				return err
			}
			err = t.do(ctx, call{method: http.MethodPost, path: r.mapped(id), body: []role{r}})
			if err == nil {
				break
			}
			if try > 0 || !missing(err) {
				return err
			}
			t.forgetRole(name)
		}
	}
	return nil
}

// take takes a role away.
func (t *target) take(ctx context.Context, id, name string) error {
	held, err := t.held(ctx, id)
	if err != nil || !held[name] {
		return err
	}
	r, err := t.role(ctx, name)
	if err != nil {
		return err
	}
	if err = t.do(ctx, call{method: http.MethodDelete, path: r.mapped(id), body: []role{r}}); missing(err) {
		t.forgetRole(name)
		return nil
	}
	return err
}
