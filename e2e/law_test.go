package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/store/storetest"
)

// The law: what is done to somebody gives the same person, the same change, the same history and the same accounts, whichever surface it came
// through. What is not compared: ids, times and versions, and in the history the surface and the id of the request.
//
// The table below says of each operation how a surface offers it, and of each difference that a surface's contract forces what it is. A listed
// difference that is not there is a fault as well.

// way is a surface through which something can be done.
type way string

const (
	native    way = "native"
	command   way = "command line"
	edConnekt way = "EdConnekt"
	jumpCloud way = "JumpCloud"
	jobs      way = "a job of JumpCloud"
)

// others are the ways that are held to the native API.
var others = []way{command, edConnekt, jumpCloud, jobs}

// act does an operation to the person of a case.
type act func(*testing.T, *lawful)

// operation is one thing that can be done to a person.
type operation struct {
	name  string
	given act // what was done before, by the native API on every surface; nil for somebody who is enrolled
	// givenDeliveries is how many changes of an account follow from that.
	givenDeliveries int
	ways            map[way]act
	// none says of a surface that does not offer it why.
	none map[way]string
	// deliveries is how many changes of an account follow.
	deliveries int
	// differs are the places in which a surface's contract forces something else, with the reason.
	differs map[way]difference
}

type difference struct {
	places  []string // what stands in them may differ; in all others it may not
	silent  bool     // no account follows
	because string
}

// patched is the same change through every surface, as each words it.
func patched(body map[string]any, facts []string, identity, user map[string]any) map[way]act {
	ways := map[way]act{native: patch(body), command: set(facts...)}
	if identity != nil {
		ways[edConnekt] = patchIdentity(identity)
	}
	if user != nil {
		ways[jumpCloud], ways[jobs] = putUser(user), patchInJob(user)
	}
	return ways
}

// notThere is why neither single requests nor jobs of JumpCloud offer something, together with why EdConnekt does not.
func notThere(edConnektWhy, jumpCloudWhy, jobsWhy string) map[way]string {
	none := map[way]string{}
	for w, why := range map[way]string{edConnekt: edConnektWhy, jumpCloud: jumpCloudWhy, jobs: jobsWhy} {
		if why != "" {
			none[w] = why
		}
	}
	return none
}

const (
	neverTaken  = "an e-mail address can be changed there, and not be taken away"
	noArchive   = "it knows nobody archived: it shows them as SUSPENDED"
	noUnits     = "it knows no units"
	onlyUpdates = "jobs create and update"
)

const knowsThree = "it knows ACTIVE, ARCHIVED and TRANSFERRED, and shows a suspended person as ACTIVE"

