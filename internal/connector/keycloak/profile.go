package keycloak

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// profileKept is how long the user profile is taken to be as it was seen.
const profileKept = 10 * time.Minute

// ready proves before the first write that the user profile takes the attributes, since Keycloak passes over those it does not know without a
// word: accounts would lack their marker. Attributes that are lacking are added where that is wanted.
func (t *target) ready(ctx context.Context) error {
	t.mu.Lock()
	fresh := !t.profiled.IsZero() && time.Since(t.profiled) < profileKept
	t.mu.Unlock()
	if fresh {
		return nil
	}
	profile, err := t.profile(ctx)
	if err != nil {
		return t.outcome(ctx, "read the user profile", err)
	}
	if lacking := t.lacking(profile); len(lacking) > 0 && t.DeclareAttributes {
		profile, err = t.declare(ctx, profile, lacking)
		if err != nil {
			return t.outcome(ctx, "add attributes to the user profile (the right is manage-realm)", err)
		}
	}
	if faults := t.profileLacks(profile); len(faults) > 0 {
		return connector.Down(faults)
	}
	t.mu.Lock()
	t.profiled = time.Now()
	t.mu.Unlock()
	return nil
}

// A profile is kept as it came, so that nothing of it is lost when it is sent back.
type profile map[string]any

func (t *target) profile(ctx context.Context) (profile, error) {
	var p profile
	err := t.do(ctx, call{method: http.MethodGet, path: []string{"users", "profile"}, out: &p})
	return p, err
}

// editors says who may write an attribute, as far as the profile knows it.
func (p profile) editors(name string) (who []string, declared bool) {
	list, _ := p["attributes"].([]any)
	for _, a := range list {
		attribute, _ := a.(map[string]any)
		if attribute["name"] != name {
			continue
		}
		permissions, _ := attribute["permissions"].(map[string]any)
		return connector.Texts(permissions["edit"]), true
	}
	switch p["unmanagedAttributePolicy"] {
	case "ENABLED":
		return []string{"admin", "user"}, false
	case "ADMIN_EDIT":
		return []string{"admin"}, false
	}
	return nil, false
}

// wanted lists the attributes that accounts are to have.
func (t *target) wanted() []string {
	names := []string{t.MarkerAttribute}
	for _, m := range t.mappings {
		names = append(names, m.Attr)
	}
	return names
}

// lacking lists attributes that the profile does not know and that cannot be written for that reason.
func (t *target) lacking(p profile) (names []string) {
	for _, name := range t.wanted() {
		if who, declared := p.editors(name); !declared && (!slices.Contains(who, "admin") || name == t.MarkerAttribute && slices.Contains(who, "user")) {
			names = append(names, name)
		}
	}
	return names
}

// declare adds attributes to the profile, for administrators alone.
func (t *target) declare(ctx context.Context, p profile, names []string) (profile, error) {
	list, _ := p["attributes"].([]any)
	for _, name := range names {
		attribute := map[string]any{"name": name, "permissions": map[string]any{"view": []string{"admin"}, "edit": []string{"admin"}}}
		for _, m := range t.mappings {
			if m.Attr == name && m.Field == "phones" { // somebody may have several of a type
				attribute["multivalued"] = true
			}
		}
		list = append(list, attribute)
	}
	p["attributes"] = list
	if err := t.do(ctx, call{method: http.MethodPut, path: []string{"users", "profile"}, body: p}); err != nil {
		return nil, err
	}
	return t.profile(ctx)
}

// profileLacks says what must be done in Keycloak before accounts can be written.
func (t *target) profileLacks(p profile) (list muster.Errors) {
	if lacking := t.lacking(p); len(lacking) > 0 && !t.DeclareAttributes {
		list = append(list, muster.Errorf(muster.Invalid, "config.attributes",
			"The realm's user profile does not take these attributes: %s. In the admin console, under Realm settings, User profile, create each of them with the permission to view and edit for Admin alone; or set declare_attributes.",
			strings.Join(lacking, ", ")))
	}
	for _, name := range t.wanted() {
		who, declared := p.editors(name)
		switch {
		case !declared:
		case !slices.Contains(who, "admin"):
			list = append(list, muster.Errorf(muster.Invalid, "config.attributes",
				"The realm's user profile does not let administrators write the attribute %s. Under Realm settings, User profile, give Admin the permission to edit it.", name))
		case name == t.MarkerAttribute && slices.Contains(who, "user"):
			list = append(list, muster.Errorf(muster.Invalid, "config.marker_attribute",
				"The realm's user profile lets people write the attribute %s of their own account, and so be taken for somebody else. Under Realm settings, User profile, take the permission to edit it from User.", name))
		}
	}
	return list
}
