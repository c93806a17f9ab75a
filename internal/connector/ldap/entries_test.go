package ldap_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

// A username is taken wherever below the base it is held, and however that entry is named.
func TestNameHeldElsewhere(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s))
	stranger := map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"ANA"}, "cn": {"Somebody"}, "sn": {"Somebody"}}
	id := s.PlantAt(t, "cn=Somebody,"+ldaptest.Disabled, stranger)
	before := s.Raw(t, id)
	if _, err := c.Apply(t.Context(), creation(ana())); !errors.Is(err, connector.ErrExists) {
		t.Errorf("Create of a name that an entry elsewhere holds: %v; want ErrExists", err)
	}
	bo := mustApply(t, c, creation(muster.Record{"username": "bo", "enabled": true}))
	_, err := c.Apply(t.Context(), correction(bo.ExternalID, muster.Record{"username": "bo"}, muster.Record{"username": "ana"}))
	if !errors.Is(err, connector.ErrExists) {
		t.Errorf("rename to a name that an entry elsewhere holds: %v; want ErrExists", err)
	}
	if s.Raw(t, id) != before {
		t.Error("a stranger's entry was touched")
	}
	s.PlantAt(t, "cn=Two,"+ldaptest.People, strangerNamed("Two", "ana"))
	s.PlantAt(t, "cn=Three,"+ldaptest.People, strangerNamed("Three", "ana"))
	_, err = c.Find(t.Context(), connector.Query{Username: "ana"})
	wantMark(t, err, true, false, "", "Several entries")
	if _, err := c.Apply(t.Context(), creation(ana())); !errors.Is(err, connector.ErrExists) {
		t.Errorf("Create of a name that three entries hold: %v; want ErrExists", err)
	}
}

func strangerNamed(cn, uid string) map[string][]string {
	return map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {cn}, "sn": {cn}}
}

// An account that was taken over keeps the way in which its entry is named, and what is not ours in it.
func TestAccountTakenOver(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s))
	id := s.PlantAt(t, "cn=Ana Diaz,"+ldaptest.People, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"ana"}, "cn": {"Ana Diaz", "Anita"}, "sn": {"Diaz"}, "mail": {"old@example.org", "alias@example.org"},
		"labeledURI": {"https://example.org/ana Home"}, "roomNumber": {"12"}, "employeeType": {"teacher"}, "userPassword": {"secret"},
	})
	current := muster.Record{"username": "ana", "email": "old@example.org", "enabled": true}
	wanted := muster.Record{"username": "ana.diaz", "email": "new@example.org", "enabled": false, "display_name": "Ana D.", "last_name": "Díaz"}
	step := correction(id, current, wanted)
	step.Marker = "urn:uuid:0198"
	for range 2 {
		a := mustApply(t, c, step)
		if a.Username != "ana.diaz" || a.Enabled || a.Marker != step.Marker || a.Attributes["email"] != "new@example.org" {
			t.Fatalf("the account is %+v", a)
		}
	}
	e := entryOf(t, s, id)
	for attr, want := range map[string][]string{
		"uid": {"ana.diaz"}, "mail": {"new@example.org", "alias@example.org"}, "cn": {"Ana D.", "Ana Diaz"}, "roomNumber": {"12"},
		"labeledURI": {"https://example.org/ana Home", "urn:uuid:0198 muster"}, "employeeType": {"teacher", "disabled"}, "userPassword": {"secret"},
	} {
		if got := e.GetAttributeValues(attr); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", attr, got, want)
		}
	}
	if e.DN != "cn=Ana Diaz,"+ldaptest.People {
		t.Errorf("the entry is named %s now", e.DN)
	}
	mustApply(t, c, correction(id, wanted, wanted.Apply(change("enabled", true))))
	if got := entryOf(t, s, id).GetAttributeValues("employeeType"); !slices.Equal(got, []string{"teacher"}) {
		t.Errorf("employeeType of an enabled account is %q", got)
	}
}