var law = []operation{
	{
		name: "enrol",
		ways: map[way]act{
			native: func(t *testing.T, l *lawful) {
				l.person = call[personView](t, l.s, http.MethodPost, "/v1/people", map[string]any{
					"first_name": "Zoé", "last_name": "Enrol", "email": "zoe.enrol@example.org", "code": "IDT000900", "phones": []map[string]string{{"type": "mobile", "number": "+33612345678"}},
				}).ID
			},
			command: func(t *testing.T, l *lawful) {
				l.person = l.muster(t, "people", "add", "first_name=Zoé", "last_name=Enrol", "email=zoe.enrol@example.org", "code=IDT000900", "phones.mobile=+33612345678").ID
			},
			edConnekt: func(t *testing.T, l *lawful) {
				l.person = call[identity](t, l.s, http.MethodPost, identityBase, map[string]any{
					"firstname": "Zoé", "lastname": "Enrol", "email": "zoe.enrol@example.org", "code_identite": "IDT000900", "phone": "+33612345678",
				}).Data.ID
			},
			jumpCloud: func(t *testing.T, l *lawful) {
				l.person = personOf(t, call[jcUser](t, l.s, http.MethodPost, "/api/systemusers", newUser), l)
			},
			jobs: func(t *testing.T, l *lawful) {
				l.person = personOf(t, jcUser{ID: l.job(t, http.MethodPost, newUser).SystemuserID}, l)
			},
		},
		deliveries: 1,
		differs: map[way]difference{edConnekt: {
			places: []string{"person.username", "person.generated", "history.person.create.username"}, silent: true,
			because: "its identities get a username, and accounts, when these are ordered for their batch",
		}, jumpCloud: givenName, jobs: givenNameInJob},
	},
	{
		name: "rename", deliveries: 1,
		ways: patched(map[string]any{"first_name": "Ana", "last_name": "Lima"}, []string{"first_name=Ana", "last_name=Lima"}, map[string]any{"firstname": "Ana", "lastname": "Lima"},
			map[string]any{"firstname": "Ana", "lastname": "Lima"}),
	},
	{
		name: "change of address and number", deliveries: 1,
		ways: patched(map[string]any{"email": "new@example.org", "phones.mobile": "+33700000000"}, []string{"email=new@example.org", "phones.mobile=+33700000000"},
			map[string]any{"email": "new@example.org", "phone": "+33700000000"},
			map[string]any{"email": "New@example.org", "phoneNumbers": []any{map[string]any{"type": "mobile", "number": "+33700000000"}, map[string]any{"type": "work", "number": "+33100000000"}}}),
	},
	{
		name: "loss of address", deliveries: 1,
		ways: patched(map[string]any{"email": nil}, []string{"email="}, map[string]any{"email": nil}, nil), none: notThere("", neverTaken, neverTaken),
	},
	{
		name: "suspend", deliveries: 1,
		ways: patched(map[string]any{"state": "suspended"}, []string{"state=suspended"}, nil, map[string]any{"state": "SUSPENDED"}), none: notThere(knowsThree, "", ""),
	},
	{
		name: "reactivate after suspension", deliveries: 1, givenDeliveries: 1, given: patch(map[string]any{"state": "suspended"}),
		ways: patched(map[string]any{"state": "active"}, []string{"state=active"}, nil, map[string]any{"suspended": false}), none: notThere(knowsThree, "", ""),
	},
	{
		name: "archive", deliveries: 1,
		ways: patched(map[string]any{"state": "archived"}, []string{"state=archived"}, map[string]any{"status": "ARCHIVED"}, nil), none: notThere("", noArchive, noArchive),
	},
	{
		name: "archive for another school", deliveries: 1,
		ways: patched(map[string]any{"state": "archived", "reason": "transferred"}, []string{"state=archived", "reason=transferred"}, map[string]any{"status": "TRANSFERRED"}, nil),
		none: notThere("", noArchive, noArchive),
	},
	{
		name: "reactivate after archiving", deliveries: 1, givenDeliveries: 1, given: patch(map[string]any{"state": "archived", "reason": "transferred"}),
		ways: patched(map[string]any{"state": "active", "reason": nil}, []string{"state=active", "reason="}, map[string]any{"status": "ACTIVE"},
			map[string]any{"state": "ACTIVATED"}),
	},
	{
		name: "retire", deliveries: 1,
		ways: map[way]act{
			native: func(t *testing.T, l *lawful) { l.post(t, "/retire", map[string]any{"reason": "left in July"}) },
			command: func(t *testing.T, l *lawful) {
				l.muster(t, "people", "retire", l.person, "--reason", "left in July")
			},
		},
		none: notThere("archiving is a change of the status there, and takes no reason", noArchive, noArchive),
	},
	{
		name: "revive after retiring", deliveries: 1, givenDeliveries: 1,
		given: func(t *testing.T, l *lawful) { l.post(t, "/retire", map[string]any{"reason": "left in July"}) },
		ways: map[way]act{
			native:  func(t *testing.T, l *lawful) { l.post(t, "/restore", nil) },
			command: func(t *testing.T, l *lawful) { l.muster(t, "people", "restore", l.person) },
		},
		none: notThere("it is a change of the status there", "it is a change of the state there", "it is a change of the state there"),
	},
	{
		name: "delete", deliveries: 1,
		ways: map[way]act{
			native:    remove,
			command:   func(t *testing.T, l *lawful) { l.muster(t, "people", "delete", l.person) },
			edConnekt: func(t *testing.T, l *lawful) { call[any](t, l.s, http.MethodDelete, identityBase+"/"+l.person, nil) },
			jumpCloud: func(t *testing.T, l *lawful) {
				call[any](t, l.s, http.MethodDelete, "/api/systemusers/"+l.user(t), nil)
			},
		},
		none: notThere("", "", onlyUpdates),
	},
	{
		name: "revive after deletion", deliveries: 1, givenDeliveries: 1, given: remove,
		ways: map[way]act{
			native:  func(t *testing.T, l *lawful) { l.post(t, "/restore", nil) },
			command: func(t *testing.T, l *lawful) { l.muster(t, "people", "restore", l.person) },
		},
		none: notThere("a deleted identity is an unknown id there", "a deleted user is an unknown id there", "a deleted user is an unknown id there"),
	},
	{
		name: "join",
		ways: map[way]act{
			native: join,
			command: func(t *testing.T, l *lawful) {
				l.muster(t, "units", "join", l.unit, l.person, "--title", "Head", "--role", "teacher")
			},
			edConnekt: func(t *testing.T, l *lawful) {
				call[any](t, l.s, http.MethodPost, identityBase+"/"+l.person+"/establishments", map[string]any{
					"establishment_id": l.unit, "role_principal_code": "teacher", "function_display": "Head",
				})
			},
		},
		none: notThere("", noUnits, noUnits),
	},
	{
		name: "leave", given: join,
		ways: map[way]act{
			native: func(t *testing.T, l *lawful) {
				call[any](t, l.s, http.MethodDelete, "/v1/units/"+l.unit+"/members/"+l.person, nil)
			},
			command: func(t *testing.T, l *lawful) { l.muster(t, "units", "leave", l.unit, l.person) },
			edConnekt: func(t *testing.T, l *lawful) {
				call[any](t, l.s, http.MethodDelete, identityBase+"/"+l.person+"/establishments/"+l.unit, nil)
			},
		},
		none: notThere("", noUnits, noUnits),
	},
}

