package invite

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// TicketState says what may be done with a ticket.
type TicketState string

const (
	TicketOpen      TicketState = "open"
	TicketUsed      TicketState = "used"      // it has served
	TicketExpired   TicketState = "expired"   // its life is over
	TicketWithdrawn TicketState = "withdrawn" // who it was for may not have it any longer
)

// Ticket is what the page of a link needs to know. Names are what people chose: whoever shows them escapes them.
type Ticket struct {
	State       TicketState
	Name        string // of the person
	Username    string // of the account
	Tenant      string
	Locale      string // the person's language when it is fr or en, else ""
	ExpiresAt   time.Time
	PasswordMin int
}

const (
	setTime  = 60 * time.Second // for the target to take a password
	holdTime = 90 * time.Second // how long a ticket is in one hand
)

// opened is a ticket with what it is about.
type opened struct {
	row     store.TicketRow
	account provision.AccountView
	person  muster.Person
	tenant  muster.Tenant
	state   TicketState
}

// Ticket gives what the token of a link leads to, and changes nothing. A token of no ticket, also one in whose place a newer one was mailed, is
// muster.NotFound.
func (i *Invite) Ticket(ctx context.Context, token string) (Ticket, error) {
	o, err := i.open(ctx, token)
	if err != nil {
		return Ticket{}, err
	}
	t := Ticket{State: o.state, Locale: spoken(o.person.Locale), Tenant: o.tenant.Name, ExpiresAt: o.row.ExpiresAt, PasswordMin: i.passwordMin}
	if o.state == TicketOpen { // a spent link tells nobody whose it was
		t.Name, t.Username = o.person.Shown(), o.account.Username
		if t.Username == "" {
			t.Username = o.person.Username
		}
	}
	return t, nil
}

// tokenLength is how long every token is. Anything else is not looked up.
const tokenLength = 43

func (i *Invite) open(ctx context.Context, token string) (o opened, err error) {
	unknown := muster.Errorf(muster.NotFound, "ticket", "This link is not known. Perhaps a newer mail has taken its place, or it was not copied whole.")
	if len(token) != tokenLength {
		return o, unknown
	}
	err = i.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		if o.row, err = tx.TicketByHash(secret.HashToken(token)); err == nil {
			o.tenant, err = tx.Of(o.row.Tenant).Own()
		}
		return err
	})
	if muster.CodeOf(err) == muster.NotFound || err == nil && o.row.Purpose != setPassword {
		return o, unknown
	}
	if err != nil {
		return o, err
	}
	o.account, o.person, err = i.provision.AccountToActivate(ctx, o.row.Tenant, o.row.Subject)
	gone := muster.CodeOf(err) == muster.Gone || muster.CodeOf(err) == muster.NotFound
	if err != nil && !gone {
		return o, err
	}
	if o.state = i.stateOf(&o); o.state == TicketOpen && gone {
		o.state = TicketWithdrawn
	}
	return o, nil
}

func (i *Invite) stateOf(o *opened) TicketState {
	switch {
	case !o.row.UsedAt.IsZero(), o.account.Activation.State == muster.ActivationDone:
		return TicketUsed // also when the process died before it could note the use
	case !o.row.ExpiresAt.IsZero() && !o.row.ExpiresAt.After(i.store.Now()):
		return TicketExpired
	}
	return TicketOpen
}

// SetPassword uses a ticket: it gives the account the password. Of several that try at once one does, and the others are muster.Conflict. When it does
// not succeed the ticket is as it was, and the error says why: field password for one that cannot be taken, muster.Unavailable for a target that is
// down, muster.Gone for a ticket that is used, over or withdrawn.
func (i *Invite) SetPassword(ctx context.Context, token, password string) error {
	o, err := i.open(ctx, token)
	if err != nil {
		return err
	}
	if o.state != TicketOpen {
		return errClosed(o.state)
	}
	if err := (access.PasswordRule{Least: i.passwordMin}).Check(password); err != nil {
		return err
	}
	// What has begun goes on when the browser does not wait: the target may have the password already.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setTime)
	defer cancel()
	owner := uuid.NewString()
	taken := false
	err = i.store.Update(ctx, o.row.Tenant, func(tx *store.Tx) (err error) {
		taken, err = tx.TakeTicket(o.row, owner, tx.Now().Add(holdTime))
		return err
	})
	if err != nil {
		return err
	}
	if !taken {
		return i.whyNotTaken(ctx, token)
	}
	if err := i.provision.SetPassword(ctx, o.row.Tenant, o.row.Subject, password); err != nil {
		return i.leave(ctx, &o, owner, err)
	}
	return i.store.Update(ctx, o.row.Tenant, func(tx *store.Tx) error { return tx.UseTicket(o.row) })
}

// leave gives a ticket back whose password was not taken.
func (i *Invite) leave(ctx context.Context, o *opened, owner string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	refused := muster.Faults(cause)[0].Field == "password"
	err := i.store.Update(ctx, o.row.Tenant, func(tx *store.Tx) error { // the ticket first, as whoever sends its mail locks them
		if err := tx.LeaveTicket(o.row.Seq, owner); err != nil || !refused {
			return err
		}
		if err := i.provision.Begun(tx, o.row.Subject); muster.CodeOf(err) != muster.NotFound {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("invite: give back ticket: %w", err)
	}
	return cause
}

// whyNotTaken says why a ticket that was open a moment ago could not be used.
func (i *Invite) whyNotTaken(ctx context.Context, token string) error {
	o, err := i.open(ctx, token)
	if err != nil {
		return err
	}
	if o.state != TicketOpen {
		return errClosed(o.state)
	}
	return muster.Errorf(muster.Conflict, "ticket", "A password is being set with this link at this moment. Wait a little and try again.")
}

func errClosed(state TicketState) error {
	switch state {
	case TicketUsed:
		return muster.Errorf(muster.Gone, "ticket", "This link has been used already. Sign in with the password that was chosen.")
	case TicketExpired:
		return muster.Errorf(muster.Gone, "ticket", "The life of this link is over. Ask for a new mail.")
	}
	return muster.Errorf(muster.Gone, "ticket", "This link is no longer meant to be used.")
}
