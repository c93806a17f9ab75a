package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// mailing is a kind whose targets mail people, locking one whose targets take passwords and mail nobody.
var (
	mailing = spyKind("mailing", connector.Powers{Marker: true, Rename: true, Activation: true, Passwords: true})
	locking = spyKind("locking", connector.Powers{Marker: true, Rename: true, Passwords: true})
)

func (c *spied) Invite(ctx context.Context, externalID string, life time.Duration) error {
	if err := c.spy.note(ctx, "mail", externalID); err != nil {
		return err
	}
	return c.real.(connector.Activator).Invite(ctx, externalID, life)
}

func (c *spied) Activations(ctx context.Context, ids []string, each func(string, connector.Progress) error) error {
	if err := c.spy.note(ctx, "look", ids[0]); err != nil {
		return err
	}
	return c.real.(connector.Activator).Activations(ctx, ids, each)
}

func (c *spied) SetPassword(ctx context.Context, externalID, password string) error {
	if err := c.spy.note(ctx, "password", externalID); err != nil {
		return err
	}
	return c.real.(connector.PasswordSetter).SetPassword(ctx, externalID, password)
}

// mailLane is where the jobs of Muster's own mail wait in tests.
const mailLane = "post"

// post takes the jobs of Muster's own mail, and sends nothing.
type post struct {
	closed bool // Muster cannot mail
	mu     sync.Mutex
	jobs   []provision.ActivationArgs
}

func (p *post) take(_ context.Context, raw json.RawMessage) error {
	var args provision.ActivationArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobs = append(p.jobs, args)
	return nil
}

func (p *post) all() []provision.ActivationArgs {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.jobs)
}

// comesTo waits until the activation of somebody's only account is in a state, and gives it.
func (y *yard) comesTo(p store.PersonRow, state muster.ActivationState) muster.Activation {
	y.t.Helper()
	y.until(p.Username+" is "+string(state), func() bool { return y.account(p).Activation.State == state })
	return y.account(p).Activation
}

// write runs something in a transaction of the tenant.
func (y *yard) write(f func(tx *store.Tx) error) {
	y.t.Helper()
	if err := y.store.Update(y.t.Context(), y.caller.Tenant, f); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) remind(p store.PersonRow) error {
	_, err := y.provision.Remind(y.t.Context(), y.caller, y.account(p).ID)
	return err
}

// settled waits until everything is delivered and no mail of a target is due.
func (y *yard) settled() {
	y.t.Helper()
	y.quiet()
	y.until("no mail is due", func() bool {
		var n int
		if err := y.store.Handle().QueryRowContext(y.t.Context(), "SELECT count(*) FROM account WHERE activation_due <= $1", y.clock.Now().UnixMicro()).Scan(&n); err != nil {
			y.t.Fatal(err)
		}
		return n == 0
	})
}

const (
	week   = 7 * 24 * time.Hour
	minute = time.Minute
)

