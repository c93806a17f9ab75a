package provision

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// A look asks a target how far the people of its open activations have come. It comes a minute after a mail, and while nothing changes half as
// often each time, down to once an hour. Of targets that cannot tell, it only ends what has expired.
const (
	firstLook  = time.Minute
	slowLook   = time.Hour
	lookRows   = 500
	looksAlong = 10 // of the time of one call, for a question about lookRows accounts
)

// Look has a target asked now how far people have come with their accounts, instead of when its turn comes.
func (p *Provision) Look(ctx context.Context, caller muster.Caller, target uuid.UUID) error {
	if err := access.Can(caller, muster.WritePeople); err != nil {
		return err
	}
	return p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		t, err := tx.Target(target)
		if err != nil {
			return err
		}
		return tx.LookBy(t.Seq, tx.Now(), firstLook)
	})
}

// sweepLooks begins the looks that are due.
func (p *Provision) sweepLooks(ctx context.Context) error {
	var due []store.LookDue
	err := p.store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		due, err = tx.DueLooks()
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range due {
		if !p.beginLook(l.Target) {
			continue
		}
		p.working.Add(1)
		go func() { // ctx is the queue's, so this ends with it
			defer p.working.Done()
			defer p.endLook(l.Target)
			if err := p.lookAt(ctx, l); err != nil && ctx.Err() == nil {
				p.log.Error("look at the activations of a target", "target", l.Target, "error", err)
			}
		}()
	}
	return nil
}

func (p *Provision) beginLook(target int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looking[target] {
		return false
	}
	p.looking[target] = true
	return true
}

func (p *Provision) endLook(target int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.looking, target)
}

// A gaze is one look at one target while it lasts. The time of the next look is its claim: who finds another one there has lost it.
type gaze struct {
	p       *Provision
	t       store.TargetRow
	conn    *paced
	asks    connector.Activator // nil when the target cannot tell
	claim   time.Time
	wait    time.Duration // between the look before and this one
	changed bool
	ended   bool // the life of a mail was found to be over
}

// lookAt reads back how far the people of a target's open activations have come.
func (p *Provision) lookAt(ctx context.Context, l store.LookDue) error {
	g := &gaze{p: p, claim: l.Due, wait: max(l.Wait, firstLook)}
	err := p.store.View(ctx, l.Tenant, func(tx *store.Tx) (err error) {
		g.t, err = tx.TargetBySeq(l.Target)
		return err
	})
	if err != nil {
		if muster.CodeOf(err) == muster.NotFound {
			return nil // deleted meanwhile
		}
		return err
	}
	if ours, err := g.hold(ctx, nil); err != nil || !ours {
		return err
	}
	conn, done, err := p.use(ctx, &g.t)
	if err != nil {
		return p.trouble(ctx, &g.t, err)
	}
	defer done()
	g.conn = p.paced(ctx, &g.t, conn)
	g.conn.timeout *= looksAlong
	if kind, err := p.kind(g.t.Kind); err == nil && kind.Powers.Activation {
		g.asks, _ = power[connector.Activator](conn)
	}
	return g.read(ctx)
}

