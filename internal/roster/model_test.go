package roster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// TestCarryAgainstAModel has Carry decide over random ops and holds it to a model that takes them one after the other and knows no sets, no
// statements and no shortcuts. What number a generated username has is Carry's to say; that nobody else has or had it, the model's.
func TestCarryAgainstAModel(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			st := storetest.Open(t, engine)
			c := &campus{Roster: roster.New(st, nil), t: t, st: st}
			tenants := 0
			rapid.Check(t, func(rt *rapid.T) {
				tenants++
				tenant := muster.Tenant{Code: fmt.Sprintf("t%d", tenants), Name: "T", Settings: muster.DefaultSettings()}
				if err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&tenant) }); err != nil {
					rt.Fatal(err)
				}
				c.caller.Tenant = tenant.Seq
				m := newModel(rt)
				for range rapid.IntRange(1, 6).Draw(rt, "calls") {
					m.call(c)
				}
			})
		})
	}
}

// model is the directory as a list of people.
type model struct {
	rt      *rapid.T
	rules   roster.Rules
	people  []*modelPerson
	retired map[string]modelRetired // by username key
}

type modelPerson struct {
	seq       int64
	version   int64
	fields    map[string]string
	keys      map[string]string // of what is claimed: username, email, employee_id, source_id
	claimed   map[string]bool   // of code and phones.mobile: those that were claimed when this was last no deleted person
	generated bool
	changed   bool // in this call
}

type modelRetired struct {
	seq             int64
	email, employee string
}

func newModel(rt *rapid.T) *model {
	m := &model{rt: rt, retired: map[string]modelRetired{}}
	m.rules.Usernames = muster.UsernamePolicy{Number: rapid.SampledFrom([]muster.NumberRule{muster.NumberAlways, muster.NumberOnClash}).Draw(rt, "number")}.WithDefaults()
	m.rules.SharedEmail = rapid.Bool().Draw(rt, "shared")
	m.rules.NoUsername = rapid.IntRange(0, 4).Draw(rt, "no username") == 0
	return m
}

var modelValues = map[string][]string{
	"username":    {"jean.dupont", "Jean.Dupont001", "jean.dupont002", "boss", "BOSS", ""},
	"email":       {"a@x.test", "A@X.test", "b@x.test", ""},
	"employee_id": {"1", "2", ""},
	"source_id":   {"s1", "s2", ""},
	"first_name":  {"Jean", "Ann", ""},
	"last_name":   {"Dupont", "Lee", ""},
	"code":        {"C1", "c1", "C2", ""},

	"phones.mobile": {"+33 1", "0033-1", "2", ""},
	"state":         {"active", "suspended", "archived", "deleted", "deleted"},
}

// call draws some ops and compares what Carry and the model make of them.
func (m *model) call(c *campus) {
	var ops []roster.Op
	for i := range rapid.IntRange(1, 5).Draw(m.rt, "ops") {
		op := roster.Op{Row: i + 1, Draft: muster.Draft{}}
		var p *modelPerson
		if n := rapid.IntRange(-1, len(m.people)-1).Draw(m.rt, "who"); n >= 0 {
			p = m.people[n]
			op.Person = p.seq
			op.Guard = rapid.SampledFrom([]int64{0, 0, 0, p.version, p.version + 1}).Draw(m.rt, "guard")
		}
		for _, field := range slices.Sorted(maps.Keys(modelValues)) {
			if rapid.IntRange(0, 2).Draw(m.rt, "sets "+field) == 0 {
				op.Draft[field] = rapid.SampledFrom(modelValues[field]).Draw(m.rt, field)
			}
		}
		op.Refused = rapid.IntRange(0, 5).Draw(m.rt, "refused") == 0
		ops = append(ops, op)
	}
	m.rules.ClaimPhone, m.rules.ClaimCode = rapid.Bool().Draw(m.rt, "claims phones"), rapid.Bool().Draw(m.rt, "claims codes")
	dry := m.rules
	dry.DryRun = true
	forecast, err := c.carry(dry, ops)
	if err != nil {
		m.rt.Fatal(err)
	}
	out, err := c.carry(m.rules, ops)
	if err != nil {
		m.rt.Fatal(err)
	}
	for _, p := range m.people {
		p.changed = false
	}
	stored := map[string]store.PersonRow{}
	for i := range ops {
		m.compare(i, ops[i], out[i])
		if f := forecast[i]; fmt.Sprint(f.Faults) != fmt.Sprint(out[i].Faults) || f.Change.Action != out[i].Change.Action {
			m.rt.Fatalf("op %d: the forecast is %v %v, the outcome %v %v", i, f.Change.Action, f.Faults, out[i].Change.Action, out[i].Faults)
		}
	}
	for _, p := range m.people {
		if p.changed {
			p.version++
		}
	}
	m.hold(c, stored)
}

