package store

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
)

// PersonChange is a stored person as read, and as they are to become.
type PersonChange struct{ Before, After *PersonRow }

// writtenColumn is a column that changes. It holds a text, of which "" is NULL, or a number.
type writtenColumn struct {
	name   string
	text   func(*PersonRow) string
	number func(*PersonRow) int64
	none   bool // 0 is NULL
}

// columnSet is some of writtenColumns, by their place.
type columnSet uint32

const (
	nameKeyColumn = iota // what is worked out of others, and costs more to compare than they do
	profileColumn
	firstPlain
)

var writtenColumns = []writtenColumn{
	nameKeyColumn: {name: "name_key", text: nameKey},
	profileColumn: {name: "profile"},
	firstPlain:    {name: "username", text: func(p *PersonRow) string { return p.Username }},
	{name: "username_key", text: func(p *PersonRow) string { return p.Keys.Username }},
	{name: "generated", number: func(p *PersonRow) int64 { return flag(p.Generated) }},
	{name: "email", text: func(p *PersonRow) string { return p.Email }},
	{name: "email_key", text: func(p *PersonRow) string { return p.Keys.Email }},
	{name: "email_verified", number: func(p *PersonRow) int64 { return flag(p.EmailVerified) }},
	{name: "phone_key", text: func(p *PersonRow) string { return p.Keys.Phone }},
	{name: "employee_id", text: func(p *PersonRow) string { return p.EmployeeID }},
	{name: "employee_key", text: func(p *PersonRow) string { return p.Keys.Employee }},
	{name: "code", text: func(p *PersonRow) string { return p.Code }},
	{name: "code_key", text: func(p *PersonRow) string { return p.Keys.Code }},
	{name: "source", text: func(p *PersonRow) string { return p.Source }},
	{name: "source_id", text: func(p *PersonRow) string { return p.SourceID }},
	{name: "source_key", text: func(p *PersonRow) string { return p.Keys.Source }},
	{name: "first_name", text: func(p *PersonRow) string { return p.FirstName }},
	{name: "last_name", text: func(p *PersonRow) string { return p.LastName }},
	{name: "display_name", text: func(p *PersonRow) string { return p.DisplayName }},
	{name: "state", text: func(p *PersonRow) string { return string(p.State) }},
	{name: "reason", text: func(p *PersonRow) string { return p.Reason }},
	{name: "absent", number: func(p *PersonRow) int64 { return flag(p.Absent) }},
	{name: "mode", text: func(p *PersonRow) string { return string(p.Mode) }},
	{name: "locale", text: func(p *PersonRow) string { return p.Locale }},
	{name: "manager", number: func(p *PersonRow) int64 { return p.ManagerSeq }, none: true},
}

var (
	nameColumns = setOf("first_name", "last_name", "display_name", "state") // that nameKey is made of
	keyColumns  = setOf(string(UsernameKey), string(EmailKey), string(PhoneKey), string(EmployeeKey), string(CodeKey), string(SourceKey))
)

func setOf(names ...string) (set columnSet) {
	for _, name := range names {
		for i := range writtenColumns {
			if writtenColumns[i].name == name {
				set |= 1 << i
			}
		}
	}
	return set
}

// changed gives the columns in which two states of a person differ.
func (c PersonChange) changed() (set columnSet) {
	for i := firstPlain; i < len(writtenColumns); i++ {
		column := &writtenColumns[i]
		if column.text != nil && column.text(c.Before) != column.text(c.After) || column.number != nil && column.number(c.Before) != column.number(c.After) {
			set |= 1 << i
		}
	}
	if set&nameColumns != 0 {
		set |= 1 << nameKeyColumn
	}
	if !reflect.DeepEqual(&c.Before.Profile, &c.After.Profile) {
		set |= 1 << profileColumn
	}
	return set
}

// UpdatePeople is ChangePeople for people whose Version was raised by one, whatever they were read as.
func (tx *Tx) UpdatePeople(people []*PersonRow) error {
	seqs := make([]int64, len(people))
	for i, p := range people {
		seqs[i] = p.Seq
	}
	stored, err := tx.People(seqs)
	if err != nil {
		return err
	}
	changes := make([]PersonChange, len(people))
	for i, p := range people {
		before := stored[p.Seq]
		changes[i] = PersonChange{Before: &before, After: p}
	}
	return tx.ChangePeople(changes)
}