// Whoever gets a new account and can be reached is mailed once; others are as soon as they can be.
func TestTargetMails(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"states":["staged","active"]}`)
		ann, bo, cy := y.enrol("username=ann email=ann@x.test")[0], y.enrol("username=bo")[0], y.enrol("username=cy email=cy@x.test state=staged")[0]
		y.settled()
		a := y.comesTo(ann, muster.ActivationSent)
		if a.By != muster.MailByTarget || !a.SentAt.Equal(y.clock.Now()) || !a.ExpiresAt.Equal(y.clock.Now().Add(week)) || a.LastError != nil {
			y.t.Errorf("activation %+v", a)
		}
		for _, p := range []store.PersonRow{bo, cy} {
			if got := y.account(p).Activation; got.State != muster.NoActivation || got.By != muster.MailByTarget {
				y.t.Errorf("%s cannot be mailed: %+v", p.Username, got)
			}
		}
		if m := s.Mails(); len(m) != 1 || m[0].To != "ann@x.test" || m[0].Life != week {
			y.t.Errorf("mails %+v", m)
		}
		y.change(bo, "email=bo@x.test")
		y.change(cy, "state=active")
		y.change(ann, "last_name=Lee")
		y.comesTo(bo, muster.ActivationSent)
		y.comesTo(cy, muster.ActivationSent)
		y.settled()
		if m := s.Mails(); len(m) != 3 {
			y.t.Errorf("mails %+v", m)
		}
	})
}

// Who may not sign in any more before the mail went out is not mailed, and is once they may.
func TestSuspendedBeforeTheMail(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, "")
		s.when(func(_ context.Context, what, _ string) error {
			if what == "mail" {
				return errors.New("not now")
			}
			return nil
		})
		ann := y.enrol("username=ann email=ann@x.test")[0]
		y.until("it was tried", func() bool { return y.account(ann).ActivationAttempts == 1 })
		y.change(ann, "state=suspended")
		y.settled()
		if a := y.account(ann); a.Activation.State != muster.NoActivation || !a.ActivationDue.IsZero() {
			y.t.Errorf("suspended: %+v due %s", a.Activation, a.ActivationDue)
		}
		s.when(nil)
		y.clock.Advance(time.Hour)
		y.settled()
		if m := s.Mails(); len(m) != 0 {
			y.t.Errorf("mails %+v", m)
		}
		y.change(ann, "state=active")
		y.comesTo(ann, muster.ActivationSent)
		if m := s.Mails(); len(m) != 1 {
			y.t.Errorf("mails %+v", m)
		}
	})
}

// Failures of a mail: what may pass is tried again, what may not ends it with the reason, and trouble of the whole target counts against nobody.
func TestMailsThatFail(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"attempts":3,"concurrency":1}`)
		var fault error
		var mu sync.Mutex
		say := func(err error) { mu.Lock(); fault = err; mu.Unlock() }
		s.when(func(_ context.Context, what, _ string) error {
			mu.Lock()
			defer mu.Unlock()
			if what != "mail" {
				return nil
			}
			return fault
		})
		// For good, by what the target says:
		say(connector.Permanent(muster.Errorf(muster.Policy, "email", "No such mailbox.")))
		ann := y.enrol("username=ann email=ann@x.test")[0]
		if a := y.comesTo(ann, muster.ActivationFailed); a.LastError == nil || a.LastError.Message != "No such mailbox." || a.LastError.Field != "email" {
			y.t.Errorf("ann: %+v", a)
		}
		// For good, after so many tries:
		say(errors.New("the relay hangs"))
		bo := y.enrol("username=bo email=bo@x.test")[0]
		for n := 1; n <= 3; n++ {
			y.until("it is tried", func() bool { return y.account(bo).ActivationAttempts == n })
			if a := y.account(bo).Activation; n < 3 && (a.State != muster.ActivationOwed || a.LastError == nil) {
				y.t.Errorf("try %d: %+v", n, a)
			}
			y.clock.Advance(time.Hour)
		}
		if a := y.comesTo(bo, muster.ActivationFailed); a.LastError == nil || !strings.Contains(a.LastError.Message, "relay hangs") {
			y.t.Errorf("bo: %+v", a)
		}
		// Trouble of the target, and a wait that it asks for:
		for name, trouble := range map[string]error{"down": connector.Down(errors.New("refused")), "busy": connector.RetryAfter(time.Minute, errors.New("later"))} {
			say(trouble)
			p := y.enrol("username=" + name + " email=" + name + "@x.test")[0]
			y.until("the target rests", func() bool { return !y.target(s).Until.IsZero() && y.target(s).Until.After(y.clock.Now()) })
			y.until("it is owed", func() bool {
				return y.account(p).Activation.State == muster.ActivationOwed && y.account(p).ActivationOwner == ""
			})
			if a := y.account(p); a.ActivationAttempts != 0 || a.Activation.LastError != nil {
				y.t.Errorf("%s: %+v after %d tries", name, a.Activation, a.ActivationAttempts)
			}
			say(nil)
			y.clock.Advance(10 * time.Minute)
			y.comesTo(p, muster.ActivationSent)
			y.until("the target is well again", func() bool { return y.target(s).Failures == 0 }) // which is noted when the round is over
		}
		// Delivered again, whoever was mailed in vain is mailed again.
		for _, p := range []store.PersonRow{ann, bo} {
			if _, err := y.provision.Deliver(y.t.Context(), y.caller, y.account(p).ID); err != nil {
				y.t.Fatal(err)
			}
			if a := y.comesTo(p, muster.ActivationSent); a.LastError != nil {
				y.t.Errorf("%s: %+v", p.Username, a)
			}
		}
		if got := len(s.Mails()); got != 4 {
			y.t.Errorf("%d mails", got)
		}
	})
}

