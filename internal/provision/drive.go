package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

const (
	driveTime = 10 * time.Second // how long one job delivers before it lets others have the worker
	leaseTime = 20 * time.Second // of a claim; with the sweep, this bounds how long accounts rest after their process died
	renewTime = 6 * time.Second
	rounds    = 16              // how many accounts are claimed at once, in times of the target's concurrency
	mostTime  = 2 * time.Second // how long those claimed at once take at the target's rate: what is urgent waits as long
)

// A delivery is one claimed account with what is to be made of it.
type delivery struct {
	account store.AccountRow
	person  store.PersonRow
	wanted  muster.Record
	claimed time.Time

	// What came of it:
	change muster.Change
	state  muster.ItemState // pending when it is to be tried again
	reason *muster.Error
	taken  bool // the generated username is a stranger's
	fresh  bool // the account was made for this person, so its activation begins
	active bool // it was found, and its person uses it
}

// drive delivers what is due to one target, and has it send the mails that are due, at its pace, until nothing is due, the target is in trouble, or the time is up.
func (p *Provision) drive(ctx context.Context, args deliverArgs) error {
	owner, ok := p.begin(args.Target)
	if !ok {
		return nil
	}
	defer p.end(args.Target)
	for until := p.store.Now().Add(driveTime); ctx.Err() == nil; {
		if p.store.Now().After(until) {
			return p.store.Update(ctx, args.Tenant, func(tx *store.Tx) error { return p.wake(tx, args.Target) })
		}
		more, err := p.round(ctx, args, owner)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// round claims some accounts and delivers them, and has some mails sent. more says that it is worth looking again.
func (p *Provision) round(ctx context.Context, args deliverArgs, owner string) (more bool, err error) {
	var t store.TargetRow
	err = p.store.View(ctx, args.Tenant, func(tx *store.Tx) (err error) {
		t, err = tx.TargetBySeq(args.Target)
		return err
	})
	if muster.CodeOf(err) == muster.NotFound {
		p.open.forget(args.Target) // deleted meanwhile
		return false, nil
	}
	if err != nil || t.Paused || t.Until.After(p.store.Now()) {
		return false, err
	}
	conn, done, err := p.use(ctx, &t)
	if err != nil {
		return false, p.trouble(ctx, &t, err)
	}
	defer done()
	list, err := p.claim(ctx, &t, owner)
	if err != nil {
		return false, err
	}
	if len(list) > 0 {
		if more, err = p.deliverAll(ctx, &t, conn, list, owner); err != nil || !more {
			return false, err
		}
	}
	invited, err := p.inviteSome(ctx, &t, conn, owner)
	return more && err == nil || invited, err
}

// atOnce is how many accounts are claimed at a time.
func atOnce(t *store.TargetRow) int {
	most := max(t.Policy.Concurrency, 1) * rounds
	if t.Policy.Rate > 0 {
		most = min(most, max(1, int(t.Policy.Rate*mostTime.Seconds())))
	}
	return most
}

// claim takes accounts and works out what is to be made of each, in one short transaction.
func (p *Provision) claim(ctx context.Context, t *store.TargetRow, owner string) (list []*delivery, err error) {
	err = p.store.Bulk(ctx, t.Tenant, func(tx *store.Tx) error {
		list = nil
		accounts, err := tx.ClaimAccounts(t.Seq, owner, tx.Now().Add(leaseTime), atOnce(t))
		if err != nil || len(accounts) == 0 {
			return err
		}
		people := make([]int64, len(accounts))
		for i, a := range accounts {
			people[i] = a.Person
		}
		rows, err := tx.People(people)
		if err != nil {
			return err
		}
		groups, err := groupCodes(tx, people)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			row, present := rows[a.Person]
			if !present {
				return fmt.Errorf("provision: account %d is of nobody", a.Seq)
			}
			list = append(list, &delivery{account: a, person: row, wanted: wanted(&row, t, groups[a.Person]), claimed: tx.Now(), state: muster.PendingItem})
		}
		return nil
	})
	return list, err
}

// deliverAll works on claimed accounts at the target's concurrency and settles each as soon as it is done.
func (p *Provision) deliverAll(ctx context.Context, t *store.TargetRow, conn connector.Connector, list []*delivery, owner string) (more bool, err error) {
	accounts := make([]int64, len(list))
	for i, d := range list {
		accounts[i] = d.account.Seq
	}
	return work(ctx, p, t, conn, shift[*delivery]{
		list:   list,
		do:     func(ctx context.Context, conn *paced, d *delivery) error { return p.deliver(ctx, t, conn, d) },
		settle: func(ctx context.Context, group []*delivery) error { return p.settle(ctx, t, group) },
		renew:  func(tx *store.Tx) error { return tx.RenewAccounts(accounts, owner, tx.Now().Add(leaseTime)) },
	})
}

// A shift is claimed work on one target, piece by piece. The error of do is only for what keeps the whole target from being worked with; everything
// else is the piece's. What was not begun is settled too, as it was claimed.
type shift[T any] struct {
	list   []T
	do     func(ctx context.Context, conn *paced, piece T) error
	settle func(ctx context.Context, group []T) error
	renew  func(tx *store.Tx) error // the claims, while they are worked on
}

// work does a shift at the target's pace and concurrency, and settles each piece as soon as it is done. more says that the target may be worked with
// further.
func work[T any](ctx context.Context, p *Provision, t *store.TargetRow, conn connector.Connector, s shift[T]) (more bool, err error) {
	intake, stop := context.WithCancel(ctx) // what has begun is finished; nothing new begins after stop
	defer stop()
	release := p.store.Keep(ctx, t.Tenant, renewTime, s.renew, func(err error) { p.log.Error("renew claims", "target", t.Seq, "error", err) })
	defer release()
	calls := p.paced(intake, t, conn)
	todo, results := make(chan T, len(s.list)), make(chan T, len(s.list))
	for _, piece := range s.list {
		todo <- piece
	}
	close(todo)
	var troubled sync.Once
	var trouble error
	var workers sync.WaitGroup
	for range min(max(t.Policy.Concurrency, 1), len(s.list)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for piece := range todo {
				if intake.Err() == nil {
					if err := s.do(ctx, calls, piece); err != nil {
						troubled.Do(func() { trouble = err; stop() })
					}
				}
				results <- piece
			}
		}()
	}
	err = settleAll(ctx, len(s.list), results, s.settle)
	release()
	workers.Wait()
	err = errors.Join(err, p.well(ctx, t, calls))
	if trouble != nil {
		return false, errors.Join(err, p.trouble(context.WithoutCancel(ctx), t, trouble))
	}
	return err == nil, err
}

// well notes that a target that was in trouble has answered.
func (p *Provision) well(ctx context.Context, t *store.TargetRow, calls *paced) error {
	if t.Failures == 0 || !calls.answered.Load() {
		return nil
	}
	t.Failures = 0
	return p.store.Update(context.WithoutCancel(ctx), t.Tenant, func(tx *store.Tx) error { return tx.TargetWell(t.Seq) })
}

// settleAll records pieces as they come, as many at a time as are there.
func settleAll[T any](ctx context.Context, n int, results <-chan T, settle func(ctx context.Context, group []T) error) error {
	var failed error
	for n > 0 {
		group := []T{<-results}
		for len(group) < n {
			select {
			case piece := <-results:
				group = append(group, piece)
				continue
			default:
			}
			break
		}
		n -= len(group)
		// What was done must be recorded also when we are stopping.
		if err := settle(context.WithoutCancel(ctx), group); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
