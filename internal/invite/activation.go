package invite

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// setPassword is the purpose of a ticket whose subject is an account: its person may set the account's password.
const setPassword = "set_password"

// token is the secret of a ticket's link: always the same for the same rotation, so that every attempt at a mail has the same link.
func (i *Invite) token(t store.TicketRow) string {
	return i.key.Derive("ticket/"+t.Purpose, t.ID.String(), strconv.FormatInt(t.Rotation, 10))
}

// activation makes a ticket and a mail of the wish to have an account activated. A wish that was met already, and one for which a mail waits, make no
// second one.
func (i *Invite) activation(ctx context.Context, args provision.ActivationArgs) error {
	return i.store.Update(ctx, args.Tenant, func(tx *store.Tx) error {
		ticket, err := tx.TicketOf(setPassword, args.Account)
		switch {
		case err == nil:
			if again, err := i.metBy(tx, ticket, args.Nonce); err != nil || !again {
				return err
			}
			next := ticket
			next.Rotation++
			err = tx.RotateTicket(&ticket, secret.HashToken(i.token(next)))
		case muster.CodeOf(err) == muster.NotFound:
			ticket = store.TicketRow{ID: uuid.Must(uuid.NewV7()), Purpose: setPassword, Subject: args.Account}
			err = tx.CreateTicket(&ticket, secret.HashToken(i.token(ticket)))
		}
		if err != nil {
			return err
		}
		row := store.MailRow{Ticket: ticket.Seq, Rotation: ticket.Rotation, Nonce: args.Nonce, MessageID: i.messageID(uuid.NewString())}
		if err := tx.CreateMail(&row); err != nil {
			return err
		}
		return i.wake(tx)
	})
}

// metBy says whether a wish needs a new mail: not when the ticket's newest one answers it, and not when that has yet to be sent, which then
// happens now.
func (i *Invite) metBy(tx *store.Tx, ticket store.TicketRow, nonce int64) (again bool, err error) {
	last, err := tx.MailFor(ticket.Seq)
	switch {
	case muster.CodeOf(err) == muster.NotFound: // forgotten long ago
		return true, nil
	case err != nil:
		return false, err
	case last.State != store.MailWaiting:
		return last.Nonce != nonce, nil
	case last.Nonce == nonce:
		return false, nil
	}
	if err := tx.HurryMail(last.Seq, nonce); err != nil {
		return false, err
	}
	return false, i.wake(tx)
}

// messageID is fixed before the first attempt. Without a mail server it has no sender's domain yet, and gets it when there is one.
func (i *Invite) messageID(unique string) string {
	if i.server == nil {
		return unique
	}
	return i.server.NewID(unique)
}
