package muster

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestUsername(t *testing.T) {
	t.Parallel()
	pattern := func(s string) UsernamePolicy { return UsernamePolicy{Pattern: s} }
	long := strings.Repeat("abcdefghij", 12)
	for _, c := range []struct {
		name   string
		policy UsernamePolicy
		names  Names
		number int
		want   string
	}{
		{"plain", UsernamePolicy{}, Names{First: "Jean", Last: "Dupont"}, 1, "jean.dupont001"},
		{"accents and apostrophe", UsernamePolicy{}, Names{First: "Éloïse", Last: "N'Diaye"}, 1, "eloise.ndiaye001"},
		{"decomposed", UsernamePolicy{}, Names{First: norm.NFD.String("Éloïse"), Last: "N’Diaye"}, 1, "eloise.ndiaye001"},
		{"space in a name", UsernamePolicy{}, Names{First: "Mame Diarra", Last: "Bâ"}, 1, "mamediarra.ba001"},
		{"hyphen and ligature", UsernamePolicy{}, Names{First: "Jean-Pierre", Last: "Œuvrard"}, 1, "jeanpierre.oeuvrard001"},
		{"last alone", UsernamePolicy{}, Names{Last: "Dupont"}, 1, "dupont001"},
		{"first alone", UsernamePolicy{}, Names{First: "Jean", Last: "  "}, 1, "jean001"},
		{"first has no letter", UsernamePolicy{}, Names{First: "---", Last: "Dupont"}, 2, "dupont002"},
		{"e-mail alone", UsernamePolicy{}, Names{Email: "Jean.Dupont@example.org"}, 1, "jean.dupont001"},
		{"e-mail with stray dots", UsernamePolicy{}, Names{Email: ".Élo..ise_x.+-.@example.org"}, 1, "elo.isex001"},
		{"e-mail without domain", UsernamePolicy{}, Names{Email: "jean"}, 1, "jean001"},
		{"names before e-mail", UsernamePolicy{}, Names{First: "Jean", Email: "x@example.org"}, 1, "jean001"},
		{"display name last", UsernamePolicy{}, Names{Display: "Mame  Diarra Bâ", Email: "@example.org"}, 1, "mame.diarra.ba001"},
		{"other scripts", UsernamePolicy{}, Names{First: "Нина", Last: "阿里"}, 1, "nina.ali001"},
		{"the thousandth", UsernamePolicy{}, Names{First: "Jean", Last: "Dupont"}, 1000, "jean.dupont1000"},
		{"the last", UsernamePolicy{}, Names{First: "Jean", Last: "Dupont"}, 999_999, "jean.dupont999999"},
		{"base ends in a digit", UsernamePolicy{}, Names{Last: "Agent 7"}, 1, "agent7-001"},
		{"base of digits", UsernamePolicy{}, Names{Last: "007"}, 1, "007-001"},
		{"digit inside", UsernamePolicy{}, Names{First: "User1", Last: "Test"}, 1, "user1.test001"},
		{"too long", UsernamePolicy{}, Names{First: long, Last: "x"}, 1, long[:57] + "001"},
		{"too long, cut at the dot", UsernamePolicy{}, Names{First: long[:56], Last: "x"}, 1, long[:56] + "001"},
		{"too long, last number", UsernamePolicy{}, Names{First: long[:56] + "7x"}, 999_999, long[:56] + "7-999999"},
		{"initial", pattern("{f}{last}"), Names{First: "Jean", Last: "Dupont"}, 1, "jdupont001"},
		{"initial of a ligature", pattern("{f}{last}"), Names{First: "Œuvrard", Last: "Dupont"}, 1, "odupont001"},
		{"initial alone is the whole name", pattern("{f}{last}"), Names{First: "Jean"}, 1, "jean001"},
		{"last initial", pattern("{first}{l}"), Names{First: "Jean", Last: "Dupont"}, 1, "jeand001"},
		{"last initial alone", pattern("{first}{l}"), Names{Last: "Dupont"}, 1, "dupont001"},
		{"middle", pattern("{first}.{m}.{last}"), Names{First: "Amy", Middle: "Jean", Last: "Klobuchar"}, 1, "amy.j.klobuchar001"},
		{"middle missing", pattern("{first}.{middle}.{last}"), Names{First: "Maria", Last: "Cantwell"}, 1, "maria.cantwell001"},
		{"literals", pattern("ext-{last}_{first}"), Names{First: "Jean", Last: "Dupont"}, 1, "ext-dupont_jean001"},
		{"literal is no name", pattern("ext-{last}"), Names{Email: "jean@example.org"}, 1, "jean001"},
		{"separator at the end", pattern("{last}-"), Names{Last: "Dupont"}, 1, "dupont001"},
		{"source id", pattern("e{source_id}"), Names{SourceID: "00-123"}, 4, "e00123-004"},
		{"source id beside names", pattern("{first}.{source_id}"), Names{SourceID: "A1"}, 1, "a1-001"},
		{"e-mail by choice", pattern("{email}"), Names{First: "X", Email: "j.d@example.org"}, 1, "j.d001"},
		{"display by choice", pattern("{display}"), Names{First: "X", Display: "Jean Dupont"}, 1, "jean.dupont001"},
		{"more digits", UsernamePolicy{Digits: 5}, Names{Last: "Dupont"}, 12, "dupont00012"},
		{"one digit", UsernamePolicy{Digits: 1}, Names{Last: "Dupont"}, 2, "dupont2"},
		{"short", UsernamePolicy{MaxLength: 20}, Names{First: "Maximilien", Last: "Robespierre"}, 1, "maximilien.ro001"},
	} {
		if err := c.policy.Validate(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		base, err := c.policy.Base(c.names)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := c.policy.Format(base, c.number)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
		if limit := c.policy.WithDefaults().MaxLength; len(got) > limit {
			t.Errorf("%s: %q has %d characters, more than %d", c.name, got, len(got), limit)
		}
	}
}

func TestUsernameNeedsSomething(t *testing.T) {
	t.Parallel()
	for _, n := range []Names{{}, {First: "---", Last: "'"}, {Email: "@example.org"}, {Email: "+.+@example.org", Display: "★"}, {Middle: "X"}} {
		base, err := UsernamePolicy{}.Base(n)
		var fault *Error
		if !errors.As(err, &fault) || fault.Code != Required || fault.Field != "first_name" {
			t.Errorf("%+v: %q, %v", n, base, err)
		}
	}
}

func TestUsernameNumbersRunOut(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, MaxUsernameNumber + 1} {
		if name, err := (UsernamePolicy{}).Format("jean.dupont", n); CodeOf(err) != Conflict {
			t.Errorf("number %d: %q, %v", n, name, err)
		}
	}
}

