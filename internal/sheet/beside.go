package sheet

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"github.com/musterid/muster"
)

// Beside has the rows of further sheets of a workbook put beside those of this one: of each row here, the rows there that have the same text in the
// column that means key, ignoring case. From then on Header and Next give both. reading says in the words of a mapping what the columns of a header
// mean; Beside gives the mapping of the whole header, and the other rows are kept on disk until they are needed.
//
// A column there that means the same as one here, or has the same header, fills its blank cells. Several rows there for one here add up where the
// field is a list; where it is not, and they differ, that is a fault of the row here. It comes before the first Next.
func (r *Reader) Beside(names []string, key string, reading func(header []string) (map[string]string, error)) (map[string]string, error) {
	if r.book == nil || r.spool == nil {
		return nil, muster.Errorf(muster.Unsupported, "sheet", "Only a workbook has sheets.")
	}
	b := &beside{
		key: key, width: len(r.header), header: slices.Clone(r.header), fields: map[string]int{}, mapping: map[string]string{}, lists: map[int]bool{}, secret: map[int]bool{},
		seed: maphash.MakeSeed(), spool: &spool{dir: r.spool.dir, inside: insideBytes}, main: r.format.Sheet,
	}
	columns, err := b.columns(r, reading)
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		b.put(c, c.Index)
	}
	b.own = b.fields[key]
	r.beside = b // Close frees it, whatever comes
	for _, name := range names {
		if err := b.takeIn(r, name, reading); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(b.index, func(x, y besideRow) int { return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.start, y.start)) })
	return b.mapping, nil
}

// beside is the rows of further sheets, found by key.
type beside struct {
	key     string // the field
	own     int    // the column of the main sheet that means it
	width   int    // of the main sheet
	main    string
	header  []string
	mapping map[string]string
	fields  map[string]int // field, or header of a column without one, to column
	lists   map[int]bool   // columns whose cells add up
	secret  map[int]bool   // columns of passwords

	seed  maphash.Seed
	spool *spool
	index []besideRow
	left  []Leftover // of each sheet: what had no key
	buf   []byte
}

// besideRow says where a row is kept: a few bytes for each, whatever stands in it.
type besideRow struct {
	hash  uint64
	start int64
	n     int32
	sheet uint16
	used  bool
}

// keptRow is a row as it is kept.
type keptRow struct {
	Key    string        `json:"k"`
	Number int           `json:"n"`
	Cells  []keptCell    `json:"c"`
	Faults muster.Errors `json:"f,omitempty"`
}

type keptCell struct {
	At   int    `json:"i"`
	Text string `json:"t"`
}

// Leftover is the rows of a sheet that belonged to none of the main one.
type Leftover struct {
	Sheet string
	Main  string
	Rows  int
	First int // the number of the first of them
}

// Left says which rows of further sheets belonged to none, once Next has given all rows.
func (r *Reader) Left() ([]Leftover, error) {
	if r.beside == nil {
		return nil, nil
	}
	return r.beside.leftovers()
}

func (b *beside) leftovers() ([]Leftover, error) {
	list := slices.Clone(b.left)
	first := make([]*besideRow, len(list))
	for i := range b.index {
		row := &b.index[i]
		if row.used {
			continue
		}
		list[row.sheet].Rows++
		if f := first[row.sheet]; f == nil || row.start < f.start {
			first[row.sheet] = row
		}
	}
	for i, row := range first {
		if row == nil {
			continue
		}
		kept, err := b.read(row)
		if err != nil {
			return nil, err
		}
		if list[i].First == 0 || kept.Number < list[i].First {
			list[i].First = kept.Number
		}
	}
	return slices.DeleteFunc(list, func(l Leftover) bool { return l.Rows == 0 }), nil
}

// besideColumn is a column of a sheet. asked says that its meaning was said, and not recognised.
type besideColumn struct {
	Column
	asked bool
}

// columns says what the columns of a sheet mean; one of them is the key.
func (b *beside) columns(r *Reader, reading func([]string) (map[string]string, error)) ([]besideColumn, error) {
	mapping, err := reading(r.header)
	if err != nil {
		return nil, err
	}
	columns, err := Map(r.header, mapping)
	if err != nil {
		return nil, err
	}
	asked := make([]bool, len(columns))
	for name := range mapping {
		if i := slices.IndexFunc(r.header, func(h string) bool { return strings.EqualFold(h, strings.TrimSpace(name)) }); i >= 0 {
			asked[i] = true
		}
	}
	list := make([]besideColumn, len(columns))
	hasKey := false
	for i, c := range columns {
		list[i] = besideColumn{c, asked[i]}
		hasKey = hasKey || c.Field == b.key
	}
	if !hasKey {
		return nil, muster.Errorf(muster.Required, b.key, "The sheet %q has no column that means %s, by which rows of the sheets belong together; it has %s.",
			short(r.format.Sheet), b.key, quotedList(r.header))
	}
	return list, nil
}

// put makes a column of the header known.
func (b *beside) put(c besideColumn, at int) {
	b.fields[c.key()] = at
	switch {
	case c.Ignored:
		b.mapping[c.Header] = Ignore
	case c.Field != "" && (c.asked || b.header[at] != c.Header):
		b.mapping[b.header[at]] = c.Field
	}
	b.lists[at] = c.Field == "cycles" || c.Field == "subjects" || c.Field == "groups" || c.Field == "unit"
	b.secret[at] = secretField(c.Field)
}

// key is what two columns have in common that are the same.
func (c besideColumn) key() string {
	if c.Field != "" {
		return c.Field
	}
	return "\x00" + strings.ToLower(c.Header)
}

