package jumpcloud

func (s *surface) organizations() {
	s.route("GET /api/organizations", s.listOrganizations)
	s.route("GET /api/organizations/{id}", s.getOrganization)
}

// organization is what clients look for to find the id of theirs (contract §7).
type organization struct {
	ID          string               `json:"_id"`
	Alias       string               `json:"id"`
	DisplayName string               `json:"displayName"`
	Created     string               `json:"created"`
	Settings    organizationSettings `json:"settings"`
}

type organizationSettings struct {
	Name   string            `json:"name"`
	States map[string]string `json:"newSystemUserStateDefaults"`
}

func (s *surface) organization(q *request) organization {
	id := q.orgID()
	states := map[string]string{
		"csvImport": wordFor(s.States.CSVImport), "applicationImport": wordFor(s.States.ApplicationImport), "manualEntry": wordFor(s.States.ManualEntry),
	}
	return organization{ID: id, Alias: id, DisplayName: q.org.Name, Created: moment(q.org.CreatedAt), Settings: organizationSettings{Name: q.org.Name, States: states}}
}

// listOrganizations lists the one organization that a key belongs to.
func (s *surface) listOrganizations(q *request) (any, error) {
	limit, err := q.number("limit", defaultPage, 1)
	if err != nil {
		return nil, err
	}
	skip, err := q.number("skip", 0, 0)
	if err != nil {
		return nil, err
	}
	list := []organization{s.organization(q)}
	return map[string]any{"results": list[min(skip, 1):min(skip+limit, 1)], "totalCount": 1}, nil
}

func (s *surface) getOrganization(q *request) (any, error) {
	one := s.organization(q)
	if q.r.PathValue("id") != one.ID {
		return nil, refuse(404, "There is no such organization.")
	}
	return one, nil
}
