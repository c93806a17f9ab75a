package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
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
		at, gate := make(chan struct{}, 1), make(chan struct{})
		s.when(func(_ context.Context, what, _ string) error {
			if what == "create" {
				at <- struct{}{}
				<-gate
			}
			return nil
		})
		p := y.enrol("username=ann last_name=Lee")[0]
		<-at
		y.exec("UPDATE account SET owner = 'another process', lease = $1", y.clock.Now().Add(time.Hour).UnixMicro())
		close(gate)
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
		at := make(chan struct{}, 100)
		s.when(func(ctx context.Context, what, _ string) error {
			if what != "create" {
				return nil
			}
			at <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		people := y.enrol(crowd(6)...)
		<-at
		<-at
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
