package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a database after its first start.
type house struct {
	*access.Access
	st    *store.Store
	clock *storetest.Clock
	plain string // the first admin key
	admin muster.Caller
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := storetest.NewClock()
			h := &house{st: storetest.OpenWithoutTenant(t, engine, storetest.WithClock(clock)), clock: clock}
			h.Access = access.New(h.st)
			t.Cleanup(h.Close)
			first, err := h.Bootstrap(t.Context(), secret.NewKey(), func(plain string) error { h.plain = plain; return nil })
			if err != nil || !first {
				t.Fatalf("first start: %v, %v", first, err)
			}
			h.admin = h.caller(t, h.plain)
			f(t, h)
		})
	}
}

func (h *house) caller(t *testing.T, plain string) muster.Caller {
	t.Helper()
	caller, err := h.CallerOfKey(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	caller.Surface, caller.RequestID = "native", "r1"
	return caller
}

func (h *house) create(t *testing.T, caller muster.Caller, n access.NewKey) (string, access.KeyInfo) {
	t.Helper()
	plain, key, err := h.CreateKey(t.Context(), caller, n)
	if err != nil {
		t.Fatal(err)
	}
	return plain, key
}

func (h *house) person(t *testing.T, tenant int64, state muster.State) *store.PersonRow {
	t.Helper()
	p := &store.PersonRow{Person: muster.Person{Username: "jean.dupont001", State: state, Mode: muster.Rest, Version: 1}}
	p.Keys.Username = p.Username
	err := h.st.Update(t.Context(), tenant, func(tx *store.Tx) error {
		seqs, err := tx.NextPeople(1)
		if err != nil {
			return err
		}
		p.Seq, p.ID, p.CreatedAt, p.UpdatedAt = seqs[0], muster.PersonID(seqs[0], tx.Now()), tx.Now(), tx.Now()
		return errors.Join(tx.InsertPeople([]*store.PersonRow{p}), tx.CountPeople(map[muster.State]int{state: 1}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// audit gives the actions recorded in a tenant, oldest first.
func (h *house) audit(t *testing.T, tenant int64) (actions []string) {
	t.Helper()
	err := h.st.View(t.Context(), tenant, func(tx *store.Tx) error {
		rows, err := tx.SQL().QueryContext(t.Context(), "SELECT actor, action, change FROM audit WHERE tenant = $1 ORDER BY seq", tenant)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var actor, action, change string
			if err := rows.Scan(&actor, &action, &change); err != nil {
				return err
			}
			if strings.Contains(change, h.plain) {
				t.Errorf("the audit holds a key: %s", change)
			}
			actions = append(actions, actor+" "+action)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func want(t *testing.T, what string, err error, code muster.Code) {
	t.Helper()
	if got := muster.CodeOf(err); got != code {
		t.Errorf("%s: %q (%v), want %q", what, got, err, code)
	}
}

func TestFirstStart(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			st := storetest.OpenWithoutTenant(t, engine)
			a := access.New(st)
			t.Cleanup(a.Close)
			key := secret.NewKey()
			var saved []string
			save := func(plain string) error { saved = append(saved, plain); return nil }

			full := errors.New("disk full")
			first, err := a.Bootstrap(t.Context(), key, func(string) error { return full })
			if first || !errors.Is(err, full) {
				t.Errorf("a start that cannot save the key: %v, %v", first, err)
			}
			if first, err = a.Bootstrap(t.Context(), key, save); !first || err != nil || len(saved) != 1 {
				t.Fatalf("first start: %v, %v, saved %d", first, err, len(saved))
			}
			if first, err = a.Bootstrap(t.Context(), key, save); first || err != nil || len(saved) != 1 {
				t.Errorf("second start: %v, %v, saved %d", first, err, len(saved))
			}
			other := secret.NewKey()
			_, err = a.Bootstrap(t.Context(), other, save)
			want(t, "another sealing key", err, muster.Policy)
			if !strings.Contains(err.Error(), key.Fingerprint()) || !strings.Contains(err.Error(), other.Fingerprint()) {
				t.Errorf("the message does not name both keys: %v", err)
			}
			caller, err := a.CallerOfKey(t.Context(), saved[0])
			if err != nil || caller.Name != "key:admin" || !caller.Has(muster.ManageTenants) {
				t.Errorf("the saved key leads to %+v, %v", caller, err)
			}
			list, err := a.Tenants(t.Context(), caller)
			if err != nil || len(list) != 1 || list[0].Code != "default" || list[0].Seq != caller.Tenant || list[0].Settings != muster.DefaultSettings() {
				t.Errorf("tenants %+v, %v", list, err)
			}
		})
	}
}

func TestFirstStartOfManyNodesAtOnce(t *testing.T) {
	st := storetest.OpenWithoutTenant(t, store.Postgres)
	key := secret.NewKey()
	var mu sync.Mutex
	var saved, firsts int
	var nodes sync.WaitGroup
	for range 4 {
		a := access.New(storetest.AnotherNode(t, st))
		t.Cleanup(a.Close)
		nodes.Go(func() {
			first, err := a.Bootstrap(context.Background(), key, func(string) error { mu.Lock(); saved++; mu.Unlock(); return nil })
			if err != nil {
				t.Error(err)
			}
			if first {
				mu.Lock()
				firsts++
				mu.Unlock()
			}
		})
	}
	nodes.Wait()
	if saved != 1 || firsts != 1 {
		t.Errorf("%d nodes were first, %d keys saved", firsts, saved)
	}
}

func TestCallerOfKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		jean := h.person(t, h.admin.Tenant, muster.Active)
		reader, readerKey := h.create(t, h.admin, access.NewKey{Name: "reports", Scope: muster.ReadScope})
		personal, personalKey := h.create(t, h.admin, access.NewKey{Name: "jean's", Scope: muster.WriteScope, Person: jean.ID})
		c := h.caller(t, reader)
		if c.Tenant != h.admin.Tenant || c.Name != "key:reports" || c.Key != readerKey.Seq || c.Person != 0 || !slices.Equal(c.Grants, muster.ReadScope.Grants()) {
			t.Errorf("reader is %+v", c)
		}
		c = h.caller(t, personal)
		if c.Name != "person:jean.dupont001" || c.Person != jean.Seq || c.Key != personalKey.Seq || !c.Has(muster.WritePeople) || c.Has(muster.ManageKeys) {
			t.Errorf("person's key is %+v", c)
		}
		never, _, _ := secret.NewAPIKey()
		var texts []string
		refused := func(what, plain string) {
			t.Helper()
			caller, err := h.CallerOfKey(t.Context(), plain)
			want(t, what, err, muster.Unauthenticated)
			if caller.Tenant != 0 || len(caller.Grants) != 0 {
				t.Errorf("%s: %+v", what, caller)
			}
			texts = append(texts, err.Error())
		}
		refused("no key", "")
		refused("a word", "secret")
		refused("a mistyped key", reader[:len(reader)-1]+"~")
		refused("a key that never was", never)
		short, _ := h.create(t, h.admin, access.NewKey{Name: "short", ExpiresAt: h.clock.Now().Add(time.Hour)})
		h.clock.Advance(time.Hour - time.Microsecond)
		h.caller(t, short)
		h.clock.Advance(time.Microsecond)
		refused("an expired key", short)
		if err := h.RevokeKey(t.Context(), h.admin, readerKey.ID); err != nil {
			t.Fatal(err)
		}
		refused("a revoked key", reader)
		err := h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error {
			jean.State, jean.Version = muster.Suspended, 2
			return tx.UpdatePeople([]*store.PersonRow{jean})
		})
		if err != nil {
			t.Fatal(err)
		}
		refused("the key of a suspended person", personal)
		if len(slices.Compact(texts)) != 1 {
			t.Errorf("the refusals differ: %q", texts)
		}
	})
}

func TestRevocationReachesOtherNodesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		plain, key := h.create(t, h.admin, access.NewKey{Name: "reports"})
		other := access.New(storetest.AnotherNode(t, h.st, storetest.WithClock(h.clock)))
		t.Cleanup(other.Close)
		if _, err := other.CallerOfKey(t.Context(), plain); err != nil {
			t.Error(err)
		}
		if err := h.RevokeKey(t.Context(), h.admin, key.ID); err != nil {
			t.Fatal(err)
		}
		_, err := other.CallerOfKey(t.Context(), plain)
		want(t, "on another node", err, muster.Unauthenticated)
		want(t, "revoking twice", h.RevokeKey(t.Context(), h.admin, key.ID), muster.NotFound)
	})
}

func TestLastUseIsRecordedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		plain, key := h.create(t, h.admin, access.NewKey{Name: "reports"})
		used := func() time.Time {
			h.Close() // waits for what is being written
			h.Access = access.New(h.st)
			list, err := h.Keys(t.Context(), h.admin, key.Seq-1, 1)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0].LastUsedAt
		}
		if at := used(); !at.IsZero() {
			t.Errorf("used at %v before any use", at)
		}
		start := h.clock.Now()
		for range 3 {
			h.caller(t, plain)
			if at := used(); !at.Equal(start) {
				t.Errorf("used at %v, want %v", at, start)
			}
			h.clock.Advance(20 * time.Second)
		}
		h.caller(t, plain)
		if at := used(); !at.Equal(start.Add(time.Minute)) {
			t.Errorf("a minute later used at %v", at)
		}
	})
}

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

func TestTenantsAreWalls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		school, err := h.CreateTenant(ctx, h.admin, access.NewTenant{Code: "school", Name: " École "})
		if err != nil || school.Name != "École" || school.Settings != muster.DefaultSettings() {
			t.Fatalf("%+v, %v", school, err)
		}
		guest, err := h.InTenant(ctx, h.admin, "school")
		if err != nil || guest.Tenant != school.Seq {
			t.Fatalf("%+v, %v", guest, err)
		}
		plain, schoolKey := h.create(t, guest, access.NewKey{Name: "head", Scope: muster.AdminScope})
		head := h.caller(t, plain)
		if head.Tenant != school.Seq {
			t.Fatalf("the key made there is of tenant %d", head.Tenant)
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
		wrong.Usernames.Pattern, wrong.Limits.Percent, wrong.Limits.MaxRenames = "jean", 101, -1
		for name, c := range map[string]struct {
			n      access.NewTenant
			fields string
		}{
			"no code":        {access.NewTenant{Name: "X"}, "code"},
			"a capital":      {access.NewTenant{Code: "School", Name: "X"}, "code"},
			"a hyphen first": {access.NewTenant{Code: "-a", Name: "X"}, "code"},
			"a long code":    {access.NewTenant{Code: strings.Repeat("a", 64), Name: "X"}, "code"},
			"no name":        {access.NewTenant{Code: "x"}, "name"},
			"all at once":    {access.NewTenant{Code: "x y", Settings: wrong}, "code name usernames.pattern limits.max_renames limits.percent"},
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
		if err != nil || settings != muster.DefaultSettings() {
			t.Fatalf("%+v, %v", settings, err)
		}
		newName := "Academy"
		settings.Usernames.Digits, settings.Limits.Percent = 2, 50
		tenant, err := h.UpdateTenant(ctx, h.admin, "default", access.TenantChange{Name: &newName, Settings: &settings})
		if err != nil || tenant.Name != newName {
			t.Errorf("%+v, %v", tenant, err)
		}
		if got, err := h.SettingsOf(ctx, h.admin.Tenant); err != nil || got != settings {
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

func BenchmarkCallerOfKey(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			a := access.New(storetest.OpenWithoutTenant(b, engine))
			b.Cleanup(a.Close)
			var plain string
			if _, err := a.Bootstrap(b.Context(), secret.NewKey(), func(p string) error { plain = p; return nil }); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := a.CallerOfKey(b.Context(), plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
