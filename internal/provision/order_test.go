package provision_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
)

// Which rows of an import give items, and that nobody gets a username or an account before the order is run.
func TestWhoIsOrdered(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		rows := []string{
			"last_name=Awa first_name=Jean", "failed", "last_name=Ba", "last_name=Ca attributes.account_required=false", "again 0",
			"last_name=Da attributes.account_required=true", "last_name=Ea state=suspended", "last_name=Fa",
		}
		source := y.imports(onRequest, 0, rows...)
		y.change(y.personOf(source, 2), "state=archived")
		y.change(y.personOf(source, 7), "state=deleted")
		if err := y.store.Update(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error { return y.roster.AccountsOfBatch(tx, source.Seq) }); err != nil {
			y.t.Fatal(err)
		}
		y.until("all is followed", y.followed)
		if n := len(y.batches()); n != 0 {
			y.t.Errorf("%d batches of accounts before anything was ordered", n)
		}
		o := y.order(source)
		y.wantOrder(o, muster.Ready, 3, 0, 0)
		if o.SourceID != source.ID || o.Surface != y.caller.Surface || o.Batch.Batch.Owner != y.caller.Name || o.Name != "pupils.csv" {
			y.t.Errorf("the order is %+v", o)
		}
		if diff := cmp.Diff([]string{"Awa pending ", "Da pending ", "Ea pending "}, describe(y.orderItems(o))); diff != "" {
			y.t.Error(diff)
		}
		if len(s.Accounts()) != 0 || len(s.heard("")) != 0 {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
		again := y.order(source)
		if again.ID != o.ID || again.Total != 3 {
			y.t.Errorf("ordered once more: %s of %d, want %s of 3", again.ID, again.Total, o.ID)
		}
		for name, id := range map[string]uuid.UUID{"an order": o.ID, "nothing": uuid.New()} {
			_, err := y.provision.Order(y.t.Context(), y.caller, id)
			if muster.CodeOf(err) != muster.NotFound {
				y.t.Errorf("an order of %s: %v", name, err)
			}
		}
	})
}

// An import whose accounts follow by themselves cannot be ordered.
func TestNobodyOrdersWhatFollowsByItself(t *testing.T) {
	eachYard(t, func(y *yard) {
		y.aim(marked, "")
		source := y.imports(`{}`, 0, "last_name=Awa username=awa")
		err := y.store.Update(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error {
			if err := provision.Begin(tx, &source); err != nil {
				return err
			}
			return y.roster.AccountsOfBatch(tx, source.Seq)
		})
		if err != nil {
			y.t.Fatal(err)
		}
		y.quiet()
		if _, err := y.provision.Order(y.t.Context(), y.caller, source.ID); muster.CodeOf(err) != muster.Conflict {
			y.t.Errorf("ordered: %v", err)
		}
		if _, err := y.provision.RunOrder(y.t.Context(), y.caller, y.batches()[0].ID); muster.CodeOf(err) != muster.NotFound {
			y.t.Errorf("run: %v", err)
		}
	})
}

// A run names people, makes accounts on every target and follows one; a second one finds nothing to do.
func TestARunMakesAccountsOnce(t *testing.T) {
	eachYard(t, func(y *yard) {
		s, other := y.aim(marked, ""), y.aim(unmarked, "")
		y.ordersFrom(s.view.Name)
		source := y.imports(onRequest, 0, "first_name=Jean last_name=Dupont email=j@x.test", "first_name=Jean last_name=Dupont", "first_name=Awa last_name=Ba")
		o := y.order(source)
		y.run(o, provision.RunStarted, 3)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 3, 0)
		want := []string{
			"Dupont done jean.dupont001 as jean.dupont001 delivered", "Dupont done jean.dupont002 as jean.dupont002 delivered", "Ba done awa.ba001 as awa.ba001 delivered",
		}
		items := y.orderItems(o)
		if diff := cmp.Diff(want, describe(items)); diff != "" {
			y.t.Error(diff)
		}
		for _, i := range items {
			a, ok := s.account(i.Person.Username)
			if !ok || i.Account.ExternalID != a.ExternalID || i.Account.Target != s.view.Seq || i.Change.Action != muster.Create {
				y.t.Errorf("%s: account %+v, change %+v", i.Person.Username, i.Account, i.Change)
			}
			if i.ID != muster.ItemID(o.Seq, i.Index, o.CreatedAt) || i.CreatedAt.IsZero() || i.UpdatedAt.Before(i.CreatedAt) {
				y.t.Errorf("%s: id %s, created %s, updated %s", i.Person.Username, i.ID, i.CreatedAt, i.UpdatedAt)
			}
		}
		if len(other.Accounts()) != 3 {
			y.t.Errorf("on the other target: %+v", other.Accounts())
		}
		writes, calls := s.Writes(), len(other.heard(""))
		y.run(o, provision.RunNotNeeded, 0)
		y.still()
		if s.Writes() != writes || len(other.heard("")) != calls {
			y.t.Error("a run with nothing to do did something")
		}
		y.wantOrder(o, muster.Finished, 0, 3, 0)
		y.run(y.order(y.imports(onRequest, 0)), provision.RunNotNeeded, 0)
	})
}

