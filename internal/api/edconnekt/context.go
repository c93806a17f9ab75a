package edconnekt

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// What somebody may choose to work as (contract §12). Everybody may ask about themselves; nobody is asked for a selection here.
func (s *surface) contexts() {
	i := identityService
	s.route(i, http.MethodGet, "/me/establishments", signedIn, s.myEstablishments)
	s.route(i, http.MethodGet, "/me/roles", signedIn, s.myRoles)
	s.route(i, http.MethodPost, "/me/context/select", signedIn, s.selectContext)
}

var (
	errNobody    = say(http.StatusNotFound, "USER_NOT_FOUND", "Utilisateur inconnu")
	errNowhere   = say(http.StatusForbidden, "NO_ESTABLISHMENT", "Vous n’êtes rattaché à aucun établissement.")
	errNotMember = say(http.StatusForbidden, "ESTABLISHMENT_FORBIDDEN", "Vous n’avez pas accès à cet établissement.")
)

// own gives the caller's person and the roles they hold in establishments.
func (s *surface) own(q *request) (roster.Person, []roster.AssignmentView, error) {
	p, held, err := s.Roster.Own(q.ctx, q.caller)
	if err != nil {
		return p, nil, notFound(err, errNobody)
	}
	var list []roster.AssignmentView
	for _, a := range held {
		if a.Kind == kind {
			list = append(list, a)
		}
	}
	return p, list, nil
}

// holds says whether the caller holds a role in an establishment; any role, when none is named. Who is nobody in the directory is errNobody.
func (s *surface) holds(q *request, unit uuid.UUID, role string) (bool, error) {
	_, held, err := s.own(q)
	for _, a := range held {
		if a.Unit == unit && (role == "" || a.Role == role) {
			return true, nil
		}
	}
	return false, err
}

// myEstablishments is GET /me/establishments: ids.
func (s *surface) myEstablishments(q *request) (int, any, error) {
	var ids []uuid.UUID
	_, held, err := s.own(q)
	switch {
	case s.everywhere(q.caller):
		err := s.eachEstablishment(q, func(u *muster.Unit) bool {
			ids = append(ids, u.ID)
			return true
		})
		if err != nil {
			return 0, nil, err
		}
	case err != nil:
		return 0, nil, err
	}
	for _, a := range held {
		if !s.everywhere(q.caller) && (len(ids) == 0 || ids[len(ids)-1] != a.Unit) {
			ids = append(ids, a.Unit)
		}
	}
	if len(ids) == 0 {
		return 0, nil, errNowhere
	}
	return http.StatusOK, s.list(ids, len(ids), page{1, len(ids)}), nil
}

// myRoles is GET /me/roles?etab=.
func (s *surface) myRoles(q *request) (int, any, error) {
	text := q.text("etab", true)
	var unit uuid.UUID
	if len(q.faults) == 0 {
		unit = q.id([]any{"query", "etab"}, text)
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	p, held, err := s.own(q)
	if err != nil {
		return 0, nil, err
	}
	var here []roster.AssignmentView
	for _, a := range held {
		if a.Unit == unit {
			here = append(here, a)
		}
	}
	if len(here) == 0 {
		return 0, nil, errNotMember
	}
	list, err := s.roleList(q, p, here)
	return http.StatusOK, s.list(list, len(list), page{1, max(len(list), 1)}), err
}

// selectContext is POST /me/context/select: it confirms a selection and stores nothing.
func (s *surface) selectContext(q *request) (int, any, error) {
	b, err := q.object(notModel)
	if err != nil {
		return 0, nil, err
	}
	etab, _ := b.text("etab_id", true, 1, 64)
	role, _ := b.text("role", true, 1, 64)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	unit, why := parseUUID(etab)
	if why != "" {
		return 0, nil, errNotYours
	}
	if s.everywhere(q.caller) {
		if _, err := s.establishment(q, unit); err != nil {
			return 0, nil, notFound(err, errNoEstablishment)
		}
	} else if ok, err := s.holds(q, unit, strings.TrimSpace(role)); err != nil || !ok {
		if err == nil {
			err = errNotYours
		}
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"success": true, "message": "Contexte validé"}, nil
}
