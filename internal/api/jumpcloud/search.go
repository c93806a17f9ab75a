package jumpcloud

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// What a search may ask for.
const (
	mostTerms  = 8
	mostTerm   = 256 // characters
	mostNested = 4   // filters within filters
)

// searched are the attributes that a text is looked for in when nobody says where.
var searched = []string{"username", "email", "firstname", "lastname", "displayname", "employeeIdentifier"}

// searchUsers is POST /search/systemusers. What the body does not say, older clients say in the query.
func (s *surface) searchUsers(q *request) (any, error) {
	given, err := s.object(q, true)
	if err != nil {
		return nil, err
	}
	query := q.r.URL.Query()
	for _, name := range []string{"filter", "fields", "sort", "limit", "skip"} {
		if _, said := given[name]; !said && query.Get(name) != "" {
			given[name] = query.Get(name)
		}
	}
	var l listing
	if l.filter.Limit, err = numberIn(given, "limit", defaultPage, 1); err != nil {
		return nil, err
	}
	l.filter.Limit = min(l.filter.Limit, largestSearch)
	if l.filter.Offset, err = numberIn(given, "skip", 0, 0); err != nil {
		return nil, err
	}
	sort, err := namesIn(given, "sort")
	if err != nil {
		return nil, err
	}
	if l.filter.Order, err = orderOf(sort); err != nil {
		return nil, err
	}
	fields, err := namesIn(given, "fields")
	if err != nil {
		return nil, err
	}
	l.fields = fieldsOf(fields)
	filter, err := s.translator(q).filter(given["filter"], 0)
	if err != nil {
		return nil, err
	}
	search, err := searchFilter("searchFilter", given["searchFilter"])
	if err != nil {
		return nil, err
	}
	l.filter.Where = roster.Condition{All: []roster.Condition{filter, search}}
	return s.page(q, l)
}

// numberIn reads a whole number of a body, which may be written as text.
func numberIn(given map[string]any, name string, otherwise, least int) (int, error) {
	v := given[name]
	if text, isText := v.(string); isText {
		if text = strings.TrimSpace(text); text == "" {
			v = nil
		} else if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			v = float64(n)
		}
	}
	n, ok := v.(float64)
	switch {
	case v == nil:
		return otherwise, nil
	case !ok || n != math.Trunc(n) || n < float64(least):
		return 0, badRequest(name, "invalid", fmt.Sprintf("%s is a whole number of at least %d.", name, least))
	}
	return int(min(n, 1<<31)), nil
}

// namesIn reads names of attributes: a text with spaces between, or a list.
func namesIn(given map[string]any, name string) (string, error) {
	switch v := given[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []any:
		names, ok := textsIn(v)
		if ok {
			return strings.Join(names, " "), nil
		}
	}
	return "", badRequest(name, "invalid", name+" is a text: names of attributes with spaces between.")
}

func textsIn(list []any) ([]string, bool) {
	texts := make([]string, len(list))
	for i, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		texts[i] = text
	}
	return texts, true
}

// filter reads a filter of a body: an object with and or or, an object of attributes, an expression, or a list of those, which means and.
func (t *translator) filter(v any, depth int) (roster.Condition, error) {
	if depth > mostNested {
		return roster.Condition{}, t.refuse("Filters stand in each other at most %d deep.", mostNested)
	}
	switch given := v.(type) {
	case nil:
		return roster.Condition{}, nil
	case string:
		if strings.TrimSpace(given) == "" && depth == 0 {
			return roster.Condition{}, nil
		}
		return t.expression(given)
	case []any:
		return t.filters(given, depth)
	case map[string]any:
		return t.attributes(given, depth)
	}
	return roster.Condition{}, t.refuse("A filter is an object such as {\"and\": [{\"department\": \"IT\"}]}, or a list of these.")
}

func (t *translator) filters(list []any, depth int) (roster.Condition, error) {
	all := make([]roster.Condition, len(list))
	for i, one := range list {
		var err error
		if all[i], err = t.filter(one, depth+1); err != nil {
			return roster.Condition{}, err
		}
	}
	return roster.Condition{All: all}, nil
}

// attributes reads an object: each attribute has to compare as it says, and so have the lists under and and or.
func (t *translator) attributes(given map[string]any, depth int) (roster.Condition, error) {
	var all []roster.Condition
	for _, name := range slices.Sorted(maps.Keys(given)) {
		var c roster.Condition
		var err error
		list, isList := given[name].([]any)
		switch joined := strings.TrimPrefix(name, "$"); {
		case joined != "and" && joined != "or":
			c, err = t.attribute(name, given[name])
		case !isList:
			err = t.refuse("%q holds a list of filters.", name)
		case joined == "or" && len(list) == 0:
			err = t.refuse("%q holds at least one filter.", name)
		default:
			if c, err = t.filters(list, depth); joined == "or" {
				c = roster.Condition{Any: c.All}
			}
		}
		if err != nil {
			return roster.Condition{}, err
		}
		all = append(all, c)
	}
	return roster.Condition{All: all}, nil
}

