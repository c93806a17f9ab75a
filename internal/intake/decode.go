package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// wish is what one row asks for, as far as the row alone tells.
type wish struct {
	row      int
	draft    muster.Draft
	groups   []string
	units    []string
	title    string
	role     string
	second   string
	cycles   []string
	subjects []string
	source   string         // key, see store.SourceKeyOf
	email    string         // key
	username string         // key
	address  string         // the username, where it is taken as the e-mail address too
	manager  string         // who is named as the manager, but not by id
	made     *muster.Person // what the row makes of somebody new
	faults   muster.Errors
	warnings muster.Errors
	secret   bool   // a password came with the row
	asked    *Asked // by a row that a profile has read as an object
}

// chunk is what Decode gives to Carry.
type chunk struct {
	options Options
	profile *Profile // nil when there is none
	wishes  []wish
}

// Decode reads rows as far as that needs no database.
func (in *Intake) Decode(ctx context.Context, b *store.BatchRow, rows []batch.Row) (any, error) {
	c := chunk{wishes: make([]wish, len(rows))}
	if err := json.Unmarshal(b.Options, &c.options); err != nil {
		return nil, fmt.Errorf("intake: options of batch %d: %w", b.Seq, err)
	}
	var err error
	if c.profile, err = in.profileOf(&c.options); err != nil {
		return nil, err
	}
	for i := range rows {
		c.wishes[i] = c.options.wish(&rows[i], c.profile)
		if i%500 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return c, nil
}

// wish reads one row, with all its faults.
func (o *Options) wish(row *batch.Row, profile *Profile) wish {
	w := o.asked(row, profile)
	if w.asked != nil {
		w.complete(o, profile)
		return w
	}
	if o.Addresses {
		w.readAddress()
	}
	if _, given := w.draft["source"]; !given && o.Source != "" && w.draft["source_id"] != nil {
		w.draft["source"] = o.Source
	}
	w.place(o)
	if w.role != "" && len(w.units) == 0 {
		w.warnings = append(w.warnings, muster.Errorf(muster.Unsupported, "role", "A role is held in a unit, and the row names none. It was not used."))
	}
	w.keys()
	w.askManager()
	w.checkNames()
	made := roster.Fresh()
	w.made, w.faults = &made, append(w.faults, made.Set(w.draft)...)
	return w
}

// readAddress takes the username as the e-mail address too, where it is one and the row has none.
func (w *wish) readAddress() {
	username := strings.TrimSpace(w.text("username"))
	if muster.ValidateEmail("email", username) != nil || w.text("email") != "" {
		return
	}
	w.address = username
	w.takeAddress(nil)
}

// takeAddress gives the person who is meant the address that their username is, unless they have one. It may be called again for the same row.
func (w *wish) takeAddress(found *store.PersonRow) {
	switch {
	case w.address == "":
	case found != nil && found.Email != "":
		delete(w.draft, "email")
	default:
		w.draft["email"] = w.address
	}
}

// asked is what stands in a row, with the faults in its form. profile may be nil.
func (o *Options) asked(row *batch.Row, profile *Profile) wish {
	w := wish{row: row.Number, faults: slices.Clone(row.Faults), warnings: slices.Clone(row.Warnings), secret: row.Secret}
	if row.JSON != nil && profile != nil && profile.object != nil {
		w.askObject(profile, row.JSON)
		return w
	}
	w.draft = make(muster.Draft, 8)
	switch {
	case row.JSON != nil:
		w.readObject(o, row.JSON)
	case profile != nil:
		w.prepared(o, profile, row.Cells)
	default:
		w.readCells(o, row.Cells)
	}
	return w
}

// checkNames refuses names of places, roles and managers that no database holds. The fields of the person check themselves.
func (w *wish) checkNames() {
	for _, name := range []struct {
		field string
		list  []string
		one   *string
	}{
		{"groups", w.groups, nil},
		{"unit", w.units, nil},
		{"cycles", w.cycles, nil},
		{"subjects", w.subjects, nil},
		{"unit_title", nil, &w.title},
		{"role", nil, &w.role},
		{"secondary_role", nil, &w.second},
		{"manager", nil, &w.manager},
	} {
		bad := slices.ContainsFunc(name.list, func(s string) bool { return !storable(s) })
		if name.one != nil && !storable(*name.one) {
			bad, *name.one = true, ""
		}
		if bad {
			w.faults = append(w.faults, muster.Errorf(muster.Invalid, name.field, "There is a control character in it."))
			w.groups, w.units = nil, nil // the row fails, and nothing of it is looked for
		}
	}
}

// storable says whether a text can stand in any of our databases: PostgreSQL takes no NUL and no broken UTF-8, and one such key would fail its chunk.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func (w *wish) keys() {
	get := func(field string) string {
		s, _ := w.draft[field].(string)
		if !storable(s) {
			return "" // a fault of the field, and nobody's key
		}
		return strings.TrimSpace(s)
	}
	w.source = store.SourceKeyOf(get("source"), get("source_id"))
	w.email, w.username = muster.FoldKey(get("email")), muster.FoldKey(get("username"))
}

func (w *wish) readCells(o *Options, cells []string) {
	var pairs map[string]string
	for _, c := range o.Columns {
		if c.Field != "" && c.Index < len(cells) && !isSecret(c.Field) {
			w.readCell(o, c, strings.TrimSpace(cells[c.Index]), &pairs)
		}
	}
	w.readPairs(pairs)
}

// readCell takes one cell of a table. Halves of attribute pairs are put together in pairs first.
func (w *wish) readCell(o *Options, c sheet.Column, cell string, pairs *map[string]string) {
	if pair, half, ok := attributePair(c.Field); ok {
		if *pairs == nil {
			*pairs = map[string]string{}
		}
		(*pairs)[pair+"."+half] = cell
		return
	}
	if cell == "" && (!o.EmptyClears || c.Field == "username") { // a username can be changed and not be taken away
		return
	}
	w.read(o, c, cell)
}

