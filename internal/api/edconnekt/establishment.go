package edconnekt

import (
	"net/http"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Establishments (contract §13) are units of a kind. What the establishment service knows of them besides code and name are attributes.
func (s *surface) establishments() {
	e := establishmentService
	s.route(e, http.MethodGet, "/", signedIn, s.listEstablishments)
	s.route(e, http.MethodPost, "/", signedIn, s.createEstablishments)
	s.route(e, http.MethodGet, "/public", anybody, s.publicEstablishments)
	s.route(e, http.MethodGet, "/{establishment_id}", signedIn, s.getEstablishment)
}

// The words for where an establishment stands. A unit knows one of them, closed; the others are an attribute.
const (
	etabActive = "ACTIVE"
	etabClosed = "CLOSED"
)

var (
	etabStatuses = []string{"TRIAL", etabActive, "SUSPENDED", etabClosed}
	etabPlans    = []string{"BASIC", "PRO", "ENTREPRISE"}
)

func etabStatus(u *muster.Unit) string {
	switch status := u.Attributes["status"]; {
	case u.Closed:
		return etabClosed
	case status == "" || status == etabClosed:
		return etabActive
	default:
		return status
	}
}

const (
	etabsSize = 10
	etabsMost = 100
	unitsRead = 100 // at a time
)

// eachEstablishment shows those that the caller may see, in the order in which they came, until see has seen enough.
func (s *surface) eachEstablishment(q *request, see func(u *muster.Unit) (more bool)) error {
	for after := int64(0); ; {
		list, err := s.Roster.Units(q.ctx, q.caller, roster.UnitQuery{Kind: kind, After: after, Limit: unitsRead})
		if err != nil {
			return err
		}
		for i := range list {
			if !see(&list[i]) {
				return nil
			}
			after = list[i].Seq
		}
		if len(list) < unitsRead {
			return nil
		}
	}
}

// listEstablishments is GET /: a bare array.
func (s *surface) listEstablishments(q *request) (int, any, error) {
	limit, offset := q.number("limit", etabsSize, 1, etabsMost), q.number("offset", 0, 0, most)
	status := given(q.text("status", false))
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	list := []map[string]any{}
	err := s.eachEstablishment(q, func(u *muster.Unit) bool {
		switch {
		case status != "" && etabStatus(u) != status:
		case offset > 0:
			offset--
		default:
			list = append(list, establishmentView(u, true))
		}
		return len(list) < limit
	})
	return http.StatusOK, list, err
}

// publicEstablishments is GET /public/: what everybody may know of those in use, where there is one tenant.
func (s *surface) publicEstablishments(q *request) (int, any, error) {
	list := []map[string]any{}
	tenant, err := s.Access.OnlyTenant(q.ctx)
	if muster.CodeOf(err) == muster.NotFound {
		return http.StatusOK, list, nil
	}
	if err != nil {
		return 0, nil, err
	}
	units, err := s.Roster.PublicUnits(q.ctx, tenant, kind)
	for i := range units {
		if etabStatus(&units[i]) == etabActive {
			list = append(list, establishmentView(&units[i], false))
		}
	}
	return http.StatusOK, list, err
}

func (s *surface) getEstablishment(q *request) (int, any, error) {
	id := q.pathID("establishment_id")
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	u, err := s.establishment(q, id)
	if err != nil {
		return 0, nil, notFound(err, errNoEstablishment)
	}
	return http.StatusOK, establishmentView(&u, true), nil
}

// etabFields are the texts of an establishment, each with whether it is everybody's to know.
var etabFields = []struct {
	name     string
	required bool
	public   bool
}{
	{"adresse", true, true},
	{"email", true, false},
	{"telephone", true, false},
	{"ville", false, true},
	{"pays", false, true},
	{"subscription_start", false, false},
	{"subscription_end", false, false},
	{"etablissement_group", false, false},
	{"etablissement_id", false, false},
}

// establishmentView is an EtablissementOut: every key is always there.
func establishmentView(u *muster.Unit, whole bool) map[string]any {
	v := map[string]any{
		"id": u.ID, "nom": u.Name, "code_etablissement": u.Code, "status": etabStatus(u), "created_at": timestamp(u.CreatedAt), "updated_at": timestamp(u.UpdatedAt), "deleted_at": nil,
	}
	for _, f := range etabFields {
		v[f.name] = nil
		if whole || f.public {
			v[f.name] = orNull(u.Attributes[f.name])
		}
	}
	v["plan"] = nil
	if whole {
		v["plan"] = orNull(u.Attributes["plan"])
	}
	return v
}

const etabsAtOnce = 1000

// createEstablishments is POST /: one, a list, or either in {"data": …}; all of them or none.
func (s *surface) createEstablishments(q *request) (int, any, error) {
	bodies, err := q.objects()
	if err != nil {
		return 0, nil, err
	}
	var units []roster.NewUnit
	for _, b := range bodies {
		units = append(units, b.newEstablishment())
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	results, err := s.Roster.CreateUnitsTogether(q.ctx, q.caller, units)
	if err != nil {
		return 0, nil, err
	}
	views := make([]map[string]any, len(results))
	for i := range results {
		for _, f := range results[i].Faults {
			if f.Code == muster.Conflict {
				return 0, nil, say(http.StatusConflict, "CODE_EXISTS", "Ce code établissement est déjà utilisé : "+units[i].Code)
			}
			return 0, nil, f
		}
		views[i] = establishmentView(&results[i].Unit, true)
	}
	return http.StatusCreated, views, nil
}

func (b *body) newEstablishment() roster.NewUnit {
	n := roster.NewUnit{Kind: kind, Attributes: map[string]string{}}
	n.Name, _ = b.text("nom", true, 1, 255)
	n.Code, _ = b.text("code_etablissement", true, 1, 128)
	for _, f := range etabFields {
		least := 0
		if f.required {
			least = 1
		}
		if text, ok := b.text(f.name, f.required, least, 255); ok && text != "" {
			n.Attributes[f.name] = text
		}
	}
	if status, ok := b.word("status", etabStatuses...); ok {
		n.Attributes["status"], n.Closed = status, status == etabClosed
	}
	if plan, ok := b.word("plan", etabPlans...); ok {
		n.Attributes["plan"] = plan
	}
	n.Name, n.Code = strings.TrimSpace(n.Name), strings.TrimSpace(n.Code)
	return n
}

// objects reads a body of one object, a list of them, or either under data.
func (c *checks) objects() ([]*body, error) {
	b, raw, err := c.value()
	if err != nil || len(c.faults) > 0 {
		return nil, err
	}
	if fields, ok := raw.(map[string]any); ok && len(fields) == 1 && fields["data"] != nil {
		raw = fields["data"]
	}
	if fields, ok := raw.(map[string]any); ok {
		b.fields = fields
		return []*body{b}, nil
	}
	items, ok := raw.([]any)
	if !ok || len(items) == 0 || len(items) > etabsAtOnce {
		c.fault([]any{"body"}, "list_type", "Input should be a valid list", nil, nil)
		return nil, nil
	}
	var list []*body
	for i, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			c.fault([]any{"body", i}, notModel, "Input should be a valid dictionary or object to extract fields from", nil, nil)
			continue
		}
		list = append(list, &body{c: c, fields: fields})
	}
	return list, nil
}
