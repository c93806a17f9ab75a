package jumpcloud

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

func (s *surface) systemUsers() {
	s.route("GET /api/systemusers", s.listUsers)
	s.route("POST /api/systemusers", s.createUser)
	s.route("GET /api/systemusers/{id}", s.getUser)
	s.route("PUT /api/systemusers/{id}", s.changeUser)
	s.route("DELETE /api/systemusers/{id}", s.deleteUser)
	s.route("POST /api/systemusers/{id}/state/activate", s.activateUser)
	s.route("POST /api/search/systemusers", s.searchUsers)
}

// noUser is what every id gets that leads to no user of this organization (contract §7).
var noUser = refuse(http.StatusNotFound, "There is no such user.")

var deletedMeanwhile = muster.Errorf(muster.NotFound, "id", "There is no such user.")

// findUser gives the user that an id leads to. Who was deleted is not there.
func (s *surface) findUser(q *request, id string) (roster.Person, error) {
	found, err := s.peopleOf(q, []string{id})
	if err != nil {
		return roster.Person{}, err
	}
	p, known := found[id]
	if !known || p.State == muster.Deleted {
		return roster.Person{}, noUser
	}
	return p, nil
}

// peopleOf gives the people that ids lead to, also those who were deleted. Ids that lead to nobody are absent.
func (s *surface) peopleOf(q *request, ids []string) (map[string]roster.Person, error) {
	var numbers []int64
	for _, id := range ids {
		if number, _, ok := muster.ParseHexID(id); ok {
			numbers = append(numbers, number)
		}
	}
	people := make(map[string]roster.Person, len(numbers))
	if len(numbers) == 0 {
		return people, nil
	}
	found, err := s.Roster.BySeq(q.ctx, q.caller, numbers)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		number, created, ok := muster.ParseHexID(id)
		if p, known := found[number]; ok && known && p.CreatedAt.Unix() == created.Unix() {
			people[id] = p
		}
	}
	return people, nil
}

// getUser is GET /systemusers/{id}.
func (s *surface) getUser(q *request) (any, error) {
	p, err := s.findUser(q, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.shown(q, p, fieldsOf(q.r.URL.Query().Get("fields")), nil)
}

// createUser is POST /systemusers.
func (s *surface) createUser(q *request) (any, error) {
	if err := q.writer(); err != nil {
		return nil, err
	}
	given, err := s.object(q, false)
	if err != nil {
		return nil, err
	}
	m := s.single(q, createMode)
	m.State = s.States.ManualEntry
	nobody := roster.Fresh()
	r := read(m, given, &nobody)
	w := roster.Wish{Draft: r.draft, Faults: r.faults}
	if r.manager != "" {
		boss, err := s.manager(q, r.manager)
		if err != nil {
			return nil, err
		}
		if boss == "" {
			w.Faults = append(w.Faults, noManager(r.manager))
		} else {
			w.Draft["manager"] = boss
		}
	}
	if err := s.password(q, given, &w); err != nil {
		return nil, err
	}
	results, err := s.Roster.EnrolWith(q.ctx, q.caller, roster.AdmitOptions{}, []roster.Wish{w})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return nil, q.userRefused(err, "User already exists. ")
	}
	return s.shown(q, results[0].Person, nil, r.warnings)
}

// changeUser is PUT /systemusers/{id}. Despite the verb, what is not given stays (contract §7), and so does what is given as it is shown.
func (s *surface) changeUser(q *request) (any, error) {
	if err := q.writer(); err != nil {
		return nil, err
	}
	p, err := s.findUser(q, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	given, err := s.object(q, false)
	if err != nil {
		return nil, err
	}
	m := s.single(q, updateMode)
	m.Lenient = true
	w := roster.Wish{Person: p.ID, Draft: muster.Draft{}, Faults: otherUser(given, userID(p.ID))}
	nobody := roster.Fresh()
	if boss := read(m, given, &nobody).manager; boss != "" {
		id, err := s.manager(q, boss)
		if err != nil {
			return nil, err
		}
		if id != "" {
			w.Draft["manager"] = id
		}
	}
	if err := s.password(q, given, &w); err != nil {
		return nil, err
	}
	var warnings muster.Errors
	w.Adapt = func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors) {
		if now.State == muster.Deleted {
			return d, muster.Errors{deletedMeanwhile}
		}
		r := read(m, given, now)
		warnings = r.warnings
		if boss, known := d["manager"]; known && r.manager != "" {
			r.draft["manager"] = boss
		} else if r.manager != "" {
			r.faults = append(r.faults, noManager(r.manager))
		}
		return r.draft, r.faults
	}
	results, err := s.Roster.ChangeWith(q.ctx, q.caller, roster.AdmitOptions{}, []roster.Wish{w})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return nil, q.userRefused(err, "")
	}
	return s.shown(q, results[0].Person, nil, warnings)
}

// otherUser finds fault with ids in a body that are not the one of the address.
func otherUser(given map[string]any, id string) (faults muster.Errors) {
	for _, name := range []string{"_id", "id"} {
		if v, there := given[name]; there {
			if text, _ := v.(string); !strings.EqualFold(text, id) {
				faults = append(faults, muster.Errorf(muster.Invalid, name, "The address names another user. An id cannot be changed."))
			}
		}
	}
	return faults
}

// deleteUser is DELETE /systemusers/{id}: it answers with the user as they were.
func (s *surface) deleteUser(q *request) (any, error) {
	if err := q.writer(); err != nil {
		return nil, err
	}
	p, err := s.findUser(q, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	answer, err := s.shown(q, p, nil, nil)
	if err != nil {
		return nil, err
	}
	results, err := s.Roster.Delete(q.ctx, q.caller, []roster.Wish{{Person: p.ID}})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return nil, q.userRefused(err, "")
	}
	return answer, nil
}

