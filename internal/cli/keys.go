package cli

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type keysCommand struct {
	remote
	Create keysCreate `cmd:"" help:"Make an API key. It is shown once."`
	List   keysList   `cmd:"" help:"List keys, by their first characters."`
	Revoke keysRevoke `cmd:"" help:"Make a key worthless at once."`
}

type keysCreate struct {
	Name    string `arg:"" placeholder:"NAME" help:"What the key is for."`
	Scope   string `enum:"read,write,admin" default:"read" help:"What may be done with it: ${enum} (${default})."`
	Expires string `placeholder:"WHEN" help:"When it ends: a date (2027-01-31) or a span (12h, 90d). Otherwise never."`
	Person  string `name:"for-person" placeholder:"WHO" help:"Whose it is: a username, an e-mail address or an id. Otherwise it is an application's."`
	Plain   bool   `help:"Print the bare key and nothing else."`
}

func (c *keysCreate) Run(s *session) error {
	body := map[string]any{"name": c.Name, "scope": c.Scope}
	if c.Expires != "" {
		at, err := expiry(c.Expires, time.Now())
		if err != nil {
			return s.exitf(ExitUsage, "--expires %s: it needs a date such as 2027-01-31 or a span such as 12h or 90d.", c.Expires)
		}
		body["expires_at"] = at.UTC().Format(time.RFC3339)
	}
	if c.Person != "" {
		id, err := s.personID(c.Person)
		if err != nil {
			return err
		}
		body["person"] = id
	}
	raw, err := s.call(http.MethodPost, "/v1/keys", nil, body)
	if err == nil && c.Plain {
		k, err := as[keyView](raw)
		if err == nil {
			_, err = fmt.Fprintln(s.out, k.Key)
		}
		return err
	}
	return answer(s, raw, err, func(k keyView) {
		fmt.Fprintln(s.out, k.Key)
		s.notef("This is the key %s, with the scope %s. It is not stored and cannot be shown again.", k.Name, k.Scope)
	})
}

// expiry reads a date, which ends with its day in the local zone, or a span from now.
func expiry(text string, now time.Time) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.Atoi(number)
		if err != nil || days < 1 {
			return time.Time{}, fmt.Errorf("%q is not a number of days", number)
		}
		return now.AddDate(0, 0, days), nil
	}
	span, err := time.ParseDuration(text)
	if err == nil && span <= 0 {
		err = fmt.Errorf("%s is over already", text)
	}
	return now.Add(span), err
}

type keysList struct{ listFlags }

func (c *keysList) Run(s *session) error {
	header := []string{"name", "begins with", "scope", "expires", "last used", "id"}
	return listing(s, "/v1/keys", nil, c.most(s), header, func(k keyView) []string {
		return []string{k.Name, k.Prefix, k.Scope, minute(k.ExpiresAt), minute(k.LastUsedAt), k.ID}
	})
}

type keysRevoke struct {
	Key string `arg:"" placeholder:"KEY" help:"The key's name or id, or its first characters as keys list shows them."`
}

func (c *keysRevoke) Run(s *session) error {
	id := c.Key
	if !isID(id) {
		var err error
		id, err = lookUp(s, "/v1/keys", nil, "key", c.Key, func(k keyView) bool { return k.Name == c.Key || k.Prefix == c.Key }, func(k keyView) string { return k.ID })
		if err != nil {
			return err
		}
	}
	return s.remove(escaped("keys", id), nil, "The key %s is revoked.", c.Key)
}