// ChangePeople writes people back whose Version has been raised by one. Only what differs is written: a column that is not written costs its index
// nothing. Somebody who meanwhile moved on, or a key that is held, is ErrClash.
func (tx *Tx) ChangePeople(changes []PersonChange) error {
	people, sets := make([]*PersonRow, len(changes)), make([]columnSet, len(changes))
	for i, c := range changes {
		if c.Before.Version != c.After.Version-1 {
			return fmt.Errorf("%w: person %d has moved on", ErrClash, c.After.Seq)
		}
		people[i], sets[i] = c.After, c.changed()
		if tx.released[c.After.Seq] {
			sets[i] |= keyColumns
		}
	}
	if err := tx.updatePeople(people, sets); err != nil || tx.store.engine == SQLite {
		return err
	}
	return tx.noteChanges(changes)
}

// spanBits make a span of microseconds: the table person_change says for everybody who ever changed in which one that was last.
const spanBits = 30

func spanOf(p *PersonRow) int64 { return p.UpdatedAt.UnixMicro() >> spanBits }

// noteChanges keeps person_change. Their rows are locked by having been updated.
func (tx *Tx) noteChanges(changes []PersonChange) error {
	var spans, people, oldSpans, old []int64
	for _, c := range changes {
		before, after := spanOf(c.Before), spanOf(c.After)
		first := c.Before.Version == 1
		if !first && before == after {
			continue
		}
		spans, people = append(spans, after), append(people, c.After.Seq)
		if !first {
			oldSpans, old = append(oldSpans, before), append(old, c.After.Seq)
		}
	}
	if len(people) > 0 {
		err := tx.exec("INSERT INTO person_change (tenant, span, person) SELECT $1, v.span, v.person FROM unnest($2::bigint[], $3::bigint[]) AS v(span, person)", tx.tenant, spans, people)
		if err != nil {
			return err
		}
	}
	if len(old) == 0 {
		return nil
	}
	// By the whole key: a plan made for a young table may go through all of the tenant's for each of them.
	return tx.exec(`DELETE FROM person_change WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM unnest($2::bigint[], $3::bigint[]) AS v(span, person)
 CROSS JOIN LATERAL (SELECT ctid FROM person_change p WHERE p.tenant = $1 AND p.span = v.span AND p.person = v.person OFFSET 0) c))`, tx.tenant, oldSpans, old)
}

func (tx *Tx) updatePeople(people []*PersonRow, sets []columnSet) error {
	if tx.store.engine == Postgres && len(people) > 1 {
		return tx.updateTogether(people, sets)
	}
	for i, p := range people {
		if err := tx.updateOne(p, sets[i]); err != nil {
			return err
		}
	}
	return nil
}

// updateOne writes one person.
func (tx *Tx) updateOne(p *PersonRow, set columnSet) error {
	var query strings.Builder
	args := make([]any, 0, bits.OnesCount32(uint32(set))+5)
	// SQLite's driver looks a parameter's name up for every value, so there they have none.
	mark := func(v any) string {
		args = append(args, v)
		if tx.store.engine == SQLite {
			return "?"
		}
		return "$" + strconv.Itoa(len(args))
	}
	query.WriteString("UPDATE person SET version = " + mark(p.Version) + ", updated_at = " + mark(p.UpdatedAt.UnixMicro()))
	for i := range writtenColumns {
		if set&(1<<i) == 0 {
			continue
		}
		v, err := valueOf(i, p)
		if err != nil {
			return err
		}
		query.WriteString(", " + writtenColumns[i].name + " = " + mark(v))
	}
	query.WriteString(" WHERE seq = " + mark(p.Seq) + " AND tenant = " + mark(tx.tenant) + " AND version = " + mark(p.Version-1))
	n, err := tx.repeated(query.String(), args...)
	switch {
	case clash(err):
		return fmt.Errorf("%w: %w", ErrClash, err)
	case err != nil:
		return fmt.Errorf("store: update person %d: %w", p.Seq, err)
	case n != 1:
		return fmt.Errorf("%w: person %d has moved on", ErrClash, p.Seq)
	}
	return nil
}

// valueOf gives what a column of a person is to hold.
func valueOf(i int, p *PersonRow) (any, error) {
	switch column := &writtenColumns[i]; {
	case i == profileColumn:
		s, err := profileText(p)
		return orNull(s), err
	case column.text != nil:
		return orNull(column.text(p)), nil
	case column.none:
		return orNullNumber(column.number(p)), nil
	default:
		return column.number(p), nil
	}
}

