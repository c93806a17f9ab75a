package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

const chosen = "Trois-petits-chats-12"

// mailedFor waits for the n-th job of Muster's own mail, and notes that the mail server has taken it.
func (y *yard) mailedFor(p store.PersonRow, n int) provision.ActivationArgs {
	y.t.Helper()
	y.until("a mail is asked for", func() bool { return len(y.post.all()) >= n })
	args := y.post.all()[n-1]
	if a := y.account(p); args.Account != a.Seq || args.Tenant != y.caller.Tenant || a.Activation.State != muster.ActivationOwed || a.Activation.By != muster.MailByMuster {
		y.t.Fatalf("job %+v of %s, whose activation is %+v", args, p.Username, a.Activation)
	}
	y.write(func(tx *store.Tx) error { return y.provision.Mailed(tx, args.Account, tx.Now().Add(week)) })
	return args
}

// Muster mails: from the new account to the password of its person.
func TestMusterMails(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(locking, `{"activation":"muster"}`)
		s.Set(rehearsal.Faults{LeastCharacters: 8})
		ann := y.enrol("username=ann email=ann@x.test")[0]
		job := y.mailedFor(ann, 1)
		if a := y.account(ann).Activation; a.State != muster.ActivationSent || !a.SentAt.Equal(y.clock.Now()) || !a.ExpiresAt.Equal(y.clock.Now().Add(week)) {
			y.t.Errorf("mailed: %+v", a)
		}
		view, person, err := y.provision.AccountToActivate(y.t.Context(), job.Tenant, job.Account)
		if err != nil || person.Email != "ann@x.test" || view.Username != "ann" || view.TargetName != s.view.Name || view.PersonID != ann.ID {
			y.t.Errorf("to activate: %+v %+v, %v", view, person, err)
		}
		set := func(password string) error {
			return y.provision.SetPassword(y.t.Context(), job.Tenant, job.Account, password)
		}
		err = set("short")
		if faults := muster.Faults(err); muster.CodeOf(err) != muster.Policy || faults[0].Field != "password" {
			y.t.Errorf("a password that the target refuses gives %v", err)
		}
		y.write(func(tx *store.Tx) error { return y.provision.Begun(tx, job.Account) })
		y.comesTo(ann, muster.ActivationPending)
		if err := set(chosen); err != nil {
			y.t.Fatal(err)
		}
		if a := y.account(ann).Activation; a.State != muster.ActivationDone || !a.DoneAt.Equal(y.clock.Now()) {
			y.t.Errorf("set: %+v", a)
		}
		if ok, err := s.PasswordIs(y.t.Context(), y.account(ann).ExternalID, chosen); !ok || err != nil {
			y.t.Errorf("the target does not know the password: %v", err)
		}
		// What comes late changes nothing.
		y.write(func(tx *store.Tx) error {
			return errors.Join(y.provision.Mailed(tx, job.Account, tx.Now().Add(2*week)), y.provision.Begun(tx, job.Account),
				y.provision.MailFailed(tx, job.Account, muster.Errorf(muster.Policy, "", "No such mailbox.")), y.provision.Mailed(tx, 99, tx.Now()))
		})
		y.clock.Advance(2 * week)
		y.settled()
		if a := y.account(ann).Activation; a.State != muster.ActivationDone || a.LastError != nil || len(y.post.all()) != 1 {
			y.t.Errorf("late: %+v, %d mails", a, len(y.post.all()))
		}
	})
}