// activateUser is POST /systemusers/{id}/state/activate: it lets somebody in who was staged. Whom their accounts' welcome goes to is said by each
// target, so an address in the body is checked and not written to.
func (s *surface) activateUser(q *request) (any, error) {
	if err := q.writer(); err != nil {
		return nil, err
	}
	p, err := s.findUser(q, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	given, err := s.object(q, true)
	if err != nil {
		return nil, err
	}
	r := &reading{mode: s.single(q, updateMode), now: &p.Person, given: given, draft: muster.Draft{}}
	switch v := given["email"].(type) {
	case nil, bool:
	case string:
		if r.address("email", "", v); len(r.faults) == 0 {
			r.warn(muster.Unsupported, "email", "The welcome goes to the user's own address. This one was not written to.")
		}
	default:
		r.fail(muster.Invalid, "email", "true, false or an e-mail address is expected here.")
	}
	w := roster.Wish{Person: p.ID, Draft: muster.Draft{}, Faults: r.faults, Adapt: func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors) {
		switch now.State {
		case muster.Staged:
			return muster.Draft{"state": string(muster.Active)}, nil
		case muster.Active:
			return d, nil
		case muster.Deleted:
			return d, muster.Errors{deletedMeanwhile}
		}
		return d, muster.Errors{muster.Errorf(muster.Invalid, "state", "Only a user who is STAGED is activated so. Set the state to ACTIVATED instead.")}
	}}
	results, err := s.Roster.ChangeWith(q.ctx, q.caller, roster.AdmitOptions{}, []roster.Wish{w})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return nil, q.userRefused(err, "")
	}
	return s.shown(q, results[0].Person, nil, r.warnings)
}

// single is how the object of a request about one user is meant.
func (s *surface) single(q *request, operation string) *mode {
	return &mode{Operation: operation, Org: q.orgID(), At: s.Now().UTC()}
}

// manager gives the id of the person whom an id here leads to; "" when there is nobody.
func (s *surface) manager(q *request, id string) (string, error) {
	p, err := s.findUser(q, id)
	if errors.Is(err, noUser) {
		return "", nil
	}
	return p.ID.String(), err
}

func noManager(id string) *muster.Error {
	return muster.Errorf(muster.NotFound, "manager", "There is no user %s to be the manager.", id)
}

// password adds a password that was given to a wish, hashed, or what is wrong with it.
func (s *surface) password(q *request, given map[string]any, w *roster.Wish) error {
	v, there := given["password"]
	if !there {
		return nil
	}
	password, isText := v.(string)
	fault := muster.Errorf(muster.Invalid, "password", "A text is expected here.")
	if isText {
		fault = s.Access.CheckNewPassword(password)
	}
	if fault != nil {
		fault.Field = "password"
		w.Faults = append(w.Faults, fault)
	}
	if len(w.Faults) > 0 {
		return nil // it will not be carried out
	}
	var err error
	w.PasswordHash, err = s.Access.HashFor(q.ctx, password)
	return err
}

// userRefused is a refusal of what was wanted of one user: 400 whatever the fault, but for rights and for a user who is not there (any more). All
// faults stand in the message, and in the details only where the caller asks for them (contract §7).
func (q *request) userRefused(err error, exists string) error {
	faults := muster.Faults(err)
	switch first := faults[0]; {
	case first.Field == "id" && first.Code == muster.NotFound || first.Code == muster.Gone:
		return noUser
	case first.Code == muster.Forbidden || first.Code == muster.Unauthenticated || first.Code == muster.Internal || first.Code == muster.Unavailable:
		return err
	}
	answer := refuse(http.StatusBadRequest, line(faults))
	if slices.ContainsFunc(faults, func(f *muster.Error) bool { return f.Code == muster.Conflict }) {
		answer.Message = exists + answer.Message
	}
	answer.Details = detailsOf(faults)
	if full := q.r.URL.Query().Get("fullValidationDetails"); full == "" || strings.EqualFold(full, "false") {
		answer.Details = answer.Details[:1]
	}
	return answer
}

// shown is a user in an answer: the attributes asked for, and all when fields is nil. warnings are of what was given and not taken as it was.
func (s *surface) shown(q *request, p roster.Person, fields map[string]bool, warnings muster.Errors) (map[string]any, error) {
	list, err := s.shownAll(q, []roster.Person{p}, fields)
	if err != nil {
		return nil, err
	}
	if len(warnings) > 0 {
		list[0]["warnings"] = faultsOf(warnings, "")
	}
	return list[0], nil
}

func (s *surface) shownAll(q *request, people []roster.Person, fields map[string]bool) ([]map[string]any, error) {
	seqs := make([]int64, len(people))
	for i := range people {
		seqs[i] = people[i].Seq
	}
	var set map[int64]time.Time
	if fields == nil || fields["activated"] || fields["password_date"] {
		var err error
		if set, err = s.Roster.Passwords(q.ctx, q.caller, seqs); err != nil {
			return nil, err
		}
	}
	list := make([]map[string]any, len(people))
	for i := range people {
		list[i] = viewOf(&people[i], q.orgID(), set[people[i].Seq])
		if fields != nil {
			maps.DeleteFunc(list[i], func(name string, _ any) bool { return name != "_id" && !fields[name] })
		}
	}
	return list, nil
}

// fieldsOf are the attributes that an answer is limited to; nil is all of them. What is no attribute is passed over.
func fieldsOf(text string) map[string]bool {
	names := strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' })
	if len(names) == 0 {
		return nil
	}
	fields := make(map[string]bool, len(names))
	for _, name := range names {
		name, _, _ = strings.Cut(name, ".")
		fields[name] = true
	}
	return fields
}
