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
	if err := tx.exec("DELETE FROM sealed_password WHERE person = $1 AND person > 0 AND tenant = $2", person, tx.tenant); err != nil {
		return err
	}
	return tx.exec(`INSERT INTO credential (person, tenant, hash, version, fails, changed_at) VALUES ($1, $2, $3, 1, 0, $4)
 ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, version = credential.version + 1, fails = 0, locked_until = NULL, changed_at = excluded.changed_at`,
		person, tx.tenant, hash, tx.now.UnixMicro())
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
	if err := tx.exec("DELETE FROM sealed_password WHERE person = $1 AND person > 0 AND tenant = $2", person, tx.tenant); err != nil {
		return err
	}
	return tx.exec("DELETE FROM credential WHERE person = $1 AND tenant = $2", person, tx.tenant)
}
