package access_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/auth/authtest"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// trust starts an issuer, on the clock of the house, that a tenant accepts tokens of.
func (h *house) trust(t *testing.T, caller muster.Caller, change func(*muster.Issuer)) *authtest.Issuer {
	t.Helper()
	i := authtest.Start(t)
	i.Now = h.clock.Now
	setting := i.Setting()
	if change != nil {
		change(&setting)
	}
	h.setIssuers(t, caller, setting)
	return i
}

func (h *house) setIssuers(t *testing.T, caller muster.Caller, list ...muster.Issuer) {
	t.Helper()
	own, err := h.Own(t.Context(), caller)
	if err == nil {
		settings := own.Settings
		settings.Issuers = list
		_, err = h.UpdateTenant(t.Context(), caller, own.Code, access.TenantChange{Settings: &settings})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) token(t *testing.T, token string) muster.Caller {
	t.Helper()
	caller, err := h.CallerOfToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// write changes the database, as other packages would.
func (h *house) write(t testing.TB, tenant int64, f func(tx *store.Tx) error) {
	t.Helper()
	if err := h.st.Update(t.Context(), tenant, f); err != nil {
		t.Fatal(err)
	}
}

// named makes a person with an address.
func (h *house) named(t *testing.T, tenant int64, username string, state muster.State) *store.PersonRow {
	t.Helper()
	p := &store.PersonRow{Person: muster.Person{Username: username, Email: username + "@Example.org", State: state, Mode: muster.Rest, Version: 1}}
	p.Keys.Username, p.Keys.Email = username, muster.FoldKey(p.Email)
	h.write(t, tenant, func(tx *store.Tx) error {
		seqs, err := tx.NextPeople(1)
		if err != nil {
			return err
		}
		p.Seq, p.ID, p.CreatedAt, p.UpdatedAt = seqs[0], muster.PersonID(seqs[0], tx.Now()), tx.Now(), tx.Now()
		return tx.InsertPeople([]*store.PersonRow{p})
	})
	return p
}

// set changes a person's state; a deleted one gives the address up.
func (h *house) set(t *testing.T, tenant int64, p *store.PersonRow, state muster.State) {
	t.Helper()
	h.write(t, tenant, func(tx *store.Tx) error {
		p.State, p.Version = state, p.Version+1
		if state == muster.Deleted {
			p.Keys.Email = ""
		}
		return tx.UpdatePeople([]*store.PersonRow{p})
	})
}

// assign makes a unit in which a person holds a role.
func (h *house) assign(t *testing.T, tenant int64, person int64, kind, role string) (unit int64) {
	t.Helper()
	h.write(t, tenant, func(tx *store.Tx) error {
		seqs, err := tx.NextUnits(1)
		if err != nil {
			return err
		}
		unit = seqs[0]
		u := &store.UnitRow{Unit: muster.Unit{Seq: unit, Kind: kind, Code: fmt.Sprint("u", unit), Name: "Unit", Path: fmt.Sprintf("/%d/", unit)}}
		if err := tx.InsertUnits([]*store.UnitRow{u}); err != nil {
			return err
		}
		numbers, err := tx.NextMemberships(1)
		if err != nil {
			return err
		}
		m := &store.MembershipRow{Membership: muster.Membership{Seq: numbers[0]}, PersonSeq: person, UnitSeq: unit, UnitKind: kind}
		if err := tx.InsertMemberships([]*store.MembershipRow{m}); err != nil {
			return err
		}
		roles := []*store.AssignmentRow{{MembershipSeq: m.Seq, Assignment: muster.Assignment{Role: role}}, {MembershipSeq: m.Seq, Assignment: muster.Assignment{Role: role, Secondary: "secretaire"}}}
		return tx.InsertAssignments(roles)
	})
	return unit
}

// account gives a person an account on a target, which is made when there is none of the name.
func (h *house) account(t *testing.T, tenant int64, target string, person int64, externalID string) {
	t.Helper()
	h.write(t, tenant, func(tx *store.Tx) error {
		row, err := tx.TargetByName(target)
		if muster.CodeOf(err) == muster.NotFound {
			row = store.TargetRow{Target: muster.Target{ID: uuid.Must(uuid.NewV7()), Name: target, Kind: "keycloak", Policy: muster.DefaultTargetPolicy()}, Config: []byte("x")}
			err = tx.CreateTarget(&row)
		}
		if err != nil || person == 0 {
			return err
		}
		a := &store.AccountRow{Account: muster.Account{Target: row.Seq, Person: person, State: muster.DeliveredAccount}}
		if err := tx.CreateAccounts([]*store.AccountRow{a}); err != nil {
			return err
		}
		_, err = tx.SQL().ExecContext(tx.Context(), "UPDATE account SET external_id = $1 WHERE seq = $2", externalID, a.Seq)
		return err
	})
}

func (h *house) logins(t *testing.T) (n int) {
	t.Helper()
	err := h.st.View(t.Context(), store.Everyone, func(tx *store.Tx) error {
		return tx.SQL().QueryRowContext(tx.Context(), "SELECT count(*) FROM login").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// verified are the claims of somebody whose address the issuer knows to be theirs.
func verified(sub, email string) map[string]any {
	return map[string]any{"sub": sub, "email": email, "email_verified": true}
}

func TestTokensAndKeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.trust(t, h.admin, nil)
		if c := h.token(t, h.plain); c.Name != "key:admin" || c.Subject != "" || !c.Has(muster.ManageTenants) {
			t.Errorf("a key is %+v", c)
		}
		c := h.token(t, i.Token(nil))
		if c.Tenant != h.admin.Tenant || c.Subject != "f3a1" || c.Name != "login:f3a1" || c.Person != 0 || c.Key != 0 || len(c.Grants) != 0 {
			t.Errorf("a good token of nobody is %+v", c)
		}
		if own, err := h.Own(t.Context(), c); err != nil || own.Code != "default" || own.Settings.Issuers != nil {
			t.Errorf("nobody sees %+v, %v", own, err)
		}
		refuse := func(what, token string) {
			t.Helper()
			c, err := h.CallerOfToken(t.Context(), token)
			want(t, what, err, muster.Unauthenticated)
			if c.Tenant != 0 || c.Subject != "" || len(c.Grants) != 0 {
				t.Errorf("%s: %+v", what, c)
			}
		}
		stranger := authtest.Start(t)
		stranger.Now = h.clock.Now
		refuse("nothing", "")
		refuse("a key that is not one", "muster_abc")
		refuse("a key with dots", h.plain+".a.b")
		refuse("an issuer that nobody trusts", stranger.Token(nil))
		refuse("an issuer that signs for another", stranger.Token(map[string]any{"iss": i.URL}))
		refuse("another audience", i.Token(map[string]any{"aud": "account"}))
		refuse("expired", i.Token(map[string]any{"exp": h.clock.Now().Add(-time.Hour).Unix()}))
		refuse("a subject of NUL", i.Token(map[string]any{"sub": "\x00"}))
		refuse("an issuer of NUL", i.Token(map[string]any{"iss": "\x00"}))
		refuse("an audience of NUL", i.Token(map[string]any{"aud": []string{"\x00", "account"}}))
		if n, _ := stranger.Asked(); n != 0 {
			t.Error("a stranger's issuer was called")
		}
		if h.logins(t) != 0 {
			t.Error("a login was recorded for nobody")
		}
		h.setIssuers(t, h.admin)
		refuse("an issuer that is trusted no longer", i.Token(nil))
	})
}

func TestIssuerThatIsDownRefusesNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.trust(t, h.admin, nil)
		i.Down(true)
		_, err := h.CallerOfToken(t.Context(), i.Token(nil))
		want(t, "down", err, muster.Unavailable)
		h.clock.Advance(time.Minute)
		i.Down(false)
		h.token(t, i.Token(nil))
		i.Rotate(jose.ES256)
		h.token(t, i.Token(nil))
		if described, keys := i.Asked(); described != 3 || keys != 2 {
			t.Errorf("asked %d and %d times", described, keys)
		}
	})
}

