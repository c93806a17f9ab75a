package roster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// What a search may ask for and take. A search looks through everybody of a tenant, so each caller does one at a time.
const (
	maxSearch      = 256 // characters
	maxSearchWords = 8
)

// SearchTime is how long one search may take, and wait for the same caller's one before it.
const SearchTime = 5 * time.Second

// turns lets each caller search once at a time.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn
}

type turn struct {
	free chan struct{} // holds one when it is nobody's turn
	want int           // how many have it or wait
}

// take waits until it is the caller's turn. The turn is given back by calling what it gives.
func (t *turns) take(ctx context.Context, caller string) (back func(), err error) {
	t.mu.Lock()
	one := t.taken[caller]
	if one == nil {
		one = &turn{free: make(chan struct{}, 1)}
		one.free <- struct{}{}
		if t.taken == nil {
			t.taken = map[string]*turn{}
		}
		t.taken[caller] = one
	}
	one.want++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.want--; one.want == 0 {
			delete(t.taken, caller)
		}
	}
	select {
	case <-one.free:
		return func() {
			one.free <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// searching runs f, which reads people by a query that looks through all of them, within bounds.
func (r *Roster) searching(ctx context.Context, caller muster.Caller, q store.PeopleQuery, f func(ctx context.Context) error) error {
	if err := checkSearch(q); err != nil {
		return err
	}
	return r.inTurn(ctx, caller, f)
}

// inTurn runs f, which may look through everybody, when it is the caller's turn, and within SearchTime.
func (r *Roster) inTurn(ctx context.Context, caller muster.Caller, f func(ctx context.Context) error) error {
	bound, cancel := context.WithTimeout(ctx, SearchTime)
	defer cancel()
	back, err := r.searches.take(bound, fmt.Sprintf("%d %d %s", caller.Tenant, caller.Key, caller.Name))
	if err == nil {
		defer back()
		err = f(bound)
	}
	if err != nil && bound.Err() != nil && ctx.Err() == nil && errors.Is(bound.Err(), context.DeadlineExceeded) {
		return muster.Errorf(muster.Unavailable, "", "Looking through all people took longer than %d seconds. Ask for less, such as one unit, or try again later.", int(SearchTime.Seconds())).Because(err)
	}
	return err
}

func checkSearch(q store.PeopleQuery) error {
	var faults muster.Errors
	for field, text := range map[string]string{"search": q.Search, "first_name": q.FirstName, "last_name": q.LastName, "email": q.EmailPart} {
		if len([]rune(text)) > maxSearch {
			faults = append(faults, muster.Errorf(muster.TooLong, field, "At most %d characters fit here.", maxSearch))
		}
	}
	if n := len(strings.Fields(q.Search)); n > maxSearchWords {
		faults = append(faults, muster.Errorf(muster.TooLong, "search", "At most %d words can be searched for; this has %d.", maxSearchWords, n))
	}
	if q.Offset < 0 {
		faults = append(faults, muster.Errorf(muster.Invalid, "offset", "This is 0 or more, not %d.", q.Offset))
	}
	return faults.Or()
}
