package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

var faultsLost, faultsNone = rehearsal.Faults{FailAfterCommitPercent: 100}, rehearsal.Faults{}

// longWait is longer than any pause between two tries in these tests.
const longWait = 20 * time.Minute

func crowd(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("username=p%d last_name=N%d", i, i)
	}
	return texts
}

// A target that is down is left alone, longer each time; nothing is lost, and nothing counts against anybody.
func TestATargetThatIsDown(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"attempts":1}`)
		s.Set(rehearsal.Faults{Down: true})
		y.enrol(crowd(30)...)
		var pause time.Duration
		for failures := 1; failures <= 4; failures++ {
			y.until("it is found to be down", func() bool { return y.target(s).Failures == failures })
			calls := s.Calls()
			for range 10 {
				if err := y.provision.Sweep(y.t.Context()); err != nil {
					y.t.Fatal(err)
				}
			}
			v := y.target(s)
			if s.Calls() != calls || v.Message == "" {
				y.t.Errorf("it was called %d times while it was left alone: %q", s.Calls()-calls, v.Message)
			}
			now := v.Until.Sub(y.clock.Now())
			if now <= pause {
				y.t.Errorf("after %d failures it is left alone for %s, before for %s", failures, now, pause)
			}
			pause = now
			y.clock.Advance(now)
		}
		if got := y.failures(); len(got) > 0 {
			y.t.Errorf("failures %v", got)
		}
		s.Set(faultsNone)
		y.clock.Advance(longWait)
		y.quiet()
		y.until("it is known to be well", func() bool { return y.target(s).Failures == 0 })
		if v := y.target(s); len(s.Accounts()) != 30 || v.Message != "" || len(y.failures()) > 0 {
			y.t.Errorf("%d accounts, target %+v, failures %v", len(s.Accounts()), v.Target, y.failures())
		}
	})
}

// A target that answers, even with a no, is not down.
func TestARefusalShowsThatTheTargetIsThere(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		s.Set(rehearsal.Faults{Down: true})
		y.enrol("username=bad")
		y.until("it is found to be down", func() bool { return y.target(s).Failures == 1 })
		s.Set(rehearsal.Faults{Refuse: []string{"bad"}})
		y.clock.Advance(longWait)
		y.quiet()
		y.until("it is known to be well", func() bool { return y.target(s).Failures == 0 })
		if got := y.failures(); len(got) != 1 {
			y.t.Errorf("failures %v", got)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"concurrency":1,"attempts":1}`)
		y.pause(s, true)
		y.enrol(crowd(5)...)
		y.until("all is followed", y.followed)
		refuse := true
		s.when(func(context.Context, string, string) error {
			if refuse {
				refuse = false
				return connector.RetryAfter(37*time.Second, errors.New("slow down"))
			}
			return nil
		})
		y.pause(s, false)
		y.until("it asks to wait", func() bool { return !y.target(s).Until.IsZero() })
		if v := y.target(s); v.Until.Sub(y.clock.Now()) != 37*time.Second || len(s.heard("")) != 1 {
			y.t.Errorf("waits until %s, after %d calls", v.Until, len(s.heard("")))
		}
		y.clock.Advance(36 * time.Second)
		for range 10 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if n := len(s.heard("")); n != 1 {
			y.t.Errorf("%d calls before the time", n-1)
		}
		y.clock.Advance(time.Second)
		y.quiet()
		if len(s.Accounts()) != 5 || len(y.failures()) > 0 {
			y.t.Errorf("%d accounts, failures %v", len(s.Accounts()), y.failures())
		}
	})
}

// Every call counts towards the rate: looking for an account as well as making it.
func TestTheRateIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		y := open(t, st)
		const rate, atOnce = 40, 8
		s := y.aim(marked, fmt.Sprintf(`{"rate":%d,"concurrency":%d}`, rate, atOnce))
		y.enrol(crowd(35)...) // two calls each
		y.quiet()
		calls := s.heard("")
		if len(calls) != 70 || len(s.Accounts()) != 35 {
			t.Errorf("%d calls made %d accounts", len(calls), len(s.Accounts()))
		}
		if n := mostInASecond(calls); n > rate+1+atOnce { // a call is noted after it began, on a busy machine long after
			t.Errorf("%d calls within a second", n)
		}
	})
}

