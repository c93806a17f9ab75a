package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// manyUnits is how many schools there are, with manyPeople in all.
const manyUnits = 200

// district fills a database with schools and as many people in each, the first of which has two classes, and with batches for each school.
func district(t *testing.T, st *store.Store, people int) {
	t.Helper()
	id := map[store.Engine]string{store.SQLite: "randomblob(16)", store.Postgres: "gen_random_uuid()"}[st.Engine()]
	rows := func(n int) string {
		return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n)
	}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		for _, statement := range []string{
			"INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, path, closed, created_at, updated_at) " + rows(manyUnits) +
				"SELECT i, " + id + ", 1, 1, 'school', 'S' || i, 'School ' || i, 'school ' || i, '/' || i || '/', 0, 1, 1 FROM n",
			"INSERT INTO unit (seq, id, tenant, version, kind, code, name, name_key, parent, path, closed, created_at, updated_at) " + rows(2) +
				"SELECT 1000 + i, " + id + ", 1, 1, 'class', 'C' || i, 'Class ' || i, 'class ' || i, 1, '/1/' || (1000 + i) || '/', 0, 1, 1 FROM n",
			"INSERT INTO person (seq, id, tenant, version, username, username_key, generated, email_verified, last_name, name_key, state, absent, mode, created_at, updated_at) " + rows(people) +
				"SELECT i, " + id + ", 1, 1 + i % 2, 'u' || i, 'u' || i, 0, 0, 'Dup' || i, 'dup' || i, CASE WHEN i % 400 = 1 THEN 'archived' ELSE 'active' END, 0, 'standard', i, i FROM n",
			"INSERT INTO membership (seq, id, tenant, version, person, unit, unit_kind, is_primary, created_at, updated_at) " + rows(people) +
				fmt.Sprintf("SELECT i, "+id+", 1, 1, i, 1 + i %% %d, 'school', 1, 1, 1 FROM n", manyUnits),
			"INSERT INTO membership (seq, id, tenant, version, person, unit, unit_kind, is_primary, created_at, updated_at) " + rows(20) +
				fmt.Sprintf("SELECT %d + i, "+id+", 1, 1, 190 + i, 1001, 'class', 1, 1, 1 FROM n", people),
		} {
			if err := tx.Exec(statement); err != nil {
				return err
			}
		}
		for n := range 10 * manyUnits {
			b := store.BatchRow{Unit: int64(1 + n%manyUnits)}
			b.Kind, b.State, b.Surface = muster.ImportBatch, muster.Finished, "native"
			if err := tx.CreateBatch(&b); err != nil {
				return err
			}
		}
		return nil
	})
}

// Whoever may see one school of two hundred reads that school, in every order and beside every other filter, whether statistics are known or not.
func TestPlansWithinUnits(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		district(t, st, manyPeople)
		filters := map[string]store.PeopleQuery{
			"all": {}, "state": {State: muster.Active}, "deleted": {State: muster.Deleted}, "name": {Name: "dup"}, "username": {Username: "u1"}, "unit": {Unit: 1},
			"unit below": {UnitBelow: "/1/"}, "group": {Group: 1}, "updated": {UpdatedSince: clock.Now()}, "created": {CreatedSince: clock.Now()},
		}
		for _, known := range []bool{false, true} {
			if known {
				if err := st.Analyze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for name, q := range filters {
					for _, sort := range []store.PeopleSort{store.BySeq, store.BySeqDown, store.ByUsername, store.ByName} {
						q.Sort, q.Limit, q.Within = sort, 50, []string{"/1/", "/7/"}
						query, args, err := tx.ListingSQL(q, false)
						if err != nil {
							return err
						}
						wantPlan(t, st, tx, name+" by "+string(sort), query, args)
					}
				}
				for name, sql := range tx.ScopeSQL([]string{"/1/", "/7/"}, []int64{1, 2, 3}) {
					wantPlan(t, st, tx, name, sql.Query, sql.Args)
				}
				return nil
			})
		}
	})
}

func wantPlan(t *testing.T, st *store.Store, tx *store.Tx, name, query string, args []any) {
	t.Helper()
	plan, err := st.ReadPlan(tx, query, args)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, query)
	}
	faults := scans(plan, true)
	for i, line := range plan {
		walks := strings.Contains(line, " on batch ") && strings.Contains(line, "batch_tenant")
		one := i+1 < len(plan) && strings.Contains(plan[i+1], "seq = b.seq") // found by its own seq: of the tenant's batches no other is read
		if walks && !one || strings.HasPrefix(line, "SEARCH t USING INDEX batch_tenant (tenant=?)") {
			faults = append(faults, line)
		}
	}
	for _, fault := range faults {
		t.Errorf("%s: %s\n%s\n%s", name, fault, query, strings.Join(plan, "\n"))
	}
}

// The lists and counts within units are those of their people, each once, also of who is in a school and in a class of it.
func TestListsWithinUnits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		district(t, st, 20*manyUnits)
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, c := range []struct {
				paths  []string
				people int // who come before those with a seq above 1,000
				all    int
				units  int
			}{
				{[]string{"/2/"}, 5, 20, 1},
				{[]string{"/2/", "/7/"}, 10, 40, 2},
				{[]string{"/1/"}, 24, 39, 3}, // its own, and 20 of its first class, one of whom is in both
				{[]string{"/1/1001/"}, 20, 20, 1},
				{[]string{"/1/1002/"}, 0, 0, 1},
				{[]string{"/9999/"}, 0, 0, 0},
				{[]string{}, 0, 0, 0},
			} {
				for _, sort := range []store.PeopleSort{store.BySeq, store.ByUsername} {
					list, err := tx.ListPeople(store.PeopleQuery{Within: c.paths, Sort: sort, Limit: 2000})
					if err != nil {
						return err
					}
					early := 0
					for _, p := range list {
						if p.Seq <= 1000 {
							early++
						}
					}
					if early != c.people || len(list) != c.all {
						t.Errorf("%v by %s: %d people, %d of the first thousand; want %d and %d", c.paths, sort, len(list), early, c.all, c.people)
					}
				}
				counts, err := tx.CountWithin(c.paths)
				if n := counts[muster.Active] + counts[muster.Archived]; err != nil || n != c.all {
					t.Errorf("%v: counted %v, %v, want %d", c.paths, counts, err, c.all)
				}
				units, err := tx.ListUnits(store.UnitQuery{Within: c.paths, Limit: 100})
				if err != nil || len(units) != c.units {
					t.Errorf("%v: %d units, %v, want %d", c.paths, len(units), err, c.units)
				}
			}
			batches, err := tx.BatchesWithin([]string{"/2/", "/7/"}, muster.ImportBatch, muster.Finished, 0, 15)
			if err != nil || len(batches) != 15 || !slices.IsSortedFunc(batches, func(a, b store.BatchRow) int { return int(b.Seq - a.Seq) }) {
				t.Errorf("batches of two schools: %d, %v", len(batches), err)
			}
			for _, b := range batches {
				if b.Unit != 2 && b.Unit != 7 {
					t.Errorf("batch %d is for unit %d", b.Seq, b.Unit)
				}
			}
			paths, err := tx.UnitPathsOf([]int64{1, 200, 200, 1 << 40})
			if got := fmt.Sprint(len(paths), paths[1], paths[200]); err != nil || got != "2 [/2/] [/1/ /1/1001/]" {
				t.Errorf("paths of people: %s, %v", got, err)
			}
			return nil
		})
	})
}
