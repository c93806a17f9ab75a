package app

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
)

// Hashing is told what is done beside it: a batch that is driven, accounts that follow one, a target that is waited for, a request.
func TestHashingKnowsWhatElseGoesOn(t *testing.T) {
	each(t, func(t *testing.T, c config.Config) {
		a, err := open(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if load := a.load(); load != access.Idle {
			t.Errorf("nothing goes on: load %d", load)
		}
		a.requests.Add(1)
		if load := a.load(); load != access.Busy {
			t.Errorf("during a request: load %d", load)
		}
		a.requests.Add(-1)
		seen := make(chan access.Load)
		jobs := []struct { // what is bulk work comes last: a job is still there for a moment when the next one begins
			lane string
			want access.Load
		}{{provision.DeliverLane, access.Busy}, {provision.FollowLane, access.Bulk}, {batch.Lane, access.Bulk}}
		for _, job := range jobs {
			a.queue.Handle("test_"+job.lane, job.lane, func(ctx context.Context, _ json.RawMessage) error {
				select {
				case seen <- a.load():
				case <-ctx.Done():
				}
				return nil
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		for _, job := range jobs {
			err := a.store.Update(t.Context(), store.Everyone, func(tx *store.Tx) error {
				tx.AfterCommit(a.queue.Nudge)
				return a.queue.Enqueue(tx.Context(), tx.SQL(), "test_"+job.lane, struct{}{})
			})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case load := <-seen:
				if load != job.want {
					t.Errorf("during a job in the lane %s: load %d, want %d", job.lane, load, job.want)
				}
			case err := <-ended:
				t.Fatalf("it stopped: %v", err)
			}
		}
		cancel()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	})
}