// TestLaw does every operation through every surface that offers it, on a server of its own for each, and compares what came of it.
func TestLaw(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			all := map[way]*lawful{}
			for _, w := range append([]way{native}, others...) {
				all[w] = newLawful(t, start(t, options{engine: engine}))
			}
			for _, o := range law {
				t.Run(o.name, func(t *testing.T) { o.hold(t, all) })
			}
		})
	}
}

func (o operation) hold(t *testing.T, all map[way]*lawful) {
	want := all[native].outcome(t, o, native)
	if want["person.state"] == "" || want["account.enabled"] == "" {
		t.Fatalf("what came of it is not seen: %v", want)
	}
	for _, w := range others {
		if (o.ways[w] == nil) != (o.none[w] != "") {
			t.Errorf("%s: say either how it is done or why it is not offered", w)
		}
		if o.ways[w] == nil {
			continue
		}
		got, may := all[w].outcome(t, o, w), o.differs[w]
		used := map[string]bool{}
		for _, place := range slices.Sorted(maps.Keys(union(want, got))) {
			if got[place] == want[place] {
				continue
			}
			excuse := slices.IndexFunc(may.places, func(p string) bool { return strings.HasPrefix(place, p) })
			switch {
			case excuse >= 0:
				used[may.places[excuse]] = true
			case may.silent && (strings.HasPrefix(place, "account.") || strings.HasPrefix(place, "history.account.deliver")):
			default:
				t.Errorf("%s gives %s %s, the native API %s", w, place, orNothing(got[place]), orNothing(want[place]))
			}
		}
		for _, p := range may.places {
			if !used[p] {
				t.Errorf("%s is listed to differ in %s, because %s; it does not", w, p, may.because)
			}
		}
	}
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// lawful is a server on which one surface is used, and the person of the case in hand.
type lawful struct {
	s       *server
	outside *rehearsal.Server
	unit    string
	person  string
}

func newLawful(t *testing.T, s *server) *lawful {
	t.Helper()
	l := &lawful{s: s}
	_, l.outside = s.aim(t, faultless, map[string]any{"activation": "none"})
	l.unit = call[struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/v1/units", map[string]any{"kind": "establishment", "code": "0750001A", "name": "Lycée Hugo"}).ID
	return l
}

// outcome does an operation to somebody new and gives what came of it, by place.
func (l *lawful) outcome(t *testing.T, o operation, w way) map[string]string {
	t.Helper()
	before, deliveries := 0, 0
	if o.name != "enrol" {
		l.enrol(t, strings.ReplaceAll(o.name, " ", ""))
		deliveries = 1
		l.delivered(t, deliveries)
		if o.given != nil {
			o.given(t, l)
			deliveries += o.givenDeliveries
			l.delivered(t, deliveries)
		}
		before = len(l.history(t))
	}
	o.ways[w](t, l)
	if !o.differs[w].silent {
		deliveries += o.deliveries
	}
	l.delivered(t, deliveries)
	events := l.history(t)
	slices.Reverse(events)
	return l.told(t, events[before:])
}

// enrol makes the person of a case, by the native API.
func (l *lawful) enrol(t *testing.T, name string) {
	t.Helper()
	l.person = call[personView](t, l.s, http.MethodPost, "/v1/people", map[string]any{
		"first_name": "Jean", "last_name": name, "email": name + "@example.org", "phones.mobile": "+33600000000", "phones.work": "+33100000000", "department": "Arts",
	}).ID
}

func (l *lawful) history(t *testing.T) []map[string]any {
	t.Helper()
	return call[struct {
		Items []map[string]any `json:"items"`
	}](t, l.s, http.MethodGet, "/v1/people/"+l.person+"/history", nil).Items
}

// delivered waits until so many changes of the person's account were delivered.
func (l *lawful) delivered(t *testing.T, want int) {
	t.Helper()
	got := 0
	defer func() {
		if t.Failed() {
			t.Logf("%d deliveries, want %d", got, want)
		}
	}()
	until(t, 30*time.Second, fmt.Sprintf("%d deliveries", want), func() bool {
		got = 0
		for _, e := range l.history(t) {
			if e["action"] == "account.deliver" {
				got++
			}
		}
		return got >= want
	})
}

// told says everything about the person of the case: the directory's facts, the memberships, what happened, and the account outside.
func (l *lawful) told(t *testing.T, events []map[string]any) map[string]string {
	t.Helper()
	all := map[string]string{}
	l.flat(all, "person", call[any](t, l.s, http.MethodGet, "/v1/people/"+l.person, nil))
	if all["person.state"] != `"deleted"` { // whose memberships are not shown
		l.flat(all, "memberships", call[any](t, l.s, http.MethodGet, "/v1/people/"+l.person+"/memberships", nil))
	}
	for _, e := range events {
		place := "history." + l.deed(e)
		all[place] += "once " // twice would be a difference
		if change, ok := e["change"].(map[string]any); ok {
			all[place+".action"] = change["action"].(string)
			for _, f := range change["fields"].([]any) {
				field := f.(map[string]any)
				all[place+"."+field["field"].(string)] = packed(field["before"]) + " → " + packed(field["after"])
			}
		}
		for _, name := range []string{"actor", "target"} {
			if text, ok := e[name].(string); ok {
				all[place+".its "+name] = text
			}
		}
		if batch, ok := e["batch"].(map[string]any); ok && place == "history."+e["action"].(string) {
			all[place+".its state"] = batch["state"].(string)
		}
	}
	for _, a := range l.outside.Accounts() {
		if a.Marker != l.person {
			continue
		}
		all["account.username"], all["account.enabled"] = a.Username, fmt.Sprint(a.Enabled)
		for name, value := range a.Attributes {
			all["account."+name] = packed(value)
		}
	}
	for _, a := range list[map[string]any](t, l.s, "/v1/accounts", map[string][]string{"person": {l.person}}) {
		all["account.its state"], all["account.due"] = a["state"].(string), packed(a["due"])
	}
	return all
}

// flat puts what an answer says into places, without ids, times and versions.
func (l *lawful) flat(into map[string]string, place string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if !slices.Contains([]string{"id", "seq", "version", "person", "created_at", "updated_at", "deleted_at"}, name) {
				l.flat(into, place+"."+name, inner)
			}
		}
	case []any:
		for i, inner := range v {
			l.flat(into, fmt.Sprint(place, ".", i), inner)
		}
	default:
		if into[place] = packed(v); v == l.unit {
			into[place] = "the unit"
		}
	}
}

