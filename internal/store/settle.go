package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// settledAccount is what SettleAccounts writes of an account.
type settledAccount struct {
	row                       *AccountRow
	intent, pushed, lastError string
}

const settleSQL = `username = nullif(%[1]s, ''), external_id = nullif(%[2]s, ''), intent = nullif(%[3]s, ''), pushed = nullif(%[4]s, ''), last_error = nullif(%[5]s, ''),
 owner = NULL, lease = NULL, updated_at = %[6]s, state = CASE WHEN t.version = %[7]s THEN %[8]s ELSE 'pending' END,
 attempts = CASE WHEN t.version = %[7]s THEN %[9]s ELSE 0 END, due = CASE WHEN t.version = %[7]s THEN nullif(%[10]s, 0) ELSE t.due END,
 urgent = CASE WHEN t.version = %[7]s THEN %[11]s ELSE t.urgent END`

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
	note := func(scan func(...any) error) error {
		var seq int64
		var at sql.NullInt64
		err := scan(&seq, &at)
		due[seq] = fromMicros(at)
		return err
	}
	if tx.store.engine == Postgres && len(list) > 1 {
		err = tx.settleTogether(settled, note)
	} else {
		for i := range settled {
			if err = tx.settleOne(&settled[i], note); err != nil {
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

func (tx *Tx) settleOne(s *settledAccount, note func(func(...any) error) error) error {
	a := s.row
	query := "UPDATE account AS t SET " + fmt.Sprintf(settleSQL, "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "cast($9 AS bigint)", "cast($10 AS bigint)", "$11") +
		" WHERE t.seq = $12 AND t.tenant = $13 AND t.owner = $14 RETURNING " + tx.returning("t.seq, t.due")
	return tx.each(query, []any{
		a.Username, a.ExternalID, s.intent, s.pushed, s.lastError, tx.now.UnixMicro(), a.Version, string(a.State), int64(a.Attempts), s.stillDue(), s.urgent(), a.Seq, tx.tenant, a.Owner,
	}, note)
}

func (tx *Tx) settleTogether(list []settledAccount, note func(func(...any) error) error) error {
	u := together{}
	text := func(name string, of func(*settledAccount) string) string {
		u.texts(name, all(list, of))
		return "v." + name
	}
	number := func(name string, of func(*settledAccount) int64) string {
		u.numbers(name, all(list, of))
		return "v." + name
	}
	seq, owner := number("seq", func(s *settledAccount) int64 { return s.row.Seq }), text("owner", func(s *settledAccount) string { return s.row.Owner })
	set := fmt.Sprintf(settleSQL,
		text("username", func(s *settledAccount) string { return s.row.Username }), text("external_id", func(s *settledAccount) string { return s.row.ExternalID }),
		text("intent", func(s *settledAccount) string { return s.intent }), text("pushed", func(s *settledAccount) string { return s.pushed }),
		text("last_error", func(s *settledAccount) string { return s.lastError }), u.arg(tx.now.UnixMicro()),
		number("version", func(s *settledAccount) int64 { return s.row.Version }), text("state", func(s *settledAccount) string { return string(s.row.State) }),
		number("attempts", func(s *settledAccount) int64 { return int64(s.row.Attempts) }), number("due", (*settledAccount).stillDue), number("urgent", (*settledAccount).urgent))
	query := "UPDATE account AS t SET " + set + u.from() + "WHERE t.seq = " + seq + " AND t.owner = " + owner + " AND t.tenant = " + u.arg(tx.tenant) + " RETURNING t.seq, t.due"
	return tx.each(query, u.args, note)
}
