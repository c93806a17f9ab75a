package store

import (
	"context"
	"sync/atomic"
	"time"
)

// growth is how many people single writes have brought since the store was opened. A plan that PostgreSQL keeps from when there was nobody may read the
// whole tenant, because then all indexes cost the same. Looking at the tables again, early and ever more seldom, has all plans made anew, in every
// process. Bulk work does that itself.
type growth struct {
	n    atomic.Int64
	next atomic.Int64
}

const (
	firstLook   = 64
	lookTimes   = 4 // how many times as many there are at the next look
	lookTimeout = 30 * time.Second
)

// grewBy counts new people on PostgreSQL.
func (s *Store) grewBy(people int) {
	n, next := s.growth.n.Add(int64(people)), s.growth.next.Load()
	if n < next || !s.growth.next.CompareAndSwap(next, next*lookTimes) {
		return
	}
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closing.closed {
		return
	}
	s.done.Go(func() {
		ctx, cancel := context.WithTimeout(s.alive, lookTimeout)
		defer cancel()
		_ = s.Analyze(ctx) // the next look, or PostgreSQL's own, makes up for it
	})
}
