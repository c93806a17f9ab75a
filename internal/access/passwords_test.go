package access_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// lodge is a house with its sealing key, and with refusals that come at once.
type lodge struct {
	*house
	key    secret.Key
	tenant int64
}

func eachLodge(t *testing.T, f func(t *testing.T, h *lodge)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, newLodge(t, engine))
		})
	}
}

func newLodge(t *testing.T, engine store.Engine) *lodge {
	t.Helper()
	clock := storetest.NewClock()
	h := &lodge{house: &house{st: storetest.OpenWithoutTenant(t, engine, storetest.WithClock(clock)), clock: clock}, key: secret.NewKey()}
	h.Access = h.node(t, h.st)
	h.admin = h.caller(t, h.plain)
	h.tenant = h.admin.Tenant
	return h
}

// node is another process on the same database.
func (h *lodge) node(t *testing.T, st *store.Store) *access.Access {
	t.Helper()
	a := access.New(st)
	a.AnswerEvery(0)
	t.Cleanup(a.Close)
	if _, err := a.Bootstrap(t.Context(), h.key, func(plain string) error { h.plain = plain; return nil }); err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *lodge) hasher(t *testing.T, st *store.Store) *access.Hasher {
	t.Helper()
	hasher := access.NewHasher(access.HasherOptions{Store: st, Key: h.key, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(hasher.Close)
	return hasher
}

// hash has everything hashed that waits, and says how many that were.
func (h *lodge) hash(t *testing.T) int {
	t.Helper()
	n, err := h.hasher(t, h.st).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sent is a row of a batch that a password came with. person 0 is a row that failed.
type sent struct {
	person   int64
	password string
}

// sealed makes a batch, with its items, of which passwords came.
func (h *lodge) sealed(t testing.TB, tenant int64, rows ...sent) *store.BatchRow {
	t.Helper()
	b := h.received(t, tenant, rows...)
	h.carried(t, b, rows...)
	return b
}

func (h *lodge) received(t testing.TB, tenant int64, rows ...sent) *store.BatchRow {
	t.Helper()
	b := &store.BatchRow{}
	h.write(t, tenant, func(tx *store.Tx) error {
		*b = store.BatchRow{Batch: muster.Batch{ID: uuid.Must(uuid.NewV7()), Kind: muster.ImportBatch, Surface: "jumpcloud", State: muster.Running, Total: len(rows)}, Options: json.RawMessage(`{}`)}
		if err := tx.CreateBatch(b); err != nil {
			return err
		}
		var list []store.SealedPassword
		for i, r := range rows {
			if r.password != "" {
				list = append(list, store.SealedPassword{Index: i, Sealed: h.key.Seal(store.SealedPurpose(b.Seq, i), []byte(r.password))})
			}
		}
		return tx.AddSealedPasswords(b.Seq, list)
	})
	return b
}

// carried stores the items of a batch, as its rows are carried out.
func (h *lodge) carried(t testing.TB, b *store.BatchRow, rows ...sent) {
	t.Helper()
	h.write(t, b.Tenant, func(tx *store.Tx) error {
		items := make([]muster.Item, len(rows))
		for i, r := range rows {
			items[i] = muster.Item{Batch: b.Seq, Index: i, Row: i + 1, State: muster.DoneItem, Person: r.person}
			if r.person == 0 {
				items[i].State = muster.FailedItem
			}
		}
		if err := tx.InsertItems(items); err != nil {
			return err
		}
		return access.Settle(tx, b.Seq, len(rows))
	})
}

// waiting is how many passwords are sealed.
func (h *lodge) waiting(t *testing.T) (n int) {
	t.Helper()
	h.look(t, func(tx *store.Tx) error { return tx.SQL().QueryRow("SELECT count(*) FROM sealed_password").Scan(&n) })
	return n
}

func (h *lodge) look(t *testing.T, f func(tx *store.Tx) error) {
	t.Helper()
	if err := h.st.View(t.Context(), h.tenant, f); err != nil {
		t.Fatal(err)
	}
}

func (h *lodge) credential(t *testing.T, person int64) (c store.CredentialRow) {
	t.Helper()
	h.look(t, func(tx *store.Tx) (err error) {
		c, err = tx.Credential(person)
		if muster.CodeOf(err) == muster.NotFound {
			err = nil
		}
		return err
	})
	return c
}

func (h *lodge) setPassword(t *testing.T, person int64, password string) {
	t.Helper()
	hash, err := h.HashFor(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, h.tenant, func(tx *store.Tx) error { return tx.SetCredential(person, hash) })
}

// signs says whether a login and password are let in.
func (h *lodge) signs(t *testing.T, login, password string) bool {
	t.Helper()
	return signsAt(t, h.Access, login, password)
}

func signsAt(t *testing.T, a *access.Access, login, password string) bool {
	t.Helper()
	c, err := a.SignIn(t.Context(), "", login, password)
	if err == nil && c.Person != 0 {
		return true
	}
	want(t, "to sign in as "+login, err, muster.Unauthenticated)
	return false
}

// tries is how often somebody was tried in vain, and until when nobody may.
func (h *lodge) tries(t *testing.T, person int64) (tries store.Tries) {
	t.Helper()
	h.look(t, func(tx *store.Tx) error {
		s, err := tx.SignIn(person)
		tries = s.Tries
		return err
	})
	return tries
}
