package invite_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/invite/invitetest"
	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// Somebody may wish for a mail again while one is given up that nobody was to have a moment before. The wish is met.
func TestAWishOutlivesTheMailThatIsDropped(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		person, first := o.Mailed(ana())
		o.Stop()
		account := o.Account(person)
		wish := func(nonce int64) {
			t.Helper()
			if err := o.Invite.Activation(t.Context(), provision.ActivationArgs{Tenant: o.Caller.Tenant, Account: account.Seq, Nonce: nonce}); err != nil {
				t.Fatal(err)
			}
		}
		wish(1)
		var m store.MailRow
		err := o.Store.Update(t.Context(), store.Everyone, func(tx *store.Tx) (err error) {
			m, _, err = tx.ClaimMail("somebody", tx.Now().Add(time.Minute))
			return err
		})
		if err != nil || m.Nonce != 1 {
			t.Fatal(m, err)
		}
		wish(2)
		if err := o.Invite.Drop(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Provision.Remind(t.Context(), o.Caller, account.ID); err != nil {
			t.Fatal(err)
		}
		wish(remindedNonce(o)) // while the mail waits, and not perhaps once it is sent, when another one would be owed
		o.Run(nil)
		o.UntilState(person, muster.ActivationSent)
		list, rows := o.Sink.Messages(), counted(o, "SELECT count(*) FROM mail")
		if len(list) != 2 || rows != 2 || invitetest.Token(t, list[1]) == invitetest.Token(t, first) {
			t.Errorf("%d mails of %d", len(list), rows)
		}
		if err := o.Invite.Drop(t.Context(), m); err == nil {
			t.Error("a mail is dropped that is another's")
		}
	})
}

// remindedNonce is that of the last wish that waits to be met.
func remindedNonce(o *invitetest.Office) int64 {
	o.T.Helper()
	var text string
	query := "SELECT cast(args AS text) FROM river_job WHERE kind = '" + provision.ActivationJob + "' ORDER BY id DESC LIMIT 1"
	if err := o.Store.Handle().QueryRowContext(o.T.Context(), query).Scan(&text); err != nil {
		o.T.Fatal(err)
	}
	var args provision.ActivationArgs
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		o.T.Fatal(err)
	}
	return args.Nonce
}

// A mail that may have arrived before it was refused has a link all the same. Its life ends like any other's.
func TestTheLinkOfAMailThatFailedEnds(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Sink.Refuse(func(stage mailtest.Stage, _ string) error {
			if stage == mailtest.AtRecipient {
				return mailtest.Reply(550, "no such user here")
			}
			return nil
		})
		person := o.Enrol(ana())[0]
		o.UntilState(person, muster.ActivationFailed)
		if n := counted(o, "SELECT count(*) FROM ticket WHERE expires IS NULL"); n != 0 {
			t.Error("the link has no end")
		}
	})
}

// Somebody is suspended while their mail waits, and active again before the target has heard of either. They are mailed all the same.
func TestSuspendedWhileTheMailWaits(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		pause := func(paused bool) {
			t.Helper()
			if _, err := o.Provision.ChangeTarget(t.Context(), o.Caller, o.Target.ID, provision.TargetChange{Paused: &paused}); err != nil {
				t.Fatal(err)
			}
		}
		become := func(p store.PersonRow, do func(roster.Wish) ([]roster.Result, error)) {
			t.Helper()
			if results, err := do(roster.Wish{Person: p.ID}); err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
		}
		o.Sink.Stop()
		person := o.Enrol(ana())[0]
		o.Until("it waits", func() bool { return strings.Contains(o.Log(), "the mail server cannot be used") })
		pause(true)
		become(person, func(w roster.Wish) ([]roster.Result, error) {
			return o.Roster.Retire(t.Context(), o.Caller, "a break", []roster.Wish{w})
		})
		o.Until("the account is due", func() bool { return !o.Account(person).Due.IsZero() })
		o.Sink.Restart()
		o.Clock.Advance(10 * time.Minute)
		o.Until("the mail is given up", func() bool { return counted(o, "SELECT count(*) FROM mail WHERE state = 'dropped'") == 1 })
		become(person, func(w roster.Wish) ([]roster.Result, error) {
			return o.Roster.Restore(t.Context(), o.Caller, []roster.Wish{w})
		})
		pause(false)
		o.UntilState(person, muster.ActivationSent)
		if n := len(o.Sink.Messages()); n != 1 {
			t.Errorf("%d mails", n)
		}
	})
}
