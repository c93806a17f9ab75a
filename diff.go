package muster

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Record is the known facts of something as plain data: field name to value. What is not known is absent; nil never stands in one. Values are
// texts, booleans, numbers, lists of texts, phones or addresses.
type Record map[string]any

// Action says what a Change comes to.
type Action string

const (
	Nothing Action = "nothing"
	Create  Action = "create"
	Update  Action = "update"
	Delete  Action = "delete"
)

// Change is plain data: what differs between current and wanted, field by field. Fields are sorted by name.
type Change struct {
	Action Action        `json:"action"`
	Fields []FieldChange `json:"fields,omitempty"`
}

// FieldChange is one difference. Before is absent when the field was not known, After when it is to be cleared.
type FieldChange struct {
	Field    string `json:"field"`
	Before   any    `json:"before,omitempty"`
	After    any    `json:"after,omitempty"`
	Forecast bool   `json:"forecast,omitempty"` // After is what it would be now, such as a username not reserved yet
}

// Diff says what must change for current to become wanted. It is pure, and the only way in which two states of anything are compared. A nil
// record is something that does not exist:
//
//	current  wanted   Change
//	nil      nil      nothing
//	nil      record   create, every field of wanted
//	record   nil      delete, every field of current
//	record   record   update with the fields that differ, or nothing
func Diff(current, wanted Record) Change {
	c := Change{Action: Update}
	switch {
	case current == nil && wanted == nil:
		return Change{Action: Nothing}
	case current == nil:
		c.Action = Create
	case wanted == nil:
		c.Action = Delete
	}
	names := make([]string, 0, len(wanted)+4)
	for name := range wanted {
		names = append(names, name)
	}
	for name := range current {
		if _, both := wanted[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if before, after := current[name], wanted[name]; !same(before, after) {
			c.Fields = append(c.Fields, FieldChange{Field: name, Before: before, After: after})
		}
	}
	if c.Action == Update && len(c.Fields) == 0 {
		return Change{Action: Nothing}
	}
	return c
}

// same compares two values of a record, also when one of them has been through JSON.
func same(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	}
	if b == nil {
		return false
	}
	return reflect.DeepEqual(plain(a), plain(b))
}

// Empty says that nothing is to be done.
func (c Change) Empty() bool { return c.Action == Nothing || c.Action == "" }

// Field gives the change of one field.
func (c Change) Field(name string) (FieldChange, bool) {
	for _, f := range c.Fields {
		if f.Field == name {
			return f, true
		}
	}
	return FieldChange{}, false
}

// With gives c with one more field, of which neither value is told: that it was set is all that anybody may know.
func (c Change) With(field string) Change {
	if c.Empty() {
		c.Action = Update
	}
	c.Fields = append(slices.Clone(c.Fields), FieldChange{Field: field})
	slices.SortStableFunc(c.Fields, func(a, b FieldChange) int { return strings.Compare(a.Field, b.Field) })
	return c
}

// Names lists the fields that change.
func (c Change) Names() []string {
	names := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		names[i] = f.Field
	}
	return names
}

// Renames says whether an existing username is to become another.
func (c Change) Renames() bool {
	f, ok := c.Field("username")
	return ok && c.Action == Update && f.Before != nil
}

// Disables says whether somebody who could sign in no longer can: the state leaves active, enabled becomes false, or all goes.
func (c Change) Disables() bool {
	if c.Action == Delete {
		return true
	}
	if c.Action != Update {
		return false
	}
	if f, ok := c.Field("state"); ok && f.Before == string(Active) {
		return true
	}
	f, ok := c.Field("enabled")
	return ok && f.Before == true
}

// Apply gives r with the change carried out. r is not changed. It is the inverse of Diff: r.Apply(Diff(r, w)) equals w.
func (r Record) Apply(c Change) Record {
	if c.Action == Delete {
		return nil
	}
	if r == nil && c.Empty() {
		return nil
	}
	result := maps.Clone(r)
	if result == nil {
		result = make(Record, len(c.Fields))
	}
	for _, f := range c.Fields {
		if f.After == nil {
			delete(result, f.Field)
		} else {
			result[f.Field] = f.After
		}
	}
	return result
}

// Text gives a field's value as text, "" when it is not known or not a text.
func (r Record) Text(field string) string {
	s, _ := r[field].(string)
	return s
}

func itoa(i int) string { return strconv.Itoa(i) }
