package access

import (
	"context"
	"sync"
	"time"

	"github.com/musterid/muster/internal/store"
)

// looks has a key that comes with many requests at the same time looked up for several of them at once. Those that come while it is being looked up wait
// for the next look-up and share it, so nobody is told what was read before they came.
type looks struct {
	mu   sync.Mutex
	next map[string]*look // by hash: what is looked up now. nil where nobody waits for the next look-up
}

// look is a look-up that several wait for.
type look struct {
	done chan struct{}
	key  store.KeyRow
	err  error
}

// lookTimeout bounds a look-up that is not bound to one request.
const lookTimeout = 30 * time.Second

// key gives what read does of a key, which is read after this was called.
func (l *looks) key(ctx context.Context, hash string, read func(context.Context) (store.KeyRow, error)) (store.KeyRow, error) {
	l.mu.Lock()
	shared, busy := l.next[hash]
	if !busy {
		l.next[hash] = nil
		l.mu.Unlock()
		defer l.goOn(ctx, hash, read)
		return read(ctx)
	}
	if shared == nil {
		shared = &look{done: make(chan struct{})}
		l.next[hash] = shared
	}
	l.mu.Unlock()
	select {
	case <-shared.done:
		return shared.key, shared.err
	case <-ctx.Done():
		return store.KeyRow{}, ctx.Err()
	}
}

// goOn begins the look-up that those wait for who came during the last one.
func (l *looks) goOn(ctx context.Context, hash string, read func(context.Context) (store.KeyRow, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shared := l.next[hash]
	if shared == nil {
		delete(l.next, hash)
		return
	}
	l.next[hash] = nil
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		shared.key, shared.err = read(ctx)
		close(shared.done)
		l.goOn(ctx, hash, read)
	}()
}
