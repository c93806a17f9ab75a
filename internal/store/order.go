package store

import (
	"database/sql"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// An OrderItemRow is an item of an order with the time it came; At is that of its last change.
type OrderItemRow struct {
	muster.Item
	CreatedAt time.Time
}

// Orders lists orders, newest first, from a place in that list on: those of a unit, or with unit 0 those of the units of these paths or below, or
// with nil paths all.
func (tx *Tx) Orders(unit int64, within []string, skip, limit int) ([]BatchRow, error) {
	query, args := tx.ordersSQL(unit, within, skip, limit)
	var list []BatchRow
	err := tx.each(query, args, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		list = append(list, b)
		return err
	})
	return list, err
}

func (tx *Tx) ordersSQL(unit int64, within []string, skip, limit int) (string, []any) {
	w, from := where{}, "batch t"
	tenant := "t.tenant + 0 = ?" // what is of a unit is read by the unit, and not by looking all orders of the tenant through
	if unit == 0 && within == nil {
		tenant = "t.tenant = ?"
	}
	w.add(tenant, tx.tenant)
	w.add("t.waiting IS NOT NULL")
	switch {
	case unit != 0:
		w.add("t.unit = ?", unit)
	case within != nil:
		from = tx.unitsWithin(w.arg(tx.tenant), w.arg(tx.texts(within))) + tx.inTurn("batch", "t", "t.unit = u.seq")
	}
	return "SELECT " + batchColumns + " FROM " + from + " WHERE " + w.sql() + " ORDER BY t.seq DESC LIMIT " + w.arg(limit) + " OFFSET " + w.arg(skip), w.args
}

// BatchIDs gives the ids of batches by their numbers.
func (tx *Tx) BatchIDs(seqs []int64) (map[int64]uuid.UUID, error) {
	found := make(map[int64]uuid.UUID, len(seqs))
	if len(seqs) == 0 {
		return found, nil
	}
	query := tx.perNumber("t.id", "batch", "t.seq = k.value AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(seqs), tx.tenant}, func(scan func(...any) error) error {
		var seq int64
		var id uuid.UUID
		err := scan(&seq, &id)
		found[seq] = id
		return err
	})
	return found, err
}

// Order gives an order by id, or muster.NotFound.
func (tx *Tx) Order(id uuid.UUID) (BatchRow, error) {
	return tx.oneBatch("t.id = $1 AND t.tenant = $2 AND t.waiting IS NOT NULL", "There is no order of accounts "+id.String()+".", tx.uuid(id), tx.tenant)
}

// AwaitRun says that somebody was asked to run an order and has until a time to begin. It gives false when somebody runs it, or was asked before and
// has time yet.
func (tx *Tx) AwaitRun(seq int64, until time.Time) (bool, error) {
	n, err := tx.affect("UPDATE batch SET owner = NULL, lease = $1 WHERE seq = $2 AND tenant = $3 AND (lease IS NULL OR lease < $4)",
		micros(until), seq, tx.tenant, micros(tx.now))
	return n == 1, err
}

// AbandonedOrders lists the orders, of all tenants, whose run is not through, and that nobody runs or is about to.
func (tx *Tx) AbandonedOrders() ([]Abandoned, error) {
	var list []Abandoned
	err := tx.each(`SELECT tenant, seq, state FROM batch WHERE state IN ('receiving', 'planning', 'running') AND state = 'running' AND kind = 'provision' AND waiting IS NOT NULL
 AND next_index < total AND (lease IS NULL OR lease < $1) ORDER BY seq LIMIT 1000`, []any{micros(tx.now)}, func(scan func(...any) error) error {
		var a Abandoned
		err := scan(&a.Tenant, &a.Batch, (*string)(&a.State))
		list = append(list, a)
		return err
	})
	return list, err
}

// OrderItems gives the items of an order from an index on, in order.
func (tx *Tx) OrderItems(batch int64, from, limit int) ([]OrderItemRow, error) {
	query, args := tx.orderItemsSQL(batch, from, limit)
	var list []OrderItemRow
	err := tx.each(query, args, func(scan func(...any) error) error {
		var created sql.NullInt64
		i, err := scanItem(scan, &created)
		list = append(list, OrderItemRow{Item: i, CreatedAt: fromMicros(created)})
		return err
	})
	return list, err
}

func (tx *Tx) orderItemsSQL(batch int64, from, limit int) (string, []any) {
	return "SELECT " + itemColumns + ", t.created_at FROM item t WHERE t.id >= $1 AND t.id < $2 AND t.tenant = $3 ORDER BY t.id LIMIT $4",
		[]any{muster.ItemKey(batch, from), muster.ItemKey(batch+1, 0), tx.tenant, limit}
}

