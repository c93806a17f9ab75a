package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// foundBy is a person of the tests below, with what they belong to.
type foundBy struct {
	store.PersonRow
	unit int64
	role string
}

var (
	firstNames = []string{"Éloïse", "Jean-Pierre", "Mame Diarra", "", "Ana", "阿里", "N'Diaye", "Zoé  Marie", "Œil"}
	lastNames  = []string{"Dupont", "de la  Tour", "", "Bâ", "O'Neil", "Jean", "王", "Øst"}
)

// seekers makes people of all kinds of names, some of them in unit 1 with a role.
func seekers(t *testing.T, st *store.Store) []foundBy {
	t.Helper()
	var all []foundBy
	var rows []*store.PersonRow
	for i := range 60 {
		p := named("", firstNames[i%len(firstNames)], lastNames[i%len(lastNames)])
		p.Email, p.Code, p.Profile.Nickname = "", fmt.Sprintf("IDT%06d", i), fmt.Sprint(i)
		switch i % 3 {
		case 0:
			p.Email = fmt.Sprintf("Jean.%d@Example.org", i)
		case 1:
			p.Email, p.EmailShared = "shared@example.org", true
		}
		if i%4 > 0 {
			p.Username = fmt.Sprintf("u%d.jean", i)
		}
		if i%5 == 0 {
			p.Keys.Phone = fmt.Sprintf("+22177%04d", i)
		}
		p.State = []muster.State{muster.Active, muster.Archived, muster.Suspended, muster.Staged, muster.Deleted}[i%5]
		if p.State == muster.Archived && i%2 == 0 {
			p.Reason = "transferred"
		}
		rows = append(rows, p)
		all = append(all, foundBy{unit: int64(i % 2), role: []string{"teacher", "student"}[i/2%2]})
	}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if err := insert(tx, rows...); err != nil {
			return err
		}
		unit := "INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, path, closed, created_at, updated_at) VALUES (1, $1, 1, 1, 'k', 'a', 'A', 'a', '/1/', 0, 0, 0)"
		if err := tx.Exec(unit, tx.UUID(uuid.New())); err != nil {
			return err
		}
		for i := range all {
			all[i].PersonRow = *rows[i]
			if all[i].unit == 0 {
				all[i].role = ""
				continue
			}
			m := &store.MembershipRow{PersonSeq: rows[i].Seq, UnitSeq: 1, UnitKind: "k"}
			seqs, err := tx.NextMemberships(1)
			if err != nil {
				return err
			}
			m.Seq = seqs[0]
			if err := tx.InsertMemberships([]*store.MembershipRow{m}); err != nil {
				return err
			}
			a := &store.AssignmentRow{MembershipSeq: m.Seq}
			a.Role = all[i].role
			if err := tx.InsertAssignments([]*store.AssignmentRow{a}); err != nil {
				return err
			}
		}
		return nil
	})
	return all
}

// folded is a name as it is compared: word by word.
func folded(s string) string {
	words := strings.Fields(s)
	for i := range words {
		words[i] = muster.Fold(words[i])
	}
	return strings.Join(words, " ")
}

func (p *foundBy) nameKey() string {
	if p.State == muster.Deleted {
		return ""
	}
	return folded(p.LastName + " " + p.FirstName)
}

func (p *foundBy) emailKey() string { return cmp.Or(p.Keys.Email, strings.ToLower(p.Email)) }

// listed says whether somebody is to be found.
func (p *foundBy) listed(q store.PeopleQuery) bool {
	if q.State != "" && p.State != q.State || len(q.States) > 0 && !slices.Contains(q.States, p.State) {
		return false
	}
	if p.State == muster.Deleted && q.State != muster.Deleted && !slices.Contains(q.States, muster.Deleted) {
		return false
	}
	if q.Reason != "" && p.Reason != q.Reason || q.NotReason != "" && p.Reason == q.NotReason || q.Unit != 0 && p.unit != q.Unit || q.Role != "" && p.role != q.Role {
		return false
	}
	if p.State == muster.Deleted && q.FirstName+q.LastName != "" {
		return false
	}
	if !strings.Contains(folded(p.FirstName), folded(q.FirstName)) || !strings.Contains(folded(p.LastName), folded(q.LastName)) || !strings.Contains(p.emailKey(), muster.FoldKey(q.EmailPart)) {
		return false
	}
	for _, word := range strings.Fields(q.Search) {
		name, key := muster.Fold(word), muster.FoldKey(word)
		phone := muster.PhoneKey(word)
		if !(name != "" && strings.Contains(p.nameKey(), name)) && !strings.Contains(p.emailKey(), key) && !strings.Contains(p.Keys.Username, key) &&
			!strings.Contains(strings.ToLower(p.Code), key) && !(len(phone) >= 4 && strings.Contains(p.Keys.Phone, phone)) {
			return false
		}
	}
	return true
}

// sortedBy gives what somebody is sorted by.
func (p *foundBy) sortedBy(column store.PeopleSort) string {
	switch column {
	case store.ByUsername:
		return p.Keys.Username
	case store.ByName, store.ByLastName:
		return p.nameKey()
	case store.ByFirstName:
		if p.State == muster.Deleted {
			return ""
		}
		return folded(p.FirstName)
	case store.ByEmail:
		return p.emailKey()
	case store.ByState:
		return fmt.Sprint(slices.Index(muster.States, p.State)) + p.Reason
	}
	return ""
}

