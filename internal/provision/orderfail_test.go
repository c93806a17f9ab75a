package provision_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// What fails costs one item, says why, and is taken up by the next run.
func TestWhatFailsIsRunAgain(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		source := y.imports(onRequest, 0, "last_name=Awa", "last_name=Ba", "last_name=Ca state=suspended", "display_name=*** email=*@x.test last_name=***")
		o := y.order(source)
		s.when(func(_ context.Context, what, username string) error {
			if what == "create" && strings.HasPrefix(username, "ba") {
				return connector.Permanent(muster.Errorf(muster.Policy, "", "No more room."))
			}
			return nil
		})
		y.run(o, provision.RunStarted, 4)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 1, 3)
		got := describe(y.orderItems(o))
		want := []string{
			"Awa done awa001 as awa001 delivered", "Ba failed ba001 as  failed: No more room.",
			"Ca failed : state: People who are suspended get no account on " + s.view.Name + ".",
		}
		if diff := cmp.Diff(want, got[:3]); diff != "" || !strings.HasPrefix(got[3], "*** failed : ") {
			y.t.Errorf("%s\n%q", diff, got)
		}
		s.when(nil)
		y.change(y.orderItems(o)[2].Person, "state=active")
		y.until("all is followed", y.followed)
		y.run(o, provision.RunStarted, 3)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 3, 1)
		got = describe(y.orderItems(o))
		want = []string{"Awa done awa001 as awa001 delivered", "Ba done ba001 as ba001 delivered", "Ca done ca001 as ca001 delivered"}
		if diff := cmp.Diff(want, got[:3]); diff != "" {
			y.t.Error(diff)
		}
		if b, err := y.provision.RetryBatch(y.t.Context(), y.caller, o.ID); err != nil || b.State != muster.Running {
			y.t.Errorf("retried: %s, %v", b.State, err)
		}
		y.still()
		y.wantOrder(o, muster.Finished, 0, 3, 1)
		if len(s.heard("create")) != 4 {
			y.t.Errorf("%d creates", len(s.heard("create")))
		}
	})
}

// An account that failed after the order was through, and one that went with its target, are made again by the next run.
func TestWhatFailedSinceIsRunAgain(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		o := y.order(y.imports(onRequest, 0, "last_name=Awa", "last_name=Ba"))
		y.run(o, provision.RunStarted, 2)
		y.still()
		s.when(func(_ context.Context, what, username string) error {
			if what == "ensure" {
				return connector.Permanent(muster.Errorf(muster.Policy, "", "No more room."))
			}
			return nil
		})
		y.change(y.orderItems(o)[0].Person, "first_name=Anna")
		y.still()
		y.wantOrder(o, muster.Finished, 0, 2, 0)
		s.when(nil)
		y.run(o, provision.RunStarted, 1)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 2, 0)
		if a, _ := s.account("awa001"); a.Attributes["first_name"] != "Anna" {
			y.t.Errorf("the account is %+v", a)
		}
		if err := y.provision.DeleteTarget(y.t.Context(), y.caller, s.view.ID); err != nil {
			y.t.Fatal(err)
		}
		if _, err := y.provision.RunOrder(y.t.Context(), y.caller, o.ID); muster.CodeOf(err) != muster.Policy || muster.Faults(err)[0].Field != "provisioning.target" {
			y.t.Errorf("without a target: %v", err)
		}
		y.wantOrder(o, muster.Finished, 0, 2, 0)
		second := y.aim(unmarked, "")
		y.ordersFrom(second.view.Name)
		y.run(o, provision.RunStarted, 2)
		y.still()
		if len(second.Accounts()) != 2 || y.orderItems(o)[0].Account.Target != second.view.Seq {
			y.t.Errorf("accounts %+v", second.Accounts())
		}
	})
}

// Somebody who let the life time of a mail pass is mailed again by the next run; whoever has activated the account is left alone.
func TestARunMailsAgain(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(likeKeycloak, `{"activation":"muster"}`)
		o := y.order(y.imports(onRequest, 0, "last_name=Awa email=a@x.test", "last_name=Ba email=b@x.test"))
		y.run(o, provision.RunStarted, 2)
		y.still()
		items := y.orderItems(o)
		y.activation(items[0].Account.Seq, muster.ActivationExpired)
		y.activation(items[1].Account.Seq, muster.ActivationDone)
		writes := s.Writes()
		y.run(o, provision.RunStarted, 1)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 2, 0)
		now := y.orderItems(o)
		if act := now[0].Account.Activation; act.State != muster.ActivationOwed && !act.Open() || act.By != muster.MailByMuster {
			y.t.Errorf("activation %+v", act)
		}
		if now[0].Change.Action != muster.Create || s.Writes() != writes || now[1].Account.Activation.State != muster.ActivationDone {
			y.t.Errorf("changed: %+v and %+v", now[0], now[1])
		}
	})
}

