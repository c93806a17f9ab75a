package access

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

const (
	hashLook  = time.Second      // how often a process looks whether passwords wait
	hashLease = time.Minute      // how long they rest after a process died with them
	keepAfter = 10 * time.Second // of the lease, that is left for writing
	hashWrite = 2 * time.Second  // how long a hash waits at most for others to be written with
	hashGroup = 32               // and how many are written at once
	oldLook   = 10 * time.Minute
	oldAtOnce = 1000

	// SealedFor is how long the password of a row is kept that nobody came of, or whose batch ended before its turn, so that the row can be sent once
	// more.
	SealedFor = 24 * time.Hour
)

// HasherOptions are what a Hasher works with.
type HasherOptions struct {
	Store *store.Store
	Queue *queue.Queue // calls the Hasher from time to time; nil: nobody does, and Run hashes what waits
	Key   secret.Key   // that the passwords are sealed with
	Log   *slog.Logger // default: slog.Default()
	// Load says what else this process is at. What hashing takes from that is bounded. nil: nothing, ever.
	Load func() Load
}

// Hasher hashes passwords that came with rows of a batch, which sealed_password holds until then. It needs no job: the line is the record of what is to
// be done, and each process looks at it every second. Any number of processes share the work; a password is hashed by one of them, and by another one
// when that dies. Signing in does not wait for it.
type Hasher struct {
	o     HasherOptions
	pace  *pace
	owner string

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	works  sync.WaitGroup

	mu      sync.Mutex
	running bool
	freed   bool // what an earlier process was at is free again
}

// NewHasher makes a Hasher and has the queue call it.
func NewHasher(o HasherOptions) *Hasher {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Load == nil {
		o.Load = func() Load { return Idle }
	}
	h := &Hasher{o: o, pace: newPace(o.Load), owner: uuid.NewString()}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if o.Queue != nil {
		o.Queue.Every(hashLook, "passwords to hash", h.look)
		o.Queue.Every(oldLook, "passwords that nobody needs", h.DropOld)
	}
	return h
}

// Close puts the work down. What is not written yet is hashed again by somebody else, or at the next start.
func (h *Hasher) Close() {
	h.mu.Lock()
	h.cancel()
	h.mu.Unlock()
	h.works.Wait()
}

// Settle notes in the transaction that stores items of a batch whose the passwords are that came with its rows before an index. They are hashed from then
// on, and count for signing in at once.
func Settle(tx *store.Tx, batch int64, before int) error {
	_, err := tx.SettleSealedPasswords(batch, before)
	return err
}

// look starts the hashing where passwords wait and this process is not at it. It does not wait for the end: the line may be hours long.
func (h *Hasher) look(ctx context.Context) error {
	if err := h.free(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	running := h.running
	h.mu.Unlock()
	if running {
		return nil
	}
	waits := false
	err := h.o.Store.View(ctx, store.Everyone, func(tx *store.Tx) (err error) {
		waits, err = tx.AnyWaiting()
		return err
	})
	if err != nil || !waits {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running || h.ctx.Err() != nil {
		return nil
	}
	h.running = true
	h.works.Go(func() {
		if _, err := h.Run(h.ctx); err != nil && h.ctx.Err() == nil {
			h.o.Log.Error("hash passwords", "error", err)
		}
		h.mu.Lock()
		h.running = false
		h.mu.Unlock()
	})
	return nil
}

// free takes up at once what an earlier process was at. On SQLite there is no other one.
func (h *Hasher) free(ctx context.Context) error {
	if h.freed || h.o.Store.Engine() != store.SQLite {
		return nil
	}
	err := h.o.Store.Update(ctx, store.Everyone, func(tx *store.Tx) error { return tx.FreeWaiting() })
	h.freed = err == nil
	return err
}

// claimed is passwords that this process was given, and until when.
type claimed struct {
	store.WaitingPassword
	until time.Time
}

// Run hashes until no password waits, on all cores, and says how many it hashed.
func (h *Hasher) Run(ctx context.Context) (hashed int, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	line, done := make(chan claimed), make(chan store.HashedPassword)
	var work, keep sync.WaitGroup
	work.Go(func() {
		defer close(line)
		if err := h.claim(ctx, line); err != nil {
			stop(err)
		}
	})
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for c := range line {
				if err := h.hash(ctx, c, done); err != nil {
					stop(err)
				}
			}
		})
	}
	keep.Go(func() {
		if n, err := h.keep(ctx, done); err != nil {
			stop(err)
		} else {
			hashed = n
		}
		for range done { //nolint:revive // whoever still gives something must not wait for ever
		}
	})
	work.Wait()
	close(done)
	keep.Wait()
	if ctx.Err() != nil {
		return hashed, context.Cause(ctx)
	}
	return hashed, nil
}

