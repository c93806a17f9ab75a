package edconnekt

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// Identities (contract §10) are people. Their establishments and roles are memberships and assignments (role.go).
func (s *surface) identities() {
	i := identityService
	s.route(i, http.MethodPost, "/", selection, s.createIdentity)
	s.route(i, http.MethodGet, "/", selection, s.listIdentities)
	s.route(i, http.MethodGet, "/last-code", selection, s.lastCode)
	s.route(i, http.MethodGet, "/{identity_id}", selection, s.getIdentity)
	s.route(i, http.MethodPatch, "/{identity_id}", selection, s.patchIdentity)
	s.route(i, http.MethodDelete, "/{identity_id}", selection, s.deleteIdentity)
}

var errNoIdentity = say(http.StatusNotFound, "IDENTITY_NOT_FOUND", "Identité non trouvée")

// The words for where an identity stands (core model §3): whoever is gone to another school is archived for that reason.
const (
	statusActive      = "ACTIVE"
	statusArchived    = "ARCHIVED"
	statusTransferred = "TRANSFERRED"
	reasonTransferred = "transferred"
)

func statusOfPerson(p *muster.Person) string {
	switch {
	case p.State != muster.Archived:
		return statusActive
	case p.Reason == reasonTransferred:
		return statusTransferred
	}
	return statusArchived
}

// setStatus puts into a draft what a status means, when it is another one than the person has.
func setStatus(d muster.Draft, p *muster.Person, status string) {
	if status == statusOfPerson(p) {
		return
	}
	switch status {
	case statusActive:
		d["state"], d["reason"] = string(muster.Active), nil
	case statusArchived:
		d["state"], d["reason"] = string(muster.Archived), nil
	case statusTransferred:
		d["state"], d["reason"] = string(muster.Archived), reasonTransferred
	}
}

