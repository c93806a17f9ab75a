package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// What happens to a person happens to their account, on every target, the way the target's policy says.
func TestEveryChangeReachesEveryTarget(t *testing.T) {
	eachYard(t, func(y *yard) {
		keeps, drops, plain := y.aim(marked, ""), y.aim(marked, `{"on_delete":"delete"}`), y.aim(unmarked, "")
		p := y.enrol("first_name=Jean last_name=Dupont email=j@x.test")[0]
		y.quiet()
		look := func(step, username, email string, enabled bool) {
			y.t.Helper()
			y.quiet()
			for name, s := range map[string]*spy{"keeps": keeps, "drops": drops, "plain": plain} {
				a, ok := s.account(username)
				if !ok || a.Enabled != enabled || a.Attributes["email"] != email || len(s.Accounts()) != 1 {
					y.t.Errorf("%s on %s: %+v", step, name, s.Accounts())
				}
			}
		}
		look("enrolled", "jean.dupont001", "j@x.test", true)
		y.change(p, "username=jd email=jd@x.test")
		look("renamed", "jd", "jd@x.test", true)
		y.change(p, "state=suspended")
		look("suspended", "jd", "jd@x.test", false)
		y.change(p, "state=active")
		look("reactivated", "jd", "jd@x.test", true)
		y.change(p, "state=archived")
		look("archived", "jd", "jd@x.test", false)
		y.change(p, "state=active last_name=Martin")
		look("back", "jd", "jd@x.test", true)
		y.change(p, "state=deleted")
		y.quiet()
		if a, _ := keeps.account("jd"); a.Enabled || len(keeps.Accounts()) != 1 || len(drops.Accounts()) != 0 {
			y.t.Errorf("deleted: %+v and %+v", keeps.Accounts(), drops.Accounts())
		}
		y.change(p, "state=active")
		look("restored", "jd", "jd@x.test", true)
		writes := keeps.Writes()
		y.change(p, "reason=whatever absent=true")
		y.quiet()
		if keeps.Writes() != writes {
			y.t.Errorf("what is no target's business was delivered")
		}
		if got := y.failures(); len(got) > 0 {
			y.t.Errorf("failures %v", got)
		}
	})
}

func TestAnAccountThatSomebodyDeleted(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		p := y.enrol("username=ann last_name=Lee")[0]
		y.quiet()
		s.remove(y.t, "ann")
		y.change(p, "last_name=Leigh")
		y.quiet()
		if a, ok := s.account("ann"); !ok || a.Attributes["last_name"] != "Leigh" {
			y.t.Errorf("changed: %+v", s.Accounts())
		}
		s.remove(y.t, "ann")
		views, err := y.provision.Accounts(y.t.Context(), y.caller, provision.AccountQuery{Person: p.ID})
		if err != nil || len(views) != 1 {
			y.t.Fatal(err, views)
		}
		if _, err := y.provision.Deliver(y.t.Context(), y.caller, views[0].ID); err != nil {
			y.t.Fatal(err)
		}
		y.until("it is made anew", func() bool { _, ok := s.account("ann"); return ok })

		// Gone while nobody misses it, and missed again: as it was before, so nothing differs from what the target was told last.
		s.remove(y.t, "ann")
		y.change(p, "state=suspended")
		y.quiet()
		y.change(p, "state=active")
		y.quiet()
		if a, ok := s.account("ann"); !ok || !a.Enabled {
			y.t.Errorf("missed again: %+v", s.Accounts())
		}
	})
}

func TestWhoseAccountIsIt(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		s.Plant(connector.Account{ExternalID: "x1", Username: "boss", Enabled: true})
		s.Plant(connector.Account{ExternalID: "x2", Username: "jean.dupont001", Enabled: true})
		s.Plant(connector.Account{ExternalID: "x3", Username: "ann.lee001", Enabled: true})
		y.pause(s, true)
		people := y.enrol("username=boss", "first_name=Jean last_name=Dupont", "first_name=Ann last_name=Lee")
		y.until("all is followed", y.followed)
		y.change(people[2], "state=suspended")
		y.until("all is followed", y.followed)
		y.pause(s, false)
		y.quiet()
		if got := y.failures(); len(got) != 1 || !strings.Contains(got[0], `"boss"`) || !strings.Contains(got[0], "x1") {
			y.t.Errorf("failures %v", got)
		}
		if got := y.person(people[1]).Username; got != "jean.dupont002" {
			y.t.Errorf("the generated name is %q", got)
		}
		if got := y.person(people[2]).Username; got != "ann.lee001" {
			y.t.Errorf("somebody who gets no account was renamed to %q", got)
		}
		for _, id := range []string{"x1", "x2", "x3"} {
			if a, ok := s.Account(id); !ok || a.Marker != "" || !a.Enabled || len(a.Attributes) > 0 {
				y.t.Errorf("a stranger's account was written: %+v", a)
			}
		}
		// Given another name, the one in conflict gets an account.
		y.change(people[0], "username=chief")
		y.quiet()
		if _, ok := s.account("chief"); !ok {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
	})
}

