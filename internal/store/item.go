package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/musterid/muster"
)

const itemColumns = "t.id, t.row_no, t.state, t.person, t.account, t.guard, t.change, t.reasons, t.at"

func scanItem(scan func(...any) error, more ...any) (muster.Item, error) {
	var i muster.Item
	var key int64
	var person, account, at sql.NullInt64
	var change, reasons sql.RawBytes
	err := scan(append([]any{&key, &i.Row, (*string)(&i.State), &person, &account, &i.Guard, &change, &reasons, &at}, more...)...)
	if err != nil {
		return i, err
	}
	i.Batch, i.Index = muster.SplitItemKey(key)
	i.Person, i.Account, i.At = person.Int64, account.Int64, fromMicros(at)
	if len(change) > 0 {
		if i.Change, err = muster.ParseChange(change); err != nil {
			return i, fmt.Errorf("store: change of item %d: %w", key, err)
		}
	}
	if len(reasons) > 0 {
		if err := json.Unmarshal(reasons, &i.Reasons); err != nil {
			return i, fmt.Errorf("store: reasons of item %d: %w", key, err)
		}
	}
	return i, nil
}

// InsertItems writes items with their outcome or plan. They must not be there yet.
func (tx *Tx) InsertItems(items []muster.Item) error {
	p, err := tx.PackItems(items)
	if err != nil {
		return err
	}
	return tx.InsertPackedItems(p)
}

var newItemColumns = []string{"id", "tenant", "row_no", "state", "person", "account", "guard", "change", "reasons", "at"}

// newItem says the values of newItemColumns.
func (tx *Tx) newItem(i *muster.Item, texts [2]any, to valueWriter) {
	to.number(muster.ItemKey(i.Batch, i.Index))
	to.number(tx.tenant)
	to.number(int64(i.Row))
	to.word(string(i.State))
	to.numberOrNull(i.Person)
	to.numberOrNull(i.Account)
	to.number(i.Guard)
	for _, text := range texts {
		s, _ := text.(string)
		to.text(s)
	}
	to.number(tx.now.UnixMicro())
}

// UpdateItems writes items back: those that were planned, or that wait for a target.
func (tx *Tx) UpdateItems(items []muster.Item) error {
	packed, err := packItems(items)
	if err != nil || len(items) == 0 {
		return err
	}
	if tx.store.engine == Postgres && len(items) > 1 {
		return tx.updateItemsTogether(items, packed)
	}
	for n := range items {
		i := &items[n]
		_, err := tx.repeated("UPDATE item SET state = $1, person = $2, account = $3, guard = $4, change = $5, reasons = $6, at = $7 WHERE id = $8 AND tenant = $9",
			string(i.State), orNullNumber(i.Person), orNullNumber(i.Account), i.Guard, packed[n][0], packed[n][1], tx.now.UnixMicro(), muster.ItemKey(i.Batch, i.Index), tx.tenant)
		if err != nil {
			return fmt.Errorf("store: update item: %w", err)
		}
	}
	return nil
}

func (tx *Tx) updateItemsTogether(items []muster.Item, packed [][2]any) error {
	u, query := tx.updateItemsSQL(items, packed)
	if _, err := u.write(tx, query); err != nil {
		return fmt.Errorf("store: update items: %w", err)
	}
	return nil
}

func (tx *Tx) updateItemsSQL(items []muster.Item, packed [][2]any) (u together, query string) {
	u.numbers("id", all(items, func(i *muster.Item) int64 { return muster.ItemKey(i.Batch, i.Index) }))
	u.texts("state", all(items, func(i *muster.Item) string { return string(i.State) }))
	u.numbers("person", all(items, func(i *muster.Item) int64 { return i.Person }))
	u.numbers("account", all(items, func(i *muster.Item) int64 { return i.Account }))
	u.numbers("guard", all(items, func(i *muster.Item) int64 { return i.Guard }))
	for part, name := range []string{"change", "reasons"} {
		u.texts(name, all(packed, func(p *[2]any) string { s, _ := p[part].(string); return s }))
	}
	return u, `UPDATE item AS t SET state = v.state, person = nullif(v.person, 0), account = nullif(v.account, 0), guard = v.guard,
 change = nullif(v.change, ''), reasons = nullif(v.reasons, ''), at = ` + u.arg(tx.now.UnixMicro()) + u.from() + "WHERE " + u.each("id") + " AND t.tenant = " + u.arg(tx.tenant)
}

