package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

func (s *surface) personMoves() {
	handle(s, op(http.MethodPost, "/v1/people/{person}/retire", "retire-person", "Retire somebody",
		"Archives a person, for a reason: their accounts no longer work, and they are kept for reference."), s.retirePerson)
	handle(s, op(http.MethodPost, "/v1/people/{person}/restore", "restore-person", "Bring somebody back",
		"Makes somebody active who was archived, suspended or deleted. An address or identifier that somebody else took meanwhile fails it, naming the holder."), s.restorePerson)
	handle(s, op(http.MethodGet, "/v1/people/{person}/history", "person-history", "What happened to somebody",
		"Every change, newest first, at most 500: who, through which surface, in which request or row of which batch, before and after."), s.personHistory)
	handle(s, op(http.MethodGet, "/v1/people/{person}/accounts", "person-accounts", "Somebody's accounts", "Their accounts on all targets."), s.personAccounts)
	handle(s, op(http.MethodGet, "/v1/usernames/preview", "preview-username", "Preview a username",
		"The username that somebody of these names would get now. Nothing is reserved: asking twice gives the same."), s.previewUsername)
}

// RetireIn retires somebody.
type RetireIn struct {
	OnePerson
	IfMatch
	Body struct {
		Reason string `json:"reason" required:"true" minLength:"1" maxLength:"1024" example:"left in July" doc:"Why; it is kept with the person."`
	}
}

func (s *surface) retirePerson(ctx context.Context, caller muster.Caller, in *RetireIn) (*PersonOut, error) {
	id, version, err := in.about("person", in.Person)
	if err != nil {
		return nil, err
	}
	return onePerson(s.Roster.Retire(ctx, caller, in.Body.Reason, []roster.Wish{{Person: id, Version: version}}))
}

func (s *surface) restorePerson(ctx context.Context, caller muster.Caller, in *PersonGuarded) (*PersonOut, error) {
	id, version, err := in.about("person", in.Person)
	if err != nil {
		return nil, err
	}
	return onePerson(s.Roster.Restore(ctx, caller, []roster.Wish{{Person: id, Version: version}}))
}

// Event is one thing that happened to a person.
type Event struct {
	At        time.Time     `json:"at"`
	Actor     string        `json:"actor" example:"key:secretary" doc:"Who did it."`
	Surface   string        `json:"surface" example:"native" doc:"The API it came through."`
	RequestID string        `json:"request_id,omitempty"`
	Action    string        `json:"action" example:"person.update" doc:"What was done; batch.row for a row of an import, account.deliver for an account on a target."`
	Change    Change        `json:"change"`
	Target    string        `json:"target,omitempty" doc:"Name of the target whose account was delivered."`
	Batch     *EventOfBatch `json:"batch,omitempty" doc:"The row of a batch that did it."`
}

// EventOfBatch is the row of a batch that did something.
type EventOfBatch struct {
	ID      uuid.UUID        `json:"id" format:"uuid"`
	Name    string           `json:"name"`
	Kind    muster.BatchKind `json:"kind" enum:"import,provision"`
	Index   int              `json:"index"`
	Row     int              `json:"row,omitempty" doc:"As the file counts, from 1."`
	State   muster.ItemState `json:"state"`
	Reasons []Fault          `json:"reasons,omitempty"`
}

// HistoryOut answers with what happened to a person.
type HistoryOut struct {
	Body struct {
		Items []Event `json:"items"`
	}
}

func (s *surface) personHistory(ctx context.Context, caller muster.Caller, in *OnePerson) (*HistoryOut, error) {
	id, err := idOf("person", in.Person)
	if err != nil {
		return nil, err
	}
	events, err := s.Roster.History(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	out := &HistoryOut{}
	out.Body.Items = make([]Event, len(events))
	for i := range events {
		out.Body.Items[i] = eventView(&events[i])
	}
	return out, nil
}

func eventView(e *roster.Event) Event {
	if e.Batch.Seq == 0 {
		return Event{At: e.Entry.At, Actor: e.Entry.Actor, Surface: e.Entry.Surface, RequestID: e.Entry.Request, Action: e.Entry.Action, Change: changeView(e.Entry.Change)}
	}
	action := "batch.row"
	if e.Batch.Kind == muster.ProvisionBatch {
		action = "account.deliver"
	}
	return Event{
		At: e.Item.At, Actor: e.Batch.Batch.Owner, Surface: e.Batch.Surface, Action: action, Target: e.Target, Change: changeView(e.Item.Change),
		Batch: &EventOfBatch{
			ID: e.Batch.ID, Name: e.Batch.Name, Kind: e.Batch.Kind, Index: e.Item.Index, Row: e.Item.Row, State: e.Item.State, Reasons: faultViews(e.Item.Reasons),
		},
	}
}

func (s *surface) personAccounts(ctx context.Context, caller muster.Caller, in *OnePerson) (*struct{ Body Page[Account] }, error) {
	return s.listAccounts(ctx, caller, &AccountFilter{Paging: Paging{Limit: mostRows}, Person: in.Person})
}

// NamesIn are the names that a username is made from.
type NamesIn struct {
	FirstName   string `query:"first_name" example:"Ana"`
	MiddleName  string `query:"middle_name"`
	LastName    string `query:"last_name" example:"Souza"`
	DisplayName string `query:"display_name"`
	Email       string `query:"email"`
	SourceID    string `query:"source_id"`
}

// UsernameOut answers with a username.
type UsernameOut struct {
	Body struct {
		Username string `json:"username" example:"ana.souza001"`
	}
}

func (s *surface) previewUsername(ctx context.Context, caller muster.Caller, in *NamesIn) (*UsernameOut, error) {
	username, err := s.Roster.Preview(ctx, caller, muster.Names{
		First: in.FirstName, Middle: in.MiddleName, Last: in.LastName, Display: in.DisplayName, Email: in.Email, SourceID: in.SourceID,
	})
	out := &UsernameOut{}
	out.Body.Username = username
	return out, err
}
