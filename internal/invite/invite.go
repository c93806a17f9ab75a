// Package invite writes to people: the mail by which somebody makes an account theirs, and the ticket that its link is; and the one that tells
// whoever sent an import what became of it.
//
// What is to be mailed is decided elsewhere (internal/provision for accounts, internal/intake for imports); here a wish becomes a row of the table mail in one transaction, and
// is sent from there until the mail server has taken it or refuses it for good. A mail is sent twice only when the process died, or the
// connection did, between the server's yes and our record of it: then with the same Message-ID and the same link, because the link's token is
// derived and not made anew, and the repeat is counted.
//
// SMTP is internal/mail's, the pages that the links lead to are internal/api/pages'. Reading goes: activation.go (a wish becomes a mail), send.go
// (mails are sent), letter.go and report.go (what they say), ticket.go (what the link may do).
package invite

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/lang"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// Lane is the lane of the queue that this package works in.
const Lane = "mail"

// sendJob is the kind of the job that sends what is due. It has no arguments.
const sendJob = "mail"

const (
	sweepInterval = time.Second         // how often a process looks for mails that became due
	keepMail      = 90 * 24 * time.Hour // how long it is remembered what became of a mail
)

// Options are what an Invite works with.
type Options struct {
	Store     *store.Store
	Queue     *queue.Queue
	Provision *provision.Provision
	Key       secret.Key   // tokens are derived from it
	Mail      *mail.Server // nil: no mail server is set; mails wait
	// PublicURL is where people reach this server, without a slash at its end. It is asked when a mail is sent.
	PublicURL func() string
	// Locale is the language, fr or en, of people of whom none of these is known.
	Locale string
	// PasswordMin is the least number of characters of a password that is chosen here. Default: 8.
	PasswordMin int
	// Place says where an import stands on the surface that it came over; ok is false where that is the native API. nil: it always is.
	Place func(b muster.Batch) (p Place, ok bool)
	Log   *slog.Logger
}

// Place is where the results of an import are read, in the words of a surface.
type Place struct {
	Name  string // of the import
	Path  string // under PublicURL, of its results
	Quiet string // what to send with an import so that nobody is mailed, such as quiet=true
}

// Invite writes to people.
type Invite struct {
	store       *store.Store
	queue       *queue.Queue
	provision   *provision.Provision
	key         secret.Key
	server      *mail.Server
	publicURL   func() string
	locale      string
	passwordMin int
	place       func(b muster.Batch) (Place, bool)
	log         *slog.Logger

	node    string
	claims  atomic.Int64
	started atomic.Bool // the first sweep is over

	mu       sync.Mutex
	failures int       // of the mail server as a whole, in a row
	rest     time.Time // until when it is left alone

	sent func() // of tests: called between the server's answer and our record of it
}

// New makes an Invite and registers its jobs.
func New(o Options) *Invite {
	i := &Invite{
		store: o.Store, queue: o.Queue, provision: o.Provision, key: o.Key, server: o.Mail, publicURL: o.PublicURL, locale: lang.Of(o.Locale).Tag(),
		passwordMin: o.PasswordMin, place: o.Place, log: o.Log, node: uuid.NewString(),
	}
	if i.passwordMin == 0 {
		i.passwordMin = 8
	}
	if i.log == nil {
		i.log = slog.Default()
	}
	i.queue.Handle(provision.ActivationJob, Lane, func(ctx context.Context, raw json.RawMessage) error {
		var args provision.ActivationArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("invite: arguments of job: %w", err)
		}
		return i.activation(ctx, args)
	})
	i.queue.Handle(intake.ReportJob, Lane, func(ctx context.Context, raw json.RawMessage) error {
		var args intake.ReportArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("invite: arguments of job: %w", err)
		}
		return i.report(ctx, args)
	})
	i.queue.Handle(sendJob, Lane, func(ctx context.Context, _ json.RawMessage) error { return i.drive(ctx) })
	i.queue.Every(sweepInterval, "mails that are due", i.sweep)
	i.queue.Every(time.Hour, "mails sent long ago", i.forget)
	return i
}

// Locale is the language of people of whom none is known.
func (i *Invite) Locale() string { return i.locale }

// wake has due mails sent once the transaction is durable.
func (i *Invite) wake(tx *store.Tx) error {
	tx.AfterCommit(i.queue.Nudge)
	return i.queue.Enqueue(tx.Context(), tx.SQL(), sendJob, struct{}{}, queue.Once())
}

// sweep has mails sent that became due by themselves: those put off, and what a process left that died. At a start over SQLite every claim is left:
// nobody else can be at it.
func (i *Invite) sweep(ctx context.Context) error {
	if !i.started.Swap(true) && i.store.Engine() == store.SQLite {
		if err := i.store.Update(ctx, store.Everyone, func(tx *store.Tx) error { return tx.FreeMail() }); err != nil {
			return err
		}
	}
	if i.server == nil || i.resting() {
		return nil
	}
	due, err := i.due(ctx)
	if err != nil || !due {
		return err
	}
	return i.store.Update(ctx, store.Everyone, i.wake)
}

// due says whether a mail waits that nobody is at.
func (i *Invite) due(ctx context.Context) (due bool, err error) {
	err = i.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		due, err = tx.MailIsDue()
		return err
	})
	return due, err
}

// forget deletes what became of mails long ago.
func (i *Invite) forget(ctx context.Context) error {
	for {
		var n int
		err := i.store.Update(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			n, err = tx.SweepMail(tx.Now().Add(-keepMail), 1000)
			return err
		})
		if err != nil || n < 1000 {
			return err
		}
	}
}