// Muster's mails expire by our own clock, fail with a reason, and are asked for once more by a job of its own.
func TestMusterMailsAgain(t *testing.T) {
	eachYard(t, func(y *yard) {
		y.aim(locking, `{"activation":"muster"}`)
		ann := y.enrol("username=ann email=ann@x.test")[0]
		first := y.mailedFor(ann, 1)
		y.clock.Advance(week - time.Second)
		for range 3 {
			if err := y.provision.Sweep(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		if a := y.account(ann).Activation; a.State != muster.ActivationSent {
			y.t.Errorf("a second before: %+v", a)
		}
		y.clock.Advance(2 * time.Second)
		y.comesTo(ann, muster.ActivationExpired)
		if err := y.remind(ann); err != nil {
			y.t.Fatal(err)
		}
		if err := y.remind(ann); err != nil { // it is on its way
			y.t.Fatal(err)
		}
		y.until("a mail is asked for", func() bool { return len(y.post.all()) == 2 })
		second := y.post.all()[1]
		if second.Nonce == first.Nonce || second.Account != first.Account {
			y.t.Errorf("jobs %+v and %+v", first, second)
		}
		y.write(func(tx *store.Tx) error {
			return y.provision.MailFailed(tx, second.Account, muster.Errorf(muster.Policy, "email", "No such mailbox."))
		})
		if a := y.account(ann).Activation; a.State != muster.ActivationFailed || a.LastError == nil || a.LastError.Message != "No such mailbox." {
			y.t.Errorf("failed: %+v", a)
		}
		if _, err := y.provision.Deliver(y.t.Context(), y.caller, y.account(ann).ID); err != nil {
			y.t.Fatal(err)
		}
		y.mailedFor(ann, 3)
		if n := len(y.post.all()); n != 3 {
			y.t.Errorf("%d mails", n)
		}
	})
}

// A target that cannot be worked with takes no password, and nothing changes; an account that is no more says so.
func TestPasswordsThatCannotBeSet(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(locking, `{"activation":"muster"}`)
		ann := y.enrol("username=ann email=ann@x.test")[0]
		job := y.mailedFor(ann, 1)
		set := func() error { return y.provision.SetPassword(y.t.Context(), job.Tenant, job.Account, chosen) }
		for name, fault := range map[string]error{
			"down": connector.Down(errors.New("no route")), "busy": connector.RetryAfter(time.Minute, errors.New("later")), "odd": errors.New("EOF"),
			"rights": connector.Permanent(muster.Errorf(muster.Policy, "", "We may not.")),
		} {
			s.when(func(_ context.Context, what, _ string) error {
				if what == "password" {
					return fault
				}
				return nil
			})
			if err := set(); muster.CodeOf(err) != muster.Unavailable {
				y.t.Errorf("%s gives %v", name, err)
			}
		}
		s.when(nil)
		y.pause(s, true)
		if err := set(); muster.CodeOf(err) != muster.Unavailable {
			y.t.Errorf("paused gives %v", err)
		}
		y.pause(s, false)
		if a := y.account(ann).Activation; a.State != muster.ActivationSent {
			y.t.Errorf("then %+v", a)
		}
		y.clock.Advance(10 * time.Minute)
		y.change(ann, "state=suspended")
		y.settled()
		if err := set(); muster.CodeOf(err) != muster.Gone {
			y.t.Errorf("suspended gives %v", err)
		}
		if _, _, err := y.provision.AccountToActivate(y.t.Context(), job.Tenant, job.Account); muster.CodeOf(err) != muster.Gone {
			y.t.Errorf("suspended, to activate: %v", err)
		}
		y.change(ann, "state=active")
		y.settled()
		s.remove(y.t, "ann")
		if err := set(); muster.CodeOf(err) != muster.Gone {
			y.t.Errorf("gone over there gives %v", err)
		}
		for _, where := range [][2]int64{{job.Tenant, 99}, {job.Tenant + 1, job.Account}} {
			if err := y.provision.SetPassword(y.t.Context(), where[0], where[1], chosen); muster.CodeOf(err) != muster.Gone {
				y.t.Errorf("%v gives %v", where, err)
			}
		}
		if got := y.log.String(); strings.Contains(got, chosen) {
			y.t.Error("the password stands in the log")
		}
	})
}

// Without a mail server nobody is mailed by Muster: accounts wait for some other way, and no life time runs.
func TestWithoutAMailServer(t *testing.T) {
	eachYard(t, func(y *yard) {
		y.stop()
		y.post.closed = true
		y.provision, y.roster = y.node(y.store)
		y.aim(locking, `{"activation":"muster"}`)
		ann := y.enrol("username=ann email=ann@x.test")[0]
		if a := y.comesTo(ann, muster.ActivationPending); a.By != muster.MailByMuster || !a.SentAt.IsZero() || !a.ExpiresAt.IsZero() {
			y.t.Errorf("activation %+v", a)
		}
		y.clock.Advance(2 * week)
		y.settled()
		if a := y.account(ann).Activation; a.State != muster.ActivationPending || len(y.post.all()) != 0 {
			y.t.Errorf("later %+v", a)
		}
		if err := y.remind(ann); muster.CodeOf(err) != muster.Policy {
			y.t.Errorf("reminding gives %v", err)
		}
	})
}

