package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api/jumpcloud"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/connector/all"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// product is Muster at work on a database, as one process runs it, without HTTP in front.
type product struct {
	store     *store.Store
	queue     *queue.Queue
	engine    *batch.Engine
	roster    *roster.Roster
	intake    *intake.Intake
	provision *provision.Provision
	key       secret.Key
	caller    muster.Caller
	taking    atomic.Int64 // files that are being taken in, each of which is a request to the binary
	stop      context.CancelFunc
	ended     chan error
}

// migrate makes the tables of a database and one tenant in it.
func migrate(ctx context.Context, o store.Options) error {
	st, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	err = st.Migrate(ctx)
	if err == nil {
		err = st.WithStartLock(ctx, func() error { return queue.Migrate(ctx, string(st.Engine()), st.Handle()) })
	}
	if err == nil {
		err = st.Update(ctx, store.Everyone, func(tx *store.Tx) error {
			return tx.CreateTenant(&muster.Tenant{Code: "bench", Name: "Bench", Settings: muster.DefaultSettings()})
		})
	}
	return errors.Join(err, st.Close())
}

// workers are the jobs that run at once in each lane, as the binary has them by default.
const workers = 4

// open starts Muster on a database that migrate has seen.
func open(ctx context.Context, o store.Options) (*product, error) {
	st, err := store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	p := &product{store: st, ended: make(chan error, 1), key: secret.NewKey()}
	p.caller = muster.Caller{Tenant: 1, Name: "key:bench", Surface: "native", Grants: muster.AdminScope.Grants()}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	qo := queue.Options{Engine: string(st.Engine()), DSN: st.DSN(), Log: log, Workers: map[string]int{batch.Lane: workers, provision.FollowLane: workers, provision.DeliverLane: workers}}
	if st.Engine() == store.SQLite {
		qo.Writer = st.Handle()
	}
	if p.queue, err = queue.Open(ctx, qo); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	p.engine, p.roster = batch.New(st, p.queue, p.key, log), roster.New(st, p.queue)
	p.intake = intake.New(st, p.engine, p.roster)
	p.intake.RegisterProfile(jumpcloud.Profile())
	p.provision = provision.New(provision.Options{Store: st, Queue: p.queue, Roster: p.roster, Key: p.key, Kinds: all.Kinds(), Log: log})
	running, stop := context.WithCancel(ctx)
	p.stop = stop
	go func() { p.ended <- p.queue.Run(running) }()
	return p, nil
}

func (p *product) close() error {
	p.stop()
	return errors.Join(<-p.ended, p.provision.Close(), p.queue.Close(), p.store.Close())
}

// load imports a file and waits for the end of the batch. It is an error when any row is not somebody new.
func (p *product) load(ctx context.Context, content io.Reader, kind string) (store.BatchRow, error) {
	b, err := p.send(ctx, content, kind)
	if c := b.Counts; err == nil && c.Created != b.Total {
		err = fmt.Errorf("bench: of %d rows came %+v", b.Total, c)
	}
	return b, err
}

// send imports a file and waits for the end of the batch. It is an error when any row fails.
func (p *product) send(ctx context.Context, content io.Reader, kind string) (store.BatchRow, error) {
	b, err := p.accept(ctx, content, kind)
	if err != nil {
		return b, err
	}
	if b, err = p.wait(ctx, b); err != nil {
		return b, err
	}
	if b.Counts.Done != b.Total || b.State != muster.Finished {
		return b, fmt.Errorf("bench: the import ended %s with %+v of %d: %s", b.State, b.Counts, b.Total, b.Message)
	}
	return b, nil
}

// accept takes a file in, to be carried out at once.
func (p *product) accept(ctx context.Context, content io.Reader, kind string) (store.BatchRow, error) {
	p.taking.Add(1)
	defer p.taking.Add(-1)
	return p.intake.Receive(ctx, p.caller, content, intake.Upload{Name: "people." + kind, Then: batch.CarryIt})
}

// wait waits for a batch to end, looking as often as a client with a progress bar does, and more often at the end of short ones.
func (p *product) wait(ctx context.Context, b store.BatchRow) (store.BatchRow, error) {
	err := p.engine.Watch(ctx, p.caller, b.ID, 20*time.Millisecond, func(now store.BatchRow) error {
		b = now
		return nil
	})
	return b, err
}

// aim makes a target that gets an account for everybody.
func (p *product) aim(ctx context.Context, kind string, config any, concurrency int) error {
	raw, err := json.Marshal(config)
	if err != nil {
		return err
	}
	policy, err := json.Marshal(map[string]any{"concurrency": concurrency, "allow": []string{"127.0.0.0/8"}, "activation": "none"})
	if err != nil {
		return err
	}
	_, err = p.provision.CreateTarget(ctx, p.caller, provision.NewTarget{Name: kind, Kind: kind, Config: raw, Policy: policy})
	return err
}

// waitForAccounts waits until the accounts that follow an import are delivered.
func (p *product) waitForAccounts(ctx context.Context, b store.BatchRow) (store.BatchRow, error) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		following, ok, err := p.engine.Following(ctx, p.caller, b)
		if err != nil {
			return following, err
		}
		if ok {
			return p.wait(ctx, following)
		}
		select {
		case <-ctx.Done():
			return following, ctx.Err()
		case <-look.C:
		}
	}
}
