package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// MembershipRow is a membership with the numbers of both ends and what is known of the unit.
type MembershipRow struct {
	muster.Membership
	PersonSeq int64
	UnitSeq   int64
	UnitKind  string
	UnitCode  string
}

const membershipColumns = `t.seq, t.id, t.version, t.person, (SELECT p.id FROM person p WHERE p.seq = t.person), t.unit,
 (SELECT u.id FROM unit u WHERE u.seq = t.unit), t.unit_kind, (SELECT u.code FROM unit u WHERE u.seq = t.unit), t.is_primary, t.title, t.created_at, t.updated_at`

func scanMembership(scan func(...any) error, before ...any) (MembershipRow, error) {
	var m MembershipRow
	var primary int64
	var created, updated sql.NullInt64
	err := scan(append(before, &m.Seq, &m.ID, &m.Version, &m.PersonSeq, &m.Person, &m.UnitSeq, &m.Unit, &m.UnitKind, &m.UnitCode, &primary, text{&m.Title},
		&created, &updated)...)
	m.Primary = primary == 1
	m.CreatedAt, m.UpdatedAt = fromMicros(created), fromMicros(updated)
	return m, err
}

// LockPeople makes everybody else who wants to change what these people belong to wait until this transaction ends. It comes before reading
// their memberships: which one is primary hangs on all of them.
func (tx *Tx) LockPeople(seqs []int64) error {
	return tx.lockRows("person", seqs, "FOR NO KEY UPDATE")
}

// MembershipsOf gives the memberships of people, by person, oldest first.
func (tx *Tx) MembershipsOf(people []int64) (map[int64][]MembershipRow, error) {
	found := make(map[int64][]MembershipRow, len(people))
	if len(people) == 0 {
		return found, nil
	}
	query := tx.perNumber(membershipColumns, "membership", "t.person = k.value AND t.tenant = $2") + " ORDER BY t.seq"
	err := tx.each(query, []any{tx.numbers(distinct(people)), tx.tenant}, func(scan func(...any) error) error {
		var asked int64
		m, err := scanMembership(scan, &asked)
		found[m.PersonSeq] = append(found[m.PersonSeq], m)
		return err
	})
	return found, err
}

// MembershipsByID gives memberships by id.
func (tx *Tx) MembershipsByID(ids []uuid.UUID) (map[uuid.UUID]MembershipRow, error) {
	found := make(map[uuid.UUID]MembershipRow, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := tx.perText(membershipColumns, "membership", tx.isID()+" AND t.tenant = $2")
	err := tx.each(query, []any{tx.ids(ids), tx.tenant}, func(scan func(...any) error) error {
		var asked string
		m, err := scanMembership(scan, &asked)
		found[m.ID] = m
		return err
	})
	return found, err
}

// MembersOf gives one page of a unit's memberships, in the order of people's seq, from after a person (0: from the first). Deleted people are left
// out.
func (tx *Tx) MembersOf(unit, afterPerson int64, limit int) ([]MembershipRow, error) {
	var list []MembershipRow
	query := "SELECT " + membershipColumns + ` FROM membership t WHERE t.unit = $1 AND t.tenant = $2 AND t.person > $3
 AND (SELECT p.state FROM person p WHERE p.seq = t.person) <> 'deleted' ORDER BY t.person LIMIT $4`
	err := tx.each(query, []any{unit, tx.tenant, afterPerson, limit}, func(scan func(...any) error) error {
		m, err := scanMembership(scan)
		list = append(list, m)
		return err
	})
	return list, err
}

// NextMemberships takes n numbers for new memberships.
func (tx *Tx) NextMemberships(n int) ([]int64, error) { return tx.nextSeqs("membership", n) }

var newMembershipColumns = []string{
	"seq", "id", "tenant", "version", "person", "unit", "unit_kind", "is_primary", "title", "created_at", "updated_at",
}

// InsertMemberships writes new memberships, whose Seq is set, and gives them id, version and times. A pair that is there, or a second primary, is
// ErrClash.
func (tx *Tx) InsertMemberships(list []*MembershipRow) error {
	for _, m := range list {
		m.ID, m.Version, m.CreatedAt, m.UpdatedAt = tx.newID(), 1, tx.now, tx.now
	}
	return tx.copyRows("membership", newMembershipColumns, len(list), func(i int) []any {
		m := list[i]
		return []any{
			m.Seq, tx.uuid(m.ID), tx.tenant, m.Version, m.PersonSeq, m.UnitSeq, m.UnitKind, flag(m.Primary), orNull(m.Title), micros(m.CreatedAt), micros(m.UpdatedAt),
		}
	})
}

// UpdateMemberships writes primary flags and titles back and raises the versions. What gives up being primary is written first, so that it may
// pass from one to another. One that moved on since it was read is ErrClash.
func (tx *Tx) UpdateMemberships(list []*MembershipRow) error {
	if len(list) == 0 {
		return nil
	}
	stmt, err := tx.prepared("UPDATE membership SET version = version + 1, is_primary = $1, title = $2, updated_at = $3 WHERE seq = $4 AND tenant = $5 AND version = $6")
	if err != nil {
		return err
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *MembershipRow) int { return cmp.Compare(flag(a.Primary), flag(b.Primary)) })
	for _, m := range list {
		result, err := stmt.ExecContext(tx.ctx, flag(m.Primary), orNull(m.Title), micros(tx.now), m.Seq, tx.tenant, m.Version)
		var n int64
		if err == nil {
			n, err = result.RowsAffected()
		}
		if err := tx.saved(n, err); err != nil {
			return fmt.Errorf("store: update membership %d: %w", m.Seq, err)
		}
		m.Version, m.UpdatedAt = m.Version+1, tx.now
	}
	return nil
}