// An order of an import that is still under way takes what is there; ordering again takes the rest.
func TestAnOrderIsToppedUp(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		source := y.imports(onRequest, 0, "last_name=Awa")
		o := y.order(source)
		source = y.more(source, false, "last_name=Ba", "last_name=Ca")
		if got := y.order(source); got.ID != o.ID || got.Total != 3 {
			y.t.Errorf("%s of %d", got.ID, got.Total)
		}
		y.run(o, provision.RunStarted, 3)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 3, 0)
		y.more(source, true, "last_name=Da")
		y.order(source)
		y.wantOrder(o, muster.Ready, 1, 3, 0)

		s.when(func(context.Context, string, string) error {
			return connector.RetryAfter(time.Minute, muster.Errorf(muster.Unavailable, "", "Not now."))
		})
		y.run(o, provision.RunStarted, 1)
		y.until("the run is through, and the target rests", func() bool { b := y.now(o); return b.NextIndex == b.Total && !y.target(s).Until.IsZero() })
		y.run(o, provision.RunUnderWay, 0) // its account is on its way
		y.more(source, true, "last_name=Ea")
		y.order(source)
		y.wantOrder(o, muster.Running, 2, 3, 0)
		s.when(nil)
		y.clock.Advance(2 * time.Minute)
		y.still()
		y.wantOrder(o, muster.Ready, 1, 4, 0)
		y.run(o, provision.RunStarted, 1)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 5, 0)
		if len(s.Accounts()) != 5 || len(s.heard("create")) != 5 {
			y.t.Errorf("%d accounts, %d creates", len(s.Accounts()), len(s.heard("create")))
		}
	})
}

// Many who order the same import at once get one order, with one item for each person; many who run it at once start one run.
func TestManyOrderAndRunAtOnce(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		source := y.imports(onRequest, 0, crowdWithoutNames(30)...)
		const many = 20
		ids := make([]uuid.UUID, many)
		errs := make([]error, 2*many)
		var wait sync.WaitGroup
		for n := range many {
			wait.Go(func() {
				view, err := y.provision.Order(context.WithoutCancel(y.t.Context()), y.caller, source.ID)
				ids[n], errs[n] = view.ID, err
			})
		}
		wait.Wait()
		gate := make(chan struct{})
		s.when(func(ctx context.Context, _, _ string) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		o := y.order(source)
		runs := make([]provision.Run, many)
		for n := range many {
			wait.Go(func() {
				runs[n], errs[many+n] = y.provision.RunOrder(context.WithoutCancel(y.t.Context()), y.caller, o.ID)
			})
		}
		wait.Wait()
		close(gate)
		started := 0
		for n := range many {
			if errs[n] != nil || errs[many+n] != nil || ids[n] != o.ID {
				y.t.Errorf("order %s %v, run %v", ids[n], errs[n], errs[many+n])
			}
			if runs[n].Status == provision.RunStarted {
				started++
			} else if runs[n].Status != provision.RunUnderWay {
				y.t.Errorf("run %s", runs[n].Status)
			}
		}
		if started != 1 {
			y.t.Errorf("%d runs were started", started)
		}
		y.still()
		y.wantOrder(o, muster.Finished, 0, 30, 0)
		if len(s.Accounts()) != 30 || len(s.heard("create")) != 30 {
			y.t.Errorf("%d accounts, %d creates", len(s.Accounts()), len(s.heard("create")))
		}
	})
}

func crowdWithoutNames(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("first_name=Jean last_name=Dupont email=jean%d@x.test", i)
	}
	return rows
}

// A run whose process died in the middle is carried on once its lease is over, from where it stood.
func TestARunOfTheDead(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		o := y.order(y.imports(onRequest, 0, crowdWithoutNames(25)...))
		y.exec("UPDATE batch SET owner = 'somebody dead', lease = $1 WHERE seq = $2", y.clock.Now().Add(10*time.Second).UnixMicro(), o.Seq)
		y.run(o, provision.RunStarted, 25)
		more, err := y.provision.OrderChunk(y.t.Context(), y.caller.Tenant, o.Seq, "somebody dead", 10)
		if err != nil || !more {
			y.t.Fatal(more, err)
		}
		y.audit()
		y.run(o, provision.RunUnderWay, 0)
		for range 5 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		y.until("the first ones are delivered", func() bool { return len(s.Accounts()) == 10 })
		if b := y.now(o); b.State != muster.Running || b.NextIndex != 10 {
			y.t.Errorf("%s at %d while the dead holds it", b.State, b.NextIndex)
		}
		y.clock.Advance(time.Minute)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 25, 0)
		if len(s.Accounts()) != 25 || len(s.heard("create")) != 25 {
			y.t.Errorf("%d accounts, %d creates", len(s.Accounts()), len(s.heard("create")))
		}
		if _, err := y.provision.OrderChunk(y.t.Context(), y.caller.Tenant, o.Seq, "somebody dead", 10); err == nil {
			y.t.Error("the dead goes on")
		}
	})
}
