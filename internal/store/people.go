package store

import (
	"fmt"
	"time"

	"github.com/musterid/muster"
)

// PeopleSort is an order in which people can be listed. Each has an index.
type PeopleSort string

const (
	BySeq      PeopleSort = "created" // the order in which they came
	BySeqDown  PeopleSort = "-created"
	ByUsername PeopleSort = "username"
	ByName     PeopleSort = "name"
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
	Unit         int64  // seq
	UnitBelow    string // path: people of this unit and all below
	Group        int64  // seq
	CreatedSince time.Time
	UpdatedSince time.Time

	Sort     PeopleSort
	AfterKey string // of the last one of the page before, in the order of Sort
	AfterSeq int64
	Limit    int
}

// ListPeople gives one page of people in the order asked for.
func (tx *Tx) ListPeople(q PeopleQuery) ([]PersonRow, error) {
	w := where{}
	w.add("t.tenant = ?", tx.tenant)
	if q.State != "" {
		w.add("t.state = ?", string(q.State))
	} else {
		w.add("t.state <> 'deleted'")
	}
	for _, f := range []struct {
		column KeyColumn
		key    string
	}{
		{UsernameKey, muster.FoldKey(q.Username)}, {EmailKey, muster.FoldKey(q.Email)}, {EmployeeKey, q.EmployeeID}, {SourceKey, SourceKeyOf(q.Source, q.SourceID)},
		{PhoneKey, q.Phone},
	} {
		if f.key != "" {
			w.add("t."+string(f.column)+" = ?", f.key)
		}
	}
	if q.Name != "" {
		key := foldName(q.Name)
		w.add("t.name_key >= ? AND t.name_key < ?", key, key+"\x7f")
	}
	if !q.CreatedSince.IsZero() {
		w.add("t.created_at >= ?", q.CreatedSince.UnixMicro())
	}
	w.addScope(q)
	order := w.addOrder(q)
	var list []PersonRow
	query := "SELECT " + personColumns + " FROM person t WHERE " + w.sql() + " ORDER BY " + order + " LIMIT " + w.arg(q.Limit)
	err := tx.each(query, w.args, func(scan func(...any) error) error {
		p, err := scanPerson(scan)
		list = append(list, p)
		return err
	})
	return list, err
}

func (w *where) addScope(q PeopleQuery) {
	if q.Unit != 0 {
		w.add("t.seq IN (SELECT person FROM membership WHERE unit = ?)", q.Unit)
	}
	if q.UnitBelow != "" {
		w.add("t.seq IN (SELECT m.person FROM unit u JOIN membership m ON m.unit = u.seq WHERE u.tenant = t.tenant AND u.path >= ? AND u.path < ?)", q.UnitBelow, q.UnitBelow+"\x7f")
	}
	if q.Group != 0 {
		w.add("t.seq IN (SELECT person FROM group_member WHERE grp = ?)", q.Group)
	}
	if !q.UpdatedSince.IsZero() {
		// People who never changed are found by when they came; the index on updated_at holds the others.
		w.add("(t.version > 1 AND t.updated_at >= ? OR t.version = 1 AND t.created_at >= ?)", q.UpdatedSince.UnixMicro(), q.UpdatedSince.UnixMicro())
	}
}

// addOrder adds the condition that leads past the page before, and gives the ORDER BY.
func (w *where) addOrder(q PeopleQuery) string {
	switch q.Sort {
	case BySeqDown:
		if q.AfterSeq > 0 {
			w.add("t.seq < ?", q.AfterSeq)
		}
		return "t.seq DESC"
	case ByUsername:
		w.add("t.username_key > ?", q.AfterKey)
		return "t.username_key"
	case ByName:
		if q.AfterSeq > 0 {
			w.add("(t.name_key, t.seq) > (?, ?)", q.AfterKey, q.AfterSeq)
		} else {
			w.add("t.name_key IS NOT NULL")
		}
		return "t.name_key, t.seq"
	}
	if q.AfterSeq > 0 {
		w.add("t.seq > ?", q.AfterSeq)
	}
	return "t.seq"
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
