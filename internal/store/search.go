package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/musterid/muster"
)

// Scans says whether a query has to look through everybody in its scope: it asks for a part of a text, for an order without an index, or for a page
// by its number. The cost grows with the people there are, so whoever allows this bounds it in time.
func (q PeopleQuery) Scans() bool {
	if q.Search != "" || q.FirstName != "" || q.LastName != "" || q.EmailPart != "" || len(q.States) > 0 || q.Reason != "" || q.NotReason != "" {
		return true
	}
	return q.Role != "" || q.Offset != 0 || !slices.Contains([]PeopleSort{"", BySeq, BySeqDown, ByUsername, ByName}, q.Sort)
}

// Counted says whether the people that a query lists are counted already: at most a state is asked for.
func (q PeopleQuery) Counted() bool {
	return reflect.DeepEqual(q, PeopleQuery{State: q.State, Sort: q.Sort, AfterKey: q.AfterKey, AfterSeq: q.AfterSeq, Limit: q.Limit, Offset: q.Offset})
}

// CountListed says how many people a query lists on all its pages together.
func (tx *Tx) CountListed(q PeopleQuery) (n int, err error) {
	if q.findsNobody() {
		return 0, nil
	}
	l, err := tx.searching(q)
	if err != nil {
		return 0, err
	}
	return n, tx.row("SELECT count(*) FROM "+l.from()+" WHERE "+l.where.sql(), l.args, &n)
}