// takeIn reads one further sheet.
func (b *beside) takeIn(r *Reader, name string, reading func([]string) (map[string]string, error)) error {
	other, err := r.OpenSheet(name)
	if err != nil {
		return err
	}
	columns, err := b.columns(other, reading)
	if err != nil {
		return err
	}
	key, at := 0, make([]int, len(columns)) // of each column there: its place in the whole header; -1 is none
	for i, c := range columns {
		if at[i] = -1; c.Field == b.key {
			key = i
		} else if at[i], err = b.place(c, r.limits); err != nil {
			return err
		}
	}
	b.left = append(b.left, Leftover{Sheet: other.format.Sheet, Main: b.main})
	for {
		row, err := other.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(b.index) >= r.limits.Rows {
			return tooLong("rows", "The sheets beside %q have more than %d rows", short(b.main), r.limits.Rows)
		}
		if err := b.keep(row, key, at); err != nil {
			return err
		}
	}
}

// place finds the column of the whole header that a column of a further sheet goes to, and makes it where there is none.
func (b *beside) place(c besideColumn, limits Limits) (int, error) {
	if c.Ours || c.Ignored {
		return -1, nil
	}
	if at, known := b.fields[c.key()]; known {
		return at, nil
	}
	if len(b.header) >= limits.Columns {
		return 0, tooLong("columns", "The sheets have more than %d columns together", limits.Columns)
	}
	seen := make(map[string]int, len(b.header))
	for i, h := range b.header {
		seen[strings.ToLower(h)] = i
	}
	name := c.Header
	if _, taken := seen[strings.ToLower(name)]; taken {
		name = unusedName(len(b.header), seen)
	}
	b.header = append(b.header, name)
	b.put(c, len(b.header)-1)
	return len(b.header) - 1, nil
}

// keep writes a row of a further sheet away. Passwords are not even kept for the moment.
func (b *beside) keep(row Row, key int, at []int) error {
	kept := keptRow{Key: muster.FoldKey(strings.TrimSpace(row.Cells[key])), Number: row.Number, Faults: row.Faults}
	sheet := len(b.left) - 1
	if kept.Key == "" {
		if b.left[sheet].Rows++; b.left[sheet].First == 0 {
			b.left[sheet].First = row.Number
		}
		return nil
	}
	for i, cell := range row.Cells {
		if i < len(at) && at[i] >= 0 && !b.secret[at[i]] && strings.TrimSpace(cell) != "" {
			kept.Cells = append(kept.Cells, keptCell{at[i], cell})
		}
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("sheet: keep row %d: %w", row.Number, err)
	}
	start := b.spool.size
	if _, err := b.spool.Write(text); err != nil {
		return err
	}
	b.index = append(b.index, besideRow{hash: maphash.String(b.seed, kept.Key), start: start, n: int32(len(text)), sheet: uint16(sheet)}) //nolint:gosec // cells are bounded, and so are sheets
	return nil
}

func (b *beside) read(row *besideRow) (kept keptRow, err error) {
	b.buf = slices.Grow(b.buf[:0], int(row.n))[:row.n]
	if _, err := b.spool.ReadAt(b.buf, row.start); err != nil && !errors.Is(err, io.EOF) {
		return kept, fmt.Errorf("sheet: read a row of another sheet: %w", err)
	}
	if err := json.Unmarshal(b.buf, &kept); err != nil {
		return kept, fmt.Errorf("sheet: read a row of another sheet: %w", err)
	}
	return kept, nil
}

// extend puts what further sheets say beside a row. Cells that a row has too many stay behind everything, so that it shows its fault.
func (b *beside) extend(row *Row) error {
	key := muster.FoldKey(strings.TrimSpace(row.Cells[b.own]))
	row.Cells = slices.Insert(row.Cells, b.width, make([]string, len(b.header)-b.width)...)
	if key == "" {
		return nil
	}
	hash := maphash.String(b.seed, key)
	from, _ := slices.BinarySearchFunc(b.index, hash, func(r besideRow, h uint64) int { return cmp.Compare(r.hash, h) })
	said := map[int]keptRow{} // which row there filled a column
	for i := from; i < len(b.index) && b.index[i].hash == hash; i++ {
		kept, err := b.read(&b.index[i])
		if err != nil {
			return err
		}
		if kept.Key == key {
			b.index[i].used = true
			b.lay(row, kept, b.left[b.index[i].sheet].Sheet, said)
		}
	}
	return nil
}

// lay puts the cells of one row of another sheet into a row. said tells which columns such rows have filled before.
func (b *beside) lay(row *Row, kept keptRow, sheet string, said map[int]keptRow) {
	row.Faults = append(row.Faults, kept.Faults...)
	for _, c := range kept.Cells {
		before, filled := said[c.At]
		switch {
		case strings.TrimSpace(row.Cells[c.At]) == "":
			row.Cells[c.At], said[c.At] = c.Text, kept
		case !filled || strings.TrimSpace(row.Cells[c.At]) == strings.TrimSpace(c.Text): // the row's own word counts, and the same twice is once
		case b.lists[c.At]:
			if !slices.Contains(strings.Split(row.Cells[c.At], ","), c.Text) {
				row.Cells[c.At] += "," + c.Text
			}
		default:
			row.Faults = append(row.Faults, muster.Errorf(muster.Invalid, b.header[c.At], "Rows %d and %d of the sheet %q say different things of this person in the column %q, which takes one.",
				before.Number, kept.Number, short(sheet), short(b.header[c.At])))
		}
	}
}

func (b *beside) close() error { return b.spool.Close() }
