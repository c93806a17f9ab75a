package store

import (
	"database/sql"
	"fmt"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

const groupColumns = "t.seq, t.id, t.version, t.code, t.label, t.created_at, t.updated_at"

func scanGroup(scan func(...any) error, before ...any) (muster.Group, error) {
	var g muster.Group
	var created, updated sql.NullInt64
	err := scan(append(before, &g.Seq, &g.ID, &g.Version, &g.Code, &g.Label, &created, &updated)...)
	g.CreatedAt, g.UpdatedAt = fromMicros(created), fromMicros(updated)
	return g, err
}

// GroupsByID gives groups by id. Those that are not there, or are another tenant's, are absent from the result.
func (tx *Tx) GroupsByID(ids []uuid.UUID) (map[uuid.UUID]muster.Group, error) {
	found := make(map[uuid.UUID]muster.Group, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := tx.perText(groupColumns, "person_group", tx.isID()+" AND t.tenant = $2")
	err := tx.each(query, []any{tx.ids(ids), tx.tenant}, func(scan func(...any) error) error {
		var asked string
		g, err := scanGroup(scan, &asked)
		found[g.ID] = g
		return err
	})
	return found, err
}

// GroupsByCode gives groups by code. Case makes a difference.
func (tx *Tx) GroupsByCode(codes []string) (map[string]muster.Group, error) {
	found := make(map[string]muster.Group, len(codes))
	if len(codes) == 0 {
		return found, nil
	}
	query := tx.perText(groupColumns, "person_group", "t.tenant = $2 AND t.code = k.value")
	err := tx.each(query, []any{tx.texts(distinct(codes)), tx.tenant}, func(scan func(...any) error) error {
		var asked string
		g, err := scanGroup(scan, &asked)
		found[g.Code] = g
		return err
	})
	return found, err
}

// GroupQuery is which groups to list. Zero fields do not filter.
type GroupQuery struct {
	Label    string // the beginning, as people type it
	AfterSeq int64  // of the last one of the page before
	Limit    int
}

// ListGroups gives one page of groups in the order in which they came.
func (tx *Tx) ListGroups(q GroupQuery) ([]muster.Group, error) {
	w := where{}
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.seq > ?", q.AfterSeq)
	w.addPrefix("t.label_key", "t.label", q.Label)
	var list []muster.Group
	query := "SELECT " + groupColumns + " FROM person_group t WHERE " + w.sql() + " ORDER BY t.seq LIMIT " + w.arg(q.Limit)
	err := tx.each(query, w.args, func(scan func(...any) error) error {
		g, err := scanGroup(scan)
		list = append(list, g)
		return err
	})
	return list, err
}

// InsertGroups writes new groups and gives them seq, version, times, and an id where there is none yet. A code that is held is ErrClash.
func (tx *Tx) InsertGroups(groups []*muster.Group) error {
	seqs, err := tx.nextSeqs("person_group", len(groups))
	if err != nil || len(groups) == 0 {
		return err
	}
	for i, g := range groups {
		g.Seq, g.Version, g.CreatedAt, g.UpdatedAt = seqs[i], 1, tx.now, tx.now
		if g.ID == uuid.Nil {
			g.ID = tx.newID()
		}
	}
	columns := []string{"seq", "id", "tenant", "version", "code", "label", "label_key", "created_at", "updated_at"}
	return tx.copyRows("person_group", columns, len(groups), func(i int) []any {
		g := groups[i]
		return []any{g.Seq, tx.uuid(g.ID), tx.tenant, g.Version, g.Code, g.Label, foldName(g.Label), micros(g.CreatedAt), micros(g.UpdatedAt)}
	})
}

// UpdateGroup writes a group back and raises its version. One that moved on since it was read, or a code that is held, is ErrClash.
func (tx *Tx) UpdateGroup(g *muster.Group) error {
	err := tx.saved(tx.affect("UPDATE person_group SET version = version + 1, code = $1, label = $2, label_key = $3, updated_at = $4 WHERE seq = $5 AND tenant = $6 AND version = $7",
		g.Code, g.Label, foldName(g.Label), micros(tx.now), g.Seq, tx.tenant, g.Version))
	if err != nil {
		return fmt.Errorf("store: update group %d: %w", g.Seq, err)
	}
	g.Version, g.UpdatedAt = g.Version+1, tx.now
	return nil
}

// KeepGroups sees to it that none of these groups, which were read before, is removed until this transaction ends.
func (tx *Tx) KeepGroups(seqs []int64) error {
	return tx.lockRows("person_group", seqs, "FOR KEY SHARE")
}

// KeepOutOfGroups lets nobody join these groups before this transaction ends, and waits for those who are joining. It comes before looking
// whether a group is empty.
func (tx *Tx) KeepOutOfGroups(seqs []int64) error {
	return tx.lockRows("person_group", seqs, "FOR UPDATE")
}

// DeleteGroup removes a group for good, with all that anybody holds in it.
func (tx *Tx) DeleteGroup(seq int64) error {
	if err := tx.exec("DELETE FROM group_member WHERE grp = $1 AND tenant = $2", seq, tx.tenant); err != nil {
		return err
	}
	return tx.exec("DELETE FROM person_group WHERE seq = $1 AND tenant = $2", seq, tx.tenant)
}

// GroupMember is a person in a group.
type GroupMember struct {
	Group    int64
	Code     string // of the group; looked up for reading
	Person   int64
	PersonID uuid.UUID // looked up for reading
	Title    string
}

// GroupMembers gives one page of a group's members, in the order of seq, from after a person (0: from the first). Deleted people are left out.
func (tx *Tx) GroupMembers(group, afterPerson int64, limit int) ([]GroupMember, error) {
	var list []GroupMember
	query := `SELECT t.grp, t.person, p.id, t.title FROM group_member t JOIN person p ON p.seq = t.person
 WHERE t.grp = $1 AND t.tenant = $2 AND t.person > $3 AND p.state <> 'deleted' ORDER BY t.person LIMIT $4`
	err := tx.each(query, []any{group, tx.tenant, afterPerson, limit}, func(scan func(...any) error) error {
		var m GroupMember
		err := scan(&m.Group, &m.Person, &m.PersonID, text{&m.Title})
		list = append(list, m)
		return err
	})
	return list, err
}

// GroupsOf gives what groups people are in, by person, sorted by code.
func (tx *Tx) GroupsOf(people []int64) (map[int64][]GroupMember, error) {
	found := make(map[int64][]GroupMember, len(people))
	if len(people) == 0 {
		return found, nil
	}
	query := `SELECT x.value, x.grp, g.code, x.title FROM (` + tx.perNumber("t.grp, t.title", "group_member", "t.person = k.value AND t.tenant = $2") + `) AS x
 JOIN person_group g ON g.seq = x.grp ORDER BY x.value, g.code`
	err := tx.each(query, []any{tx.numbers(distinct(people)), tx.tenant}, func(scan func(...any) error) error {
		var m GroupMember
		err := scan(&m.Person, &m.Group, &m.Code, text{&m.Title})
		found[m.Person] = append(found[m.Person], m)
		return err
	})
	return found, err
}

// AddGroupMembers writes new members of groups. One who is there is ErrClash.
func (tx *Tx) AddGroupMembers(list []GroupMember) error {
	return tx.copyRows("group_member", []string{"tenant", "grp", "person", "title"}, len(list), func(i int) []any {
		return []any{tx.tenant, list[i].Group, list[i].Person, orNull(list[i].Title)}
	})
}

// UpdateGroupMembers writes titles back.
func (tx *Tx) UpdateGroupMembers(list []GroupMember) error {
	for _, m := range list {
		err := tx.exec("UPDATE group_member SET title = $1 WHERE grp = $2 AND person = $3 AND tenant = $4", orNull(m.Title), m.Group, m.Person, tx.tenant)
		if err != nil {
			return err
		}
	}
	return nil
}

// RemoveGroupMembers takes people out of a group. Those who are not in it do not matter.
func (tx *Tx) RemoveGroupMembers(group int64, people []int64) error {
	if len(people) == 0 {
		return nil
	}
	return tx.exec("DELETE FROM group_member WHERE grp = $1 AND "+tx.among("person", "$2")+" AND tenant = $3", group, tx.numbers(people), tx.tenant)
}
