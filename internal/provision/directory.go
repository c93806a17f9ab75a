package provision

import (
	"context"
	"errors"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// directory is the kind of target whose accounts are held here: the account is its row, its id there is the person's own, and what the target was
// told last is what it has. Only passwords are kept besides.
func (p *Provision) directory() connector.Kind {
	return connector.Kind{
		Name:   directoryKind,
		Label:  "Accounts held by Muster",
		Config: func() any { return &struct{}{} },
		Powers: connector.Powers{Marker: true, Rename: true, Passwords: true},
		Open: func(_ context.Context, _ any, env connector.Environment) (connector.Connector, error) {
			return &held{store: p.store, tenant: env.Tenant, target: env.Target}, nil
		},
	}
}

// held are the accounts of one target of kind directory.
type held struct {
	store          *store.Store
	tenant, target int64
}

func (h *held) Check(ctx context.Context) error { return ctx.Err() }

func (h *held) Close() error { return nil }

// Find gives an account as its row has it.
func (h *held) Find(ctx context.Context, q connector.Query) (a connector.Account, err error) {
	err = h.store.View(ctx, h.tenant, func(tx *store.Tx) error {
		row, err := h.find(tx, q)
		if err != nil {
			return err
		}
		a = connector.Account{
			ExternalID: row.ExternalID, Marker: row.ExternalID, Username: row.Username, Enabled: row.Pushed["enabled"] == true, Attributes: muster.Record{},
		}
		for field, value := range row.Pushed {
			if field != "username" && field != "enabled" {
				a.Attributes[field] = value
			}
		}
		return nil
	})
	return a, err
}

// find looks by id, which is also the marker, and then by username.
func (h *held) find(tx *store.Tx, q connector.Query) (store.AccountRow, error) {
	id := q.ExternalID
	if id == "" {
		id = q.Marker
	}
	row, err := tx.AccountByExternalID(h.target, id)
	if err == nil && there(&row) || err != nil && muster.CodeOf(err) != muster.NotFound {
		return row, err
	}
	if q.ExternalID != "" || q.Username == "" {
		return row, connector.ErrNotFound
	}
	key := muster.FoldKey(q.Username)
	holders, err := tx.Holders(store.UsernameKey, []string{key})
	if err != nil {
		return row, err
	}
	accounts, err := tx.AccountsOf(h.target, []int64{holders[key]})
	if err != nil {
		return row, err
	}
	row = accounts[holders[key]]
	if !there(&row) || muster.FoldKey(row.Username) != key {
		return store.AccountRow{}, connector.ErrNotFound
	}
	return row, nil
}

// there says whether a row is an account: one that was released, or that was and is to be made anew, has its id and is none.
func there(row *store.AccountRow) bool {
	return row.ExternalID != "" && row.State != muster.ReleasedAccount && row.State != muster.PlannedAccount
}

// Apply has nothing to do but for what the row does not hold: who records the step records the account.
func (h *held) Apply(ctx context.Context, s connector.Step) (connector.Account, error) {
	if s.Intent == connector.Create {
		if _, err := h.Find(ctx, connector.Query{ExternalID: s.Marker}); !errors.Is(err, connector.ErrNotFound) {
			if err == nil {
				err = connector.ErrExists
			}
			return connector.Account{}, err
		}
		return account(s.Marker, s), nil
	}
	if s.Change.Action == muster.Delete {
		return connector.Account{}, h.forget(ctx, s.ExternalID)
	}
	if _, err := h.Find(ctx, connector.Query{ExternalID: s.ExternalID}); err != nil {
		return connector.Account{}, err
	}
	return account(s.ExternalID, s), nil
}

// account is what an account is after a step.
func account(id string, s connector.Step) connector.Account {
	a := connector.Account{ExternalID: id, Marker: id, Username: s.Username, Enabled: s.Wanted["enabled"] == true, Attributes: muster.Record{}}
	for field, value := range s.Wanted {
		if field != "username" && field != "enabled" {
			a.Attributes[field] = value
		}
	}
	return a
}

// forget deletes what is held of an account besides its row.
func (h *held) forget(ctx context.Context, externalID string) error {
	return h.store.Update(ctx, h.tenant, func(tx *store.Tx) error {
		row, err := h.find(tx, connector.Query{ExternalID: externalID})
		if errors.Is(err, connector.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteCredential(row.Person)
	})
}

// SetPassword keeps the hash of a password.
func (h *held) SetPassword(ctx context.Context, externalID, password string) error {
	hash, err := secret.HashPassword(ctx, password)
	if errors.Is(err, secret.ErrPasswordLength) {
		return connector.Permanent(muster.Errorf(muster.TooLong, "password", "A password has at most %d characters.", secret.MaxPassword))
	}
	if err != nil {
		return err
	}
	return h.store.Update(ctx, h.tenant, func(tx *store.Tx) error {
		row, err := h.find(tx, connector.Query{ExternalID: externalID})
		if err != nil {
			return err
		}
		return tx.SetCredential(row.Person, hash)
	})
}