// activation sets how far an account's activation has come.
func (y *yard) activation(account int64, state muster.ActivationState) {
	y.t.Helper()
	err := y.store.Update(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error {
		rows, err := tx.Accounts([]int64{account})
		if err != nil {
			return err
		}
		a := rows[account]
		a.Activation.State, a.Activation.By = state, muster.MailByMuster
		return tx.SaveActivation(&a)
	})
	if err != nil {
		y.t.Fatal(err)
	}
}

// Orders are listed newest first, each by who may see its unit; people are added one by one, once.
func TestOrdersOfUnits(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.ordersFrom(s.view.Name)
		units, err := y.roster.CreateUnits(y.t.Context(), y.caller, []roster.NewUnit{
			{Kind: "school", Code: "A", Name: "A"}, {Kind: "school", Code: "B", Name: "B"}, {Kind: "class", Code: "A1", Name: "A1", Parent: roster.UnitRef{Kind: "school", Code: "A"}},
		})
		if err != nil {
			y.t.Fatal(err)
		}
		var orders []provision.OrderView
		for _, n := range []int{0, 1, 2} {
			orders = append(orders, y.order(y.imports(onRequest, units[n].Unit.Seq, "last_name=Awa")))
		}
		orders = append(orders, y.order(y.imports(onRequest, 0, "last_name=Ba")))
		ofA := y.caller
		ofA.Grants = []muster.Grant{
			{Privilege: muster.ReadPeople, Scope: muster.UnitScope, Object: units[0].Unit.Seq}, {Privilege: muster.WritePeople, Scope: muster.UnitScope, Object: units[0].Unit.Seq},
		}
		for name, c := range map[string]struct {
			caller      muster.Caller
			unit        uuid.UUID
			skip, limit int
			want        []int
		}{
			"all": {y.caller, uuid.Nil, 0, 10, []int{3, 2, 1, 0}}, "a page": {y.caller, uuid.Nil, 1, 2, []int{2, 1}}, "behind the end": {y.caller, uuid.Nil, 4, 2, nil},
			"none": {y.caller, uuid.Nil, 0, 0, nil}, "of a unit": {y.caller, units[1].Unit.ID, 0, 10, []int{1}}, "what A may see": {ofA, uuid.Nil, 0, 10, []int{2, 0}},
			"A, of a unit": {ofA, units[2].Unit.ID, 0, 10, []int{2}},
		} {
			views, err := y.provision.Orders(y.t.Context(), c.caller, c.unit, c.skip, c.limit)
			var got []int
			for _, v := range views {
				n := slices.IndexFunc(orders, func(o provision.OrderView) bool { return o.ID == v.ID })
				got = append(got, n)
				if v.SourceID != orders[n].SourceID || n < 3 && v.Unit != units[n].Unit.ID {
					y.t.Errorf("%s: order of %s for %s", name, v.SourceID, v.Unit)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				y.t.Errorf("%s: %s %v", name, diff, err)
			}
		}
		y.strangers(ofA, orders, units[1].Unit)
		y.addOneByOne(orders[0])
	})
}

// strangers holds what belongs to another unit to be unknown.
func (y *yard) strangers(caller muster.Caller, orders []provision.OrderView, other muster.Unit) {
	y.t.Helper()
	ctx := y.t.Context()
	for _, o := range []provision.OrderView{orders[1], orders[3]} {
		_, asked := y.provision.RunOrder(ctx, caller, o.ID)
		_, shown := y.provision.OrderItems(ctx, caller, o.ID, 0, 10)
		_, added := y.provision.AddToOrder(ctx, caller, o.ID, uuid.New())
		_, ordered := y.provision.Order(ctx, caller, o.SourceID)
		for _, err := range []error{asked, shown, added, ordered} {
			if muster.CodeOf(err) != muster.NotFound {
				y.t.Errorf("another unit's order: %v", err)
			}
		}
	}
	if _, err := y.provision.Orders(ctx, caller, other.ID, 0, 10); muster.CodeOf(err) != muster.NotFound {
		y.t.Errorf("another unit's orders: %v", err)
	}
	reader := caller
	reader.Grants = caller.Grants[:1]
	if _, err := y.provision.RunOrder(ctx, reader, orders[0].ID); muster.CodeOf(err) != muster.Forbidden {
		y.t.Errorf("a reader runs: %v", err)
	}
}

