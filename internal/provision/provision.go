// Package provision makes and keeps accounts on targets: it works out which accounts people are to have, delivers what is owed at the pace a
// target bears, decides whose account is whose, and records what happened.
//
// An account row is the unit of work: it is due or not, and leased by whoever delivers it. An item of a provision batch is the record of one
// delivery that somebody asked for. What is delivered is always computed from the person as they are then, so a step that was overtaken has
// nothing to do.
//
// How to speak to a target is internal/connector's. Rules of people and usernames are internal/roster's. Start at follow.go (what is owed)
// and order.go (what somebody asks for), then drive.go (the loop of one target) and deliver.go (one account).
package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// Options are what a Provision works with.
type Options struct {
	Store  *store.Store
	Queue  *queue.Queue
	Roster *roster.Roster
	Key    secret.Key // seals the settings of targets
	Kinds  []connector.Kind
	Log    *slog.Logger
	// CanMail says that Muster can send mail: ActivationJob is handled, and a mail server is set. Otherwise nobody is mailed by Muster, and accounts
	// wait to be activated some other way.
	CanMail bool
}

// Provision makes and keeps accounts.
type Provision struct {
	store  *store.Store
	queue  *queue.Queue
	roster *roster.Roster
	key    secret.Key
	kinds  []connector.Kind
	log    *slog.Logger
	node   string
	open   pool

	canMail bool

	working sync.WaitGroup
	started atomic.Bool // the first sweep is over
	mu      sync.Mutex
	driving map[int64]bool // targets that this process delivers to now
	looking map[int64]bool // targets whose activations it reads back now
	drives  int64
}

// Lanes of the queue that this package works in.
const (
	FollowLane  = "accounts"
	DeliverLane = "targets"
)

// deliverJob is the kind of the job that delivers to one target.
const deliverJob = "deliver"

type deliverArgs struct {
	Tenant int64 `json:"tenant"`
	Target int64 `json:"target"`
}

// sweepInterval is how often a process looks for accounts that became due: retries, targets that rest no longer, and what another process left.
const sweepInterval = time.Second

// New makes a Provision and registers its jobs.
func New(o Options) *Provision {
	p := &Provision{
		store: o.Store, queue: o.Queue, roster: o.Roster, key: o.Key, log: o.Log, node: uuid.NewString(), driving: map[int64]bool{},
		looking: map[int64]bool{}, open: pool{list: map[int64]*opened{}}, canMail: o.CanMail,
	}
	p.kinds = append(slices.Clone(o.Kinds), p.directory())
	p.queue.Handle(roster.AccountsJob, FollowLane, func(ctx context.Context, raw json.RawMessage) error {
		var args roster.AccountsArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("provision: arguments of job: %w", err)
		}
		if args.Batch != 0 {
			return p.followBatch(ctx, args.Tenant, args.Batch)
		}
		return p.followPeople(ctx, args)
	})
	p.queue.Handle(deliverJob, DeliverLane, func(ctx context.Context, raw json.RawMessage) error {
		var args deliverArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("provision: arguments of job: %w", err)
		}
		return p.drive(ctx, args)
	})
	p.queue.Handle(orderJob, FollowLane, p.handleOrder)
	p.queue.Every(sweepInterval, "accounts that are due", p.sweep)
	p.queue.Every(sweepInterval, "activations to read back", p.sweepLooks)
	return p
}

// Close ends the connections to targets. It is called after the queue's Run has returned.
func (p *Provision) Close() error {
	p.working.Wait()
	return p.open.close()
}

// wake has a target's due accounts delivered once the transaction is durable.
func (p *Provision) wake(tx *store.Tx, target int64) error {
	tx.AfterCommit(p.queue.Nudge)
	return p.queue.Enqueue(tx.Context(), tx.SQL(), deliverJob, deliverArgs{Tenant: tx.Tenant(), Target: target}, queue.Once())
}

// restTime is how long the following of an import may stand still before it counts as left: its job died with its process.
const restTime = 5 * time.Second

// sweepFollowing has imports followed, and orders run, whose job is gone. At a start over SQLite all of them are: nobody else can be at it.
func (p *Provision) sweepFollowing(ctx context.Context) error {
	rest := restTime
	if !p.started.Swap(true) && p.store.Engine() == store.SQLite {
		rest = 0
	}
	if err := p.sweepOrders(ctx); err != nil {
		return err
	}
	var left []store.Abandoned
	err := p.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		left, err = tx.UnfollowedBatches(tx.Now().Add(-rest))
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range left {
		if err := p.store.Update(ctx, a.Tenant, func(tx *store.Tx) error { return p.roster.AccountsOfBatch(tx, a.Batch) }); err != nil {
			return err
		}
	}
	return nil
}

// sweep has every target that has work, and that this process is not at, worked on: so that retries come in time, and that all processes share
// the work of a busy target.
func (p *Provision) sweep(ctx context.Context) error {
	if err := p.sweepFollowing(ctx); err != nil {
		return err
	}
	var due []store.DueTarget
	err := p.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		due, err = tx.DueTargets()
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range due {
		if p.isDriving(d.Target) {
			continue
		}
		p.working.Add(1)
		go func() { // ctx is the queue's, so this ends with it; a slow target must not keep the next look from coming
			defer p.working.Done()
			if err := p.drive(ctx, deliverArgs(d)); err != nil && ctx.Err() == nil {
				p.log.Error("deliver to target", "target", d.Target, "error", err)
			}
		}()
	}
	return nil
}

func (p *Provision) isDriving(target int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.driving[target]
}

// begin says whether this process may deliver to a target now: one loop per process and target.
func (p *Provision) begin(target int64) (owner string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.driving[target] {
		return "", false
	}
	p.driving[target] = true
	p.drives++
	return fmt.Sprintf("%s/%d", p.node, p.drives), true
}

func (p *Provision) end(target int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.driving, target)
}
