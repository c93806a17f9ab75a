package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A unitOfWork is one caller's function, waiting for the one writer of SQLite.
type unitOfWork struct {
	ctx    context.Context
	tenant int64
	f      func(*Tx) error
	shared bool // may share a commit with others
	done   chan error
	after  []func()
}

// waitCount is how many single writes wait, and when one last came while bulk work had the writer.
type waitCount struct {
	n    atomic.Int64
	bulk atomic.Bool  // bulk work has the writer
	last atomic.Int64 // nanoseconds since began
}

// waitedLately is how long bulk work makes its chunks smaller for single writes that had to wait for it. Whoever looks is between two chunks, and just
// then nobody waits: those who did have been served, and the next have not come yet.
const waitedLately = 250 * time.Millisecond

var began = time.Now()

// SinglesWaiting says whether single writes wait for the writer now, or did lately because of bulk work.
func (s *Store) SinglesWaiting() bool {
	last := s.waiting.last.Load()
	return s.waiting.n.Load() > 0 || last != 0 && time.Since(began)-time.Duration(last) < waitedLately
}

var errClosed = errors.New("store: the database is closed")

// closing keeps Close from closing the channel of commits while somebody sends on it.
type closing struct {
	sync.RWMutex
	closed bool
}

func (s *Store) submit(ctx context.Context, u *unitOfWork) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u.done = make(chan error, 1)
	if u.shared {
		s.waiting.n.Add(1)
		defer s.waiting.n.Add(-1)
		if s.waiting.bulk.Load() {
			s.waiting.last.Store(int64(time.Since(began)))
		}
	}
	if !s.send(u) {
		return errClosed
	}
	err := <-u.done
	if err == nil {
		for _, f := range u.after {
			f()
		}
	}
	return err
}

func (s *Store) send(u *unitOfWork) bool {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closing.closed {
		return false
	}
	s.commits <- u
	return true
}

func (s *Store) closeWork() {
	s.closing.Lock()
	s.closing.closed = true
	if s.commits != nil {
		close(s.commits)
	}
	s.closing.Unlock()
	s.end()
	s.done.Wait()
}

// most is how many single writes share one commit.
const most = 128

// shareCommits is the one writer of SQLite. It takes what waits, runs it in one transaction, each function under a savepoint of its own, and
// answers the callers when the commit is durable. An fsync is the price of a commit, so this is what makes many small writes fast.
func (s *Store) shareCommits() {
	defer s.done.Done()
	var next *unitOfWork
	for {
		first := next
		next = nil
		if first == nil {
			var open bool
			if first, open = <-s.commits; !open {
				return
			}
		}
		group := []*unitOfWork{first}
		for first.shared && len(group) < most && next == nil {
			select {
			case u, open := <-s.commits:
				switch {
				case !open:
					s.commitGroup(group)
					return
				case u.shared:
					group = append(group, u)
				default:
					next = u
				}
				continue
			default:
			}
			break
		}
		s.commitGroup(group)
	}
}

// writeTimeout bounds what waits for the file while another process (a backup, the queue) has it.
const writeTimeout = 60 * time.Second

func (s *Store) commitGroup(group []*unitOfWork) {
	// A statement that is interrupted inside a transaction of SQLite undoes all of it, also the others' part: so a caller's context decides only
	// whether its work begins.
	ctx := context.WithoutCancel(group[0].ctx)
	if len(group) == 1 {
		u := group[0]
		s.waiting.bulk.Store(!u.shared)
		defer s.waiting.bulk.Store(false)
		err := u.ctx.Err()
		if err == nil {
			err = s.repeat(ctx, attempts, func() error {
				var err error
				u.after, err = s.transact(ctx, transaction{tenant: u.tenant, f: u.f})
				return err
			})
		}
		u.done <- err
		return
	}
	errs := make([]error, len(group))
	err := s.repeat(ctx, attempts, func() error { return s.transactGroup(ctx, group, errs) })
	for i, u := range group {
		if err != nil && errs[i] == nil {
			errs[i] = err
		}
		u.done <- errs[i]
	}
}

// transactGroup runs every unit of a group in one transaction. errs gets what each unit's own function said; the result is about the commit.
func (s *Store) transactGroup(ctx context.Context, group []*unitOfWork, errs []error) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	now := s.Now()
	for i, u := range group {
		tx := &Tx{store: s, ctx: context.WithoutCancel(u.ctx), sql: t, on: t, tenant: u.tenant, now: now}
		errs[i] = u.ctx.Err()
		if errs[i] == nil {
			errs[i] = tx.Try(func() error { return guarded(tx, u.f) })
		}
		if errors.Is(errs[i], errBroken) {
			return errors.Join(errs[i], rolledBack(t))
		}
		u.after = tx.after
	}
	if err := t.Commit(); err != nil {
		return errors.Join(fmt.Errorf("store: commit: %w", err), rolledBack(t))
	}
	return nil
}
