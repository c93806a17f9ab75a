package keycloak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Apply carries out one step.
func (t *target) Apply(ctx context.Context, s connector.Step) (connector.Account, error) {
	switch {
	case s.Intent == connector.Create:
		a, err := t.create(ctx, s)
		return a, t.outcome(ctx, "create accounts", err)
	case s.Change.Action == muster.Delete:
		return connector.Account{}, t.outcome(ctx, "delete accounts", t.remove(ctx, s))
	}
	a, err := t.ensure(ctx, s)
	return a, t.outcome(ctx, "change accounts", err)
}

// create makes an account. One request makes the user with its attributes, groups and required actions; roles can only be given afterwards. Where
// there are some, the account is enabled last: nobody signs in to half an account, and one whose making stopped midway is seen to differ from what
// is wanted, so that the step that repairs it is taken.
func (t *target) create(ctx context.Context, s connector.Step) (connector.Account, error) {
	if s.Username == "" {
		return connector.Account{}, connector.Permanent(muster.Errorf(muster.Required, "username", "An account in Keycloak needs a username."))
	}
	if err := t.ready(ctx); err != nil {
		return connector.Account{}, err
	}
	wanted := (muster.Record{}).Apply(muster.Change{Action: muster.Create, Fields: s.Change.Fields})
	paths, roles, late := t.belongings(ctx, wanted)
	said, ok := s.Change.Field("enabled")
	enabled, atOnce := !ok || said.After == true, len(roles) == 0
	u := t.draft(s, wanted)
	u.Groups, u.Enabled = paths, ptr(enabled && atOnce)
	id, err := t.post(ctx, call{method: http.MethodPost, path: []string{"users"}, body: u})
	if err != nil {
		return connector.Account{}, t.notCreated(ctx, s.Username, deref(u.Email), err)
	}
	if u.ID = id; id == "" {
		if u, err = t.byName(ctx, s.Username); err != nil {
			return connector.Account{}, err
		}
	}
	u.Username = ptr(lower(u.name()))
	made := t.account(u)
	if joined := connector.Texts(wanted["groups"]); len(joined) > 0 && late == nil {
		slices.Sort(joined)
		made.Attributes["groups"] = slices.Compact(joined)
	}
	if err := t.give(ctx, u.ID, roles); err != nil {
		return made, t.belonging(ctx, "give roles", err)
	}
	if enabled && !atOnce {
		if err := t.put(ctx, u.ID, &user{Username: u.Username, Enabled: ptr(true)}); err != nil {
			return made, err
		}
		made.Enabled = true
	}
	return made, late
}

// belonging is what is made of an error about roles and groups of an account. One of them may have gone meanwhile: that does not mean that the
// account is not there.
func (t *target) belonging(ctx context.Context, doing string, err error) error {
	if missing(err) {
		return &connector.Failure{Err: fmt.Errorf("keycloak: %s: %w", doing, err)}
	}
	return t.outcome(ctx, doing, err)
}

// draft is the request for a new account.
func (t *target) draft(s connector.Step, wanted muster.Record) *user {
	u := &user{Username: &s.Username, RequiredActions: t.RequiredActions}
	for _, m := range t.mappings {
		if values := m.Values(wanted[m.Field]); len(values) > 0 {
			u.set(m.Attr, values)
		}
	}
	if s.Marker != "" {
		u.set(t.MarkerAttribute, []string{s.Marker})
	}
	if deref(u.Email) != "" {
		u.EmailVerified = &t.EmailVerified
	}
	return u
}

// belongings gives what a new account belongs to: groups that are there, and roles. late is what is wrong with others; it does not keep anybody
// from having an account.
func (t *target) belongings(ctx context.Context, wanted muster.Record) (paths, roles []string, late error) {
	roles = slices.Clone(t.Roles)
	for _, code := range connector.Texts(wanted["groups"]) {
		if path := t.path(code); path != "" {
			// A path that leads nowhere any more makes Keycloak refuse the whole account, so that it is looked up each time.
			t.forgetGroup(path)
			if _, err := t.groupID(ctx, code, path); err != nil {
				late = t.outcome(ctx, "look for groups", err)
				continue
			}
			paths = append(paths, path)
		}
		if name := t.GroupRoles[code]; name != "" {
			roles = append(roles, name)
		}
	}
	return paths, roles, late
}

// notCreated says who is in the way of a new account. When two are created at once for one name, Keycloak may also answer the slower one that it
// failed.
func (t *target) notCreated(ctx context.Context, username, email string, err error) error {
	switch {
	case refusedWith(err, http.StatusConflict):
		_, who := t.taken(err, username, email)
		return fmt.Errorf("%w: %w", connector.ErrExists, who)
	case refusedWith(err, http.StatusInternalServerError):
		if _, looked := t.byName(ctx, username); looked == nil {
			return connector.ErrExists
		}
	}
	return err
}

