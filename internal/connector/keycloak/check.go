package keycloak

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Check proves that the realm can be reached and lets the client in, that it may read and, as far as Keycloak shows it, write accounts, that the
// user profile takes the attributes, and that roles and required actions of the settings are there.
func (t *target) Check(ctx context.Context) error {
	return t.outcome(ctx, "look at accounts", t.check(ctx))
}

func (t *target) check(ctx context.Context) error {
	var some []struct {
		Access struct {
			Manage *bool `json:"manage"`
		} `json:"access"`
	}
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users"}, query: page(0, 1), out: &some}); err != nil {
		return err
	}
	var faults muster.Errors
	if len(some) > 0 && some[0].Access.Manage != nil && !*some[0].Access.Manage {
		faults = append(faults, muster.Errorf(muster.Policy, "config.client_id", "Keycloak lets the client %s read accounts and not change them. Give its service account the role manage-users of the client realm-management.", t.ClientID))
	}
	for _, look := range []func(context.Context) (muster.Errors, error){t.checkRealm, t.checkProfile, t.checkActions, t.checkRoles} {
		more, err := look(ctx)
		if err != nil {
			return err
		}
		faults = append(faults, more...)
	}
	if len(faults) > 0 {
		return connector.Permanent(faults)
	}
	return nil
}

func (t *target) checkRealm(ctx context.Context) (faults muster.Errors, err error) {
	var realm struct {
		EmailAsUsername bool  `json:"registrationEmailAsUsername"`
		EditUsername    *bool `json:"editUsernameAllowed"`
	}
	if err := t.do(ctx, call{method: http.MethodGet, out: &realm}); err != nil {
		return nil, err
	}
	if realm.EmailAsUsername {
		faults = append(faults, muster.Errorf(muster.Invalid, "config.realm", "The realm makes usernames of e-mail addresses. Switch off “Email as username” in its settings, under Login."))
	}
	if realm.EditUsername != nil && !*realm.EditUsername {
		faults = append(faults, muster.Errorf(muster.Invalid, "config.realm", "The realm does not let usernames be changed, so that nobody could be renamed. Switch on “Edit username” in its settings, under Login."))
	}
	return faults, nil
}

func (t *target) checkProfile(ctx context.Context) (muster.Errors, error) {
	p, err := t.profile(ctx)
	if err != nil {
		return nil, err
	}
	return t.profileLacks(p), nil
}

// checkActions: a required action that Keycloak does not know it passes over without a word.
func (t *target) checkActions(ctx context.Context) (faults muster.Errors, err error) {
	if len(t.RequiredActions) == 0 {
		return nil, nil
	}
	var list []struct {
		Alias   string `json:"alias"`
		Enabled bool   `json:"enabled"`
	}
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"authentication", "required-actions"}, out: &list}); err != nil {
		return nil, err
	}
	var known []string
	for _, a := range list {
		if a.Enabled {
			known = append(known, a.Alias)
		}
	}
	for _, name := range t.RequiredActions {
		if !slices.Contains(known, name) {
			faults = append(faults, muster.Errorf(muster.Invalid, "config.required_actions", "The realm has no required action %s, or it is switched off. It has: %s.", name, strings.Join(known, ", ")))
		}
	}
	return faults, nil
}

func (t *target) checkRoles(ctx context.Context) (faults muster.Errors, err error) {
	names := slices.Clone(t.Roles)
	for _, name := range t.GroupRoles {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := t.role(ctx, name); err != nil {
			if !connector.Verdict(err).Permanent {
				return nil, err
			}
			faults = append(faults, muster.Faults(err)...)
		}
	}
	if parent := segments(t.GroupParent); len(parent) > 0 {
		if _, err := t.lookGroup(ctx, t.GroupParent); err == connector.ErrNotFound {
			faults = append(faults, muster.Errorf(muster.Invalid, "config.group_parent", "The realm has no group %s.", t.GroupParent))
		} else if err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// signedIn says whether Keycloak remembers a sign-in of an account; a client that may not read events knows of none.
func (t *target) signedIn(ctx context.Context, id string) (bool, error) {
	var list []struct {
		Type string `json:"type"`
	}
	err := t.do(ctx, call{method: http.MethodGet, path: []string{"events"}, query: url.Values{"type": {"LOGIN"}, "user": {id}, "max": {"1"}}, out: &list})
	if refusedWith(err, http.StatusForbidden) {
		return false, nil
	}
	return len(list) > 0, err
}