// inetOrgPerson must have sn and cn; people need not have names.
func TestNamesThatMustBeThere(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s))
	step := func(field string, after any) func(muster.Record) muster.Record {
		return func(r muster.Record) muster.Record { return r.Apply(change(field, after)) }
	}
	wanted := muster.Record{"username": "scanner", "enabled": true}
	a := mustApply(t, c, creation(wanted))
	for _, test := range []struct {
		name   string
		change func(muster.Record) muster.Record
		sn, cn string
	}{
		{"nothing but a username", nil, "scanner", "scanner"},
		{"display name", step("display_name", "Scanner 2nd floor"), "Scanner 2nd floor", "Scanner 2nd floor"},
		{"last name", step("last_name", "Floor"), "Floor", "Scanner 2nd floor"},
		{"no display name", step("display_name", nil), "Floor", "Floor"},
		{"first name", step("first_name", "Second"), "Floor", "Second Floor"},
		{"no last name", step("last_name", nil), "scanner", "Second"},
		{"renamed", step("username", "printer"), "printer", "Second"},
		{"no first name", step("first_name", nil), "printer", "printer"},
	} {
		if test.change != nil {
			next := test.change(wanted)
			a = mustApply(t, c, correction(a.ExternalID, wanted, next))
			wanted = next
		}
		e := entryOf(t, s, a.ExternalID)
		if sn, cn := strings.Join(e.GetAttributeValues("sn"), "|"), strings.Join(e.GetAttributeValues("cn"), "|"); sn != test.sn || cn != test.cn {
			t.Errorf("%s: sn is %q and cn is %q, want %q and %q", test.name, sn, cn, test.sn, test.cn)
		}
		for _, field := range []string{"first_name", "last_name", "display_name"} {
			// A surname that stands in beside a first name cannot be told from a real one.
			if a.Attributes[field] != wanted[field] && !(field == "last_name" && wanted["first_name"] != nil) {
				t.Errorf("%s: %s reads as %v, want %v", test.name, field, a.Attributes[field], wanted[field])
			}
		}
	}
}

func TestPhonesAndOwnAttributes(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s, settings{"attributes": settings{"attributes.class": "roomNumber", "addresses.work.street": "street", "email": ""}}))
	wanted := ana()
	wanted["phones"] = []muster.Phone{{Type: "work", Number: "+33 1 23 45 67 89"}, {Type: "mobile", Number: "+33 6 12 34 56 78"}, {Type: "work", Number: "+33 1 00 00 00 00"}}
	wanted["addresses"] = []muster.Address{{Type: "work", Street: "1 rue de l'Église", Locality: "Nulle-Part"}}
	wanted["attributes.class"] = "6B"
	a := mustApply(t, c, creation(wanted))
	e := entryOf(t, s, a.ExternalID)
	for attr, want := range map[string][]string{
		"telephoneNumber": {"+33 1 23 45 67 89", "+33 1 00 00 00 00"}, "mobile": {"+33 6 12 34 56 78"}, "street": {"1 rue de l'Église"}, "roomNumber": {"6B"}, "mail": nil,
	} {
		if got := e.GetAttributeValues(attr); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", attr, got, want)
		}
	}
	fromJSON := wanted.Apply(change("phones", []any{map[string]any{"type": "mobile", "number": "+33 6 99 99 99 99"}}))
	a = mustApply(t, c, correction(a.ExternalID, wanted, fromJSON))
	e = entryOf(t, s, a.ExternalID)
	if got := e.GetAttributeValues("telephoneNumber"); len(got) != 0 {
		t.Errorf("telephoneNumber is %q, want none", got)
	}
	if !muster.Diff(muster.Record{"phones": a.Attributes["phones"]}, muster.Record{"phones": fromJSON["phones"]}).Empty() {
		t.Errorf("phones read as %v, want %v", a.Attributes["phones"], fromJSON["phones"])
	}
}

// What is as it should be is not written.
func TestNothingToDoWritesNothing(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s))
	a := mustApply(t, c, creation(ana()))
	writes := s.Writes(t)
	if writes != 1 {
		t.Errorf("creating an account took %d writes, want 1", writes)
	}
	mustApply(t, c, correction(a.ExternalID, nil, ana()))
	if n := s.Writes(t) - writes; n != 0 {
		t.Errorf("bringing an account to what it is took %d writes", n)
	}
}

// A disabled account cannot sign in, where the directory is set up to see to it.
func TestLockedAccountCannotSignIn(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartWith(t, ldaptest.Options{Lines: []string{"overlay ppolicy", "ppolicy_default cn=policy," + ldaptest.BaseDN}})
	s.PlantAt(t, "cn=policy,"+ldaptest.BaseDN, map[string][]string{
		"objectClass": {"applicationProcess", "pwdPolicy"}, "cn": {"policy"}, "pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"},
	})
	c := open(t, basic(s, settings{"disable": "lock"}))
	a := mustApply(t, c, creation(ana()))
	signIn := func() error {
		l, err := goldap.DialURL(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Bind("uid=ana,"+ldaptest.People, "pass-phrase")
	}
	s.Do(t, func(l *goldap.Conn) error {
		m := goldap.NewModifyRequest("uid=ana,"+ldaptest.People, nil)
		m.Replace("userPassword", []string{"pass-phrase"})
		return l.Modify(m)
	})
	if err := signIn(); err != nil {
		t.Fatalf("sign in to begin with: %v", err)
	}
	off := ana().Apply(change("enabled", false))
	mustApply(t, c, correction(a.ExternalID, ana(), off))
	if err := signIn(); err == nil {
		t.Error("a disabled account can sign in")
	}
	mustApply(t, c, correction(a.ExternalID, off, ana()))
	if err := signIn(); err != nil {
		t.Errorf("sign in when enabled again: %v", err)
	}
}

