package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/musterid/muster"
)

// The line of passwords that wait to be hashed: sealed_password where the row was carried out.

// WaitingPassword is a password that waits to be hashed.
type WaitingPassword struct {
	Tenant int64
	Batch  int64
	Index  int
	Person int64
	Sealed []byte
}

// HashedPassword is one that waits no longer.
type HashedPassword struct {
	WaitingPassword
	Hash string
}

// The statements that look at the line, each by an index of its own: the line may be very long, and is looked at every second.
const (
	anyWaiting  = "SELECT 1 FROM sealed_password WHERE person > 0 AND (lease IS NULL OR lease <= $1) LIMIT 1"
	nextWaiting = "SELECT min(tenant) FROM sealed_password WHERE person > 0 AND tenant > $1 AND (lease IS NULL OR lease <= $2)"
	waitingOf   = `SELECT batch, idx, person, sealed FROM sealed_password WHERE tenant = $1 AND person > 0 AND (lease IS NULL OR lease <= $2)
 ORDER BY batch, idx LIMIT $3`
	dropOld = `DELETE FROM sealed_password WHERE (batch, idx) IN (SELECT batch, idx FROM sealed_password
 WHERE (person IS NULL OR person = 0) AND created_at < $1 AND (person = 0 OR NOT EXISTS (SELECT 1 FROM batch b
 WHERE b.seq = sealed_password.batch AND b.state NOT IN ('finished', 'cancelled', 'failed'))) ORDER BY created_at LIMIT $2) AND (person IS NULL OR person = 0)`
)

// AnyWaiting says whether a password waits that nobody is at.
func (tx *Tx) AnyWaiting() (bool, error) {
	var one int64
	err := tx.row(anyWaiting, []any{micros(tx.now)}, &one)
	if muster.CodeOf(err) == muster.NotFound {
		return false, nil
	}
	return err == nil, err
}

// ClaimWaiting gives owner some passwords of one tenant until a time: of the tenant that comes after the given one, so that a long line of one tenant
// keeps nobody else waiting. It is called with a transaction of Everyone.
func (tx *Tx) ClaimWaiting(after int64, owner string, until time.Time, limit int) ([]WaitingPassword, error) {
	var tenant sql.NullInt64
	for _, from := range []int64{after, 0} {
		err := tx.row(nextWaiting, []any{from, micros(tx.now)}, &tenant)
		if err != nil {
			return nil, err
		}
		if tenant.Valid {
			break
		}
	}
	if !tenant.Valid {
		return nil, nil
	}
	var list []WaitingPassword
	var keys []int64
	err := tx.each(waitingOf+tx.locking("FOR UPDATE SKIP LOCKED"), []any{tenant.Int64, micros(tx.now), limit}, func(scan func(...any) error) error {
		w := WaitingPassword{Tenant: tenant.Int64}
		err := scan(&w.Batch, &w.Index, &w.Person, &w.Sealed)
		list, keys = append(list, w), append(keys, muster.ItemKey(w.Batch, w.Index))
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, tx.leaseWaiting(keys, owner, until)
}

// leaseWaiting gives rows, each named by its item's key, to an owner.
func (tx *Tx) leaseWaiting(keys []int64, owner string, until time.Time) error {
	return tx.exec(tx.leaseQuery(), tx.numbers(keys), owner, micros(until))
}

func (tx *Tx) leaseQuery() string {
	from := "json_each($1) AS k"
	if tx.store.engine == Postgres {
		from = "unnest($1::bigint[]) AS k(value)"
	}
	return fmt.Sprintf("UPDATE sealed_password SET owner = $2, lease = $3 FROM %s WHERE sealed_password.batch = (k.value >> %d) AND sealed_password.idx = (k.value & %d)",
		from, muster.ItemIndexBits, muster.MaxItems-1)
}

// ReturnWaiting gives passwords back that their owner did not come to. It is called with a transaction of Everyone.
func (tx *Tx) ReturnWaiting(owner string, list []WaitingPassword) error {
	for _, w := range list {
		err := tx.exec("UPDATE sealed_password SET owner = NULL, lease = NULL WHERE batch = $1 AND idx = $2 AND owner = $3", w.Batch, w.Index, owner)
		if err != nil {
			return err
		}
	}
	return nil
}

// FreeWaiting gives all passwords back that anybody is at: for the start of the only process.
func (tx *Tx) FreeWaiting() error {
	return tx.exec("UPDATE sealed_password SET owner = NULL, lease = NULL WHERE person > 0 AND owner IS NOT NULL")
}

// KeepHashed keeps what owner made of passwords of the tenant, and forgets the passwords. One that is not owner's any more, because there is a newer one
// or somebody else was given it, is passed over. It gives how many were kept.
func (tx *Tx) KeepHashed(owner string, list []HashedPassword) (kept int, err error) {
	list = slices.SortedFunc(slices.Values(list), func(a, b HashedPassword) int {
		return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Index, b.Index))
	})
	for _, h := range list {
		var fails, locked, created sql.NullInt64
		err := tx.row("DELETE FROM sealed_password WHERE batch = $1 AND idx = $2 AND tenant = $3 AND owner = $4 AND person = $5 RETURNING fails, locked_until, created_at",
			[]any{h.Batch, h.Index, tx.tenant, owner, h.Person}, &fails, &locked, &created)
		if muster.CodeOf(err) == muster.NotFound {
			continue
		}
		if err == nil {
			err = tx.putCredential(h.Person, h.Hash, Tries{int(fails.Int64), fromMicros(locked)}, fromMicros(created))
		}
		if err != nil {
			return kept, err
		}
		kept++
	}
	return kept, nil
}

// DropSealed forgets the passwords of rows of the tenant that cannot be hashed.
func (tx *Tx) DropSealed(list []WaitingPassword) error {
	rows := make([][2]int64, len(list))
	for i, w := range list {
		rows[i] = [2]int64{w.Batch, int64(w.Index)}
	}
	return tx.dropSealed(rows)
}

// DropOldSealed forgets passwords from before a time that do not wait to be hashed, because their rows came to nothing or were not carried out before
// their batch ended. Those of rows whose turn is still to come stay, however long their batch waits or is held: the row is to have its password then. It
// gives how many, which is limit at most. It is called with a transaction of Everyone.
func (tx *Tx) DropOldSealed(before time.Time, limit int) (n int64, err error) {
	return tx.affect(dropOld, micros(before), limit)
}