// What people do is read back, soon after the mail, and ever more seldom while nothing changes.
func TestReadBack(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, "")
		people := y.enrol("username=ann email=ann@x.test", "username=bo email=bo@x.test")
		ann, bo := people[0], people[1]
		y.comesTo(ann, muster.ActivationSent)
		y.comesTo(bo, muster.ActivationSent)
		y.settled()
		looks := func() int { return len(s.heard("look")) }
		if looks() != 0 {
			y.t.Fatalf("%d looks before anything can have happened", looks())
		}
		step := func(minutes, want int) {
			y.t.Helper()
			for range minutes {
				y.clock.Advance(minute)
				for range 3 {
					if err := y.provision.Sweep(y.t.Context()); err != nil {
						y.t.Fatal(err)
					}
				}
				y.until("the look is over", func() bool { return y.provision.Looking() == 0 })
			}
			if looks() != want {
				y.t.Errorf("%d looks, want %d", looks(), want)
			}
		}
		step(1, 1)
		step(62, 6)  // after 1, 2, 4, 8, 16 and 32 minutes each
		step(120, 8) // then once an hour
		s.SetProgress(y.account(ann).ExternalID, connector.Begun)
		if err := y.provision.Look(y.t.Context(), y.caller, s.view.ID); err != nil {
			y.t.Fatal(err)
		}
		y.comesTo(ann, muster.ActivationPending)
		y.until("the look is over", func() bool { return y.provision.Looking() == 0 })
		s.SetProgress(y.account(ann).ExternalID, connector.Activated)
		n := looks()
		step(1, n+1) // something has changed, so it is soon asked again
		if a := y.account(ann).Activation; a.State != muster.ActivationDone || !a.DoneAt.Equal(y.clock.Now()) {
			y.t.Errorf("ann: %+v", a)
		}
		s.SetProgress(y.account(bo).ExternalID, connector.Activated)
		step(1, n+2)
		y.comesTo(bo, muster.ActivationDone)
		step(180, n+2) // nothing is open
	})
}