// compare does one op in the model.
func (m *model) compare(i int, op roster.Op, out roster.Outcome) {
	p := &modelPerson{fields: map[string]string{"state": "active"}, keys: map[string]string{}}
	for _, known := range m.people {
		if known.seq == op.Person {
			p = known
		}
	}
	next, faults := m.decide(p, op)
	var got []string
	for _, f := range out.Faults {
		field := f.Field
		if field == "phones" { // of an op that does not name it
			field = "phones.mobile"
		}
		got = append(got, string(f.Code)+" "+field)
	}
	slices.Sort(got)
	slices.Sort(faults)
	if (len(got) > 0 || op.Refused) && m.numberedBefore(op) {
		// Numbers are given out after all ops were decided on, so an op that has other faults is not told that it asks for one of them too.
		drop := func(f string) bool { return f == "conflict username" }
		got, faults = slices.DeleteFunc(got, drop), slices.DeleteFunc(faults, drop)
	}
	if !slices.Equal(got, faults) {
		m.rt.Fatalf("op %d %+v: faults %v, want %v", i, op, out.Faults, faults)
	}
	if len(out.Faults) > 0 || op.Refused {
		return
	}
	if next.generated && next.fields["username"] == "" {
		m.takeGenerated(next, out.Person.Username)
	}
	same := op.Person != 0 && maps.Equal(p.fields, next.fields)
	if same != out.Change.Empty() {
		m.rt.Fatalf("op %d %+v of %v: change %+v", i, op, p.fields, out.Change)
	}
	if same {
		return
	}
	m.leave(p, next)
	if next.claimed = p.claimed; next.fields["state"] != "deleted" {
		next.claimed = map[string]bool{"code": next.keys["code"] != "", "phones.mobile": next.keys["phones.mobile"] != ""}
	}
	next.changed = true
	next.seq = out.Person.Seq
	if op.Person == 0 {
		m.people = append(m.people, next)
		next.version = 0
	} else {
		*p = *next
	}
}

// numberedBefore says whether an op asks for a username that was generated in this call.
func (m *model) numberedBefore(op roster.Op) bool {
	username, _ := op.Draft["username"].(string)
	return slices.ContainsFunc(m.people, func(o *modelPerson) bool {
		return o.changed && o.generated && o.keys["username"] == muster.FoldKey(username)
	})
}

// decide is what becomes of a person, and the faults.
func (m *model) decide(p *modelPerson, op roster.Op) (*modelPerson, []string) {
	if op.Guard != 0 && op.Guard != p.version {
		return nil, []string{"stale "}
	}
	next := &modelPerson{seq: p.seq, version: p.version, fields: maps.Clone(p.fields), keys: map[string]string{}, generated: p.generated}
	var faults []string
	fault := func(f string) { faults = append(faults, f) }
	for field, value := range op.Draft {
		next.fields[field] = value.(string)
		if value == "" {
			delete(next.fields, field)
		}
	}
	f := next.fields
	if op.Refused { // only fields and keys are looked at
		if f["state"] != "deleted" {
			faults = m.claim(p, next, op.Person == 0)
		}
		return next, faults
	}
	if muster.FoldKey(f["username"]) != muster.FoldKey(p.fields["username"]) {
		next.generated = false
	}
	isNew := op.Person == 0
	if op.Guard != 0 && p.changed {
		fault("stale ")
	}
	if !isNew && p.fields["state"] == "deleted" && f["state"] == "deleted" {
		fault("gone ")
	}
	if isNew && (f["state"] == "deleted" || f["state"] == "archived") {
		fault("invalid state")
	}
	if f["username"]+f["email"]+f["first_name"]+f["last_name"] == "" {
		fault("required ")
	}
	if p.fields["username"] != "" && f["username"] == "" {
		fault("required username")
	}
	if f["state"] != "deleted" {
		faults = append(faults, m.claim(p, next, isNew)...)
	}
	if isNew && f["username"] == "" && !m.rules.NoUsername {
		next.generated = true
		if f["email"]+f["first_name"]+f["last_name"] == "" {
			fault("required first_name")
		}
	}
	return next, faults
}

