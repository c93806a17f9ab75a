package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
)

func TestCreateKeyChecks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			n     access.NewKey
			code  muster.Code
			field string
		}{
			"no name":              {access.NewKey{Name: " "}, muster.Required, "name"},
			"a long name":          {access.NewKey{Name: strings.Repeat("é", 101)}, muster.TooLong, "name"},
			"a name with controls": {access.NewKey{Name: "a\x00b"}, muster.Invalid, "name"},
			"a wrong scope":        {access.NewKey{Name: "a", Scope: "root"}, muster.Invalid, "scope"},
			"expired already":      {access.NewKey{Name: "a", ExpiresAt: h.clock.Now()}, muster.Invalid, "expires_at"},
			"two owners":           {access.NewKey{Name: "a", Application: "b", Person: uuid.New()}, muster.Invalid, "person"},
			"an unknown person":    {access.NewKey{Name: "a", Person: uuid.New()}, muster.NotFound, "id"},
		} {
			plain, _, err := h.CreateKey(t.Context(), h.admin, c.n)
			if faults := muster.Faults(err); plain != "" || len(faults) != 1 || faults[0].Code != c.code || faults[0].Field != c.field {
				t.Errorf("%s: %q, %v", name, plain, err)
			}
		}
		if list, err := h.Keys(t.Context(), h.admin, 0, 10); err != nil || len(list) != 1 {
			t.Errorf("keys %+v, %v", list, err)
		}
		if list, err := h.Applications(t.Context(), h.admin, 0, 10); err != nil || len(list) != 1 || list[0].Name != "admin" {
			t.Errorf("applications %+v, %v", list, err)
		}
	})
}

func TestKeysAreListedInPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		jean := h.person(t, h.admin.Tenant, muster.Active)
		for i := range 5 {
			n := access.NewKey{Name: fmt.Sprint("key", i), Application: "hr"}
			if i == 4 {
				n.Application, n.Person = "", jean.ID
			}
			plain, key := h.create(t, h.admin, n)
			if !strings.HasPrefix(plain, key.Prefix) || len(key.Prefix) >= len(plain)/2 {
				t.Errorf("prefix %q", key.Prefix)
			}
		}
		var names []string
		for after := int64(0); ; {
			list, err := h.Keys(t.Context(), h.admin, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			for _, k := range list {
				names = append(names, k.Name+" of "+k.ApplicationName+k.Username)
				after = k.Seq
			}
		}
		if got := strings.Join(names, ", "); got != "admin of admin, key0 of hr, key1 of hr, key2 of hr, key3 of hr, key4 of jean.dupont001" {
			t.Errorf("keys: %s", got)
		}
		if list, err := h.Applications(t.Context(), h.admin, 0, 10); err != nil || len(list) != 2 {
			t.Errorf("applications %+v, %v", list, err)
		}
	})
}

func TestOnlyAdminsHandleKeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, key := h.create(t, h.admin, access.NewKey{Name: "victim"})
		for _, scope := range []muster.KeyScope{muster.ReadScope, muster.WriteScope} {
			plain, _ := h.create(t, h.admin, access.NewKey{Name: string(scope), Scope: scope})
			c := h.caller(t, plain)
			_, _, err := h.CreateKey(t.Context(), c, access.NewKey{Name: "more", Scope: muster.ReadScope})
			want(t, "create", err, muster.Forbidden)
			if !strings.Contains(err.Error(), "keys.manage") || !strings.Contains(err.Error(), c.Name) {
				t.Errorf("the refusal says %q", err)
			}
			_, err = h.Keys(t.Context(), c, 0, 10)
			want(t, "list", err, muster.Forbidden)
			want(t, "revoke", h.RevokeKey(t.Context(), c, key.ID), muster.Forbidden)
			_, err = h.Applications(t.Context(), c, 0, 10)
			want(t, "applications", err, muster.Forbidden)
			_, err = h.CreateTenant(t.Context(), c, access.NewTenant{Code: "x", Name: "X"})
			want(t, "create tenant", err, muster.Forbidden)
			_, err = h.Tenants(t.Context(), c)
			want(t, "list tenants", err, muster.Forbidden)
			_, err = h.UpdateTenant(t.Context(), c, "default", access.TenantChange{})
			want(t, "update tenant", err, muster.Forbidden)
			if own, err := h.Own(t.Context(), c); err != nil || own.Code != "default" {
				t.Errorf("own tenant %+v, %v", own, err)
			}
		}
		keysOnly := muster.Caller{Tenant: h.admin.Tenant, Name: "keys", Grants: []muster.Grant{{Privilege: muster.ManageKeys, Scope: muster.TenantScope}}}
		_, _, err := h.CreateKey(t.Context(), keysOnly, access.NewKey{Name: "more", Scope: muster.ReadScope})
		want(t, "a key that may do more than its maker", err, muster.Forbidden)
		inUnit := muster.Caller{Tenant: h.admin.Tenant, Grants: []muster.Grant{{Privilege: muster.ManageKeys, Scope: muster.UnitScope, Object: 1}}}
		want(t, "a grant over a unit", access.Can(inUnit, muster.ManageKeys), muster.Forbidden)
	})
}

func TestTheLastAdminKeyStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		want(t, "the only one", h.RevokeKey(t.Context(), h.admin, h.keyOf(t, h.admin).ID), muster.Policy)
		_, expiring := h.create(t, h.admin, access.NewKey{Name: "expiring", Scope: muster.AdminScope, ExpiresAt: h.clock.Now().Add(time.Hour)})
		h.clock.Advance(2 * time.Hour)
		want(t, "beside an expired one", h.RevokeKey(t.Context(), h.admin, h.keyOf(t, h.admin).ID), muster.Policy)
		if err := h.RevokeKey(t.Context(), h.admin, expiring.ID); err != nil {
			t.Error(err)
		}
		h.create(t, h.admin, access.NewKey{Name: "second", Scope: muster.AdminScope})
		if err := h.RevokeKey(t.Context(), h.admin, h.keyOf(t, h.admin).ID); err != nil {
			t.Error(err)
		}
	})
}

func (h *house) keyOf(t *testing.T, c muster.Caller) access.KeyInfo {
	t.Helper()
	list, err := h.Keys(t.Context(), h.admin, c.Key-1, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

func TestKeysAreAudited(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, key := h.create(t, h.admin, access.NewKey{Name: "reports", Application: "hr"})
		if err := h.RevokeKey(t.Context(), h.admin, key.ID); err != nil {
			t.Fatal(err)
		}
		got := h.audit(t, h.admin.Tenant)[2:]
		if want := []string{"key:admin application.create", "key:admin key.create", "key:admin key.revoke"}; !slices.Equal(got, want) {
			t.Errorf("audit %q", got)
		}
	})
}
