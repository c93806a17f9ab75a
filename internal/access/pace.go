package access

import (
	"runtime"
	"sync"
	"time"
)

// A pace says how long the hashing of passwords in line is to rest between two hashes, so that it has all cores while there is nothing else to do here
// and leaves them to other work when there is. There is no way to ask for a low priority inside a process; but a hash that takes longer than it might
// says that somebody else wants the cores.
type pace struct {
	busy func() bool // whether this process has other work

	mu    sync.Mutex
	cores float64
	share float64       // of the cores, that all workers together may use
	best  time.Duration // what a hash takes that nothing disturbs
}

const (
	leastShare = 0.15 // of all cores, while others want them
	crowded    = 1.4  // a hash that takes so many times as long as it might was disturbed
)

// newPace gives the pace of as many workers as there are cores to the process.
func newPace(busy func() bool) *pace {
	cores := float64(runtime.GOMAXPROCS(0))
	return &pace{busy: busy, cores: cores, share: cores}
}

// after says how long a worker rests after a hash that took so long.
func (p *pace) after(took time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.best == 0 || took < p.best {
		p.best = took
	}
	switch busy := p.busy(); {
	case !busy:
		p.share *= 2
	case float64(took) > crowded*float64(p.best):
		p.share /= 2
	default:
		p.share *= 1.1
	}
	p.share = min(max(p.share, leastShare*p.cores), p.cores)
	// The rest is to what the hash took, not to what it costs: where everything takes longer, a hash would else always be under way.
	return time.Duration(float64(took) * (p.cores/p.share - 1))
}
