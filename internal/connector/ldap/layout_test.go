package ldap

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		raw           string
		fields, words string
	}{
		"Least":             {raw: `{}`},
		"Spelled":           {raw: `{"dn":"cn={username}+ou=x,ou=staff,ou=people,dc=example,dc=org","disable":"move","disabled_dn":"OU=Disabled,OU=People,DC=example,DC=org"}`},
		"Address":           {raw: `{"url":"http://ldap.example.org"}`, fields: "config.url", words: "ldap://host:389"},
		"AddressWithBase":   {raw: `{"url":"ldap://ldap.example.org/dc=example"}`, fields: "config.url", words: "settings of their own"},
		"NoPassword":        {raw: `{"bind_dn":"cn=muster,dc=example,dc=org"}`, fields: "config.bind_password"},
		"Certificate":       {raw: `{"ca":"x"}`, fields: "config.ca", words: "PEM"},
		"Base":              {raw: `{"base_dn":"people"}`, fields: "config.base_dn"},
		"NameOutside":       {raw: `{"dn":"uid={username},dc=example,dc=org"}`, fields: "config.dn", words: "below the base"},
		"NameNotUnique":     {raw: `{"dn":"cn={display_name},ou=people,dc=example,dc=org"}`, fields: "config.dn", words: "{username}"},
		"NameAbove":         {raw: `{"dn":"uid={username},ou={username},ou=people,dc=example,dc=org"}`, fields: "config.dn"},
		"MappedUsername":    {raw: `{"attributes":{"code":"uid"}}`, fields: "config.attributes", words: "the username"},
		"MappedPassword":    {raw: `{"attributes":{"attributes.pw":"userPassword"}}`, fields: "config.attributes", words: "the password"},
		"MappedTwice":       {raw: `{"attributes":{"code":"MAIL"}}`, fields: "config.attributes", words: "already holds"},
		"MappedUnknown":     {raw: `{"attributes":{"class":"roomNumber"}}`, fields: "config.attributes", words: "attributes.class"},
		"MappedWhole":       {raw: `{"attributes":{"phones":"telephoneNumber"}}`, fields: "config.attributes"},
		"MappedOddly":       {raw: `{"attributes":{"code":"a)(b"}}`, fields: "config.attributes", words: "not the name of an attribute"},
		"Unmapped":          {raw: `{"attributes":{"email":"","code":"mail"}}`},
		"NamedByMapped":     {raw: `{"dn":"mail={username},ou=people,dc=example,dc=org"}`, fields: "config.attributes", words: "the name of the entry"},
		"FixedMapped":       {raw: `{"fixed":{"mail":"x"}}`, fields: "config.fixed"},
		"DisabledMapped":    {raw: `{"attributes":{"employee_type":"employeeType"}}`, fields: "config.disabled_attribute"},
		"DisabledSame":      {raw: `{"enabled_value":"disabled"}`, fields: "config.disabled_value"},
		"MoveNowhere":       {raw: `{"disable":"move"}`, fields: "config.disabled_dn", words: "needed"},
		"MoveOutside":       {raw: `{"disable":"move","disabled_dn":"ou=disabled,dc=example,dc=org"}`, fields: "config.disabled_dn", words: "below the base"},
		"MoveToWhereItIs":   {raw: `{"disable":"move","disabled_dn":"ou=People,dc=example,dc=org"}`, fields: "config.disabled_dn"},
		"PosixGroupsMade":   {raw: `{"group_object_class":"posixGroup","create_groups":true}`, fields: "config.create_groups"},
		"NoPlaceholder":     {raw: `{"group_placeholder":""}`, fields: "config.group_placeholder"},
		"PageSize":          {raw: `{"page_size":0}`, fields: "config.page_size"},
		"Choice":            {raw: `{"start_tls":"maybe"}`, fields: "config.start_tls"},
		"OddClass":          {raw: `{"object_classes":["x)(y"]}`, fields: "config.object_classes"},
		"OddMarker":         {raw: `{"marker_attribute":"a=b"}`, fields: "config.marker_attribute"},
		"OddUsername":       {raw: `{"username_attribute":"*"}`, fields: "config.username_attribute config.dn"},
		"SeveralAtOnce":     {raw: `{"url":"x","page_size":-1}`, fields: "config.url config.page_size"},
		"WithoutNamesOfOwn": {raw: `{"object_classes":["account"],"attributes":{"last_name":""}}`},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]any{"url": "ldap://ldap.example.org", "base_dn": "ou=people,dc=example,dc=org"}
			if err := json.Unmarshal([]byte(test.raw), &set); err != nil {
				t.Fatal(err)
			}
			raw, _ := json.Marshal(set)
			_, err := connector.Decode(Kind, raw)
			var fields []string
			for _, f := range muster.Faults(err) {
				fields = append(fields, f.Field)
			}
			if got := strings.Join(slices.Compact(fields), " "); got != test.fields || err != nil && !strings.Contains(err.Error(), test.words) {
				t.Errorf("faults are %v, want fields %q and words %q", err, test.fields, test.words)
			}
		})
	}
}

