// Package auth checks the tokens (JWT) of OpenID Connect issuers: signature, issuer, audience and time. It keeps the keys of each issuer, fetches
// them anew when they were rotated or have become old, and calls an issuer no more often than that takes, whoever sends what.
//
// It stores nothing, and does not know whose an issuer is or who the subject of a token may be: internal/access decides that. A token that is bad is
// muster.Unauthenticated; one that cannot be judged, because its issuer does not answer, is muster.Unavailable. Begin with Verify (token.go); keys.go
// holds the keys, fetch.go gets them.
package auth

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterid/muster"
)

// ringsMost bounds how many issuers' keys are held.
const ringsMost = 1000

// Verifier may be used from many goroutines.
type Verifier struct {
	now  func() time.Time
	ctx  context.Context // of fetches, which outlive the request that began them
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	rings map[string]*ring
}

// New gives a Verifier that holds no keys yet. Call Close at the end.
func New(now func() time.Time) *Verifier {
	v := &Verifier{now: now, rings: map[string]*ring{}}
	v.ctx, v.stop = context.WithCancel(context.Background())
	return v
}

// Close ends the fetches under way, and waits for them.
func (v *Verifier) Close() {
	v.mu.Lock()
	v.stop() // nothing begins from here on: see ring.begin
	v.mu.Unlock()
	v.done.Wait()
}

// ring gives the keys of an issuer. They are held apart for every way to reach it, so that nobody profits from a way that only another may go.
func (v *Verifier) ring(issuer muster.Issuer) *ring {
	allow := slices.Clone(issuer.Allow)
	slices.Sort(allow)
	name := strings.Join(append([]string{issuer.Issuer}, allow...), "\x00")
	v.mu.Lock()
	defer v.mu.Unlock()
	r, there := v.rings[name]
	if !there {
		if len(v.rings) >= ringsMost {
			clear(v.rings) // fetched again by who needs them
		}
		r = &ring{v: v, issuer: issuer.Issuer, allow: allow, credit: fetchBurst * fetchStep}
		v.rings[name] = r
	}
	return r
}