func TestSplitUsername(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		digits int
		base   string
		number int
	}{
		{"jean.dupont001", 3, "jean.dupont", 1},
		{"Jean.DUPONT007", 3, "jean.dupont", 7},
		{"jean.dupont００７", 3, "jean.dupont", 7},
		{"jean.dupont000", 3, "jean.dupont", 0},
		{"jean.dupont1000", 3, "jean.dupont", 1000},
		{"jean.dupont0012", 3, "jean.dupont", 12},
		{"jean.dupont999999", 3, "jean.dupont", 999_999},
		{"agent7001", 3, "agent", 7001},
		{"agent7-001", 3, "agent7", 1},
		{"007-001", 3, "007", 1},
		{"straße001", 3, "strasse", 1},
		{"anna2", 1, "anna", 2},
		{"anna002", 6, "anna", 2},
		{"jean.dupont", 3, "", 0},
		{"jean.dupont01", 3, "", 0},
		{"jean.dupont1234567", 3, "", 0},
		{"anna2", 3, "", 0},
		{"001", 3, "", 0},
		{"", 3, "", 0},
		{"jean-001", 3, "", 0},
		{"agent7--001", 3, "", 0},
		{"agent7.001", 3, "", 0},
		{".jean001", 3, "", 0},
		{"-001", 3, "", 0},
		{"jean@school001", 3, "", 0},
		{"élo001", 3, "", 0},
		{strings.Repeat("a", 58) + "001", 3, "", 0},
	} {
		base, number, ok := UsernamePolicy{Digits: c.digits}.Split(c.name)
		if base != c.base || number != c.number || ok != (c.base != "") {
			t.Errorf("Split(%q) with %d digits = %q, %d, %v; want %q, %d", c.name, c.digits, base, number, ok, c.base, c.number)
		}
	}
}

func usernamePolicies() *rapid.Generator[UsernamePolicy] {
	return rapid.Custom(func(t *rapid.T) UsernamePolicy {
		return UsernamePolicy{
			Pattern:     rapid.SampledFrom([]string{"", "{first}.{last}", "{f}{last}", "{first}{source_id}", "{last}-{source_id}", "{source_id}"}).Draw(t, "pattern"),
			Digits:      rapid.IntRange(0, 6).Draw(t, "digits"),
			FirstNumber: rapid.SampledFrom([]int{0, 1, 2, 7, 98, 999}).Draw(t, "first number"),
			Number:      rapid.SampledFrom([]NumberRule{"", NumberAlways, NumberOnClash}).Draw(t, "number"),
			MaxLength:   rapid.SampledFrom([]int{0, 12, 20, 64}).Draw(t, "length"),
		}
	})
}