// ensure brings a known account to what is wanted. The user is changed first, because only that can find a name or an address taken.
func (t *target) ensure(ctx context.Context, s connector.Step) (connector.Account, error) {
	if err := t.ready(ctx); err != nil {
		return connector.Account{}, err
	}
	u, err := t.byID(ctx, s.ExternalID)
	if err != nil {
		return connector.Account{}, err
	}
	known := t.account(u)
	patch, differs := t.patch(u, s)
	if patch.Enabled != nil && *patch.Enabled {
		if err := t.give(ctx, u.ID, t.Roles); err != nil { // nobody is let in without them
			return known, t.belonging(ctx, "give roles", err)
		}
	}
	if differs {
		if err := t.put(ctx, u.ID, patch); err != nil {
			return known, t.notChanged(s, patch, err)
		}
	}
	if patch.Enabled == nil || !*patch.Enabled {
		if err := t.give(ctx, u.ID, t.Roles); err != nil {
			return known, t.belonging(ctx, "give roles", err)
		}
	}
	groups, regroups := s.Change.Field("groups")
	if regroups {
		if err := t.regroup(ctx, u.ID, groups); err != nil {
			return known, t.belonging(ctx, "change groups", err)
		}
	}
	if differs {
		if u, err = t.byID(ctx, u.ID); err != nil {
			return known, err
		}
	}
	if !regroups {
		return t.account(u), nil
	}
	now, err := t.whole(ctx, u)
	if err != nil {
		return known, err
	}
	return now, nil
}

// patch is what is to be sent so that a user has the fields of a step, and whether that is anything.
func (t *target) patch(u *user, s connector.Step) (*user, bool) {
	patch, differs := &user{}, false
	if u.Attributes != nil {
		attributes := maps.Clone(*u.Attributes)
		patch.Attributes = &attributes
	}
	inside := false // attributes differ, all of which are sent together
	set := func(attr string, values []string) {
		if slices.Equal(u.get(attr), values) {
			return
		}
		patch.set(attr, values)
		differs, inside = true, inside || !plain(attr)
	}
	for _, change := range s.Change.Fields {
		for _, m := range t.mappings {
			if m.Field == change.Field {
				set(m.Attr, m.Values(change.After))
			}
		}
	}
	if s.Marker != "" {
		set(t.MarkerAttribute, []string{s.Marker})
	}
	if !inside {
		patch.Attributes = nil
	}
	// Without its name a user is refused, and together with attributes every plain one that is not sent is cleared.
	patch.Username = u.Username
	for _, attr := range plainAttributes {
		if at := patch.field(attr); inside && *at == nil {
			*at = *u.field(attr)
		}
	}
	if deref(patch.Email) != deref(u.Email) && patch.Email != nil { // Keycloak would take the new address for verified when the old one was
		patch.EmailVerified = ptr(t.EmailVerified && *patch.Email != "")
	}
	if _, renames := s.Change.Field("username"); renames && s.Username != "" && lower(s.Username) != lower(u.name()) {
		patch.Username, differs = &s.Username, true
	}
	if toggle, ok := s.Change.Field("enabled"); ok && u.enabled() != (toggle.After == true) {
		patch.Enabled, differs = ptr(toggle.After == true), true
	}
	return patch, differs
}

func (t *target) put(ctx context.Context, id string, u *user) error {
	err := t.do(ctx, call{method: http.MethodPut, path: []string{"users", id}, body: u})
	if missing(err) {
		return connector.ErrNotFound
	}
	return err
}

// notChanged says who is in the way of a change.
func (t *target) notChanged(s connector.Step, patch *user, err error) error {
	if !refusedWith(err, http.StatusConflict) {
		return err
	}
	byName, who := t.taken(err, s.Username, deref(patch.Email))
	if _, renames := s.Change.Field("username"); byName && renames {
		return fmt.Errorf("%w: %w", connector.ErrExists, who)
	}
	return connector.Permanent(who)
}

// remove deletes the account of an external id.
func (t *target) remove(ctx context.Context, s connector.Step) error {
	if s.ExternalID == "" {
		return connector.Permanent(muster.Errorf(muster.Required, "", "An account is deleted by its external id only."))
	}
	u, err := t.byID(ctx, s.ExternalID)
	if errors.Is(err, connector.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if t.foreign(u) {
		return connector.Permanent(muster.Errorf(muster.Policy, "", "The account %s comes from a user federation or belongs to a client, and is not deleted.", u.name()))
	}
	if err = t.do(ctx, call{method: http.MethodDelete, path: []string{"users", u.ID}}); missing(err) {
		return nil
	}
	return err
}

func ptr[T any](v T) *T { return &v }
