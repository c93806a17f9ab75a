// Package access says who is asking and what they may do: tenants and their settings, applications, API keys, and requests that are sent twice.
// It is the only place that turns a credential into a caller (CallerOfKey, CallerOfToken, SignIn), and the only one that compares a caller with a privilege (Can).
//
// It knows nothing of people beyond who owns a key or signs in: the directory is in internal/roster. How a credential travels in a request is each surface's
// own affair. Begin with Bootstrap, which every start of the program goes through.
package access

import (
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/auth"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// Access may be used from many goroutines.
type Access struct {
	st     *store.Store
	tokens *auth.Verifier
	looks  looks
	key    secret.Key // known after Bootstrap

	rule       PasswordRule
	proofs     *proofs
	trying     chan struct{} // those who wait for the hash of a password
	answerStep time.Duration

	mu      sync.Mutex
	touched map[int64]time.Time // when the use of a key was last recorded, by seq
	closed  bool
	writers chan struct{} // bounds how many records of use are written at the same time
	done    sync.WaitGroup
}

// New gives an Access over a store, which is closed after it.
func New(st *store.Store) *Access {
	return &Access{
		st: st, tokens: auth.New(st.Now), looks: looks{next: map[string]*look{}}, touched: map[int64]time.Time{}, writers: make(chan struct{}, 2), rule: PasswordRule{PasswordMin}, proofs: newProofs(),
		trying: newTrying(), answerStep: answerStep,
	}
}

// Close waits for what is still being written, and gives up what is being asked of issuers.
func (a *Access) Close() {
	a.tokens.Close()
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.done.Wait()
}

// beside has something done that nobody waits for, unless there is too much of it already.
func (a *Access) beside(work func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	select {
	case a.writers <- struct{}{}:
	default:
		return
	}
	a.done.Go(func() {
		defer func() { <-a.writers }()
		work()
	})
}

// Can says with nil that a caller holds a privilege over their whole tenant, and with muster.Forbidden that they do not. Grants over less than a
// tenant (a unit, oneself) count for nothing here: what an object belongs to is asked by Over and its like in over.go.
func Can(caller muster.Caller, privilege muster.Privilege) error {
	if caller.Has(privilege) {
		return nil
	}
	return refused(caller, privilege)
}

func name(caller muster.Caller) string {
	if caller.Name == "" {
		return "the caller"
	}
	return caller.Name
}

// entry begins the record of something that a caller did.
func entry(caller muster.Caller, action, object string, change muster.Change) []muster.AuditEntry {
	return []muster.AuditEntry{{Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: action, Object: object, Change: change}}
}
