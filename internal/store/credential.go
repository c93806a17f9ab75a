package store

import (
	"database/sql"
	"time"

	"github.com/musterid/muster"
)

// A CredentialRow is the password of a person whose account is held here.
type CredentialRow struct {
	Person    int64
	Hash      string
	Version   int64
	ChangedAt time.Time
}

// SetCredential keeps the hash of a person's password in place of one that was there, also of one that waits to be hashed.
func (tx *Tx) SetCredential(person int64, hash string) error {
	if err := tx.dropWaiting(person); err != nil {
		return err
	}
	return tx.putCredential(person, hash, Tries{}, tx.now)
}

func (tx *Tx) putCredential(person int64, hash string, tries Tries, changed time.Time) error {
	return tx.exec(`INSERT INTO credential (person, tenant, hash, version, fails, locked_until, changed_at) VALUES ($1, $2, $3, 1, $4, $5, $6)
 ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, version = credential.version + 1, fails = excluded.fails, locked_until = excluded.locked_until,
 changed_at = excluded.changed_at`, person, tx.tenant, hash, tries.Fails, micros(tries.LockedUntil), changed.UnixMicro())
}

// Credential gives a person's password, or muster.NotFound.
func (tx *Tx) Credential(person int64) (CredentialRow, error) {
	c := CredentialRow{Person: person}
	var changed sql.NullInt64
	err := tx.row("SELECT hash, version, changed_at FROM credential WHERE person = $1 AND tenant = $2", []any{person, tx.tenant}, &c.Hash, &c.Version, &changed)
	if muster.CodeOf(err) == muster.NotFound {
		return c, muster.Errorf(muster.NotFound, "", "This person has no password here.")
	}
	c.ChangedAt = fromMicros(changed)
	return c, err
}

// DeleteCredential forgets a person's password, also one that waits to be hashed.
func (tx *Tx) DeleteCredential(person int64) error {
	if err := tx.dropWaiting(person); err != nil {
		return err
	}
	return tx.exec("DELETE FROM credential WHERE person = $1 AND tenant = $2", person, tx.tenant)
}

func (tx *Tx) dropWaiting(person int64) error {
	return tx.exec(dropWaiting, person, tx.tenant)
}

// Rehash keeps another hash of the same password, unless there is another password meanwhile.
func (tx *Tx) Rehash(person, version int64, before, hash string) error {
	return tx.exec("UPDATE credential SET hash = $1 WHERE person = $2 AND tenant = $3 AND version = $4 AND hash = $5", hash, person, tx.tenant, version, before)
}

// HasCredential gives those of these people who have a password, with the time it is from: also when it waits to be hashed.
func (tx *Tx) HasCredential(people []int64) (map[int64]time.Time, error) {
	found := map[int64]time.Time{}
	if len(people) == 0 {
		return found, nil
	}
	for _, query := range []string{
		tx.perNumber("t.changed_at", "credential", "t.person = k.value AND t.tenant = $2"),
		tx.perNumber("t.created_at", "sealed_password", "t.person = k.value AND t.person > 0 AND t.tenant = $2"),
	} {
		err := tx.each(query, []any{tx.numbers(people), tx.tenant}, func(scan func(...any) error) error {
			var person int64
			var at sql.NullInt64
			err := scan(&person, &at)
			found[person] = fromMicros(at) // what waits is newer
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Tries is how often somebody was tried to sign in as, since that went well.
type Tries struct {
	Fails       int
	LockedUntil time.Time
}

// SignInRow is what somebody who signs in is held against.
type SignInRow struct {
	Person   int64
	Username string
	State    muster.State
	Tries    Tries

	Hash    string // "" without one
	Version int64  // of Hash
	Waiting *WaitingPassword
}

// The plus keeps SQLite from reading the tenant's whole line, which is in the order that is asked for.
const (
	waitingFor = `SELECT batch, idx, sealed, fails, locked_until FROM sealed_password WHERE person = $1 AND person > 0 AND +tenant = $2
 ORDER BY batch DESC, idx DESC LIMIT 1`
	dropWaiting = "DELETE FROM sealed_password WHERE person = $1 AND person > 0 AND +tenant = $2"
)

// SignIn gives what there is of somebody to sign in by. A password that waits to be hashed is newer than a hash, and the only one that counts.
func (tx *Tx) SignIn(person int64) (s SignInRow, err error) {
	s.Person = person
	var fails, version, locked sql.NullInt64
	err = tx.row(`SELECT p.username, p.state, c.hash, c.version, c.fails, c.locked_until FROM person p LEFT JOIN credential c ON c.person = p.seq AND c.tenant = p.tenant
 WHERE p.seq = $1 AND p.tenant = $2`, []any{person, tx.tenant}, text{&s.Username}, (*string)(&s.State), text{&s.Hash}, &version, &fails, &locked)
	if err != nil {
		return s, err
	}
	s.Version, s.Tries = version.Int64, Tries{int(fails.Int64), fromMicros(locked)}
	w := WaitingPassword{Tenant: tx.tenant, Person: person}
	err = tx.row(waitingFor, []any{person, tx.tenant}, &w.Batch, &w.Index, &w.Sealed, &fails, &locked)
	if muster.CodeOf(err) == muster.NotFound {
		return s, nil
	}
	s.Waiting, s.Tries = &w, Tries{int(fails.Int64), fromMicros(locked)}
	return s, err
}

// LockTries reads again how often the password of s was tried, and keeps anybody else from trying it until the transaction ends. When it is not the
// person's password any more it is muster.NotFound.
func (tx *Tx) LockTries(s *SignInRow) error {
	var fails, locked sql.NullInt64
	var err error
	if w := s.Waiting; w != nil {
		err = tx.row("SELECT fails, locked_until FROM sealed_password WHERE batch = $1 AND idx = $2 AND person = $3 AND tenant = $4"+tx.locking("FOR UPDATE"),
			[]any{w.Batch, w.Index, s.Person, tx.tenant}, &fails, &locked)
	} else {
		err = tx.row("SELECT fails, locked_until FROM credential WHERE person = $1 AND version = $2 AND tenant = $3"+tx.locking("FOR UPDATE"),
			[]any{s.Person, s.Version, tx.tenant}, &fails, &locked)
	}
	s.Tries = Tries{int(fails.Int64), fromMicros(locked)}
	return err
}

// SaveTries records how often the password of s was tried, while it is the person's.
func (tx *Tx) SaveTries(s SignInRow, t Tries) error {
	if w := s.Waiting; w != nil {
		return tx.exec("UPDATE sealed_password SET fails = $1, locked_until = $2 WHERE batch = $3 AND idx = $4 AND person = $5 AND tenant = $6",
			t.Fails, micros(t.LockedUntil), w.Batch, w.Index, s.Person, tx.tenant)
	}
	return tx.exec("UPDATE credential SET fails = $1, locked_until = $2 WHERE person = $3 AND version = $4 AND tenant = $5",
		t.Fails, micros(t.LockedUntil), s.Person, s.Version, tx.tenant)
}

// SoleTenant gives the only tenant there is; the zero tenant when there are several.
func (tx *Tx) SoleTenant() (muster.Tenant, error) {
	list, err := tx.tenants("ORDER BY seq LIMIT 2")
	if err != nil || len(list) != 1 {
		return muster.Tenant{}, err
	}
	return list[0], nil
}