func packItems(items []muster.Item) ([][2]any, error) {
	packed := make([][2]any, len(items))
	var space []byte
	var err error
	for n := range items {
		i := &items[n]
		if !i.Change.Empty() {
			if space, err = i.Change.AppendJSON(space[:0]); err != nil {
				return nil, fmt.Errorf("store: change of item %d: %w", i.Index, err)
			}
			packed[n][0] = string(space)
		}
		if len(i.Reasons) > 0 {
			b, err := json.Marshal(i.Reasons)
			if err != nil {
				return nil, fmt.Errorf("store: reasons of item %d: %w", i.Index, err)
			}
			packed[n][1] = string(b)
		}
	}
	return packed, nil
}

// Items gives the items of a batch from an index on, in order; those that are pending and have no row yet are absent. state may be empty.
func (tx *Tx) Items(batch int64, state muster.ItemState, from, limit int) ([]muster.Item, error) {
	w := where{}
	w.add("t.id >= ? AND t.id < ?", muster.ItemKey(batch, from), muster.ItemKey(batch+1, 0))
	w.add("t.tenant = ?", tx.tenant)
	switch state {
	case "":
	case muster.FailedItem, muster.SkippedItem:
		w.add("t.state IN ('failed', 'skipped')") // for the index that holds only these
		fallthrough
	default:
		w.add("t.state = ?", string(state))
	}
	return tx.items("SELECT "+itemColumns+" FROM item t WHERE "+w.sql()+" ORDER BY t.id LIMIT "+w.arg(limit), w.args)
}

// ItemsOfPerson gives what batches changed of a person and where they failed to, newest first, from before an item key (0: from the newest). What is
// only planned, was skipped, or found nothing to change did not happen to anybody; a list that comes every night would bury the rest under it.
func (tx *Tx) ItemsOfPerson(person, before int64, limit int) ([]muster.Item, error) {
	query, args := tx.itemsOfPersonSQL(person, before, limit)
	return tx.items(query, args)
}

func (tx *Tx) itemsOfPersonSQL(person, before int64, limit int) (string, []any) {
	w := where{}
	w.add("t.person = ?", person)
	w.add("(t.state = 'done' AND t.change IS NOT NULL OR t.state = 'failed')")
	w.add("t.tenant = ?", tx.tenant)
	if before > 0 {
		w.add("t.id < ?", before)
	}
	return "SELECT " + itemColumns + " FROM item t WHERE " + w.sql() + " ORDER BY t.id DESC LIMIT " + w.arg(limit), w.args
}

func (tx *Tx) items(query string, args []any) ([]muster.Item, error) {
	var list []muster.Item
	err := tx.each(query, args, func(scan func(...any) error) error {
		i, err := scanItem(scan)
		list = append(list, i)
		return err
	})
	return list, err
}

// RowsOf gives the rows of these people among the first items of a batch, those with an index before end that are done or planned. It looks at all of
// them, one after the other.
func (tx *Tx) RowsOf(batch int64, end int, people []int64) (map[int64]int, error) {
	rows := map[int64]int{}
	if len(people) == 0 {
		return rows, nil
	}
	in := "t.person = ANY ($4::bigint[])"
	if tx.store.engine == SQLite {
		in = "+t.person IN (SELECT value FROM json_each($4))"
	}
	query := "SELECT t.person, t.row_no FROM item t WHERE t.id >= $1 AND t.id < $2 AND t.tenant = $3 AND t.state IN ('done', 'planned') AND " + in
	args := []any{muster.ItemKey(batch, 0), muster.ItemKey(batch, end), tx.tenant, tx.numbers(people)}
	return rows, tx.each(query, args, rowOf(rows))
}

