package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// claimed makes so many accounts on a target and claims them.
func claimed(t *testing.T, st *store.Store, n int) (list []*store.AccountRow) {
	t.Helper()
	target := store.TargetRow{Target: muster.Target{ID: uuid.New(), Name: fmt.Sprint("t", n), Kind: "k", Policy: muster.DefaultTargetPolicy()}, Config: []byte("x")}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if err := tx.CreateTarget(&target); err != nil {
			return err
		}
		accounts := make([]*store.AccountRow, n)
		for i := range accounts {
			p := named(fmt.Sprintf("u%d.%d", n, i), "", "")
			if err := insert(tx, p); err != nil {
				return err
			}
			accounts[i] = &store.AccountRow{Account: muster.Account{Target: target.Seq, Person: p.Seq, State: muster.PlannedAccount, Due: tx.Now()}}
		}
		if err := tx.CreateAccounts(accounts); err != nil {
			return err
		}
		rows, err := tx.ClaimAccounts(target.Seq, "me", tx.Now().Add(time.Minute), n)
		list = nil
		for i := range rows {
			list = append(list, &rows[i])
		}
		return err
	})
	if len(list) != n {
		t.Fatalf("%d of %d claimed", len(list), n)
	}
	return list
}

func TestSettleAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, n := range []int{1, 12} { // PostgreSQL settles one in one way and many in another
			list := claimed(t, st, n)
			for i, a := range list {
				a.State, a.ExternalID, a.Username, a.Due = muster.DeliveredAccount, fmt.Sprint("x", i), fmt.Sprint("user", i), time.Time{}
				a.Pushed, a.LastError = muster.Record{"username": a.Username, "enabled": true}, nil
			}
			again := list[n-1] // is to be tried again
			again.State, again.ExternalID, again.Pushed, again.Attempts, again.Due, again.Urgent = muster.PendingAccount, "", nil, 2, st.Now().Add(time.Hour), true
			again.LastError, again.Intent = muster.Errorf(muster.Unavailable, "", "It was away."), muster.Record{"username": "asked"}
			var due map[int64]time.Time
			write(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
				due, err = tx.SettleAccounts(list)
				return err
			})
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for _, want := range list {
					rows, err := tx.Accounts([]int64{want.Seq})
					got, at := rows[want.Seq], time.Time{}
					want := *want
					want.Owner, want.UpdatedAt = "", got.UpdatedAt
					if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(muster.Error{}), cmpopts.IgnoreFields(muster.Error{}, "Format")); diff != "" || err != nil {
						t.Errorf("%v %s", err, diff)
					}
					if at = due[want.Seq]; !at.Equal(want.Due) || len(due) != n {
						t.Errorf("account %d of %d settled is due %s, want %s", want.Seq, len(due), at, want.Due)
					}
				}
				return nil
			})
		}
	})
}

// Of claims that were lost nothing is written, and what became due meanwhile stays so.
func TestSettleAccountsThatMovedOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, n := range []int{1, 12} {
			list := claimed(t, st, n)
			lost, more := list[0].Seq, list[n-1].Seq
			owed := st.Now()
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				if err := tx.Owe([]int64{more}, true); err != nil {
					return err
				}
				if n == 1 {
					return nil
				}
				return tx.Exec("UPDATE account SET owner = 'another' WHERE seq = $1", lost)
			})
			for i, a := range list {
				a.State, a.ExternalID, a.Attempts, a.Due = muster.DeliveredAccount, fmt.Sprint("x", n, ".", i), 3, time.Time{}
			}
			var due map[int64]time.Time
			write(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
				due, err = tx.SettleAccounts(list)
				return err
			})
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				rows, err := tx.Accounts([]int64{lost, more})
				if a := rows[more]; a.State != muster.PendingAccount || a.Due.Before(owed) || !a.Due.Equal(due[more]) || !a.Urgent || a.Attempts != 0 || a.ExternalID == "" || a.Owner != "" {
					t.Errorf("what became due meanwhile: %+v", a)
				}
				if n == 1 {
					return err
				}
				_, settled := due[lost]
				if a := rows[lost]; settled || a.ExternalID != "" || a.Owner != "another" || len(due) != n-1 {
					t.Errorf("somebody else's: settled %t, %+v", settled, a)
				}
				return err
			})
		}
	})
}

func TestSettleAccountsWithOneExternalID(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		list := claimed(t, st, 12)
		for _, a := range list {
			a.State, a.ExternalID = muster.DeliveredAccount, fmt.Sprint("x", a.Seq)
		}
		list[7].ExternalID = list[3].ExternalID
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			err := tx.Try(func() error {
				_, err := tx.SettleAccounts(list)
				return err
			})
			if !errors.Is(err, store.ErrClash) {
				t.Errorf("two accounts with one id: %v", err)
			}
			rows, err := tx.Accounts([]int64{list[0].Seq, list[11].Seq})
			for _, a := range rows {
				if a.Owner != "me" || a.ExternalID != "" {
					t.Errorf("something was left: %+v", a)
				}
			}
			return err
		})
	})
}

func TestAccountsAreMadeOnTargetsThatAreThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		p := named("ada", "Ada", "L")
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := insert(tx, p); err != nil {
				return err
			}
			if err := tx.Try(func() error {
				return tx.CreateAccounts([]*store.AccountRow{{Account: muster.Account{Target: 999, Person: p.Seq, State: muster.PlannedAccount}}})
			}); err == nil {
				t.Error("an account was made on a target that is not there")
			}
			return nil
		})
	})
}