func (y *yard) addOneByOne(o provision.OrderView) {
	y.t.Helper()
	ctx := y.t.Context()
	p := y.enrol("last_name=Za username=za")[0]
	y.until("all is followed", y.followed)
	first, err := y.provision.AddToOrder(ctx, y.caller, o.ID, p.ID)
	if err != nil || first.Index != 1 || first.Person.ID != p.ID || first.State != muster.PendingItem || first.Account != nil || first.Unit != o.Unit {
		y.t.Errorf("added %+v, %v", first, err)
	}
	again, err := y.provision.AddToOrder(ctx, y.caller, o.ID, p.ID)
	if err != nil || again.ID != first.ID || y.now(o).Total != 2 {
		y.t.Errorf("added again %+v, %v", again, err)
	}
	if _, err := y.provision.AddToOrder(ctx, y.caller, o.ID, uuid.New()); muster.CodeOf(err) != muster.NotFound {
		y.t.Errorf("nobody was added: %v", err)
	}
	y.run(o, provision.RunStarted, 2)
	y.still()
	y.wantOrder(o, muster.Finished, 0, 2, 0)
	if i := y.orderItems(o)[1]; i.Account == nil || i.Account.Username != "za" || i.Change.Action == muster.Create { // it had the account before
		y.t.Errorf("item %+v of account %+v", i.Item, i.Account)
	}
	if items, err := y.provision.OrderItems(ctx, y.caller, o.ID, 1, 1); err != nil || len(items) != 1 || items[0].Index != 1 {
		y.t.Errorf("the second page is %+v, %v", items, err)
	}
	if items, err := y.provision.OrderItems(ctx, y.caller, o.ID, 2, 1); err != nil || len(items) != 0 {
		y.t.Errorf("behind the end is %+v, %v", items, err)
	}
}

// The role of an item is that of its person in the order's unit.
func TestRolesOfItems(t *testing.T) {
	eachYard(t, func(y *yard) {
		units, err := y.roster.CreateUnits(y.t.Context(), y.caller, []roster.NewUnit{{Kind: "site", Code: "A", Name: "A"}, {Kind: "site", Code: "B", Name: "B"}})
		if err != nil {
			y.t.Fatal(err)
		}
		source := y.imports(onRequest, units[0].Unit.Seq, "last_name=Awa", "last_name=Ba")
		o := y.order(source)
		people := y.orderItems(o)
		results, err := y.roster.Join(y.t.Context(), y.caller, []roster.JoinOp{
			{Person: people[0].Person.ID, Unit: units[0].Unit.ID, Roles: []roster.RoleGrant{{Role: "pupil"}}},
			{Person: people[1].Person.ID, Unit: units[1].Unit.ID, Roles: []roster.RoleGrant{{Role: "tutor"}}},
		})
		if err != nil || len(results[0].Faults)+len(results[1].Faults) > 0 {
			y.t.Fatal(results, err)
		}
		items := y.orderItems(o)
		if items[0].Role != "pupil" || items[1].Role != "" || items[0].Unit != units[0].Unit.ID {
			y.t.Errorf("roles %q and %q in %s", items[0].Role, items[1].Role, items[0].Unit)
		}
	})
}

// Where the settings name no target, the only one of kind keycloak stands behind an order.
func TestTheTargetBehindAnOrder(t *testing.T) {
	eachYard(t, func(y *yard) {
		y.aim(marked, "")
		s := y.aim(likeKeycloak, "")
		o := y.order(y.imports(onRequest, 0, "last_name=Awa"))
		y.run(o, provision.RunStarted, 1)
		y.still()
		if i := y.orderItems(o)[0]; i.Account == nil || i.Account.Target != s.view.Seq {
			y.t.Errorf("item %+v", i)
		}
	})
}

var likeKeycloak = spyKind("keycloak", connector.Powers{Marker: true, Rename: true, Passwords: true})

// Without any target the accounts are held here, on one that is set up by the first run.
func TestAccountsAreHeldHere(t *testing.T) {
	eachYard(t, func(y *yard) {
		o := y.order(y.imports(onRequest, 0, "last_name=Awa email=a@x.test", "last_name=Ba"))
		y.run(o, provision.RunStarted, 2)
		y.still()
		y.wantOrder(o, muster.Finished, 0, 2, 0)
		targets, err := y.provision.Targets(y.t.Context(), y.caller)
		if err != nil || len(targets) != 1 || targets[0].Kind != "directory" || targets[0].Policy.Activation != muster.MailByMuster {
			y.t.Fatal(targets, err)
		}
		for _, i := range y.orderItems(o) {
			if i.Account == nil || i.Account.ExternalID != i.Person.ID.String() || i.Account.Username != i.Person.Username {
				y.t.Errorf("account %+v of %s", i.Account, i.Person.ID)
			}
		}
		second := y.order(y.imports(onRequest, 0, "last_name=Ca"))
		y.run(second, provision.RunStarted, 1)
		y.still()
		if targets, err := y.provision.Targets(y.t.Context(), y.caller); err != nil || len(targets) != 1 {
			y.t.Errorf("targets %+v, %v", targets, err)
		}
	})
}
