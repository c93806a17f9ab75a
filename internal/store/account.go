package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// AccountRow is an account with what its delivery keeps.
type AccountRow struct {
	muster.Account
	Intent muster.Record // what a step that was sent, and whose answer is not known, asked for; nil when there is none
	Urgent bool          // goes before everything else: somebody is to lose access
	Owner  string

	// Of the mail by which the person activates the account, which is claimed apart from the delivery:
	ActivationAttempts int
	ActivationDue      time.Time // when it is to be sent; zero when none is
	ActivationOwner    string
}

const accountColumns = `t.seq, t.id, t.version, t.target, t.person, t.username, t.external_id, t.state, t.intent, t.pushed, t.last_error, t.attempts, t.due, t.urgent,
 t.owner, t.created_at, t.updated_at, t.activation, t.activation_by, t.activation_error, t.activation_attempts, t.activation_due, t.activation_owner, t.invited_at,
 t.activation_expires, t.activated_at`

func scanAccount(scan func(...any) error, before ...any) (AccountRow, error) {
	var a AccountRow
	var intent, pushed, lastError, activationError string
	var urgent int64
	var due, created, updated, activationDue, invited, expires, activated sql.NullInt64
	act := &a.Activation
	err := scan(append(before, &a.Seq, &a.ID, &a.Version, &a.Target, &a.Person, text{&a.Username}, text{&a.ExternalID}, (*string)(&a.State), text{&intent}, text{&pushed},
		text{&lastError}, &a.Attempts, &due, &urgent, text{&a.Owner}, &created, &updated, (*string)(&act.State), text{(*string)(&act.By)}, text{&activationError},
		&a.ActivationAttempts, &activationDue, text{&a.ActivationOwner}, &invited, &expires, &activated)...)
	if err != nil {
		return a, err
	}
	a.Urgent, a.Due, a.CreatedAt, a.UpdatedAt = urgent == 1, fromMicros(due), fromMicros(created), fromMicros(updated)
	a.ActivationDue, act.SentAt, act.ExpiresAt, act.DoneAt = fromMicros(activationDue), fromMicros(invited), fromMicros(expires), fromMicros(activated)
	for _, part := range []struct {
		json string
		to   any
	}{{intent, &a.Intent}, {pushed, &a.Pushed}, {lastError, &a.LastError}, {activationError, &act.LastError}} {
		if part.json == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.json), part.to); err != nil {
			return a, fmt.Errorf("store: account %d: %w", a.Seq, err)
		}
	}
	return a, nil
}

// AccountsOf gives the accounts that people have on a target: person to account.
func (tx *Tx) AccountsOf(target int64, people []int64) (map[int64]AccountRow, error) {
	found := make(map[int64]AccountRow, len(people))
	if len(people) == 0 {
		return found, nil
	}
	// The sum keeps the engines from the indexes that begin with the target, which is what all accounts may have in common.
	query := tx.perNumber(accountColumns, "account", "t.person = k.value AND t.target + 0 = $2 AND t.tenant = $3")
	err := tx.each(query, []any{tx.numbers(people), target, tx.tenant}, func(scan func(...any) error) error {
		var person int64
		a, err := scanAccount(scan, &person)
		found[person] = a
		return err
	})
	return found, err
}

// AccountsOfPeople gives all accounts of people, by person.
func (tx *Tx) AccountsOfPeople(people []int64) (map[int64][]AccountRow, error) {
	found := make(map[int64][]AccountRow, len(people))
	if len(people) == 0 {
		return found, nil
	}
	query := tx.perNumber(accountColumns, "account", "t.person = k.value AND t.tenant = $2") + " ORDER BY t.target"
	err := tx.each(query, []any{tx.numbers(people), tx.tenant}, func(scan func(...any) error) error {
		var person int64
		a, err := scanAccount(scan, &person)
		found[person] = append(found[person], a)
		return err
	})
	return found, err
}

// Accounts gives accounts by seq.
func (tx *Tx) Accounts(seqs []int64) (map[int64]AccountRow, error) {
	found := make(map[int64]AccountRow, len(seqs))
	if len(seqs) == 0 {
		return found, nil
	}
	query := tx.perNumber(accountColumns, "account", "t.seq = k.value AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(seqs), tx.tenant}, func(scan func(...any) error) error {
		var seq int64
		a, err := scanAccount(scan, &seq)
		found[seq] = a
		return err
	})
	return found, err
}

// Account gives one account by id, or muster.NotFound.
func (tx *Tx) Account(id uuid.UUID) (AccountRow, error) {
	return one(tx.accounts("SELECT "+accountColumns+" FROM account t WHERE t.id = $1 AND t.tenant = $2", tx.uuid(id), tx.tenant))("There is no account %s.", id)
}

