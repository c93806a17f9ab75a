package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// walk goes through a whole list and gives whom it met, calling between after each page.
func walk(t *testing.T, st *store.Store, q store.PeopleQuery, between func(page int)) []string {
	t.Helper()
	var met []string
	for page := 0; ; page++ {
		var list []store.PersonRow
		look(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
			list, err = tx.ListPeople(q)
			return err
		})
		for _, p := range list {
			met = append(met, label(p))
		}
		if len(list) < q.Limit {
			return met
		}
		last := list[len(list)-1]
		key, err := last.SortKey(q.Sort)
		if err != nil {
			t.Fatal(err)
		}
		q.AfterKey, q.AfterSeq = key, last.Seq
		if page > 100 {
			t.Fatalf("the list does not end: %v", met)
		}
		between(page)
	}
}

func label(p store.PersonRow) string { return p.Profile.Nickname }

// Whatever the order, whoever is there from the beginning to the end is met once, also those without the key that the order is by.
func TestPagesMeetEverybodyOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := []*store.PersonRow{
			named("zoe", "Zoé", "Martin"), named("ana", "Ana", "Martin"), named("bob", "", ""), named("", "Émile", "Zola"), named("", "", ""),
			named("Carl", "Carl", "Élan"), named("dan", "Ana", "Martin"), named("", "Ana", "Martin"), named("", "", ""), named("eve", "阿里", "王"),
			named("old", "Old", "Deleted"),
		}
		states := []muster.State{muster.Active, muster.Staged, muster.Suspended, muster.Archived}
		var want []string
		for i, p := range people {
			p.State = states[i%len(states)]
			p.Profile.Nickname = fmt.Sprint("p", i)
			want = append(want, p.Profile.Nickname)
		}
		people[10].State, people[4].Email, people[8].Email = muster.Deleted, "e4@example.org", "e8@example.org"
		want = want[:10]
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, people...) })
		write(t, st, secondTenant(t, st), func(tx *store.Tx) error { return insert(tx, named("ana", "Ana", "Martin")) })
		n := 0
		for _, sort := range []store.PeopleSort{"", store.BySeq, store.BySeqDown, store.ByUsername, store.ByName} {
			for limit := 1; limit <= 4; limit++ {
				met := walk(t, st, store.PeopleQuery{Sort: sort, Limit: limit}, func(page int) {
					n++
					if page%2 == 0 && n < 40 {
						write(t, st, storetest.Tenant, func(tx *store.Tx) error {
							return insert(tx, named(fmt.Sprintf("new%d", n), "New", fmt.Sprintf("Martin%d", n)), named("", "", ""))
						})
					}
				})
				met = slices.DeleteFunc(met, func(s string) bool { return s == "" })
				if sort == "" || sort == store.BySeq {
					if !slices.Equal(met, want) {
						t.Errorf("%q by %d: met %v", sort, limit, met)
					}
				}
				slices.Sort(met)
				if !slices.Equal(met, want) {
					t.Errorf("%q by %d: met %v, want %v", sort, limit, met, want)
				}
			}
		}
	})
}

func TestOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := []*store.PersonRow{named("Zoe", "Zoé", "Martin"), named("ana", "Ana", "Martin"), named("", "Émile", "Abel"), named("bob", "", "")}
		for i, p := range people {
			p.Profile.Nickname = fmt.Sprint(i)
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, people...) })
		for sort, want := range map[store.PeopleSort]string{store.BySeq: "0123", store.BySeqDown: "3210", store.ByUsername: "1302", store.ByName: "2103"} {
			if got := strings.Join(walk(t, st, store.PeopleQuery{Sort: sort, Limit: 2}, func(int) {}), ""); got != want {
				t.Errorf("by %s: %s, want %s", sort, got, want)
			}
		}
	})
}

// crowd makes ten people, one every three hours, labelled 0 to 9; 2, 5 and 8 are deleted, 1 was changed at the end. 0, 2 and 3 are in unit 1, 3 and
// 4 in unit 2 below it, 6 in unit 12, 4 and 7 in group 1.
func crowd(t *testing.T, st *store.Store, clock *storetest.Clock) {
	t.Helper()
	var people []*store.PersonRow
	for i := range 10 {
		p := fullPerson(i)
		p.LastName, p.Profile.Nickname = fmt.Sprintf("Name%c Ñ", 'A'+i%2), fmt.Sprint(i)
		p.State = []muster.State{muster.Active, muster.Staged, muster.Deleted}[i%3]
		if p.State == muster.Deleted {
			p.Username, p.Keys = "", store.Keys{}
		}
		people = append(people, p)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, p) })
		clock.Advance(3 * time.Hour)
	}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		people[1].Version, people[1].UpdatedAt = 2, tx.Now()
		if err := tx.UpdatePeople(people[1:2]); err != nil {
			return err
		}
		for _, s := range []string{
			"INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, path, closed, created_at, updated_at) VALUES (1, $1, 1, 1, 'k', 'a', 'A', 'a', '/1/', 0, 0, 0)",
			"INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, path, closed, created_at, updated_at) VALUES (2, $1, 1, 1, 'k', 'b', 'B', 'b', '/1/2/', 0, 0, 0)",
			"INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, path, closed, created_at, updated_at) VALUES (12, $1, 1, 1, 'k', 'c', 'C', 'c', '/12/', 0, 0, 0)",
			"INSERT INTO person_group (seq, id, tenant, version, code, label, label_key, created_at, updated_at) VALUES (1, $1, 1, 1, 'g', 'G', 'g', 0, 0)",
		} {
			if err := tx.Exec(s, tx.UUID(uuid.New())); err != nil {
				return err
			}
		}
		for unit, members := range map[int][]int{1: {0, 3, 2}, 2: {3, 4}, 12: {6}} {
			for _, i := range members {
				err := tx.Exec(`INSERT INTO membership (id, tenant, version, person, unit, unit_kind, is_primary, created_at, updated_at) VALUES ($1, 1, 1, $2, $3, 'k', 0, 0, 0)`,
					tx.UUID(uuid.New()), people[i].Seq, unit)
				if err != nil {
					return err
				}
			}
		}
		return tx.Exec("INSERT INTO group_member (tenant, grp, person) VALUES (1, 1, $1), (1, 1, $2)", people[7].Seq, people[4].Seq)
	})
}