// listIdentities is GET /.
func (s *surface) listIdentities(q *request) (int, any, error) {
	p := q.paging(pageSize, pageMost)
	ask := roster.Query{
		Search: q.text("search", false), FirstName: q.text("firstname", false), LastName: q.text("lastname", false), EmailPart: q.text("email", false),
		Role: given(q.text("role", false)), Offset: p.skip(), Limit: p.size, Sort: sortOf(q.text("sort_by", false), q.oneOf("sort_order", "asc", "asc", "desc")),
	}
	known := setStates(&ask, given(q.text("status", false)))
	unit := s.scope(q)
	if text := given(q.text("establishment_id", false)); text != "" {
		unit = q.id([]any{"query", "establishment_id"}, text)
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	list := []map[string]any{}
	if unit != (uuid.UUID{}) {
		u, err := s.establishment(q, unit)
		if muster.CodeOf(err) == muster.NotFound {
			known, err = false, nil
		}
		if err != nil {
			return 0, nil, err
		}
		ask.Unit = u.Seq
	}
	if !known { // nobody has that status, or is in that establishment
		return http.StatusOK, s.list(list, 0, p), nil
	}
	people, err := s.Roster.People(q.ctx, q.caller, ask)
	if err != nil {
		return 0, nil, err
	}
	total, err := s.Roster.CountPeople(q.ctx, q.caller, ask)
	if err != nil {
		return 0, nil, err
	}
	list, err = s.identityViews(q, people)
	return http.StatusOK, s.list(list, total, p), err
}

// setStates limits a query to people of a status. It says whether there is such a status.
func setStates(ask *roster.Query, status string) bool {
	switch status {
	case "":
	case statusActive:
		ask.States = []muster.State{muster.Staged, muster.Active, muster.Suspended}
	case statusArchived:
		ask.States, ask.NotReason = []muster.State{muster.Archived}, reasonTransferred
	case statusTransferred:
		ask.States, ask.Reason = []muster.State{muster.Archived}, reasonTransferred
	default:
		return false
	}
	return true
}

func sortOf(by, order string) roster.Sort {
	sort := roster.Sort("created")
	switch by {
	case "firstname":
		sort = "first_name"
	case "lastname":
		sort = "last_name"
	case "email":
		sort = "email"
	case "status":
		sort = "state"
	}
	if order == "desc" {
		sort = "-" + sort
	}
	return sort
}

// lastCode is GET /last-code.
func (s *surface) lastCode(q *request) (int, any, error) {
	code, err := s.Roster.LastCode(q.ctx, q.caller, codePrefix)
	if code == "" {
		code = codePrefix + "000000"
	}
	return http.StatusOK, map[string]string{"last_code": code}, err
}

// identityOf gives the person that the path names.
func (s *surface) identityOf(q *request) (roster.Person, error) {
	id := q.pathID("identity_id")
	if err := q.err(); err != nil {
		return roster.Person{}, err
	}
	p, err := s.Roster.Person(q.ctx, q.caller, id)
	if err == nil && p.State == muster.Deleted {
		err = errNoIdentity
	}
	return p, notFound(err, errNoIdentity)
}

func (s *surface) getIdentity(q *request) (int, any, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	view, err := s.identityView(q, p)
	return http.StatusOK, s.single(view, nil), err
}

// createIdentity is POST /.
func (s *surface) createIdentity(q *request) (int, any, error) {
	b, err := q.object(notModel)
	if err != nil {
		return 0, nil, err
	}
	fresh := roster.Fresh()
	d, place := b.identity(true, &fresh)
	code, _ := b.text("code_identite", true, 1, 64)
	if code != "" && !codeForm.MatchString(code) {
		b.c.fault([]any{"body", "code_identite"}, "string_pattern_mismatch", "String should match pattern '"+codeForm.String()+"'", shown(code),
			map[string]any{"pattern": codeForm.String()})
	}
	d["code"] = code
	if external, ok := b.text("external_id", false, 0, 255); ok && external != "" {
		d["source"], d["source_id"] = source, external
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	a := roster.Admission{Draft: d}
	if place != nil {
		a.Joins = []roster.Place{*place}
	}
	results, err := s.Roster.Admit(q.ctx, q.caller, admission, []roster.Admission{a})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return 0, nil, bodyFault(q, err)
	}
	view, err := s.identityView(q, results[0].Person)
	return http.StatusCreated, s.done("Identité créée avec succès", view), err
}

var codeForm = regexp.MustCompile(`^[A-Z]{2,8}[0-9]{3,12}$`)

// patchIdentity is PATCH /{identity_id}: what is not in the body stays.
func (s *surface) patchIdentity(q *request) (int, any, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	b, err := q.object(notModel)
	if err != nil {
		return 0, nil, err
	}
	d, place := b.identity(false, &p.Person)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	w := roster.Wish{Person: p.ID, Draft: d}
	if place != nil {
		place.Instead = true // the forms show one role, and change it
		w.Joins = []roster.Place{*place}
	}
	results, err := s.Roster.ChangeWith(q.ctx, q.caller, admission, []roster.Wish{w})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return 0, nil, bodyFault(q, err)
	}
	view, err := s.identityView(q, results[0].Person)
	return http.StatusOK, s.done("Identité mise à jour avec succès", view), err
}

func (s *surface) deleteIdentity(q *request) (int, any, error) {
	p, err := s.identityOf(q)
	if err != nil {
		return 0, nil, err
	}
	results, err := s.Roster.Delete(q.ctx, q.caller, []roster.Wish{{Person: p.ID}})
	if err == nil {
		err = results[0].Err
	}
	return http.StatusOK, s.done("Identité supprimée avec succès", nil), notFound(err, errNoIdentity)
}

// identity reads the fields that creating and changing have in common. Of somebody who is to be made the names are required.
func (b *body) identity(creating bool, p *muster.Person) (muster.Draft, *roster.Place) {
	d := muster.Draft{}
	for _, f := range []struct {
		name, field string
		least, most int
	}{
		{"firstname", "first_name", 1, longestName},
		{"lastname", "last_name", 1, longestName},
		{"email", "email", 0, longestEmail},
	} {
		required := creating && f.least > 0
		text, ok := b.text(f.name, required, f.least, f.most)
		switch {
		case ok:
			d[f.field] = text
		case !creating && b.has(f.name) && f.least == 0:
			d[f.field] = nil
		}
	}
	if phone, ok := b.text("phone", false, 0, longestPhone); ok || !creating && b.has("phone") {
		setPhone(d, p, phone)
	}
	if status, ok := b.word("status", statusActive, statusArchived, statusTransferred); ok {
		setStatus(d, p, status)
	}
	if required, ok := b.word("account_required", "true", "false"); ok && required != accountRequired(p) {
		d[accountField] = required
	}
	return d, b.place(false)
}

