package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// KeyRow is a key with what is to be known of its owner.
type KeyRow struct {
	muster.Key
	Tenant          int64
	ApplicationName string
	PersonID        uuid.UUID
	Username        string       // of the person
	PersonState     muster.State // "" when it belongs to an application
}

const keyQuery = `SELECT t.seq, t.id, t.tenant, t.name, t.prefix, t.scope, t.application, t.person, t.expires_at, t.last_used_at, t.created_at, a.name, p.id, p.username, p.state
 FROM api_key t LEFT JOIN application a ON a.seq = t.application LEFT JOIN person p ON p.seq = t.person WHERE `

func (tx *Tx) keys(where string, args ...any) ([]KeyRow, error) {
	var list []KeyRow
	err := tx.each(keyQuery+where, args, func(scan func(...any) error) error {
		var k KeyRow
		var application, person, expires, used, created sql.NullInt64
		var personID uuid.NullUUID
		err := scan(&k.Seq, &k.ID, &k.Tenant, &k.Name, &k.Prefix, (*string)(&k.Scope), &application, &person, &expires, &used, &created,
			text{&k.ApplicationName}, &personID, text{&k.Username}, text{(*string)(&k.PersonState)})
		k.Application, k.Person, k.PersonID = application.Int64, person.Int64, personID.UUID
		k.ExpiresAt, k.LastUsedAt, k.CreatedAt = fromMicros(expires), fromMicros(used), fromMicros(created)
		list = append(list, k)
		return err
	})
	return list, err
}

const keyByHash = "SELECT seq, id, tenant, name, prefix, scope, application, person, expires_at, last_used_at, created_at FROM api_key WHERE hash = $1"

// KeyByHash gives the key of any tenant that has this hash, or muster.NotFound: it is how a tenant is found out. Every request asks it, so the name
// of an application is left out, and a person is asked for only where there is one.
func (tx *Tx) KeyByHash(hash []byte) (KeyRow, error) {
	var k KeyRow
	var application, person, expires, used, created sql.NullInt64
	err := tx.row(keyByHash, []any{hash},
		&k.Seq, &k.ID, &k.Tenant, &k.Name, &k.Prefix, (*string)(&k.Scope), &application, &person, &expires, &used, &created)
	if errors.Is(err, errNone) {
		return k, muster.Errorf(muster.NotFound, "", "There is no such key.")
	}
	k.Application, k.Person = application.Int64, person.Int64
	k.ExpiresAt, k.LastUsedAt, k.CreatedAt = fromMicros(expires), fromMicros(used), fromMicros(created)
	if err != nil || k.Person == 0 {
		return k, err
	}
	err = tx.row("SELECT id, username, state FROM person WHERE seq = $1", []any{k.Person}, &k.PersonID, text{&k.Username}, (*string)(&k.PersonState))
	return k, err
}

// Key gives a key by id, or muster.NotFound.
func (tx *Tx) Key(id uuid.UUID) (KeyRow, error) {
	return one(tx.keys("t.id = $1 AND t.tenant = $2", tx.uuid(id), tx.tenant))("There is no key %s.", id)
}

// Keys lists the tenant's keys, oldest first, after a seq.
func (tx *Tx) Keys(after int64, limit int) ([]KeyRow, error) {
	return tx.keys("t.tenant = $1 AND t.seq > $2 ORDER BY t.seq LIMIT $3", tx.tenant, after, limit)
}

// CreateKey writes a key by its hash and gives it seq, id and time.
func (tx *Tx) CreateKey(k *muster.Key, hash []byte) error {
	k.ID, k.CreatedAt = tx.newID(), tx.now
	var err error
	k.Seq, err = tx.insert(`INSERT INTO api_key (id, tenant, name, hash, prefix, scope, application, person, expires_at, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING seq`, tx.uuid(k.ID), tx.tenant, k.Name, hash, k.Prefix, string(k.Scope), orNullNumber(k.Application),
		orNullNumber(k.Person), micros(k.ExpiresAt), micros(tx.now))
	return err
}

// DeleteKey makes a key unknown.
func (tx *Tx) DeleteKey(seq int64) error {
	return tx.exec("DELETE FROM api_key WHERE seq = $1 AND tenant = $2", seq, tx.tenant)
}

// TouchKey records that a key was used now, unless that was recorded less than step ago.
func (tx *Tx) TouchKey(seq int64, step time.Duration) error {
	return tx.exec("UPDATE api_key SET last_used_at = $1 WHERE seq = $2 AND tenant = $3 AND (last_used_at IS NULL OR last_used_at <= $4)",
		tx.now.UnixMicro(), seq, tx.tenant, tx.now.Add(-step).UnixMicro())
}

// EnsureApplication gives the application of a name, which it makes when there is none.
func (tx *Tx) EnsureApplication(name string) (a muster.Application, created bool, err error) {
	a = muster.Application{ID: tx.newID(), Name: name, CreatedAt: tx.now}
	a.Seq, err = tx.insert("INSERT INTO application (id, tenant, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, name) DO NOTHING RETURNING seq",
		tx.uuid(a.ID), tx.tenant, name, micros(tx.now))
	if err == nil || !errors.Is(err, errNone) {
		return a, true, err
	}
	var at sql.NullInt64
	err = tx.row("SELECT seq, id, created_at FROM application WHERE tenant = $1 AND name = $2", []any{tx.tenant, name}, &a.Seq, &a.ID, &at)
	a.CreatedAt = fromMicros(at)
	return a, false, err
}

// Applications lists the tenant's applications, oldest first, after a seq.
func (tx *Tx) Applications(after int64, limit int) ([]muster.Application, error) {
	var list []muster.Application
	err := tx.each("SELECT seq, id, name, created_at FROM application WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3", []any{tx.tenant, after, limit},
		func(scan func(...any) error) error {
			var a muster.Application
			var at sql.NullInt64
			err := scan(&a.Seq, &a.ID, &a.Name, &at)
			a.CreatedAt = fromMicros(at)
			list = append(list, a)
			return err
		})
	return list, err
}

// OtherKeys says how many keys of a scope the tenant has beside one, that have not expired.
func (tx *Tx) OtherKeys(scope muster.KeyScope, beside int64) (n int, err error) {
	err = tx.row("SELECT count(*) FROM api_key WHERE tenant = $1 AND scope = $2 AND seq <> $3 AND (expires_at IS NULL OR expires_at > $4)",
		[]any{tx.tenant, string(scope), beside, tx.now.UnixMicro()}, &n)
	return n, err
}

// FirstTenant is the one that was made with the database: whoever runs this installation.
func (tx *Tx) FirstTenant() (seq int64, err error) {
	return seq, tx.row("SELECT coalesce(min(seq), 0) FROM tenant", nil, &seq)
}

// TenantByCode gives a tenant by its code, or muster.NotFound.
func (tx *Tx) TenantByCode(code string) (muster.Tenant, error) {
	return one(tx.tenants("WHERE code = $1", code))("There is no tenant %q.", code)
}