// AddToOrder adds pending items of people to an order, at its end. The caller has it locked, and writes it back.
func (tx *Tx) AddToOrder(b *BatchRow, people []int64) error {
	columns := []string{"id", "tenant", "row_no", "state", "person", "guard", "at", "created_at"}
	err := tx.copyRows("item", columns, len(people), func(n int) []any {
		return []any{
			muster.ItemKey(b.Seq, b.Total+n), tx.tenant, int64(0), string(muster.PendingItem), people[n], int64(0), tx.now.UnixMicro(), tx.now.UnixMicro(),
		}
	})
	b.Total += len(people)
	return err
}

// InOrder gives the index of a person's item in an order. ok is false when they have none.
func (tx *Tx) InOrder(batch, person int64) (index int, ok bool, err error) {
	var key sql.NullInt64
	query, args := tx.inOrderSQL(batch, person)
	err = tx.row(query, args, &key)
	_, index = muster.SplitItemKey(key.Int64)
	return index, key.Valid, err
}

// inOrderSQL has sums that keep the engines from reading the whole order: a person has few items. Those of orders have a time of creation, and so they are
// in the index.
func (tx *Tx) inOrderSQL(batch, person int64) (string, []any) {
	return "SELECT max(t.id) FROM item t WHERE t.person = $1 AND t.id + 0 >= $2 AND t.id + 0 < $3 AND t.created_at IS NOT NULL AND t.tenant = $4",
		[]any{person, muster.ItemKey(batch, 0), muster.ItemKey(batch+1, 0), tx.tenant}
}

// PeopleIn gives the people of the items of a batch that are done, or of all, from one index to before another, in order. It reads nothing but these
// items: joined with those of another batch, one of them may be read once for each of the other when it is so new that no statistics know of it.
func (tx *Tx) PeopleIn(batch int64, done bool, from, end int) ([]int64, error) {
	query, args := tx.peopleInSQL(batch, done, from, end)
	var people []int64
	err := tx.each(query, args, func(scan func(...any) error) error {
		var person int64
		err := scan(&person)
		people = append(people, person)
		return err
	})
	return people, err
}

func (tx *Tx) peopleInSQL(batch int64, done bool, from, end int) (string, []any) {
	w := where{}
	w.add("t.id >= ? AND t.id < ?", muster.ItemKey(batch, from), muster.ItemKey(batch, end))
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.person IS NOT NULL")
	if done {
		w.add("t.state = 'done'")
	}
	return "SELECT t.person FROM item t WHERE " + w.sql() + " ORDER BY t.id", w.args
}

// ToRepeat counts the items of an order that are through and that another run takes up again: those whose account has failed since, has gone with its
// target, or has not become its person's in time.
func (tx *Tx) ToRepeat(order int64) (n int, err error) {
	query, args := tx.toRepeatSQL(order)
	err = tx.row(query, args, &n)
	return n, err
}

func (tx *Tx) toRepeatSQL(order int64) (string, []any) {
	return `SELECT count(*) FROM item t LEFT JOIN account a ON a.seq = t.account WHERE t.id >= $1 AND t.id < $2 AND t.tenant = $3
 AND t.state IN ('done', 'skipped') AND t.account IS NOT NULL AND (a.seq IS NULL OR t.state = 'done' AND (a.state IN ('failed', 'conflict') OR a.activation IN ('expired', 'failed')))`,
		[]any{muster.ItemKey(order, 0), muster.ItemKey(order+1, 0), tx.tenant}
}

// RolesIn gives the role that people have in a unit: of several the one that was assigned first. Who has none is absent.
func (tx *Tx) RolesIn(unit int64, people []int64) (map[int64]string, error) {
	roles := make(map[int64]string, len(people))
	if unit == 0 || len(people) == 0 {
		return roles, nil
	}
	query, args := tx.rolesInSQL(unit, people)
	err := tx.each(query, args, func(scan func(...any) error) error {
		var person int64
		var role string
		err := scan(&person, text{&role})
		if role != "" {
			roles[person] = role
		}
		return err
	})
	return roles, err
}

// rolesInSQL orders by an expression, which no index is in the order of: PostgreSQL, while it has no statistics, would otherwise go through all
// assignments from the first on until it meets one of the membership.
func (tx *Tx) rolesInSQL(unit int64, people []int64) (query string, args []any) {
	return tx.perNumber("(SELECT a.role FROM assignment a WHERE a.membership = t.seq ORDER BY +a.seq LIMIT 1)", "membership",
		"t.person = k.value AND t.unit = $2 AND t.tenant = $3"), []any{tx.numbers(people), unit, tx.tenant}
}
