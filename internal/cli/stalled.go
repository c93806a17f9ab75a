package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/musterid/muster"
)

const (
	patience    = 5 * time.Second  // that nothing moves, before the targets are asked why
	reasonsWait = 10 * time.Second // for their answer; who does not get it asks again
)

// stalled says what the targets have to say for it while accounts do not come forward.
type stalled struct {
	now func() time.Time // nil is time.Now

	lock  sync.Mutex // of the follower's bar as well: what is told stands above it
	seen  movement
	since time.Time         // when it came to be as it was seen, or the targets were asked last
	told  map[string]string // by target, what was said of it last
}

// movement is what changes when an account is through.
type movement struct {
	waits        bool
	final, total int64
}

// movementOf says how far the accounts of a batch are, and whether they are what is waited for.
func movementOf(b batchView) movement {
	accounts := b
	if b.Kind == muster.ImportBatch {
		if b.Provision == nil || !settled(b, false) {
			return movement{}
		}
		accounts = *b.Provision
	}
	return movement{waits: !settled(accounts, false), final: accounts.Counts.final(), total: accounts.Total}
}

// note takes down how far a batch is. The lock is held.
func (w *stalled) note(b batchView) {
	if m := movementOf(b); m != w.seen || w.since.IsZero() {
		w.seen, w.since = m, w.clock()
	}
}

func (w *stalled) clock() time.Time {
	if w.now == nil {
		return time.Now()
	}
	return w.now()
}

// due says whether the targets are to be asked now.
func (w *stalled) due() bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	if !w.seen.waits {
		return false
	}
	now := w.clock()
	if now.Sub(w.since) < patience {
		return false
	}
	w.since = now
	return true
}

// attend tells of targets that keep accounts waiting, until the function that it gives is called.
func (f *follower) attend() (stop func()) {
	ctx, cancel := context.WithCancel(f.s.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(cmp.Or(f.pause, lookAgain))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if f.stalled.due() {
				f.askTargets(ctx)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

type hinderingTarget struct {
	targetView
	Until string `json:"until"`
}

// askTargets tells what is new of the targets. Who may not see them, or gets no answer, is told nothing.
func (f *follower) askTargets(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reasonsWait)
	defer cancel()
	var targets []hinderingTarget
	_, err := f.client.Each(ctx, "/v1/targets", nil, 0, func(raw json.RawMessage) error {
		t, err := as[hinderingTarget](raw)
		targets = append(targets, t)
		return err
	})
	if err != nil {
		return
	}
	f.stalled.lock.Lock()
	defer f.stalled.lock.Unlock()
	if !f.stalled.seen.waits {
		return // it went on meanwhile
	}
	told := map[string]string{}
	for _, t := range targets {
		reason, line := f.hindrance(t)
		if reason == "" {
			continue
		}
		if told[t.ID] = reason; f.stalled.told[t.ID] != reason {
			f.bar.above(clean(line))
		}
	}
	f.stalled.told = told
}

// hindrance says why a target keeps accounts waiting: the reason, by which one is known from the next, and the whole line.
func (f *follower) hindrance(t hinderingTarget) (reason, line string) {
	switch {
	case t.Paused:
		return "paused", f.s.t.Sprintf("%s is paused, and its accounts wait. To let it go on: muster targets resume %s", t.Name, t.Name)
	case t.Message == "":
		return "", ""
	case t.Until == "":
		return t.Message, f.s.t.Sprintf("%s is in trouble, and its accounts wait: %s", t.Name, t.Message)
	}
	return t.Message, f.s.t.Sprintf("%s is in trouble, and its accounts wait until %s at least: %s", t.Name, local8601(t.Until, time.TimeOnly), t.Message)
}
