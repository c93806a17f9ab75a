package edconnekt

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Establishments and roles of an identity (contract §10). Those under /identities answer bare objects.
func (s *surface) roles() {
	i := identityService
	s.route(i, http.MethodPost, "/{identity_id}/establishments", selection, s.link)
	s.route(i, http.MethodDelete, "/{identity_id}/establishments/{establishment_id}", selection, s.unlink)
	s.route(i, http.MethodGet, "/identities/{identity_id}/full", selection, s.full)
	s.route(i, http.MethodGet, "/identities/{identity_id}/roles", selection, s.listRoles)
	s.route(i, http.MethodPost, "/identities/{identity_id}/roles", selection, s.assign)
	s.route(i, http.MethodGet, "/identities/{identity_id}/roles/{role_id}", selection, s.getRole)
	s.route(i, http.MethodPut, "/identities/{identity_id}/roles/{role_id}", selection, s.putRole)
	s.route(i, http.MethodDelete, "/identities/{identity_id}/roles/{role_id}", selection, s.removeRole)
}

var (
	errNoEstablishment = say(http.StatusNotFound, "ESTABLISHMENT_NOT_FOUND", "Établissement non trouvé")
	errNoAssignment    = say(http.StatusNotFound, "ROLE_ASSIGNMENT_NOT_FOUND", "Affectation non trouvée")
)

const longestFunction = 200

// place reads the establishment and role of a body; nil when it names none. required says that both have to be there.
func (b *body) place(required bool) *roster.Place {
	unit, inUnit := b.text("establishment_id", required, 1, 64)
	role, withRole := b.text("role_principal_code", required, 1, 64)
	secondary, _ := b.text("role_effectif_code", false, 0, 64)
	title, titled := b.text("function_display", false, 0, longestFunction)
	cycles, _ := b.texts("cycle_codes")
	subjects, _ := b.texts("subject_codes")
	some := secondary != "" || len(cycles)+len(subjects) > 0
	if given(unit) == "" {
		if required && inUnit && unit != "" || !required && (some || role != "" || title != "") { // what is said of no establishment would be lost
			b.c.fault([]any{"body", "establishment_id"}, "missing", "Field required", nil, nil)
		}
		return nil
	}
	if some && !required && role == "" {
		b.c.fault([]any{"body", "role_principal_code"}, "missing", "Field required", nil, nil)
	}
	p := &roster.Place{Unit: roster.UnitRef{ID: b.c.id([]any{"body", "establishment_id"}, given(unit))}}
	if titled {
		p.Title = &title
	}
	if withRole && role != "" {
		p.Roles = []roster.RoleGrant{{Role: role, Secondary: secondary, Cycles: cycles, Subjects: subjects}}
	}
	return p
}

// link is POST /{identity_id}/establishments.
func (s *surface) link(q *request) (int, any, error) {
	p, view, err := s.assignment(q)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.done("Identité rattachée à l’établissement", map[string]any{
		"identity_id": p.ID, "establishment_id": view.Unit, "role_principal_code": view.Role, "role_effectif_code": orNull(view.Secondary),
		"function_display": orNull(view.Title), "cycle_codes": orEmpty(view.Cycles), "subject_codes": orEmpty(view.Subjects), "role_assignment_id": view.ID,
	}), nil
}

// assign is POST /identities/{identity_id}/roles.
func (s *surface) assign(q *request) (int, any, error) {
	p, view, err := s.assignment(q)
	if err != nil {
		return 0, nil, err
	}
	return s.bareRole(q, p, view)
}

// assignment carries out what link and assign ask for.
func (s *surface) assignment(q *request) (roster.Person, roster.AssignmentView, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return p, roster.AssignmentView{}, err
	}
	b, err := q.object(notModel)
	if err != nil {
		return p, roster.AssignmentView{}, err
	}
	place := b.place(true)
	if err := q.err(); err != nil {
		return p, roster.AssignmentView{}, err
	}
	if _, err := s.establishment(q, place.Unit.ID); err != nil {
		return p, roster.AssignmentView{}, notFound(err, errNoEstablishment)
	}
	view, err := s.Roster.Assign(q.ctx, q.caller, p.ID, place.Unit.ID, place.Roles[0], place.Title)
	if err != nil {
		return p, view, bodyFault(q, err)
	}
	return p, view, nil
}

// unlink is DELETE /{identity_id}/establishments/{establishment_id}.
func (s *surface) unlink(q *request) (int, any, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	unit := q.pathID("establishment_id")
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	if _, err := s.establishment(q, unit); err != nil {
		return 0, nil, notFound(err, errNoEstablishment)
	}
	results, err := s.Roster.Leave(q.ctx, q.caller, []roster.LeaveOp{{Person: p.ID, Unit: unit}})
	if err == nil {
		err = results[0].Faults.Or()
	}
	return http.StatusOK, s.done("Identité détachée de l’établissement", nil), err
}

// full is GET /identities/{identity_id}/full: an IdentityWithRoles.
func (s *surface) full(q *request) (int, any, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.roleViews(q, p, uuid.UUID{})
	if err != nil {
		return 0, nil, err
	}
	v := identityFields(&p.Person)
	v["role_assignments"] = list
	return http.StatusOK, v, nil
}

