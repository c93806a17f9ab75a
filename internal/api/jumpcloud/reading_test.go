package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

const ours = "5da4cf6113973a47cc6862fa"

var (
	creating = &mode{Operation: createMode, Org: ours, State: muster.Active, Source: bulkSource, At: time.Unix(1, 0)}
	updating = &mode{Operation: updateMode, Org: ours, At: time.Unix(1, 0)}
	merging  = &mode{Operation: updateMode, Org: ours, Merge: true, At: time.Unix(1, 0)}
)

// decoded is an object as it comes out of a body.
func decoded(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// person is what a reading makes of somebody.
func (r *reading) person(t testing.TB) muster.Person {
	t.Helper()
	p, faults := r.now.With(r.draft)
	if len(faults) > 0 {
		t.Fatalf("the draft %v is refused: %v", r.draft, faults)
	}
	return p
}

// everything has every attribute that can be set (contract §6), and what it is shown as when that is something else.
var everything = []struct{ name, given, shown string }{
	{"email", `"Ann@Example.org"`, `"ann@example.org"`},
	{"username", `"Ann.Lee_1-x"`, ""},
	{"firstname", `"Añn"`, ""},
	{"middlename", `"M."`, ""},
	{"lastname", `"Lee"`, ""},
	{"displayname", `"Dr. Ann Lee"`, ""},
	{"alternateEmail", `"ann@home.example"`, ""},
	{"managedAppleId", `"ann@apple.example"`, ""},
	{"recoveryEmail", `{"address":"ann@r.example"}`, `{"address":"ann@r.example","verified":false,"verifiedAt":null}`},
	{"description", `"two\nlines"`, ""},
	{"company", `"C"`, ""},
	{"costCenter", `"42"`, ""},
	{"department", `"D"`, ""},
	{"employeeType", `"E"`, ""},
	{"jobTitle", `"J"`, ""},
	{"location", `"L"`, ""},
	{"employeeIdentifier", `"E-1"`, ""},
	{
		"addresses", `[{"type":"work","poBox":"1","extendedAddress":"2","streetAddress":"3","locality":"4","region":"5","postalCode":"6","country":"7"},{"type":"home","locality":"X"}]`,
		`[{"type":"work","poBox":"1","extendedAddress":"2","streetAddress":"3","locality":"4","region":"5","postalCode":"6","country":"7"},` +
			`{"type":"home","locality":"X","poBox":"","extendedAddress":"","streetAddress":"","region":"","postalCode":"","country":""}]`,
	},
	{"phoneNumbers", `[{"type":"work_mobile","number":"1"},{"type":"home","number":"2"}]`, ""},
	{"attributes", `[{"name":"Custom","value":"attribute"},{"name":"EmployeeID","value":"0000"}]`, ""},
	{"relationships", `[{"type":"manager","value":"x"}]`, ""},
	{"restrictedFields", `[{"field":"email","type":"scim","id":"1"}]`, ""},
	{"mfa", `{"configured":true,"exclusion":true,"exclusionDays":3,"exclusionUntil":"2026-01-31T12:00:00Z"}`, ""},
	{"delegatedAuthority", `{"id":"7","name":"ActiveDirectory"}`, ""},
	{"tags", `["a","b"]`, ""},
	{"state", `"SUSPENDED"`, ""},
	{"suspended", `true`, ""},
	{"password_never_expires", `true`, ""},
	{"account_locked", `true`, ""},
	{"allow_public_key", `true`, ""},
	{"disableDeviceMaxLoginAttempts", `true`, ""},
	{"enable_managed_uid", `true`, ""},
	{"enable_user_portal_multifactor", `true`, ""},
	{"ldap_binding_user", `true`, ""},
	{"passwordless_sudo", `true`, ""},
	{"samba_service_user", `true`, ""},
	{"sudo", `true`, ""},
	{"externally_managed", `true`, ""},
	{"public_key", `"ssh-ed25519 AAAA"`, ""},
	{"external_dn", `"cn=ann"`, ""},
	{"external_source_type", `"ad"`, ""},
	{"external_password_expiration_date", `"2026-01-31T12:00:00Z"`, ""},
	{"unix_uid", `4294967295`, ""},
	{"unix_guid", `1`, ""},
}

func wholeUser() string {
	members := make([]string, len(everything))
	for i, e := range everything {
		members[i] = fmt.Sprintf("%q:%s", e.name, e.given)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Every attribute is stored and shown, whether somebody is created with it or gets it later, and clears when null is sent.
func TestEveryAttribute(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, e := range everything {
		listed[e.name] = true
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			want := e.shown
			if want == "" {
				want = e.given
			}
			wanted := decoded(t, `{"v":`+want+`}`)["v"]
			for _, m := range []*mode{creating, updating} {
				object := decoded(t, fmt.Sprintf("{%q:%s}", e.name, e.given))
				if m.creates() {
					object["email"], object["username"] = "a@example.org", "a"
					object[e.name] = decoded(t, fmt.Sprintf("{%q:%s}", e.name, e.given))[e.name]
				}
				nobody := roster.Fresh()
				r := read(m, object, &nobody)
				if len(r.faults) > 0 {
					t.Fatalf("%s: %v", m.Operation, r.faults)
				}
				p := r.person(t)
				if shown := byName[e.name].show(&p); !same(wanted, plainJSON(t, shown), byName[e.name].ours()) {
					t.Errorf("%s: shown %v, want %v", m.Operation, shown, wanted)
				}
				if e.name == "email" || e.name == "username" || e.name == "state" || e.name == "suspended" {
					continue
				}
				cleared := read(updating, map[string]any{e.name: nil}, &p)
				after := cleared.person(t)
				if now, before := plainJSON(t, byName[e.name].show(&after)), plainJSON(t, byName[e.name].show(&nobody)); !reflect.DeepEqual(now, before) || len(cleared.faults) > 0 {
					t.Errorf("%s: null leaves %v (%v), want %v", m.Operation, now, cleared.faults, before)
				}
			}
		})
	}
	for _, a := range attributes {
		if a.read != nil && !listed[a.name] && a.name != "manager" && a.name != "organization" && a.name != "activated" && a.name != "ssh_keys" {
			t.Errorf("%s is not tested", a.name)
		}
	}
}

func plainJSON(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, `{"v":`+string(text)+`}`)["v"]
}

