package native

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
)

// Account is a person's account on a target.
type Account struct {
	ID         uuid.UUID           `json:"id" format:"uuid"`
	Person     uuid.UUID           `json:"person" format:"uuid"`
	Target     uuid.UUID           `json:"target" format:"uuid"`
	TargetName string              `json:"target_name" example:"intranet"`
	Username   string              `json:"username,omitempty" doc:"On the target; it may differ from the person's."`
	ExternalID string              `json:"external_id,omitempty" doc:"The target's own id, once there is one."`
	State      muster.AccountState `json:"state" enum:"planned,delivered,pending,failed,conflict,unmanaged,released"`
	Error      *Fault              `json:"error,omitempty" doc:"Why the last delivery failed."`
	Attempts   int                 `json:"attempts" doc:"Deliveries tried since something is owed."`
	Due        *time.Time          `json:"due,omitempty" doc:"When the next delivery is due; absent when nothing is owed."`
	Activation Activation          `json:"activation"`
	Version    int64               `json:"version"`
	CreatedAt  time.Time           `json:"created_at"`
	UpdatedAt  time.Time           `json:"updated_at"`
}

// Activation is how far somebody has come in making an account theirs.
type Activation struct {
	State     muster.ActivationState `json:"state" enum:"none,owed,sent,pending,done,expired,failed" doc:"none: nobody is mailed, or not yet; owed: the mail has yet to be sent; sent; pending: the person has begun, or activates in some other way; done; expired: the mail's life time is over; failed: it could not be sent."`
	By        muster.Mailer          `json:"by,omitempty" enum:"none,muster,target" doc:"Who mails the person."`
	SentAt    *time.Time             `json:"sent_at,omitempty" doc:"When the last mail was sent."`
	ExpiresAt *time.Time             `json:"expires_at,omitempty" doc:"Until when its link works."`
	DoneAt    *time.Time             `json:"done_at,omitempty"`
	Error     *Fault                 `json:"error,omitempty" doc:"Why the mail could not be sent."`
}

func activationView(a *muster.Activation) Activation {
	v := Activation{State: a.State, By: a.By, SentAt: moment(a.SentAt), ExpiresAt: moment(a.ExpiresAt), DoneAt: moment(a.DoneAt)}
	if v.State == "" {
		v.State = muster.NoActivation // an account that is not stored yet
	}
	if a.LastError != nil {
		v.Error = &faultViews(muster.Errors{a.LastError})[0]
	}
	return v
}

func accountView(a *provision.AccountView) Account {
	v := Account{
		ID: a.ID, Person: a.PersonID, Target: a.TargetID, TargetName: a.TargetName, Username: a.Username, ExternalID: a.ExternalID, State: a.State,
		Attempts: a.Attempts, Due: moment(a.Due), Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		Activation: activationView(&a.Activation),
	}
	if a.LastError != nil {
		v.Error = &faultViews(muster.Errors{a.LastError})[0]
	}
	return v
}

// moment is a time that may not have come.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *surface) accounts() {
	handle(s, op(http.MethodGet, "/v1/accounts", "list-accounts", "List accounts", "The accounts on a target, those of a person, or all."), s.listAccounts)
	handle(s, op(http.MethodGet, "/v1/accounts/{account}", "get-account", "Get an account", "One account, with what is owed to it."), s.getAccount)
	handle(s, op(http.MethodPost, "/v1/accounts/{account}/deliver", "deliver-account", "Deliver an account now",
		"Has what the account should be delivered again at once, also when that failed before or met a conflict."), s.deliverAccount)
	handle(s, op(http.MethodPost, "/v1/accounts/{account}/remind", "remind-account", "Mail the person once more",
		"Has the mail by which the person activates the account sent again: by the target or by Muster, as the target's policy says."), s.remindAccount)
}

// AccountFilter is which accounts to list.
type AccountFilter struct {
	Paging
	Target string `query:"target" doc:"The id of a target."`
	Person string `query:"person" doc:"The id of a person."`
	State  string `query:"state" enum:"planned,delivered,pending,failed,conflict,unmanaged,released"`
}

func (s *surface) listAccounts(ctx context.Context, caller muster.Caller, in *AccountFilter) (*struct{ Body Page[Account] }, error) {
	at, err := in.open("accounts", in.Target, in.Person, in.State)
	if err != nil {
		return nil, err
	}
	q := provision.AccountQuery{State: muster.AccountState(in.State), After: at.Seq, Limit: in.ask()}
	for _, filter := range []struct {
		noun, text string
		id         *uuid.UUID
	}{{"target", in.Target, &q.Target}, {"person", in.Person, &q.Person}} {
		if filter.text == "" {
			continue
		}
		if *filter.id, err = idOf(filter.noun, filter.text); err != nil {
			return nil, about(filter.noun, err)
		}
	}
	if q.Target == uuid.Nil && q.Person == uuid.Nil {
		return s.allAccounts(ctx, caller, in, at, q)
	}
	list, err := s.Provision.Accounts(ctx, caller, q)
	if err != nil {
		field := "person"
		if in.Target != "" {
			field = "target"
		}
		return nil, about(field, err)
	}
	return &struct{ Body Page[Account] }{*paged(in.Paging, at, list, accountView, func(a *provision.AccountView) (string, int64) { return "", a.Seq })}, nil
}

// allAccounts lists the accounts of one target after the other. The position says on which target the page before ended.
func (s *surface) allAccounts(ctx context.Context, caller muster.Caller, in *AccountFilter, at position, q provision.AccountQuery) (*struct{ Body Page[Account] }, error) {
	targets, err := s.Provision.Targets(ctx, caller)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(targets, func(a, b provision.TargetView) int { return cmp.Compare(a.Seq, b.Seq) })
	began, _ := strconv.ParseInt(at.Key, 10, 64) // a key that was tampered with begins anew
	var list []provision.AccountView
	for _, t := range targets {
		if t.Seq < began || len(list) == in.ask() {
			continue
		}
		q.Target, q.After, q.Limit = t.ID, 0, in.ask()-len(list)
		if t.Seq == began {
			q.After = at.Seq
		}
		more, err := s.Provision.Accounts(ctx, caller, q)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	end := func(a *provision.AccountView) (string, int64) { return strconv.FormatInt(a.Target, 10), a.Seq }
	return &struct{ Body Page[Account] }{*paged(in.Paging, at, list, accountView, end)}, nil
}

// OneAccount names an account in the path.
type OneAccount struct {
	Account string `path:"account" doc:"The account's id."`
}

// AccountOut answers with one account.
type AccountOut struct{ Body Account }

func (s *surface) getAccount(ctx context.Context, caller muster.Caller, in *OneAccount) (*AccountOut, error) {
	return s.oneAccount(ctx, caller, in, s.Provision.Account)
}

func (s *surface) deliverAccount(ctx context.Context, caller muster.Caller, in *OneAccount) (*AccountOut, error) {
	return s.oneAccount(ctx, caller, in, s.Provision.Deliver)
}

func (s *surface) remindAccount(ctx context.Context, caller muster.Caller, in *OneAccount) (*AccountOut, error) {
	return s.oneAccount(ctx, caller, in, s.Provision.Remind)
}

func (s *surface) oneAccount(ctx context.Context, caller muster.Caller, in *OneAccount, f func(context.Context, muster.Caller, uuid.UUID) (provision.AccountView, error)) (*AccountOut, error) {
	id, err := idOf("account", in.Account)
	if err != nil {
		return nil, err
	}
	a, err := f(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return &AccountOut{accountView(&a)}, nil
}