func packed(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// identity is an answer of the EdConnekt surface.
type identity struct {
	Data struct {
		ID string `json:"id"`
	} `json:"data"`
}

func patch(body map[string]any) act {
	return func(t *testing.T, l *lawful) { call[any](t, l.s, http.MethodPatch, "/v1/people/"+l.person, body) }
}

func set(facts ...string) act {
	return func(t *testing.T, l *lawful) { l.muster(t, append([]string{"people", "set", l.person}, facts...)...) }
}

func patchIdentity(body map[string]any) act {
	return func(t *testing.T, l *lawful) { call[any](t, l.s, http.MethodPatch, identityBase+"/"+l.person, body) }
}

func remove(t *testing.T, l *lawful) {
	call[any](t, l.s, http.MethodDelete, "/v1/people/"+l.person, nil)
}

func join(t *testing.T, l *lawful) {
	call[any](t, l.s, http.MethodPut, "/v1/units/"+l.unit+"/members/"+l.person, map[string]any{"title": "Head", "roles": []map[string]any{{"role": "teacher"}}})
}

func (l *lawful) post(t *testing.T, move string, body any) {
	t.Helper()
	call[any](t, l.s, http.MethodPost, "/v1/people/"+l.person+move, body)
}

// muster runs the command line against the server, as its admin.
func (l *lawful) muster(t *testing.T, args ...string) (answer personView) {
	t.Helper()
	out := l.output(t, args...)
	if len(out) > 0 {
		decode(t, out, &answer)
	}
	return answer
}

func (l *lawful) output(t *testing.T, args ...string) []byte {
	t.Helper()
	run := exec.CommandContext(t.Context(), program, append(args, "--json")...)
	run.Env = append(os.Environ(), "MUSTER_URL="+l.s.url, "MUSTER_KEY="+l.s.key)
	var said bytes.Buffer
	run.Stderr = &said
	out, err := run.Output()
	if err != nil {
		t.Fatalf("muster %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return bytes.TrimSpace(out)
}
