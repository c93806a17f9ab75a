package store_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Every filter, in every order, on an empty database and on one whose statistics are known, reads person through an index that the query narrows.
func TestPlansOfPeople(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		wantPlans(t, st, clock.Now(), false)
		for range 3 {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				people := make([]*store.PersonRow, 1000)
				for i := range people {
					people[i] = fullPerson(i)
					people[i].Keys = store.Keys{}
					people[i].Username, people[i].Email = fmt.Sprintf("u%d", rand.Uint64()), fmt.Sprintf("u%d@example.org", rand.Uint64())
				}
				return insert(tx, people...)
			})
			clock.Advance(24 * time.Hour)
		}
		write(t, st, secondTenant(t, st), func(tx *store.Tx) error { return insert(tx, named("alone", "", "")) })
		wantPlans(t, st, clock.Now(), true) // without statistics
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantPlans(t, st, clock.Now(), true)
	})
}

func wantPlans(t *testing.T, st *store.Store, now time.Time, filled bool) {
	t.Helper()
	filters := map[string]store.PeopleQuery{
		"all": {}, "state": {State: muster.Active}, "deleted": {State: muster.Deleted}, "name": {Name: "dup"}, "username": {Username: "u"}, "email": {Email: "e"},
		"phone": {Phone: "1"}, "employee": {EmployeeID: "1"}, "source": {Source: "hr", SourceID: "1"}, "unit": {Unit: 1}, "unit below": {UnitBelow: "/1/"},
		"group": {Group: 1}, "created": {CreatedSince: now}, "updated": {UpdatedSince: now}, "name and state": {Name: "dup", State: muster.Active},
		"unit and name": {Unit: 1, Name: "dup"}, "created and state": {CreatedSince: now, State: muster.Active},
	}
	for name, q := range filters {
		for _, sort := range []store.PeopleSort{store.BySeq, store.BySeqDown, store.ByUsername, store.ByName} {
			for _, keyless := range []bool{false, true} {
				if keyless && sort != store.ByUsername && sort != store.ByName {
					continue
				}
				q.Sort, q.Limit, q.AfterSeq = sort, 50, 10
				if !keyless && (sort == store.ByUsername || sort == store.ByName) {
					q.AfterKey = "d"
				}
				look(t, st, storetest.Tenant, func(tx *store.Tx) error {
					query, args, err := tx.ListingSQL(q, keyless)
					if err != nil {
						return err
					}
					plan, err := st.ReadPlan(tx, query, args)
					for _, fault := range scans(plan, filled) {
						t.Errorf("%s by %s (without key: %v): %s\n%s\n%s", name, sort, keyless, fault, query, strings.Join(plan, "\n"))
					}
					return err
				})
			}
		}
	}
}

// read tells how a plan reads a table of ours: SQLite writes "SCAN t" or "SEARCH t USING …", PostgreSQL "Seq Scan on person t", or
// "Index Scan using i on person t" with an "Index Cond" under it.
var (
	sqliteScan   = regexp.MustCompile(`^SCAN (t|p|person|membership|group_member|unit|m|u|g)\b`)
	postgresScan = regexp.MustCompile(`(Seq Scan on|Index (?:Only )?Scan (?:Backward )?using \S+ on) (person|membership|group_member|unit)\b`)
)

// scans gives the lines of a plan that read a table as a whole, or, once there are people, a tenant's people as a whole. (PostgreSQL plans anew
// each time, and while a table is empty all its indexes cost the same.)
func scans(plan []string, filled bool) (faults []string) {
	for i, line := range plan {
		if sqliteScan.MatchString(line) || strings.Contains(line, "Seq Scan") {
			faults = append(faults, line)
		}
		if !postgresScan.MatchString(line) {
			continue
		}
		if i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond") || filled && strings.Contains(line, "on person ") && strings.HasSuffix(plan[i+1], "Index Cond: (tenant = '1'::bigint)") {
			faults = append(faults, line)
		}
	}
	return faults
}

func TestScansAreSeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, query := range []string{"SELECT seq FROM person t WHERE reason = 'x'", "SELECT seq FROM person t WHERE reason = 'x' ORDER BY seq"} {
				plan, err := st.ReadPlan(tx, query, nil)
				if len(scans(plan, true)) == 0 || err != nil {
					t.Errorf("no fault is seen in %q, %v", plan, err)
				}
			}
			return nil
		})
	})
}
