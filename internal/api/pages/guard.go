package pages

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// How often somebody may come. Links cannot be guessed; this bounds what tries cost. A whole school may come from one address, and behind a proxy
// everybody does: so an address is held to how often it comes with links that do not exist, and whoever has one that does is let in all the same.
const (
	guessesAtOnce, guessesPerSecond = 600, 20.0
	triesAtOnce, triesPerSecond     = 10, 1.0 / 30

	mostSetting = 16               // passwords that are being set at once
	mostWaiting = 10 * time.Second // for one's turn
	mostKept    = 10_000           // addresses and links that are remembered
)

// guard keeps strangers' sites and endless tries away.
type guard struct {
	origin  *http.CrossOriginProtection
	now     func() time.Time
	setting chan struct{}

	mu             sync.Mutex
	guesses, tries map[string]*bucket
}

// bucket holds how often somebody may still come.
type bucket struct {
	left float64
	at   time.Time
}

func newGuard(publicURL string, now func() time.Time) *guard {
	g := &guard{
		origin: http.NewCrossOriginProtection(), now: now, setting: make(chan struct{}, mostSetting), guesses: map[string]*bucket{}, tries: map[string]*bucket{},
	}
	if origin := originOf(publicURL); origin != "" {
		_ = g.origin.AddTrustedOrigin(origin) // it is one
	}
	return g
}

// foreign says whether a form comes from a page of another site.
func (g *guard) foreign(r *http.Request) bool { return g.origin.Check(r) != nil }

// guess counts a link that does not exist for the address it came from, and says whether that may be told.
func (g *guard) guess(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return g.take(g.guesses, host, guessesAtOnce, guessesPerSecond)
}

// try counts a password sent with a link that exists.
func (g *guard) try(token string) bool { return g.take(g.tries, token, triesAtOnce, triesPerSecond) }

func (g *guard) take(from map[string]*bucket, key string, most, perSecond float64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	b := from[key]
	if b == nil {
		if len(from) >= mostKept {
			clean(from, now, most, perSecond)
		}
		b = &bucket{left: most, at: now}
		from[key] = b
	}
	b.left, b.at = min(most, b.left+max(0, now.Sub(b.at).Seconds())*perSecond), now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// clean forgets whoever has not come for so long that it makes no difference, and everybody when that is nobody.
func clean(from map[string]*bucket, now time.Time, most, perSecond float64) {
	for key, b := range from {
		if b.left+now.Sub(b.at).Seconds()*perSecond >= most {
			delete(from, key)
		}
	}
	if len(from) >= mostKept {
		clear(from)
	}
}

// enter waits for one's turn to set a password: hashing and targets bear only so many at once.
func (g *guard) enter(ctx context.Context) (leave func(), ok bool) {
	wait := time.NewTimer(mostWaiting)
	defer wait.Stop()
	select {
	case g.setting <- struct{}{}:
		return func() { <-g.setting }, true
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil, false
}
