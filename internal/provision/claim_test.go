package provision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/roster"
)

func (y *yard) exec(query string, args ...any) {
	y.t.Helper()
	if _, err := y.store.Handle().ExecContext(y.t.Context(), query, args...); err != nil {
		y.t.Fatal(err)
	}
}

// What a process that died had claimed is delivered by another once the lease is over, and not before.
func TestAClaimOfTheDead(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.pause(s, true)
		y.enrol(crowd(5)...)
		y.until("all is followed", y.followed)
		y.exec("UPDATE account SET owner = 'somebody dead', lease = $1", y.clock.Now().Add(10*time.Second).UnixMicro())
		y.pause(s, false)
		for range 10 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if n := len(s.heard("")); n != 0 {
			y.t.Errorf("%d calls for accounts that another process has", n)
		}
		y.clock.Advance(11 * time.Second)
		y.quiet()
		if len(s.Accounts()) != 5 {
			y.t.Errorf("%d accounts", len(s.Accounts()))
		}
	})
}

// A process that comes back after it lost its claim settles nothing; the account it made is found, not made again.
func TestALostClaim(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		reached, open := s.hold(y.t, "create", "")
		p := y.enrol("username=ann last_name=Lee")[0]
		reached()
		y.exec("UPDATE account SET owner = 'another process', lease = $1", y.clock.Now().Add(time.Hour).UnixMicro())
		open()
		y.until("the account is made", func() bool { return len(s.Accounts()) == 1 })
		for range 10 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if b := y.batches()[0]; b.State != muster.Running || b.Counts.Done != 0 {
			y.t.Errorf("settled without the claim: %s %+v", b.State, b.Counts)
		}
		y.exec("UPDATE account SET lease = 1")
		y.quiet()
		if a := y.account(p); a.State != muster.DeliveredAccount || len(s.Accounts()) != 1 || len(s.heard("create")) != 1 {
			y.t.Errorf("account %+v after %d creates", a, len(s.heard("create")))
		}
	})
}

// The policy says who gets an account, and whose account may be taken over.
func TestPolicies(t *testing.T) {
	eachYard(t, func(y *yard) {
		all, some := y.aim(marked, `{"states":["staged","active","suspended"]}`), y.aim(marked, "")
		match := y.aim(marked, `{"match":"email"}`)
		match.Plant(connector.Account{ExternalID: "x1", Username: "ann", Attributes: muster.Record{"email": "Ann@x.test"}})
		match.Plant(connector.Account{ExternalID: "x2", Username: "bob", Enabled: true, Attributes: muster.Record{"email": "else@x.test"}})
		y.enrol("username=ann email=ann@x.test", "username=bob email=bob@x.test", "username=cid state=staged")
		y.quiet()
		if a, ok := all.account("cid"); !ok || a.Enabled || len(all.Accounts()) != 3 {
			y.t.Errorf("with staged ones: %+v", all.Accounts())
		}
		if len(some.Accounts()) != 2 {
			y.t.Errorf("without: %+v", some.Accounts())
		}
		ann, _ := match.Account("x1")
		bob, _ := match.Account("x2")
		if ann.Marker == "" || !ann.Enabled || bob.Marker != "" || len(match.Accounts()) != 2 || len(y.failures()) != 1 {
			y.t.Errorf("ann %+v, bob %+v, failures %v", ann, bob, y.failures())
		}
	})
}

// A process that is told to stop in the middle gives back what it has begun, and nothing counts against anybody. The next one goes on.
func TestStoppedInTheMiddle(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"attempts":1,"concurrency":2}`)
		reached, _ := s.hold(y.t, "create", "")
		people := y.enrol(crowd(6)...)
		reached()
		reached()
		y.stop()
		for _, p := range people {
			if a := y.account(p); a.Attempts != 0 || a.State != muster.PlannedAccount || a.Due.IsZero() || a.Owner != "" {
				y.t.Errorf("after the stop: %+v", a)
			}
		}
		s.when(nil)
		y.provision, y.roster = y.node(y.store)
		y.quiet()
		if len(s.Accounts()) != 6 || len(y.failures()) > 0 {
			y.t.Errorf("%d accounts, failures %v", len(s.Accounts()), y.failures())
		}
	})
}

// Somebody is suspended and comes back, and in between it is not known what reached the target: what stands there decides, not what it was told
// last.
func TestInDoubtTheTargetIsAsked(t *testing.T) {
	eachYard(t, func(y *yard) {
		lost, died := y.aim(marked, ""), y.aim(marked, "")
		p := y.enrol("username=ann last_name=Lee")[0]
		y.quiet()
		lost.Set(faultsLost)
		y.pause(died, true)
		y.change(p, "state=suspended nickname=Annie")
		y.until("the answer is lost", func() bool { return len(lost.heard("disable")) == 1 && y.accountOn(p, lost).Attempts == 1 })

		a, _ := died.account("ann") // a process did it there, and died before it said so
		change := muster.Diff(muster.Record{"enabled": true}, muster.Record{"enabled": false, "nickname": "Annie"})
		if _, err := died.Connector().Apply(y.t.Context(), connector.Step{Intent: connector.Ensure, ExternalID: a.ExternalID, Username: "ann", Change: change}); err != nil {
			y.t.Fatal(err)
		}
		y.exec("UPDATE account SET owner = 'somebody dead', lease = 1 WHERE target = $1", died.view.Seq)

		if out, err := y.roster.Change(y.t.Context(), y.caller, []roster.Wish{{Person: p.ID, Draft: muster.Draft{"state": "active", "nickname": nil}}}); err != nil || out[0].Err != nil {
			y.t.Fatal(err, out)
		}
		y.until("it is followed", y.followed)
		y.until("it is tried", func() bool { return y.accountOn(p, lost).Attempts == 1 && len(lost.heard("find")) > 1 })
		lost.Set(faultsNone)
		y.pause(died, false)
		y.clock.Advance(longWait)
		y.quiet()
		for name, s := range map[string]*spy{"lost": lost, "died": died} {
			if a, _ := s.account("ann"); !a.Enabled || a.Attributes["nickname"] != nil {
				y.t.Errorf("%s: %+v", name, a)
			}
		}
	})
}

// Groups that the account has at the target and that are none of ours are left alone, also when we have to look what stands there.
func TestGroupsOfOthersStay(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"groups":true,"match":"email"}`)
		groups, err := y.roster.CreateGroups(y.t.Context(), y.caller, []roster.NewGroup{{Code: "staff", Label: "Staff"}, {Code: "board", Label: "Board"}})
		if err != nil {
			y.t.Fatal(err)
		}
		s.Plant(connector.Account{ExternalID: "x1", Username: "ann", Enabled: true, Attributes: muster.Record{"email": "a@x.test", "groups": []string{"board", "theirs"}}})
		y.pause(s, true)
		p := y.enrol("username=ann email=a@x.test")[0]
		if _, err := y.roster.AddToGroups(y.t.Context(), y.caller, []roster.GroupOp{{Person: p.ID, Group: groups[0].Group.ID}}); err != nil {
			y.t.Fatal(err)
		}
		y.until("all is followed", y.followed)
		y.pause(s, false)
		y.quiet()
		if a, _ := s.Account("x1"); a.Marker == "" || fmt.Sprint(a.Attributes["groups"]) != "[staff theirs]" {
			y.t.Errorf("account %+v", a)
		}
	})
}
