package access_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

func TestTenantsAreWalls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		school, err := h.CreateTenant(ctx, h.admin, access.NewTenant{Code: "school", Name: " École "})
		if err != nil || school.Name != "École" || !reflect.DeepEqual(school.Settings, muster.DefaultSettings()) {
			t.Fatalf("%+v, %v", school, err)
		}
		guest, err := h.InTenant(ctx, h.admin, "school")
		if err != nil || guest.Tenant != school.Seq {
			t.Fatalf("%+v, %v", guest, err)
		}
		again, err := h.InTenant(ctx, guest, "school")
		if err != nil || again.Home != h.admin.Tenant {
			t.Fatalf("%+v, %v", again, err)
		}
		plain, schoolKey := h.create(t, guest, access.NewKey{Name: "head", Scope: muster.AdminScope})
		head := h.caller(t, plain)
		if head.Tenant != school.Seq {
			t.Fatalf("the key made there is of tenant %d", head.Tenant)
		}
		inside, err := h.InTenant(ctx, head, "school")
		if err != nil {
			t.Fatal(err)
		}
		reader := h.admin
		reader.Grants = muster.WriteScope.Grants()
		for i, c := range []struct {
			caller   muster.Caller
			operator bool
		}{{h.admin, true}, {guest, true}, {head, false}, {inside, false}, {reader, false}, {muster.Caller{Grants: muster.AdminScope.Grants()}, false}} {
			err := h.st.View(ctx, h.admin.Tenant, func(tx *store.Tx) error {
				operator, err := access.Operator(tx, c.caller)
				if operator != c.operator {
					t.Errorf("caller %d, %s: operator %v", i, c.caller.Name, operator)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		_, err = h.Tenant(ctx, head, "default")
		want(t, "the other tenant", err, muster.NotFound)
		_, unknown := h.Tenant(ctx, head, "nowhere")
		if strings.ReplaceAll(err.Error(), "default", "nowhere") != unknown.Error() {
			t.Errorf("a tenant behind the wall: %q; one that is not there: %q", err, unknown)
		}
		_, err = h.InTenant(ctx, head, "default")
		want(t, "to work in the other tenant", err, muster.NotFound)
		_, err = h.UpdateTenant(ctx, head, "default", access.TenantChange{})
		want(t, "to change the other tenant", err, muster.NotFound)
		_, err = h.CreateTenant(ctx, head, access.NewTenant{Code: "third", Name: "Third"})
		want(t, "to make a tenant", err, muster.Forbidden)
		if list, err := h.Tenants(ctx, head); err != nil || len(list) != 1 || list[0].Code != "school" {
			t.Errorf("the head sees %+v, %v", list, err)
		}
		if list, err := h.Tenants(ctx, h.admin); err != nil || len(list) != 2 {
			t.Errorf("the operator sees %+v, %v", list, err)
		}
		want(t, "to revoke across", h.RevokeKey(ctx, head, h.keyOf(t, h.admin).ID), muster.NotFound)
		want(t, "to revoke across, the other way", h.RevokeKey(ctx, h.admin, schoolKey.ID), muster.NotFound)
		jean := h.person(t, h.admin.Tenant, muster.Active)
		_, _, err = h.CreateKey(ctx, head, access.NewKey{Name: "k", Person: jean.ID})
		want(t, "a key for the other tenant's person", err, muster.NotFound)
		if list, err := h.Keys(ctx, head, 0, 10); err != nil || len(list) != 1 || list[0].Name != "head" {
			t.Errorf("the head's keys %+v, %v", list, err)
		}
	})
}

func TestCreateTenantChecks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		wrong := muster.DefaultSettings()
		wrong.Usernames.Pattern, wrong.Limits.Percent, wrong.Limits.MaxRenames, wrong.ReportTo = "jean", 101, -1, "a@b\r\nBcc: c@d"
		for name, c := range map[string]struct {
			n      access.NewTenant
			fields string
		}{
			"no code":        {access.NewTenant{Name: "X"}, "code"},
			"a capital":      {access.NewTenant{Code: "School", Name: "X"}, "code"},
			"a hyphen first": {access.NewTenant{Code: "-a", Name: "X"}, "code"},
			"a long code":    {access.NewTenant{Code: strings.Repeat("a", 64), Name: "X"}, "code"},
			"no name":        {access.NewTenant{Code: "x"}, "name"},
			"all at once":    {access.NewTenant{Code: "x y", Settings: wrong}, "code name usernames.pattern limits.max_renames limits.percent report_to"},
			"taken":          {access.NewTenant{Code: "default", Name: "X"}, "code"},
		} {
			_, err := h.CreateTenant(t.Context(), h.admin, c.n)
			var fields []string
			for _, f := range muster.Faults(err) {
				fields = append(fields, f.Field)
			}
			if strings.Join(fields, " ") != c.fields {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestUpdateTenant(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		settings, err := h.SettingsOf(ctx, h.admin.Tenant)
		if err != nil || !reflect.DeepEqual(settings, muster.DefaultSettings()) {
			t.Fatalf("%+v, %v", settings, err)
		}
		newName := "Academy"
		settings.Usernames.Digits, settings.Limits.Percent = 2, 50
		tenant, err := h.UpdateTenant(ctx, h.admin, "default", access.TenantChange{Name: &newName, Settings: &settings})
		if err != nil || tenant.Name != newName {
			t.Errorf("%+v, %v", tenant, err)
		}
		if got, err := h.SettingsOf(ctx, h.admin.Tenant); err != nil || !reflect.DeepEqual(got, settings) {
			t.Errorf("settings are %+v, %v", got, err)
		}
		if _, err := h.UpdateTenant(ctx, h.admin, "default", access.TenantChange{Name: &newName, Settings: &settings}); err != nil {
			t.Error(err)
		}
		h.person(t, h.admin.Tenant, muster.Active)
		for _, step := range []struct { // from 2 digits on
			digits int
			code   muster.Code
		}{{1, muster.Policy}, {7, muster.Invalid}, {4, ""}, {2, muster.Policy}, {3, ""}, {2, muster.Policy}} {
			settings.Usernames.Digits = step.digits
			_, err := h.UpdateTenant(ctx, h.admin, "default", access.TenantChange{Settings: &settings})
			want(t, fmt.Sprint("now ", step.digits, " digits"), err, step.code)
		}
		actions := h.audit(t, h.admin.Tenant)
		update := "key:admin tenant.update" // one for each change, none where nothing changed
		if want := []string{"system tenant.create", "system key.create", update, update, update}; !slices.Equal(actions, want) {
			t.Errorf("audit %q", actions)
		}
		_, err = h.SettingsOf(ctx, 99)
		want(t, "a tenant that is not there", err, muster.NotFound)
	})
}
