package auth

import (
	"context"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/musterid/muster"
)

// When keys are fetched. A token whose key is not known may have been signed with a new one, so the issuer is asked; but anybody can send such
// tokens, so it is asked fetchBurst times at once at most, and then once per fetchStep.
const (
	fresh        = 10 * time.Minute // keys older than this are fetched again, while they go on being used
	usable       = time.Hour        // keys older than this are not used: the issuer may have withdrawn them
	fetchBurst   = 4
	fetchStep    = 15 * time.Second
	afterFailure = 5 * time.Second // no fetch follows a failed one sooner
	fetchWithin  = 10 * time.Second
)

// ring holds the keys of one issuer.
type ring struct {
	v      *Verifier
	issuer string
	allow  []string

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time     // when the keys were; zero: never
	begun   time.Time     // when the last fetch began
	failure error         // of the last fetch; nil when it went well
	credit  time.Duration // time saved up for fetches: each costs fetchStep
	running chan struct{} // closed at the end of the fetch under way; nil when there is none
}

// lookup gives the keys that may have signed a token, by its key id ("" for a token without one). None is a bad token. All who need a fetch wait for
// the same one.
func (r *ring) lookup(ctx context.Context, kid, algorithm string) ([]jose.JSONWebKey, error) {
	for waited := false; ; waited = true {
		wait, found, err := r.look(kid, algorithm, waited)
		if wait == nil {
			return found, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look gives keys or an error, or the fetch to wait for before looking again.
func (r *ring) look(kid, algorithm string, waited bool) (wait <-chan struct{}, found []jose.JSONWebKey, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.v.now()
	age := now.Sub(r.fetched)
	inUse := !r.fetched.IsZero() && age < usable
	if inUse {
		found = matching(r.keys, kid, algorithm)
	}
	switch {
	case len(found) > 0:
		if age >= fresh && r.running == nil {
			r.begin(now) // for those who come later
		}
		return nil, found, nil
	case waited && r.failure == nil && inUse:
		return nil, nil, nil
	case waited || r.running == nil && !r.begin(now):
		return nil, nil, muster.Errorf(muster.Unavailable, "", "The keys of the issuer %s cannot be had now. Try again in a moment.", r.issuer).Because(r.failure)
	}
	return r.running, nil, nil
}

// begin starts a fetch, unless it is too soon for one. r is locked.
func (r *ring) begin(now time.Time) bool {
	since := now.Sub(r.begun)
	if r.failure != nil && since < afterFailure {
		return false
	}
	if !r.begun.IsZero() {
		r.credit = min(fetchBurst*fetchStep, r.credit+max(0, since))
	}
	if r.credit < fetchStep {
		r.begun = now // what was gained is in the credit
		return false
	}
	r.v.mu.Lock()
	defer r.v.mu.Unlock()
	if r.v.ctx.Err() != nil {
		return false
	}
	r.credit, r.begun, r.running = r.credit-fetchStep, now, make(chan struct{})
	r.v.done.Go(r.fetch)
	return true
}

// fetch gets the keys. Those that are there stay when it fails.
func (r *ring) fetch() {
	ctx, cancel := context.WithTimeout(r.v.ctx, fetchWithin)
	defer cancel()
	keys, err := fetchKeys(ctx, r.issuer, r.allow)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
	if err == nil {
		r.keys, r.fetched = keys, r.v.now()
	}
	close(r.running)
	r.running = nil
}

// matching gives the keys with an id that are made for an algorithm; for a token without an id, all of them.
func matching(keys []jose.JSONWebKey, kid, algorithm string) (found []jose.JSONWebKey) {
	for _, k := range keys {
		if (kid == "" || k.KeyID == kid) && (k.Algorithm == "" || k.Algorithm == algorithm) {
			found = append(found, k)
		}
	}
	return found
}
