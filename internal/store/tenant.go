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

// Own gives the tenant of the transaction. It looks by the way whether there are targets, because who asks for the one asks for the other (HasTargets).
func (tx *Tx) Own() (muster.Tenant, error) {
	var own muster.Tenant
	var targets int
	query := "SELECT " + tenantColumns + ", (SELECT count(*) FROM (SELECT 1 FROM target WHERE tenant = $1 LIMIT 1) AS any_target) FROM tenant WHERE seq = $1"
	found := false
	err := tx.each(query, []any{tx.tenant}, func(scan func(...any) error) (err error) {
		found = true
		own, err = tx.scanTenant(scan, &targets)
		return err
	})
	if err == nil && !found {
		err = muster.Errorf(muster.NotFound, "tenant", "There is no tenant %d.", tx.tenant)
	}
	if err != nil {
		return muster.Tenant{}, err
	}
	aimed := targets > 0
	tx.aimed = &aimed
	return own, nil
}

// Tenants lists all tenants, oldest first.
func (tx *Tx) Tenants() ([]muster.Tenant, error) { return tx.tenants("ORDER BY seq") }

const tenantColumns = "seq, id, code, name, settings, created_at"

func (tx *Tx) tenants(where string, args ...any) ([]muster.Tenant, error) {
	var list []muster.Tenant
	err := tx.each("SELECT "+tenantColumns+" FROM tenant "+where, args, func(scan func(...any) error) error {
		t, err := tx.scanTenant(scan)
		list = append(list, t)
		return err
	})
	return list, err
}

// scanTenant reads a tenant, and what was selected behind it.
func (tx *Tx) scanTenant(scan func(...any) error, more ...any) (muster.Tenant, error) {
	var t muster.Tenant
	var settings string
	var created sql.NullInt64
	if err := scan(append([]any{&t.Seq, &t.ID, &t.Code, &t.Name, &settings, &created}, more...)...); err != nil {
		return t, err
	}
	t.CreatedAt = fromMicros(created)
	var err error
	if t.Settings, err = tx.store.readSettings(settings); err != nil {
		err = fmt.Errorf("store: settings of tenant %d: %w", t.Seq, err)
	}
	return t, err
}

// readSettings are settings that were read, with their text. Every request asks for its tenant's, and most tenants are alone.
type readSettings struct {
	text     string
	settings muster.Settings
}

func (s *Store) readSettings(text string) (muster.Settings, error) {
	if last := s.settings.Load(); last != nil && last.text == text {
		return last.settings, nil
	}
	settings := muster.DefaultSettings()
	err := json.Unmarshal([]byte(text), &settings)
	if err == nil && settings.Issuers == nil && settings.Catalogues == nil { // there is nothing in them that two could share
		s.settings.Store(&readSettings{text, settings})
	}
	return settings, err
}