func TestFilters(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		start := clock.Now()
		crowd(t, st, clock)
		for name, c := range map[string]struct {
			q    store.PeopleQuery
			want string
		}{
			"all":                       {store.PeopleQuery{}, "0134679"},
			"state":                     {store.PeopleQuery{State: muster.Staged}, "147"},
			"deleted":                   {store.PeopleQuery{State: muster.Deleted}, "258"},
			"name":                      {store.PeopleQuery{Name: "námeA"}, "046"},
			"both names":                {store.PeopleQuery{Name: "Nameb n j"}, "1379"},
			"name that is nobody's":     {store.PeopleQuery{Name: "amea"}, ""},
			"username":                  {store.PeopleQuery{Username: "JEAN.dupont004"}, "4"},
			"email":                     {store.PeopleQuery{Email: "jean6@example.org"}, "6"},
			"email in another state":    {store.PeopleQuery{Email: "jean6@example.org", State: muster.Staged}, ""},
			"two keys":                  {store.PeopleQuery{Email: "jean6@example.org", Username: "jean.dupont006"}, "6"},
			"keys of two":               {store.PeopleQuery{Email: "jean6@example.org", Username: "jean.dupont004"}, ""},
			"phone":                     {store.PeopleQuery{Phone: "+333"}, "3"},
			"employee":                  {store.PeopleQuery{EmployeeID: "E9"}, "9"},
			"source":                    {store.PeopleQuery{Source: "hr", SourceID: "7"}, "7"},
			"another source":            {store.PeopleQuery{Source: "erp", SourceID: "7"}, ""},
			"unit":                      {store.PeopleQuery{Unit: 1}, "03"},
			"unit and deleted":          {store.PeopleQuery{Unit: 1, State: muster.Deleted}, "2"},
			"unit and below":            {store.PeopleQuery{UnitBelow: "/1/"}, "034"},
			"group":                     {store.PeopleQuery{Group: 1}, "47"},
			"group and unit":            {store.PeopleQuery{Group: 1, Unit: 2}, "4"},
			"group and unit below":      {store.PeopleQuery{Group: 1, UnitBelow: "/1/"}, "4"},
			"name in unit":              {store.PeopleQuery{Unit: 1, Name: "nameb"}, "3"},
			"created":                   {store.PeopleQuery{CreatedSince: start.Add(12 * time.Hour)}, "4679"},
			"created, state":            {store.PeopleQuery{CreatedSince: start.Add(12 * time.Hour), State: muster.Staged}, "47"},
			"created since ever":        {store.PeopleQuery{CreatedSince: start.Add(-time.Hour)}, "0134679"},
			"created in future":         {store.PeopleQuery{CreatedSince: start.Add(1000 * time.Hour)}, ""},
			"updated":                   {store.PeopleQuery{UpdatedSince: start.Add(18 * time.Hour)}, "1679"},
			"updated and created":       {store.PeopleQuery{UpdatedSince: start.Add(20 * time.Hour), CreatedSince: start.Add(time.Hour)}, "179"},
			"updated in unit":           {store.PeopleQuery{UpdatedSince: start.Add(9 * time.Hour), UnitBelow: "/1/"}, "34"},
			"created, key":              {store.PeopleQuery{CreatedSince: start.Add(12 * time.Hour), Username: "jean.dupont003"}, ""},
			"unit of nobody":            {store.PeopleQuery{Unit: 77}, ""},
			"a text with quotes in it'": {store.PeopleQuery{Username: "o'neil\"\\"}, ""},
		} {
			for _, sort := range []store.PeopleSort{store.BySeq, store.BySeqDown, store.ByName, store.ByUsername} {
				for _, limit := range []int{1, 2, 50} {
					c.q.Sort, c.q.Limit = sort, limit
					met := walk(t, st, c.q, func(int) {})
					slices.Sort(met)
					if got := strings.Join(met, ""); got != c.want {
						t.Errorf("%s, by %s, %d a page: %q, want %q", name, sort, limit, got, c.want)
					}
				}
			}
		}
	})
}
