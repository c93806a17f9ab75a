package edconnekt

import (
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// identityFields are the facts of an identity itself.
func identityFields(p *muster.Person) map[string]any {
	return map[string]any{
		"id": p.ID, "firstname": p.FirstName, "lastname": p.LastName, "email": orNull(p.Email), "phone": orNull(phoneOf(p)), "code_identite": orNull(p.Code),
		"status": statusOfPerson(p), "account_required": accountRequired(p), "external_id": orNull(externalID(p)), "username": orNull(p.Username),
		"created_at": timestamp(p.CreatedAt), "updated_at": timestamp(p.UpdatedAt),
	}
}

// externalID is the id that the school's own system has for somebody; other ids are nobody's business here.
func externalID(p *muster.Person) string {
	if p.Source == withoutAddress {
		return ""
	}
	return p.SourceID
}

func (s *surface) identityView(q *request, p roster.Person) (map[string]any, error) {
	views, err := s.identityViews(q, []roster.Person{p})
	if err != nil {
		return nil, err
	}
	return views[0], nil
}

// identityViews shows people with their establishments. The first one also stands at the top, where the forms look for it.
func (s *surface) identityViews(q *request, people []roster.Person) ([]map[string]any, error) {
	ids := make([]uuid.UUID, len(people))
	for i := range people {
		ids[i] = people[i].ID
	}
	belongings, err := s.Roster.BelongingsOf(q.ctx, q.caller, ids)
	if err != nil {
		return nil, err
	}
	views := make([]map[string]any, len(people))
	for i := range people {
		v := identityFields(&people[i].Person)
		links := []map[string]any{}
		for _, m := range belongings[i].Memberships {
			if m.Unit.Kind == kind {
				links = append(links, linkViews(&m)...)
			}
		}
		v["establishments"] = links
		for _, name := range []string{"establishment_id", "role_principal_code", "role_effectif_code", "function_display"} {
			v[name] = nil
		}
		v["cycle_codes"], v["subject_codes"] = []string{}, []string{}
		if len(links) > 0 {
			for name := range links[0] {
				v[name] = links[0][name]
			}
		}
		views[i] = v
	}
	return views, nil
}

// linkViews shows a membership: once for each role, and once for somebody without any.
func linkViews(m *roster.UnitMembership) []map[string]any {
	held := m.Assignments
	if len(held) == 0 {
		held = []muster.Assignment{{}}
	}
	views := make([]map[string]any, len(held))
	for i, a := range held {
		views[i] = map[string]any{
			"establishment_id": m.Unit.ID, "role_principal_code": orNull(a.Role), "role_effectif_code": orNull(a.Secondary), "function_display": orNull(m.Membership.Title),
			"cycle_codes": orEmpty(a.Cycles), "subject_codes": orEmpty(a.Subjects),
		}
	}
	return views
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
