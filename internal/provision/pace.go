package provision

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// errStopped is given to calls that had not begun when a round stopped: their accounts stay due.
var errStopped = errors.New("provision: nothing more is begun")

// paced is a connector as one round uses it: every call has a time limit of its own, and waits for its turn where the target has a rate.
type paced struct {
	connector.Connector
	turns    *turns // nil without a rate
	begin    context.Context
	timeout  time.Duration
	answered atomic.Bool // the target did what it was asked, or said why not
}

func (c *paced) Find(ctx context.Context, q connector.Query) (a connector.Account, err error) {
	err = c.call(ctx, func(ctx context.Context) error {
		a, err = c.Connector.Find(ctx, q)
		return err
	})
	return a, err
}

func (c *paced) Apply(ctx context.Context, s connector.Step) (a connector.Account, err error) {
	err = c.call(ctx, func(ctx context.Context) error {
		a, err = c.Connector.Apply(ctx, s)
		return err
	})
	return a, err
}

// paced gives the connector of a target for calls that begin as long as a context lasts.
func (p *Provision) paced(begin context.Context, t *store.TargetRow, conn connector.Connector) *paced {
	return &paced{Connector: conn, turns: p.turnsOf(t), begin: begin, timeout: time.Duration(max(t.Policy.TimeoutSecs, 1)) * time.Second}
}

// power gives what a connector can do beyond the four methods, or false when it cannot.
func power[T any](c connector.Connector) (T, bool) {
	for {
		switch outer := c.(type) {
		case *paced:
			c = outer.Connector
		case *opened:
			c = outer.Connector
		default:
			can, ok := c.(T)
			return can, ok
		}
	}
}

func (c *paced) call(ctx context.Context, f func(context.Context) error) error {
	if c.turns != nil {
		if err := c.turns.wait(c.begin); err != nil {
			return err
		}
	}
	if c.begin.Err() != nil {
		return errStopped
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := f(ctx)
	if err == nil || errors.Is(err, connector.ErrNotFound) || errors.Is(err, connector.ErrExists) || connector.Verdict(err).Permanent {
		c.answered.Store(true)
	}
	return err
}

// turns gives the calls of one process their places in the sequence that a target's rate allows over all processes.
type turns struct {
	reserve func(ctx context.Context, n int) (time.Time, error)
	step    time.Duration
	atOnce  int           // how many places are reserved together
	lock    chan struct{} // holds one token; waiting for it ends with the context

	left int
	next time.Time
	last time.Time // when the last call began: no call begins sooner than a step after it
}

// turnsOf is nil for a target without a rate.
func (p *Provision) turnsOf(t *store.TargetRow) *turns {
	if t.Policy.Rate <= 0 {
		return nil
	}
	step := time.Duration(float64(time.Second) / t.Policy.Rate)
	return &turns{
		step: step, atOnce: max(1, int(t.Policy.Rate/10)), lock: make(chan struct{}, 1),
		reserve: func(ctx context.Context, n int) (from time.Time, err error) {
			err = p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error {
				from, err = tx.ReserveCalls(t.Seq, n, step)
				return err
			})
			return from, err
		},
	}
}

// wait returns when one more call may begin, or with errStopped when ctx has ended first.
func (s *turns) wait(ctx context.Context) error {
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return errStopped
	}
	defer func() { <-s.lock }()
	if s.left == 0 || time.Since(s.next) > s.step { // places that have passed unused are given up, or they would all be taken at once
		from, err := s.reserve(ctx, s.atOnce)
		if ctx.Err() != nil {
			return errStopped
		}
		if err != nil {
			return err
		}
		s.next, s.left = from, s.atOnce
	}
	at := s.next
	if earliest := s.last.Add(s.step); at.Before(earliest) {
		at = earliest
	}
	if waitUntil(ctx, at) != nil {
		return errStopped
	}
	s.next, s.left, s.last = s.next.Add(s.step), s.left-1, time.Now()
	return nil
}

func waitUntil(ctx context.Context, at time.Time) error {
	pause := time.Until(at)
	if pause <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
