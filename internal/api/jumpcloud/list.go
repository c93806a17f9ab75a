package jumpcloud

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/musterid/muster/internal/roster"
)

// largestSearch is how many users a search gives at most: the official PowerShell module walks in pages of so many.
const largestSearch = 1000

// listing is which users a list or a search asks for.
type listing struct {
	filter roster.Filter
	fields map[string]bool
}

// listUsers is GET /systemusers.
func (s *surface) listUsers(q *request) (any, error) {
	var l listing
	var err error
	query := q.r.URL.Query()
	if l.filter.Limit, err = q.number("limit", defaultPage, 1); err != nil {
		return nil, err
	}
	l.filter.Limit = min(l.filter.Limit, largestPage)
	if l.filter.Offset, err = q.number("skip", 0, 0); err != nil {
		return nil, err
	}
	if l.filter.Order, err = orderOf(query.Get("sort")); err != nil {
		return nil, err
	}
	t := s.translator(q)
	var all []roster.Condition
	for _, text := range query["filter"] {
		if strings.TrimSpace(text) == "" {
			continue
		}
		c, err := t.expression(text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	search, err := searchOf(query)
	if err != nil {
		return nil, err
	}
	all = append(all, search)
	l.filter.Where, l.fields = roster.Condition{All: all}, fieldsOf(query.Get("fields"))
	return s.page(q, l)
}

// page answers with the users that are asked for.
func (s *surface) page(q *request, l listing) (any, error) {
	people, total, err := s.Roster.Find(q.ctx, q.caller, l.filter)
	if err != nil {
		return nil, err
	}
	list, err := s.shownAll(q, people, l.fields)
	if err != nil {
		return nil, err
	}
	q.w.Header().Set("X-Total-Count", strconv.Itoa(total))
	return map[string]any{"results": list, "totalCount": total}, nil
}

// orderOf reads an order such as "lastname -created". What all users have alike sorts nobody.
func orderOf(text string) ([]roster.Order, error) {
	var orders []roster.Order
	for _, name := range strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' || c == '+' }) {
		name, down := strings.CutPrefix(name, "-")
		f, known := filterable[name]
		if !known || f.unsorted {
			return nil, badRequest("sort", "invalid", "Users cannot be sorted by "+strconv.Quote(shortened(name))+".")
		}
		if f.constant == nil {
			field := f.field
			if f.sort != "" {
				field = f.sort
			}
			orders = append(orders, roster.Order{Field: field, Down: down, Kind: f.kind})
		}
	}
	return orders, nil
}

// searchOf reads the parameter search: a text, a searchFilter as JSON, or one in brackets (search[searchTerm]=…&search[fields]=…).
func searchOf(query url.Values) (roster.Condition, error) {
	text := strings.TrimSpace(query.Get("search"))
	switch {
	case query.Has("search[searchTerm]") || query.Has("search[searchTerm][]"):
		terms := append(query["search[searchTerm]"], query["search[searchTerm][]"]...)
		fields := append(query["search[fields]"], query["search[fields][]"]...)
		return searchFor("search", terms, fields)
	case text == "":
		return roster.Condition{}, nil
	case strings.HasPrefix(text, "{"):
		var given any
		if json.Unmarshal([]byte(text), &given) != nil {
			return roster.Condition{}, badRequest("search", "invalid", "search is a text, or a JSON object with searchTerm and fields.")
		}
		return searchFilter("search", given)
	}
	return searchFor("search", []string{text}, nil)
}
