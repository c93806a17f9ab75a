package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/musterid/muster"
)

// PeopleSort is an order in which people can be listed. Each has an index.
type PeopleSort string

const (
	BySeq      PeopleSort = "created" // the order in which they came
	BySeqDown  PeopleSort = "-created"
	ByUsername PeopleSort = "username" // those without one come last, in the order in which they came
	ByName     PeopleSort = "name"     // the same

	// These have no index: see Scans. Any order with a - before it is the other way round.
	ByFirstName PeopleSort = "first_name"
	ByLastName  PeopleSort = "last_name"
	ByEmail     PeopleSort = "email"
	ByState     PeopleSort = "state" // in the order of a life
)

// PeopleQuery is which people to list. Zero fields do not filter; deleted people are listed only when State asks for them.
type PeopleQuery struct {
	State        muster.State
	Name         string // the beginning of a name: last, or last and first
	Username     string
	Email        string
	Phone        string
	EmployeeID   string
	Source       string // with SourceID
	SourceID     string
	Unit         int64    // seq
	Role         string   // held in Unit, or anywhere
	UnitBelow    string   // path: people of this unit and all below
	Within       []string // paths: people of these units and all below; nil does not filter
	Group        int64    // seq
	CreatedSince time.Time
	UpdatedSince time.Time

	// These and Offset look through all people of the tenant, or of Unit: see Scans.
	Search    string         // each word stands somewhere in a name, the e-mail address, the username, the code or the phone number
	FirstName string         // stands in the first name
	LastName  string         // stands in the last name
	EmailPart string         // stands in the e-mail address
	States    []muster.State // any of these
	Reason    string         // why the state is what it is, word for word
	NotReason string

	Sort     PeopleSort
	AfterKey string // SortKey of the last one of the page before
	AfterSeq int64  // of the last one of the page before
	Limit    int
	Offset   int // how many of the first people to leave out; not together with AfterKey and AfterSeq
}

// OfOne says whether a query asks for whoever holds a key, and for nothing that takes more than one look.
func (q PeopleQuery) OfOne() bool {
	key := q.Username != "" || q.Email != "" || q.Phone != "" || q.EmployeeID != "" || q.SourceID != ""
	return key && reflect.DeepEqual(q, PeopleQuery{
		State: q.State, Username: q.Username, Email: q.Email, Phone: q.Phone, EmployeeID: q.EmployeeID, Source: q.Source, SourceID: q.SourceID, Sort: BySeq, Limit: q.Limit,
	})
}

// ListPeople gives one page of people in the order asked for.
func (tx *Tx) ListPeople(q PeopleQuery) ([]PersonRow, error) {
	if q.findsNobody() {
		return nil, nil
	}
	if q.Scans() {
		return tx.searchPeople(q)
	}
	keyed := q.Sort == ByUsername || q.Sort == ByName
	if keyed && q.AfterKey == "" && q.AfterSeq > 0 {
		return tx.listPeople(q, true)
	}
	list, err := tx.listPeople(q, false)
	if err != nil || !keyed || len(list) >= q.Limit {
		return list, err
	}
	q.AfterKey, q.AfterSeq, q.Limit = "", 0, q.Limit-len(list)
	rest, err := tx.listPeople(q, true)
	return append(list, rest...), err
}

// findsNobody says whether a name is asked for of which nothing is left to compare: nobody's name has just a mark such as % in it.
func (q PeopleQuery) findsNobody() bool {
	return slices.ContainsFunc([]string{q.Name, q.FirstName, q.LastName}, func(name string) bool { return name != "" && strings.TrimSpace(foldName(name)) == "" })
}

func (tx *Tx) listPeople(q PeopleQuery, keyless bool) ([]PersonRow, error) {
	l, err := tx.listing(q, keyless)
	if err != nil {
		return nil, err
	}
	var list []PersonRow
	err = tx.each(l.sql(), l.args, func(scan func(...any) error) error {
		p, err := scanPerson(scan)
		list = append(list, p)
		return err
	})
	return list, err
}

