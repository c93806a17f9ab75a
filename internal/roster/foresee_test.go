package roster_test

import (
	"errors"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A username that goes out of use while rows are written that were decided on before is given to nobody else.
func TestForeseenUsernamesThatGoOutOfUseMeanwhile(t *testing.T) {
	st := storetest.Open(t, store.Postgres) // SQLite has one writer: nothing happens meanwhile
	r := roster.New(st, nil)
	var left store.PersonRow
	carry := func(op roster.Op) {
		t.Helper()
		err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			out, err := r.Carry(tx, roster.Rules{}, []roster.Op{op})
			if err == nil {
				left, err = out[0].Person, out[0].Faults.Or()
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	carry(roster.Op{Draft: muster.Draft{"first_name": "Jean", "last_name": "Dupont"}})
	made := roster.Fresh()
	draft := muster.Draft{"username": left.Username}
	if faults := made.Set(draft); len(faults) > 0 {
		t.Fatal(faults)
	}
	first := true
	err := st.Bulk(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
		if !first {
			return errAgain
		}
		first = false
		f, err := r.Foresee(tx, roster.Rules{}, []roster.Op{{Draft: draft, New: &made}})
		if f == nil || err != nil {
			t.Errorf("foreseen: %v, %v", f, err)
			return err
		}
		if err := f.Number(tx); err != nil {
			return err
		}
		carry(roster.Op{Person: left.Seq, Draft: muster.Draft{"state": "deleted"}})
		return f.Write(tx)
	})
	if !errors.Is(err, errAgain) {
		t.Errorf("a username out of use was given to somebody else: %v", err)
	}
}

// errAgain says that a transaction that was undone began anew.
var errAgain = errors.New("again")
