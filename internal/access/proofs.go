package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const (
	proofFor  = 10 * time.Minute
	mostProof = 10_000
)

// proof names a password of somebody, as long as it is the one that counts. Nothing can be worked out from it without the process's key.
type proof [sha256.Size]byte

// proofs are the passwords that were right lately, so that a client that sends one with each request does not cost a hash each time. They are kept in
// memory only. A wrong password is never among them.
type proofs struct {
	key [sha256.Size]byte

	mu     sync.Mutex
	since  map[proof]time.Time
	before map[proof]time.Time // the generation before: used again it moves to since, and else it goes
	under  map[proof]*checking // what is being found out just now
}

// checking is a password that somebody checks, and that others wait for.
type checking struct {
	done chan struct{}
	ok   bool
	err  error
}

func newProofs() *proofs {
	p := &proofs{since: map[proof]time.Time{}, under: map[proof]*checking{}}
	rand.Read(p.key[:]) // never fails: crypto/rand ends the process instead
	return p
}

// of names a password with what is kept of it here: another hash, also of the same password, makes another name.
func (p *proofs) of(tenant, person int64, kept []byte, password string) (out proof) {
	mac := hmac.New(sha256.New, p.key[:])
	var head []byte
	for _, n := range []int64{tenant, person, int64(len(kept))} {
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	mac.Write(head)
	mac.Write(kept)
	mac.Write([]byte(password))
	mac.Sum(out[:0])
	return out
}

// has says whether a password was right lately.
func (p *proofs) has(of proof, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, known := p.since[of]
	if !known {
		if at, known = p.before[of]; known {
			p.put(of, at)
		}
	}
	return known && now.Sub(at) < proofFor && !now.Before(at)
}

// add notes that a password was right.
func (p *proofs) add(of proof, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(of, now)
}

// put keeps at most mostProof: those that were not used for longest go first.
func (p *proofs) put(of proof, at time.Time) {
	if len(p.since) >= mostProof/2 {
		p.before, p.since = p.since, map[proof]time.Time{}
	}
	p.since[of] = at
}

// once has a password checked by one of those who ask at the same time, and gives its answer to all.
func (p *proofs) once(ctx context.Context, of proof, check func() (bool, error)) (bool, error) {
	p.mu.Lock()
	c, other := p.under[of]
	if !other {
		c = &checking{done: make(chan struct{})}
		p.under[of] = c
	}
	p.mu.Unlock()
	if other {
		select {
		case <-c.done:
			return c.ok, c.err
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	defer func() {
		p.mu.Lock()
		delete(p.under, of)
		p.mu.Unlock()
		close(c.done)
	}()
	c.ok, c.err = check()
	return c.ok, c.err
}