// An account that was found is mailed for when we made it, and the answer was lost; not when its person uses it already.
func TestFoundAccounts(t *testing.T) {
	eachYard(t, func(y *yard) {
		asks, ours := y.aim(mailing, `{"match":"email"}`), y.aim(locking, `{"match":"email","activation":"muster"}`)
		plant := func(s *spy, name string) string {
			return s.Plant(connector.Account{Username: name, Enabled: true, Attributes: muster.Record{"email": name + "@x.test"}}).ExternalID
		}
		asks.SetProgress(plant(asks, "ann"), connector.Activated)
		plant(asks, "bo")
		plant(ours, "ann")
		people := y.enrol("username=ann email=ann@x.test", "username=bo email=bo@x.test")
		y.settled()
		asks.Set(faultsLost)
		ours.Set(faultsLost)
		people = append(people, y.enrol("username=cy email=cy@x.test")...)
		y.until("the answers are lost", func() bool {
			return y.accountOn(people[2], asks).Attempts == 1 && y.accountOn(people[2], ours).Attempts == 1
		})
		asks.Set(faultsNone)
		ours.Set(faultsNone)
		y.clock.Advance(time.Minute)
		y.settled()
		want := map[*spy]map[string]muster.ActivationState{
			asks: {"ann": muster.ActivationDone, "bo": muster.ActivationSent, "cy": muster.ActivationSent},
			ours: {"ann": muster.ActivationDone, "bo": muster.ActivationOwed, "cy": muster.ActivationOwed},
		}
		for s, states := range want {
			for _, p := range people {
				y.until(p.Username+" is "+string(states[p.Username]), func() bool { return y.accountOn(p, s).Activation.State == states[p.Username] })
			}
		}
		if n := len(asks.Mails()); n != 2 {
			y.t.Errorf("%d mails", n)
		}
	})
}

// The policy says who mails; a kind mails itself when it can, and one that cannot is refused.
func TestWhoMails(t *testing.T) {
	eachYard(t, func(y *yard) {
		for _, c := range []struct {
			kind   connector.Kind
			policy string
			want   muster.Mailer
			code   muster.Code
		}{
			{mailing, "", muster.MailByTarget, ""},
			{mailing, `{"activation":null}`, muster.MailByTarget, ""},
			{mailing, `{"activation":"none"}`, muster.MailByNobody, ""},
			{mailing, `{"activation":"muster"}`, muster.MailByMuster, ""},
			{locking, "", "", ""},
			{locking, `{"activation":"muster"}`, muster.MailByMuster, ""},
			{locking, `{"activation":"target"}`, "", muster.Unsupported},
			{unmarked, `{"activation":"muster"}`, "", muster.Unsupported},
			{unmarked, `{"activation":"them"}`, "", muster.Invalid},
		} {
			n := provision.NewTarget{Name: uuid.NewString(), Kind: c.kind.Name, Config: json.RawMessage(`{"instance":"x"}`), Policy: json.RawMessage(c.policy), Paused: true}
			view, err := y.provision.CreateTarget(y.t.Context(), y.caller, n)
			if muster.CodeOf(err) != c.code || view.Policy.Activation != c.want {
				y.t.Errorf("%s %s: %q, %v", c.kind.Name, c.policy, view.Policy.Activation, err)
			}
			if err != nil {
				if f := muster.Faults(err)[0].Field; f != "policy.activation" {
					y.t.Errorf("%s %s: the fault is of %q", c.kind.Name, c.policy, f)
				}
				continue
			}
			_, err = y.provision.ChangeTarget(y.t.Context(), y.caller, view.ID, provision.TargetChange{Policy: json.RawMessage(`{"attempts":3}`)})
			now, nerr := y.provision.Target(y.t.Context(), y.caller, view.ID)
			if err != nil || nerr != nil || now.Policy.Activation != c.want {
				y.t.Errorf("%s %s, changed otherwise: %q, %v", c.kind.Name, c.policy, now.Policy.Activation, err)
			}
		}
	})
}