// profileText is a profile as it is stored. "" is one without anything in it.
func profileText(p *PersonRow) (string, error) {
	b, err := json.Marshal(&p.Profile)
	if err != nil {
		return "", fmt.Errorf("store: profile of person %d: %w", p.Seq, err)
	}
	if len(b) == len("{}") {
		return "", nil
	}
	return string(b), nil
}

// repeated runs a statement that comes again, and says how many rows it changed. Its text is kept where that spares the next one work: on SQLite
// for the transaction, on PostgreSQL by the driver for the connection.
func (tx *Tx) repeated(query string, args ...any) (int64, error) {
	if tx.store.engine == Postgres {
		return tx.affect(query, args...)
	}
	stmt, err := tx.prepared(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// updateTogether writes people with one statement, of the columns that any of them needs: PostgreSQL plans a statement for as long as it takes to
// write a person or two. Nobody in the list takes a key that another one in it holds; whoever gave up such a key has released it.
func (tx *Tx) updateTogether(people []*PersonRow, sets []columnSet) error {
	u, query, err := tx.updateTogetherSQL(people, sets)
	if err != nil {
		return err
	}
	n, err := u.write(tx, query)
	if err == nil && n != int64(len(people)) {
		err = fmt.Errorf("%w: %d of %d people have moved on", ErrClash, int64(len(people))-n, len(people))
	}
	return err
}

func (tx *Tx) updateTogetherSQL(people []*PersonRow, sets []columnSet) (u together, query string, err error) {
	var set columnSet
	for _, s := range sets {
		set |= s
	}
	u.numbers("seq", numbersOf(people, func(p *PersonRow) int64 { return p.Seq }))
	u.numbers("version", numbersOf(people, func(p *PersonRow) int64 { return p.Version }))
	u.numbers("updated_at", numbersOf(people, func(p *PersonRow) int64 { return p.UpdatedAt.UnixMicro() }))
	assign := "version = v.version, updated_at = v.updated_at"
	for i := range writtenColumns {
		column := &writtenColumns[i]
		if set&(1<<i) == 0 {
			continue
		}
		if column.number != nil {
			u.numbers(column.name, numbersOf(people, column.number))
		} else {
			texts, err := textsOf(people, i)
			if err != nil {
				return u, "", err
			}
			u.texts(column.name, texts)
		}
		switch {
		case column.none:
			assign += ", " + column.name + " = nullif(v." + column.name + ", 0)"
		case column.number != nil:
			assign += ", " + column.name + " = v." + column.name
		default:
			assign += ", " + column.name + " = nullif(v." + column.name + ", '')"
		}
	}
	return u, "UPDATE person AS t SET " + assign + u.from() + "WHERE " + u.each("seq") + " AND v.version - t.version = 1 AND t.tenant + 0 = " + u.arg(tx.tenant), nil
}

func numbersOf(people []*PersonRow, of func(*PersonRow) int64) []int64 {
	list := make([]int64, len(people))
	for i, p := range people {
		list[i] = of(p)
	}
	return list
}

// textsOf gives a column of texts, of which "" is NULL.
func textsOf(people []*PersonRow, column int) (list []string, err error) {
	list = make([]string, len(people))
	for i, p := range people {
		if column != profileColumn {
			list[i] = writtenColumns[column].text(p)
			continue
		}
		if list[i], err = profileText(p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ReleaseKeys makes people hold no key until ChangePeople writes what they hold then, within this transaction: so that two can swap.
func (tx *Tx) ReleaseKeys(people []int64) error {
	if len(people) == 0 {
		return nil
	}
	if tx.released == nil {
		tx.released = make(map[int64]bool, len(people))
	}
	for _, seq := range people {
		tx.released[seq] = true
	}
	const release = "UPDATE person SET username_key = NULL, email_key = NULL, phone_key = NULL, employee_key = NULL, code_key = NULL, source_key = NULL WHERE "
	if tx.store.engine == Postgres {
		return tx.exec(release+"seq = ANY ($1) AND tenant = $2", people, tx.tenant)
	}
	for _, seq := range people {
		if _, err := tx.repeated(release+"seq = ? AND tenant = ?", seq, tx.tenant); err != nil {
			return fmt.Errorf("store: release keys of person %d: %w", seq, err)
		}
	}
	return nil
}