// The life of a mail ends: whoever has not come through is expired, and is mailed again when reminded. Whoever came through after that is not.
func TestExpiry(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"activation_days":2}`)
		people := y.enrol("username=ann email=ann@x.test", "username=bo email=bo@x.test", "username=cy email=cy@x.test")
		for _, p := range people {
			y.comesTo(p, muster.ActivationSent)
		}
		s.SetProgress(y.account(people[1]).ExternalID, connector.Begun)
		y.clock.Advance(2*24*time.Hour - time.Second)
		y.comesTo(people[1], muster.ActivationPending)
		if a := y.account(people[0]).Activation; a.State != muster.ActivationSent {
			y.t.Errorf("a second before: %+v", a)
		}
		s.SetProgress(y.account(people[2]).ExternalID, connector.Activated)
		y.clock.Advance(2 * time.Second)
		y.comesTo(people[0], muster.ActivationExpired)
		y.comesTo(people[1], muster.ActivationExpired)
		y.comesTo(people[2], muster.ActivationDone)
		s.SetProgress(y.account(people[1]).ExternalID, connector.Activated)
		for _, p := range people[:2] {
			if err := y.remind(p); err != nil {
				y.t.Fatal(err)
			}
		}
		if a := y.comesTo(people[0], muster.ActivationSent); !a.ExpiresAt.Equal(y.clock.Now().Add(2 * 24 * time.Hour)) {
			y.t.Errorf("reminded: %+v", a)
		}
		y.comesTo(people[1], muster.ActivationDone)
		if err := y.remind(people[2]); muster.CodeOf(err) != muster.Conflict {
			y.t.Errorf("reminding somebody who is through gives %v", err)
		}
		if got := len(s.Mails()); got != 4 {
			y.t.Errorf("%d mails", got)
		}
	})
}

// Mails that went out one after the other end so too. What is open is gone through once a minute for that, and not for each of them.
func TestManyLivesEndOneByOne(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"activation_days":1}`)
		var people []store.PersonRow
		for _, name := range []string{"ann", "bo", "cy", "di"} {
			p := y.enrol("username=" + name + " email=" + name + "@x.test")[0]
			y.comesTo(p, muster.ActivationSent)
			y.settled()
			people = append(people, p)
			y.clock.Advance(10 * time.Second)
		}
		step := func(d time.Duration) {
			y.t.Helper()
			y.clock.Advance(d)
			for range 3 {
				if err := y.provision.Sweep(y.t.Context()); err != nil {
					y.t.Fatal(err)
				}
				y.until("the look is over", func() bool { return y.provision.Looking() == 0 })
			}
		}
		step(24*time.Hour - 41*time.Second)
		before := len(s.heard("look"))
		for range 4 {
			step(10 * time.Second)
		}
		if n := len(s.heard("look")) - before; n != 1 {
			y.t.Errorf("%d looks for four lives that ended within a minute", n)
		}
		y.comesTo(people[0], muster.ActivationExpired)
		step(minute)
		for _, p := range people {
			y.comesTo(p, muster.ActivationExpired)
		}
		if n := len(s.heard("look")) - before; n != 2 {
			y.t.Errorf("%d looks within two minutes", n)
		}
	})
}

// Who was mailed at an address that was wrong is mailed at the new one, which takes the older link's place; who is through is not.
func TestAnotherAddress(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, "")
		people := y.enrol("username=ann email=anne@x.test", "username=bo email=bob@x.test", "username=cy email=cyd@x.test")
		for _, p := range people {
			y.comesTo(p, muster.ActivationSent)
		}
		s.SetProgress(y.account(people[2]).ExternalID, connector.Activated)
		if err := y.provision.Look(y.t.Context(), y.caller, s.view.ID); err != nil {
			y.t.Fatal(err)
		}
		y.comesTo(people[2], muster.ActivationDone)
		s.when(func(_ context.Context, what, _ string) error {
			if what == "mail" {
				return connector.Permanent(errors.New("no such mailbox"))
			}
			return nil
		})
		y.clock.Advance(time.Second)
		if err := y.remind(people[1]); err != nil {
			y.t.Fatal(err)
		}
		y.comesTo(people[1], muster.ActivationFailed)
		s.when(nil)
		y.change(people[0], "email=ann@x.test")
		y.change(people[1], "email=bo@x.test")
		y.change(people[2], "email=cy@x.test")
		y.until("they are mailed", func() bool { return len(s.Mails()) == 5 })
		y.settled()
		var to []string
		for _, m := range s.Mails()[3:] {
			to = append(to, m.To)
		}
		slices.Sort(to)
		if !slices.Equal(to, []string{"ann@x.test", "bo@x.test"}) {
			y.t.Errorf("mails to %v", to)
		}
		y.change(people[0], "email=ANN@x.test last_name=Lee")
		y.settled()
		if n := len(s.Mails()); n != 5 || y.account(people[2]).Activation.State != muster.ActivationDone {
			y.t.Errorf("%d mails; %+v", n, y.account(people[2]).Activation)
		}
	})
}

