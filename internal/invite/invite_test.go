package invite_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/invite/invitetest"
	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Zq7-canary-password"

func ana() muster.Draft {
	return muster.Draft{"first_name": "Ana", "last_name": "Souza", "email": "ana@example.org"}
}

func ticketState(o *invitetest.Office, token string) invite.TicketState {
	o.T.Helper()
	ticket, err := o.Invite.Ticket(o.T.Context(), token)
	if err != nil {
		if muster.CodeOf(err) != muster.NotFound {
			o.T.Fatal(err)
		}
		return "unknown"
	}
	return ticket.State
}

// counted gives numbers from the database.
func counted(o *invitetest.Office, query string) (n int) {
	o.T.Helper()
	if err := o.Store.Handle().QueryRowContext(o.T.Context(), query).Scan(&n); err != nil {
		o.T.Fatal(err)
	}
	return n
}

func TestAMailMakesAnAccountItsPersons(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		var set []string
		o.OnPassword(func(_, chosen string) error { set = append(set, chosen); return nil })
		person, m := o.Mailed(ana())
		if m.Subject != "Activez votre compte – School" || !m.Encrypted || m.From != "accounts@hugo.example" {
			t.Errorf("subject %q, encrypted %v, from %q", m.Subject, m.Encrypted, m.From)
		}
		for _, text := range []string{"Ana Souza", "ana.souza001", "School", "pendant 3 jours"} {
			if !strings.Contains(m.Text, text) || !strings.Contains(m.HTML, text) {
				t.Errorf("the mail does not say %q:\n%s\n%s", text, m.Text, m.HTML)
			}
		}
		token := invitetest.Token(t, m)
		if !strings.Contains(m.HTML, `href="`+invitetest.PublicURL+"/ticket/"+token+`"`) {
			t.Errorf("the HTML has another link: %s", m.HTML)
		}
		a := o.Account(person).Activation
		if a.By != muster.MailByMuster || !a.SentAt.Equal(o.Clock.Now()) || !a.ExpiresAt.Equal(o.Clock.Now().Add(3*24*time.Hour)) {
			t.Errorf("activation %+v", a)
		}

		ticket, err := o.Invite.Ticket(t.Context(), token)
		if err != nil || ticket.State != invite.TicketOpen || ticket.Username != "ana.souza001" || ticket.Name != "Ana Souza" || ticket.Tenant != "School" {
			t.Errorf("ticket %+v, %v", ticket, err)
		}
		if got := o.Account(person).Activation; got.State != muster.ActivationSent {
			t.Errorf("looking at the ticket made the activation %s", got.State)
		}
		if err := o.Invite.SetPassword(t.Context(), token, password); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(set, []string{password}) || o.Account(person).Activation.State != muster.ActivationDone {
			t.Errorf("passwords set %d, activation %+v", len(set), o.Account(person).Activation)
		}
		if err := o.Invite.SetPassword(t.Context(), token, password+"2"); muster.CodeOf(err) != muster.Gone {
			t.Errorf("a second use: %v", err)
		}
		if after, err := o.Invite.Ticket(t.Context(), token); err != nil || after.State != invite.TicketUsed || after.Name != "" || after.Username != "" {
			t.Errorf("after its use the ticket is %+v, %v", after, err)
		}
		if len(set) != 1 || len(o.Sink.Messages()) != 1 {
			t.Errorf("%d passwords, %d mails", len(set), len(o.Sink.Messages()))
		}
		keepsSecrets(o, token)
	})
}

// keepsSecrets looks for what must be nowhere: in the log, and on SQLite in the files of the database.
func keepsSecrets(o *invitetest.Office, token string) {
	o.T.Helper()
	places := map[string]string{"the log": o.Log()}
	if o.Store.Engine() == store.SQLite {
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(o.Store.DSN() + suffix)
			if err != nil {
				o.T.Fatal(err)
			}
			places["the database"+suffix] = string(content)
		}
	}
	for place, text := range places {
		for _, hidden := range []string{token, password, invitetest.SMTPPassword} {
			if strings.Contains(text, hidden) {
				o.T.Errorf("%s holds %q", place, hidden)
			}
		}
	}
}