func TestAdminRole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.trust(t, h.admin, nil)
		roles := func(words ...string) map[string]any {
			return map[string]any{"realm_access": map[string]any{"roles": words}}
		}
		admin := h.token(t, i.Token(roles("offline_access", "ROLE_ADMIN")))
		if !admin.Has(muster.WritePeople) || !admin.Has(muster.ManageTargets) || !admin.Has(muster.ManageKeys) || admin.Has(muster.ManageTenants) {
			t.Errorf("the admin of the first tenant may %v", admin.Grants)
		}
		_, _, err := h.CreateKey(t.Context(), admin, access.NewKey{Name: "more", Scope: muster.AdminScope})
		want(t, "to become an operator by a key", err, muster.Forbidden)
		second, _ := h.create(t, h.admin, access.NewKey{Name: "second", Scope: muster.AdminScope})
		want(t, "to revoke an operator's key", h.RevokeKey(t.Context(), admin, h.keyOf(t, h.caller(t, second)).ID), muster.Forbidden)
		if c := h.token(t, i.Token(roles("role_admin", "ROLE_ADMIN2"))); len(c.Grants) != 0 {
			t.Errorf("other roles give %v", c.Grants)
		}
		setting := i.Setting()
		setting.AdminRole = "chief"
		h.setIssuers(t, h.admin, setting)
		if c := h.token(t, i.Token(roles("ROLE_ADMIN"))); len(c.Grants) != 0 {
			t.Errorf("the role by default gives %v when another is set", c.Grants)
		}
		if c := h.token(t, i.Token(roles("chief"))); !c.Has(muster.WritePeople) {
			t.Errorf("the role that is set gives %v", c.Grants)
		}
		setting.AdminRole = muster.NoAdminRole
		h.setIssuers(t, h.admin, setting)
		if c := h.token(t, i.Token(roles("ROLE_ADMIN", "-", ""))); len(c.Grants) != 0 {
			t.Errorf("no role gives %v", c.Grants)
		}
		// In a tenant that is not the first, who administers it may change its settings.
		if _, err := h.CreateTenant(t.Context(), h.admin, access.NewTenant{Code: "school", Name: "School"}); err != nil {
			t.Fatal(err)
		}
		inside, err := h.InTenant(t.Context(), h.admin, "school")
		if err != nil {
			t.Fatal(err)
		}
		head := h.token(t, h.trust(t, inside, nil).Token(roles("ROLE_ADMIN")))
		if head.Tenant != inside.Tenant || !head.Has(muster.ManageTenants) {
			t.Errorf("the head of another tenant is %+v", head)
		}
		_, err = h.InTenant(t.Context(), head, "default")
		want(t, "to work in the first tenant", err, muster.NotFound)
	})
}

func TestPersonOfAToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tenant := h.admin.Tenant
		h.account(t, tenant, "keycloak", 0, "")
		i := h.trust(t, h.admin, func(s *muster.Issuer) { s.Target = "keycloak" })
		jean, ana, paul := h.named(t, tenant, "jean", muster.Active), h.named(t, tenant, "ana", muster.Active), h.named(t, tenant, "paul", muster.Active)
		h.account(t, tenant, "keycloak", jean.Seq, "kc-jean")
		h.account(t, tenant, "keycloak", paul.Seq, "kc-paul")
		h.account(t, tenant, "other", ana.Seq, "kc-other")
		is := func(what string, claims map[string]any, p *store.PersonRow) {
			t.Helper()
			c := h.token(t, i.Token(claims))
			if p == nil && (c.Person != 0 || !strings.HasPrefix(c.Name, "login:")) || p != nil && (c.Person != p.Seq || c.Name != "person:"+p.Username) || c.Subject != claims["sub"] {
				t.Errorf("%s: %+v", what, c)
			}
		}
		is("by account, whatever the address", verified("kc-jean", "ana@example.org"), jean)
		is("by account on another target", map[string]any{"sub": "kc-other"}, nil)
		is("by an address that is not verified", map[string]any{"sub": "s1", "email": "ana@example.org"}, nil)
		is("by an address of nobody", verified("s1", "eve@example.org"), nil)
		is("by the address of who has another account there", verified("s1", "paul@example.org"), nil)
		if n := h.logins(t); n != 1 {
			t.Errorf("%d logins", n)
		}
		is("by a verified address", verified("s1", "ANA@example.org"), ana)
		is("by the login, with another address", verified("s1", "jean@example.org"), ana)
		is("by the login, without any", map[string]any{"sub": "s1"}, ana)
		is("the same subject in other letters", map[string]any{"sub": "S1"}, nil)
		recorded := slices.DeleteFunc(h.audit(t, tenant), func(a string) bool { return !strings.Contains(a, "login") })
		if !slices.Equal(recorded, []string{"login:kc-jean login.create", "login:s1 login.create"}) {
			t.Errorf("recorded %q", recorded)
		}
		other := h.trustAlso(t)
		if c := h.token(t, other.Token(map[string]any{"sub": "s1"})); c.Person != 0 {
			t.Errorf("the same subject of another issuer is %+v", c)
		}
	})
}

