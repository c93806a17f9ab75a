package intake

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// Of nearly all rows of a list that comes every night nothing comes. They are compared with the directory cell by cell, as the rows and the database have
// the texts; only what differs is made a wish of, and decided on as everything is.

// Rest is Recognise for rows as they came, of which nearly all ask for nothing but what is so already. A value that is there is not checked again.
func (in *Intake) Rest(tx *store.Tx, b *store.BatchRow, rows []batch.Row, first int) (*batch.Foreseen, error) {
	o, err := OptionsOf(*b)
	if err != nil {
		return nil, err
	}
	t := tableOf(&o)
	if t == nil || !tx.ComparesStandings() {
		return nil, nil
	}
	tenant, err := wholeTenant(tx, b)
	if tenant == nil || err != nil {
		return nil, err
	}
	t.read(rows)
	standings, err := tx.Standings(t.by, t.keys, store.Said{Fields: t.fields, Texts: t.texts})
	if err != nil {
		return nil, err
	}
	odd := chunk{options: o}
	place := make([]int, len(rows)) // of each row: among those at odds, counted from 1
	for i := range rows {
		if s := t.standing(i, standings); s == nil || !s.Alike {
			odd.wishes = append(odd.wishes, o.wish(&rows[i], nil))
			place[i] = len(odd.wishes)
		}
	}
	if 2*len(odd.wishes) > len(rows) || !odd.ofKnown() {
		return nil, nil
	}
	people, _, err := in.recognise(tx, b, tenant, &odd)
	if people == nil || err != nil {
		return nil, err
	}
	items := doneItems(odd.briefs(), b.Seq, first, people.Outcome)
	all, meant, versions := make([]muster.Item, len(rows)), make([]int64, len(rows)), int64(0)
	resting := make([]int64, 0, len(rows))
	for i := range rows {
		if n := place[i]; n > 0 {
			all[i] = items[n-1]
			all[i].Index = first + i
		} else {
			s := t.standing(i, standings)
			all[i] = muster.Item{Batch: b.Seq, Index: first + i, Row: rows[i].Number, State: muster.DoneItem, Person: s.Person, Guard: s.Version, Change: nothing}
			resting, versions = append(resting, s.Person), versions+s.Version
		}
		meant[i] = all[i].Person
	}
	if repeats(meant) {
		return nil, nil
	}
	people.AlsoRest(resting, versions)
	return foreseen(people, tenant, meant, all), nil
}

var nothing = muster.Change{Action: muster.Nothing}

// repeats says whether somebody stands in a list twice.
func repeats(people []int64) bool {
	sorted := slices.Sorted(slices.Values(people))
	return len(slices.Compact(sorted)) < len(people)
}

// table is the texts that stand in the cells of rows, in the form in which the directory has them.
type table struct {
	o       *Options
	columns []tableColumn
	fields  []string // that are compared
	places  map[string]int

	by   store.KeyColumn // that tells who is meant
	keys []string
	said []string // a text for each field of each key
	at   []int    // of each row: its key, counted from 1; 0 is a row that is to be read the usual way
}

type tableColumn struct {
	sheet.Column
	field int // -1 is one that is not compared: nothing may stand in it
}

// tableOf gives nil for rows that are more than their cells.
func tableOf(o *Options) *table {
	if o.Profile != "" || o.Unit != uuid.Nil || o.EmptyClears || o.Addresses || len(o.Columns) == 0 || o.Matching != muster.Upsert && o.Matching != muster.UpdateOnly {
		return nil
	}
	t := &table{o: o, places: map[string]int{}}
	for _, c := range o.Columns {
		if c.Field == "" || isSecret(c.Field) || c.Field == "password_change" {
			continue
		}
		column := tableColumn{c, -1}
		if store.Comparable(c.Field) {
			if _, twice := t.places[c.Field]; twice {
				return nil
			}
			column.field = t.compare(c.Field)
		}
		t.columns = append(t.columns, column)
	}
	for _, field := range []string{"source", "source_id", "email", "username", string(store.EmailKey)} {
		if _, known := t.places[field]; !known {
			t.compare(field)
		}
	}
	return t
}

func (t *table) compare(field string) int {
	t.places[field] = len(t.fields)
	t.fields = append(t.fields, field)
	return t.places[field]
}

// texts gives what is said of the person of a key.
func (t *table) texts(key int) []string { return t.said[key*len(t.fields) : (key+1)*len(t.fields)] }

// standing gives that of the person of row i; nil when nobody is, or the row is to be read the usual way.
func (t *table) standing(i int, standings []store.Standing) *store.Standing {
	if key := t.at[i] - 1; key >= 0 && standings[key].Person != 0 {
		return &standings[key]
	}
	return nil
}

func (t *table) read(rows []batch.Row) {
	t.at, t.keys = make([]int, len(rows)), make([]string, 0, len(rows))
	t.said = make([]string, 0, len(rows)*len(t.fields))
	for i := range rows {
		before := len(t.said)
		t.said = slices.Grow(t.said, len(t.fields))[:before+len(t.fields)]
		column, key, ok := t.row(&rows[i], t.said[before:])
		if ok && len(t.keys) == 0 {
			t.by = column
		}
		if !ok || column != t.by {
			clear(t.said[before:])
			t.said = t.said[:before]
			continue
		}
		t.keys = append(t.keys, key)
		t.at[i] = len(t.keys)
	}
}

// row takes the texts of one row, and the key that tells who is meant. ok is false for a row that is to be read the usual way.
func (t *table) row(row *batch.Row, texts []string) (column store.KeyColumn, key string, ok bool) {
	if row.JSON != nil || row.Secret || len(row.Faults)+len(row.Warnings) > 0 {
		return "", "", false
	}
	for i := range t.columns {
		c := &t.columns[i]
		if c.Index >= len(row.Cells) {
			continue
		}
		cell := strings.TrimSpace(row.Cells[c.Index])
		if cell == "" {
			continue
		}
		if c.field < 0 || !storable(cell) {
			return "", "", false
		}
		if texts[c.field], ok = t.text(&c.Column, cell); !ok {
			return "", "", false
		}
	}
	source, id, email := &texts[t.places["source"]], texts[t.places["source_id"]], texts[t.places["email"]]
	if *source == "" && id != "" {
		*source = t.o.Source
	}
	emailKey := muster.FoldKey(email)
	texts[t.places[string(store.EmailKey)]] = emailKey
	switch username := texts[t.places["username"]]; {
	case id != "":
		return store.SourceKey, store.SourceKeyOf(*source, id), true
	case emailKey != "":
		return store.EmailKey, emailKey, true
	default:
		return store.UsernameKey, muster.FoldKey(username), username != ""
	}
}

// text is a cell in the form in which the directory has it.
func (t *table) text(c *sheet.Column, cell string) (string, bool) {
	switch c.Field {
	case "state":
		state, ok := stateOf(cell, c.Opposite)
		return string(state), ok
	case "birth_date", "hire_date":
		date, err := dateOf(c.Field, cell, t.o.Dates)
		return date, err == nil
	}
	return cell, true
}