func TestMailsSpeakTheLanguageOfTheirReader(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		for locale, subject := range map[string]string{"en": "Activate", "en-GB": "Activate", "fr-CH": "Activez", "de": "Activez", "": "Activez", "fr": "Activez"} {
			email := fmt.Sprintf("p%x@example.org", locale)
			_, m := o.Mailed(muster.Draft{"first_name": "Ana", "email": email, "locale": locale})
			if !strings.HasPrefix(m.Subject, subject) {
				t.Errorf("%q reads %q", locale, m.Subject)
			}
			if ticket, err := o.Invite.Ticket(t.Context(), invitetest.Token(t, m)); err != nil || subject == "Activate" && ticket.Locale != "en" || locale == "de" && ticket.Locale != "" {
				t.Errorf("%q has the ticket %+v, %v", locale, ticket, err)
			}
		}
	})
}

// The process dies between the server's yes and our record of it: the mail goes out again, the same one, and that is known.
func TestAMailIsRepeatedOnlyAfterADeath(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Stop()
		died := make(chan struct{})
		var once sync.Once
		o.Run(func(i *invite.Invite) {
			i.AfterAnswer(func() {
				once.Do(func() { close(died) })
				panic("killed")
			})
		})
		person := o.Enrol(ana())[0]
		storetest.Await(t, died, "the death of the process")
		o.Stop()
		if got := o.Account(person).Activation.State; got != muster.ActivationOwed {
			t.Fatalf("after the death the activation is %s", got)
		}
		first := o.Sink.Messages()
		if len(first) != 1 {
			t.Fatalf("%d mails before the death", len(first))
		}
		// The link of the mail that arrived works already.
		if got := ticketState(o, invitetest.Token(t, first[0])); got != invite.TicketOpen {
			t.Errorf("its ticket is %s", got)
		}

		o.Clock.Advance(3 * time.Minute) // on PostgreSQL another process may hold the claim that long
		o.Run(nil)
		o.UntilState(person, muster.ActivationSent)
		all := o.Sink.Messages()
		if len(all) != 2 {
			t.Fatalf("%d mails", len(all))
		}
		if all[0].ID() != all[1].ID() || all[0].ID() == "" || invitetest.Token(t, all[0]) != invitetest.Token(t, all[1]) {
			t.Errorf("the repeat has %s instead of %s, or another link", all[1].ID(), all[0].ID())
		}
		if n := counted(o, "SELECT repeats FROM mail"); n != 1 {
			t.Errorf("%d repeats are noted", n)
		}
		if n := counted(o, "SELECT count(*) FROM audit WHERE action = 'mail.repeat'"); n != 1 {
			t.Errorf("%d repeats are in the audit", n)
		}
		if err := o.Invite.SetPassword(t.Context(), invitetest.Token(t, all[0]), password); err != nil {
			t.Errorf("the link: %v", err)
		}
	})
}

func TestARefusedMailFailsAndIsSentAnewOnRequest(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Sink.Refuse(func(stage mailtest.Stage, address string) error {
			if stage == mailtest.AtRecipient && address == "ana@example.org" {
				return mailtest.Reply(550, "no such user here")
			}
			return nil
		})
		person := o.Enrol(ana())[0]
		o.UntilState(person, muster.ActivationFailed)
		account := o.Account(person)
		if e := account.Activation.LastError; e == nil || e.Field != "email" || !strings.Contains(e.Message, "no such user here") {
			t.Errorf("the reason is %+v", e)
		}
		if len(o.Sink.Messages()) != 0 {
			t.Error("it was sent all the same")
		}
		o.Mailed(muster.Draft{"first_name": "Bo", "email": "bo@example.org"}) // one bad address stops nobody else

		o.Sink.Refuse(nil)
		if _, err := o.Provision.Remind(t.Context(), o.Caller, account.ID); err != nil {
			t.Fatal(err)
		}
		o.UntilState(person, muster.ActivationSent)
		if n := len(o.Sink.Messages()); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestAMailThatIsPutOffIsTriedAgain(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		var tries atomic.Int64
		o.Sink.Refuse(func(stage mailtest.Stage, _ string) error {
			if stage == mailtest.AtRecipient && tries.Add(1) <= 2 {
				return mailtest.Reply(451, "greylisted, try again later")
			}
			return nil
		})
		person := o.Enrol(ana())[0]
		for n := int64(1); n <= 2; n++ {
			o.Until("put off", func() bool {
				return tries.Load() == n && counted(o, fmt.Sprintf("SELECT count(*) FROM mail WHERE owner IS NULL AND attempts = %d AND last_error IS NOT NULL", n)) == 1
			})
			if got := o.Account(person).Activation.State; got != muster.ActivationOwed {
				t.Fatalf("after %d tries the activation is %s", n, got)
			}
			if err := o.Invite.Sweep(t.Context()); err != nil || tries.Load() != n {
				t.Errorf("it was tried again at once: %d, %v", tries.Load(), err)
			}
			o.Clock.Advance(5 * time.Minute)
		}
		o.UntilState(person, muster.ActivationSent)
		if n := counted(o, "SELECT repeats FROM mail"); n != 0 {
			t.Errorf("%d repeats are noted, though no mail was taken twice", n)
		}
	})
}