// trustAlso adds an issuer to those that the first tenant trusts.
func (h *house) trustAlso(t *testing.T) *authtest.Issuer {
	t.Helper()
	own, err := h.Own(t.Context(), h.admin)
	if err != nil {
		t.Fatal(err)
	}
	i := authtest.Start(t)
	i.Now = h.clock.Now
	h.setIssuers(t, h.admin, append(own.Settings.Issuers, i.Setting())...)
	return i
}

func TestPersonWhoIsNotActive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tenant := h.admin.Tenant
		i := h.trust(t, h.admin, nil)
		ana := h.named(t, tenant, "ana", muster.Active)
		h.assign(t, tenant, ana.Seq, "establishment", "admin_staff")
		claims := verified("s1", "ana@example.org")
		claims["realm_access"] = map[string]any{"roles": []string{"ROLE_ADMIN"}}
		if c := h.token(t, i.Token(claims)); c.Person != ana.Seq || !c.Has(muster.WritePeople) {
			t.Fatalf("active: %+v", c)
		}
		for _, state := range []muster.State{muster.Staged, muster.Suspended, muster.Archived} {
			h.set(t, tenant, ana, state)
			if c := h.token(t, i.Token(claims)); c.Person != 0 || len(c.Grants) != 0 || c.Name != "person:ana" || c.Subject != "s1" {
				t.Errorf("%s: %+v", state, c)
			}
		}
		h.set(t, tenant, ana, muster.Deleted)
		delete(claims, "realm_access")
		if c := h.token(t, i.Token(claims)); c.Person != 0 || len(c.Grants) != 0 || c.Name != "login:s1" {
			t.Errorf("deleted: %+v", c)
		}
		again := h.named(t, tenant, "ana2", muster.Active)
		if c := h.token(t, i.Token(verified("s1", "ana2@example.org"))); c.Person != again.Seq {
			t.Errorf("the same human, enrolled anew: %+v", c)
		}
	})
}

func TestGrantsFromRoles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tenant := h.admin.Tenant
		i := h.trust(t, h.admin, nil)
		ana := h.named(t, tenant, "ana", muster.Active)
		unit := h.assign(t, tenant, ana.Seq, "establishment", "admin_staff")
		closed := h.assign(t, tenant, ana.Seq, "establishment", "admin_staff")
		h.assign(t, tenant, ana.Seq, "establishment", "teacher")
		h.assign(t, tenant, ana.Seq, "entity", "admin_staff")
		h.write(t, tenant, func(tx *store.Tx) error {
			units, err := tx.Units([]int64{closed})
			if err != nil {
				return err
			}
			u := units[closed]
			u.Closed = true
			return tx.UpdateUnit(&u)
		})
		c := h.token(t, i.Token(verified("s1", "ana@example.org")))
		wanted := []muster.Grant{{Privilege: muster.ReadPeople, Scope: muster.UnitScope, Object: unit}, {Privilege: muster.WritePeople, Scope: muster.UnitScope, Object: unit}}
		if !slices.Equal(c.Grants, wanted) {
			t.Errorf("grants %+v, want %+v", c.Grants, wanted)
		}
		own, err := h.Own(t.Context(), c)
		if err != nil || own.Settings.Issuers != nil {
			t.Errorf("staff sees %+v, %v", own, err)
		}
	})
}