// listRoles is GET /identities/{identity_id}/roles.
func (s *surface) listRoles(q *request) (int, any, error) {
	var unit uuid.UUID
	if text := given(q.text("establishment_id", false)); text != "" {
		unit = q.id([]any{"query", "establishment_id"}, text)
	}
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.roleViews(q, p, unit)
	return http.StatusOK, list, err
}

func (s *surface) roleViews(q *request, p roster.Person, unit uuid.UUID) ([]map[string]any, error) {
	held, err := s.Roster.Assignments(q.ctx, q.caller, p.ID, unit)
	if err != nil {
		return nil, err
	}
	return s.roleList(q, p, held)
}

func (s *surface) roleList(q *request, p roster.Person, held []roster.AssignmentView) ([]map[string]any, error) {
	catalogue, err := s.Roster.Catalogue(q.ctx, q.caller)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, a := range held {
		if a.Kind == kind {
			list = append(list, roleView(catalogue, p, a))
		}
	}
	return list, nil
}

func (s *surface) bareRole(q *request, p roster.Person, a roster.AssignmentView) (int, any, error) {
	catalogue, err := s.Roster.Catalogue(q.ctx, q.caller)
	return http.StatusOK, roleView(catalogue, p, a), err
}

func (s *surface) getRole(q *request) (int, any, error) {
	p, a, err := s.roleOf(q)
	if err != nil {
		return 0, nil, err
	}
	return s.bareRole(q, p, a)
}

// roleOf gives the identity and the assignment that the path names.
func (s *surface) roleOf(q *request) (p roster.Person, a roster.AssignmentView, err error) {
	id := q.pathID("role_id")
	if p, err = s.identityOf(q); err != nil {
		return p, a, err
	}
	a, err = s.Roster.Assignment(q.ctx, q.caller, p.ID, id)
	return p, a, notFound(err, errNoAssignment)
}

// putRole is PUT /identities/{identity_id}/roles/{role_id}: what is not in the body stays.
func (s *surface) putRole(q *request) (int, any, error) {
	p, a, err := s.roleOf(q)
	if err != nil {
		return 0, nil, err
	}
	b, err := q.object(notModel)
	if err != nil {
		return 0, nil, err
	}
	var c roster.AssignmentChange
	if text, ok := b.text("role_effectif_code", false, 0, 64); ok || b.has("role_effectif_code") {
		c.Secondary = &text
	}
	if text, ok := b.text("function_display", false, 0, longestFunction); ok || b.has("function_display") {
		c.Title = &text
	}
	if list, ok := b.texts("cycle_codes"); ok || b.has("cycle_codes") {
		c.Cycles = &list
	}
	if list, ok := b.texts("subject_codes"); ok || b.has("subject_codes") {
		c.Subjects = &list
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	if a, err = s.Roster.ChangeAssignment(q.ctx, q.caller, p.ID, a.ID, c); err != nil {
		return 0, nil, bodyFault(q, err)
	}
	return s.bareRole(q, p, a)
}

func (s *surface) removeRole(q *request) (int, any, error) {
	p, a, err := s.roleOf(q)
	if err != nil {
		return 0, nil, err
	}
	err = s.Roster.RemoveAssignment(q.ctx, q.caller, p.ID, a.ID)
	return http.StatusOK, map[string]any{"success": true, "message": "Affectation supprimée"}, notFound(err, errNoAssignment)
}

// roleView is a RoleAssignmentResponse.
func roleView(c roster.Catalogue, p roster.Person, a roster.AssignmentView) map[string]any {
	v := map[string]any{
		"id": a.ID, "identity_id": p.ID, "identity_establishment_id": a.Membership, "establishment_id": a.Unit, "role_effectif": nil,
		"function_display": orNull(a.Title), "cycles": []map[string]any{}, "subjects": []map[string]any{},
		"created_at": timestamp(a.CreatedAt), "updated_at": timestamp(a.UpdatedAt),
	}
	role, known := c.Role(kind, a.Role)
	if !known { // taken from the catalogue since
		role = muster.CatalogueEntry{Code: a.Role, LabelKey: "role.principal." + a.Role}
	}
	v["role_principal"] = entryView(role)
	if a.Secondary != "" {
		secondary, known := c.Secondary(kind, a.Secondary)
		if !known {
			secondary = muster.CatalogueEntry{Code: a.Secondary, LabelKey: "role.effectif." + a.Secondary}
		}
		v["role_effectif"] = effectiveView(secondary)
	}
	cycles, subjects := []map[string]any{}, []map[string]any{}
	for _, code := range a.Cycles {
		cycle, known := c.Cycle(kind, code)
		if !known {
			cycle = muster.CatalogueEntry{Code: code, LabelKey: "cycle." + code}
		}
		cycles = append(cycles, entryView(cycle))
	}
	for _, code := range a.Subjects {
		subjects = append(subjects, entryView(c.Subject(kind, code)))
	}
	v["cycles"], v["subjects"] = cycles, subjects
	return v
}
