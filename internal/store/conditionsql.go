package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// meets is a condition in SQL, about the person t.
func (l *listing) meets(c Condition) (string, error) {
	switch {
	case c.empty():
		return "1 = 1", nil
	case c.Any != nil:
		return l.joined(c.Any, " OR ", "1 = 0")
	case c.Field == "":
		return l.joined(c.All, " AND ", "1 = 1")
	}
	kind, list, known := Findable(c.Field)
	if !known {
		return "", fmt.Errorf("store: there is no field %q to find people by", c.Field)
	}
	if list {
		return l.entryMeets(c), nil
	}
	return l.compare(c, c.kindOr(kind), func() string { return l.value(c.Field, c.Kind) }), nil
}

func (l *listing) joined(list []Condition, by, none string) (string, error) {
	if len(list) == 0 {
		return none, nil
	}
	parts := make([]string, len(list))
	for i, one := range list {
		var err error
		if parts[i], err = l.meets(one); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, by) + ")", nil
}

// entryMeets is the condition on a field of lists: that one entry fits, or none.
func (l *listing) entryMeets(c Condition) string {
	f := personFields[c.Field]
	known, unknown := c.split()
	entries := func(c Condition) string {
		from, part := l.entries(f)
		return "EXISTS (SELECT 1 FROM " + from + " WHERE " + l.compare(c, TextKind, func() string { return part }) + ")"
	}
	some := Condition{Op: IsNot, Values: []any{nil}}
	var parts []string
	if c.Op != Is && c.Op != IsNot {
		return entries(c)
	}
	if len(known) > 0 {
		parts = append(parts, entries(Condition{Op: Is, Values: known}))
	}
	if unknown {
		parts = append(parts, "NOT "+entries(some))
	}
	fits := "(" + strings.Join(parts, " OR ") + ")"
	if c.Op == IsNot {
		return "NOT " + fits
	}
	return fits
}

// entries gives a list of the profile as a table, and the part of each entry that is compared.
func (l *listing) entries(f personField) (from, part string) {
	object := f.list == "attributes"
	if l.tx.store.engine == SQLite {
		if object {
			return "json_each(t.profile, '$.attributes') e", "e." + f.part
		}
		return "json_each(t.profile, '$." + f.list + "') e", "nullif(e.value ->> '" + f.part + "', '')"
	}
	if object {
		return "jsonb_each_text(" + profileJSON + " -> 'attributes') e", "e." + f.part
	}
	return "jsonb_array_elements(" + profileJSON + " -> '" + f.list + "') e", "nullif(e.value ->> '" + f.part + "', '')"
}

// profileJSON is the profile as PostgreSQL can look into it. It is made once for each person, by profileOnce.
const profileJSON = "x.profile"

// profileOnce makes profileJSON. PostgreSQL refuses the character U+0000, which a flag may hold.
const profileOnce = ` CROSS JOIN LATERAL (SELECT CASE WHEN strpos(t.profile, '\u0000') = 0 THEN t.profile::jsonb END AS profile OFFSET 0) x`

// value is a field in SQL: NULL when it is not known, and a truth is 0 or 1.
func (l *listing) value(field string, kind Kind) string {
	if f := personFields[field]; f.column != "" {
		return f.column
	} else if f.json != "" {
		if l.tx.store.engine == Postgres {
			return "(" + profileJSON + " ->> '" + f.json + "')"
		}
		return "(t.profile ->> '" + f.json + "')"
	}
	head, rest, _ := strings.Cut(field, ".")
	if head == "attributes" {
		if l.tx.store.engine == Postgres {
			return "(" + profileJSON + " -> 'attributes' ->> " + l.arg(rest) + "::text)"
		}
		return "(SELECT e.value FROM json_each(t.profile, '$.attributes') e WHERE e.key = " + l.arg(rest) + ")"
	}
	return l.flagValue(strings.Split(rest, "."), kind)
}

