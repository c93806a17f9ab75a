package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

const (
	lookAgain = time.Second     // after the live stream broke, between two looks
	giveUp    = 2 * time.Minute // without any answer, of a server that did answer
)

// follower waits for a batch, showing how far it is.
type follower struct {
	s      *session
	client *client.Client
	bar    *progress     // nil shows nothing
	pause  time.Duration // between two looks; 0 is lookAgain

	latest  json.RawMessage // nil until the server has answered once
	view    batchView
	arrived bool // all people were shown to be through
	stalled stalled
}

// settled says whether there is nothing to wait for. accounts says whether the account work that follows an import is waited for as well.
func settled(b batchView, accounts bool) bool {
	switch b.State {
	case muster.Ready, muster.Planned, muster.HeldBatch, muster.Failed, muster.Cancelled:
		return true
	case muster.Finished:
		return !accounts || b.Provision == nil || settled(*b.Provision, false)
	}
	return false
}

var errSettled = errors.New("settled")

// wait follows a batch until it is settled. A server that goes away for a while is waited for.
func (f *follower) wait(id string, accounts bool) (batchView, error) {
	if f.bar != nil {
		defer f.bar.end()
		defer f.attend()()
	}
	see := func(raw json.RawMessage) error {
		b, err := as[batchView](raw)
		if err != nil {
			return err
		}
		f.latest, f.view = append(json.RawMessage(nil), raw...), b
		f.stalled.lock.Lock()
		f.stalled.note(b)
		f.draw(b)
		f.stalled.lock.Unlock()
		if settled(b, accounts) {
			return errSettled
		}
		return nil
	}
	answered := time.Now()
	for {
		err := f.client.Events(f.s.ctx, escaped("batches", id, "events"), func(raw json.RawMessage) error {
			answered = time.Now()
			return see(raw)
		})
		if err == nil || !errors.Is(err, errSettled) && f.s.ctx.Err() == nil {
			err = f.look(id, see, &answered, err)
		}
		switch {
		case errors.Is(err, errSettled):
			return f.view, nil
		case f.s.ctx.Err() != nil:
			return f.view, f.interrupted(id)
		case err != nil:
			return f.view, err
		}
		select {
		case <-f.s.ctx.Done():
			return f.view, f.interrupted(id)
		case <-time.After(cmp.Or(f.pause, lookAgain)):
		}
	}
}

// look asks once, after the stream has ended. Why it ended matters only if the server does not answer for long, or says no.
func (f *follower) look(id string, see func(json.RawMessage) error, answered *time.Time, ended error) error {
	raw, err := client.Get[json.RawMessage](f.s.ctx, f.client, escaped("batches", id), nil)
	var refused *client.Refused
	switch {
	case err == nil:
		*answered = time.Now()
		return see(raw)
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		return err
	case f.latest == nil || time.Since(*answered) > giveUp:
		if ended != nil {
			return ended
		}
		return err
	}
	return nil
}

func (f *follower) interrupted(id string) error {
	if errors.Is(f.s.ctx.Err(), context.Canceled) {
		return f.s.exitf(ExitFailed, "Not waiting any longer. The server goes on by itself; to look again: muster batches watch %s", id)
	}
	return f.s.ctx.Err()
}

// draw shows where a batch is: its people first, then the accounts that follow from it.
func (f *follower) draw(b batchView) {
	if f.bar == nil {
		return
	}
	people := f.s.t.Text("People")
	if b.Kind == muster.ProvisionBatch {
		people = f.s.t.Text("Accounts")
	}
	switch b.State {
	case muster.Planning:
		f.bar.show(f.s.t.Text("Planning"), b.Total*b.Percent/100, b.Total, f.left(b))
	case muster.Planned:
		f.bar.show(f.s.t.Text("Planning"), b.Total, b.Total, f.left(b))
	case muster.Running:
		f.bar.show(people, b.Counts.final(), b.Total, f.left(b))
	case muster.Finished:
		if !f.arrived { // what came in between two looks is told too
			f.arrived = true
			f.bar.show(people, b.Counts.final(), b.Total, f.left(b))
		}
		if b.Provision != nil && b.Provision.Total > 0 {
			f.bar.show(f.s.t.Text("Accounts"), b.Provision.Counts.final(), b.Provision.Total, f.left(*b.Provision))
		}
	}
}

// left says how long it will take yet, and how many items have failed.
func (f *follower) left(b batchView) string {
	text := ""
	if b.Counts.Failed > 0 {
		text = f.s.t.Sprintf("%d failed", b.Counts.Failed)
	}
	if b.ETA > 1 {
		if text != "" {
			text += ", "
		}
		text += f.s.t.Sprintf("about %s left", shortly(time.Duration(b.ETA)*time.Second))
	}
	return text
}

// shortly writes a duration as people say it.
func shortly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