// What is wrong with an object, and what is only told.
func TestFaultsAndWarnings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	for _, c := range []struct {
		name     string
		mode     *mode
		object   string
		faults   []string // field code
		warnings []string
	}{
		{"Nothing", creating, `{}`, []string{"email required", "username required"}, nil},
		{"NothingToUpdate", updating, `{}`, nil, nil},
		{"NullsWhereForbidden", creating, `{"email":null,"username":null,"state":null}`, []string{"state required", "email required", "username required"}, nil},
		{"NullsWhereForbiddenOnUpdate", updating, `{"state":null}`, []string{"state required"}, nil},
		{"EmptyWhereForbidden", creating, `{"email":"","username":" "}`, []string{"email required", "username required"}, nil},
		{"WrongTypes", creating, `{"email":1,"username":true,"firstname":[],"attributes":{},"addresses":"x","sudo":3,"unix_uid":"7","mfa":[],"tags":[1],"manager":{},"state":1,"suspended":"perhaps"}`, []string{
			"email invalid", "username invalid", "firstname invalid", "manager invalid", "addresses invalid", "attributes invalid", "mfa invalid", "tags[0] invalid", "state invalid",
			"suspended invalid", "sudo invalid", "unix_uid invalid",
		}, nil},
		{
			"TooLong", creating, `{"email":"a@x.y","username":"` + long + `","description":"` + long + `","employeeIdentifier":"` + long[:257] + `","attributes":[{"name":"A","value":"` + long + `"}]}`,
			[]string{"username too_long", "description too_long", "employeeIdentifier too_long", "attributes[0].value too_long"},
			nil,
		},
		{"AtTheLimit", creating, `{"email":"a@x.y","username":"a","description":"` + long[:1024] + `","employeeIdentifier":"` + long[:256] + `"}`, nil, nil},
		{"Controls", creating, `{"email":"a\u0000@x.y","username":"a\u0007","firstname":"a\nb","description":"a\u0000"}`, []string{"email invalid", "username invalid", "firstname invalid", "description invalid"}, nil},
		{"Addresses", creating, `{"email":"a@b@c","username":"a","alternateEmail":"x","recoveryEmail":{"address":"y"}}`, []string{"email invalid", "alternateEmail invalid", "recoveryEmail.address invalid"}, nil},
		{"Usernames", creating, `{"email":"a@x.y","username":"1a"}`, []string{"username invalid"}, nil},
		{"UsernameWithAt", creating, `{"email":"a@x.y","username":"a@b"}`, []string{"username invalid"}, nil},
		{"UsernameWithSpace", creating, `{"email":"a@x.y","username":"a b"}`, []string{"username invalid"}, nil},
		{"LongUsername", creating, `{"email":"a@x.y","username":"abcdefghijklmnopqrstu"}`, nil, []string{"username policy"}},
		{"Unknown", creating, `{"email":"a@x.y","username":"a","shoeSize":42,"Firstname":"x"}`, nil, []string{"Firstname unsupported", "shoeSize unsupported"}},
		{"UnknownBelow", updating, `{"phoneNumbers":[{"type":"a","number":"1","carrier":"x"}]}`, nil, []string{"phoneNumbers[0].carrier unsupported"}},
		{"ReadOnlyOnCreate", creating, `{"email":"a@x.y","username":"a","_id":"x","id":"x","created":"x","creationSource":"x","password_date":null,"totp_enabled":false,"organization":"x","ssh_keys":[{"name":"a","public_key":"k"}]}`, nil, []string{
			"ssh_keys read_only", "organization read_only", "_id read_only", "id read_only", "created read_only", "creationSource read_only", "password_date read_only", "totp_enabled read_only",
		}},
		{"Normalised", creating, `{"email":" Ann@X.y ","username":"Ann\u00a0","firstname":"Ann ","description":"","attributes":[{"name":" a","value":"b "},{"name":" ","value":" "}]}`, nil, []string{
			"email invalid", "email policy", "username invalid", "firstname invalid", "attributes[0].name invalid", "attributes[0].value invalid",
		}},
		{"StagedOnUpdate", updating, `{"state":"STAGED"}`, []string{"state invalid"}, nil},
		{"StagedOnCreate", creating, `{"email":"a@x.y","username":"a","state":"STAGED"}`, nil, nil},
		{"UnknownState", updating, `{"state":"activated"}`, []string{"state invalid"}, nil},
		{"StateAgainstSuspended", updating, `{"state":"ACTIVATED","suspended":true}`, []string{"suspended invalid"}, nil},
		{"SuspendedAgainstState", updating, `{"state":"SUSPENDED","suspended":false}`, []string{"suspended invalid"}, nil},
		{"TextForBoolean", updating, `{"sudo":"true","suspended":"TRUE"}`, nil, []string{"suspended invalid", "sudo invalid"}},
		{"Numbers", updating, `{"unix_uid":0,"unix_guid":4294967296}`, []string{"unix_uid invalid", "unix_guid invalid"}, nil},
		{"HalfNumber", updating, `{"unix_uid":1.5}`, []string{"unix_uid invalid"}, nil},
		{"Manager", updating, `{"manager":"ann"}`, []string{"manager not_found"}, nil},
		{"Organization", updating, `{"organization":"000000000000000000000001"}`, []string{"organization invalid"}, nil},
		{"OwnOrganization", updating, `{"organization":"` + ours + `"}`, nil, nil},
		{
			"CustomNames", creating, `{"email":"a@x.y","username":"a","attributes":[{"name":"a b","value":"1"},{"name":"","value":"1"},{"name":"` + long[:65] + `","value":"1"},{"name":"ok","value":"1"},{"name":"OK","value":"2"}]}`,
			[]string{"attributes[0].name invalid", "attributes[1].name required", "attributes[2].name too_long", "attributes[4].name invalid"},
			nil,
		},
		{
			"CustomValues", creating, `{"email":"a@x.y","username":"a","attributes":[{"name":"a","value":1},{"name":"b","value":true},{"name":"c","value":[]},{"name":"","value":""},{"name":"d","value":""},{"name":"e"}]}`,
			[]string{"attributes[2].value invalid"},
			[]string{"attributes[0].value invalid", "attributes[1].value invalid", "attributes[4].value unsupported"},
		},
		{"NotObjects", updating, `{"addresses":[1],"phoneNumbers":[null],"relationships":[[]]}`, []string{"addresses[0] invalid", "phoneNumbers[0] invalid", "relationships[0] invalid"}, nil},
		{
			"EveryElementIsRead", updating, `{"addresses":[{"postalCode":5},7,{"country":"` + long + `"}],"phoneNumbers":[null,{"type":5}],"attributes":[1,{"name":"a b","value":[]}],
				"relationships":["x",{"type":1}],"restrictedFields":[0,{"field":"x","type":"scim"}],"ssh_keys":[0,{"name":"a"}]}`,
			[]string{
				"addresses[1] invalid", "addresses[0].postalCode invalid", "addresses[2].country too_long", "phoneNumbers[0] invalid", "phoneNumbers[1].type invalid",
				"attributes[0] invalid", "attributes[1].value invalid", "attributes[1].name invalid", "relationships[0] invalid", "relationships[1].type invalid",
				"ssh_keys[0] invalid", "ssh_keys[1].public_key required", "restrictedFields[0] invalid", "restrictedFields[1].field invalid",
			},
			nil,
		},
		{"MergeTypesTwice", merging, `{"addresses":[{"type":"a"},{"type":"a"}],"phoneNumbers":[{"type":"a","number":"1"},{"type":"a","number":"2"}]}`, []string{"addresses[1].type invalid", "phoneNumbers[1].type invalid"}, nil},
		{"NullForSuspended", updating, `{"suspended":null}`, nil, []string{"suspended unsupported"}},
		{"AddressParts", updating, `{"addresses":[{"type":"work","postalCode":1000}]}`, []string{"addresses[0].postalCode invalid"}, nil},
		{"MergeNeedsTypes", merging, `{"addresses":[{"locality":"x"}],"phoneNumbers":[{"number":"1"}]}`, []string{"addresses[0].type required", "phoneNumbers[0].type required"}, nil},
		{"SSHKeys", updating, `{"ssh_keys":[{"name":"a"}]}`, []string{"ssh_keys[0].public_key required"}, nil},
		{"Factors", updating, `{"mfa":{"exclusionDays":0,"exclusionUntil":"soon","configured":"x"}}`, []string{"mfa.configured invalid", "mfa.exclusionDays invalid", "mfa.exclusionUntil invalid"}, nil},
		{"Authority", updating, `{"delegatedAuthority":{"id":"1","name":"LDAP"}}`, []string{"delegatedAuthority.name invalid"}, nil},
		{"Restricted", updating, `{"restrictedFields":{"field":"shoe","type":"scim"}}`, []string{"restrictedFields[0].field invalid"}, nil},
		{"OneRestricted", updating, `{"restrictedFields":{"field":"email","type":"scim"}}`, nil, nil},
		{"Tags", updating, `{"tags":["a"]}`, nil, []string{"tags unsupported"}},
		{"Activated", creating, `{"email":"a@x.y","username":"a","activated":true}`, nil, []string{"activated read_only"}},
		{"ActivatedOnUpdate", updating, `{"activated":true}`, nil, []string{"activated read_only"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			nobody := roster.Fresh()
			r := read(c.mode, decoded(t, c.object), &nobody)
			if got := told(r.faults); !slices.Equal(got, c.faults) {
				t.Errorf("faults\n %q, want\n %q", got, c.faults)
			}
			if got := told(r.warnings); !slices.Equal(got, c.warnings) {
				t.Errorf("warnings\n %q, want\n %q", got, c.warnings)
			}
		})
	}
}

