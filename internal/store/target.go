package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// TargetRow is a target with its kind's settings, sealed.
type TargetRow struct {
	muster.Target
	Tenant int64
	Config []byte // sealed; opened by internal/provision
}

const targetColumns = `t.seq, t.id, t.tenant, t.version, t.name, t.kind, t.config, t.policy, t.paused, t.failures, t.until, t.message, t.created_at, t.updated_at`

func scanTarget(scan func(...any) error) (TargetRow, error) {
	var t TargetRow
	var policy string
	var paused int64
	var until, created, updated sql.NullInt64
	err := scan(&t.Seq, &t.ID, &t.Tenant, &t.Version, &t.Name, &t.Kind, &t.Config, &policy, &paused, &t.Failures, &until, text{&t.Message}, &created, &updated)
	if err != nil {
		return t, err
	}
	t.Paused, t.Until, t.CreatedAt, t.UpdatedAt = paused == 1, fromMicros(until), fromMicros(created), fromMicros(updated)
	t.Policy = muster.DefaultTargetPolicy()
	if err := json.Unmarshal([]byte(policy), &t.Policy); err != nil {
		return t, fmt.Errorf("store: policy of target %d: %w", t.Seq, err)
	}
	return t, nil
}

// CreateTarget writes a target, whose id its maker chose (the settings are sealed to it), and gives it seq, version and times. A name that is taken is muster.Conflict.
func (tx *Tx) CreateTarget(t *TargetRow) error {
	policy, err := json.Marshal(t.Policy)
	if err != nil {
		return fmt.Errorf("store: policy of target: %w", err)
	}
	t.Tenant, t.Version, t.CreatedAt, t.UpdatedAt = tx.tenant, 1, tx.now, tx.now
	tx.aimed = nil
	err = tx.Try(func() error {
		t.Seq, err = tx.insert(`INSERT INTO target (id, tenant, version, name, kind, config, policy, paused, failures, created_at, updated_at)
 VALUES ($1, $2, 1, $3, $4, $5, $6, $7, 0, $8, $8) RETURNING seq`, tx.uuid(t.ID), tx.tenant, t.Name, t.Kind, t.Config, string(policy), flag(t.Paused), micros(tx.now))
		return err
	})
	return targetClash(err, t.Name)
}

func targetClash(err error, name string) error {
	if clash(err) {
		return muster.Errorf(muster.Conflict, "name", "There is a target %q already.", name)
	}
	return err
}

// SaveTarget writes name, settings, policy and pause back, when the version is still the one before. Otherwise it is muster.Stale.
func (tx *Tx) SaveTarget(t *TargetRow) error {
	policy, err := json.Marshal(t.Policy)
	if err != nil {
		return fmt.Errorf("store: policy of target: %w", err)
	}
	t.UpdatedAt = tx.now
	var n int64
	err = tx.Try(func() error {
		n, err = tx.affect(`UPDATE target SET version = $1, name = $2, config = $3, policy = $4, paused = $5, updated_at = $6 WHERE seq = $7 AND tenant = $8 AND version = $9`,
			t.Version+1, t.Name, t.Config, string(policy), flag(t.Paused), micros(tx.now), t.Seq, tx.tenant, t.Version)
		return err
	})
	if err == nil && n == 0 {
		return muster.Errorf(muster.Stale, "", "The target was changed meanwhile. Read it again.")
	}
	t.Version++
	return targetClash(err, t.Name)
}

// Targets lists the tenant's targets by name.
func (tx *Tx) Targets() ([]TargetRow, error) {
	return tx.targets("WHERE t.tenant = $1 ORDER BY t.name", tx.tenant)
}

// HasTargets says whether there is any.
func (tx *Tx) HasTargets() (bool, error) {
	if tx.aimed != nil {
		return *tx.aimed, nil
	}
	var n int
	err := tx.row("SELECT count(*) FROM (SELECT 1 FROM target WHERE tenant = $1 LIMIT 1) AS any_target", []any{tx.tenant}, &n)
	return n > 0, err
}

// Target gives a target by id, or muster.NotFound.
func (tx *Tx) Target(id uuid.UUID) (TargetRow, error) {
	return one(tx.targets("WHERE t.id = $1 AND t.tenant = $2", tx.uuid(id), tx.tenant))("There is no target %s.", id)
}