// SortKey is where a person stands in an order: what AfterKey takes.
func (p *PersonRow) SortKey(s PeopleSort) (string, error) {
	switch s {
	case ByUsername:
		return p.Keys.Username, nil
	case ByName:
		return nameKey(p), nil
	case "", BySeq, BySeqDown:
		return "", nil
	}
	return "", fmt.Errorf("store: there is no order %q", s)
}

// A listing is the query for one page. It is written so that neither engine has a choice: a young table has no statistics, and a planner left
// alone then walks a whole tenant, or all tenants, in some convenient order. Either there is a driver, a query for the seqs of candidates which
// are then looked up one by one, or the one index to walk is plain.
type listing struct {
	where
	tx     *Tx
	q      PeopleQuery
	since  int64  // people with a seq up to this one came before CreatedSince and UpdatedSince
	driver string // gives the column seq; "" when person is read directly
	index  string // what SQLite is told to read person by; "" when it cannot go wrong
	fence  string // the condition that PostgreSQL is to look up before everything else
	order  string
}

// after is the end of a range of texts that begin with the same text.
const after = "\U0010FFFF"

func (tx *Tx) listing(q PeopleQuery, keyless bool) (*listing, error) {
	l := &listing{tx: tx, q: q}
	var err error
	if l.since, err = tx.seqBefore(q.CreatedSince, q.UpdatedSince); err != nil {
		return nil, err
	}
	l.add("t.tenant = ?", tx.tenant)
	keys := l.addKeys()
	l.addOrder(keyless)
	if !q.CreatedSince.IsZero() {
		l.add("t.created_at >= ? AND t.seq > ?", q.CreatedSince.UnixMicro(), l.since)
	}
	switch {
	case keys:
		l.addState()
		l.restrict("")
	case l.drive():
		l.addState()
	case q.Name != "":
		l.addState()
		l.addName()
	case l.order == "t.seq" || l.order == "t.seq DESC":
		switch {
		case q.State != "" && l.index == "":
			l.addState()
			l.index = "person_state"
		case keyless:
			l.addState()
		default:
			l.driveByStates()
		}
	default:
		l.addState()
	}
	return l, nil
}

func (l *listing) sql() string {
	from, order := "person t", l.order
	switch {
	case l.driver != "" && l.tx.store.engine == Postgres:
		from = "(" + l.driver + ") k CROSS JOIN LATERAL (SELECT * FROM person WHERE person.seq = k.seq OFFSET 0) t"
	case l.driver != "":
		from = "(" + l.driver + ") k CROSS JOIN person t ON t.seq = k.seq"
	case l.fence != "" && l.tx.store.engine == Postgres:
		from = "(SELECT * FROM person t WHERE " + l.fence + " OFFSET 0) t"
	case l.index != "" && l.tx.store.engine == SQLite:
		from += " INDEXED BY " + l.index
	}
	if l.driver != "" {
		order = strings.Replace(order, "t.seq", "k.seq", 1)
	}
	return "SELECT " + personColumns + " FROM " + from + " WHERE " + l.where.sql() + " ORDER BY " + order + " LIMIT " + l.arg(l.q.Limit)
}

// addKeys adds the filters that at most one person passes, and says whether there are any.
func (l *listing) addKeys() bool {
	tenant := l.where.sql()
	for _, f := range []struct {
		column KeyColumn
		key    string
	}{
		{UsernameKey, muster.FoldKey(l.q.Username)},
		{EmailKey, muster.FoldKey(l.q.Email)},
		{EmployeeKey, l.q.EmployeeID},
		{SourceKey, SourceKeyOf(l.q.Source, l.q.SourceID)},
		{PhoneKey, muster.PhoneKey(l.q.Phone)},
	} {
		if f.key == "" {
			continue
		}
		l.add("t."+string(f.column)+" = ?", f.key)
		if l.fence == "" {
			l.fence = tenant + " AND " + l.parts[len(l.parts)-1]
			l.index = "person_" + strings.TrimSuffix(string(f.column), "_key")
		}
	}
	return l.fence != ""
}

func (l *listing) addState() {
	if l.q.State != "" {
		l.add("t.state = ?", string(l.q.State))
	}
	if l.q.State != muster.Deleted {
		l.add("t.state <> 'deleted'")
	}
}