// A number that no computer holds is a fault of where it stands, and of nothing else.
func TestNumbersOutOfRange(t *testing.T) {
	t.Parallel()
	asked := object(creating, json.RawMessage(`{"email":"a@x.y","username":1e400,"unix_uid":1e999,"shoeSize":-1e400,"attributes":[{"name":"a","value":1e400},{"name":"b","value":2}]}`), false)
	if got, want := told(asked.Faults), []string{"username invalid", "attributes[0].value invalid", "unix_uid invalid"}; !slices.Equal(got, want) {
		t.Errorf("faults %q, want %q", got, want)
	}
	if got, want := told(asked.Warnings), []string{"attributes[1].value invalid", "shoeSize unsupported"}; !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// However much there is in an object that nobody knows, what is said of it stays within bounds.
func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	given := map[string]any{}
	for i := range mostWarnings + 7 {
		given[strconv.Itoa(i)] = i
	}
	nobody := roster.Fresh()
	r := read(updating, given, &nobody)
	if n := len(r.warnings); n != mostWarnings+1 || !strings.HasPrefix(r.warnings[n-1].Message, "7 more values") {
		t.Errorf("%d warnings, the last one %s", n, r.warnings[n-1].Message)
	}
}

// A password is cut out of a row before it is read, and counts all the same where there has to be one.
func TestActivatedWithAPassword(t *testing.T) {
	t.Parallel()
	for _, password := range []bool{true, false} {
		active := *creating
		active.State = muster.Active
		asked := object(&active, json.RawMessage(`{"email":"a@x.y","username":"a","activated":true}`), password)
		if warned := len(asked.Warnings) > 0; warned == password || len(asked.Faults) > 0 {
			t.Errorf("with a password %t: warned %t, faults %v", password, warned, asked.Faults)
		}
	}
}

