package cli

import "net/http"

type groupsCommand struct {
	remote
	List    groupsList    `cmd:"" help:"List groups."`
	Show    groupsShow    `cmd:"" help:"Show a group."`
	Add     groupsAdd     `cmd:"" help:"Make a group."`
	Set     groupsSet     `cmd:"" help:"Give a group another code or label."`
	Delete  groupsDelete  `cmd:"" help:"Remove a group for good."`
	Members groupsMembers `cmd:"" help:"List who is in a group."`
	Join    groupsJoin    `cmd:"" help:"Put somebody into a group."`
	Leave   groupsLeave   `cmd:"" help:"Take somebody out of a group."`
}

// groupArgument is which group.
type groupArgument struct {
	Group string `arg:"" placeholder:"GROUP" help:"A group's code or id."`
}

func (a groupArgument) path(s *session, rest ...string) (string, error) {
	id := a.Group
	if !isID(id) {
		var err error
		id, err = lookUp(s, "/v1/groups", nil, "group", a.Group, func(g groupView) bool { return g.Code == a.Group }, func(g groupView) string { return g.ID })
		if err != nil {
			return "", err
		}
	}
	return escaped(append([]string{"groups", id}, rest...)...), nil
}

type groupsList struct {
	Label string `placeholder:"TEXT" help:"Only whose label begins like this."`
	listFlags
}

func (c *groupsList) Run(s *session) error {
	return listing(s, "/v1/groups", values("label", c.Label), c.most(s), []string{"code", "label", "id"}, func(g groupView) []string {
		return []string{g.Code, g.Label, g.ID}
	})
}

type groupsShow struct{ groupArgument }

func (c *groupsShow) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.get(path, nil)
	return answer(s, raw, err, s.printFacts)
}

type groupsAdd struct {
	Code  string `arg:"" placeholder:"CODE" help:"Its code. Case makes a difference."`
	Label string `arg:"" placeholder:"LABEL" help:"What people call it."`
}

func (c *groupsAdd) Run(s *session) error {
	raw, err := s.call(http.MethodPost, "/v1/groups", nil, map[string]any{"code": c.Code, "label": c.Label})
	return answer(s, raw, err, func(g groupView) { s.printf("The group %s is there.", g.Code) })
}

type groupsSet struct {
	groupArgument
	Code  string `placeholder:"CODE" help:"Another code."`
	Label string `placeholder:"LABEL" help:"Another label."`
}

func (c *groupsSet) Run(s *session) error {
	body := map[string]any{}
	for name, value := range map[string]string{"code": c.Code, "label": c.Label} {
		if value != "" {
			body[name] = value
		}
	}
	if len(body) == 0 {
		return s.exitf(ExitUsage, "Say what is to be different: --code or --label.")
	}
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPatch, path, nil, body)
	return answer(s, raw, err, func(g groupView) { s.printf("The group %s is changed.", g.Code) })
}

type groupsDelete struct {
	groupArgument
	Force bool `help:"Take its members out first."`
}

func (c *groupsDelete) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	query := values()
	if c.Force {
		query.Set("force", "true")
	}
	return s.remove(path, query, "The group %s is removed.", c.Group)
}

type groupsMembers struct {
	groupArgument
	listFlags
}

func (c *groupsMembers) Run(s *session) error {
	return s.listPeople(values("group", c.Group), c.most(s))
}

type groupsJoin struct {
	groupArgument
	personArgument
	Title string `placeholder:"TEXT" help:"What they are there."`
}

func (c *groupsJoin) Run(s *session) error {
	path, err := s.memberPath(c.groupArgument.path, c.Who)
	if err != nil {
		return err
	}
	body := map[string]any{}
	if c.Title != "" {
		body["title"] = c.Title
	}
	raw, err := s.call(http.MethodPut, path, nil, body)
	return answer(s, raw, err, func(map[string]any) { s.printf("%s is in %s.", c.Who, c.Group) })
}

type groupsLeave struct {
	groupArgument
	personArgument
}

func (c *groupsLeave) Run(s *session) error {
	path, err := s.memberPath(c.groupArgument.path, c.Who)
	if err != nil {
		return err
	}
	return s.remove(path, nil, "%s is not in %s any more.", c.Who, c.Group)
}
