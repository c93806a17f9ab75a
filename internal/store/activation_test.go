package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// What is asked each second and each minute goes to the few accounts that are open, among many that are not.
func TestPlansOfActivations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var target store.TargetRow
		target.ID, target.Name, target.Kind, target.Config, target.Policy = uuid.New(), "t", "k", []byte("x"), muster.DefaultTargetPolicy()
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.CreateTarget(&target); err != nil {
				return err
			}
			people, accounts := make([]*store.PersonRow, 3000), make([]*store.AccountRow, 3000)
			for i := range people {
				people[i] = named(fmt.Sprintf("u%d", i), "", "")
			}
			if err := insert(tx, people...); err != nil {
				return err
			}
			for i, p := range people {
				accounts[i] = &store.AccountRow{Account: muster.Account{Target: target.Seq, Person: p.Seq, State: muster.DeliveredAccount}}
			}
			if err := tx.CreateAccounts(accounts); err != nil {
				return err
			}
			for i, a := range accounts {
				a.Activation.State = muster.ActivationDone
				switch {
				case i%100 == 0:
					a.Activation.State, a.ActivationDue = muster.ActivationOwed, tx.Now()
				case i%100 == 1:
					a.Activation.State, a.Activation.ExpiresAt = muster.ActivationSent, tx.Now()
				}
				if err := tx.SaveActivation(a); err != nil {
					return err
				}
			}
			return nil
		})
		for _, known := range []bool{false, true} {
			if known {
				if err := st.Analyze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for name, q := range tx.ActivationSQL(target.Seq) {
					plan, err := st.ReadPlan(tx, q.Query, q.Args)
					if err != nil {
						return err
					}
					text := strings.Join(plan, "\n")
					index, does, _ := strings.Cut(name, " ")
					if does == "start" { // it looks at the claims of all targets
						text = strings.ReplaceAll(text, "SCAN account USING INDEX "+index, index)
					}
					if !strings.Contains(text, index) || strings.Contains(text, "Seq Scan on account") || strings.Contains(text, "SCAN account") {
						t.Errorf("%s (statistics known: %v):\n%s", name, known, text)
					}
				}
				return nil
			})
		}
	})
}

// A claim is its owner's until the lease is over, and what was written meanwhile ends it.
func TestClaimsOfInvitations(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		var target store.TargetRow
		target.ID, target.Name, target.Kind, target.Config, target.Policy = uuid.New(), "t", "k", []byte("x"), muster.DefaultTargetPolicy()
		var account store.AccountRow
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.CreateTarget(&target); err != nil {
				return err
			}
			p := named("ann", "", "")
			if err := insert(tx, p); err != nil {
				return err
			}
			account = store.AccountRow{Account: muster.Account{Target: target.Seq, Person: p.Seq, State: muster.DeliveredAccount}}
			if err := tx.CreateAccounts([]*store.AccountRow{&account}); err != nil {
				return err
			}
			account.Activation.State, account.ActivationDue = muster.ActivationOwed, tx.Now()
			return tx.SaveActivation(&account)
		})
		claim := func(owner string) (n int) {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				rows, err := tx.ClaimInvitations(target.Seq, owner, tx.Now().Add(20*time.Second), 10)
				n = len(rows)
				return err
			})
			return n
		}
		due := func() (n int) {
			look(t, st, store.Everyone, func(tx *store.Tx) error {
				list, err := tx.DueTargets()
				n = len(list)
				return err
			})
			return n
		}
		if due() != 1 || claim("one") != 1 || claim("two") != 0 || due() != 0 {
			t.Error("a claim is not its owner's alone")
		}
		clock.Advance(15 * time.Second)
		for owner, kept := range map[string]bool{"two": false, "one": true} {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				return tx.RenewInvitations([]int64{account.Seq}, owner, tx.Now().Add(20*time.Second))
			})
			if kept {
				clock.Advance(15 * time.Second)
			}
		}
		if claim("two") != 0 {
			t.Error("a claim that was renewed is over")
		}
		clock.Advance(6 * time.Second)
		if due() != 1 || claim("two") != 1 {
			t.Error("a claim is not over with its lease")
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			rows, err := tx.LockAccounts([]int64{account.Seq})
			if err != nil {
				return err
			}
			if rows[0].ActivationOwner != "two" {
				t.Errorf("the owner is %q", rows[0].ActivationOwner)
			}
			rows[0].Activation.State, rows[0].ActivationDue = muster.ActivationDone, tx.Now().Add(-1)
			return tx.SaveActivation(&rows[0])
		})
		if claim("three") != 1 {
			t.Error("what was written does not end the claim")
		}
	})
}
