package jumpcloud

import (
	"net/http"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

func (s *surface) systemUsers() {
	s.route("GET /api/systemusers/{id}", s.getUser)
}

// noUser is what every id gets that leads to no user of this organization (contract §7).
var noUser = refuse(http.StatusNotFound, "There is no such user.")

// findUser gives the user that an id leads to. Who was deleted is not there.
func (s *surface) findUser(q *request, id string) (roster.Person, error) {
	number, created, ok := muster.ParseHexID(id)
	if !ok {
		return roster.Person{}, noUser
	}
	found, err := s.Roster.BySeq(q.ctx, q.caller, []int64{number})
	if err != nil {
		return roster.Person{}, err
	}
	p, known := found[number]
	if !known || p.CreatedAt.Unix() != created.Unix() || p.State == muster.Deleted {
		return roster.Person{}, noUser
	}
	return p, nil
}

func (s *surface) getUser(q *request) (any, error) {
	p, err := s.findUser(q, q.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return viewOf(&p, q.orgID(), time.Time{}), nil
}