// AccountsOn lists the accounts on a target in the order of seq, after one. state may be empty.
func (tx *Tx) AccountsOn(target int64, state muster.AccountState, after int64, limit int) ([]AccountRow, error) {
	w := where{}
	w.add("t.target = ?", target)
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.seq > ?", after)
	if state != "" {
		w.add("t.state = ?", string(state))
	}
	return tx.accounts("SELECT "+accountColumns+" FROM account t WHERE "+w.sql()+" ORDER BY t.seq LIMIT "+w.arg(limit), w.args...)
}

func (tx *Tx) accounts(query string, args ...any) ([]AccountRow, error) {
	var list []AccountRow
	err := tx.each(query, args, func(scan func(...any) error) error {
		a, err := scanAccount(scan)
		list = append(list, a)
		return err
	})
	return list, err
}

// CreateAccounts writes accounts that are wanted now and gives them seq and id.
func (tx *Tx) CreateAccounts(list []*AccountRow) error {
	if err := tx.keepTargets(list); err != nil {
		return err
	}
	seqs, err := tx.nextSeqs("account", len(list))
	if err != nil {
		return err
	}
	for i, a := range list {
		a.Seq, a.ID, a.Version, a.CreatedAt, a.UpdatedAt = seqs[i], tx.newID(), 1, tx.now, tx.now
	}
	columns := []string{"seq", "id", "tenant", "version", "target", "person", "username", "state", "attempts", "due", "urgent", "created_at", "updated_at"}
	return tx.copyRows("account", columns, len(list), func(i int) []any {
		a := list[i]
		return []any{
			a.Seq, tx.uuid(a.ID), tx.tenant, a.Version, a.Target, a.Person, orNull(a.Username), string(a.State), int64(a.Attempts), micros(a.Due), flag(a.Urgent),
			a.CreatedAt.UnixMicro(), a.UpdatedAt.UnixMicro(),
		}
	})
}

// keepTargets keeps the targets of new accounts from being deleted until the transaction ends. One that is gone already is ErrClash. SQLite has one
// writer, and looks itself.
func (tx *Tx) keepTargets(list []*AccountRow) error {
	if tx.store.engine == SQLite || len(list) == 0 {
		return nil
	}
	targets := map[int64]bool{}
	for _, a := range list {
		targets[a.Target] = true
	}
	seqs, there := slices.Sorted(maps.Keys(targets)), 0
	err := tx.each("SELECT seq FROM target WHERE seq = ANY ($1) AND tenant = $2 ORDER BY seq FOR KEY SHARE", []any{seqs, tx.tenant}, func(scan func(...any) error) error {
		var seq int64
		there++
		return scan(&seq)
	})
	if err == nil && there < len(seqs) {
		err = fmt.Errorf("%w: the target of an account was deleted", ErrClash)
	}
	return err
}

// Owe says that accounts have something to be delivered now, with a new count of attempts. A delivery under way will see that there is more.
func (tx *Tx) Owe(accounts []int64, urgent bool) error {
	if len(accounts) == 0 {
		return nil
	}
	err := tx.updateEach(`UPDATE account SET version = version + 1, due = $1, urgent = $2, attempts = 0, updated_at = $1,
 state = CASE WHEN external_id IS NULL OR state = 'released' THEN 'planned' ELSE 'pending' END WHERE tenant = $3 AND state <> 'unmanaged' AND seq = $4`,
		accounts, tx.now.UnixMicro(), flag(urgent), tx.tenant)
	if err != nil {
		return fmt.Errorf("store: owe accounts: %w", err)
	}
	return nil
}

// ForgetPushed makes an account one of which nobody knows what the target was told: the next delivery tells everything.
func (tx *Tx) ForgetPushed(account int64) error {
	return tx.exec("UPDATE account SET pushed = NULL WHERE seq = $1 AND tenant = $2", account, tx.tenant)
}

// unsettled puts an account in doubt whose owner ended without settling it: a step may have been sent.
const unsettled = "intent = CASE WHEN owner IS NOT NULL AND external_id IS NOT NULL THEN coalesce(intent, '{}') ELSE intent END"

// ClaimAccounts makes owner the one who delivers up to limit due accounts of a target until a time: the urgent ones first. What another owner
// holds is passed over. An account that its last owner did not settle comes with an intent.
func (tx *Tx) ClaimAccounts(target int64, owner string, until time.Time, limit int) ([]AccountRow, error) {
	var claimed []AccountRow
	skip := ""
	if tx.store.engine == Postgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	for _, urgent := range []int{1, 0} {
		if limit <= len(claimed) {
			break
		}
		list, err := tx.accounts(`UPDATE account AS t SET owner = $1, lease = $2, `+unsettled+` WHERE t.seq IN (SELECT seq FROM account WHERE target = $3 AND urgent = $4 AND due <= $5
 AND (lease IS NULL OR lease < $5) AND tenant = $6 ORDER BY due LIMIT $7`+skip+`) RETURNING `+tx.returning(accountColumns),
			owner, micros(until), target, urgent, tx.now.UnixMicro(), tx.tenant, limit-len(claimed))
		if err != nil {
			return nil, err
		}
		claimed = append(claimed, list...)
	}
	return claimed, nil
}

