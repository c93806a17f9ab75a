package roster

import (
	"context"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Find gives a page of the people who meet a condition, and how many there are on all pages together. One for which all people must be looked
// through takes SearchTime at most, and a caller waits for their own one before.
func (r *Roster) Find(ctx context.Context, caller muster.Caller, f store.PeopleFilter) (list []store.PersonRow, total int, err error) {
	if err := f.Where.Check(); err != nil {
		return nil, 0, err
	}
	if len(f.Order) > store.MaxOrders {
		return nil, 0, muster.Errorf(muster.TooLong, "sort", "People can be sorted by at most %d fields at once.", store.MaxOrders)
	}
	f.Limit = pageLimit(f.Limit)
	page := func(ctx context.Context) error {
		return r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
			f.Within = reach.Filter()
			list, total, err = tx.FindPeople(f)
			return err
		})
	}
	if f.Scans() {
		err = r.inTurn(ctx, caller, page)
	} else {
		err = page(ctx)
	}
	return list, total, err
}

// Passwords says of those of some people who have a password when it was set, also when it waits to be hashed.
func (r *Roster) Passwords(ctx context.Context, caller muster.Caller, people []int64) (set map[int64]time.Time, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		found, err := tx.People(people)
		if err == nil {
			err = known(tx, reach, found)
		}
		if err != nil {
			return err
		}
		seqs := make([]int64, 0, len(found))
		for seq := range found {
			seqs = append(seqs, seq)
		}
		set, err = tx.HasCredential(seqs)
		return err
	})
	return set, err
}