func TestPausedAndResumed(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		y.pause(s, true)
		y.enrol(crowd(10)...)
		y.until("all is followed", y.followed)
		for range 10 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if len(s.heard("")) != 0 || y.batches()[0].State != muster.Running {
			y.t.Errorf("%d calls to a paused target, batch %s", len(s.heard("")), y.batches()[0].State)
		}
		y.pause(s, false)
		y.quiet()
		if len(s.Accounts()) != 10 {
			y.t.Errorf("%d accounts", len(s.Accounts()))
		}
	})
}

// Whoever is to lose access comes before everybody who is to get it.
func TestDisablesOvertake(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"concurrency":1}`)
		leavers := y.enrol("username=x1", "username=x2", "username=x3")
		y.quiet()
		y.pause(s, true)
		y.enrol(crowd(1_000)...)
		for _, p := range leavers {
			y.change(p, "state=suspended")
		}
		y.until("all is followed", y.followed)
		before := len(s.heard(""))
		y.pause(s, false)
		y.until("they are out", func() bool { return len(s.heard("disable")) == 3 })
		s.mu.Lock()
		calls := s.calls[before:]
		s.mu.Unlock()
		for i, c := range calls[:3] {
			if c.what != "disable" {
				y.t.Errorf("call %d is %s of %s", i, c.what, c.username)
			}
		}
		y.pause(s, true) // the rest is no part of this
	})
}

// Two processes share a target: no account twice, and nothing is asked for twice.
func TestTwoProcessesShareATarget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if st.Engine() == store.SQLite {
			return // one process has the file
		}
		y := open(t, st)
		other, _ := y.node(storetest.AnotherNode(t, st))
		s := y.aim(marked, `{"concurrency":4}`)
		y.pause(s, true)
		y.enrol(crowd(300)...)
		y.until("all is followed", y.followed)
		y.pause(s, false)
		y.until("all is delivered", func() bool {
			if err := other.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			return y.batches()[0].State.Final()
		})
		y.audit()
		creates := map[string]int{}
		for _, c := range s.heard("create") {
			creates[c.username]++
		}
		for name, n := range creates {
			if n > 1 {
				t.Errorf("%s was created %d times", name, n)
			}
		}
		if len(creates) != 300 || len(s.Accounts()) != 300 || len(y.failures()) > 0 {
			t.Errorf("%d creates, %d accounts, failures %v", len(creates), len(s.Accounts()), y.failures())
		}
	})
}

// The rate is the target's, however many processes call it.
func TestTheRateIsSharedByProcesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if st.Engine() == store.SQLite {
			return // one process has the file
		}
		y := open(t, st)
		other, _ := y.node(storetest.AnotherNode(t, st))
		const rate, atOnce = 50, 4
		s := y.aim(marked, fmt.Sprintf(`{"rate":%d,"concurrency":%d}`, rate, atOnce))
		y.pause(s, true)
		y.enrol(crowd(60)...)
		y.until("all is followed", y.followed)
		y.pause(s, false)
		y.until("all is delivered", func() bool {
			if err := other.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			return y.batches()[0].State.Final()
		})
		calls := s.heard("")
		if n := mostInASecond(calls); n > rate+rate/10+2*atOnce { // what each process has of its places may shift by a little; see above
			t.Errorf("%d calls within a second", n)
		}
		if took := calls[len(calls)-1].at.Sub(calls[0].at); took > 30*time.Second { // ten times what it takes
			t.Errorf("%d calls took %s: the processes starve each other", len(calls), took)
		}
	})
}

// mostInASecond gives how many calls came within any one second.
func mostInASecond(calls []call) (most int) {
	for i, first := range calls {
		n := 0
		for _, c := range calls[i:] {
			if c.at.Sub(first.at) < time.Second {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