// usernameNames draws names from so few characters that bases meet each other and given names often.
func usernameNames() *rapid.Generator[Names] {
	part := rapid.StringOfN(rapid.RuneFrom([]rune("aab017-.")), 0, 5, -1)
	return rapid.Custom(func(t *rapid.T) Names {
		if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
			return Names{First: nameText().Draw(t, "first"), Last: nameText().Draw(t, "last"), Email: "a1@b"}
		}
		return Names{First: part.Draw(t, "first"), Last: part.Draw(t, "last"), SourceID: part.Draw(t, "source id"), Email: "a1@b"}
	})
}

func TestUsernameFormProperties(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		p := usernamePolicies().Draw(t, "policy")
		base, err := p.Base(usernameNames().Draw(t, "names"))
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.OneOf(rapid.IntRange(0, 1100), rapid.IntRange(0, MaxUsernameNumber)).Draw(t, "n")
		name, err := p.Format(base, n)
		if err != nil || !form.MatchString(base) || !form.MatchString(name) || len(name) > p.WithDefaults().MaxLength {
			t.Fatalf("base %q, name %q, %v", base, name, err)
		}
		if fault := ValidateUsername("username", name); fault != nil || FoldKey(name) != name {
			t.Fatalf("%q is not a username: %v", name, fault)
		}
		if b, m, ok := p.Split(strings.ToUpper(name)); !ok || b != base || m != n {
			t.Fatalf("base %q and %d give %q, which Split reads as %q, %d, %v", base, n, name, b, m, ok)
		}
	})
}

// directory allocates names as a tenant's directory does: by the policy, one counter per base, and the set of names that anybody has or had.
type directory struct {
	policy UsernamePolicy
	next   map[string]int
	taken  map[string]string // by key: how it came to be
}

// give stores a given name, or tells that it is taken.
func (d *directory) give(name, how string) bool {
	key := FoldKey(name)
	if d.taken[key] != "" {
		return false
	}
	d.taken[key] = how
	if base, n, ok := d.policy.Split(name); ok {
		d.next[base] = max(d.next[base], n+1)
	}
	return true
}

// generate gives a person a name; the numbered one is stored without looking whether it is taken.
func (d *directory) generate(t *rapid.T, names Names) {
	base, err := d.policy.Base(names)
	if err != nil {
		t.Fatal(err)
	}
	how := fmt.Sprintf("generated for base %q by %+v", base, d.policy)
	if d.policy.Number == NumberOnClash && d.give(base, how) {
		return
	}
	n := max(d.next[base], d.policy.WithDefaults().FirstNumber)
	name, err := d.policy.Format(base, n)
	if CodeOf(err) == Conflict {
		return
	}
	d.next[base] = n + 1
	if before := d.taken[FoldKey(name)]; before != "" {
		t.Fatalf("%q, %s, was there before: %s", name, how, before)
	}
	d.taken[FoldKey(name)] = how
}

// The law of usernames: whatever names are given and generated in whatever order, and whatever the policy is changed to, a generated name was
// never there before.
func TestGeneratedUsernamesNeverMeetOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy := usernamePolicies().Draw(t, "policy")
		d := &directory{policy: policy, next: map[string]int{}, taken: map[string]string{}}
		free := rapid.StringOfN(rapid.RuneFrom([]rune("aAb0017-.７")), 1, 9, -1)
		ahead := rapid.Custom(func(t *rapid.T) string { // a name that the directory would soon generate
			base, err := d.policy.Base(usernameNames().Draw(t, "names"))
			if err != nil {
				t.Fatal(err)
			}
			name, _ := d.policy.Format(base, d.next[base]+rapid.IntRange(0, 3).Draw(t, "ahead"))
			return name
		})
		t.Repeat(map[string]func(*rapid.T){
			"generate":   func(t *rapid.T) { d.generate(t, usernameNames().Draw(t, "names")) },
			"namesakes":  func(t *rapid.T) { n := usernameNames().Draw(t, "names"); d.generate(t, n); d.generate(t, n) },
			"give":       func(t *rapid.T) { d.give(free.Draw(t, "name"), "given") },
			"give ahead": func(t *rapid.T) { d.give(ahead.Draw(t, "name"), "given") },
			"other policy": func(t *rapid.T) {
				other := usernamePolicies().Draw(t, "policy")
				other.Digits = max(other.WithDefaults().Digits, min(3, d.policy.WithDefaults().Digits)) // the one care that Validate names
				d.policy = other
			},
		})
	})
}

func TestUsernamePolicyValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		field string // "" when it is right
	}{
		{`{}`, ""},
		{`{"pattern":"{l}{f}","digits":1,"first_number":100,"number":"clash","max_length":20}`, ""},
		{`{"pattern":"x-{email}.{display}_{m}{middle}{source_id}"}`, ""},
		{`{"pattern":"jean"}`, "usernames.pattern"},
		{`{"pattern":"{first}.{surname}"}`, "usernames.pattern"},
		{`{"pattern":"{first}.{}"}`, "usernames.pattern"},
		{`{"pattern":"{first, last}"}`, "usernames.pattern"},
		{`{"pattern":"{first"}`, "usernames.pattern"},
		{`{"pattern":"first}{last}"}`, "usernames.pattern"},
		{`{"pattern":"{first} {last}"}`, "usernames.pattern"},
		{`{"pattern":"{first}@x"}`, "usernames.pattern"},
		{`{"pattern":"X{first}"}`, "usernames.pattern"},
		{`{"pattern":"é{first}"}`, "usernames.pattern"},
		{`{"digits":7}`, "usernames.digits"},
		{`{"digits":-1}`, "usernames.digits"},
		{`{"first_number":-1}`, "usernames.first_number"},
		{`{"first_number":1000000}`, "usernames.first_number"},
		{`{"number":"never"}`, "usernames.number"},
		{`{"max_length":11}`, "usernames.max_length"},
		{`{"max_length":65}`, "usernames.max_length"},
	} {
		var p UsernamePolicy
		if err := json.Unmarshal([]byte(c.text), &p); err != nil {
			t.Fatal(err)
		}
		err := p.Validate()
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", c.text, err)
		case c.field != "":
			if faults := Faults(err); len(faults) != 1 || faults[0].Field != c.field || faults[0].Code != Invalid {
				t.Errorf("%s: %v, want a fault of %s", c.text, err, c.field)
			}
		}
	}
	if _, err := (UsernamePolicy{Pattern: "{x}"}).Base(Names{First: "Jean"}); CodeOf(err) != Invalid {
		t.Errorf("Base with a wrong pattern: %v", err)
	}
}

func TestDefaultUsernamePolicy(t *testing.T) {
	t.Parallel()
	want := UsernamePolicy{Pattern: "{first}.{last}", Digits: 3, FirstNumber: 1, Number: NumberAlways, MaxLength: 64}
	if got := DefaultUsernamePolicy(); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestValidateUsername(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code Code // "" when it is right
	}{
		{"a", ""},
		{"Jean.Dupont_007-x@example.org", ""},
		{"éloïse", ""},
		{"阿里", ""},
		{"e\u0301", ""},
		{"+221770000000", ""},
		{strings.Repeat("é", 1024), ""},
		{"", Required},
		{strings.Repeat("a", 1025), TooLong},
		{" jean", Invalid},
		{"jean dupont", Invalid},
		{"jean\u00a0dupont", Invalid},
		{"jean\n", Invalid},
		{"jean\x00", Invalid},
		{"jean\x7f", Invalid},
		{"je\u200ban", Invalid},
		{"\u202ejean", Invalid},
		{"je\u00adan", Invalid},
		{"\u3164", Invalid},
		{"jean\ue000", Invalid},
		{"jean\xff", Invalid},
		{"je\ufffdn", Invalid},
	} {
		fault := ValidateUsername("username", c.name)
		if c.code == "" && fault != nil || c.code != "" && (fault == nil || fault.Code != c.code || fault.Field != "username") {
			t.Errorf("%.30q: %v, want code %q", c.name, fault, c.code)
		}
		if fault == nil && FoldKey(c.name) == "" {
			t.Errorf("%q is accepted and has no key", c.name)
		}
	}
}

func FuzzSplitUsername(f *testing.F) {
	for _, s := range []string{"jean.dupont001", "agent7-001", "7-7-7777", "ａ００１", "straße999999"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, digits int) {
		p := UsernamePolicy{Digits: 1 + (digits&0x7)%6}
		base, n, ok := p.Split(s)
		if !ok {
			return
		}
		name, err := p.Format(base, n)
		if err != nil || len(name) > MaxGeneratedUsername {
			t.Fatalf("Split(%q) = %q, %d: Format gives %q, %v", s, base, n, name, err)
		}
		if b, m, ok := p.Split(name); !ok || b != base || m != n {
			t.Errorf("Split(%q) = %q, %d, but Split(%q) = %q, %d, %v", s, base, n, name, b, m, ok)
		}
	})
}

func BenchmarkUsername(b *testing.B) {
	p := DefaultUsernamePolicy()
	b.ReportAllocs()
	for b.Loop() {
		base, _ := p.Base(Names{First: "Éloïse", Last: "N'Diaye"})
		p.Format(base, 12)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "names/s")
}
