package store

import (
	"cmp"
	"strings"

	"github.com/musterid/muster"
)

// PeopleFilter is which people to find by any of their fields, on a page that is told by its number. Deleted people are found never.
type PeopleFilter struct {
	Where  Condition
	Order  []Order  // in the order in which they came when there is none
	Within []string // paths: people of these units and all below; nil does not filter
	Limit  int
	Offset int
}

// Scans says whether a filter has to look through everybody within reach: no key leads to the people, or they are sorted or counted off. Whoever
// allows this bounds it in time.
func (f PeopleFilter) Scans() bool {
	if f.Where.driven() {
		return false
	}
	_, counted := f.Where.states()
	return !counted || f.Offset > 0 || !f.bySeq()
}

// bySeq says whether people come in the order in which they came, or in the opposite one.
func (f PeopleFilter) bySeq() bool { return len(f.Order) == 0 || f.Order[0].Field == "seq" }

// FindPeople gives a page of people, and how many there are on all pages together.
func (tx *Tx) FindPeople(f PeopleFilter) (list []PersonRow, total int, err error) {
	query, args, counts, err := tx.find(f)
	if err != nil {
		return nil, 0, err
	}
	var seqs []int64
	err = tx.each(query, args, func(scan func(...any) error) error {
		var seq int64
		to := []any{&seq}
		if counts {
			to = append(to, &total)
		}
		err := scan(to...)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if !counts || len(seqs) == 0 && f.Offset > 0 {
		if total, err = tx.countFound(f); err != nil {
			return nil, 0, err
		}
	}
	found, err := tx.People(seqs)
	list = make([]PersonRow, 0, len(seqs))
	for _, seq := range seqs {
		if p, there := found[seq]; there {
			list = append(list, p)
		}
	}
	return list, total, err
}

// find is the query for the numbers of the people on a page; and, when counts, for how many there are: where everybody has to be looked at, that is
// done once.
func (tx *Tx) find(f PeopleFilter) (query string, args []any, counts bool, err error) {
	l, err := tx.finding(f)
	if err != nil {
		return "", nil, false, err
	}
	order, err := l.sortedBy(f.Order)
	if err != nil {
		return "", nil, false, err
	}
	_, counted := f.Where.states()
	switch {
	case l.driver != "":
		query = "SELECT t.seq FROM " + l.lookedInto() + " WHERE " + l.where.sql()
	case counted && f.bySeq():
		query = l.ofEachState(f, order)
	default:
		counts = true
		query = "SELECT t.seq, count(*) OVER () FROM " + l.lookedInto() + " WHERE " + l.where.sql()
	}
	query += " ORDER BY " + order + " LIMIT " + l.arg(f.Limit)
	if f.Offset > 0 {
		query += " OFFSET " + l.arg(f.Offset)
	}
	return query, l.args, counts, nil
}

// countFound says how many people a filter finds: from the counters, where they are enough.
func (tx *Tx) countFound(f PeopleFilter) (n int, err error) {
	if states, counted := f.Where.states(); counted && f.Within == nil {
		counts, err := tx.PeopleCounts()
		for _, state := range states {
			n += counts[state]
		}
		return n, err
	}
	l, err := tx.finding(f)
	if err != nil {
		return 0, err
	}
	return n, tx.row("SELECT count(*) FROM "+l.lookedInto()+" WHERE "+l.where.sql(), l.args, &n)
}

// finding is the listing of whom a filter finds.
func (tx *Tx) finding(f PeopleFilter) (*listing, error) {
	l := &listing{tx: tx, q: PeopleQuery{Within: f.Within}, order: "t.seq"}
	l.add("t.tenant = ?", tx.tenant)
	if driver, driven := l.drivenBy(f.Where); driven {
		l.driver = driver
		l.restrict("")
	} else {
		l.drive()
	}
	// Every state by name, and not "any but deleted": so the index can be walked by state and seq.
	l.parts = append(l.parts, "t.state IN ('"+strings.Join(presentStates, "', '")+"')")
	if l.driver == "" && f.Where.hinted() {
		l.parts = append(l.parts, l.hint(f.Where)) // first, as SQLite looks at them in this order
	}
	meets, err := l.meets(f.Where)
	if err != nil {
		return nil, err
	}
	l.parts = append(l.parts, meets)
	return l, nil
}

var presentStates = func() (list []string) {
	for _, state := range muster.States {
		if state != muster.Deleted {
			list = append(list, string(state))
		}
	}
	return list
}()

// states gives the states of whom a condition finds, when it asks for nothing else.
func (c Condition) states() ([]muster.State, bool) {
	var list []muster.State
	for _, state := range presentStates {
		if meets, sure := c.metByState(state); !sure {
			return nil, false
		} else if meets {
			list = append(list, muster.State(state))
		}
	}
	return list, true
}

func (c Condition) metByState(state string) (meets, sure bool) {
	switch {
	case c.Field == "state" && (c.Op == Is || c.Op == IsNot):
		in := false
		for _, v := range c.Values {
			in = in || v == state
		}
		return in == (c.Op == Is), true
	case c.Field != "":
		return false, false
	}
	list, all := c.All, c.Any == nil
	if !all {
		list = c.Any
	}
	meets = all
	for _, one := range list {
		met, sure := one.metByState(state)
		if !sure {
			return false, false
		}
		if met != all {
			meets = !all
		}
	}
	return meets, true
}

// ofEachState is the query for the numbers of whom states alone tell: it reads no more of each state than the page can need, and nothing but an index.
func (l *listing) ofEachState(f PeopleFilter, order string) string {
	states, _ := f.Where.states()
	l.args = nil
	if len(states) == 0 {
		return "SELECT t.seq FROM (" + nobody + ") t"
	}
	tenant, limit := l.arg(l.tx.tenant), l.arg(f.Limit+f.Offset)
	var branches []string
	for _, state := range states {
		branches = append(branches, "SELECT seq FROM (SELECT t.seq FROM person t WHERE t.tenant = "+tenant+" AND t.state = '"+string(state)+"' ORDER BY "+order+" LIMIT "+limit+") AS of_"+string(state))
	}
	return "SELECT t.seq FROM (" + strings.Join(branches, " UNION ALL ") + ") t"
}

// lookedInto is from, with the profile as conditions and orders look into it.
func (l *listing) lookedInto() string {
	if l.tx.store.engine == Postgres {
		return l.from() + profileOnce
	}
	return l.from()
}

// nobody is a query for the numbers of no people.
const nobody = "SELECT cast(0 AS BIGINT) AS seq WHERE 1 = 0"

// driven says whether keys lead to whom a condition finds.
func (c Condition) driven() bool {
	switch {
	case c.Any != nil:
		for _, one := range c.Any {
			if !one.driven() {
				return false
			}
		}
		return true
	case c.Field == "":
		for _, one := range c.All {
			if one.driven() {
				return true
			}
		}
		return false
	}
	_, unknown := c.split()
	switch c.Field {
	case "seq", "manager", "username", "email", "employee_id":
		return c.Op == Is && !unknown
	}
	return false
}

// drivenBy is the query for the numbers of those among whom a condition finds people, where keys lead to them.
func (l *listing) drivenBy(c Condition) (string, bool) {
	if !c.driven() {
		return "", false
	}
	switch {
	case c.Any != nil:
		var branches []string
		for _, one := range c.Any {
			driver, _ := l.drivenBy(one)
			branches = append(branches, driver)
		}
		return cmp.Or(strings.Join(branches, " UNION "), nobody), true
	case c.Field == "":
		for _, one := range c.All {
			if driver, driven := l.drivenBy(one); driven {
				return driver, true
			}
		}
	}
	known, _ := c.split()
	switch c.Field {
	case "seq":
		return "SELECT k.value AS seq FROM " + l.tx.setOfNumbers(l.arg(l.tx.numbers(numbersIn(known)))), true
	case "manager":
		return l.lookedUp(l.tx.setOfNumbers(l.arg(l.tx.numbers(numbersIn(known)))), "p.manager = k.value"), true
	case "username":
		return l.lookedUp(l.keys(known), "p.tenant = "+l.arg(l.tx.tenant)+" AND p.username_key = k.value"), true
	case "employee_id":
		return l.lookedUp(l.keys(known), "p.tenant = "+l.arg(l.tx.tenant)+" AND p.employee_key = k.value"), true
	}
	shared := "p.email = k.value COLLATE NOCASE"
	if l.tx.store.engine == Postgres {
		shared = "lower(p.email) = k.value"
	}
	return l.lookedUp(l.keys(known), "p.tenant = "+l.arg(l.tx.tenant)+" AND p.email_key = k.value") + " UNION " +
		l.lookedUp(l.keys(known), "p.tenant = "+l.arg(l.tx.tenant)+" AND "+shared+" AND p.email_key IS NULL AND p.email IS NOT NULL AND p.state <> 'deleted'"), true
}

func (l *listing) keys(known []any) string {
	return l.tx.setOfTexts(l.arg(l.tx.texts(textsIn(known))))
}

// lookedUp is the query for the people whom each value of a set leads to.
func (l *listing) lookedUp(set, on string) string {
	if l.tx.store.engine == Postgres {
		return "SELECT p.seq FROM " + set + " CROSS JOIN LATERAL (SELECT p.seq FROM person p WHERE " + on + " OFFSET 0) p"
	}
	return "SELECT p.seq FROM " + set + " CROSS JOIN person p WHERE " + on
}
