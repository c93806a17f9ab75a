package cli

import (
	"encoding/json"
	"errors"
	"net/url"
)

// errNotThere is in the error of a look-up that found nothing.
var errNotThere = errors.New("not there")

// lookUp gives the id of the one element of a list that is meant by what the user wrote.
func lookUp[T any](s *session, path string, query url.Values, noun, ref string, meant func(T) bool, id func(T) string) (string, error) {
	server, err := s.connect()
	if err != nil {
		return "", err
	}
	var found []string
	_, err = server.Each(s.ctx, path, query, 0, func(raw json.RawMessage) error {
		v, err := as[T](raw)
		if err == nil && meant(v) {
			found = append(found, id(v))
		}
		return err
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", &exit{ExitFailed, s.t.Sprintf("There is no %s %q.", s.t.Text(noun), ref), errNotThere}
	case len(found) > 1:
		return "", s.exitf(ExitFailed, "%q is the %s of %d: use the id.", ref, s.t.Text(noun), len(found))
	}
	return found[0], nil
}
