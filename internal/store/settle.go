package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// settledAccount is what SettleAccounts writes of an account.
type settledAccount struct {
	row                       *AccountRow
	intent, pushed, lastError string
}

// SettleAccounts writes what deliveries came to and ends their claims. Only the owner of a claim can; whoever lost the lease changes nothing. When
// more became due since an account was claimed (its version rose), it stays due. It gives those that were settled, with when each is due now. An
// external id that another account of the target holds is ErrClash: then some may have been written, which the caller is to undo.
func (tx *Tx) SettleAccounts(list []*AccountRow) (due map[int64]time.Time, err error) {
	settled := make([]settledAccount, len(list))
	for i, a := range list {
		if settled[i], err = packAccount(a); err != nil {
			return nil, err
		}
	}
	due = make(map[int64]time.Time, len(list))
	if tx.store.engine == Postgres && len(list) > 1 {
		err = tx.settleTogether(settled, due)
	} else {
		for i := range settled {
			if err = tx.settleOne(&settled[i], due); err != nil {
				break
			}
		}
	}
	if clash(err) {
		return nil, fmt.Errorf("%w: %w", ErrClash, err)
	}
	return due, err
}

// SettleAccount is SettleAccounts for one. It says whether the claim was still ours.
func (tx *Tx) SettleAccount(a *AccountRow) (bool, error) {
	due, err := tx.SettleAccounts([]*AccountRow{a})
	return len(due) == 1, err
}

func packAccount(a *AccountRow) (s settledAccount, err error) {
	s.row = a
	for _, part := range []struct {
		to    *string
		value any
		known bool
	}{{&s.intent, a.Intent, a.Intent != nil}, {&s.pushed, a.Pushed, a.Pushed != nil}, {&s.lastError, a.LastError, a.LastError != nil}} {
		if !part.known {
			continue
		}
		b, err := json.Marshal(part.value)
		if err != nil {
			return s, fmt.Errorf("store: settle account %d: %w", a.Seq, err)
		}
		*part.to = string(b)
	}
	return s, nil
}

// stillDue is when an account is to be looked at again, 0 for never.
func (s *settledAccount) stillDue() int64 {
	if s.row.Due.IsZero() {
		return 0
	}
	return s.row.Due.UnixMicro()
}

func (s *settledAccount) urgent() int64 { return flag(s.row.Urgent && !s.row.Due.IsZero()) }

// settleOne writes one account. That nothing more became due is what it is written for first: then it says itself when it is due.
func (tx *Tx) settleOne(s *settledAccount, due map[int64]time.Time) error {
	a := s.row
	n, err := tx.repeated(`UPDATE account SET username = $1, external_id = $2, intent = $3, pushed = $4, last_error = $5, owner = NULL, lease = NULL, updated_at = $6,
 state = $7, attempts = $8, due = $9, urgent = $10 WHERE seq = $11 AND tenant = $12 AND owner = $13 AND version = $14`,
		orNull(a.Username), orNull(a.ExternalID), orNull(s.intent), orNull(s.pushed), orNull(s.lastError), tx.now.UnixMicro(), string(a.State), int64(a.Attempts),
		orNullNumber(s.stillDue()), s.urgent(), a.Seq, tx.tenant, a.Owner, a.Version)
	if err != nil {
		return err
	}
	if n == 1 {
		due[a.Seq] = a.Due
		return nil
	}
	var at sql.NullInt64
	err = tx.row(`UPDATE account SET username = $1, external_id = $2, intent = $3, pushed = $4, last_error = $5, owner = NULL, lease = NULL, updated_at = $6,
 state = 'pending', attempts = 0 WHERE seq = $7 AND tenant = $8 AND owner = $9 AND version <> $10 RETURNING due`,
		[]any{
			orNull(a.Username), orNull(a.ExternalID), orNull(s.intent), orNull(s.pushed), orNull(s.lastError), tx.now.UnixMicro(), a.Seq, tx.tenant, a.Owner, a.Version,
		}, &at)
	switch {
	case errors.Is(err, errNone):
		return nil // somebody else's by now
	case err != nil:
		return err
	}
	due[a.Seq] = fromMicros(at)
	return nil
}

func (tx *Tx) settleTogether(list []settledAccount, due map[int64]time.Time) error {
	u := together{}
	u.numbers("seq", all(list, func(s *settledAccount) int64 { return s.row.Seq }))
	u.numbers("version", all(list, func(s *settledAccount) int64 { return s.row.Version }))
	u.numbers("attempts", all(list, func(s *settledAccount) int64 { return int64(s.row.Attempts) }))
	u.numbers("due", all(list, (*settledAccount).stillDue))
	u.numbers("urgent", all(list, (*settledAccount).urgent))
	u.texts("owner", all(list, func(s *settledAccount) string { return s.row.Owner }))
	u.texts("username", all(list, func(s *settledAccount) string { return s.row.Username }))
	u.texts("external_id", all(list, func(s *settledAccount) string { return s.row.ExternalID }))
	u.texts("intent", all(list, func(s *settledAccount) string { return s.intent }))
	u.texts("pushed", all(list, func(s *settledAccount) string { return s.pushed }))
	u.texts("last_error", all(list, func(s *settledAccount) string { return s.lastError }))
	u.texts("state", all(list, func(s *settledAccount) string { return string(s.row.State) }))
	query := `UPDATE account AS t SET username = nullif(v.username, ''), external_id = nullif(v.external_id, ''), intent = nullif(v.intent, ''), pushed = nullif(v.pushed, ''),
 last_error = nullif(v.last_error, ''), owner = NULL, lease = NULL, updated_at = ` + u.arg(tx.now.UnixMicro()) + `,
 state = CASE WHEN t.version = v.version THEN v.state ELSE 'pending' END, attempts = CASE WHEN t.version = v.version THEN v.attempts ELSE 0 END,
 due = CASE WHEN t.version = v.version THEN nullif(v.due, 0) ELSE t.due END, urgent = CASE WHEN t.version = v.version THEN v.urgent ELSE t.urgent END` +
		u.from() + "WHERE t.seq = v.seq AND t.owner = v.owner AND t.tenant = " + u.arg(tx.tenant) + " RETURNING t.seq, t.due"
	return tx.each(query, u.args, func(scan func(...any) error) error {
		var seq int64
		var at sql.NullInt64
		err := scan(&seq, &at)
		due[seq] = fromMicros(at)
		return err
	})
}
