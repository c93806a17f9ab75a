package store

import (
	"database/sql"
	"fmt"
	"time"
)

// What is written of activations is decided on rows that are locked: the mail, the person, the target and an operator may all be at one account.

// LockAccounts gives accounts, in the order of seq, and keeps anybody else from changing them until the transaction ends.
func (tx *Tx) LockAccounts(seqs []int64) ([]AccountRow, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	lock := ""
	if tx.store.engine == Postgres {
		lock = " FOR UPDATE"
	}
	return tx.accounts("SELECT "+accountColumns+" FROM account t WHERE "+tx.among("t.seq", "$1")+" AND t.tenant = $2 ORDER BY t.seq"+lock, tx.numbers(seqs), tx.tenant)
}

// ClaimInvitations makes owner the one who has a target send the mails that are due, for up to limit accounts until a time. What another owner
// holds is passed over.
func (tx *Tx) ClaimInvitations(target int64, owner string, until time.Time, limit int) ([]AccountRow, error) {
	query, args := tx.claimInvitations(target, owner, until, limit)
	return tx.accounts(query, args...)
}

func (tx *Tx) claimInvitations(target int64, owner string, until time.Time, limit int) (string, []any) {
	skip := ""
	if tx.store.engine == Postgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	return `UPDATE account AS t SET activation_owner = $1, activation_lease = $2 WHERE t.seq IN (SELECT seq FROM account WHERE target = $3 AND ` + invitable("$4") + `
 AND tenant = $5 ORDER BY activation_due LIMIT $6` + skip + `) RETURNING ` + tx.returning(accountColumns),
		[]any{owner, micros(until), target, tx.now.UnixMicro(), tx.tenant, limit}
}

// invitable is the condition on an account for which a mail is due that nobody is at.
func invitable(now string) string {
	return fmt.Sprintf("activation_due IS NOT NULL AND activation_due <= %[1]s AND (activation_lease IS NULL OR activation_lease < %[1]s)", now)
}

// RenewInvitations keeps an owner's claims until a later time.
func (tx *Tx) RenewInvitations(accounts []int64, owner string, until time.Time) error {
	return tx.exec("UPDATE account SET activation_lease = $1 WHERE "+tx.among("seq", "$2")+" AND activation_owner = $3 AND tenant = $4",
		micros(until), tx.numbers(accounts), owner, tx.tenant)
}

// LeaveInvitations ends an owner's claims without an outcome: the mails stay due.
func (tx *Tx) LeaveInvitations(accounts []int64, owner string) error {
	return tx.exec("UPDATE account SET activation_lease = NULL, activation_owner = NULL WHERE "+tx.among("seq", "$1")+" AND activation_owner = $2 AND tenant = $3",
		tx.numbers(accounts), owner, tx.tenant)
}

// OpenActivations lists the accounts on a target whose mail was sent and that are not their people's yet, in the order of seq after one.
func (tx *Tx) OpenActivations(target, after int64, limit int) ([]AccountRow, error) {
	query, args := tx.openActivations(target, after, limit)
	return tx.accounts(query, args...)
}

func (tx *Tx) openActivations(target, after int64, limit int) (string, []any) {
	return "SELECT " + accountColumns + " FROM account t WHERE t.target = $1 AND t.seq > $2 AND t.activation IN ('sent', 'pending') AND t.tenant = $3 ORDER BY t.seq LIMIT $4",
		[]any{target, after, tx.tenant, limit}
}

// A LookDue is a target that is to be asked how far people have come. Wait is how long it was left alone before.
type LookDue struct {
	DueTarget
	Due  time.Time
	Wait time.Duration
}

// DueLooks lists the targets, of all tenants, that are to be asked now.
func (tx *Tx) DueLooks() ([]LookDue, error) {
	var list []LookDue
	err := tx.each(`SELECT t.tenant, t.seq, t.look_due, coalesce(t.look_wait, 0) FROM target t WHERE t.look_due <= $1 AND t.paused = 0 AND (t.until IS NULL OR t.until <= $1)
 ORDER BY t.look_due, t.seq`, []any{tx.now.UnixMicro()}, func(scan func(...any) error) error {
		var l LookDue
		var due sql.NullInt64
		var wait int64
		err := scan(&l.Tenant, &l.Target, &due, &wait)
		l.Due, l.Wait = fromMicros(due), time.Duration(wait)*time.Microsecond
		list = append(list, l)
		return err
	})
	return list, err
}

// MoveLook moves the time at which a target is asked next, and says whether it was still the one that the caller knew: who moves it to a later time
// has the look until then. A zero time is never.
func (tx *Tx) MoveLook(target int64, known, next time.Time, wait time.Duration) (bool, error) {
	n, err := tx.affect("UPDATE target SET look_due = $1, look_wait = $2 WHERE seq = $3 AND look_due = $4 AND tenant = $5",
		micros(next), wait.Microseconds(), target, micros(known), tx.tenant)
	return n == 1, err
}

// LookBy has a target asked at a time at the latest, and so often again as it was after the first mail. It keeps anybody else from moving that time
// until the transaction ends, also when it is soon enough already.
func (tx *Tx) LookBy(target int64, at time.Time, wait time.Duration) error {
	return tx.exec(`UPDATE target SET look_wait = CASE WHEN look_due IS NULL OR look_due > $1 THEN $2 ELSE look_wait END,
 look_due = CASE WHEN look_due IS NULL OR look_due > $1 THEN $1 ELSE look_due END WHERE seq = $3 AND tenant = $4`, micros(at), wait.Microseconds(), target, tx.tenant)
}

// NextExpiry is when the next of the open activations on a target expires; zero when none does.
func (tx *Tx) NextExpiry(target int64) (time.Time, error) {
	var at sql.NullInt64
	err := tx.row(nextExpiry, []any{target, tx.tenant}, &at)
	return fromMicros(at), err
}

const nextExpiry = "SELECT min(activation_expires) FROM account WHERE target = $1 AND activation IN ('sent', 'pending') AND tenant = $2"

// AccountByExternalID gives the account that a target knows by an id, or muster.NotFound.
func (tx *Tx) AccountByExternalID(target int64, externalID string) (AccountRow, error) {
	list, err := tx.accounts("SELECT "+accountColumns+" FROM account t WHERE t.target = $1 AND t.external_id = $2 AND t.state <> 'released' AND t.tenant = $3", target, externalID, tx.tenant)
	return one(list, err)("There is no account %s.", externalID)
}
