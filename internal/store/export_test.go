package store

import (
	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// ListingSQL gives the query of one page of people, for tests of its plan. keyless is the part of an order that holds those without a key.
func (tx *Tx) ListingSQL(q PeopleQuery, keyless bool) (string, []any, error) {
	l, err := tx.listing(q, keyless)
	if err != nil {
		return "", nil, err
	}
	return l.sql(), l.args, nil
}

// SearchSQL gives the query of a page that may look at everybody, for tests of its plan.
func (tx *Tx) SearchSQL(q PeopleQuery) (string, []any, error) { return tx.search(q) }

// FindSQL gives the query of a page of people who are found, for tests of its plan.
func (tx *Tx) FindSQL(f PeopleFilter) (string, []any, error) {
	query, args, _, err := tx.find(f)
	return query, args, err
}

// Exec runs any statement.
func (tx *Tx) Exec(query string, args ...any) error { return tx.exec(query, args...) }

// Strings runs any query and gives its first column.
func (tx *Tx) Strings(query string, args ...any) ([]string, error) {
	var list []string
	err := tx.each(query, args, func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		list = append(list, s)
		return err
	})
	return list, err
}

// ReadPlan gives the lines in which the engine explains how it would run a query.
func (s *Store) ReadPlan(tx *Tx, query string, args []any) ([]string, error) {
	if s.engine == Postgres {
		return tx.Strings("EXPLAIN "+query, args...)
	}
	var list []string
	err := tx.each("EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		list = append(list, detail)
		return err
	})
	return list, err
}

// WaitedLately is how long a wait is remembered.
const WaitedLately = waitedLately

// Queued is how many writes are on their way to the writer of SQLite.
func (s *Store) Queued() int { return len(s.commits) }

// UUID is an id as an argument of Exec.
func (tx *Tx) UUID(id uuid.UUID) any { return tx.uuid(id) }

// ItemsPageSQL gives the query of one page of items, for tests of its plan.
func (tx *Tx) ItemsPageSQL(p ItemPage) (string, []any) { return tx.itemsPage(p) }

// SQL is a query with its arguments.
type SQL struct {
	Query string
	Args  []any
}

// ScopeSQL gives the queries about what is within some units, by name, for tests of their plans.
func (tx *Tx) ScopeSQL(paths []string, people []int64) map[string]SQL {
	batches, args := tx.batchesWithin(paths, muster.ImportBatch, muster.Finished, 1500, 20)
	page, pageArgs := tx.batchPageSQL(BatchQuery{Kind: muster.ImportBatch, Paths: paths, Limit: 20})
	count, countArgs := tx.countWithin(paths)
	of, ofArgs := tx.unitPathsOf(people)
	return map[string]SQL{"batches": {batches, args}, "page of batches": {page, pageArgs}, "count": {count, countArgs}, "paths of people": {of, ofArgs}}
}

// ReadProfile reads a profile as it is stored.
func ReadProfile(b []byte) (muster.Profile, error) {
	var p PersonRow
	err := readProfile(&p, b)
	return p.Profile, err
}