// What a role gives stands in the tenant's catalogue, and nowhere else: one of their own can give more, and take away.
func TestGrantsFollowTheCatalogue(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tenant := h.admin.Tenant
		i := h.trust(t, h.admin, nil)
		ana, bo := h.named(t, tenant, "ana", muster.Active), h.named(t, tenant, "bo", muster.Active)
		h.assign(t, tenant, ana.Seq, "establishment", "admin_staff")
		unit := h.assign(t, tenant, bo.Seq, "establishment", "teacher")
		own, err := h.Own(t.Context(), h.admin)
		if err != nil {
			t.Fatal(err)
		}
		settings := own.Settings
		settings.Catalogues = map[string]muster.UnitCatalogue{"establishment": {Roles: []muster.CatalogueEntry{
			{Code: "admin_staff"}, {Code: "teacher", Rights: []muster.Privilege{muster.ReadPeople}},
		}}}
		if _, err := h.UpdateTenant(t.Context(), h.admin, own.Code, access.TenantChange{Settings: &settings}); err != nil {
			t.Fatal(err)
		}
		if c := h.token(t, i.Token(verified("s1", "ana@example.org"))); len(c.Grants) != 0 {
			t.Errorf("a role that gives nothing any more gives %+v", c.Grants)
		}
		wanted := []muster.Grant{{Privilege: muster.ReadPeople, Scope: muster.UnitScope, Object: unit}}
		if c := h.token(t, i.Token(verified("s2", "bo@example.org"))); !slices.Equal(c.Grants, wanted) {
			t.Errorf("a role that was given a right gives %+v, want %+v", c.Grants, wanted)
		}
	})
}

func TestFirstRequestsAtOnceRecordOneLogin(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.trust(t, h.admin, nil)
		ana := h.named(t, h.admin.Tenant, "ana", muster.Active)
		token := i.Token(verified("s1", "ana@example.org"))
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if c, err := h.CallerOfToken(t.Context(), token); err != nil || c.Person != ana.Seq {
					t.Errorf("%+v, %v", c, err)
				}
			})
		}
		all.Wait()
		recorded := slices.DeleteFunc(h.audit(t, h.admin.Tenant), func(a string) bool { return !strings.Contains(a, "login") })
		if h.logins(t) != 1 || len(recorded) != 1 {
			t.Errorf("%d logins, recorded %q", h.logins(t), recorded)
		}
	})
}

func TestIssuersOfTenants(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		if _, err := h.CreateTenant(ctx, h.admin, access.NewTenant{Code: "school", Name: "School"}); err != nil {
			t.Fatal(err)
		}
		inside, err := h.InTenant(ctx, h.admin, "school")
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := h.create(t, inside, access.NewKey{Name: "head", Scope: muster.AdminScope})
		head := h.caller(t, plain)
		good := muster.Issuer{Issuer: "https://sso.example.org/realms/school", Audience: []string{"muster"}}
		set := func(caller muster.Caller, list ...muster.Issuer) error {
			settings := muster.DefaultSettings()
			settings.Issuers = list
			code := "school"
			if caller.Tenant == h.admin.Tenant {
				code = "default"
			}
			_, err := h.UpdateTenant(ctx, caller, code, access.TenantChange{Settings: &settings})
			return err
		}
		fields := func(what string, err error, wanted string, code muster.Code) {
			t.Helper()
			var got []string
			for _, f := range muster.Faults(err) {
				got = append(got, f.Field)
			}
			if strings.Join(got, " ") != wanted || muster.CodeOf(err) != code {
				t.Errorf("%s: %v (%s)", what, err, muster.CodeOf(err))
			}
		}
		with := func(change func(*muster.Issuer)) muster.Issuer { i := good; change(&i); return i }
		for what, url := range map[string]string{
			"no address": "", "a word": "school", "a file": "file:///etc/passwd", "a query": good.Issuer + "?a=b", "a fragment": good.Issuer + "#", "a password": "https://a:b@sso.example.org",
			"plain http": "http://sso.example.org", "long": "https://" + strings.Repeat("a", 300),
		} {
			fields(what, set(head, with(func(i *muster.Issuer) { i.Issuer = url })), "issuers[0].issuer", muster.Invalid)
		}
		fields("no audience", set(head, with(func(i *muster.Issuer) { i.Audience = nil })), "issuers[0].audience", muster.Required)
		fields("an empty audience", set(head, with(func(i *muster.Issuer) { i.Audience = []string{""} })), "issuers[0].audience", muster.Invalid)
		fields("twice", set(head, good, good), "issuers[1].issuer", muster.Invalid)
		fields("too many", set(head, make([]muster.Issuer, 17)...), "issuers", muster.TooLong)
		fields("nonsense allowed", set(head, with(func(i *muster.Issuer) { i.Allow = []string{"here"} })), "issuers[0].allow", muster.Invalid)
		fields("a target that is not there", set(head, good, with(func(i *muster.Issuer) { i.Issuer += "2"; i.Target = "x" })), "issuers[1].target", muster.Invalid)

		near := with(func(i *muster.Issuer) { i.Allow = []string{"10.0.0.0/8"} })
		fields("the network, by who is no operator", set(head, near), "issuers[0].allow", muster.Forbidden)
		for what, err := range map[string]error{"the network, by an operator": set(inside, near), "nothing else": set(head, near)} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		near.Allow = []string{"10.1.0.0/16"}
		if err := set(head, near); err != nil {
			t.Errorf("less of the network: %v", err)
		}
		near.Allow = []string{"10.0.0.0/8"}
		fields("more again", set(head, near), "issuers[0].allow", muster.Forbidden)

		fields("an audience of another tenant", set(h.admin, good), "issuers", muster.Conflict)
		if err := set(h.admin, with(func(i *muster.Issuer) { i.Audience = []string{"other"} })); err != nil {
			t.Errorf("another audience: %v", err)
		}
		// Tokens may be meant for several: who is no operator takes no further ones of an issuer that is another tenant's too.
		near.Allow = []string{"10.1.0.0/16"}
		wider := near
		wider.Audience = append(slices.Clone(near.Audience), "account")
		fields("an audience of everybody's", set(head, wider), "issuers[0].issuer", muster.Forbidden)
		if err := set(head, near); err != nil {
			t.Errorf("what was there: %v", err)
		}
		if own, err := h.Own(ctx, head); err != nil || len(own.Settings.Issuers) != 1 {
			t.Errorf("%+v, %v", own, err)
		}
		actions := h.audit(t, head.Tenant)
		if n := len(slices.DeleteFunc(actions, func(a string) bool { return !strings.Contains(a, "tenant.update") })); n != 2 {
			t.Errorf("%d changes recorded", n)
		}
	})
}