func told(list muster.Errors) []string {
	var texts []string
	for _, e := range list {
		texts = append(texts, e.Field+" "+string(e.Code))
	}
	return texts
}

// arrayMode=merge leaves alone what is not named (contract §3.5).
func TestMerge(t *testing.T) {
	t.Parallel()
	p := muster.Person{Profile: muster.Profile{
		Attributes: map[string]string{"one": "1", "Two": "2", "three": "3"},
		Phones:     []muster.Phone{{Type: "home", Number: "1"}, {Type: "work", Number: "2"}},
		Addresses:  []muster.Address{{Type: "home", Locality: "A", Street: "S"}, {Type: "work", Locality: "B"}},
	}}
	r := read(merging, decoded(t, `{"attributes":[{"name":"two","value":"II"},{"name":"three","value":null},{"name":"four","value":"4"}],
		"phoneNumbers":[{"type":"work","number":"22"},{"type":"fax","number":"3"}],"addresses":[{"type":"home","locality":"AA"},{"type":"third","country":"FR"}]}`), &p)
	if len(r.faults) > 0 {
		t.Fatal(r.faults)
	}
	got := r.person(t).Profile
	want := muster.Profile{
		Attributes: map[string]string{"one": "1", "two": "II", "four": "4"},
		Phones:     []muster.Phone{{Type: "home", Number: "1"}, {Type: "work", Number: "22"}, {Type: "fax", Number: "3"}},
		Addresses:  []muster.Address{{Type: "home", Locality: "AA"}, {Type: "work", Locality: "B"}, {Type: "third", Country: "FR"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("merged\n %+v, want\n %+v", got, want)
	}
}

// Whoever sends back what they have read changes nothing, whatever other surfaces have made of the person.
func TestWritingBackChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPerson(t)
		text, err := json.Marshal(viewOf(&p, ours, time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		put := *updating
		put.Lenient = true
		r := read(&put, back, &p.Person)
		if len(r.faults) > 0 || len(r.draft) > 0 || r.manager != "" {
			t.Fatalf("sent back %s:\ndraft %v, manager %q, faults %v", text, r.draft, r.manager, r.faults)
		}
	})
}

func drawPerson(t *rapid.T) roster.Person {
	words := rapid.SampledFrom([]string{"", "x", "Zoë d'Aubigné", " inner  spaces", "1st", "a_b", "two\nlines"})
	draw := func(name string) string { return strings.TrimSpace(words.Draw(t, name)) }
	var p roster.Person
	p.Seq, p.CreatedAt = 7, time.Unix(1_700_000_000, 0)
	p.ID = muster.PersonID(p.Seq, p.CreatedAt)
	p.Username = rapid.SampledFrom([]string{"", "ann", "1ann", "ann@x", "x.nom12-001", "Ann"}).Draw(t, "username")
	p.Email = rapid.SampledFrom([]string{"", "ann@example.org", "Ann@Example.org"}).Draw(t, "email")
	p.FirstName, p.LastName, p.DisplayName, p.EmployeeID = draw("first"), draw("last"), draw("display"), draw("employee")
	p.State = rapid.SampledFrom(muster.States[:4]).Draw(t, "state")
	if rapid.Bool().Draw(t, "managed") {
		p.Manager = uuid.UUID(muster.PersonID(3, time.Unix(1_600_000_000, 0)))
	}
	p.Profile = muster.Profile{MiddleName: draw("middle"), Company: draw("company"), Description: draw("description"), AlternateEmail: "A@b.example", RecoveryEmail: "r@b.example"}
	for _, kind := range rapid.SliceOfN(rapid.SampledFrom([]string{"work", "home", "", "a.b"}), 0, 3).Draw(t, "phones") {
		p.Profile.Phones = append(p.Profile.Phones, muster.Phone{Type: kind, Number: "1"})
		p.Profile.Addresses = append(p.Profile.Addresses, muster.Address{Type: kind, Locality: draw("locality")})
	}
	for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"class_code", "Custom", "custom", "ä ö"}), 0, 3).Draw(t, "attributes") {
		if p.Profile.Attributes == nil {
			p.Profile.Attributes = map[string]string{}
		}
		p.Profile.Attributes[name] = "v"
	}
	if rapid.Bool().Draw(t, "flagged") {
		var all map[string]any
		_ = json.Unmarshal([]byte(wholeUser()), &all)
		r := read(updating, map[string]any{
			"mfa": all["mfa"], "relationships": all["relationships"], "restrictedFields": all["restrictedFields"], "tags": all["tags"], "sudo": true, "unix_uid": float64(5),
			"delegatedAuthority": all["delegatedAuthority"], "ssh_keys": []any{map[string]any{"name": "a", "public_key": "k"}}, "public_key": "k",
		}, &p.Person)
		p.Person, _ = p.Person.With(r.draft)
	}
	return p
}