// claim gives next the keys it may hold.
func (m *model) claim(p, next *modelPerson, isNew bool) (faults []string) {
	held := func(kind, key string) bool {
		return slices.ContainsFunc(m.people, func(o *modelPerson) bool { return o.seq != p.seq && o.keys[kind] == key })
	}
	for _, kind := range []string{"email", "employee_id", "source_id", "username", "phones.mobile", "code"} {
		key := next.fields[kind]
		switch kind {
		case "email", "username", "code":
			key = muster.FoldKey(key)
		case "phones.mobile":
			key = muster.PhoneKey(key)
		}
		asked := kind == "code" && m.rules.ClaimCode || kind == "phones.mobile" && m.rules.ClaimPhone
		if key == "" || (kind == "code" || kind == "phones.mobile") && !asked && !p.claimed[kind] {
			continue
		}
		next.keys[kind] = key
		if p.keys[kind] == key {
			continue
		}
		r, retired := m.retired[key]
		switch {
		case held(kind, key):
			unchanged := p.keys[kind] == "" && p.fields[kind] == next.fields[kind] && p.fields["state"] != "deleted" && !isNew
			may := kind == "email" && m.rules.SharedEmail || kind != "email" && !asked && p.fields["state"] != "deleted"
			if kind != "employee_id" && kind != "source_id" && kind != "username" && (may || unchanged) {
				delete(next.keys, kind)
				continue
			}
			faults = append(faults, "conflict "+kind)
		case kind == "username" && retired && (r.seq != next.seq || isNew) && (r.email == "" || r.email != next.keys["email"]) && (r.employee == "" || r.employee != next.keys["employee_id"]):
			faults = append(faults, "conflict "+kind)
		}
	}
	return faults
}

// takeGenerated holds a username that Carry made to what the model knows of names.
func (m *model) takeGenerated(p *modelPerson, username string) {
	base := muster.Fold(p.fields["first_name"]) + "." + muster.Fold(p.fields["last_name"])
	if p.fields["first_name"]+p.fields["last_name"] == "" {
		base = p.fields["email"][:1]
	}
	base = strings.Trim(strings.ToLower(base), ".")
	taken := func(name string) bool {
		_, retired := m.retired[name]
		return retired || slices.ContainsFunc(m.people, func(o *modelPerson) bool { return o.keys["username"] == name })
	}
	switch number := strings.TrimPrefix(username, base); {
	case taken(username):
		m.rt.Fatalf("%q goes to a second person", username)
	case m.rules.Usernames.Number == muster.NumberOnClash && !taken(base):
		if number != "" {
			m.rt.Fatalf("%q where %q is free", username, base)
		}
	case len(number) != 3 || strings.Trim(number, "0123456789") != "":
		m.rt.Fatalf("%q is not made of %q", username, base)
	}
	p.fields["username"], p.keys["username"] = username, username
}

// leave retires a username that p gives up, or frees it.
func (m *model) leave(p, next *modelPerson) {
	old := p.keys["username"]
	_, again := m.retired[old]
	if old == "" || old == next.keys["username"] || !p.generated && !again {
		return
	}
	m.retired[old] = modelRetired{seq: p.seq, email: p.keys["email"], employee: p.keys["employee_id"]}
}

// hold compares what is stored with the model.
func (m *model) hold(c *campus, stored map[string]store.PersonRow) {
	for n, p := range m.people {
		err := c.st.View(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
			rows, err := tx.People([]int64{p.seq})
			row := rows[p.seq]
			stored[fmt.Sprint(n)] = row
			is := map[string]string{"username": row.Keys.Username, "email": row.Keys.Email, "employee_id": row.Keys.Employee, "source_id": strings.TrimPrefix(row.Keys.Source, "\x1f"), "code": row.Keys.Code, "phones.mobile": row.Keys.Phone}
			maps.DeleteFunc(is, func(_, key string) bool { return key == "" })
			if !maps.Equal(is, p.keys) || row.Version != p.version || row.Username != p.fields["username"] || string(row.State) != p.fields["state"] || row.Generated != p.generated {
				m.rt.Errorf("person %d: stored %v version %d %s generated %v, want %v version %d %v %v", n, is, row.Version, row.Username, row.Generated, p.keys, p.version, p.fields, p.generated)
			}
			return err
		})
		if err != nil {
			m.rt.Fatal(err)
		}
	}
	c.check(stored)
}
