package keycloak_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
)

// A create that made the user and then failed: the account is given with the error, nobody can sign in to it, and repeating finishes it.
func TestHalfAnAccount(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watched(t, r.Server.URL)
	c := open(t, r.Settings(settings{"url": p.URL, "roles": []string{"staff"}}))
	p.say(func(w http.ResponseWriter, r *http.Request, pass func()) {
		if strings.Contains(r.URL.Path, "/role-mappings/") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		pass()
	})
	step := creation("ana", nil)
	made, err := c.Apply(t.Context(), step)
	if err == nil || made.ExternalID == "" || connector.Verdict(err).Permanent {
		t.Fatalf("a create whose roles fail gives %+v and %v; want the account, and an error that is tried again", made, err)
	}
	if u := r.User(t, "ana"); u.Enabled {
		t.Error("an account without its roles can be signed in to")
	}
	p.say(nil)
	if _, err := c.Apply(t.Context(), step); !errors.Is(err, connector.ErrExists) {
		t.Errorf("the same create again gives %v; want ErrExists", err)
	}
	found, err := c.Find(t.Context(), connector.Query{Marker: step.Marker, Username: "ana"})
	if err != nil || found.ExternalID != made.ExternalID || found.Enabled {
		t.Fatalf("Find by marker gives %+v and %v; want the disabled account", found, err)
	}
	has := person("ana", settings{"enabled": found.Enabled})
	now, err := c.Apply(t.Context(), correction(found.ExternalID, has, person("ana", nil)))
	if err != nil || !now.Enabled {
		t.Errorf("the step that finishes it gives %+v and %v", now, err)
	}
	if got := roles(t, r, made.ExternalID); !strings.Contains(strings.Join(got, " "), "staff") || len(r.Users(t)) != 1 {
		t.Errorf("roles are %q, and the realm has %d users; want staff, and 1", got, len(r.Users(t)))
	}
}

// The answer to a create is lost after the user was made.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watched(t, r.Server.URL)
	c := open(t, r.Settings(settings{"url": p.URL}))
	p.say(func(w http.ResponseWriter, r *http.Request, pass func()) {
		pass()
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/users") {
			panic(http.ErrAbortHandler)
		}
	})
	step := creation("ana", nil)
	if _, err := c.Apply(t.Context(), step); !connector.Verdict(err).Down {
		t.Fatalf("a lost answer gives %v; want Down", err)
	}
	p.say(nil)
	if found, err := c.Find(t.Context(), connector.Query{Marker: step.Marker, Username: "ana"}); err != nil || found.Marker != step.Marker {
		t.Errorf("Find gives %+v and %v; want the account that was made", found, err)
	}
}

// Keycloak drops attributes that the profile does not know without a word, so nothing is written before it does.
func TestUserProfile(t *testing.T) {
	t.Parallel()
	server := keycloaktest.Start(t)
	mapped := settings{"attributes": settings{"department": "department"}}
	t.Run("attributes that are not declared", func(t *testing.T) {
		r := server.Realm(t, keycloaktest.Options{Bare: true})
		c := open(t, r.Settings(mapped))
		for name, err := range map[string]error{"Check": c.Check(t.Context()), "Apply": applied(t, c, creation("ana", nil))} {
			if err == nil || !strings.Contains(err.Error(), "department") || !strings.Contains(err.Error(), "muster") || !strings.Contains(err.Error(), "User profile") {
				t.Errorf("%s gives %v; want what is to be declared, and where", name, err)
			}
		}
		if n := len(r.Users(t)); n != 0 {
			t.Errorf("%d accounts were made without their marker", n)
		}
		r.Declare(t, "muster", "department")
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("Check once they are declared: %v", err)
		}
		create(t, c, "ana", settings{"department": "Langues"})
		if u := r.User(t, "ana"); u.Attributes["department"][0] != "Langues" || u.Attributes["muster"][0] != "marker-ana" {
			t.Errorf("the account has attributes %v", u.Attributes)
		}
	})
	t.Run("declared when they are wanted", func(t *testing.T) {
		r := server.Realm(t, keycloaktest.Options{Bare: true, Rights: append([]string{"manage-realm"}, keycloaktest.Rights...)})
		c := open(t, r.Settings(mapped, settings{"declare_attributes": true}))
		create(t, c, "ana", settings{"department": "Langues"})
		if u := r.User(t, "ana"); u.Attributes["department"][0] != "Langues" || u.Attributes["muster"][0] != "marker-ana" {
			t.Errorf("the account has attributes %v", u.Attributes)
		}
	})
	t.Run("without the right to declare", func(t *testing.T) {
		r := server.Realm(t, keycloaktest.Options{Bare: true})
		err := applied(t, open(t, r.Settings(settings{"declare_attributes": true})), creation("ana", nil))
		if !connector.Verdict(err).Permanent || !strings.Contains(err.Error(), "manage-realm") {
			t.Errorf("Apply gives %v; want Permanent, and the right that is missing", err)
		}
	})
	for policy, ok := range map[string]bool{"ENABLED": false, "ADMIN_EDIT": true, "ADMIN_VIEW": false} {
		t.Run("unmanaged attributes "+policy, func(t *testing.T) {
			r := server.Realm(t, keycloaktest.Options{Bare: true})
			var profile settings
			r.Must(t, http.MethodGet, "/users/profile", nil, &profile)
			profile["unmanagedAttributePolicy"] = policy
			r.Must(t, http.MethodPut, "/users/profile", profile, nil)
			if err := open(t, r.Settings()).Check(t.Context()); (err == nil) != ok {
				t.Errorf("Check gives %v; may people not write the marker, and administrators: %v", err, ok)
			}
		})
	}
}

