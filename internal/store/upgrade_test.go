package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A database of the first version, with rows that the first version wrote, is read and worked on after the upgrade.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			st := openBlank(t, storetest.Blank(t, engine))
			if err := st.MigrateTo(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if has, newest, err := st.SchemaVersion(t.Context()); err != nil || has != 1 || newest < 2 {
				t.Fatalf("version %d of %d, %v", has, newest, err)
			}
			fillFirstVersion(t, st)
			if err := st.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if has, newest, err := st.SchemaVersion(t.Context()); err != nil || has != newest {
				t.Errorf("version %d of %d, %v", has, newest, err)
			}
			readUpgraded(t, st)
			workOnUpgraded(t, st)
		})
	}
}

var firstTime = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// fillFirstVersion writes what a server of the first version would have: people, of whom one is delivered and one is owed, by a target and an import
// that a provision batch follows.
func fillFirstVersion(t *testing.T, st *store.Store) {
	t.Helper()
	at := firstTime.UnixMicro()
	id := func(tx *store.Tx, n byte) any { return tx.UUID(uuid.UUID{15: n}) }
	write(t, st, store.Everyone, func(tx *store.Tx) error {
		person := `INSERT INTO person (seq, id, tenant, version, username, username_key, generated, email_verified, state, absent, mode, last_name, created_at, updated_at)
 VALUES ($1, $2, 1, 3, $3, $3, 0, 0, 'active', 0, 'standard', $3, $4, $4)`
		account := `INSERT INTO account (seq, id, tenant, version, target, person, username, external_id, state, pushed, attempts, due, urgent, owner, lease, created_at, updated_at)
 VALUES ($1, $2, 1, 2, 1, $1, $3, $4, $5, '{"username":"x"}', 1, $6, 0, $7, $6, $8, $8)`
		batch := `INSERT INTO batch (seq, id, tenant, kind, surface, name, creator, ordered, source_batch, source_index, options, state, released, cancel, total, next_index, done, failed,
 skipped, created, updated, unchanged, disables, renames, warnings, created_at, updated_at) VALUES ($1, $2, 1, $3, 'native', 'pupils.csv', 'key:admin', 0, $4, 2, '{}', $5, 0, 0, 2, 2, $6, 0,
 0, $6, 0, 0, 0, 0, 0, $7, $7)`
		item := "INSERT INTO item (id, tenant, row_no, state, person, account, guard, at) VALUES ($1, 1, 2, $2, $3, $4, 0, $5)"
		for _, s := range []struct {
			query string
			args  []any
		}{
			{"INSERT INTO tenant (seq, id, code, name, settings, created_at) VALUES (1, $1, 'school', 'School', '{}', $2)", []any{id(tx, 1), at}},
			{person, []any{1, tx.UUID(muster.PersonID(1, firstTime)), "ann", at}},
			{person, []any{2, tx.UUID(muster.PersonID(2, firstTime)), "bob", at}},
			{`INSERT INTO target (seq, id, tenant, version, name, kind, config, policy, paused, failures, created_at, updated_at)
 VALUES (1, $1, 1, 1, 'there', 'rehearsal', $2, '{}', 0, 0, $3, $3)`, []any{id(tx, 2), []byte("sealed"), at}},
			{account, []any{1, id(tx, 3), "ann", "x-1", "delivered", nil, nil, at}},
			{account, []any{2, id(tx, 4), "bob", nil, "planned", at, "somebody dead", at}},
			{batch, []any{1, id(tx, 5), "import", nil, "finished", 2, at}},
			{batch, []any{2, id(tx, 6), "provision", 1, "running", 1, at}},
			{item, []any{muster.ItemKey(1, 0), "done", 1, nil, at}},
			{item, []any{muster.ItemKey(1, 1), "done", 2, nil, at}},
			{item, []any{muster.ItemKey(2, 0), "done", 1, 1, at}},
			{item, []any{muster.ItemKey(2, 1), "pending", 2, 2, at}},
		} {
			if err := tx.Exec(s.query, s.args...); err != nil {
				return err
			}
		}
		if st.Engine() == store.Postgres { // seqs that a server takes move on by themselves
			for _, table := range []string{"tenant", "person", "target", "account", "batch"} {
				if _, err := tx.Strings("SELECT setval(pg_get_serial_sequence('" + table + "', 'seq'), 100)::text"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func readUpgraded(t *testing.T, st *store.Store) {
	t.Helper()
	look(t, st, 1, func(tx *store.Tx) error {
		people, err := tx.People([]int64{1, 2})
		if err != nil || people[1].Username != "ann" || people[1].ID != muster.PersonID(1, firstTime) || people[2].Version != 3 {
			t.Errorf("people %+v, %v", people, err)
		}
		accounts, err := tx.Accounts([]int64{1, 2})
		for seq, a := range accounts {
			if a.Activation != (muster.Activation{State: muster.NoActivation}) || a.ActivationAttempts != 0 || !a.ActivationDue.IsZero() {
				t.Errorf("activation of %d: %+v", seq, a.Activation)
			}
		}
		if err != nil || accounts[1].ExternalID != "x-1" || accounts[1].Pushed.Text("username") != "x" || accounts[2].Owner != "somebody dead" {
			t.Errorf("accounts %+v, %v", accounts, err)
		}
		source, err := tx.BatchBySeq(1)
		if err != nil || source.Unit != 0 || source.Order || source.Waiting != 0 || source.Counts.Done != 2 {
			t.Errorf("import %+v, %v", source, err)
		}
		following, err := tx.BatchFollowing(1)
		if err != nil || following.Seq != 2 || following.Order {
			t.Errorf("followed by %+v, %v", following, err)
		}
		orders, err := tx.Orders(0, nil, 0, 10)
		if err != nil || len(orders) != 0 {
			t.Errorf("orders %+v, %v", orders, err)
		}
		items, err := tx.OpenItemsOf([]int64{1, 2})
		if err != nil || len(items) != 1 || items[0].Batch != 2 || items[0].Index != 1 {
			t.Errorf("open items %+v, %v", items, err)
		}
		return nil
	})
}

// workOnUpgraded goes on where the old server was: what it had claimed is delivered, and the new columns take what belongs there.
func workOnUpgraded(t *testing.T, st *store.Store) {
	t.Helper()
	write(t, st, store.Everyone, func(tx *store.Tx) error { return tx.FreeLeases() })
	write(t, st, 1, func(tx *store.Tx) error {
		claimed, err := tx.ClaimAccounts(1, "us", tx.Now().Add(time.Minute), 10)
		if err != nil || len(claimed) != 1 || claimed[0].Seq != 2 {
			t.Errorf("claimed %+v, %v", claimed, err)
			return err
		}
		a := claimed[0]
		a.State, a.ExternalID, a.Due = muster.DeliveredAccount, "x-2", time.Time{}
		if held, err := tx.SettleAccount(&a); !held || err != nil {
			t.Errorf("settled: %v, %v", held, err)
		}
		a.Activation = muster.Activation{State: muster.ActivationSent, By: muster.MailByMuster, SentAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Hour)}
		return tx.SaveActivation(&a)
	})
	write(t, st, 1, func(tx *store.Tx) error {
		b := store.BatchRow{Order: true}
		b.Kind, b.State, b.RetryOf = muster.ProvisionBatch, muster.Ready, 1
		if err := tx.CreateBatch(&b); err != nil {
			return err
		}
		people, err := tx.PeopleIn(1, true, 0, 2)
		if err != nil || !slices.Equal(people, []int64{1, 2}) {
			t.Errorf("to be ordered: %v, %v", people, err)
		}
		return tx.AddToOrder(&b, people)
	})
	look(t, st, 1, func(tx *store.Tx) error {
		accounts, err := tx.Accounts([]int64{2})
		if act := accounts[2].Activation; err != nil || act.State != muster.ActivationSent || act.By != muster.MailByMuster || act.ExpiresAt.Sub(act.SentAt) != time.Hour {
			t.Errorf("activation %+v, %v", act, err)
		}
		return nil
	})
}