// PlannedRowsOf gives the rows of a batch that are planned for these people.
func (tx *Tx) PlannedRowsOf(batch int64, people []int64) (map[int64]int, error) {
	rows := map[int64]int{}
	query, args := tx.plannedRowsSQL(batch, people)
	return rows, tx.each(query, args, rowOf(rows))
}

func (tx *Tx) plannedRowsSQL(batch int64, people []int64) (string, []any) {
	return tx.perNumber("t.row_no", "item", "t.person = k.value AND t.id + 0 >= $2 AND t.id + 0 < $3 AND t.state = 'planned' AND t.tenant = $4"),
		[]any{tx.numbers(people), muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant}
}

// rowOf reads a person and a row.
func rowOf(rows map[int64]int) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var person int64
		var row int
		err := scan(&person, &row)
		rows[person] = row
		return err
	}
}

// ItemsIn gives what a batch has changed of some people so far, in order.
func (tx *Tx) ItemsIn(batch int64, people []int64) (map[int64][]muster.Item, error) {
	found := map[int64][]muster.Item{}
	query, args := tx.itemsInSQL(batch, people)
	err := tx.each(query, args, func(scan func(...any) error) error {
		var person int64
		item, err := scanItem(func(to ...any) error { return scan(append([]any{&person}, to...)...) })
		found[person] = append(found[person], item)
		return err
	})
	return found, err
}

func (tx *Tx) itemsInSQL(batch int64, people []int64) (string, []any) {
	return tx.perNumber(itemColumns, "item", "t.person = k.value AND t.id >= $2 AND t.id < $3 AND t.state = 'done' AND t.change IS NOT NULL AND t.tenant = $4") + " ORDER BY t.id",
		[]any{tx.numbers(people), muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant}
}

// OpenItemsOf gives the pending items of accounts: what a delivery settles.
func (tx *Tx) OpenItemsOf(accounts []int64) ([]muster.Item, error) {
	var list []muster.Item
	if len(accounts) == 0 {
		return nil, nil
	}
	query := tx.perNumber(itemColumns, "item", "t.account = k.value AND t.state = 'pending' AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(accounts), tx.tenant}, func(scan func(...any) error) error {
		var asked int64
		i, err := scanItem(func(to ...any) error { return scan(append([]any{&asked}, to...)...) })
		if err == nil {
			list = append(list, i)
		}
		return err
	})
	return list, err
}

// FirstPlanned gives the index of the first planned item of a batch. ok is false when there is none.
func (tx *Tx) FirstPlanned(batch int64) (index int, ok bool, err error) {
	var key sql.NullInt64
	err = tx.row("SELECT min(id) FROM item WHERE id >= $1 AND id < $2 AND tenant = $3 AND state = 'planned'",
		[]any{muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant}, &key)
	_, index = muster.SplitItemKey(key.Int64)
	return index, key.Valid, err
}

// SkipPlanned makes the planned items of a batch skipped, for a reason.
func (tx *Tx) SkipPlanned(batch int64, reason *muster.Error) error {
	reasons, err := json.Marshal(muster.Errors{reason})
	if err != nil {
		return fmt.Errorf("store: reason: %w", err)
	}
	return tx.exec("UPDATE item SET state = 'skipped', reasons = $1, at = $2 WHERE id >= $3 AND id < $4 AND tenant = $5 AND state = 'planned'",
		string(reasons), tx.now.UnixMicro(), muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant)
}

// StoredItems gives how many items of an import are stored: those of the rows from the first on that had their turn.
func (tx *Tx) StoredItems(batch int64) (int, error) {
	var key sql.NullInt64
	err := tx.row("SELECT max(id) FROM item WHERE id >= $1 AND id < $2 AND tenant = $3", []any{muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant}, &key)
	if err != nil || !key.Valid {
		return 0, err
	}
	_, index := muster.SplitItemKey(key.Int64)
	return index + 1, nil
}
