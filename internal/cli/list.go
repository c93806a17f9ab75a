package cli

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// listFlags are the flags of commands that list.
type listFlags struct {
	Limit int `default:"-1" placeholder:"N" help:"How many at most; 0 is all. (50 in a table, all as JSON.)"`
}

// most is how many elements to ask for; 0 is all.
func (f listFlags) most(s *session) int {
	switch {
	case f.Limit >= 0:
		return f.Limit
	case s.JSON:
		return 0
	}
	return 50
}

// listing prints a list, page by page: as a table of what row makes of an element, or as one line of JSON each.
func listing[T any](s *session, path string, query url.Values, most int, header []string, row func(T) []string) error {
	return listings(s, path, []url.Values{query}, most, header, row)
}

// listings is listing for several queries, whose answers follow each other.
func listings[T any](s *session, path string, queries []url.Values, most int, header []string, row func(T) []string) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	for i := range header {
		header[i] = s.t.Text(header[i])
	}
	t := newTable(s.out, header...)
	shown, more := 0, false
	print := func(raw json.RawMessage) error {
		shown++
		if s.JSON {
			return s.printJSON(raw)
		}
		v, err := as[T](raw)
		if err == nil {
			t.row(row(v)...)
		}
		return err
	}
	for _, query := range queries {
		left := most
		if most > 0 {
			if left = most - shown; left == 0 {
				more = true
				break
			}
		}
		if more, err = server.Each(s.ctx, path, query, left, print); err != nil {
			return err
		}
	}
	if s.JSON {
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	if more {
		s.notef("There are more. --limit 0 shows all.")
	}
	return nil
}

// answer prints what a call answered: as it came, or the way show does it.
func answer[T any](s *session, raw json.RawMessage, err error, show func(T)) error {
	if err != nil {
		return err
	}
	if s.JSON {
		return s.printJSON(raw)
	}
	v, err := as[T](raw)
	if err == nil {
		show(v)
	}
	return err
}

// remove calls DELETE and says that it is done.
func (s *session) remove(path string, query url.Values, format string, args ...any) error {
	raw, err := s.call(http.MethodDelete, path, query, nil)
	if err != nil {
		return err
	}
	if s.JSON && len(raw) > 0 {
		return s.printJSON(raw)
	}
	if !s.JSON {
		s.printf(format, args...)
	}
	return nil
}

// assignments reads arguments of the form FIELD=VALUE. An empty value clears the field.
func (s *session) assignments(list []string) (map[string]any, error) {
	values := make(map[string]any, len(list))
	for _, one := range list {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, s.exitf(ExitUsage, "%s: it needs the form FIELD=VALUE, such as department=Sales. FIELD= clears it.", one)
		}
		if values[name] = value; value == "" {
			values[name] = nil
		}
	}
	return values, nil
}

// isID says whether a reference is an id, and no name.
func isID(ref string) bool {
	_, err := uuid.Parse(ref)
	return err == nil && len(ref) == 36
}

// values makes a query of names and values, without those that are empty.
func values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// escaped makes a path of segments.
func escaped(segments ...string) string {
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return "/v1/" + strings.Join(segments, "/")
}
