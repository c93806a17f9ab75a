package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/musterid/muster"
)

// MailState is where a mail stands.
type MailState string

const (
	MailWaiting MailState = "waiting" // it is due, now or later
	MailSent    MailState = "sent"    // the mail server has taken it
	MailFailed  MailState = "failed"  // it could not be sent, for good
	MailDropped MailState = "dropped" // it was no longer wanted when its turn came
)

// MailRow is a mail that is to be sent, or was.
type MailRow struct {
	Seq       int64
	Tenant    int64
	Ticket    int64 // whose link it has; 0 for a mail without one
	Batch     int64 // of whose end it tells; 0 for a mail with a link
	Rotation  int64 // of the ticket: which link it has
	Nonce     int64 // which wish for a mail it answers
	MessageID string
	State     MailState
	Attempts  int
	Repeats   int  // attempts that were made though the one before may have succeeded
	Trying    bool // an attempt began, and its end is not known
	Due       time.Time
	Owner     string
	LastError *muster.Error
	CreatedAt time.Time
}

const mailColumns = "seq, tenant, ticket, batch, rotation, nonce, message_id, state, attempts, repeats, trying, due, owner, last_error, created_at"

func (tx *Tx) mails(query string, args ...any) ([]MailRow, error) {
	var list []MailRow
	err := tx.each(query, args, func(scan func(...any) error) error {
		var m MailRow
		var trying int64
		var lastError string
		var ticket, batch, due, created sql.NullInt64
		err := scan(&m.Seq, &m.Tenant, &ticket, &batch, &m.Rotation, &m.Nonce, &m.MessageID, (*string)(&m.State), &m.Attempts, &m.Repeats, &trying, &due, text{&m.Owner},
			text{&lastError}, &created)
		if err != nil {
			return err
		}
		m.Ticket, m.Batch = ticket.Int64, batch.Int64
		m.Trying, m.Due, m.CreatedAt = trying == 1, fromMicros(due), fromMicros(created)
		if lastError != "" {
			if err := json.Unmarshal([]byte(lastError), &m.LastError); err != nil {
				return fmt.Errorf("store: mail %d: %w", m.Seq, err)
			}
		}
		list = append(list, m)
		return nil
	})
	return list, err
}

// CreateMail writes a mail that is due now, and gives it its seq. When there is one for this rotation of the ticket, or for this batch, it is ErrClash.
func (tx *Tx) CreateMail(m *MailRow) error {
	m.Tenant, m.State, m.Due, m.CreatedAt = tx.tenant, MailWaiting, tx.now, tx.now
	err := tx.Try(func() (err error) {
		m.Seq, err = tx.insert(`INSERT INTO mail (tenant, ticket, batch, rotation, nonce, message_id, state, attempts, repeats, trying, due, created_at, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, $8, $8) RETURNING seq`, tx.tenant, orNullNumber(m.Ticket), orNullNumber(m.Batch), m.Rotation, m.Nonce, m.MessageID, string(m.State), micros(tx.now))
		return err
	})
	if clash(err) {
		return ErrClash
	}
	return err
}

// MailFor gives the mail with the newest link of a ticket, or muster.NotFound.
func (tx *Tx) MailFor(ticket int64) (MailRow, error) {
	return one(tx.mails("SELECT "+mailColumns+" FROM mail WHERE ticket = $1 AND tenant = $2 ORDER BY rotation DESC LIMIT 1", ticket, tx.tenant))("There is no mail for ticket %d.", ticket)
}

// LockMail gives a mail, or muster.NotFound, and keeps anybody else from changing it until the transaction ends.
func (tx *Tx) LockMail(seq int64) (MailRow, error) {
	lock := ""
	if tx.store.engine == Postgres {
		lock = " FOR UPDATE"
	}
	return one(tx.mails("SELECT "+mailColumns+" FROM mail WHERE seq = $1 AND tenant = $2"+lock, seq, tx.tenant))("There is no mail %d.", seq)
}

