package access

import (
	"context"
	"time"

	"github.com/musterid/muster/internal/store"
)

// AnswerEvery sets the grid on which refusals are given.
func (a *Access) AnswerEvery(step time.Duration) { a.answerStep = step }

// Crowd takes all places of those who wait for a hash.
func (a *Access) Crowd() (leave func()) {
	for range cap(a.trying) {
		a.trying <- struct{}{}
	}
	return func() {
		for range cap(a.trying) {
			<-a.trying
		}
	}
}

// The limits of tries.
const (
	FreeTries   = freeTries
	LongestLock = longestLock
	ForgetTries = forgetTries
	ProofFor    = proofFor
	MostProof   = mostProof
	HashLease   = hashLease
)

// NextTry is nextTry.
func NextTry(t store.Tries, now time.Time) (store.Tries, bool) { return nextTry(t, now) }

// Look is what the queue calls.
func (h *Hasher) Look(ctx context.Context) error { return h.look(ctx) }

// Wait waits for the hashing that Look began.
func (h *Hasher) Wait() { h.works.Wait() }

// Owner names the Hasher in leases.
func (h *Hasher) Owner() string { return h.owner }

// FillProofs holds proofs to their number, and to forget those first that were not used for longest.
func FillProofs(t interface{ Errorf(string, ...any) }) {
	p, now := newProofs(), time.Now()
	first := p.of(1, 1, nil, "first")
	p.add(first, now)
	for n := range int64(3 * mostProof) {
		p.add(p.of(1, n, nil, "x"), now)
		if n%100 == 0 && !p.has(first, now) {
			t.Errorf("a proof in use was forgotten after %d", n)
			return
		}
		if len(p.since)+len(p.before) > mostProof+1 {
			t.Errorf("%d proofs are kept", len(p.since)+len(p.before))
			return
		}
	}
	if p.has(p.of(1, 0, nil, "x"), now) {
		t.Errorf("an old proof is kept for ever")
	}
	if p.has(first, now.Add(proofFor)) || p.has(first, now.Add(-time.Second)) || p.has(proof{}, now) {
		t.Errorf("a proof counts when it should not")
	}
}

// Looks are look-ups of keys that are shared, without a database.
type Looks struct{ looks }

// NewLooks gives Looks.
func NewLooks() *Looks { return &Looks{looks{next: map[string]*look{}}} }

// Key looks up the key of a hash.
func (l *Looks) Key(ctx context.Context, hash string, read func(context.Context) (store.KeyRow, error)) (store.KeyRow, error) {
	return l.key(ctx, hash, read)
}

// Busy is how many keys are being looked up.
func (l *Looks) Busy() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.next)
}
