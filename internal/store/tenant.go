package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// KeyFingerprint says which sealing key this database belongs to: it gives the one recorded, and records the given one when there is none.
func (tx *Tx) KeyFingerprint(own string) (recorded string, first bool, err error) {
	err = tx.row("SELECT key_fingerprint FROM installation WHERE id = 1", nil, &recorded)
	if err == nil || !errors.Is(err, errNone) {
		return recorded, false, err
	}
	return own, true, tx.exec("INSERT INTO installation (id, key_fingerprint, created_at) VALUES (1, $1, $2)", own, micros(tx.now))
}

// CreateTenant writes a tenant and gives it seq, id and time. A code that is taken is muster.Conflict.
func (tx *Tx) CreateTenant(t *muster.Tenant) error {
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return fmt.Errorf("store: settings of tenant: %w", err)
	}
	t.ID, t.CreatedAt = uuid.Must(uuid.NewV7()), tx.now
	t.Seq, err = tx.insert("INSERT INTO tenant (id, code, name, settings, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING seq",
		tx.uuid(t.ID), t.Code, t.Name, string(settings), micros(tx.now))
	if clash(err) {
		return muster.Errorf(muster.Conflict, "code", "There is a tenant %q already.", t.Code)
	}
	return err
}

// SaveTenant writes a tenant's name and settings back, or gives muster.NotFound.
func (tx *Tx) SaveTenant(t muster.Tenant) error {
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return fmt.Errorf("store: settings of tenant: %w", err)
	}
	n, err := tx.affect("UPDATE tenant SET name = $1, settings = $2 WHERE seq = $3", t.Name, string(settings), t.Seq)
	if err == nil && n == 0 {
		return muster.Errorf(muster.NotFound, "tenant", "There is no tenant %d.", t.Seq)
	}
	return err
}

// Own gives the tenant of the transaction.
func (tx *Tx) Own() (muster.Tenant, error) {
	list, err := tx.tenants("WHERE seq = $1", tx.tenant)
	if err == nil && len(list) == 0 {
		err = muster.Errorf(muster.NotFound, "tenant", "There is no tenant %d.", tx.tenant)
	}
	if err != nil {
		return muster.Tenant{}, err
	}
	return list[0], nil
}

// Tenants lists all tenants, oldest first.
func (tx *Tx) Tenants() ([]muster.Tenant, error) { return tx.tenants("ORDER BY seq") }

func (tx *Tx) tenants(where string, args ...any) ([]muster.Tenant, error) {
	var list []muster.Tenant
	err := tx.each("SELECT seq, id, code, name, settings, created_at FROM tenant "+where, args, func(scan func(...any) error) error {
		t := muster.Tenant{Settings: muster.DefaultSettings()}
		var settings string
		var created sql.NullInt64
		if err := scan(&t.Seq, &t.ID, &t.Code, &t.Name, &settings, &created); err != nil {
			return err
		}
		t.CreatedAt = fromMicros(created)
		if err := json.Unmarshal([]byte(settings), &t.Settings); err != nil {
			return fmt.Errorf("store: settings of tenant %d: %w", t.Seq, err)
		}
		list = append(list, t)
		return nil
	})
	return list, err
}
