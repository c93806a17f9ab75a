package edconnekt

import (
	"net/http"
	"strings"

	"github.com/musterid/muster"
)

// The catalogues (contract §11): data of the tenant, in internal/roster.
func (s *surface) catalogues() {
	in := func(paths ...string) {
		for _, path := range paths {
			do := s.catalogue(path)
			s.route(identityService, http.MethodGet, "/catalogs/"+path, signedIn, do)
		}
	}
	in("roles-principaux", "role-principal", "roles-effectifs", "cycles", "cycle")
	s.route(identityService, http.MethodGet, "/catalogs/roles-effectifs/mapping", signedIn, s.roleMapping)
}

// catalogue lists one of the catalogues.
func (s *surface) catalogue(path string) operation {
	return func(q *request) (int, any, error) {
		p := q.paging(pageSize, pageMost)
		search, group := muster.Fold(q.text("search", false)), ""
		active, sensitive := q.flag("is_active"), (*bool)(nil)
		if path == "roles-effectifs" {
			group, sensitive = q.text("group_key", false), q.flag("is_sensitive")
		}
		if err := q.err(); err != nil {
			return 0, nil, err
		}
		c, err := s.Roster.Catalogue(q.ctx, q.caller)
		if err != nil {
			return 0, nil, err
		}
		entries, view := c.Roles(kind), entryView
		switch path {
		case "roles-effectifs":
			entries, view = c.Secondaries(kind), effectiveView
		case "cycles", "cycle":
			entries = c.Cycles(kind)
		}
		list := []map[string]any{}
		for _, e := range entries {
			wanted := (search == "" || strings.Contains(muster.Fold(e.Code+" "+e.LabelKey), search)) && (group == "" || e.Group == group) &&
				(active == nil || *active != e.Inactive) && (sensitive == nil || *sensitive == e.Sensitive)
			if wanted {
				list = append(list, view(e))
			}
		}
		total := len(list)
		from := min(p.skip(), total)
		return http.StatusOK, s.list(list[from:min(from+p.size, total)], total, p), nil
	}
}

// roleMapping is GET /catalogs/roles-effectifs/mapping, whose by_principal the forms read at the top.
func (s *surface) roleMapping(q *request) (int, any, error) {
	c, err := s.Roster.Catalogue(q.ctx, q.caller)
	if err != nil {
		return 0, nil, err
	}
	list := []map[string]any{}
	for _, e := range c.Secondaries(kind) {
		list = append(list, effectiveView(e))
	}
	return http.StatusOK, map[string]any{"roles_effectifs": list, "by_principal": byPrincipal(c)}, nil
}

func entryView(e muster.CatalogueEntry) map[string]any {
	return map[string]any{"id": e.ID, "code": e.Code, "label_key": e.LabelKey, "sort_order": e.Sort, "is_active": !e.Inactive}
}

func effectiveView(e muster.CatalogueEntry) map[string]any {
	v := entryView(e)
	v["group_key"], v["is_sensitive"] = orNull(e.Group), e.Sensitive
	return v
}