func TestAMailThatIsPutOffForEverFails(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Sink.Refuse(func(stage mailtest.Stage, _ string) error {
			if stage == mailtest.AtContent {
				return mailtest.Reply(452, "mailbox full")
			}
			return nil
		})
		person := o.Enrol(ana())[0]
		begun := o.Clock.Now()
		o.Until("given up", func() bool {
			o.Clock.Advance(10 * time.Minute)
			if err := o.Invite.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			return o.Account(person).Activation.State == muster.ActivationFailed
		})
		if e := o.Account(person).Activation.LastError; e == nil || !strings.Contains(e.Message, "mailbox full") {
			t.Errorf("the reason is %+v", e)
		}
		if took := o.Clock.Now().Sub(begun); took < 24*time.Hour {
			t.Errorf("it was given up after %s", took)
		}
	})
}

func TestAServerThatIsDownKeepsMailsWaiting(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Sink.Stop()
		people := o.Enrol(ana(), muster.Draft{"first_name": "Bo", "email": "bo@example.org"})
		o.Until("it was tried", func() bool { return strings.Contains(o.Log(), "the mail server cannot be used") })
		o.Until("both wait", func() bool { return counted(o, "SELECT count(*) FROM mail WHERE state = 'waiting'") == 2 })
		for range 40 { // far longer than any single mail is tried
			o.Clock.Advance(3 * time.Hour)
			if err := o.Invite.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := counted(o, "SELECT count(*) FROM mail WHERE state = 'waiting' AND attempts = 0"); n != 2 {
			t.Errorf("%d of 2 mails wait with nothing against them", n)
		}
		o.Sink.Restart()
		o.Clock.Advance(10 * time.Minute)
		for _, p := range people {
			o.UntilState(p, muster.ActivationSent)
		}
		if a := o.Account(people[0]).Activation; a.ExpiresAt.Before(o.Clock.Now().Add(2 * 24 * time.Hour)) {
			t.Errorf("the link's life began before it was sent: %s at %s", a.ExpiresAt, o.Clock.Now())
		}
		if n := len(o.Sink.Messages()); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestALoginThatIsRefusedKeepsMailsWaiting(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		o.Sink.Refuse(func(stage mailtest.Stage, _ string) error {
			if stage == mailtest.AtLogin {
				return mailtest.Reply(535, "who are you")
			}
			return nil
		})
		person := o.Enrol(ana())[0]
		o.Until("it was tried", func() bool { return strings.Contains(o.Log(), "refuses our login") })
		o.Sink.Refuse(nil)
		o.Clock.Advance(10 * time.Minute)
		o.UntilState(person, muster.ActivationSent)
		keepsSecrets(o, invitetest.Token(t, o.Sink.Messages()[0]))
	})
}