// flagValue is what a flag holds, when it is of a kind.
func (l *listing) flagValue(path []string, kind Kind) string {
	var typed, plain string
	if l.tx.store.engine == Postgres {
		at := profileJSON + " #> '{flags," + strings.Join(path, ",") + "}'"
		typed, plain = "jsonb_typeof("+at+")", profileJSON+" #>> '{flags,"+strings.Join(path, ",")+"}'"
	} else {
		at := "t.profile, '$.flags." + strings.Join(path, ".") + "'"
		typed, plain = "json_type("+at+")", "json_extract("+at+")"
	}
	switch {
	case kind == BoolKind && l.tx.store.engine == Postgres:
		return "CASE WHEN " + typed + " = 'boolean' AND " + plain + " = 'true' THEN 1 ELSE 0 END"
	case kind == BoolKind:
		return "CASE WHEN " + typed + " = 'true' THEN 1 ELSE 0 END"
	case kind == NumberKind && l.tx.store.engine == Postgres:
		return "CASE WHEN " + typed + " = 'number' THEN (" + plain + ")::numeric END"
	case kind == NumberKind:
		return "CASE WHEN " + typed + " IN ('integer', 'real') THEN " + plain + " END"
	case l.tx.store.engine == Postgres:
		return "CASE WHEN " + typed + " = 'string' THEN nullif(" + plain + ", '') END"
	}
	return "CASE WHEN " + typed + " = 'text' THEN nullif(" + plain + ", '') END"
}

// hint is a condition that everybody meets who meets another one, and that is told without taking the profile apart: a text that stands in a part of it
// stands in the whole. There is one when hinted says so.
func (l *listing) hint(c Condition) string {
	list, by := c.All, " AND "
	switch {
	case c.Any != nil:
		list, by = c.Any, " OR "
	case personFields[c.Field].column != "":
		met, _ := l.meets(c) // a field that is known
		return met
	case c.Field != "":
		known, _ := c.split()
		if c.Op != Is {
			return l.partOf(known, Has, func() string { return "t.profile" })
		}
		parts := make([]string, len(known))
		for i, v := range known {
			parts[i] = l.has("t.profile", v.(string))
		}
		return "(" + strings.Join(parts, " OR ") + ")"
	}
	var parts []string
	made := map[string]bool{} // of several fields in which the same is looked for, one tells
	for _, one := range list {
		if !one.hinted() {
			continue
		}
		if one.Field != "" && personFields[one.Field].column == "" {
			same := fmt.Sprintf("%v %q", one.Op == Is, one.Values)
			if made[same] {
				continue
			}
			made[same] = true
		}
		parts = append(parts, l.hint(one))
	}
	return "(" + strings.Join(parts, by) + ")"
}

// hinted says whether there is a hint.
func (c Condition) hinted() bool {
	switch {
	case c.Any != nil:
		return len(c.Any) > 0 && !slices.ContainsFunc(c.Any, func(one Condition) bool { return !one.hinted() })
	case c.Field == "":
		return slices.ContainsFunc(c.All, Condition.hinted)
	case personFields[c.Field].column != "":
		return true
	}
	kind, _, _ := Findable(c.Field)
	known, unknown := c.split()
	if c.kindOr(kind) != TextKind || unknown || len(known) == 0 || !slices.Contains([]Op{Is, Has, Begins, Ends}, c.Op) {
		return false
	}
	return !slices.ContainsFunc(known, func(v any) bool { return strings.ContainsFunc(v.(string), changedInJSON) })
}

// changedInJSON says of which characters JSON makes others.
func changedInJSON(c rune) bool {
	return c < ' ' || strings.ContainsRune("\"\\<>&\x7f\u2028\u2029\ufffd", c)
}

// split takes the values apart: what can be compared with, and whether not to be known is one of them.
func (c Condition) split() (known []any, unknown bool) {
	for _, v := range c.Values {
		switch x := v.(type) {
		case nil:
			unknown = true
		case string:
			if v = x; x == "" {
				unknown = true
				continue
			}
			switch c.Field {
			case "username", "email":
				v = muster.FoldKey(x)
			}
			known = append(known, v)
		case bool:
			known = append(known, flag(x))
		case time.Time:
			known = append(known, x.UnixMicro())
		default:
			known = append(known, v)
		}
	}
	return known, unknown
}

