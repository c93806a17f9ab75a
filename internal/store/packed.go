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
type PackedPeople struct{ packed }

// PackPeople makes people ready for InsertPackedPeople, of this transaction or another one of the tenant's. Their Seq and ID are set.
func (tx *Tx) PackPeople(people []*PersonRow) (*PackedPeople, error) {
	profiles, err := profiles(people)
	if err != nil {
		return nil, err
	}
	p := PackedPeople{tx.pack("person", newPersonColumns, len(people), func(i int) []any { return tx.newPerson(people[i], profiles[i]) })}
	return &p, tx.encode(&p.packed)
}

// InsertPackedPeople is InsertPeople for people who are ready.
func (tx *Tx) InsertPackedPeople(p *PackedPeople) error { return tx.insertPacked(&p.packed) }

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
	p := PackedItems{tx.pack("item", newItemColumns, len(items), func(i int) []any { return tx.newItem(&items[i], texts[i]) }), texts}
	return &p, tx.encode(&p.packed)
}

// InsertPackedItems is InsertItems for items that are ready.
func (tx *Tx) InsertPackedItems(p *PackedItems) error { return tx.insertPacked(&p.packed) }

// Texts gives the change and the reasons of item n as they are stored; "" stands for none.
func (p *PackedItems) Texts(n int) (change, reasons string) {
	change, _ = p.texts[n][0].(string)
	reasons, _ = p.texts[n][1].(string)
	return change, reasons
}

// pack gathers rows. Columns that no row has a value for are left out, which in bulk is a third of them.
func (tx *Tx) pack(table string, columns []string, rows int, at func(i int) []any) packed {
	p := packed{table: table, rows: make([][]any, rows)}
	used := make([]bool, len(columns))
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

// encode makes the bytes of a COPY, where the types of its columns are known already; else the connection that writes the rows will ask.
func (tx *Tx) encode(p *packed) error {
	known, ok := tx.store.types.Load(selectOf(p.table, p.columns))
	if !ok || tx.store.engine != Postgres || len(p.rows) <= fewRows {
		return nil
	}
	bytes, err := binaryCopy(known.([]uint32), p.rows).all()
	if err == nil {
		p.bytes, p.rows = bytes, nil
	}
	return err
}

func (tx *Tx) insertPacked(p *packed) error {
	if p.bytes != nil || tx.store.engine == Postgres && len(p.rows) > fewRows {
		return tx.copyFrom(p)
	}
	return tx.insertRows(p.table, p.columns, p.rows)
}