func TestEverybodyGetsOneMail(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		if o.Store.Engine() == store.Postgres {
			o.Run(nil) // a second process
		}
		drafts := make([]muster.Draft, 60)
		for n := range drafts {
			drafts[n] = muster.Draft{"first_name": "Ana", "last_name": "Souza", "email": fmt.Sprintf("ana%d@example.org", n)}
		}
		o.Enrol(drafts...)
		o.Until("all are mailed", func() bool {
			return counted(o, "SELECT count(*) FROM account WHERE activation = 'sent'") == len(drafts)
		})
		seen, links := map[string]int{}, map[string]bool{}
		for _, m := range o.Sink.Messages() {
			seen[m.To[0]]++
			links[invitetest.Token(t, m)] = true
		}
		if len(seen) != len(drafts) || len(links) != len(drafts) || len(o.Sink.Messages()) != len(drafts) {
			t.Errorf("%d mails to %d people with %d links", len(o.Sink.Messages()), len(seen), len(links))
		}
	})
}

func TestOneOfManyUsesATicket(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		var set atomic.Int64
		o.OnPassword(func(string, string) error { set.Add(1); return nil })
		_, m := o.Mailed(ana())
		token := invitetest.Token(t, m)
		answers := make(chan error, 20)
		begin := make(chan struct{})
		for n := range 20 {
			go func() {
				<-begin
				answers <- o.Invite.SetPassword(t.Context(), token, fmt.Sprintf("%s-%d", password, n))
			}()
		}
		close(begin)
		taken := 0
		for range 20 {
			err := storetest.Await(t, answers, "an answer")
			switch code := muster.CodeOf(err); {
			case err == nil:
				taken++
			case code != muster.Conflict && code != muster.Gone:
				t.Errorf("an answer is %v", err)
			}
		}
		if taken != 1 || set.Load() != 1 {
			t.Errorf("%d of 20 were taken, the target was told %d times", taken, set.Load())
		}
	})
}

func TestAPasswordThatIsNotTakenLeavesTheTicket(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		person, m := o.Mailed(ana())
		token := invitetest.Token(t, m)
		calls := 0
		o.OnPassword(func(string, string) error {
			switch calls++; calls {
			case 1:
				return connector.Permanent(muster.Errorf(muster.Invalid, "password", "This password is on a list of stolen ones."))
			case 2:
				return errors.New("something odd")
			}
			return nil
		})
		for _, c := range []struct {
			password string
			code     muster.Code
			field    string
		}{
			{"", muster.Required, "password"},
			{"1234567", muster.Policy, "password"},
			{strings.Repeat("a", 257), muster.TooLong, "password"},
			{"with\x00zero-byte", muster.Invalid, "password"},
			{"bad\xff-utf8-text", muster.Invalid, "password"},
			{password, muster.Invalid, "password"}, // the target refuses it
			{password, muster.Unavailable, ""},
		} {
			err := o.Invite.SetPassword(t.Context(), token, c.password)
			if fault := muster.Faults(err); err == nil || fault[0].Code != c.code || fault[0].Field != c.field {
				t.Errorf("%q: %v", c.password, err)
			}
			if c.password != "" && err != nil && strings.Contains(err.Error(), c.password) {
				t.Errorf("the password is in %q", err)
			}
			if got := ticketState(o, token); got != invite.TicketOpen {
				t.Errorf("after %q the ticket is %s", c.password, got)
			}
		}
		if got := o.Account(person).Activation.State; got != muster.ActivationPending {
			t.Errorf("after a refused password the activation is %s", got)
		}
		if err := o.Invite.SetPassword(t.Context(), token, "éèàùœ€ñ8"); err != nil { // eight characters, more bytes
			t.Errorf("at last: %v", err)
		}
		o.UntilState(person, muster.ActivationDone)
	})
}