// TargetBySeq gives a target by its number.
func (tx *Tx) TargetBySeq(seq int64) (TargetRow, error) {
	return one(tx.targets("WHERE t.seq = $1 AND t.tenant = $2", seq, tx.tenant))("There is no target %d.", seq)
}

// TargetsOfKind lists all tenants' targets of a kind. It takes a transaction of Everyone's.
func (tx *Tx) TargetsOfKind(kind string) ([]TargetRow, error) {
	return tx.targets("WHERE t.kind = $1 ORDER BY t.seq", kind)
}

func (tx *Tx) targets(where string, args ...any) ([]TargetRow, error) {
	var list []TargetRow
	err := tx.each("SELECT "+targetColumns+" FROM target t "+where, args, func(scan func(...any) error) error {
		t, err := scanTarget(scan)
		list = append(list, t)
		return err
	})
	return list, err
}

// one gives the only element of a list that was read, or muster.NotFound with the sentence.
func one[T any](list []T, err error) func(format string, args ...any) (T, error) {
	return func(format string, args ...any) (T, error) {
		var none T
		if err != nil {
			return none, err
		}
		if len(list) == 0 {
			return none, muster.Errorf(muster.NotFound, "id", format, args...)
		}
		return list[0], nil
	}
}

// LockTarget keeps anybody else from changing a target, and from making accounts on it, until the transaction ends.
func (tx *Tx) LockTarget(seq int64) error {
	if tx.store.engine == SQLite {
		return nil
	}
	return tx.exec("SELECT seq FROM target WHERE seq = $1 AND tenant = $2 FOR UPDATE", seq, tx.tenant)
}

// DeleteTarget forgets a target, which the caller has locked, and its accounts. What stands at the target stays.
func (tx *Tx) DeleteTarget(seq int64) error {
	if err := tx.exec("DELETE FROM account WHERE target = $1 AND tenant = $2", seq, tx.tenant); err != nil {
		return err
	}
	return tx.exec("DELETE FROM target WHERE seq = $1 AND tenant = $2", seq, tx.tenant)
}

// TargetTrouble records that the target as a whole could not be worked with, and until when to leave it alone.
func (tx *Tx) TargetTrouble(seq int64, until time.Time, message string) error {
	return tx.exec("UPDATE target SET failures = failures + 1, until = $1, message = $2 WHERE seq = $3 AND tenant = $4", micros(until), message, seq, tx.tenant)
}

// TargetWell records that the target works again.
func (tx *Tx) TargetWell(seq int64) error {
	return tx.exec("UPDATE target SET failures = 0, until = NULL, message = NULL WHERE seq = $1 AND tenant = $2 AND failures > 0", seq, tx.tenant)
}

// ReserveCalls takes n places in the sequence of calls that a rate allows, over all processes. The first may begin at from, each further one a
// step later.
func (tx *Tx) ReserveCalls(seq int64, n int, step time.Duration) (from time.Time, err error) {
	var end int64
	err = tx.row("UPDATE target SET next_call = "+tx.greatest("coalesce(next_call, 0)", "$1")+" + $2 WHERE seq = $3 AND tenant = $4 RETURNING next_call",
		[]any{tx.now.UnixMicro(), int64(n) * step.Microseconds(), seq, tx.tenant}, &end)
	return time.UnixMicro(end - int64(n)*step.Microseconds()).UTC(), err
}

// A DueTarget has accounts to deliver and nothing that stands in the way.
type DueTarget struct{ Tenant, Target int64 }

// DueTargets lists the targets, of all tenants, that have accounts to deliver or mails to send now.
func (tx *Tx) DueTargets() ([]DueTarget, error) {
	var list []DueTarget
	err := tx.each(dueTargets(), []any{tx.now.UnixMicro()}, func(scan func(...any) error) error {
		var d DueTarget
		err := scan(&d.Tenant, &d.Target)
		list = append(list, d)
		return err
	})
	return list, err
}

func dueTargets() string {
	due := "EXISTS (SELECT 1 FROM account a WHERE a.target = t.seq AND a.urgent = %d AND a.due <= $1 AND (a.lease IS NULL OR a.lease < $1))"
	mail := "EXISTS (SELECT 1 FROM account a WHERE a.target = t.seq AND " + invitable("$1") + ")"
	return fmt.Sprintf("SELECT t.tenant, t.seq FROM target t WHERE t.paused = 0 AND (t.until IS NULL OR t.until <= $1) AND ("+due+" OR "+due+" OR "+mail+") ORDER BY t.seq", 1, 0)
}
