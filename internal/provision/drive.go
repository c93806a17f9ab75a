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
}

// drive delivers what is due to one target, at its pace, until nothing is due, the target is in trouble, or the time is up.
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

// round claims some accounts and delivers them. more says that it is worth looking again.
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
	if err != nil || len(list) == 0 {
		return false, err
	}
	return p.deliverAll(ctx, &t, conn, list, owner)
}

// claim takes accounts and works out what is to be made of each, in one short transaction.
func (p *Provision) claim(ctx context.Context, t *store.TargetRow, owner string) (list []*delivery, err error) {
	most := max(t.Policy.Concurrency, 1) * rounds
	if t.Policy.Rate > 0 {
		most = min(most, max(1, int(t.Policy.Rate*mostTime.Seconds())))
	}
	err = p.store.Bulk(ctx, t.Tenant, func(tx *store.Tx) error {
		list = nil
		accounts, err := tx.ClaimAccounts(t.Seq, owner, tx.Now().Add(leaseTime), most)
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
	intake, stop := context.WithCancel(ctx) // what has begun is finished; nothing new begins after stop
	defer stop()
	claims, release := context.WithCancel(ctx)
	defer release()
	renewed := p.keepClaims(claims, t, list, owner)
	calls := &paced{Connector: conn, turns: p.turnsOf(t), begin: intake, timeout: time.Duration(max(t.Policy.TimeoutSecs, 1)) * time.Second}
	todo, results := make(chan *delivery, len(list)), make(chan *delivery, len(list))
	for _, d := range list {
		todo <- d
	}
	close(todo)
	var troubled sync.Once
	var trouble error
	var workers sync.WaitGroup
	for range min(max(t.Policy.Concurrency, 1), len(list)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for d := range todo {
				if intake.Err() == nil {
					if err := p.deliver(ctx, t, calls, d); err != nil {
						troubled.Do(func() { trouble = err; stop() })
					}
				}
				results <- d
			}
		}()
	}
	err = p.settleAll(ctx, t, len(list), results)
	release()
	workers.Wait()
	<-renewed
	if t.Failures > 0 && calls.answered.Load() {
		t.Failures = 0
		well := p.store.Update(context.WithoutCancel(ctx), t.Tenant, func(tx *store.Tx) error { return tx.TargetWell(t.Seq) })
		err = errors.Join(err, well)
	}
	if trouble != nil {
		return false, errors.Join(err, p.trouble(context.WithoutCancel(ctx), t, trouble))
	}
	return err == nil, err
}

// keepClaims renews the claims while they are worked on. The channel is closed when it has ended.
func (p *Provision) keepClaims(ctx context.Context, t *store.TargetRow, list []*delivery, owner string) <-chan struct{} {
	ended := make(chan struct{})
	accounts := make([]int64, len(list))
	for i, d := range list {
		accounts[i] = d.account.Seq
	}
	go func() {
		defer close(ended)
		ticker := time.NewTicker(renewTime)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			err := p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error { return tx.RenewAccounts(accounts, owner, tx.Now().Add(leaseTime)) })
			if err != nil && ctx.Err() == nil {
				p.log.Error("renew claims", "target", t.Seq, "error", err)
			}
		}
	}()
	return ended
}
