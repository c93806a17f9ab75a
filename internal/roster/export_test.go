package roster

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Searching runs f as a search of a caller.
func (r *Roster) Searching(ctx context.Context, caller muster.Caller, q store.PeopleQuery, f func(ctx context.Context) error) error {
	return r.searching(ctx, caller, q, f)
}

// SearchesKept is how many callers have a turn or wait for one.
func (r *Roster) SearchesKept() int {
	r.searches.mu.Lock()
	defer r.searches.mu.Unlock()
	return len(r.searches.taken)
}
