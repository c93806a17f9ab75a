package access

import (
	"context"
	"fmt"
	"runtime/debug"
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

// lookTimeout bounds a look-up that others wait for: one that hangs is not to cost all of them the time of a request.
const lookTimeout = 10 * time.Second

// key gives what read does of a key, which is read after this was called.
func (l *looks) key(ctx context.Context, hash string, read func(context.Context) (store.KeyRow, error)) (store.KeyRow, error) {
	l.mu.Lock()
	shared, busy := l.next[hash]
	if !busy {
		l.next[hash] = nil
		l.mu.Unlock()
		defer l.goOn(ctx, hash, read)
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
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
		shared.read(ctx, read)
		l.goOn(ctx, hash, read)
	}()
}

// read reads the key for those who wait. They all are told when our own code does not get along with it.
func (k *look) read(ctx context.Context, read func(context.Context) (store.KeyRow, error)) {
	defer close(k.done)
	defer func() {
		if cause := recover(); cause != nil {
			k.err = fmt.Errorf("access: panic over a key: %v\n%s", cause, debug.Stack())
		}
	}()
	k.key, k.err = read(ctx)
}
