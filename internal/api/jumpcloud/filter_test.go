package jumpcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// unfiltered are the attributes that nobody is filtered by: lists and objects whose parts are, secrets, and what is shown alone.
var unfiltered = []string{
	"addresses", "phoneNumbers", "attributes", "relationships", "ssh_keys", "restrictedFields", "mfa", "delegatedAuthority", "tags", "password", "password_date",
}

// Every attribute can be filtered by, or is known not to be, and every field that is filtered by is known below.
func TestEveryAttributeIsFilteredByOrKnownNotToBe(t *testing.T) {
	t.Parallel()
	for _, a := range attributes {
		if _, is := filterable[a.name]; is == slices.Contains(unfiltered, a.name) {
			t.Errorf("%s: filtered by: %v", a.name, is)
		}
	}
	for name, f := range filterable {
		if f.field == "" {
			continue
		}
		kind, list, known := roster.Findable(f.field)
		if !known || list != f.unsorted && f.sort == "" && !strings.HasPrefix(name, "suspended") || !strings.HasPrefix(f.field, "flags.") && kind != f.kind {
			t.Errorf("%s is %q: %v, %v, %v", name, f.field, kind, list, known)
		}
	}
}

var ann = roster.Person{Person: muster.Person{Seq: 7, CreatedAt: time.Unix(1000, 0)}}

func someTranslator() *translator {
	return &translator{org: "0000000010000000000000aa", people: func(ids []string) (map[string]roster.Person, error) {
		found := map[string]roster.Person{}
		if id := muster.HexID(ann.Seq, ann.CreatedAt); slices.Contains(ids, id) {
			found[id] = ann
		}
		return found, nil
	}}
}

// What expressions come to.
func TestExpressions(t *testing.T) {
	t.Parallel()
	is := func(field string, op roster.Comparison, values ...any) roster.Condition {
		return roster.Condition{Field: field, Op: op, Values: values}
	}
	everybody, nobody := roster.Condition{}, roster.Condition{Any: []roster.Condition{}}
	second := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	milli := second.Add(time.Millisecond)
	for text, want := range map[string]roster.Condition{
		"username:$eq:a:b": is("username", roster.Is, "a:b"), "email:$ne:": is("email", roster.IsNot, nil), "lastname:$in:a, b": is("last_name", roster.Is, "a", "b"), "lastname:$in:a,b|c": is("last_name", roster.Is, "a,b", "c"),
		`lastname:$in:["a|b", null]`: is("last_name", roster.Is, "a|b", nil), "_id:$eq:x": nobody, "_id:$ne:x": everybody, "id:$eq:000003E80000000000000007": is("seq", roster.Is, int64(7)),
		"_id:$lt:000003e80000000000000009": is("seq", roster.Below, int64(9)), "manager:$eq:": is("manager", roster.Is, nil), "state:$eq:SUSPENDED": is("state", roster.Is, "suspended", "archived"),
		"state:$eq:active": nobody, "state:$ne:active": everybody, "suspended:$eq:false": is("state", roster.IsNot, "suspended", "archived"), "suspended:$in:true,false": everybody, "totp_enabled:$eq:true": nobody,
		"totp_enabled:$ne:true": everybody, "badLoginAttempts:$lt:1": everybody, "badLoginAttempts:$gte:1": nobody, "admin:$eq:": everybody, "organization:$eq:0000000010000000000000AA": everybody, "organization:$eq:x": nobody,
		"creationSource:$eq:jumpcloud:manual": is("flags.creationSource", roster.Is, "jumpcloud:manual", nil), "sudo:$eq:TRUE": {Field: "flags.sudo", Op: roster.Is, Values: []any{true}, Kind: roster.BoolKind},
		"created:$gt:2026-01-02T03:04:05Z": is("created_at", roster.AtLeast, milli), "created:$gte:2026-01-02T04:04:05.0000000+01:00": is("created_at", roster.AtLeast, second),
		"created:$lt:2026-01-02T03:04:05.0001Z": is("created_at", roster.Below, milli), "created:$lte:2026-01-02T03:04:05": is("created_at", roster.Below, milli),
		"created:$eq:2026-01-02T03:04:05.000Z": {Any: []roster.Condition{{All: []roster.Condition{is("created_at", roster.AtLeast, second), is("created_at", roster.Below, milli)}}}},
	} {
		got, err := someTranslator().expression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// FuzzFilters: whatever stands in a filter, it is refused as this surface refuses, or comes to a condition that can be carried out; and never to
// everybody where something was asked for that is not known.
func FuzzFilters(f *testing.F) {
	for _, seed := range []string{
		`[{"department":"IT"}]`, `{"and":[{"username":{"$in":["a",null]}},"email:$ne:x"]}`, `{"or":[{"created":{"$gt":"2026-01-01"}},{"unix_uid":"7","sudo":true}]}`, `[{"email":{"$regex":"^a\\.b$"}}]`,
		`"state:$in:STAGED,SUSPENDED"`, `{"$and":[[[]]]}`, `{"searchTerm":["a","b"],"fields":["email","displayname"]}`, `{"manager":"0123456789abcdef01234567","activated":{"$ne":false}}`, `null`, `{"_id":{"$lt":"000003e80000000000000007"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var given any
		if json.Unmarshal([]byte(text), &given) != nil {
			given = text
		}
		filter, err := someTranslator().filter(given, 0)
		search, searchErr := searchFilter("searchFilter", given)
		for _, c := range []struct {
			roster.Condition
			err error
		}{{filter, err}, {search, searchErr}} {
			var own *refusal
			if c.err != nil && (!errors.As(c.err, &own) || own.Code != 400) {
				t.Errorf("%s: %v", text, c.err)
			}
			if err := c.Check(); err != nil && muster.CodeOf(err) != muster.TooLong {
				t.Errorf("%s: %v", text, err)
			}
		}
		if o, ok := given.(map[string]any); ok && err == nil {
			for name := range maps.Keys(o) {
				if _, known := filterable[name]; !known && !slices.Contains([]string{"and", "or", "$and", "$or"}, name) {
					t.Errorf("%s: %q was passed over", text, name)
				}
			}
		}
	})
}

// The numbers of a body may be written as text, as older clients do.
func TestNumbersOfABody(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"limit": 7}`: "7", `{"limit": "7"}`: "7", `{"limit": ""}`: "10", `{"limit": null}`: "10", `{}`: "10", `{"limit": 1e30}`: "2147483648", `{"limit": 0}`: "refused", `{"limit": 1.5}`: "refused",
		`{"limit": "x"}`: "refused", `{"limit": []}`: "refused", `{"limit": -1}`: "refused",
	} {
		var given map[string]any
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
		n, err := numberIn(given, "limit", 10, 1)
		got := fmt.Sprint(n)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