// searchPeople gives the page of a query that scans: first who is on it, then who they are.
func (tx *Tx) searchPeople(q PeopleQuery) ([]PersonRow, error) {
	query, args, err := tx.search(q)
	if err != nil {
		return nil, err
	}
	var seqs []int64
	err = tx.each(query, args, func(scan func(...any) error) error {
		var seq int64
		err := scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := tx.People(seqs)
	list := make([]PersonRow, 0, len(seqs))
	for _, seq := range seqs {
		if p, there := found[seq]; there {
			list = append(list, p)
		}
	}
	return list, err
}

// search is the query for the numbers of the people on one page.
func (tx *Tx) search(q PeopleQuery) (string, []any, error) {
	l, err := tx.searching(q)
	if err != nil {
		return "", nil, err
	}
	order, err := l.sorted()
	if err != nil {
		return "", nil, err
	}
	query := "SELECT t.seq FROM " + l.from() + " WHERE " + l.where.sql() + " ORDER BY " + order + " LIMIT " + l.arg(q.Limit) + " OFFSET " + l.arg(q.Offset)
	return query, l.args, nil
}

// searching is a listing that may look at everybody in its scope.
func (tx *Tx) searching(q PeopleQuery) (*listing, error) {
	l := &listing{tx: tx, q: q, order: "t.seq"}
	var err error
	if l.since, err = tx.seqBefore(q.CreatedSince, q.UpdatedSince); err != nil {
		return nil, err
	}
	l.add("t.tenant = ?", tx.tenant)
	keyed := l.addKeys()
	if !q.CreatedSince.IsZero() {
		l.add("t.created_at >= ? AND t.seq > ?", q.CreatedSince.UnixMicro(), l.since)
	}
	if keyed || !l.drive() {
		l.restrict("")
	}
	l.addStates()
	l.addParts()
	if q.Role != "" {
		held := "EXISTS (SELECT 1 FROM membership m JOIN assignment a ON a.membership = m.seq WHERE m.person = t.seq AND a.role = " + l.arg(q.Role)
		if q.Unit != 0 {
			held += " AND m.unit = " + l.arg(q.Unit)
		}
		l.parts = append(l.parts, held+")")
	}
	return l, nil
}

func (l *listing) addStates() {
	if l.q.State != "" {
		l.add("t.state = ?", string(l.q.State))
	}
	if l.q.State != muster.Deleted && !slices.Contains(l.q.States, muster.Deleted) {
		l.add("t.state <> 'deleted'")
	}
	if len(l.q.States) > 0 {
		marks := make([]string, len(l.q.States))
		for i, state := range l.q.States {
			marks[i] = l.arg(string(state))
		}
		l.parts = append(l.parts, "t.state IN ("+strings.Join(marks, ", ")+")")
	}
	if l.q.Reason != "" {
		l.add("t.reason = ?", l.q.Reason)
	}
	if l.q.NotReason != "" {
		l.add("coalesce(t.reason, '') <> ?", l.q.NotReason)
	}
}

// addParts adds the conditions that some text has another one in it. name_key holds last and first name, so it tells quickly whom a part of a name
// cannot be of.
func (l *listing) addParts() {
	if first := foldName(l.q.FirstName); l.q.FirstName != "" {
		l.parts = append(l.parts, l.has("t.name_key", first), l.has(l.tx.firstKey(), first))
	}
	if last := foldName(l.q.LastName); l.q.LastName != "" {
		l.parts = append(l.parts, l.has("t.name_key", last), l.has(l.tx.lastKey(), last))
	}
	if l.q.EmailPart != "" {
		l.parts = append(l.parts, l.has(emailKey, muster.FoldKey(l.q.EmailPart)))
	}
	for _, word := range strings.Fields(l.q.Search) {
		key := muster.FoldKey(word)
		any := []string{l.has(emailKey, key), l.has("t.username_key", key), l.has("lower(t.code)", key)}
		if name := muster.Fold(word); name != "" {
			any = append(any, l.has("t.name_key", name))
		}
		if number := muster.PhoneKey(word); len(number) >= minPhonePart {
			any = append(any, l.has("t.phone_key", number))
		}
		l.parts = append(l.parts, "("+strings.Join(any, " OR ")+")")
	}
}

// minPhonePart is how many digits somebody gives who looks for a telephone number.
const minPhonePart = 4

// emailKey is what an address is found and sorted by, also one that is held together with others.
const emailKey = "coalesce(t.email_key, lower(t.email))"

// has is the condition that a text has a part in it.
func (l *listing) has(column, part string) string {
	find := "instr"
	if l.tx.store.engine == Postgres {
		find = "strpos"
	}
	return find + "(" + column + ", " + l.arg(part) + ") > 0"
}

// firstKey is the first name as it stands in name_key. There it comes after the last name, which has as many words as the last name itself.
func (tx *Tx) firstKey() string {
	if tx.store.engine == SQLite {
		return "CASE WHEN t.name_key IS NOT NULL THEN fold_name(t.first_name) END"
	}
	return "CASE WHEN t.first_name IS NULL THEN NULL WHEN t.last_name IS NULL THEN t.name_key ELSE array_to_string((string_to_array(t.name_key, ' '))[" + wordsOfLast + " + 1:], ' ') END"
}

// lastKey is the last name as it stands in name_key.
func (tx *Tx) lastKey() string {
	if tx.store.engine == SQLite {
		return "CASE WHEN t.name_key IS NOT NULL THEN fold_name(t.last_name) END"
	}
	return "CASE WHEN t.last_name IS NULL THEN NULL ELSE array_to_string((string_to_array(t.name_key, ' '))[:" + wordsOfLast + "], ' ') END"
}

const wordsOfLast = `cardinality(regexp_split_to_array(btrim(t.last_name), '\s+'))`

// sorted is the order that is asked for. Who has nothing to be sorted by comes last either way.
func (l *listing) sorted() (string, error) {
	column, down := strings.CutPrefix(string(l.q.Sort), "-")
	way := ""
	if down {
		way = " DESC"
	}
	var key string
	switch PeopleSort(column) {
	case "", BySeq:
		return "t.seq" + way, nil
	case ByUsername:
		key = "t.username_key"
	case ByName, ByLastName:
		key = "t.name_key"
	case ByFirstName:
		key = "nullif(" + l.tx.firstKey() + ", '')"
	case ByEmail:
		key = emailKey
	case ByState:
		key = "CASE t.state"
		for i, state := range muster.States {
			key += fmt.Sprintf(" WHEN '%s' THEN %d", state, i)
		}
		return key + " END" + way + ", coalesce(t.reason, '')" + way + ", t.seq" + way, nil
	default:
		return "", muster.Errorf(muster.Invalid, "sort", "People cannot be sorted by %q.", column)
	}
	return key + " IS NULL, " + key + l.tx.byBytes() + way + ", t.seq" + way, nil
}

// byBytes has texts sorted as keys are, also those that are computed.
func (tx *Tx) byBytes() string {
	if tx.store.engine == Postgres {
		return ` COLLATE "C"`
	}
	return ""
}

// from is what is read. SQLite is told to go through a tenant by state, which keeps the rows in the order in which they lie.
func (l *listing) from() string {
	switch {
	case l.driver != "" && l.tx.store.engine == Postgres:
		return "(" + l.driver + ") k CROSS JOIN LATERAL (SELECT * FROM person WHERE person.seq = k.seq OFFSET 0) t"
	case l.driver != "":
		return "(" + l.driver + ") k CROSS JOIN person t ON t.seq = k.seq"
	case l.fence != "" && l.tx.store.engine == Postgres:
		return "(SELECT * FROM person t WHERE " + l.fence + " OFFSET 0) t"
	case l.tx.store.engine == SQLite && l.index == "":
		return "person t INDEXED BY person_state"
	case l.tx.store.engine == SQLite:
		return "person t INDEXED BY " + l.index
	}
	return "person t"
}
