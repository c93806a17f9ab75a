package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/musterid/muster/internal/store/storetest"
)

// The other half of the law: who writes back what was read changes nothing, on every surface, whoever it is about.

// stands are people whom something is particular about.
var stands = map[string]act{
	"somebody plain": func(*testing.T, *lawful) {},
	"with every sort of fact": patch(map[string]any{
		"code": "IDT000777", "display_name": "J. D.", "attributes.class": "6A", "attributes.account_required": "false", "birth_date": "2011-02-03", "source": "hr", "source_id": "77",
		"addresses": []map[string]string{{"type": "home", "street": "1 rue Hugo", "locality": "Dakar"}},
	}),
	"without address and number": patch(map[string]any{"email": nil, "phones": nil}),
	"with a number of one type":  patch(map[string]any{"phones": []map[string]string{{"type": "work", "number": "+221 77 123 45 67"}}}),
	"a member with a role":       join,
	"a member with two roles": func(t *testing.T, l *lawful) {
		call[any](t, l.s, http.MethodPut, "/v1/units/"+l.unit+"/members/"+l.person, map[string]any{
			"title": "Head", "roles": []map[string]any{{"role": "teacher", "cycles": []string{"middle", "high"}}, {"role": "admin_staff"}},
		})
	},
	"a member without a role": func(t *testing.T, l *lawful) {
		call[any](t, l.s, http.MethodPut, "/v1/units/"+l.unit+"/members/"+l.person, map[string]any{})
	},
	"suspended":                   patch(map[string]any{"state": "suspended", "reason": "exam"}),
	"archived":                    patch(map[string]any{"state": "archived"}),
	"archived for some reason":    func(t *testing.T, l *lawful) { l.post(t, "/retire", map[string]any{"reason": "left in July"}) },
	"archived for another school": patch(map[string]any{"state": "archived", "reason": "transferred"}),
	"yet to come":                 patch(map[string]any{"state": "staged"}),
	"without username": func(t *testing.T, l *lawful) {
		l.person = call[identity](t, l.s, http.MethodPost, identityBase, map[string]any{"firstname": "Ana", "lastname": "Diaz", "code_identite": "IDT000778"}).Data.ID
	},
}

// writesBack are how each surface writes what it gives.
var writesBack = map[way]act{
	native: func(t *testing.T, l *lawful) {
		patch(call[map[string]any](t, l.s, http.MethodGet, "/v1/people/"+l.person, nil))(t, l)
		units := call[struct {
			Units []map[string]any `json:"units"`
		}](t, l.s, http.MethodGet, "/v1/people/"+l.person+"/memberships", nil).Units
		for _, m := range units {
			call[any](t, l.s, http.MethodPut, "/v1/units/"+m["unit"].(string)+"/members/"+l.person, m)
		}
	},
	jumpCloud: func(t *testing.T, l *lawful) {
		path := "/api/systemusers/" + l.user(t)
		call[any](t, l.s, http.MethodPut, path, call[map[string]any](t, l.s, http.MethodGet, path, nil))
	},
	jobs: func(t *testing.T, l *lawful) {
		read := call[map[string]any](t, l.s, http.MethodGet, "/api/systemusers/"+l.user(t), nil)
		if read["state"] == "STAGED" { // which its contract refuses of jobs, also where it is so
			delete(read, "state")
		}
		l.job(t, http.MethodPatch, read)
	},
	command: func(t *testing.T, l *lawful) {
		var shown map[string]any
		decode(t, l.output(t, "people", "show", l.person), &shown)
		for _, name := range []string{"id", "seq", "version", "generated", "created_at", "updated_at"} { // nobody's to set
			delete(shown, name)
		}
		set(asFacts("", shown)...)(t, l)
	},
	edConnekt: func(t *testing.T, l *lawful) {
		read := call[struct {
			Data map[string]any `json:"data"`
		}](t, l.s, http.MethodGet, identityBase+"/"+l.person, nil).Data
		patchIdentity(read)(t, l)
		for _, e := range read["establishments"].([]any) {
			if one := e.(map[string]any); one["role_principal_code"] != nil {
				call[any](t, l.s, http.MethodPost, identityBase+"/"+l.person+"/establishments", one)
			}
		}
		for _, role := range call[[]map[string]any](t, l.s, http.MethodGet, identityBase+"/identities/"+l.person+"/roles", nil) {
			codes := []any{}
			for _, c := range role["cycles"].([]any) {
				codes = append(codes, c.(map[string]any)["code"])
			}
			role["cycle_codes"] = codes
			call[any](t, l.s, http.MethodPut, identityBase+"/identities/"+l.person+"/roles/"+role["id"].(string), role)
		}
	},
}

// asFacts gives what was shown the way it is entered: FIELD=VALUE.
func asFacts(prefix string, value any) (facts []string) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			facts = append(facts, asFacts(prefix+"."+name, v[name])...)
		}
	case []any: // of things that have a type each
		for _, one := range v {
			inner := maps.Clone(one.(map[string]any))
			kind := fmt.Sprint(inner["type"])
			delete(inner, "type")
			if number, ok := inner["number"]; ok && len(inner) == 1 {
				facts = append(facts, asFacts(prefix+"."+kind, number)...)
			} else {
				facts = append(facts, asFacts(prefix+"."+kind, inner)...)
			}
		}
	default:
		facts = append(facts, fmt.Sprint(prefix[1:], "=", v))
	}
	return facts
}

// TestWritingBack has every surface write back what it gives of people of all sorts.
func TestWritingBack(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			l := newLawful(t, start(t, options{engine: engine}))
			for n, stand := range slices.Sorted(maps.Keys(stands)) {
				t.Run(stand, func(t *testing.T) {
					l.enrol(t, fmt.Sprint("Back", string(rune('a'+n))))
					stands[stand](t, l)
					for _, w := range append([]way{native}, others...) {
						before, events := l.whole(t), len(l.deeds(t))
						writesBack[w](t, l)
						if after := l.whole(t); after != before {
							t.Errorf("%s: what was read was written back, and\n%s became\n%s", w, before, after)
						}
						for _, e := range l.deeds(t)[:len(l.deeds(t))-events] {
							t.Errorf("%s: what was read was written back, and the history has %s", w, packed(e))
						}
					}
				})
			}
		})
	}
}

// whole is all that is told of the person, with versions and times, and where they belong.
func (l *lawful) whole(t *testing.T) string {
	t.Helper()
	return string(call[json.RawMessage](t, l.s, http.MethodGet, "/v1/people/"+l.person, nil)) +
		string(call[json.RawMessage](t, l.s, http.MethodGet, "/v1/people/"+l.person+"/memberships", nil))
}

// deeds is what was done to the person; when an account was delivered is not looked at.
func (l *lawful) deeds(t *testing.T) []map[string]any {
	t.Helper()
	return slices.DeleteFunc(l.history(t), func(e map[string]any) bool { return e["action"] == "account.deliver" })
}