func applied(t testing.TB, c connector.Connector, s connector.Step) error {
	t.Helper()
	_, err := c.Apply(t.Context(), s)
	return err
}

// Searches of Keycloak find what begins alike, and its names are in lower case.
func TestFindIsExact(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	c := open(t, r.Settings())
	create(t, c, "ana.diaz2", nil)
	for _, q := range []connector.Query{{Username: "ana.diaz"}, {Username: "ana"}, {Marker: "marker-ana.diaz"}, {Marker: "marker"}, {Marker: "MARKER-ANA.DIAZ2"}, {Marker: `x" muster:"marker-ana.diaz2`}} {
		if a, err := c.Find(t.Context(), q); !errors.Is(err, connector.ErrNotFound) {
			t.Errorf("Find %+v gives %+v and %v", q, a, err)
		}
	}
	made := create(t, c, "Bea.ROSE", nil)
	if made.Username != "bea.rose" {
		t.Errorf("the account is called %q, as Keycloak does not", made.Username)
	}
	found, err := c.Find(t.Context(), connector.Query{Username: "BEA.Rose"})
	if err != nil || found.ExternalID != made.ExternalID {
		t.Errorf("Find in other case gives %+v and %v", found, err)
	}
	writes := watched(t, r.Server.URL)
	again := open(t, r.Settings(settings{"url": writes.URL}))
	has := person("bea.rose", settings{"email": "bea.rose@example.org"})
	wanted := person("Bea.ROSE", settings{"email": "bea.rose@example.org"})
	step := correction(made.ExternalID, has, wanted)
	step.Marker = "marker-Bea.ROSE"
	if err := applied(t, again, step); err != nil || writes.writes.Load() != 0 {
		t.Errorf("a name that differs in case alone: %v, %d writes", err, writes.writes.Load())
	}
}

// Who holds a name or an address is said, and its holder is left alone.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	c := open(t, r.Settings())
	create(t, c, "ana", nil)
	bea := create(t, c, "bea", nil)
	field := func(err error) string { return muster.Faults(err)[0].Field }
	if err := applied(t, c, creation("ana", settings{"email": "other@example.org"})); !errors.Is(err, connector.ErrExists) || field(err) != "username" {
		t.Errorf("a username twice: %v", err)
	}
	if err := applied(t, c, creation("cea", settings{"email": "ANA@example.org"})); !errors.Is(err, connector.ErrExists) || field(err) != "email" {
		t.Errorf("an address twice: %v", err)
	}
	has := person("bea", nil)
	err := applied(t, c, correction(bea.ExternalID, has, person("bea", settings{"email": "ana@example.org"})))
	if errors.Is(err, connector.ErrExists) || !connector.Verdict(err).Permanent || field(err) != "email" {
		t.Errorf("change to an address of somebody else: %v; want Permanent, and the field email", err)
	}
	if err := applied(t, c, correction(bea.ExternalID, has, person("ana", settings{"email": "bea@example.org"}))); !errors.Is(err, connector.ErrExists) {
		t.Errorf("rename to a name of somebody else: %v; want ErrExists", err)
	}
}

