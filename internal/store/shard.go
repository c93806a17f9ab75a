package store

import (
	"math/rand/v2"
	"sync"
)

// countShards is over how many rows a count is spread. Who adds to a row has everybody else wait who adds to it until the commit.
const countShards = 32

// shards are the numbers of these rows that no transaction of this process has now, counted from 1. Processes take them in different orders.
type shards struct {
	sync.Mutex
	free []int
}

func newShards() *shards {
	s := &shards{free: rand.Perm(countShards)}
	for i := range s.free {
		s.free[i]++
	}
	return s
}

// take gives a number that nobody else in this process has, as long as there is one.
func (s *shards) take() int {
	s.Lock()
	defer s.Unlock()
	if len(s.free) == 0 {
		return countShards + 1 + rand.IntN(countShards) // shared with somebody
	}
	last := len(s.free) - 1
	n := s.free[last]
	s.free = s.free[:last]
	return n
}

// giveBack takes back what a transaction took, if it took any.
func (s *shards) giveBack(n *int) {
	if *n == 0 {
		return
	}
	s.Lock()
	defer s.Unlock()
	if *n <= countShards {
		s.free = append(s.free, *n)
	}
	*n = 0
}

// ownShard is where this transaction adds to counts: the same until its end.
func (tx *Tx) ownShard() int {
	if tx.shard == nil {
		return 0
	}
	if *tx.shard == 0 {
		*tx.shard = tx.store.shards.take()
	}
	return (*tx.shard - 1) % countShards
}