// The filters by something else than the person's own row can drive, or restrict what another one drives.
var scopes = []struct {
	name            string
	is              func(PeopleQuery) bool
	drive, restrict func(*listing) string
}{
	{
		"unit", func(q PeopleQuery) bool { return q.Unit != 0 },
		func(l *listing) string {
			return "SELECT person AS seq FROM membership WHERE unit = " + l.arg(l.q.Unit) + l.window("person")
		},
		func(l *listing) string {
			return "EXISTS (SELECT 1 FROM membership m WHERE m.person = t.seq AND m.unit = " + l.arg(l.q.Unit) + ")"
		},
	}, {
		"group", func(q PeopleQuery) bool { return q.Group != 0 },
		func(l *listing) string {
			return "SELECT person AS seq FROM group_member WHERE grp = " + l.arg(l.q.Group) + l.window("person")
		},
		func(l *listing) string {
			return "EXISTS (SELECT 1 FROM group_member g WHERE g.person = t.seq AND g.grp = " + l.arg(l.q.Group) + ")"
		},
	}, {
		"unit below", func(q PeopleQuery) bool { return q.UnitBelow != "" },
		func(l *listing) string {
			return "SELECT DISTINCT m.person AS seq FROM unit u JOIN membership m ON m.unit = u.seq WHERE u.tenant = " + l.arg(l.tx.tenant) + " AND u.path >= " + l.arg(l.q.UnitBelow) +
				" AND u.path < " + l.arg(l.q.UnitBelow+after)
		},
		func(l *listing) string {
			return "EXISTS (SELECT 1 FROM membership m JOIN unit u ON u.seq = m.unit WHERE m.person = t.seq AND u.path >= " + l.arg(l.q.UnitBelow) + " AND u.path < " +
				l.arg(l.q.UnitBelow+after) + ")"
		},
	}, {
		"within", func(q PeopleQuery) bool { return q.Within != nil },
		func(l *listing) string { return l.tx.membersWithin(l.arg(l.tx.tenant), l.arg(l.tx.texts(l.q.Within))) },
		func(l *listing) string { return l.tx.isMemberWithin("t.seq", l.arg(l.tx.texts(l.q.Within))) },
	}, {
		// Those who ever changed are found by when that was, on PostgreSQL roughly; the others by when they came. The + keeps an index away that
		// would read the whole tenant.
		"updated", func(q PeopleQuery) bool { return !q.UpdatedSince.IsZero() },
		func(l *listing) string {
			tenant, since := l.arg(l.tx.tenant), l.arg(l.q.UpdatedSince.UnixMicro())
			changed := "SELECT seq FROM person WHERE tenant = " + tenant + " AND version > 1 AND updated_at >= " + since
			if l.tx.store.engine == Postgres {
				l.add("t.updated_at >= ?", l.q.UpdatedSince.UnixMicro())
				changed = "SELECT person AS seq FROM person_change WHERE tenant = " + tenant + " AND span >= " + l.arg(l.q.UpdatedSince.UnixMicro()>>spanBits)
			}
			return changed + " UNION ALL SELECT seq FROM person WHERE +tenant = " + tenant + " AND version = 1 AND seq > " + l.arg(l.since) + " AND created_at >= " + since
		},
		func(l *listing) string { return "t.updated_at >= " + l.arg(l.q.UpdatedSince.UnixMicro()) },
	},
}

// drive has the first of the scopes that are asked for drive, and the others restrict.
func (l *listing) drive() bool {
	for _, s := range scopes {
		if s.is(l.q) {
			l.driver = s.drive(l)
			l.restrict(s.name)
			return true
		}
	}
	return false
}

func (l *listing) restrict(driving string) {
	for _, s := range scopes {
		if s.name != driving && s.is(l.q) {
			l.parts = append(l.parts, s.restrict(l))
		}
	}
	if l.q.Name != "" {
		key := foldName(l.q.Name)
		l.add("t.name_key >= ? AND t.name_key < ?", key, key+after)
	}
}