func TestTicketsEnd(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		person, m := o.Mailed(ana())
		old := invitetest.Token(t, m)
		o.Clock.Advance(3*24*time.Hour - time.Second)
		if got := ticketState(o, old); got != invite.TicketOpen {
			t.Errorf("a second before its end it is %s", got)
		}
		o.Clock.Advance(time.Second)
		if got := ticketState(o, old); got != invite.TicketExpired {
			t.Errorf("at its end it is %s", got)
		}
		if err := o.Invite.SetPassword(t.Context(), old, password); muster.CodeOf(err) != muster.Gone {
			t.Errorf("it is used all the same: %v", err)
		}

		if _, err := o.Provision.Remind(t.Context(), o.Caller, o.Account(person).ID); err != nil {
			t.Fatal(err)
		}
		o.Until("a new mail", func() bool { return len(o.Sink.Messages()) == 2 })
		o.UntilState(person, muster.ActivationSent)
		fresh := invitetest.Token(t, o.Sink.Messages()[1])
		if fresh == old || o.Sink.Messages()[1].ID() == m.ID() {
			t.Error("the reminder is the old mail")
		}
		if got := ticketState(o, old); got != "unknown" {
			t.Errorf("the old link is %s", got)
		}

		if results, err := o.Roster.Retire(t.Context(), o.Caller, "left", []roster.Wish{{Person: person.ID}}); err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		if got := ticketState(o, fresh); got != invite.TicketWithdrawn {
			t.Errorf("the link of somebody who left is %s", got)
		}
		if err := o.Invite.SetPassword(t.Context(), fresh, password); muster.CodeOf(err) != muster.Gone {
			t.Errorf("somebody who left sets a password: %v", err)
		}
	})
}

func TestTokensCannotBeMade(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		_, m := o.Mailed(ana())
		token := invitetest.Token(t, m)
		other := byte('a')
		if token[0] == other {
			other = 'b'
		}
		for _, made := range []string{
			"", "x", string(other) + token[1:], token[:42], token + "a", token[:42] + " ", strings.ToUpper(token), strings.ToLower(token), token[1:] + token[:1],
			"' OR 1=1 --", strings.Repeat("é", 43), "../../v1/people", strings.Repeat("a", 100_000),
		} {
			if made == token {
				continue
			}
			if _, err := o.Invite.Ticket(t.Context(), made); muster.CodeOf(err) != muster.NotFound {
				t.Errorf("%.50q opens something: %v", made, err)
			}
			if err := o.Invite.SetPassword(t.Context(), made, password); muster.CodeOf(err) != muster.NotFound {
				t.Errorf("%.50q sets a password: %v", made, err)
			}
		}
		if got := ticketState(o, token); got != invite.TicketOpen {
			t.Errorf("the real one is %s", got)
		}
	})
}

func TestNamesDoNoHarmInMails(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		_, m := o.Mailed(muster.Draft{"display_name": `<b onmouseover="x()">Ana</b> & Co`, "email": "ana@example.org", "username": "ana"})
		if strings.Contains(m.HTML, "<b ") || !strings.Contains(m.HTML, "&lt;b onmouseover=") {
			t.Errorf("the HTML is %s", m.HTML)
		}
		if !strings.Contains(m.Text, "& Co") {
			t.Errorf("the text is %s", m.Text)
		}
	})
}

// A wish that comes again, as a job does whose process died, makes no second mail.
func TestTheSameWishIsMetOnce(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		person, m := o.Mailed(ana())
		var nonce int64
		if err := o.Store.Handle().QueryRowContext(t.Context(), "SELECT nonce FROM mail").Scan(&nonce); err != nil {
			t.Fatal(err)
		}
		args := provision.ActivationArgs{Tenant: o.Caller.Tenant, Account: o.Account(person).Seq, Nonce: nonce}
		if err := o.Invite.Activation(t.Context(), args); err != nil {
			t.Fatal(err)
		}
		if n := counted(o, "SELECT count(*) FROM mail"); n != 1 {
			t.Errorf("%d mails", n)
		}
		if got := ticketState(o, invitetest.Token(t, m)); got != invite.TicketOpen {
			t.Errorf("the ticket is %s", got)
		}
		// Another wish for an account that waits for nothing is dropped when its turn comes.
		if err := o.Invite.SetPassword(t.Context(), invitetest.Token(t, m), password); err != nil {
			t.Fatal(err)
		}
		args.Nonce++
		if err := o.Invite.Activation(t.Context(), args); err != nil {
			t.Fatal(err)
		}
		o.Until("dropped", func() bool { return counted(o, "SELECT count(*) FROM mail WHERE state = 'dropped'") == 1 })
		if n := len(o.Sink.Messages()); n != 1 {
			t.Errorf("%d mails were sent", n)
		}
	})
}