func TestRenamingOntoAStranger(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		p := y.enrol("username=ann")[0]
		y.quiet()
		s.Plant(connector.Account{ExternalID: "x1", Username: "boss", Enabled: true})
		y.change(p, "username=boss")
		y.quiet()
		if got := y.failures(); len(got) != 1 || !strings.Contains(got[0], `"boss" is taken`) {
			y.t.Errorf("failures %v", got)
		}
		y.change(p, "username=chief")
		y.quiet()
		if _, ok := s.account("chief"); !ok || len(s.Accounts()) != 2 {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
	})
}

// A target refuses an account for another unique value than the name: no name helps, and none is used up.
func TestAnotherUniqueValueIsTaken(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		s.when(func(_ context.Context, what, _ string) error {
			if what == "create" {
				return connector.ErrExists
			}
			return nil
		})
		p := y.enrol("first_name=Jean last_name=Dupont email=j@x.test")[0]
		y.quiet()
		if got := y.failures(); len(got) != 1 || !strings.Contains(got[0], "e-mail address or another value") || len(s.heard("create")) != 1 {
			y.t.Errorf("failures %v after %d tries", got, len(s.heard("create")))
		}
		if got := y.person(p).Username; got != "jean.dupont001" {
			y.t.Errorf("renamed to %q", got)
		}
	})
}

// The answer to a create is lost, and before it is tried again the person gets another name: still one account. The kind leaves no marker.
func TestLostAnswerAndThenRenamed(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(unmarked, "")
		s.Set(faultsLost)
		p := y.enrol("username=ann last_name=Lee email=a@x.test")[0]
		y.until("the answer is lost", func() bool { return len(s.heard("create")) == 1 && len(s.Accounts()) == 1 })
		y.until("it rests", func() bool { return y.account(p).Attempts == 1 })
		s.Set(faultsNone)
		y.change(p, "username=anna")
		y.quiet()
		if _, ok := s.account("anna"); !ok || len(s.Accounts()) != 1 {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
	})
}

// Two people whose accounts turn out to be one: the second is a conflict, and its item says so.
func TestOneAccountForTwoPeople(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"concurrency":1}`)
		y.enrol("username=ann")
		y.quiet()
		first, _ := s.account("ann")
		s.mu.Lock()
		s.after = func(what, _ string, a *connector.Account) { a.ExternalID = first.ExternalID }
		s.mu.Unlock()
		y.enrol("username=bob")
		y.quiet()
		if got := y.failures(); len(got) != 1 || !strings.Contains(got[0], "that of another person") {
			y.t.Errorf("failures %v", got)
		}
	})
}

func (y *yard) account(p store.PersonRow) (a store.AccountRow) {
	y.t.Helper()
	err := y.store.View(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error {
		accounts, err := tx.AccountsOfPeople([]int64{p.Seq})
		if len(accounts[p.Seq]) > 0 {
			a = accounts[p.Seq][0]
		}
		return err
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return a
}

func TestGroupsAreDelivered(t *testing.T) {
	eachYard(t, func(y *yard) {
		with, without := y.aim(marked, `{"groups":true}`), y.aim(marked, "")
		made, err := y.roster.CreateGroups(y.t.Context(), y.caller, []roster.NewGroup{{Code: "staff", Label: "Staff"}, {Code: "board", Label: "Board"}})
		if err != nil {
			y.t.Fatal(err)
		}
		p := y.enrol("username=ann")[0]
		op := func(i int) []roster.GroupOp { return []roster.GroupOp{{Person: p.ID, Group: made[i].Group.ID}} }
		look := func(step string, want ...string) {
			y.t.Helper()
			y.quiet()
			a, _ := with.account("ann")
			got, _ := a.Attributes["groups"].([]string)
			b, _ := without.account("ann")
			if !slices.Equal(got, want) || b.Attributes["groups"] != nil {
				y.t.Errorf("%s: %v, want %v", step, got, want)
			}
		}
		look("enrolled")
		for i := range made {
			if _, err := y.roster.AddToGroups(y.t.Context(), y.caller, op(i)); err != nil {
				y.t.Fatal(err)
			}
		}
		look("joined", "board", "staff")
		if _, err := y.roster.RemoveFromGroups(y.t.Context(), y.caller, op(0)); err != nil {
			y.t.Fatal(err)
		}
		look("left", "board")
		y.change(p, "state=suspended")
		look("suspended")
		y.change(p, "state=active")
		look("back", "board")
		if _, err := y.provision.ChangeTarget(y.t.Context(), y.caller, with.view.ID, provision.TargetChange{Policy: json.RawMessage(`{"groups":false}`)}); err != nil {
			y.t.Fatal(err)
		}
		y.change(p, "last_name=Lee")
		look("no longer ours", "board")
	})
}

// A person who changes while a slow delivery is under way is delivered again.
func TestChangedMeanwhile(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		reached, open := s.hold(y.t, "create", "")
		p := y.enrol("username=ann last_name=Lee")[0]
		reached()
		y.change(p, "last_name=Leigh")
		y.until("the change is followed", y.followed)
		y.change(p, "username=anna")
		y.until("the change is followed", y.followed)
		open()
		y.quiet()
		if a, ok := s.account("anna"); !ok || a.Attributes["last_name"] != "Leigh" || len(s.Accounts()) != 1 {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
		if got := y.account(p); got.State != muster.DeliveredAccount || !got.Due.IsZero() {
			y.t.Errorf("account %+v", got)
		}
	})
}

// What somebody asked for after a delivery had begun is not done when that ends, though the person's version is the same.
func TestAGroupJoinedMeanwhile(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"groups":true}`)
		groups, err := y.roster.CreateGroups(y.t.Context(), y.caller, []roster.NewGroup{{Code: "staff", Label: "Staff"}})
		if err != nil {
			y.t.Fatal(err)
		}
		reached, open := s.hold(y.t, "create", "")
		p := y.enrol("username=ann last_name=Lee")[0]
		reached()
		y.clock.Advance(time.Second)
		if _, err := y.roster.AddToGroups(y.t.Context(), y.caller, []roster.GroupOp{{Person: p.ID, Group: groups[0].Group.ID}}); err != nil {
			y.t.Fatal(err)
		}
		y.until("the change is followed", y.followed)
		open()
		y.quiet()
		if a, _ := s.account("ann"); fmt.Sprint(a.Attributes["groups"]) != "[staff]" {
			y.t.Errorf("account %+v", a)
		}
		if names := y.items(y.batches()[0])[0].Change.Names(); !slices.Equal(names, []string{"groups"}) {
			y.t.Errorf("the item of the group says %v", names)
		}
	})
}