func wanted(all []foundBy, q store.PeopleQuery) []string {
	var list []foundBy
	for _, p := range all {
		if p.listed(q) {
			list = append(list, p)
		}
	}
	column, down := strings.CutPrefix(string(q.Sort), "-")
	slices.SortFunc(list, func(a, b foundBy) int {
		x, y := a.sortedBy(store.PeopleSort(column)), b.sortedBy(store.PeopleSort(column))
		if (x == "") != (y == "") {
			return cmp.Compare(len(y), len(x)) // who has nothing comes last
		}
		order := cmp.Or(strings.Compare(x, y), cmp.Compare(a.Seq, b.Seq))
		if down {
			return -order
		}
		return order
	})
	var labels []string
	for _, p := range list {
		labels = append(labels, p.Profile.Nickname)
	}
	return labels
}

// Whatever is searched for, in whatever order and on whatever page, both engines find whom a look at everybody finds, and count as many.
func TestSearchFindsWhomALookAtEverybodyFinds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := seekers(t, st)
		write(t, st, secondTenant(t, st), func(tx *store.Tx) error { return insert(tx, named("jean", "Jean", "Dupont")) })
		pick := func(rt *rapid.T, name string, from ...string) string {
			return rapid.SampledFrom(append(from, "", "")).Draw(rt, name)
		}
		rapid.Check(t, func(rt *rapid.T) {
			q := store.PeopleQuery{
				Search: pick(rt, "search", "jean", "JEAN dup", "idt00001", "@example", "u1", "shared jean", "de", "77", "+221770", "nobody", "ÉLO", "oeil"), FirstName: pick(rt, "first", "jean", "marie", "é", "diaye", "%"),
				LastName: pick(rt, "last", "tour", "de la", "jean", "oneil"), EmailPart: pick(rt, "email", "EXAMPLE", "shared@"), Role: pick(rt, "role", "teacher", "student"),
				Reason: pick(rt, "reason", "transferred"), NotReason: pick(rt, "not", "transferred"), Offset: rapid.SampledFrom([]int{0, 0, 1, 7, 100}).Draw(rt, "offset"), Limit: rapid.IntRange(1, 70).Draw(rt, "limit"),
				State: muster.State(pick(rt, "state", "active", "deleted")), Unit: rapid.SampledFrom([]int64{0, 0, 1}).Draw(rt, "unit"),
				Sort: store.PeopleSort(pick(rt, "sort", "created", "-created", "username", "-username", "name", "last_name", "-last_name", "first_name", "-first_name", "email", "-email", "state", "-state")),
			}
			if rapid.Bool().Draw(rt, "several states") {
				q.States = []muster.State{muster.Active, muster.Suspended, muster.Deleted}
			}
			want := wanted(all, q)
			if strings.Trim(q.FirstName, "%") != q.FirstName {
				want = nil // nothing is left of it to compare
			}
			err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				list, err := tx.ListPeople(q)
				if err != nil {
					return err
				}
				page := want[min(q.Offset, len(want)):]
				page = page[:min(q.Limit, len(page))]
				var got []string
				for _, p := range list {
					got = append(got, label(p))
				}
				if !slices.Equal(got, page) {
					rt.Errorf("%+v:\ngot  %v\nwant %v", q, got, page)
				}
				n, err := tx.CountListed(q)
				if n != len(want) {
					rt.Errorf("%+v: counted %d, want %d", q, n, len(want))
				}
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
		})
	})
}

func TestSearchRefusesAnOrderThatIsNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, sort := range []store.PeopleSort{"shoe", "-", "--name", "name; DROP TABLE person"} {
				if _, err := tx.ListPeople(store.PeopleQuery{Sort: sort, Limit: 1}); muster.CodeOf(err) != muster.Invalid && sort != "-" {
					t.Errorf("%q: %v", sort, err)
				}
			}
			return nil
		})
	})
}

// A search within a unit or by a key reads the people there, and not everybody.
func TestPlansOfSearchesInAUnit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		seekers(t, st)
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]store.PeopleQuery{
			"search": {Unit: 1, Search: "jean"}, "role": {Unit: 1, Role: "teacher", Sort: store.ByFirstName}, "page": {Unit: 1, Offset: 50}, "states": {Unit: 1, States: []muster.State{muster.Active}, Sort: "-email"},
			"group": {Group: 1, Search: "jean"}, "username": {Username: "u1.jean", Sort: store.ByEmail}, "within": {Within: []string{"/1/"}, LastName: "dupont"},
		} {
			q.Limit = 100
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				query, args, err := tx.SearchSQL(q)
				if err != nil {
					return err
				}
				plan, err := st.ReadPlan(tx, query, args)
				for _, line := range plan {
					if strings.Contains(line, "Seq Scan on person") || strings.Contains(line, "person_state") || strings.HasPrefix(line, "SCAN t") {
						t.Errorf("%s: %s\n%s", name, query, strings.Join(plan, "\n"))
						break
					}
				}
				return err
			})
		}
	})
}
