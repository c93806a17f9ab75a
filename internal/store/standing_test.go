package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// What is said of people is compared with them as with people who are read.
func TestStandings(t *testing.T) {
	st := storetest.Open(t, store.Postgres) // SQLite has none
	people := []*store.PersonRow{named("a", "Élise", "Roy"), named("b", "Bo", `O'Brien "B"`), named("c", "", ""), named("d", "Di", "Oz")}
	for i, p := range people {
		p.Source, p.SourceID = "hr", p.Username
		p.Keys.Source, p.State = store.SourceKeyOf("hr", p.Username), muster.Active
		p.Profile.Department = []string{"Sales", `R&D <"1">`, "", "Sales"}[i]
	}
	people[0].Profile.Company = "Acme"
	people[3].Profile.Phones = []muster.Phone{{Type: "work", Number: "+33 1"}}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, people...) })
	fields := []string{"first_name", "last_name", "state", "department", "company", "middle_name", string(store.UsernameKey)}
	for i, f := range fields {
		if !store.Comparable(f) {
			t.Errorf("%s is not comparable", fields[i])
		}
	}
	if store.Comparable("phones") || store.Comparable("seq") || store.Comparable("attributes.x") {
		t.Error("what is no text is comparable")
	}
	said := []struct {
		who   string
		texts []string
		alike bool
	}{
		{"a", []string{"Élise", "Roy", "active", "Sales", "Acme", "", "a"}, true},
		{"a", []string{"", "", "", "", "", "", ""}, true},
		{"a", []string{"Elise", "Roy", "active", "Sales", "Acme", "", ""}, false},
		{"a", []string{"Élise", "Roy", "staged", "Sales", "Acme", "", ""}, false},
		{"a", []string{"Élise", "Roy", "", "Sale", "Acme", "", ""}, false},
		{"a", []string{"Élise", "Roy", "", "Acme", "Sales", "", ""}, false},
		{"a", []string{"Élise", "Roy", "", "Sales", "", "Q", ""}, false},
		{"b", []string{"Bo", `O'Brien "B"`, "active", `R&D <"1">`, "", "", ""}, true},
		{"b", []string{"Bo", `O'Brien "B"`, "active", `R&D <"1">`, "x", "", ""}, false},
		{"c", []string{"", "", "active", "", "", "", ""}, true},
		{"c", []string{"", "", "active", "Sales", "", "", ""}, false},
		{"d", []string{"Di", "Oz", "active", "Sales", "", "", ""}, true},
		{"d", []string{"Di", "Oz", "active", "Salt", "", "", ""}, false},
		{"nobody", []string{"", "", "", "", "", "", ""}, false},
	}
	var keys []string
	for _, s := range said {
		keys = append(keys, store.SourceKeyOf("hr", s.who))
	}
	err := st.Ahead(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
		if !tx.ComparesStandings() {
			t.Error("no standings on PostgreSQL")
		}
		got, err := tx.Standings(store.SourceKey, keys, store.Said{Fields: fields, Texts: func(i int) []string { return said[i].texts }})
		for i, s := range got {
			n := slices.IndexFunc(people, func(p *store.PersonRow) bool { return p.Username == said[i].who })
			want := store.Standing{Alike: said[i].alike}
			if n >= 0 {
				want.Person, want.Version = people[n].Seq, people[n].Version
			}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("%s, of whom is said %q: %s", said[i].who, said[i].texts, diff)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnmoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := stored(t, st, 1, 12) // of version 2
		seqs := make([]int64, len(people))
		for i, p := range people {
			seqs[i] = p.Seq
		}
		other := secondTenant(t, st)
		unmoved := func(tenant int64, seqs []int64, versions int64) (is bool) {
			t.Helper()
			if err := st.Ahead(t.Context(), tenant, func(tx *store.Tx) (err error) {
				is, err = tx.Unmoved(seqs, versions)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return is
		}
		if !unmoved(storetest.Tenant, seqs, 24) || unmoved(storetest.Tenant, seqs, 23) || !unmoved(storetest.Tenant, nil, 0) || unmoved(other, seqs, 24) {
			t.Error("people who stayed as they were have moved on, or others have not")
		}
		apart := append(slices.Clone(seqs[6:]), seqs[:4]...)
		if !unmoved(storetest.Tenant, apart, 20) || unmoved(storetest.Tenant, apart, 19) || unmoved(other, apart, 20) {
			t.Error("some of them have moved on, or others have not")
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			people[11].Version, people[11].LastName = 3, "Else"
			return tx.UpdatePeople(people[11:])
		})
		if unmoved(storetest.Tenant, seqs, 24) || unmoved(storetest.Tenant, apart, 20) {
			t.Error("somebody moved on and nobody sees it")
		}
	})
}