// claim takes passwords off the line, a few ahead of the workers, and tenant by tenant.
func (h *Hasher) claim(ctx context.Context, line chan<- claimed) error {
	tenant := int64(0)
	for {
		var list []store.WaitingPassword
		until := h.o.Store.Now().Add(hashLease)
		err := h.o.Store.Update(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			until = tx.Now().Add(hashLease)
			list, err = tx.ClaimWaiting(tenant, h.owner, until, 4*runtime.GOMAXPROCS(0))
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		tenant = list[0].Tenant
		for i, w := range list {
			select {
			case line <- claimed{w, until}:
			case <-ctx.Done():
				h.giveBack(ctx, list[i:])
				return nil
			}
		}
	}
}

// giveBack lets others have passwords at once. When it fails they are free when their lease is over.
func (h *Hasher) giveBack(ctx context.Context, list []store.WaitingPassword) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
	defer cancel()
	err := h.o.Store.Update(ctx, store.Everyone, func(tx *store.Tx) error { return tx.ReturnWaiting(h.owner, list) })
	if err != nil {
		h.o.Log.Warn("give passwords back that were not hashed", "error", err)
	}
}

// hash makes the hash of one password. One that can never be hashed is forgotten; the log says which, and not what it is.
func (h *Hasher) hash(ctx context.Context, c claimed, done chan<- store.HashedPassword) error {
	if ctx.Err() != nil || !h.o.Store.Now().Add(keepAfter).Before(c.until) {
		h.giveBack(ctx, []store.WaitingPassword{c.WaitingPassword})
		return nil
	}
	plain, err := h.o.Key.Open(store.SealedPurpose(c.Batch, c.Index), c.Sealed)
	var hash string
	var took time.Duration
	if err == nil {
		hash, took, err = secret.MeasuredHash(ctx, string(plain))
	}
	switch {
	case errors.Is(err, secret.ErrOpen), errors.Is(err, secret.ErrPasswordLength):
		h.o.Log.Error("a password cannot be hashed and is dropped", "batch", c.Batch, "index", c.Index, "error", err)
		return h.o.Store.Update(ctx, c.Tenant, func(tx *store.Tx) error { return tx.DropSealed([]store.WaitingPassword{c.WaitingPassword}) })
	case ctx.Err() != nil:
		h.giveBack(ctx, []store.WaitingPassword{c.WaitingPassword})
		return nil
	case err != nil:
		return err
	}
	done <- store.HashedPassword{WaitingPassword: c.WaitingPassword, Hash: hash}
	rest := h.pace.after(took)
	if rest == 0 {
		return nil
	}
	wait := time.NewTimer(rest)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil
}

// keep writes hashes, those of a tenant together.
func (h *Hasher) keep(ctx context.Context, done <-chan store.HashedPassword) (kept int, err error) {
	group := map[int64][]store.HashedPassword{}
	n := 0
	write := func() error {
		// What is hashed is written also when the process is told to stop.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
		defer cancel()
		for tenant, list := range group {
			of := 0
			err := h.o.Store.Update(ctx, tenant, func(tx *store.Tx) (err error) {
				of, err = tx.KeepHashed(h.owner, list)
				return err
			})
			if err != nil {
				return err
			}
			kept += of
		}
		clear(group)
		n = 0
		return nil
	}
	tick := time.NewTicker(hashWrite)
	defer tick.Stop()
	for {
		select {
		case hashed, more := <-done:
			if !more {
				return kept, write()
			}
			group[hashed.Tenant] = append(group[hashed.Tenant], hashed)
			if n++; n < hashGroup {
				continue
			}
		case <-tick.C:
		}
		if err := write(); err != nil {
			return kept, err
		}
	}
}

// DropOld forgets passwords that came SealedFor ago or earlier with rows that nobody came of, or that were not carried out before their batch ended. Those
// that wait to be hashed are not among them: their rows were answered as done.
func (h *Hasher) DropOld(ctx context.Context) error {
	for {
		n := int64(0)
		err := h.o.Store.Update(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			n, err = tx.DropOldSealed(tx.Now().Add(-SealedFor), oldAtOnce)
			return err
		})
		if err != nil || n < oldAtOnce {
			return err
		}
	}
}