// attribute reads what an attribute has to be: a value, or an object of operators.
func (t *translator) attribute(name string, v any) (roster.Condition, error) {
	operators, isObject := v.(map[string]any)
	if !isObject {
		return t.compare(name, "$eq", []any{v})
	}
	if len(operators) == 0 {
		return roster.Condition{}, t.refuse("%q is compared with a value, or by operators such as {\"$gt\": …}.", shortened(name))
	}
	var all []roster.Condition
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		values := []any{operators[operator]}
		list, isList := operators[operator].([]any)
		var c roster.Condition
		var err error
		switch {
		case operator == "$options":
			continue // of $regex, which looks at no case anyhow
		case operator == "$regex":
			c, err = t.pattern(name, values[0])
		case operator == "$in" && isList:
			c, err = t.compare(name, operator, list)
		case operator == "$in":
			err = t.refuse("$in takes a list of values.")
		default:
			c, err = t.compare(name, operator, values)
		}
		if err != nil {
			return roster.Condition{}, err
		}
		all = append(all, c)
	}
	if all == nil {
		return roster.Condition{}, t.refuse("%q is compared with a value, or by operators such as {\"$gt\": …}.", shortened(name))
	}
	return roster.Condition{All: all}, nil
}

// pattern reads the regular expressions that the official PowerShell module makes of a text with a * at either end: a plain text that stands at the
// beginning (^), at the end ($) or anywhere. No other is taken, for nobody knows how long it works.
func (t *translator) pattern(name string, v any) (roster.Condition, error) {
	text, isText := v.(string)
	f, known := filterable[name]
	if !known {
		return roster.Condition{}, t.refuse("Users cannot be filtered by %q.", shortened(name))
	}
	if !isText || f.kind != roster.TextKind || f.of != nil || f.constant != nil {
		return roster.Condition{}, t.refuse("%q cannot be compared with a pattern.", name)
	}
	text, begins := strings.CutPrefix(text, "^")
	text, ends := strings.CutSuffix(text, "$")
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && strings.IndexByte(`.^$*+?()[]{}|\/-@_ `, text[i+1]) >= 0 {
			i++
			c = text[i]
		} else if strings.IndexByte(`^$*+?()[]{}|\`, c) >= 0 {
			return roster.Condition{}, t.refuse("$regex takes a plain text, with ^ before it or $ after it, and not %q.", shortened(text))
		}
		plain.WriteByte(c)
	}
	value, ok := valueOf(roster.TextKind, plain.String())
	if !ok {
		return roster.Condition{}, t.refuse("%q cannot be compared with that value.", name)
	}
	op := roster.Has
	switch {
	case begins && ends:
		op = roster.Is
	case begins:
		op = roster.Begins
	case ends:
		op = roster.Ends
	}
	return roster.Condition{Field: f.field, Op: op, Values: []any{value}}, nil
}

// searchFilter reads {searchTerm, fields}: one of the terms stands somewhere in one of the attributes, whatever the case.
func searchFilter(path string, v any) (roster.Condition, error) {
	if v == nil {
		return roster.Condition{}, nil
	}
	given, ok := v.(map[string]any)
	if !ok {
		return roster.Condition{}, badRequest(path, "invalid", path+" is an object with searchTerm and fields.")
	}
	var terms []string
	switch term := given["searchTerm"].(type) {
	case nil:
	case string:
		terms = []string{term}
	case float64:
		terms = []string{plainNumber(term)}
	case []any:
		terms, ok = textsIn(term)
	default:
		ok = false
	}
	if !ok {
		return roster.Condition{}, badRequest(path+".searchTerm", "invalid", "searchTerm is a text, or a list of texts.")
	}
	var fields []string
	switch names := given["fields"].(type) {
	case nil:
	case string:
		fields = []string{names}
	case []any:
		fields, ok = textsIn(names)
	default:
		ok = false
	}
	if !ok {
		return roster.Condition{}, badRequest(path+".fields", "invalid", "fields is a list of names of attributes.")
	}
	return searchFor(path, terms, fields)
}

// searchFor is the condition that one of the terms stands in one of the attributes.
func searchFor(path string, terms, fields []string) (roster.Condition, error) {
	var values []any
	for _, term := range terms {
		if utf8.RuneCountInString(term) > mostTerm {
			return roster.Condition{}, badRequest(path+".searchTerm", string(muster.TooLong), fmt.Sprintf("At most %d characters can be searched for.", mostTerm))
		}
		if strings.ContainsRune(term, 0) {
			return roster.Condition{}, badRequest(path+".searchTerm", "invalid", "There is a control character in searchTerm.")
		}
		if term != "" {
			values = append(values, term)
		}
	}
	if len(values) > mostTerms {
		return roster.Condition{}, badRequest(path+".searchTerm", string(muster.TooLong), fmt.Sprintf("At most %d terms can be searched for at once.", mostTerms))
	}
	var names []string
	for _, field := range fields {
		names = append(names, strings.FieldsFunc(field, func(c rune) bool { return c == ' ' || c == ',' })...)
	}
	if len(names) == 0 {
		names = searched
	}
	any := []roster.Condition{}
	for _, name := range names {
		f, known := filterable[name]
		if !known || f.kind != roster.TextKind || f.of != nil && name != "creationSource" || f.constant != nil {
			return roster.Condition{}, badRequest(path+".fields", "invalid", "Users cannot be searched by "+strconv.Quote(shortened(name))+".")
		}
		any = append(any, roster.Condition{Field: f.field, Op: roster.Has, Values: values})
	}
	if len(values) == 0 {
		return roster.Condition{}, nil // the empty text stands everywhere
	}
	return roster.Condition{Any: any}, nil
}