func TestProvisioningTarget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		set := func(target string) error {
			settings := muster.DefaultSettings()
			settings.Provisioning.Target = target
			_, err := h.UpdateTenant(t.Context(), h.admin, "default", access.TenantChange{Settings: &settings})
			return err
		}
		want(t, "a target that is not there", set("sso"), muster.Invalid)
		h.account(t, h.admin.Tenant, "sso", 0, "")
		for _, target := range []string{"sso", ""} {
			want(t, "to "+target, set(target), "")
			if s, err := h.SettingsOf(t.Context(), h.admin.Tenant); err != nil || s.Provisioning.Target != target {
				t.Errorf("settings %+v, %v", s, err)
			}
		}
	})
}

func TestAudienceSaysWhichTenant(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.CreateTenant(t.Context(), h.admin, access.NewTenant{Code: "school", Name: "School"}); err != nil {
			t.Fatal(err)
		}
		inside, err := h.InTenant(t.Context(), h.admin, "school")
		if err != nil {
			t.Fatal(err)
		}
		i := h.trust(t, h.admin, nil)
		setting := i.Setting()
		setting.Audience = []string{"school", "pupils"}
		h.setIssuers(t, inside, setting)
		for _, c := range []struct {
			audience any
			tenant   int64
		}{
			{authtest.Audience, h.admin.Tenant},
			{"pupils", inside.Tenant},
			{[]string{"account", "school", authtest.Audience}, inside.Tenant},
			{[]string{authtest.Audience, "school"}, h.admin.Tenant},
		} {
			if got := h.token(t, i.Token(map[string]any{"aud": c.audience})); got.Tenant != c.tenant {
				t.Errorf("%v leads to tenant %d, want %d", c.audience, got.Tenant, c.tenant)
			}
		}
	})
}

func BenchmarkCallerOfToken(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			a := access.New(storetest.OpenWithoutTenant(b, engine))
			b.Cleanup(a.Close)
			var plain string
			if _, err := a.Bootstrap(b.Context(), secret.NewKey(), func(p string) error { plain = p; return nil }); err != nil {
				b.Fatal(err)
			}
			admin, err := a.CallerOfKey(b.Context(), plain)
			if err != nil {
				b.Fatal(err)
			}
			i := authtest.Start(b)
			settings := muster.DefaultSettings()
			settings.Issuers = []muster.Issuer{i.Setting()}
			if _, err := a.UpdateTenant(b.Context(), admin, "default", access.TenantChange{Settings: &settings}); err != nil {
				b.Fatal(err)
			}
			token := i.Token(nil)
			for b.Loop() {
				if _, err := a.CallerOfToken(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