// returning is a list of columns for RETURNING, where SQLite does not know the alias.
func (tx *Tx) returning(columns string) string {
	if tx.store.engine == Postgres {
		return columns
	}
	return withoutAlias.Replace(columns)
}

// RenewAccounts keeps an owner's claims until a later time.
func (tx *Tx) RenewAccounts(accounts []int64, owner string, until time.Time) error {
	err := tx.updateEach("UPDATE account SET lease = $1 WHERE owner = $2 AND tenant = $3 AND seq = $4", accounts, micros(until), owner, tx.tenant)
	if err != nil {
		return fmt.Errorf("store: renew accounts: %w", err)
	}
	return nil
}

// updateEach runs an UPDATE, which ends with the number of a row as its last argument, for many of them in their order.
func (tx *Tx) updateEach(query string, seqs []int64, args ...any) error {
	if len(seqs) == 0 {
		return nil
	}
	if tx.store.engine == Postgres {
		marker := "$" + strconv.Itoa(len(args)+1)
		return tx.exec(strings.TrimSuffix(query, marker)+"ANY ("+marker+")", append(args, seqs)...)
	}
	for _, seq := range seqs {
		if _, err := tx.repeated(query, append(args[:len(args):len(args)], seq)...); err != nil {
			return err
		}
	}
	return nil
}

// SaveIntent records, before a create is sent, what it asks for: if its answer is lost, the account can be recognised as ours.
func (tx *Tx) SaveIntent(a *AccountRow) error {
	intent, err := packRecord(a.Intent)
	if err != nil {
		return err
	}
	return tx.exec("UPDATE account SET intent = $1, username = $2 WHERE seq = $3 AND tenant = $4", intent, orNull(a.Username), a.Seq, tx.tenant)
}

// SetAccountState takes an account out of our hands or back into them.
func (tx *Tx) SetAccountState(seq int64, state muster.AccountState) error {
	return tx.exec("UPDATE account SET state = $1, due = NULL, version = version + 1, updated_at = $2 WHERE seq = $3 AND tenant = $4", string(state), tx.now.UnixMicro(), seq, tx.tenant)
}

// SaveActivation writes how far an account's activation has come, when its mail is due and who sends it, and ends the claim of whoever sent it. Its
// delivery is not touched.
func (tx *Tx) SaveActivation(a *AccountRow) error {
	act := a.Activation
	if act.State == "" {
		act.State = muster.NoActivation
	}
	lastError, err := packError(act.LastError)
	if err != nil {
		return err
	}
	return tx.exec(`UPDATE account SET activation = $1, activation_by = $2, activation_error = $3, activation_attempts = $4, activation_due = $5, activation_owner = NULL,
 activation_lease = NULL, invited_at = $6, activation_expires = $7, activated_at = $8, updated_at = $9 WHERE seq = $10 AND tenant = $11`,
		string(act.State), orNull(string(act.By)), lastError, a.ActivationAttempts, micros(a.ActivationDue), micros(act.SentAt), micros(act.ExpiresAt), micros(act.DoneAt),
		tx.now.UnixMicro(), a.Seq, tx.tenant)
}

func packError(e *muster.Error) (any, error) {
	if e == nil {
		return nil, nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("store: error of account: %w", err)
	}
	return string(b), nil
}

func packRecord(r muster.Record) (any, error) {
	if r == nil {
		return nil, nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("store: record of account: %w", err)
	}
	return string(b), nil
}

// DeliveredUsernames says which people have an account at a target: their names are known outside.
func (tx *Tx) DeliveredUsernames(people []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	if len(people) == 0 {
		return found, nil
	}
	query := tx.perNumber("t.seq", "account", "t.person = k.value AND t.tenant = $2 AND (t.external_id IS NOT NULL OR t.intent IS NOT NULL)")
	err := tx.each(query, []any{tx.numbers(people), tx.tenant}, func(scan func(...any) error) error {
		var person, account int64
		err := scan(&person, &account)
		found[person] = true
		return err
	})
	return found, err
}

// AddCounts adds to the counts of a batch whose items several processes settle, and gives the batch as it then is.
func (tx *Tx) AddCounts(batch int64, total int, c muster.Counts) (BatchRow, error) {
	err := tx.exec(`UPDATE batch SET total = total + $1, done = done + $2, failed = failed + $3, skipped = skipped + $4, created = created + $5, updated = updated + $6,
 unchanged = unchanged + $7, warnings = warnings + $8, updated_at = $9 WHERE seq = $10 AND tenant = $11`, total, c.Done, c.Failed, c.Skipped, c.Created, c.Updated, c.Unchanged,
		c.Warnings, tx.now.UnixMicro(), batch, tx.tenant)
	if err != nil {
		return BatchRow{}, err
	}
	return tx.BatchBySeq(batch)
}

var withoutAlias = strings.NewReplacer("t.", "")