// An address is verified when its owner proved it, and not because another one was.
func TestEmailVerified(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	c := open(t, r.Settings())
	made := create(t, c, "ana", nil)
	r.Must(t, http.MethodPut, "/users/"+made.ExternalID, settings{"username": "ana", "emailVerified": true}, nil)
	has, next := person("ana", nil), person("ana", settings{"first_name": "Anna"})
	if err := applied(t, c, correction(made.ExternalID, has, next)); err != nil || !r.User(t, "ana").EmailVerified {
		t.Errorf("another first name: %v, and the address is verified: %v", err, r.User(t, "ana").EmailVerified)
	}
	moved := person("ana", settings{"first_name": "Anna", "email": "anna@example.org"})
	if err := applied(t, c, correction(made.ExternalID, next, moved)); err != nil || r.User(t, "ana").EmailVerified {
		t.Errorf("another address: %v, and it is verified: %v", err, r.User(t, "ana").EmailVerified)
	}
	sure := open(t, r.Settings(settings{"email_verified": true}))
	create(t, sure, "bea", nil)
	if !r.User(t, "bea").EmailVerified {
		t.Error("email_verified is set, and a new address is not")
	}
}

// A change sends nothing back that its person may have changed meanwhile, and clears nothing that is not its own.
func TestChangeTouchesNothingElse(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Attributes: []string{"department", "theirs"}})
	p := watched(t, r.Server.URL)
	c := open(t, r.Settings(settings{"url": p.URL, "attributes": settings{"department": "department"}}))
	made := create(t, c, "ana", settings{"department": "Langues"})
	r.Must(t, http.MethodPut, "/users/"+made.ExternalID, settings{
		"username": "ana", "firstName": "Ana", "lastName": "Diaz", "email": "ana@example.org",
		"attributes": settings{"department": []string{"Langues"}, "muster": []string{"marker-ana"}, "theirs": []string{"x"}},
	}, nil)
	p.say(func(_ http.ResponseWriter, q *http.Request, pass func()) {
		if q.Method == http.MethodPut { // she sets her password while we change her department
			setPassword(t, r, made.ExternalID, "Trois-petits-chats-12")
		}
		pass()
	})
	has, next := person("ana", settings{"department": "Langues"}), person("ana", settings{"department": "Sciences"})
	if err := applied(t, c, correction(made.ExternalID, has, next)); err != nil {
		t.Fatal(err)
	}
	u := r.User(t, "ana")
	if len(u.RequiredActions) != 0 {
		t.Errorf("the required actions %q are back", u.RequiredActions)
	}
	if u.Email != "ana@example.org" || u.FirstName != "Ana" || u.LastName != "Diaz" || u.Attributes["department"][0] != "Sciences" || u.Attributes["theirs"][0] != "x" {
		t.Errorf("the account is %+v", u)
	}
}