// word reads a text that has to be one of some.
func (b *body) word(name string, words ...string) (string, bool) {
	text, ok := b.text(name, false, 0, longestName)
	if !ok || slices.Contains(words, text) {
		return text, ok
	}
	expected := "'" + strings.Join(words[:len(words)-1], "', '") + "' or '" + words[len(words)-1] + "'"
	b.c.fault([]any{"body", name}, "enum", "Input should be "+expected, shown(text), map[string]any{"expected": expected})
	return "", false
}

// setPhone changes the number that this surface shows, when it is another one.
func setPhone(d muster.Draft, p *muster.Person, number string) {
	if number == phoneOf(p) {
		return
	}
	field := phoneField
	if len(p.Profile.Phones) > 0 {
		field = "phones." + p.Profile.Phones[0].Type
	}
	d[field] = number
}

// phoneOf is the number that this surface shows, and that is unique by it: the first.
func phoneOf(p *muster.Person) string {
	if len(p.Profile.Phones) == 0 {
		return ""
	}
	return p.Profile.Phones[0].Number
}

func accountRequired(p *muster.Person) string {
	if p.Profile.Attributes["account_required"] == "false" {
		return "false"
	}
	return "true"
}

// bodyNames are this surface's names of fields, for faults that floor 2 finds in them.
var bodyNames = map[string]string{
	"first_name": "firstname", "last_name": "lastname", "email": "email", "phone": "phone", "code": "code_identite", "source_id": "external_id", "unit": "establishment_id",
	"role": "role_principal_code", "secondary": "role_effectif_code", "title": "function_display", "cycles": "cycle_codes", "subjects": "subject_codes", "state": "status",
	accountField: "account_required",
}

func bodyName(field string) string {
	field = strings.TrimPrefix(strings.TrimPrefix(field, "joins[0]."), "roles[0].")
	if strings.HasPrefix(field, "phones") {
		field = "phone"
	}
	head, _, _ := strings.Cut(field, "[")
	return bodyNames[head]
}

// heldTexts are the words for a value that somebody else holds.
var heldTexts = map[string]string{
	"email": "Cette adresse email est déjà utilisée", "phone": "Ce numéro de téléphone est déjà utilisé", "code_identite": "Ce code identité est déjà utilisé",
	"external_id": "Cet identifiant externe est déjà utilisé",
}

const errPair = "Le rôle effectif n'est pas compatible avec le rôle principal"

// bodyFault says a refusal of floor 2 about a value of the body: 409 for what somebody else holds, 404 for an establishment that is not there, 422
// for what cannot be accepted.
func bodyFault(q *request, err error) error {
	for _, f := range muster.Faults(err) {
		name := bodyName(f.Field)
		switch {
		case f.Code == muster.Conflict && heldTexts[name] != "":
			return say(http.StatusConflict, strings.ToUpper(name)+"_EXISTS", heldTexts[name])
		case f.Code == muster.NotFound && name == "establishment_id":
			return errNoEstablishment
		case f.Code == muster.NotFound, f.Code == muster.Gone:
			return errNoIdentity
		case name == "role_effectif_code":
			return say(http.StatusBadRequest, "ROLE_INCOMPATIBLE", errPair)
		case name == "role_principal_code":
			return say(http.StatusBadRequest, "ROLE_UNKNOWN", "Ce rôle n'existe pas pour cet établissement")
		case name != "" && (f.Code == muster.Invalid || f.Code == muster.Required || f.Code == muster.TooLong):
			q.fault([]any{"body", name}, "value_error", "Value error, "+french.Error(f), nil, nil)
		default:
			return err
		}
	}
	return fmt.Errorf("%w", q.err())
}
