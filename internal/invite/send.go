package invite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/store"
)

const (
	driveTime = 10 * time.Second // how long one job sends before it lets others have the worker
	leaseTime = 30 * time.Second // of a claim; this bounds how long a mail rests after its process died
	renewTime = 10 * time.Second

	// A mail that is put off is tried again after a minute, then after twice as long each time up to the longest wait: for about two days.
	firstWait   = time.Minute
	longestWait = 4 * time.Hour
	mostTries   = 20

	// A server that is down is tried again sooner: nobody's mail gets any closer to being given up by it.
	shortestRest = 5 * time.Second
	longestRest  = 5 * time.Minute
)

// drive sends what is due, one mail after the other over one connection, until nothing is, the mail server is in trouble, or the time is up.
func (i *Invite) drive(ctx context.Context) error {
	if i.server == nil {
		return nil
	}
	var conn *mail.Connection
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for until := i.store.Now().Add(driveTime); ctx.Err() == nil && !i.resting(); {
		if i.store.Now().After(until) {
			return i.store.Update(ctx, store.Everyone, i.wake)
		}
		if conn == nil || !conn.Usable() {
			due, err := i.due(ctx)
			if err != nil || !due {
				return err
			}
			if conn, err = i.connect(ctx, conn); err != nil {
				return err
			}
			if conn == nil {
				return nil
			}
		}
		m, ok, err := i.claim(ctx)
		if err != nil || !ok {
			return err
		}
		if err := i.attempt(ctx, conn, m); err != nil {
			return err
		}
	}
	return nil
}

// connect opens a connection in the place of one that is used no more. It gives none when the server cannot be used now.
func (i *Invite) connect(ctx context.Context, old *mail.Connection) (*mail.Connection, error) {
	if old != nil {
		old.Close()
	}
	conn, err := i.server.Connect(ctx)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	i.trouble(err)
	return nil, nil
}

// claim takes the mail that has been due the longest.
func (i *Invite) claim(ctx context.Context) (m store.MailRow, ok bool, err error) {
	owner := fmt.Sprintf("%s/%d", i.node, i.claims.Add(1))
	err = i.store.Update(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		m, ok, err = tx.ClaimMail(owner, tx.Now().Add(leaseTime))
		return err
	})
	return m, ok, err
}

// attempt tries to send one claimed mail and records what came of it, also when we are stopping: what the server has answered is not to be asked
// again.
func (i *Invite) attempt(ctx context.Context, conn *mail.Connection, m store.MailRow) error {
	defer i.keep(ctx, m)()
	l, wanted, err := i.letter(ctx, m)
	record := context.WithoutCancel(ctx)
	switch {
	case err != nil:
		m.Trying = false
		return errors.Join(err, i.putOff(record, m, i.store.Now().Add(firstWait), nil))
	case !wanted:
		return i.drop(record, m, l.account)
	}
	err = conn.Send(ctx, l.message)
	if i.sent != nil && err == nil {
		i.sent()
	}
	if err == nil {
		i.well()
		return i.settle(record, m, func(tx *store.Tx, m *store.MailRow) error { return i.taken(tx, m, l) })
	}
	var f *mail.Failure
	if !errors.As(err, &f) {
		return errors.Join(err, i.putOff(record, m, i.store.Now().Add(firstWait), nil))
	}
	return i.refused(ctx, m, l, f)
}

// keep renews the claim of a mail until what it gives is called: a server may think long about one.
func (i *Invite) keep(ctx context.Context, m store.MailRow) (release func()) {
	renew := func(tx *store.Tx) error { return tx.RenewMail(m.Seq, m.Owner, tx.Now().Add(leaseTime)) }
	return i.store.Keep(ctx, m.Tenant, renewTime, renew, func(err error) {
		i.log.Error("renew the claim of a mail", "mail", m.Seq, "error", err)
	})
}

// taken notes that the mail server has the mail. The life of its link, where it has one, begins now.
func (i *Invite) taken(tx *store.Tx, m *store.MailRow, l letter) error {
	m.State = store.MailSent
	action := "mail.send"
	if m.Repeats > 0 {
		action = "mail.repeat" // the one before may have arrived too
	}
	if err := note(tx, action, l); err != nil || m.Batch != 0 {
		return err
	}
	expires := tx.Now().Add(l.life)
	if err := tx.TicketSent(m.Ticket, m.Rotation, expires); err != nil {
		return err
	}
	return i.provision.Mailed(tx, l.account, expires)
}

