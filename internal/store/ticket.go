package store

import (
	"database/sql"
	"time"

	"github.com/google/uuid"
)

// TicketRow is what somebody may do once with the link of a mail.
type TicketRow struct {
	Seq       int64
	ID        uuid.UUID
	Tenant    int64
	Purpose   string
	Subject   int64     // what Purpose says; for a password the account
	Rotation  int64     // how often a new link took the place of an older one
	ExpiresAt time.Time // zero until the mail has been handed over
	UsedAt    time.Time
	Owner     string    // who uses it now
	Lease     time.Time // until when
}

const ticketColumns = "t.seq, t.id, t.tenant, t.purpose, t.subject, t.rotation, t.expires, t.used_at, t.owner, t.lease"

func (tx *Tx) tickets(where string, args ...any) ([]TicketRow, error) {
	var list []TicketRow
	err := tx.each("SELECT "+ticketColumns+" FROM ticket t WHERE "+where, args, func(scan func(...any) error) error {
		var t TicketRow
		var expires, used, lease sql.NullInt64
		err := scan(&t.Seq, &t.ID, &t.Tenant, &t.Purpose, &t.Subject, &t.Rotation, &expires, &used, text{&t.Owner}, &lease)
		t.ExpiresAt, t.UsedAt, t.Lease = fromMicros(expires), fromMicros(used), fromMicros(lease)
		list = append(list, t)
		return err
	})
	return list, err
}

// TicketByHash gives the ticket whose token has this hash, whatever its tenant: the token is the credential, and names it. Otherwise it is
// muster.NotFound.
func (tx *Tx) TicketByHash(hash []byte) (TicketRow, error) {
	return one(tx.tickets("t.hash = $1", hash))("There is no such ticket.")
}

// Ticket gives a ticket of the tenant.
func (tx *Tx) Ticket(seq int64) (TicketRow, error) {
	return one(tx.tickets("t.seq = $1 AND t.tenant = $2", seq, tx.tenant))("There is no ticket %d.", seq)
}

// TicketOf gives the ticket of a subject for a purpose, or muster.NotFound.
func (tx *Tx) TicketOf(purpose string, subject int64) (TicketRow, error) {
	return one(tx.tickets("t.tenant = $1 AND t.purpose = $2 AND t.subject = $3", tx.tenant, purpose, subject))("There is no such ticket.")
}

// CreateTicket writes a ticket, whose id its maker chose (the token is derived from it), and gives it its seq. When somebody else was faster it is
// ErrClash.
func (tx *Tx) CreateTicket(t *TicketRow, hash []byte) error {
	t.Tenant = tx.tenant
	err := tx.Try(func() (err error) {
		t.Seq, err = tx.insert(`INSERT INTO ticket (id, tenant, purpose, subject, rotation, hash, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING seq`,
			tx.uuid(t.ID), tx.tenant, t.Purpose, t.Subject, t.Rotation, hash, micros(tx.now))
		return err
	})
	if clash(err) {
		return ErrClash
	}
	return err
}

// RotateTicket puts a new token in the place of the one before, which is worth nothing from then on. The ticket is as if new. When somebody else
// rotated it meanwhile it is ErrClash.
func (tx *Tx) RotateTicket(t *TicketRow, hash []byte) error {
	n, err := tx.affect(`UPDATE ticket SET rotation = $1, hash = $2, expires = NULL, used_at = NULL, owner = NULL, lease = NULL, updated_at = $3
 WHERE seq = $4 AND tenant = $5 AND rotation = $6`, t.Rotation+1, hash, micros(tx.now), t.Seq, tx.tenant, t.Rotation)
	if err == nil && n == 0 {
		return ErrClash
	}
	t.Rotation, t.ExpiresAt, t.UsedAt, t.Owner, t.Lease = t.Rotation+1, time.Time{}, time.Time{}, "", time.Time{}
	return err
}

// TicketSent notes until when the token works that was mailed.
func (tx *Tx) TicketSent(seq, rotation int64, expires time.Time) error {
	return tx.exec("UPDATE ticket SET expires = $1, updated_at = $2 WHERE seq = $3 AND tenant = $4 AND rotation = $5", micros(expires), micros(tx.now), seq, tx.tenant, rotation)
}

// TakeTicket makes owner the one who uses a ticket until a time. It is false when it is used, over, rotated or in other hands.
func (tx *Tx) TakeTicket(t TicketRow, owner string, until time.Time) (bool, error) {
	n, err := tx.affect(`UPDATE ticket SET owner = $1, lease = $2, updated_at = $3 WHERE seq = $4 AND tenant = $5 AND rotation = $6 AND used_at IS NULL
 AND (expires IS NULL OR expires > $3) AND (lease IS NULL OR lease <= $3)`, owner, micros(until), micros(tx.now), t.Seq, tx.tenant, t.Rotation)
	return n == 1, err
}

// LeaveTicket gives a ticket back that its owner did not use up.
func (tx *Tx) LeaveTicket(seq int64, owner string) error {
	return tx.exec("UPDATE ticket SET owner = NULL, lease = NULL, updated_at = $1 WHERE seq = $2 AND tenant = $3 AND owner = $4", micros(tx.now), seq, tx.tenant, owner)
}

// UseTicket notes that a ticket has served. Nobody uses it again.
func (tx *Tx) UseTicket(t TicketRow) error {
	return tx.exec("UPDATE ticket SET used_at = $1, owner = NULL, lease = NULL, updated_at = $1 WHERE seq = $2 AND tenant = $3 AND rotation = $4 AND used_at IS NULL",
		micros(tx.now), t.Seq, tx.tenant, t.Rotation)
}