func TestOneRefusalLeavesTheOthers(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		s.when(func(_ context.Context, what, username string) error {
			if username == "bad" && what == "create" {
				return connector.Permanent(errors.New("the name offends"))
			}
			return nil
		})
		y.enrol("username=ann", "username=bad", "username=zoe")
		y.quiet()
		if got := y.failures(); len(got) != 1 || !strings.Contains(got[0], "The name offends") || len(s.Accounts()) != 2 {
			y.t.Errorf("failures %v, accounts %+v", got, s.Accounts())
		}
	})
}

func TestAttemptsRunOutAndTheBatchIsTriedAgain(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"attempts":2}`)
		s.when(func(_ context.Context, what, _ string) error {
			if what == "create" {
				return errors.New("a hiccup")
			}
			return nil
		})
		y.enrol("username=ann", "username=bob")
		y.until("each has been tried", func() bool { return len(s.heard("create")) == 2 })
		if got := y.failures(); len(got) != 0 {
			y.t.Errorf("failed at the first try: %v", got)
		}
		y.clock.Advance(longWait)
		y.quiet()
		if got := y.failures(); len(got) != 2 || !strings.Contains(got[0], "A hiccup") || len(s.heard("create")) != 4 {
			y.t.Errorf("failures %v after %d tries", got, len(s.heard("create")))
		}
		s.when(nil)
		b := y.batches()[0]
		if _, err := y.provision.RetryBatch(y.t.Context(), y.caller, b.ID); err != nil {
			y.t.Fatal(err)
		}
		y.quiet()
		if got := y.failures(); len(got) != 0 || len(s.Accounts()) != 2 {
			y.t.Errorf("tried again: %v, accounts %+v", got, s.Accounts())
		}
		if again, err := y.provision.RetryBatch(y.t.Context(), y.caller, b.ID); err != nil || again.State != muster.Finished {
			y.t.Errorf("retry where nothing failed: %s %v", again.State, err)
		}
	})
}

func TestDeletingATarget(t *testing.T) {
	eachYard(t, func(y *yard) {
		s, other := y.aim(marked, ""), y.aim(marked, "")
		s.when(func(_ context.Context, what, username string) error {
			if username == "bad" && what == "create" {
				return connector.Permanent(errors.New("refused"))
			}
			return nil
		})
		y.enrol("username=bad")
		y.quiet()
		y.pause(s, true)
		var texts []string
		for i := range 20 {
			texts = append(texts, fmt.Sprintf("username=p%d", i))
		}
		y.enrol(texts...)
		y.until("the other has them", func() bool { return len(other.Accounts()) == 21 })
		if err := y.provision.DeleteTarget(y.t.Context(), y.caller, s.view.ID); err != nil {
			y.t.Fatal(err)
		}
		y.quiet()
		skipped := 0
		for _, f := range y.failures() {
			if strings.Contains(f, "The target was deleted") {
				skipped++
			}
		}
		if skipped != 20 || len(s.Accounts()) != 0 {
			y.t.Errorf("%d items skipped: %v", skipped, y.failures())
		}
		for _, b := range y.batches() { // what failed on a target that is gone cannot be tried again, and hangs nothing
			if _, err := y.provision.RetryBatch(y.t.Context(), y.caller, b.ID); err != nil {
				y.t.Fatal(err)
			}
		}
		y.quiet()
	})
}