// refused notes why the mail server does not have it.
func (i *Invite) refused(ctx context.Context, m store.MailRow, l letter, f *mail.Failure) error {
	record := context.WithoutCancel(ctx)
	switch {
	case f.Verdict == mail.Down:
		if ctx.Err() == nil {
			i.trouble(f)
		}
		m.Attempts--
		m.Trying = f.Unsure // then the next attempt counts as a repeat
		return i.putOff(record, m, i.store.Now(), f.Reason)
	case f.Verdict == mail.Again && m.Attempts < mostTries:
		i.well()
		m.Trying = false
		return i.putOff(record, m, i.store.Now().Add(waitAfter(m.Attempts)), f.Reason)
	}
	i.well()
	return i.settle(record, m, func(tx *store.Tx, m *store.MailRow) error {
		m.State, m.LastError = store.MailFailed, f.Reason
		if m.Batch != 0 {
			i.log.Warn("the report of an import could not be mailed", "batch", m.Batch, "reason", f.Reason.Message)
			return nil
		}
		// An attempt before may have arrived without our knowing: its link ends too.
		if err := tx.TicketSent(m.Ticket, m.Rotation, tx.Now().Add(l.life)); err != nil {
			return err
		}
		return i.provision.MailFailed(tx, l.account, f.Reason)
	})
}

// drop ends a mail that nobody is to have any longer. When somebody wished for it meanwhile it waits again: it is not known which came first, the
// wish or our look. nobody is the account whose person may not have it now, 0 when there is another reason.
func (i *Invite) drop(ctx context.Context, m store.MailRow, nobody int64) error {
	return i.settle(ctx, m, func(tx *store.Tx, row *store.MailRow) error {
		now, err := tx.LockMail(row.Seq)
		if err != nil {
			return err
		}
		if row.State = store.MailDropped; now.Nonce != m.Nonce {
			row.State, row.Attempts, row.Due = store.MailWaiting, 0, tx.Now()
			return i.wake(tx)
		}
		if nobody == 0 {
			return nil
		}
		return i.provision.NobodyToMail(tx, nobody)
	})
}

// settle writes the end of a mail with what it means. A mail that has another owner by now, and one whose account is gone, is left to that.
func (i *Invite) settle(ctx context.Context, m store.MailRow, end func(tx *store.Tx, m *store.MailRow) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return i.store.Update(ctx, m.Tenant, func(tx *store.Tx) error {
		row := m
		row.Trying, row.Due, row.LastError = false, time.Time{}, nil
		gone := tx.Try(func() error { return end(tx, &row) })
		if gone != nil && muster.CodeOf(gone) != muster.NotFound {
			return gone
		}
		ours, err := tx.SettleMail(row)
		if err == nil && !ours {
			return errNotOurs
		}
		return err
	})
}

// errNotOurs ends a transaction for a mail that somebody else sends by now.
var errNotOurs = errors.New("invite: the claim of a mail ran out before its end was recorded")

// putOff gives a mail back, to be tried again. m.Trying says whether the attempt may have succeeded.
func (i *Invite) putOff(ctx context.Context, m store.MailRow, due time.Time, reason *muster.Error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	m.State, m.Due, m.LastError = store.MailWaiting, due, reason
	return i.store.Update(ctx, m.Tenant, func(tx *store.Tx) error {
		_, err := tx.SettleMail(m)
		return err
	})
}

// waitAfter is how long a mail waits that was put off so many times, give or take a fifth, so that many do not come back at once.
func waitAfter(tries int) time.Duration {
	wait := longestWait
	if tries < 9 {
		wait = min(firstWait<<max(tries-1, 0), longestWait)
	}
	return wait - wait/10 + rand.N(wait/5)
}

// trouble has the mail server left alone for a while, longer each time.
func (i *Invite) trouble(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failures++
	rest := longestRest
	if i.failures < 7 {
		rest = min(shortestRest<<(i.failures-1), longestRest)
	}
	i.rest = i.store.Now().Add(rest)
	i.log.Warn("the mail server cannot be used; mails wait", "error", strings.TrimPrefix(err.Error(), "mail: "), "again_in", rest)
}

// well notes that the mail server answers.
func (i *Invite) well() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.failures > 0 {
		i.log.Info("the mail server takes mail again")
	}
	i.failures, i.rest = 0, time.Time{}
}

func (i *Invite) resting() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.rest.After(i.store.Now())
}
