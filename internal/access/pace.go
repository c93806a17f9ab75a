package access

import (
	"sync"
	"time"
)

// Load is what else a process is at, as hashing sees it.
type Load int

const (
	Idle Load = iota // nothing
	Busy             // work that may want the cores, or wait for something
	Bulk             // work that goes as fast as the cores let it, and those of a database on the same machine
)

// A pace says how long the hashing of passwords in line is to rest between two hashes, so that it has all cores while there is nothing else to do here
// and leaves them to other work when there is. There is no way to ask for a low priority inside a process, and what a database server does on the same
// cores cannot be seen from here: so it goes by what is known to be under way. Of work that may as well wait for something, a hash that takes longer than
// it might says that somebody else wants the cores.
//
// Hashing never ceases: whatever is under way, workers rest for a bounded multiple of what a hash took.
type pace struct {
	load func() Load

	mu    sync.Mutex
	share float64       // of the cores, that all workers together may use
	best  time.Duration // what a hash takes that nothing disturbs
}

const (
	leastShare = 0.05 // of all cores, while others want them
	crowded    = 1.4  // a hash that takes so many times as long as it might was disturbed
)

// newPace gives the pace of as many workers as there are cores to the process.
func newPace(load func() Load) *pace { return &pace{load: load, share: 1} }

// after says how long a worker rests after a hash that took so long.
func (p *pace) after(took time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.best == 0 || took < p.best {
		p.best = took
	}
	switch load := p.load(); {
	case load == Idle:
		p.share *= 2
	case load == Bulk, float64(took) > crowded*float64(p.best):
		p.share = leastShare
	default:
		p.share *= 1.1
	}
	p.share = min(max(p.share, leastShare), 1)
	// The rest is to what the hash took, not to what it costs: where everything takes longer, a hash would else always be under way.
	return time.Duration(float64(took) * (1/p.share - 1))
}