// compare is a condition on a value in SQL, which is asked for anew each time it is named, for its arguments.
func (l *listing) compare(c Condition, kind Kind, value func() string) string {
	known, unknown := c.split()
	switch c.Op {
	case Is, IsNot:
		if kind == BoolKind && unknown {
			known, unknown = append(known, flag(false)), false
		}
		return l.isOneOf(known, unknown, c.Op == Is, value)
	case Has, Begins, Ends:
		return l.partOf(known, c.Op, value)
	}
	if unknown {
		return "1 = 0"
	}
	sign := map[Op]string{Below: "<", AtMost: "<=", Above: ">", AtLeast: ">="}[c.Op]
	if kind == TextKind {
		return value() + l.tx.byBytes() + " " + sign + " " + l.arg(known[0])
	}
	return value() + " " + sign + " " + l.arg(known[0])
}

func (l *listing) isOneOf(known []any, unknown, is bool, value func() string) string {
	switch {
	case len(known) == 0 && is:
		return value() + " IS NULL"
	case len(known) == 0:
		return value() + " IS NOT NULL"
	}
	in := value() + " IN ("
	for i, v := range known {
		if i > 0 {
			in += ", "
		}
		in += l.arg(v)
	}
	// What is not known gives neither true nor false.
	fits := fmt.Sprintf("coalesce(%s), %v)", in, unknown)
	if is && !unknown {
		fits = in + ")"
	}
	if !is {
		return "NOT " + fits
	}
	return fits
}

// partOf is that one of some texts stands in a value, or at an end of it, whatever its case.
func (l *listing) partOf(known []any, op Op, value func() string) string {
	var fits []string
	for _, v := range known {
		text, _ := v.(string)
		text = strings.ToLower(text)
		lower := l.tx.lower(value(), text)
		switch n := utf8.RuneCountInString(text); {
		case op == Has:
			fits = append(fits, l.has(lower, text))
		case op == Begins:
			fits = append(fits, fmt.Sprintf("substr(%s, 1, %d) = %s", lower, n, l.arg(text)))
		case l.tx.store.engine == Postgres:
			fits = append(fits, fmt.Sprintf("right(%s, %d) = %s", lower, n, l.arg(text)))
		default:
			fits = append(fits, fmt.Sprintf("substr(%s, -%d) = %s", lower, n, l.arg(text)))
		}
	}
	if len(fits) == 0 {
		return value() + " IS NOT NULL" // the empty text stands in every text
	}
	return "(" + strings.Join(fits, " OR ") + ")"
}

// sortedBy is an order in SQL.
func (l *listing) sortedBy(orders []Order) (string, error) {
	var keys []string
	for _, o := range orders {
		way := ""
		if o.Down {
			way = " DESC"
		}
		if o.Field == "seq" {
			return strings.Join(append(keys, "t.seq"+way), ", "), nil // nobody is equal in it
		}
		kind, list, known := Findable(o.Field)
		if !known || list {
			return "", muster.Errorf(muster.Invalid, "sort", "People cannot be sorted by %q.", o.Field)
		}
		if strings.HasPrefix(o.Field, "flags.") {
			kind = o.Kind
		}
		bytes := ""
		if kind == TextKind {
			bytes = l.tx.byBytes()
		}
		keys = append(keys, l.value(o.Field, o.Kind)+" IS NULL", l.value(o.Field, o.Kind)+bytes+way)
	}
	return strings.Join(append(keys, "t.seq"), ", "), nil
}

// textsIn and numbersIn are the values of a condition that can be looked up one by one.

func textsIn(known []any) []string {
	list := make([]string, 0, len(known))
	for _, v := range known {
		if text, ok := v.(string); ok {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func numbersIn(known []any) []int64 {
	list := make([]int64, 0, len(known))
	for _, v := range known {
		if n, ok := v.(int64); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