// A target that is down says nothing about anybody.
func TestLookingAtATargetThatIsDown(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"activation_days":1}`)
		ann := y.enrol("username=ann email=ann@x.test")[0]
		y.comesTo(ann, muster.ActivationSent)
		y.settled()
		s.SetProgress(y.account(ann).ExternalID, connector.Activated)
		s.when(func(_ context.Context, what, _ string) error {
			if what == "look" {
				return connector.Down(errors.New("no route"))
			}
			return nil
		})
		y.clock.Advance(48 * time.Hour)
		y.until("the target rests", func() bool { return y.target(s).Failures > 0 })
		if a := y.account(ann).Activation; a.State != muster.ActivationSent {
			y.t.Errorf("down: %+v", a)
		}
		s.when(nil)
		y.clock.Advance(10 * time.Minute)
		y.comesTo(ann, muster.ActivationDone)
		y.until("it is well", func() bool { return y.target(s).Failures == 0 })
	})
}

// A mail that a dead process had claimed is sent when its lease is over, and not before. When it died after the answer, a second one is sent.
func TestMailsOfTheDead(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, "")
		ann := y.enrol("username=ann email=ann@x.test")[0]
		y.comesTo(ann, muster.ActivationSent)
		y.settled()
		y.pause(s, true)
		if err := y.remind(ann); err != nil {
			y.t.Fatal(err)
		}
		y.write(func(tx *store.Tx) error {
			rows, err := tx.ClaimInvitations(s.view.Seq, "somebody dead", tx.Now().Add(20*time.Second), 10)
			if err == nil && len(rows) != 1 {
				err = errors.New("nothing is claimed")
			}
			return err
		})
		if err := s.Connector().(connector.Activator).Invite(y.t.Context(), y.account(ann).ExternalID, week); err != nil { // and died
			y.t.Fatal(err)
		}
		y.pause(s, false)
		for range 5 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if a := y.account(ann); a.ActivationOwner != "somebody dead" || len(s.Mails()) != 2 {
			y.t.Errorf("claimed by %q, %d mails", a.ActivationOwner, len(s.Mails()))
		}
		y.clock.Advance(21 * time.Second)
		y.comesTo(ann, muster.ActivationSent)
		if n := len(s.Mails()); n != 3 || y.account(ann).ActivationOwner != "" {
			y.t.Errorf("%d mails", n)
		}
	})
}

// Whoever lost a claim while the mail went out records it all the same: nobody else sends another.
func TestAClaimLostWhileTheMailGoesOut(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, "")
		s.when(func(ctx context.Context, what, id string) error {
			if what == "mail" {
				y.exec("UPDATE account SET activation_owner = 'another', activation_lease = $1 WHERE external_id = $2", y.clock.Now().Add(time.Hour).UnixMicro(), id)
			}
			return nil
		})
		ann := y.enrol("username=ann email=ann@x.test")[0]
		y.comesTo(ann, muster.ActivationSent)
		y.clock.Advance(2 * time.Hour)
		y.settled()
		if n := len(s.Mails()); n != 1 || y.account(ann).ActivationOwner != "" {
			y.t.Errorf("%d mails", n)
		}
	})
}

// Several processes share the mails of a crowd, where the database lets them, and everybody gets one.
func TestEverybodyIsMailedOnce(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"concurrency":4}`)
		nodes := []*provision.Provision{y.provision}
		if y.store.Engine() == store.Postgres {
			other, _ := y.node(storetest.AnotherNode(y.t, y.store, storetest.WithClock(y.clock)))
			nodes = append(nodes, other)
		}
		texts := make([]string, 150)
		for i := range texts {
			texts[i] = "first_name=Ann last_name=Lee email=p" + strings.Repeat("x", i) + "@x.test"
		}
		people := y.enrol(texts...)
		y.until("all are mailed", func() bool {
			for _, node := range nodes {
				if err := node.Sweep(y.t.Context()); err != nil {
					y.t.Fatal(err)
				}
			}
			return len(s.Mails()) >= len(people)
		})
		y.settled()
		to := map[string]int{}
		for _, m := range s.Mails() {
			to[m.ExternalID]++
		}
		for _, p := range people {
			if a := y.account(p); to[a.ExternalID] != 1 || a.Activation.State != muster.ActivationSent {
				y.t.Errorf("%s: %d mails, %s", p.Username, to[a.ExternalID], a.Activation.State)
			}
		}
	})
}