// DeleteMemberships removes memberships with their assignments.
func (tx *Tx) DeleteMemberships(seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	return tx.exec("DELETE FROM membership WHERE "+tx.among("seq", "$1")+" AND tenant = $2", tx.numbers(seqs), tx.tenant)
}

// among is the condition that a column is one of a set of numbers, for statements that only look rows up by their primary key.
func (tx *Tx) among(column, mark string) string {
	if tx.store.engine == Postgres {
		return column + " = ANY(" + mark + "::bigint[])"
	}
	return column + " IN (SELECT value FROM json_each(" + mark + "))"
}

// AssignmentRow is an assignment with the number of its membership.
type AssignmentRow struct {
	muster.Assignment
	MembershipSeq int64
}

// AssignmentsOf gives the assignments under memberships, by membership, oldest first.
func (tx *Tx) AssignmentsOf(memberships []int64) (map[int64][]AssignmentRow, error) {
	found := map[int64][]AssignmentRow{}
	if len(memberships) == 0 {
		return found, nil
	}
	query := tx.perNumber(`t.seq, t.id, t.membership, (SELECT m.id FROM membership m WHERE m.seq = t.membership), t.role, t.secondary, t.cycles, t.subjects, t.created_at, t.updated_at`,
		"assignment", "t.membership = k.value AND t.tenant = $2") + " ORDER BY t.seq"
	err := tx.each(query, []any{tx.numbers(memberships), tx.tenant}, func(scan func(...any) error) error {
		var asked int64
		var a AssignmentRow
		var cycles, subjects words
		var created, updated sql.NullInt64
		err := scan(&asked, &a.Seq, &a.ID, &a.MembershipSeq, &a.Membership, &a.Role, &a.Secondary, &cycles, &subjects, &created, &updated)
		a.Cycles, a.Subjects = cycles, subjects
		a.CreatedAt, a.UpdatedAt = fromMicros(created), fromMicros(updated)
		found[a.MembershipSeq] = append(found[a.MembershipSeq], a)
		return err
	})
	return found, err
}

// words is a list of texts in a nullable column, as JSON.
type words []string

func (w *words) Scan(v any) error {
	var s string
	if err := (text{&s}).Scan(v); err != nil || s == "" {
		return err
	}
	return json.Unmarshal([]byte(s), (*[]string)(w))
}

func (w words) orNull() any {
	if len(w) == 0 {
		return nil
	}
	return asJSON([]string(w))
}

// InsertAssignments writes new assignments and gives them seq and id. A role that is there is ErrClash.
func (tx *Tx) InsertAssignments(list []*AssignmentRow) error {
	seqs, err := tx.nextSeqs("assignment", len(list))
	if err != nil || len(list) == 0 {
		return err
	}
	columns := []string{"seq", "id", "tenant", "membership", "role", "secondary", "cycles", "subjects", "created_at", "updated_at"}
	for i, a := range list {
		a.Seq, a.ID, a.CreatedAt, a.UpdatedAt = seqs[i], tx.newID(), tx.now, tx.now
	}
	return tx.copyRows("assignment", columns, len(list), func(i int) []any {
		a := list[i]
		return []any{a.Seq, tx.uuid(a.ID), tx.tenant, a.MembershipSeq, a.Role, a.Secondary, words(a.Cycles).orNull(), words(a.Subjects).orNull(), micros(a.CreatedAt), micros(a.UpdatedAt)}
	})
}

// UpdateAssignments writes assignments back. A role that is there is ErrClash.
func (tx *Tx) UpdateAssignments(list []*AssignmentRow) error {
	for _, a := range list {
		err := tx.exec("UPDATE assignment SET role = $1, secondary = $2, cycles = $3, subjects = $4, updated_at = $5 WHERE seq = $6 AND tenant = $7",
			a.Role, a.Secondary, words(a.Cycles).orNull(), words(a.Subjects).orNull(), micros(tx.now), a.Seq, tx.tenant)
		if clash(err) {
			return fmt.Errorf("%w: %w", ErrClash, err)
		}
		if err != nil {
			return err
		}
		a.UpdatedAt = tx.now
	}
	return nil
}

// DeleteAssignments removes assignments.
func (tx *Tx) DeleteAssignments(seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	return tx.exec("DELETE FROM assignment WHERE "+tx.among("seq", "$1")+" AND tenant = $2", tx.numbers(seqs), tx.tenant)
}

// distinct drops repeats, in order.
func distinct[T comparable](list []T) []T {
	seen := make(map[T]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}

// sortedSet drops repeats, and gives the order in which rows are locked.
func sortedSet(list []int64) []int64 {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