// Whatever comes, reading ends, and what it gives is what the directory takes or refuses with a field.
func FuzzRead(f *testing.F) {
	f.Add([]byte(wholeUser()))
	f.Add([]byte(`{"attributes":[{"name":"a","value":null}],"id":"` + ours + `","phoneNumbers":[{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range []*mode{creating, updating, merging} {
			asked := object(m, raw, false)
			nobody := roster.Fresh()
			draft, faults := asked.Draft, asked.Faults
			if asked.Adapt != nil {
				draft, faults = asked.Adapt(&nobody, muster.Draft{})
			}
			if _, refused := nobody.With(draft); len(faults) == 0 && len(refused) > 0 {
				t.Errorf("%s: %s: no fault was found, and the directory refuses %v", m.Operation, raw, refused)
			}
		}
	})
}

// What is our own fault is told without its cause, and as what it is where that can be told.
func TestOwnFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{errors.New("store: hidden"), 500, "Something went wrong on our side. The log names the request."},
		{fmt.Errorf("store: %w", context.DeadlineExceeded), 503, "This takes too long at the moment. Try again later."},
		{muster.Errorf(muster.Internal, "", "Nobody knows.").Because(context.DeadlineExceeded), 500, "Nobody knows."},
	} {
		if r := refused(c.err); r.Code != c.status || r.Message != c.text {
			t.Errorf("%v: %d %q", c.err, r.Code, r.Message)
		}
	}
}
