package keycloak

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Find gives the account that the query leads to.
func (t *target) Find(ctx context.Context, q connector.Query) (connector.Account, error) {
	u, err := t.look(ctx, q)
	if err != nil {
		return connector.Account{}, t.outcome(ctx, "look for an account", err)
	}
	a, err := t.whole(ctx, u)
	return a, t.outcome(ctx, "read an account", err)
}

func (t *target) look(ctx context.Context, q connector.Query) (*user, error) {
	if q.ExternalID != "" {
		return t.byID(ctx, q.ExternalID)
	}
	if q.Marker != "" {
		u, err := t.byMarker(ctx, q.Marker)
		if err != connector.ErrNotFound || q.Username == "" {
			return u, err
		}
	}
	if q.Username == "" {
		return nil, connector.ErrNotFound
	}
	return t.byName(ctx, q.Username)
}

// byID reads the user of an id. Other words below /users, such as count, lead to something that has no id.
func (t *target) byID(ctx context.Context, id string) (*user, error) {
	if len(id) < 36 || strings.ContainsAny(id, "/\\%") {
		return nil, connector.ErrNotFound
	}
	u := &user{}
	err := t.do(ctx, call{method: http.MethodGet, path: []string{"users", id}, out: u})
	if missing(err) || err == nil && u.ID != id {
		return nil, connector.ErrNotFound
	}
	return u, err
}

// byMarker searches by attribute, which is exact but for upper and lower case.
func (t *target) byMarker(ctx context.Context, marker string) (*user, error) {
	if strings.Contains(marker, `"`) || strings.ContainsFunc(marker, unicode.IsControl) {
		return nil, connector.ErrNotFound
	}
	return t.only(ctx, url.Values{"q": {t.MarkerAttribute + `:"` + marker + `"`}}, "the marker "+marker, func(u *user) bool {
		values := u.get(t.MarkerAttribute)
		return len(values) > 0 && values[0] == marker
	})
}

// byName searches by username. Keycloak keeps them in lower case, and finds beginnings unless told otherwise.
func (t *target) byName(ctx context.Context, username string) (*user, error) {
	if strings.ContainsFunc(username, unicode.IsControl) { // it takes them in no name, and not even asks its database
		return nil, connector.ErrNotFound
	}
	return t.only(ctx, url.Values{"username": {username}, "exact": {"true"}}, "the username "+username, func(u *user) bool {
		return lower(u.name()) == lower(username)
	})
}

// lower is what Keycloak makes of a username.
func lower(username string) string { return strings.ToLower(username) }

// only searches for the one user that a query finds.
func (t *target) only(ctx context.Context, query url.Values, what string, is func(*user) bool) (*user, error) {
	for name, value := range page(0, 20) {
		query[name] = value
	}
	var list []*user
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users"}, query: query, out: &list}); err != nil {
		return nil, err
	}
	var found *user
	for _, u := range list {
		switch {
		case !is(u):
		case found != nil:
			return nil, connector.Permanent(muster.Errorf(muster.Conflict, "", "Several accounts of the realm have %s, such as %s and %s. Only one may.", what, found.name(), u.name()))
		default:
			found = u
		}
	}
	if found == nil {
		return nil, connector.ErrNotFound
	}
	return found, nil
}

// whole gives an account with its groups.
func (t *target) whole(ctx context.Context, u *user) (connector.Account, error) {
	a := t.account(u)
	codes, err := t.codes(ctx, u.ID)
	if len(codes) > 0 {
		a.Attributes["groups"] = codes
	}
	return a, err
}