// HurryMail makes a waiting mail due now, in answer to a further wish. One that waits no more stays as it is, and the answer is ErrClash.
func (tx *Tx) HurryMail(seq, nonce int64) error {
	n, err := tx.affect("UPDATE mail SET nonce = $1, due = $2, attempts = 0, updated_at = $2 WHERE seq = $3 AND tenant = $4 AND state = 'waiting'", nonce, micros(tx.now), seq, tx.tenant)
	if err == nil && n == 0 {
		return ErrClash
	}
	return err
}

// ClaimMail makes owner the one who sends the mail of any tenant that has been due the longest, until a time. ok is false when none is. A mail whose
// last attempt began and did not end counts a repeat.
func (tx *Tx) ClaimMail(owner string, until time.Time) (m MailRow, ok bool, err error) {
	skip := ""
	if tx.store.engine == Postgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	list, err := tx.mails(`UPDATE mail SET owner = $1, lease = $2, attempts = attempts + 1, repeats = repeats + trying, trying = 1, updated_at = $3
 WHERE seq IN (SELECT seq FROM mail WHERE due IS NOT NULL AND due <= $3 AND (lease IS NULL OR lease < $3) ORDER BY due LIMIT 1`+skip+`) RETURNING `+mailColumns,
		owner, micros(until), tx.now.UnixMicro())
	if err != nil || len(list) == 0 {
		return m, false, err
	}
	return list[0], true, nil
}

// RenewMail keeps an owner's claim until a later time.
func (tx *Tx) RenewMail(seq int64, owner string, until time.Time) error {
	return tx.exec("UPDATE mail SET lease = $1 WHERE seq = $2 AND tenant = $3 AND owner = $4", micros(until), seq, tx.tenant, owner)
}

// SettleMail writes what came of an attempt (state, attempts, whether it is known, due and error), for its owner. It is false when the mail has
// another owner by now.
func (tx *Tx) SettleMail(m MailRow) (bool, error) {
	var fault any
	if m.LastError != nil {
		raw, err := json.Marshal(m.LastError)
		if err != nil {
			return false, fmt.Errorf("store: error of mail: %w", err)
		}
		fault = string(raw)
	}
	n, err := tx.affect(`UPDATE mail SET state = $1, attempts = $2, trying = $3, due = $4, last_error = $5, owner = NULL, lease = NULL, updated_at = $6
 WHERE seq = $7 AND tenant = $8 AND owner = $9`, string(m.State), m.Attempts, flag(m.Trying), micros(m.Due), fault, micros(tx.now), m.Seq, tx.tenant, m.Owner)
	return n == 1, err
}

// MailIsDue says whether a mail of any tenant waits that nobody is at.
func (tx *Tx) MailIsDue() (bool, error) {
	var n int
	err := tx.row("SELECT count(*) FROM (SELECT 1 FROM mail WHERE due IS NOT NULL AND due <= $1 AND (lease IS NULL OR lease < $1) LIMIT 1) AS due", []any{tx.now.UnixMicro()}, &n)
	return n > 0, err
}

// FreeMail ends every claim of mails and tickets: for the start of a database that one process uses, where whoever held them is gone.
func (tx *Tx) FreeMail() error {
	if err := tx.exec("UPDATE mail SET owner = NULL, lease = NULL WHERE due IS NOT NULL AND lease IS NOT NULL"); err != nil {
		return err
	}
	return tx.exec("UPDATE ticket SET owner = NULL, lease = NULL WHERE lease IS NOT NULL")
}

// SweepMail deletes up to limit mails, of all tenants, that were settled before a time, and says how many. Their tickets stay: the next mail for the
// same subject goes on counting.
func (tx *Tx) SweepMail(before time.Time, limit int) (int, error) {
	n, err := tx.affect("DELETE FROM mail WHERE seq IN (SELECT seq FROM mail WHERE due IS NULL AND updated_at < $1 ORDER BY updated_at LIMIT $2)", micros(before), limit)
	return int(n), err
}
