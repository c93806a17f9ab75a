package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

type peopleCommand struct {
	remote
	List     peopleList     `cmd:"" help:"List people."`
	Show     peopleShow     `cmd:"" help:"Show all that is known of somebody, and their accounts."`
	Add      peopleAdd      `cmd:"" help:"Enrol somebody."`
	Set      peopleSet      `cmd:"" help:"Change facts about somebody."`
	Retire   peopleRetire   `cmd:"" help:"End somebody's access: their accounts are disabled, what is known of them stays."`
	Restore  peopleRestore  `cmd:"" help:"Bring somebody back who was retired or deleted."`
	Delete   peopleDelete   `cmd:"" help:"Delete somebody; they can be restored for a while."`
	Password peoplePassword `cmd:"" help:"Set somebody's password, which is read from standard input."`
	History  peopleHistory  `cmd:"" help:"Show what was changed about somebody, when and by whom."`
}

// personArgument is who.
type personArgument struct {
	Who string `arg:"" placeholder:"WHO" help:"A username, an e-mail address or an id."`
}

// personID gives the id of somebody who is named by username, e-mail address or id.
func (s *session) personID(who string) (string, error) {
	if isID(who) {
		return who, nil
	}
	id, err := "", errNotThere
	for _, field := range []string{"email", "username"} { // a username may look like an address
		if field == "email" && !strings.Contains(who, "@") {
			continue
		}
		id, err = lookUp(s, "/v1/people", values(field, who), "person", who, func(p personView) bool {
			return field == "email" && strings.EqualFold(p.Email, who) || field == "username" && strings.EqualFold(p.Username, who)
		}, func(p personView) string { return p.ID })
		if !errors.Is(err, errNotThere) {
			return id, err
		}
	}
	s.notef("Somebody who was deleted goes by their id: muster people list --state deleted.")
	return "", err
}

// path is that of somebody, and of what belongs to them.
func (a personArgument) path(s *session, rest ...string) (string, error) {
	id, err := s.personID(a.Who)
	return escaped(append([]string{"people", id}, rest...)...), err
}

type peopleList struct {
	State string `placeholder:"STATE" help:"Only in this state: staged, active, suspended, archived or deleted."`
	Unit  string `placeholder:"UNIT" help:"Only of this unit: its code, kind:code or id."`
	Below string `placeholder:"UNIT" help:"Only of this unit and all below it."`
	Group string `placeholder:"GROUP" help:"Only of this group: its code or id."`
	Name  string `placeholder:"TEXT" help:"Only whose last name, or last and first name, begins like this."`
	Sort  string `enum:"created,-created,username,name" default:"created" help:"The order: ${enum} (${default})."`
	listFlags
}

func (c *peopleList) Run(s *session) error {
	query := values("state", c.State, "unit", c.Unit, "unit_below", c.Below, "group", c.Group, "name", c.Name, "sort", c.Sort)
	return s.listPeople(query, c.most(s))
}

// listPeople prints people that a query of /v1/people finds.
func (s *session) listPeople(query url.Values, most int) error {
	header := []string{"username", "name", "email", "state", "id"}
	return listing(s, "/v1/people", query, most, header, func(p personView) []string {
		return []string{p.Username, p.shown(), p.Email, s.t.Text(p.State), p.ID}
	})
}

type peopleShow struct{ personArgument }

func (c *peopleShow) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.get(path, nil)
	if err != nil || s.JSON {
		return answer(s, raw, err, func(personView) {})
	}
	if err := s.printPerson(raw); err != nil {
		return err
	}
	if err := s.printPlaces(path); err != nil {
		return err
	}
	accounts, err := s.get(path+"/accounts", nil)
	return answer(s, accounts, err, func(page struct{ Items []accountView }) { s.printAccounts(page.Items) })
}