// A listing during which users are added and deleted misses none that was there from beginning to end.
func TestListWhileUsersComeAndGo(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	ids := map[string]string{}
	for i := range 60 {
		name := fmt.Sprintf("m%03d", i)
		ids[name] = r.Add(t, keycloaktest.User{Username: name, Enabled: true})
	}
	seen := map[string]int{}
	err := open(t, r.Settings(settings{"page_size": 20})).(connector.Lister).List(t.Context(), func(a connector.Account) error {
		seen[a.Username]++
		switch len(seen) {
		case 20: // the first page is through: names before it come in
			for i := range 15 {
				r.Add(t, keycloaktest.User{Username: fmt.Sprintf("a%03d", i), Enabled: true})
			}
		case 40: // more of what was seen goes than a page overlaps
			for i := range 18 {
				r.Must(t, http.MethodDelete, "/users/"+ids[fmt.Sprintf("m%03d", i)], nil, nil)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range ids {
		if seen[name] != 1 {
			t.Errorf("%s was listed %d times", name, seen[name])
		}
	}
}

// The service account of a client is nobody's to delete.
func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	c := open(t, r.Settings())
	if err := c.(connector.Lister).List(t.Context(), func(a connector.Account) error { return fmt.Errorf("%s is listed", a.Username) }); err != nil {
		t.Error(err)
	}
	if err := applied(t, c, creation("service-account-"+keycloaktest.ClientID, nil)); !errors.Is(err, connector.ErrExists) {
		t.Errorf("create of a client's name: %v; want ErrExists", err)
	}
	var account keycloaktest.User
	var clients []struct{ ID string }
	r.Must(t, http.MethodGet, "/clients?clientId="+keycloaktest.ClientID, nil, &clients)
	r.Must(t, http.MethodGet, "/clients/"+clients[0].ID+"/service-account-user", nil, &account)
	err := applied(t, c, connector.Step{Intent: connector.Ensure, ExternalID: account.ID, Change: muster.Diff(person("x", nil), nil)})
	if !connector.Verdict(err).Permanent {
		t.Errorf("deletion of a client's account: %v; want Permanent", err)
	}
}

// What the realm does not allow is said, by Check beforehand and by the step.
func TestRealmRules(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Realm: settings{"editUsernameAllowed": false}})
	c := open(t, r.Settings(settings{"required_actions": []string{"UPDATE_PASSWORD", "NONSENSE"}, "roles": []string{"nobody"}, "group_parent": "/nowhere"}))
	err := c.Check(t.Context())
	for _, word := range []string{"Edit username", "NONSENSE", "no role nobody", "/nowhere"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("Check gives %v; want a word about %s", err, word)
		}
	}
	c = open(t, r.Settings())
	made := create(t, c, "ana", nil)
	has := person("ana", nil)
	err = applied(t, c, correction(made.ExternalID, has, person("anna", settings{"email": "ana@example.org"})))
	if !connector.Verdict(err).Permanent || !strings.Contains(err.Error(), "Edit username") {
		t.Errorf("rename gives %v; want Permanent, and the switch", err)
	}
	if err := applied(t, c, correction(made.ExternalID, has, person("ana", settings{"first_name": "Anna"}))); err != nil {
		t.Errorf("a change without a rename: %v", err)
	}
	err = applied(t, c, creation("a<b", settings{"email": "no address"}))
	if faults := muster.Faults(err); !connector.Verdict(err).Permanent || len(faults) != 2 {
		t.Errorf("values that the profile refuses: %v; want Permanent, and the fields username and email", err)
	}
}

// A client that lacks a right says so.
func TestRights(t *testing.T) {
	t.Parallel()
	server := keycloaktest.Start(t)
	r := server.Realm(t, keycloaktest.Options{Rights: []string{"view-users", "query-users", "view-realm"}})
	r.Add(t, keycloaktest.User{Username: "somebody", Enabled: true})
	c := open(t, r.Settings())
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "manage-users") {
		t.Errorf("Check without manage-users gives %v", err)
	}
	if err := applied(t, c, creation("ana", nil)); !connector.Verdict(err).Permanent || muster.CodeOf(err) != muster.Policy {
		t.Errorf("create without manage-users gives %v; want Permanent, and a fault of the policy", err)
	}
	none := server.Realm(t, keycloaktest.Options{Rights: []string{"query-groups"}})
	if err := open(t, none.Settings()).Check(t.Context()); !connector.Verdict(err).Permanent || muster.CodeOf(err) != muster.Policy {
		t.Errorf("Check without any right gives %v", err)
	}
}

// Groups below a parent, groups that are not there, and groups that were made anew.
func TestGroups(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	in := func(codes ...string) settings { return settings{"groups": codes} }
	c := open(t, r.Settings(settings{"group_parent": "/school"}))
	made, err := c.Apply(t.Context(), creation("ana", in("teachers", "pupils")))
	if made.ExternalID == "" || !connector.Verdict(err).Permanent || muster.Faults(err)[0].Field != "groups" {
		t.Errorf("a group that is not there: %+v and %v; want the account, and a Permanent fault of groups", made, err)
	}
	if got := paths(t, r, made.ExternalID); len(got) != 1 || got[0] != "/school/teachers" {
		t.Errorf("the account is in %q", got)
	}
	making := open(t, r.Settings(settings{"group_parent": "/school", "create_groups": true}))
	has, wanted := person("ana", in("teachers")), person("ana", in("pupils", "teachers"))
	for range 2 {
		if err := applied(t, making, correction(made.ExternalID, has, wanted)); err != nil {
			t.Fatal(err)
		}
		if got := paths(t, r, made.ExternalID); len(got) != 2 {
			t.Errorf("the account is in %q", got)
		}
		// Somebody makes the group anew, so that the id that we know is no longer its own.
		r.Must(t, http.MethodDelete, "/groups/"+r.GroupID(t, "/school/pupils"), nil, nil)
	}
}
