package store

import (
	"context"
	"time"
)

// Keep renews a claim every so often, each time in a transaction of its own, until the function that it gives is called, which returns when the last
// renewal is over. What fails is told to failed, and tried again at the next turn.
func (s *Store) Keep(ctx context.Context, tenant int64, every time.Duration, renew func(tx *Tx) error, failed func(error)) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := s.Update(ctx, tenant, renew); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
