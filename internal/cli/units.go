package cli

import (
	"net/http"
	"strings"
)

type unitsCommand struct {
	remote
	List    unitsList    `cmd:"" help:"List units."`
	Show    unitsShow    `cmd:"" help:"Show a unit."`
	Add     unitsAdd     `cmd:"" help:"Make a unit."`
	Set     unitsSet     `cmd:"" help:"Rename, move, close or reopen a unit."`
	Delete  unitsDelete  `cmd:"" help:"Remove an empty unit for good."`
	Members unitsMembers `cmd:"" help:"List who is in a unit."`
	Join    unitsJoin    `cmd:"" help:"Put somebody into a unit."`
	Leave   unitsLeave   `cmd:"" help:"Take somebody out of a unit."`
}

// unitArgument is which unit.
type unitArgument struct {
	Unit string `arg:"" placeholder:"UNIT" help:"A unit's code, kind:code or id."`
}

func (a unitArgument) path(s *session, rest ...string) (string, error) {
	id, err := s.unitID(a.Unit)
	return escaped(append([]string{"units", id}, rest...)...), err
}

func (s *session) unitID(ref string) (string, error) {
	if isID(ref) {
		return ref, nil
	}
	kind, code, ok := strings.Cut(ref, ":")
	if !ok {
		kind, code = "", ref
	}
	return lookUp(s, "/v1/units", values("kind", kind, "code", code), "unit", ref, func(unitView) bool { return true }, func(u unitView) string { return u.ID })
}

func (u unitView) ref() string { return u.Kind + ":" + u.Code }

type unitsList struct {
	Kind   string `placeholder:"KIND" help:"Only of this kind."`
	Name   string `placeholder:"TEXT" help:"Only whose name begins like this."`
	Parent string `placeholder:"UNIT" help:"Only right below this unit; top for those that are below none."`
	Below  string `placeholder:"UNIT" help:"Only this unit and all below it."`
	listFlags
}

func (c *unitsList) Run(s *session) error {
	query := values("kind", c.Kind, "name", c.Name)
	for name, ref := range map[string]string{"parent": c.Parent, "below": c.Below} {
		switch ref {
		case "":
			continue
		case "top":
			query.Set(name, ref)
			continue
		}
		id, err := s.unitID(ref)
		if err != nil {
			return err
		}
		query.Set(name, id)
	}
	return listing(s, "/v1/units", query, c.most(s), []string{"kind", "code", "name", "state", "id"}, func(u unitView) []string {
		state := "open"
		if u.Closed {
			state = "closed"
		}
		return []string{u.Kind, u.Code, u.Name, s.t.Text(state), u.ID}
	})
}

type unitsShow struct{ unitArgument }

func (c *unitsShow) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.get(path, nil)
	return answer(s, raw, err, s.printFacts)
}

type unitsAdd struct {
	Kind   string `arg:"" placeholder:"KIND" help:"What sort of unit it is, such as establishment, class, project."`
	Code   string `arg:"" placeholder:"CODE" help:"Its code, unique for its kind."`
	Name   string `arg:"" placeholder:"NAME" help:"Its name."`
	Parent string `placeholder:"UNIT" help:"The unit above: its code, kind:code or id."`
}

func (c *unitsAdd) Run(s *session) error {
	body := map[string]any{"kind": c.Kind, "code": c.Code, "name": c.Name}
	if c.Parent != "" {
		body["parent"] = c.Parent
	}
	raw, err := s.call(http.MethodPost, "/v1/units", nil, body)
	return answer(s, raw, err, func(u unitView) { s.printf("The unit %s is there.", u.ref()) })
}

type unitsSet struct {
	unitArgument
	Code   string `placeholder:"CODE" help:"Another code."`
	Name   string `placeholder:"NAME" help:"Another name."`
	Parent string `placeholder:"UNIT" help:"Move it, with all below it, below this unit; top for none."`
	Close  bool   `xor:"open" help:"It is no longer in use."`
	Reopen bool   `xor:"open" help:"It is in use again."`
}

func (c *unitsSet) Run(s *session) error {
	body := map[string]any{}
	for name, value := range map[string]string{"code": c.Code, "name": c.Name, "parent": c.Parent} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Parent == "top" {
		body["parent"] = nil
	}
	if c.Close || c.Reopen {
		body["closed"] = c.Close
	}
	if len(body) == 0 {
		return s.exitf(ExitUsage, "Say what is to be different: --code, --name, --parent, --close or --reopen.")
	}
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPatch, path, nil, body)
	return answer(s, raw, err, func(u unitView) { s.printf("The unit %s is changed.", u.ref()) })
}

type unitsDelete struct{ unitArgument }

func (c *unitsDelete) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	return s.remove(path, nil, "The unit %s is removed.", c.Unit)
}

type unitsMembers struct {
	unitArgument
	Below bool `help:"Also who is in a unit below it."`
	listFlags
}

func (c *unitsMembers) Run(s *session) error {
	if c.Below {
		return s.listPeople(values("unit_below", c.Unit), c.most(s))
	}
	return s.listPeople(values("unit", c.Unit), c.most(s))
}

type unitsJoin struct {
	unitArgument
	personArgument
	Title   string   `placeholder:"TEXT" help:"What they are there; it gives no rights."`
	Role    []string `placeholder:"ROLE" help:"A role of the unit's kind; these give rights. May be given several times, and is then all there is."`
	Primary bool     `help:"It is their main unit of this kind."`
}

func (c *unitsJoin) Run(s *session) error {
	path, err := s.memberPath(c.unitArgument.path, c.Who)
	if err != nil {
		return err
	}
	body := map[string]any{}
	if c.Title != "" {
		body["title"] = c.Title
	}
	if c.Primary {
		body["primary"] = true
	}
	var roles []map[string]string
	for _, role := range c.Role {
		roles = append(roles, map[string]string{"role": role})
	}
	if roles != nil {
		body["roles"] = roles
	}
	raw, err := s.call(http.MethodPut, path, nil, body)
	return answer(s, raw, err, func(map[string]any) { s.printf("%s is in %s.", c.Who, c.Unit) })
}

type unitsLeave struct {
	unitArgument
	personArgument
}

func (c *unitsLeave) Run(s *session) error {
	path, err := s.memberPath(c.unitArgument.path, c.Who)
	if err != nil {
		return err
	}
	return s.remove(path, nil, "%s is not in %s any more.", c.Who, c.Unit)
}

// memberPath is the path of somebody's membership of what of gives the path of.
func (s *session) memberPath(of func(*session, ...string) (string, error), who string) (string, error) {
	person, err := s.personID(who)
	if err != nil {
		return "", err
	}
	return of(s, "members", person)
}