// window narrows a driver in the order of seq to what comes after the page before.
func (l *listing) window(seq string) string {
	switch {
	case l.order == "t.seq" && l.q.AfterSeq > 0:
		return " AND " + seq + " > " + l.arg(l.q.AfterSeq) + " ORDER BY " + seq
	case l.order == "t.seq DESC" && l.q.AfterSeq > 0:
		return " AND " + seq + " < " + l.arg(l.q.AfterSeq) + " ORDER BY " + seq + " DESC"
	case l.order == "t.seq DESC":
		return " ORDER BY " + seq + " DESC"
	}
	return " ORDER BY " + seq
}

func (l *listing) addName() {
	key := foldName(l.q.Name)
	tenant := l.parts[0]
	l.index = "person_name"
	if l.q.Sort == ByName { // addOrder says where it begins: of two beginnings, an engine may take the one that is further away
		l.add("t.name_key < ?", key+after)
		return
	}
	l.add("t.name_key >= ? AND t.name_key < ?", key, key+after)
	l.fence = tenant + " AND " + l.parts[len(l.parts)-1]
}

// driveByStates reads the beginning of each state but deleted, in the order of seq: no index holds them together.
func (l *listing) driveByStates() {
	var branches []string
	limit := l.arg(l.q.Limit)
	for _, state := range muster.States {
		if state == muster.Deleted {
			continue
		}
		branches = append(branches, fmt.Sprintf("SELECT seq FROM (SELECT t.seq FROM person t WHERE %s AND t.state = '%s' ORDER BY %s LIMIT %s) AS %s",
			l.where.sql(), state, l.order, limit, "of_"+string(state)))
	}
	l.driver = strings.Join(branches, " UNION ALL ")
	l.parts = l.parts[:1]
}

// addOrder adds the condition that leads past the page before.
func (l *listing) addOrder(keyless bool) {
	l.order = "t.seq"
	switch {
	case keyless:
		column := "username"
		if l.q.Sort == ByName {
			column = "name"
		}
		l.add("t." + column + "_key IS NULL")
		if l.index == "" && l.q.State != muster.Deleted {
			l.index = "person_without_" + column
		}
	case l.q.Sort == ByUsername:
		l.add("t.username_key > ?", l.q.AfterKey)
		l.order = "t.username_key"
		if l.index == "" {
			l.index = "person_username"
		}
		return
	case l.q.Sort == ByName:
		key, seq := l.q.AfterKey, l.q.AfterSeq
		if first := foldName(l.q.Name); key < first {
			key, seq = first, 0
		}
		l.add("(t.name_key, t.seq) > (?, ?)", key, seq)
		l.order = "t.name_key, t.seq"
		if l.index == "" {
			l.index = "person_name"
		}
		return
	case l.q.Sort == BySeqDown:
		l.order = "t.seq DESC"
		if l.q.AfterSeq > 0 {
			l.add("t.seq < ?", l.q.AfterSeq)
		}
		return
	}
	if l.q.AfterSeq > 0 {
		l.add("t.seq > ?", l.q.AfterSeq)
	}
}

// timeSlack is how much earlier than a person with a smaller seq somebody may have come, as the clocks of processes and the length of
// transactions have it.
const timeSlack = time.Hour

// seqBefore gives a seq up to which everybody came before the earlier one of the times (zero times do not count). There is no index on the time
// of creation, because seq grows with it: it is found by halving.
func (tx *Tx) seqBefore(times ...time.Time) (int64, error) {
	var since time.Time
	for _, t := range times {
		if !t.IsZero() && (since.IsZero() || t.Before(since)) {
			since = t
		}
	}
	if since.IsZero() {
		return 0, nil
	}
	limit := since.Add(-timeSlack).UnixMicro()
	var low, high int64
	if err := tx.row("SELECT coalesce(max(seq), 0) FROM person", nil, &high); err != nil {
		return 0, err
	}
	for low < high {
		middle := low + (high-low)/2
		var seq, created int64
		if err := tx.row("SELECT seq, created_at FROM person WHERE seq > $1 ORDER BY seq LIMIT 1", []any{middle}, &seq, &created); err != nil {
			return 0, err
		}
		if created < limit {
			low = seq
		} else {
			high = middle
		}
	}
	return low, nil
}