// printPlaces prints the units and groups that somebody is in.
func (s *session) printPlaces(person string) error {
	raw, err := s.get(person+"/memberships", nil)
	if err != nil {
		return err
	}
	in, err := as[placesView](raw)
	if err != nil || len(in.Units)+len(in.Groups) == 0 {
		return err
	}
	s.printf("")
	t := newTable(s.out, s.t.Text("in"), s.t.Text("name"), s.t.Text("title"), s.t.Text("roles"))
	for _, m := range in.Units {
		if raw, err = s.get(escaped("units", m.Unit), nil); err != nil {
			return err
		}
		u, err := as[unitView](raw)
		if err != nil {
			return err
		}
		roles := make([]string, len(m.Roles))
		for i, r := range m.Roles {
			roles[i] = strings.Trim(r.Role+"/"+r.Secondary, "/")
		}
		t.row(u.Kind+":"+u.Code, u.Name, m.Title, strings.Join(roles, ", "))
	}
	for _, g := range in.Groups {
		t.row(s.t.Sprintf("group %s", g.Code), g.Label, g.Title, "")
	}
	return t.flush()
}

// printPerson prints every fact of a person that is known, in the order of the field table.
func (s *session) printPerson(raw json.RawMessage) error {
	all, err := as[map[string]any](raw)
	if err != nil {
		return err
	}
	var pairs []string
	for _, name := range append(append([]string{"id"}, muster.FieldNames()...), "created_at", "updated_at") {
		pairs = append(pairs, flat(name, all[name])...)
	}
	facts(s.out, "", pairs...)
	return nil
}

type peopleAdd struct {
	Facts []string `arg:"" placeholder:"FIELD=VALUE" help:"What is known: first_name=Ana last_name=Lima email=ana@example.org …"`
}

func (c *peopleAdd) Run(s *session) error {
	body, err := s.assignments(c.Facts)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, "/v1/people", nil, body)
	return answer(s, raw, err, func(p personView) { s.printf("%s is enrolled as %s.", p.shown(), p.Username) })
}

type peopleSet struct {
	personArgument
	Facts []string `arg:"" placeholder:"FIELD=VALUE" help:"What is to be different; FIELD= clears it."`
}

func (c *peopleSet) Run(s *session) error {
	body, err := s.assignments(c.Facts)
	if err != nil {
		return err
	}
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPatch, path, nil, body)
	return answer(s, raw, err, func(p personView) { s.printf("%s is changed.", p.shown()) })
}

type peopleRetire struct {
	personArgument
	Reason string `required:"" placeholder:"TEXT" help:"Why. It is kept with the person."`
}

func (c *peopleRetire) Run(s *session) error {
	path, err := c.path(s, "retire")
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, path, nil, map[string]any{"reason": c.Reason})
	return answer(s, raw, err, func(p personView) { s.printf("%s is retired.", p.shown()) })
}

type peopleRestore struct{ personArgument }

func (c *peopleRestore) Run(s *session) error {
	path, err := c.path(s, "restore")
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, path, nil, nil)
	return answer(s, raw, err, func(p personView) { s.printf("%s is back.", p.shown()) })
}

type peopleDelete struct{ personArgument }

func (c *peopleDelete) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	return s.remove(path, nil, "%s is deleted.", c.Who)
}

type peopleHistory struct{ personArgument }

func (c *peopleHistory) Run(s *session) error {
	path, err := c.path(s, "history")
	if err != nil {
		return err
	}
	return listing(s, path, nil, client.Whole, []string{"when", "who", "through", "what", "change"}, func(h historyView) []string {
		return []string{second(h.At), h.Actor, h.Surface, h.what(), h.outcome(s)}
	})
}

// outcome is what an event changed, or why it could not.
func (h historyView) outcome(s *session) string {
	if h.Batch == nil || h.Batch.State != muster.FailedItem {
		return differences(h.Change)
	}
	return s.t.Text(string(h.Batch.State)) + ": " + s.reasons(h.Batch.Reasons)
}

// what names an event, with the file it came from where it did.
func (h historyView) what() string {
	switch {
	case h.Batch == nil:
		return h.Action
	case h.Action == "account.deliver":
		return strings.TrimSpace(h.Action + " " + h.Target)
	}
	return fmt.Sprintf("%s %s, %s %d", h.Action, h.Batch.Name, "row", max(h.Batch.Row, h.Batch.Index+1))
}