// A rename that stopped after the entry had moved is finished by repeating it.
func TestRenameThatStoppedMidway(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s, settings{"disable": "move", "disabled_dn": ldaptest.Disabled}))
	in := ana()
	in["groups"] = []string{"staff"}
	a := mustApply(t, c, creation(in))
	next := in.Apply(muster.Change{Action: muster.Update, Fields: []muster.FieldChange{{Field: "username", After: "anita"}, {Field: "enabled", After: false}, {Field: "email", After: "anita@example.org"}}})
	s.Do(t, func(l *goldap.Conn) error { // as far as it came
		return l.ModifyDN(goldap.NewModifyDNRequest("uid=ana,"+ldaptest.People, "uid=anita", true, ldaptest.Disabled))
	})
	got := mustApply(t, c, correction(a.ExternalID, in, next))
	if got.Username != "anita" || got.Enabled || got.Attributes["email"] != "anita@example.org" || got.ExternalID != a.ExternalID {
		t.Errorf("the account is %+v", got)
	}
	staff := s.Search(t, "(&(objectClass=groupOfNames)(cn=staff))")[0].GetAttributeValues("member")
	if want := "uid=anita," + ldaptest.Disabled; !slices.Contains(staff, want) || slices.Contains(staff, "uid=ana,"+ldaptest.People) {
		t.Errorf("members of staff are %q; want %s and not the old name", staff, want)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	in := ana()
	in["groups"] = []string{"nosuch"}
	made, err := open(t, basic(s)).Apply(t.Context(), creation(in))
	wantMark(t, err, true, false, "groups", "has no group")
	if made.ExternalID == "" || entryOf(t, s, made.ExternalID).GetAttributeValue("uid") != "ana" {
		t.Errorf("the account that was made before its groups failed is given as %+v", made)
	}
	for class, attr := range map[string]string{"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember"} {
		code := `odd, "group" (6*B) ` + class
		in["groups"] = []string{code}
		c := open(t, basic(s, settings{"group_object_class": class, "create_groups": true}))
		mustApply(t, c, correction(made.ExternalID, ana(), in))
		group := func() []string {
			return s.Search(t, "(&(objectClass="+class+")(cn="+goldap.EscapeFilter(code)+"))")[0].GetAttributeValues(attr)
		}
		if got := group(); !slices.Equal(got, []string{"uid=ana," + ldaptest.People}) {
			t.Errorf("%s: members are %q", class, got)
		}
		mustApply(t, c, correction(made.ExternalID, in, ana()))
		if got := group(); !slices.Equal(got, []string{"cn=empty-membership-placeholder"}) {
			t.Errorf("%s: when the last one has left, members are %q; want the placeholder", class, got)
		}
		mustApply(t, c, correction(made.ExternalID, ana(), in))
		mustApply(t, c, connector.Step{Intent: connector.Ensure, ExternalID: made.ExternalID, Change: muster.Diff(in, nil)})
		if got := group(); !slices.Equal(got, []string{"cn=empty-membership-placeholder"}) {
			t.Errorf("%s: when the last one is deleted, members are %q; want the placeholder", class, got)
		}
		made = mustApply(t, c, creation(ana()))
	}
}

func TestPosixGroups(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s, settings{"group_object_class": "posixGroup"}))
	s.PlantAt(t, "cn=wheel,"+ldaptest.Groups, map[string][]string{"objectClass": {"posixGroup"}, "cn": {"wheel"}, "gidNumber": {"10"}})
	members := func() []string { return s.Search(t, "(objectClass=posixGroup)")[0].GetAttributeValues("memberUid") }
	in := ana()
	in["groups"] = []string{"wheel"}
	a := mustApply(t, c, creation(in))
	renamed := in.Apply(change("username", "anita"))
	mustApply(t, c, correction(a.ExternalID, in, renamed))
	if got := members(); !slices.Equal(got, []string{"anita"}) {
		t.Errorf("after a rename the members are %q", got)
	}
	mustApply(t, c, connector.Step{Intent: connector.Ensure, ExternalID: a.ExternalID, Change: muster.Diff(renamed, nil)})
	if got := members(); len(got) != 0 {
		t.Errorf("after a deletion the members are %q", got)
	}
}

func TestFixedAttributes(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s, settings{
		"object_classes": []string{"inetOrgPerson", "posixAccount"}, "attributes": settings{"attributes.uid_number": "uidNumber"},
		"fixed": settings{"gidNumber": "100", "homeDirectory": "/home/{username}"},
	}))
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wanted := ana()
	wanted["attributes.uid_number"] = "4711"
	a := mustApply(t, c, creation(wanted))
	e := entryOf(t, s, a.ExternalID)
	if e.GetAttributeValue("homeDirectory") != "/home/ana" || e.GetAttributeValue("uidNumber") != "4711" {
		t.Errorf("homeDirectory is %q, uidNumber is %q", e.GetAttributeValue("homeDirectory"), e.GetAttributeValue("uidNumber"))
	}
}
