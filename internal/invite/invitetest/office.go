// Package invitetest is a whole office for tests of mails and of the pages they lead to: a directory, accounts that are made on a target, a mail
// server that keeps what it is sent, and the real packages between them.
//
// Begin with Each. What is tested is internal/invite and internal/api/pages.
package invitetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// The login that the office's mail server demands, and where the links lead.
const (
	SMTPUsername = "muster"
	SMTPPassword = "Zq7-canary-smtp"
	PublicURL    = "https://accounts.hugo.example/base"
)

// Office is a directory whose people are written to.
type Office struct {
	T         *testing.T
	Store     *store.Store
	Clock     *storetest.Clock
	Sink      *mailtest.Sink
	Roster    *roster.Roster
	Provision *provision.Provision
	Invite    *invite.Invite
	Engine    *batch.Engine // of imports, which internal/intake works through
	Target    provision.TargetView
	Server    *rehearsal.Server // what the target has
	Caller    muster.Caller
	Key       secret.Key
	Stop      func() // ends the process that was started last

	log      bytes.Buffer
	mu       sync.Mutex
	password func(externalID, password string) error
}

// Each runs a test on both engines, with a clock that only the test moves and a mail server that wants STARTTLS and a login.
func Each(t *testing.T, f func(o *Office)) {
	t.Helper()
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		o := &Office{T: t, Store: st, Clock: clock, Server: rehearsal.NewServer(), Key: secret.NewKey()}
		o.Sink = mailtest.Start(t, mailtest.WithSTARTTLS(), mailtest.WithLogin(SMTPUsername, SMTPPassword))
		o.Caller = muster.Caller{Tenant: storetest.Tenant, Name: "key:test", Surface: "native", Grants: muster.AdminScope.Grants()}
		o.Run(nil)
		var err error
		o.Target, err = o.Provision.CreateTarget(t.Context(), o.Caller, provision.NewTarget{
			Name: "accounts", Kind: "office", Config: json.RawMessage("{}"), Policy: json.RawMessage(`{"activation":"muster","activation_days":3}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		f(o)
	})
}

// Run starts a process of the office, which works until Stop or the end of the test. prepare, when it is given, has the Invite before it works.
func (o *Office) Run(prepare func(*invite.Invite)) {
	o.T.Helper()
	log := slog.New(slog.NewTextHandler(writer{o}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := queue.Options{
		Engine: string(o.Store.Engine()), DSN: o.Store.DSN(), Log: log, PollInterval: 50 * time.Millisecond,
		Workers: map[string]int{batch.Lane: 2, provision.FollowLane: 2, provision.DeliverLane: 2, invite.Lane: 2},
	}
	if o.Store.Engine() == store.SQLite {
		options.Writer = o.Store.Handle()
	}
	q, err := queue.Open(o.T.Context(), options)
	if err != nil {
		o.T.Fatal(err)
	}
	server, err := mail.New(mail.Options{
		Address: o.Sink.Addr(), Roots: o.Sink.Roots(), Username: SMTPUsername, Password: SMTPPassword, From: "Lycée Hugo <accounts@hugo.example>",
	})
	if err != nil {
		o.T.Fatal(err)
	}
	o.Engine, o.Roster = batch.New(o.Store, q, o.Key, log), roster.New(o.Store, q)
	intake.New(o.Store, o.Engine, o.Roster)
	o.Provision = provision.New(provision.Options{
		Store: o.Store, Queue: q, Roster: o.Roster, Key: o.Key, Kinds: []connector.Kind{o.kind()}, Log: log, CanMail: true,
	})
	o.Invite = invite.New(invite.Options{
		Store: o.Store, Queue: q, Provision: o.Provision, Key: o.Key, Mail: server, PublicURL: func() string { return PublicURL + "/" }, Locale: "fr", Place: o.place, Log: log,
	})
	if prepare != nil {
		prepare(o.Invite)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	provisioned := o.Provision
	go func() { ended <- q.Run(ctx) }()
	o.Stop = sync.OnceFunc(func() {
		stop()
		if err := errors.Join(<-ended, provisioned.Close(), q.Close()); err != nil {
			o.T.Errorf("stop: %v", err)
		}
	})
	o.T.Cleanup(o.Stop)
}

// place has imports of the surface "desk" be called by their number, and read there.
func (o *Office) place(b muster.Batch) (p invite.Place, ok bool) {
	return invite.Place{Name: fmt.Sprint("D", b.Seq), Path: fmt.Sprint("/desk/", b.Seq), Quiet: "quiet=true"}, b.Surface == "desk"
}

// writer keeps the log.
type writer struct{ o *Office }

func (w writer) Write(p []byte) (int, error) {
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	return w.o.log.Write(p)
}

// Log is what was logged so far.
func (o *Office) Log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

// kind is a target over a rehearsal server that asks the test about passwords.
func (o *Office) kind() connector.Kind {
	return connector.Kind{
		Name: "office", Label: "Office", Config: func() any { return &struct{}{} }, Powers: connector.Powers{Marker: true, Rename: true, Passwords: true},
		Open: func(context.Context, any, connector.Environment) (connector.Connector, error) {
			return &target{Connector: o.Server.Connector(), office: o}, nil
		},
	}
}

type target struct {
	connector.Connector
	office *Office
}

// SetPassword implements connector.PasswordSetter.
func (c *target) SetPassword(_ context.Context, externalID, password string) error {
	c.office.mu.Lock()
	answer := c.office.password
	c.office.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(externalID, password)
}

// OnPassword has f answer for the target when a password is set there.
func (o *Office) OnPassword(f func(externalID, password string) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.password = f
}

// Enrol makes people, who get an account on the target, from drafts.
func (o *Office) Enrol(drafts ...muster.Draft) []store.PersonRow {
	o.T.Helper()
	results, err := o.Roster.Enrol(o.T.Context(), o.Caller, true, drafts)
	if err != nil {
		o.T.Fatal(err)
	}
	people := make([]store.PersonRow, len(results))
	for i, r := range results {
		if r.Err != nil {
			o.T.Fatal(r.Err)
		}
		people[i] = r.Person
	}
	return people
}

// Account is the account of a person; its seq is 0 while there is none.
func (o *Office) Account(p store.PersonRow) (view provision.AccountView) {
	o.T.Helper()
	views, err := o.Provision.AccountsOf(o.T.Context(), o.Caller, []int64{p.Seq})
	if err != nil {
		o.T.Fatal(err)
	}
	if list := views[p.Seq]; len(list) > 0 {
		view = list[0]
	}
	return view
}

// Until waits for something to become so.
func (o *Office) Until(what string, so func() bool) {
	o.T.Helper()
	deadline, tick := time.NewTimer(storetest.Patience), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			o.T.Fatalf("%s: not so after %s; the log:\n%s", what, storetest.Patience, o.Log())
		case <-tick.C:
		}
	}
}

// UntilState waits until the activation of a person's account is in a state.
func (o *Office) UntilState(p store.PersonRow, state muster.ActivationState) {
	o.T.Helper()
	o.Until("activation "+string(state), func() bool { return o.Account(p).Activation.State == state })
}

// Token is the secret of the link in a mail.
func Token(t testing.TB, m mailtest.Message) string {
	t.Helper()
	for _, link := range m.Links() {
		if token, ok := strings.CutPrefix(link, PublicURL+"/ticket/"); ok {
			return token
		}
	}
	t.Fatalf("no link in %q", m.Text)
	return ""
}

// Mailed enrols somebody and gives the mail they got, once that has been recorded.
func (o *Office) Mailed(draft muster.Draft) (store.PersonRow, mailtest.Message) {
	o.T.Helper()
	person := o.Enrol(draft)[0]
	o.UntilState(person, muster.ActivationSent)
	email, _ := draft["email"].(string)
	list := o.Sink.Messages()
	for n := range list {
		if m := list[len(list)-1-n]; m.To[0] == email {
			return person, m
		}
	}
	o.T.Fatalf("nothing was sent to %s", email)
	return person, mailtest.Message{}
}