// read takes one cell. A cell that is empty clears.
func (w *wish) read(o *Options, c sheet.Column, cell string) {
	switch c.Field {
	case "groups":
		w.groups = listOf(cell)
	case "unit":
		w.units = unitsOf(cell)
	case "unit_title":
		w.title = cell
	case "role":
		w.role = cell
	case "secondary_role":
		w.second = cell
	case "cycles":
		w.cycles = listOf(cell)
	case "subjects":
		w.subjects = listOf(cell)
	case "password_change":
		return // there is nothing to change
	case "class_code", "school_year", "level", "account_required":
		w.draft["attributes."+c.Field] = cell
	case "state":
		w.readState(c, cell)
	case "birth_date", "hire_date":
		w.readDate(o, c.Field, cell)
	default:
		w.draft[c.Field] = cell
	}
}

func (w *wish) readState(c sheet.Column, cell string) {
	if cell == "" {
		return
	}
	state, ok := stateOf(cell, c.Opposite)
	if !ok {
		w.faults = append(w.faults, muster.Errorf(muster.Invalid, "state", "%q is no state; use active, staged, suspended, archived or deleted.", cut(cell)))
		return
	}
	w.draft["state"] = string(state)
}

func (w *wish) readDate(o *Options, field, cell string) {
	if cell == "" {
		w.draft[field] = nil
		return
	}
	date, err := dateOf(field, cell, o.Dates)
	if err != nil {
		w.faults = append(w.faults, err)
		return
	}
	w.draft[field] = date
}

// attributePair takes the field of a column that is half of a name and value pair apart.
func attributePair(field string) (pair, half string, ok bool) {
	rest, ok := strings.CutPrefix(field, "attribute_pair.")
	if !ok {
		return "", "", false
	}
	pair, half, _ = strings.Cut(rest, ".")
	return pair, half, true
}

// readPairs makes custom attributes of the columns attribute1_name, attribute1_value and so on. A pair that is empty is passed over.
func (w *wish) readPairs(halves map[string]string) {
	for key, name := range halves {
		pair, half, _ := strings.Cut(key, ".")
		if half != "name" {
			continue
		}
		value := halves[pair+".value"]
		switch {
		case name == "" && value != "":
			w.faults = append(w.faults, muster.Errorf(muster.Required, "attribute"+pair+"_name", "The value %q has no name.", cut(value)))
		case name != "" && value != "":
			w.draft["attributes."+name] = value
		}
	}
}

// readObject takes a row that is a JSON object: its names are fields, or what a column of that name would mean.
func (w *wish) readObject(o *Options, raw json.RawMessage) {
	object := ObjectOf(raw)
	names, ownNames := make([]string, 0, len(object)), true
	for name := range object {
		names, ownNames = append(names, name), ownNames && muster.KnownField(name)
	}
	slices.Sort(names)
	var said map[string]string // field to the name it was given under, where two names may mean one
	if !ownNames {
		said = make(map[string]string, len(names))
	}
	for _, name := range names {
		field := name
		if !muster.KnownField(name) {
			field = sheet.FieldOf(name)
		}
		other, twice := said[field]
		if !ownNames {
			said[field] = name
		}
		switch {
		case sheet.Ours(name):
		case isSecret(field):
			w.warnings = append(w.warnings, muster.Errorf(muster.Unsupported, name, "Passwords are not taken from imports. It was not stored."))
		case field == "":
			w.faults = append(w.faults, muster.Errorf(muster.Unsupported, name, "There is no field %q.", cut(name)))
		case tooLarge(object[name]):
			w.faults = append(w.faults, muster.Errorf(muster.Invalid, name, "There is a number in it that is too large."))
		case twice:
			w.faults = append(w.faults, muster.Errorf(muster.Invalid, field, "%q and %q mean the same. Give one of them.", cut(other), cut(name)))
		default:
			w.readMember(o, name, field, object[name])
		}
	}
}

// readMember takes the value that was given under a name for a field.
func (w *wish) readMember(o *Options, name, field string, value any) {
	switch {
	case field == "groups" || field == "unit" || field == "cycles" || field == "subjects":
		w.readList(o, field, value)
	case field == "state":
		c := sheet.Column{Field: field}
		if columns, err := sheet.Recognise([]string{name}); err == nil {
			c.Opposite = columns[0].Opposite // such as suspended: yes
		}
		if b, ok := value.(bool); ok {
			value = strconv.FormatBool(b)
		}
		w.readValue(o, c, value)
	case muster.KnownField(field) && field != "birth_date" && field != "hire_date":
		w.draft[field] = value
	default:
		w.readValue(o, sheet.Column{Field: field}, value)
	}
}

// readList takes a list of texts, or one text that holds a list.
func (w *wish) readList(o *Options, field string, value any) {
	list, isList := value.([]any)
	if !isList {
		w.readValue(o, sheet.Column{Field: field}, value)
		return
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			w.faults = append(w.faults, muster.Errorf(muster.Invalid, field, "A list of texts is expected here."))
			return
		}
		texts = append(texts, s)
	}
	w.read(o, sheet.Column{Field: field}, strings.Join(texts, "\n"))
}

// readValue takes a value that has the same meaning as the text in a cell.
func (w *wish) readValue(o *Options, c sheet.Column, value any) {
	switch v := value.(type) {
	case nil:
		w.read(o, c, "")
	case string:
		w.read(o, c, strings.TrimSpace(v))
	default:
		w.faults = append(w.faults, muster.Errorf(muster.Invalid, c.Field, "A text is expected here."))
	}
}