// FuzzEscape: whatever the text is, it is one value in a name and one value in a filter.
func FuzzEscape(f *testing.F) {
	for _, name := range connectortest.Hostile() {
		f.Add(name)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		f.Add(connectortest.RandomName(random))
	}
	f.Fuzz(func(t *testing.T, name string) {
		dn, err := ldap.ParseDN("uid=" + escapeDN(name) + ",ou=people")
		if err != nil {
			t.Fatalf("%q makes the name of an entry unreadable: %v", name, err)
		}
		if len(dn.RDNs) != 2 || len(dn.RDNs[0].Attributes) != 1 || dn.RDNs[0].Attributes[0].Value != name && strings.ToValidUTF8(name, "") == name {
			t.Errorf("%q becomes the name %s", name, dn)
		}
		packet, err := ldap.CompileFilter(equals("uid", name))
		if err != nil {
			t.Fatalf("%q makes a filter unreadable: %v", name, err)
		}
		if packet.Tag != ldap.FilterEqualityMatch || packet.Children[1].Data.String() != name && packet.Children[1].Value != name {
			t.Errorf("%q becomes the filter %q", name, equals("uid", name))
		}
	})
}

func TestObjectGUID(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.URL, c.BaseDN, c.IDAttribute = "ldap://x", "dc=x", "objectGUID"
	l, err := c.layout()
	if err != nil {
		t.Fatal(err)
	}
	// As Active Directory shows it, and as it writes it.
	const raw, id = "\x04\x03\x02\x01\x06\x05\x08\x07\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", "01020304-0506-0708-090a-0b0c0d0e0f10"
	e := &ldap.Entry{Attributes: []*ldap.EntryAttribute{{Name: "objectGUID", ByteValues: [][]byte{[]byte(raw)}}}}
	if got := l.externalID(e); got != id {
		t.Errorf("the id reads %s, want %s", got, id)
	}
	if filter, ok := l.idFilter(id); !ok || filter != `(objectGUID=\04\03\02\01\06\05\08\07\09\0a\0b\0c\0d\0e\0f\10)` {
		t.Errorf("the filter is %s", filter)
	}
	if _, ok := l.idFilter("*"); ok {
		t.Error("a star is taken for an id")
	}
}

func TestReplaced(t *testing.T) {
	t.Parallel()
	list := func(s string) []string { return strings.Fields(s) }
	for _, test := range [][4]string{ // existing, before, after, result
		{"", "", "b", "b"},
		{"a", "a", "b", "b"},
		{"x", "a", "b", "b"},
		{"a x", "a", "b", "b x"},
		{"x a", "a", "b", "b x"},
		{"b x", "a", "b", "b x"},
		{"x y", "a", "b", "b"},
		{"a x", "a", "", ""},
		{"A x", "a", "b", "b x"},
		{"a b", "a b", "a", "a"},
	} {
		if got := replaced(list(test[0]), list(test[1]), list(test[2])); strings.Join(got, " ") != test[3] {
			t.Errorf("%q with %q becoming %q gives %q, want %q", test[0], test[1], test[2], got, test[3])
		}
	}
}

func TestSchemaNames(t *testing.T) {
	t.Parallel()
	got := schemaNames([]string{
		"( 2.5.4.4 NAME ( 'sn' 'Surname' ) DESC 'RFC2256: NAME' SUP name )", "( 1.2 NAME 'mail' EQUALITY x )", "( 1.3 DESC 'none' )",
	})
	if len(got) != 3 || !got["sn"] || !got["surname"] || !got["mail"] {
		t.Errorf("names are %v", got)
	}
}
