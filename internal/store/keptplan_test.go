package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Among 100,000 people, with statistics and without, every filter that is promised to be fast reads through an index that it narrows. PostgreSQL shows
// besides how many pages that took: the table has thousands.
func TestPlansAmongManyPeople(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.Crowd(manyPeople) })
		wantPlans(t, st, clock.Now(), true)
		wantLookUps(t, st)
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantPlans(t, st, clock.Now(), true)
		wantLookUps(t, st)
		if st.Engine() == store.Postgres {
			wantFewPages(t, st)
		}
	})
}

// wantFewPages has pages of people carried out, at the beginning and far into the list, and counts what of the database was read.
func wantFewPages(t *testing.T, st *store.Store) {
	t.Helper()
	for name, q := range map[string]store.PeopleQuery{
		"all": {}, "all, later": {AfterSeq: manyPeople * 9 / 10}, "state": {State: muster.Active}, "state, later": {State: muster.Active, AfterSeq: manyPeople * 9 / 10},
		"newest": {Sort: store.BySeqDown}, "by username": {Sort: store.ByUsername, AfterKey: "u9"}, "name": {Name: "dupont77", Sort: store.ByName}, "username": {Username: "U7777"},
		"e-mail": {Email: "u7777@example.org"}, "phone": {Phone: "+337777"}, "employee": {EmployeeID: "E7777"}, "source": {Source: "hr", SourceID: "7777"},
	} {
		q.Limit = 50
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			query, args, err := tx.ListingSQL(q, false)
			if err != nil {
				return err
			}
			lines, err := tx.Strings("EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) "+query, args...)
			if pages := pagesRead(lines); pages < 1 || pages > 250 {
				t.Errorf("%s reads %d pages:\n%s", name, pages, strings.Join(lines, "\n"))
			}
			return err
		})
	}
}

var buffers = regexp.MustCompile(`Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?`)

// pagesRead is the first line's count, which is that of the whole query.
func pagesRead(plan []string) (pages int) {
	for _, line := range plan {
		if found := buffers.FindStringSubmatch(line); found != nil {
			for _, digits := range found[1:] {
				n := 0
				for _, d := range digits {
					n = n*10 + int(d-'0')
				}
				pages += n
			}
			return pages
		}
	}
	return 0
}

// PostgreSQL keeps the plans of what is looked up for every request. None of them may read more than what a unique key leads to: from the first people on,
// whether they come with bulk work or one by one.
func TestPlansThatAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for n := range 80 { // more than are enrolled before the tables are looked at
			if err := enrolOne(t, st, named(fmt.Sprint("p", n), "", "")); err != nil {
				t.Fatal(err)
			}
		}
		if st.Engine() == store.Postgres {
			st.Looked()
		}
		wantLookUps(t, st)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.Crowd(2_000) })
		if err := st.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantLookUps(t, st)
	})
}

func wantLookUps(t *testing.T, st *store.Store) {
	t.Helper()
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		for name, look := range tx.LookUpsSQL() {
			plan, err := st.KeptPlan(tx, look)
			if err != nil {
				return err
			}
			if fault := notByKey(plan); fault != "" {
				t.Errorf("%s: %s\n%s", name, fault, strings.Join(plan, "\n"))
			}
		}
		return nil
	})
}

// byKey are the conditions of a look-up by a unique key in a plan of PostgreSQL, and whole lines of SQLite's.
var byKey = regexp.MustCompile(`(seq|hash) = |\(tenant = .*\) AND \(+(\w+_key)\)?(::text)? = |\(rowid=\?\)|\(seq=\?\)|\(hash=\?\)|\(tenant=\? AND \w+_key=\?\)`)

// notByKey gives a line of a plan by which a table is read otherwise than by a unique key.
func notByKey(plan []string) string {
	for i, line := range plan {
		switch {
		case strings.Contains(line, "Seq Scan"), strings.HasPrefix(line, "SCAN ") && !strings.HasPrefix(line, "SCAN k"):
			return line
		case strings.Contains(line, "Index Scan") || strings.Contains(line, "Index Only Scan"):
			if i+1 == len(plan) || !byKey.MatchString(plan[i+1]) {
				return line
			}
		case strings.HasPrefix(line, "SEARCH ") && !byKey.MatchString(line):
			return line
		case strings.Contains(line, "Bitmap"):
			return line
		}
	}
	if len(plan) == 0 || !slices.ContainsFunc(plan, byKey.MatchString) {
		return "nothing is looked up"
	}
	return ""
}