// read goes through the open activations, page by page.
func (g *gaze) read(ctx context.Context) error {
	for after := int64(0); ctx.Err() == nil; {
		var rows []store.AccountRow
		err := g.p.store.View(ctx, g.t.Tenant, func(tx *store.Tx) (err error) {
			rows, err = tx.OpenActivations(g.t.Seq, after, lookRows)
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return g.end(ctx)
		}
		after = rows[len(rows)-1].Seq
		progress, err := g.ask(ctx, rows)
		if err != nil {
			return g.broken(ctx, err)
		}
		if ours, err := g.hold(ctx, func(tx *store.Tx) (bool, error) { return g.record(tx, rows, progress) }); err != nil || !ours {
			return err
		}
	}
	return ctx.Err()
}

// ask gives what the target says of the people of some accounts; nothing when it cannot tell.
func (g *gaze) ask(ctx context.Context, rows []store.AccountRow) (map[string]connector.Progress, error) {
	if g.asks == nil {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ExternalID
	}
	found := make(map[string]connector.Progress, len(ids))
	err := g.conn.call(ctx, func(ctx context.Context) error {
		return g.asks.Activations(ctx, ids, func(id string, progress connector.Progress) error {
			found[id] = progress
			return nil
		})
	})
	return found, err
}

// record writes what has changed about some accounts, and says whether anything has.
func (g *gaze) record(tx *store.Tx, rows []store.AccountRow, progress map[string]connector.Progress) (changed bool, err error) {
	ended := false // writing may be repeated
	var seqs []int64
	for i := range rows {
		said, known := progress[rows[i].ExternalID]
		if _, moves := move(rows[i].Activation, said, known, tx.Now()); moves {
			seqs = append(seqs, rows[i].Seq)
		}
	}
	now, err := tx.LockAccounts(seqs)
	if err != nil {
		return false, err
	}
	for i := range now {
		said, known := progress[now[i].ExternalID]
		next, moves := move(now[i].Activation, said, known, tx.Now())
		if !moves {
			continue
		}
		now[i].Activation, changed = next, true
		ended = ended || next.State == muster.ActivationExpired
		if err := tx.SaveActivation(&now[i]); err != nil {
			return false, err
		}
	}
	g.ended = g.ended || ended
	return changed, nil
}

// move is what becomes of an open activation by what the target says of its person, known or not, and by the time.
func move(a muster.Activation, said connector.Progress, known bool, now time.Time) (next muster.Activation, moves bool) {
	if !a.Open() {
		return a, false
	}
	switch next = a; {
	case known && said == connector.Activated:
		next.State, next.DoneAt = muster.ActivationDone, now
	case !a.ExpiresAt.IsZero() && !now.Before(a.ExpiresAt):
		next.State = muster.ActivationExpired
	case known && said == connector.Begun:
		next.State = muster.ActivationPending
	}
	return next, next.State != a.State
}

// hold keeps the look ours for another while, together with what is written of it. false says that it is another process's.
func (g *gaze) hold(ctx context.Context, write func(tx *store.Tx) (changed bool, err error)) (ours bool, err error) {
	var next time.Time
	var changed bool
	err = g.p.store.Update(ctx, g.t.Tenant, func(tx *store.Tx) (err error) {
		changed = false
		if write != nil {
			if changed, err = write(tx); err != nil {
				return err
			}
		}
		next = tx.Now().Add(firstLook) // no later than a mail that is sent now would have it, or that would take it away
		ours, err = tx.MoveLook(g.t.Seq, g.claim, next, g.wait)
		return err
	})
	g.claim, g.changed = next, g.changed || changed
	return ours, err
}

// end sets the time of the next look: soon when something has changed, and never when nothing is open.
func (g *gaze) end(ctx context.Context) error {
	if err := g.p.well(ctx, &g.t, g.conn); err != nil {
		return err
	}
	wait := min(2*g.wait, slowLook)
	if g.changed {
		wait = firstLook
	}
	return g.p.store.Update(ctx, g.t.Tenant, func(tx *store.Tx) error {
		// The target's row is ours first: whoever notes a mail after this sets the time anew.
		held := tx.Now().Add(firstLook)
		if ours, err := tx.MoveLook(g.t.Seq, g.claim, held, wait); err != nil || !ours {
			return err
		}
		open, err := tx.OpenActivations(g.t.Seq, 0, 1)
		if err != nil {
			return err
		}
		expires, err := tx.NextExpiry(g.t.Seq)
		if err != nil {
			return err
		}
		var next time.Time
		if len(open) > 0 && g.asks != nil {
			next = tx.Now().Add(wait)
		}
		if !expires.IsZero() && (next.IsZero() || expires.Before(next)) {
			next = expires // at once when it is over: the next look ends it
			if soon := tx.Now().Add(firstLook); g.ended && next.Before(soon) {
				next = soon // mails that went out one after the other also end so, and a look goes through all that is open
			}
		}
		_, err = tx.MoveLook(g.t.Seq, held, next, wait)
		return err
	})
}

// broken ends a look that the target did not answer: no activation has changed by it.
func (g *gaze) broken(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return nil
	}
	verdict := connector.Verdict(cause)
	down, wait := verdict.Down || verdict.After > 0, min(2*g.wait, slowLook)
	if down {
		wait = firstLook // the target rests anyway
	}
	err := g.p.store.Update(ctx, g.t.Tenant, func(tx *store.Tx) error {
		_, err := tx.MoveLook(g.t.Seq, g.claim, tx.Now().Add(wait), wait)
		return err
	})
	if err != nil {
		return err
	}
	if down {
		return g.p.trouble(ctx, &g.t, cause)
	}
	g.p.log.Warn("a target does not say how far people have come", "target", g.t.ID, "kind", g.t.Kind, "error", cause)
	return nil
}