// The directory of the house: accounts are their rows, with a password besides.
func TestAccountsHeldHere(t *testing.T) {
	eachYard(t, func(y *yard) {
		view, err := y.provision.CreateTarget(y.t.Context(), y.caller, provision.NewTarget{Name: "here", Kind: "directory", Policy: json.RawMessage(`{"on_delete":"delete"}`)})
		if err != nil || view.Policy.Activation != muster.MailByMuster {
			y.t.Fatal(view.Policy, err)
		}
		if err := y.provision.CheckTarget(y.t.Context(), y.caller, view.ID); err != nil {
			y.t.Errorf("check: %v", err)
		}
		ann := y.enrol("username=ann email=ann@x.test last_name=Lee")[0]
		job := y.mailedFor(ann, 1)
		if a := y.account(ann); a.ExternalID != ann.ID.String() || a.Username != "ann" || a.Pushed["enabled"] != true {
			y.t.Errorf("account %+v", a)
		}
		if err := y.provision.SetPassword(y.t.Context(), job.Tenant, job.Account, chosen); err != nil {
			y.t.Fatal(err)
		}
		good := func(password string) bool {
			var c store.CredentialRow
			err := y.store.View(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) (err error) {
				c, err = tx.Credential(ann.Seq)
				return err
			})
			if muster.CodeOf(err) == muster.NotFound {
				return false
			}
			if err != nil {
				y.t.Fatal(err)
			}
			ok, _, err := secret.CheckPassword(y.t.Context(), c.Hash, password)
			if err != nil {
				y.t.Fatal(err)
			}
			return ok
		}
		if !good(chosen) || good("another") {
			y.t.Error("the password is not the one that was set")
		}
		y.change(ann, "username=anna last_name=Martin")
		y.change(ann, "state=suspended")
		y.settled()
		if a := y.account(ann); a.Username != "anna" || a.Pushed["enabled"] == true || a.Pushed.Text("last_name") != "Martin" || a.ExternalID != ann.ID.String() {
			y.t.Errorf("changed: %+v", a)
		}
		if _, err := y.provision.Deliver(y.t.Context(), y.caller, y.account(ann).ID); err != nil { // all of it is told again
			y.t.Fatal(err)
		}
		y.settled()
		y.change(ann, "state=deleted")
		y.settled()
		if a := y.account(ann); a.State != muster.ReleasedAccount || a.Activation.State != muster.NoActivation || good(chosen) {
			y.t.Errorf("deleted: %+v, and the password is there: %v", a, good(chosen))
		}
		y.change(ann, "state=active")
		y.mailedFor(ann, 2)
		if got := y.failures(); len(got) > 0 {
			y.t.Errorf("failures %v", got)
		}
	})
}

// What keeps somebody from being reminded is said.
func TestRemindingNobody(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(mailing, `{"states":["staged","active"]}`)
		people := y.enrol("username=ann", "username=bo email=bo@x.test state=staged", "username=cy email=cy@x.test")
		y.settled()
		for i, want := range []muster.Code{muster.Required, muster.Policy, ""} {
			if err := y.remind(people[i]); muster.CodeOf(err) != want {
				y.t.Errorf("%s: %v", people[i].Username, err)
			}
		}
		y.until("cy is mailed twice", func() bool { return len(s.Mails()) == 2 })
		y.settled()
		if _, err := y.provision.ChangeTarget(y.t.Context(), y.caller, s.view.ID, provision.TargetChange{Policy: json.RawMessage(`{"activation":"none"}`)}); err != nil {
			y.t.Fatal(err)
		}
		if err := y.remind(people[2]); muster.CodeOf(err) != muster.Policy {
			y.t.Errorf("where nobody mails: %v", err)
		}
		stranger := y.caller
		stranger.Grants = nil
		if _, err := y.provision.Remind(y.t.Context(), stranger, y.account(people[2]).ID); muster.CodeOf(err) != muster.Forbidden {
			y.t.Errorf("without the right: %v", err)
		}
		if err := y.provision.Look(y.t.Context(), stranger, s.view.ID); muster.CodeOf(err) != muster.Forbidden {
			y.t.Errorf("looking without the right: %v", err)
		}
		if _, err := y.provision.Remind(y.t.Context(), y.caller, people[0].ID); muster.CodeOf(err) != muster.NotFound {
			y.t.Errorf("an account that is not there: %v", err)
		}
	})
}
