package store

import (
	"slices"

	"github.com/musterid/muster"
)

// packed is rows of a table that only wait to be written: they can be made ready while other rows are written.
type packed struct {
	table   string
	columns []string
	rows    [][]any
	bytes   []byte // the whole of a binary COPY, in place of the rows
}

// PackedPeople are new people who only wait to be written.
type PackedPeople struct {
	packed
	people []*PersonRow // those of whom not all was known; nil when there are none
}

// counted are the columns of what comes from counters, and countedOf their values.
var counted = []string{"seq", "id", "username", "username_key", "code", "code_key"}

func (tx *Tx) countedOf(p *PersonRow) []any {
	return []any{p.Seq, tx.uuid(p.ID), orNull(p.Username), orNull(p.Keys.Username), orNull(p.Code), orNull(p.Keys.Code)}
}

// PackPeople makes people ready for InsertPackedPeople, of this transaction or another one of the tenant's. Unless they are numbered, their Seq, ID,
// Username and Code are looked at when they are written; all else is as it is now.
func (tx *Tx) PackPeople(people []*PersonRow, numbered bool) (*PackedPeople, error) {
	if numbered {
		p, err := tx.packPeople(people, nil)
		return &PackedPeople{packed: p}, err
	}
	p, err := tx.packPeople(people, counted)
	return &PackedPeople{p, people}, err
}

// packPeople gathers people. Those of whom some columns are still to come are rows that can be written to.
func (tx *Tx) packPeople(people []*PersonRow, toCome []string) (packed, error) {
	profiles := make([]string, len(people))
	for i, p := range people {
		var err error
		if profiles[i], err = profileText(p); err != nil {
			return packed{}, err
		}
	}
	return tx.packRows("person", newPersonColumns, toCome, len(people), func(i int, to valueWriter) { tx.newPerson(people[i], profiles[i], to) }), nil
}

// InsertPackedPeople is InsertPeople for people who are ready.
func (tx *Tx) InsertPackedPeople(p *PackedPeople) error {
	places := make([]int, len(counted))
	for n, column := range counted {
		places[n] = slices.Index(p.columns, column)
	}
	for i, person := range p.people {
		for n, v := range tx.countedOf(person) {
			p.rows[i][places[n]] = v
		}
	}
	return tx.insertPacked(&p.packed)
}

// PackedItems are items that only wait to be written.
type PackedItems struct {
	packed
	texts [][2]any
}

// PackItems makes items ready for InsertPackedItems, of this transaction or another one of the tenant's.
func (tx *Tx) PackItems(items []muster.Item) (*PackedItems, error) {
	texts, err := packItems(items)
	if err != nil {
		return nil, err
	}
	p := tx.packRows("item", newItemColumns, nil, len(items), func(i int, to valueWriter) { tx.newItem(&items[i], texts[i], to) })
	return &PackedItems{p, texts}, nil
}

// InsertPackedItems is InsertItems for items that are ready.
func (tx *Tx) InsertPackedItems(p *PackedItems) error { return tx.insertPacked(&p.packed) }

// Texts gives the change and the reasons of item n as they are stored; "" stands for none.
func (p *PackedItems) Texts(n int) (change, reasons string) {
	change, _ = p.texts[n][0].(string)
	reasons, _ = p.texts[n][1].(string)
	return change, reasons
}

// packRows gathers rows that say their values. Those of which no column is to come are the bytes of a COPY on PostgreSQL, with all columns: what is NULL
// everywhere costs next to nothing there.
func (tx *Tx) packRows(table string, columns, toCome []string, rows int, row func(i int, to valueWriter)) packed {
	if tx.store.engine == Postgres && rows > tx.few() && toCome == nil {
		return packed{table: table, columns: columns, bytes: copyOf(len(columns), rows, row)}
	}
	return tx.pack(table, columns, toCome, rows, func(i int) []any {
		values := driverValues{tx, make([]any, 0, len(columns))}
		row(i, &values)
		return values.list
	})
}

// pack gathers rows. Columns that no row has a value for are left out, which in bulk is a third of them, but for those that are kept.
func (tx *Tx) pack(table string, columns, kept []string, rows int, at func(i int) []any) packed {
	p := packed{table: table, rows: make([][]any, rows)}
	used := make([]bool, len(columns))
	for n, column := range columns {
		used[n] = slices.Contains(kept, column)
	}
	for i := range p.rows {
		p.rows[i] = at(i)
		for n, v := range p.rows[i] {
			used[n] = used[n] || v != nil
		}
	}
	p.columns = keep(slices.Clone(columns), used)
	for i := range p.rows {
		p.rows[i] = keep(p.rows[i], used)
	}
	return p
}

func (tx *Tx) insertPacked(p *packed) error {
	if p.bytes != nil || tx.store.engine == Postgres && len(p.rows) > tx.few() {
		return tx.copyFrom(p)
	}
	return tx.insertRows(p.table, p.columns, p.rows)
}
