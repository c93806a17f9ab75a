package muster

import (
	"slices"
	"strings"
)

// Has says that a draft asks for nothing but what is so already. It may say no where With comes to nothing either: it looks at plain values only, and
// spares an import the checks of what it finds unchanged.
func (p *Person) Has(d Draft) bool {
	for name, v := range d {
		if !p.has(name, v) {
			return false
		}
	}
	return true
}

func (p *Person) has(name string, v any) bool {
	var now any
	if i, ok := fieldIndex[name]; ok {
		if name == "attributes" || name == "flags" {
			return false
		}
		now = fields[i].get(p)
	} else {
		attribute, _ := strings.CutPrefix(name, "attributes.")
		s, known := p.Profile.Attributes[attribute]
		if !known || attribute == name {
			return false
		}
		now = s
	}
	switch x := v.(type) {
	case nil:
		return now == nil
	case string:
		s, ok := now.(string)
		return ok && s == x
	case bool:
		b, ok := now.(bool)
		return ok && b == x
	}
	return false
}

// ChangeTo is Diff(p.Record(), next.Record()), made without the records: what an import does for every row of somebody who is here.
func (p *Person) ChangeTo(next *Person) Change {
	c := Change{Action: Update}
	for _, f := range creationOrder {
		if f.equal != nil && f.equal(p, next) {
			continue
		}
		if before, after := f.get(p), f.get(next); !same(before, after) {
			c.Fields = append(c.Fields, FieldChange{Field: f.name, Before: before, After: after})
		}
	}
	parts := changedParts(nil, "attributes.", p.Profile.Attributes, next.Profile.Attributes)
	parts = changedParts(parts, "flags.", p.Profile.Flags, next.Profile.Flags)
	if c.Fields = append(c.Fields, parts...); len(c.Fields) == 0 {
		return Change{Action: Nothing}
	}
	if len(parts) > 0 {
		slices.SortFunc(c.Fields, func(a, b FieldChange) int { return strings.Compare(a.Field, b.Field) })
	}
	return c
}

// changedParts adds what differs between two maps whose entries are fields.
func changedParts[V any](parts []FieldChange, prefix string, before, after map[string]V) []FieldChange {
	value := func(m map[string]V, name string) any {
		if v, known := m[name]; known {
			return v
		}
		return nil
	}
	for name := range before {
		if b, a := value(before, name), value(after, name); !same(b, a) {
			parts = append(parts, FieldChange{Field: prefix + name, Before: b, After: a})
		}
	}
	for name, a := range after {
		if _, both := before[name]; !both && !same(nil, a) {
			parts = append(parts, FieldChange{Field: prefix + name, After: a})
		}
	}
	return parts
}
