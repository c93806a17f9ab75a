package access

import (
	"context"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// A try is counted before the password is looked at, in the database, so that guesses which come at the same time, or over several processes, do not
// get more of them. The first freeTries are free; from then on each try closes the door to the person for a time that doubles, up to longestLock. A try
// while the door is closed is refused without being counted, and whatever it says. So a guesser has one try a minute in the long run, and nobody is kept
// out for longer than that by somebody else's guesses; who has proven the password here lately comes in all the while (proofs).
const (
	freeTries   = 5
	firstLock   = time.Second
	longestLock = time.Minute
	forgetTries = 15 * time.Minute // after a lock is over, its count begins anew
)

// nextTry says what a person's tries are after one more, and whether it may be made.
func nextTry(t store.Tries, now time.Time) (next store.Tries, allowed bool) {
	if now.Before(t.LockedUntil) {
		return t, false
	}
	if !t.LockedUntil.IsZero() && now.Sub(t.LockedUntil) >= forgetTries {
		t.Fails = 0
	}
	next = store.Tries{Fails: t.Fails + 1}
	if over := next.Fails - freeTries; over >= 0 {
		next.LockedUntil = now.Add(min(firstLock<<min(over, 10), longestLock))
	}
	return next, true
}

// takeTry counts a try of somebody's password, and says whether it may be made.
func (a *Access) takeTry(ctx context.Context, s *signing) (allowed bool, err error) {
	err = a.st.Update(ctx, s.tenant, func(tx *store.Tx) error {
		allowed = false
		row := s.SignInRow
		if err := tx.LockTries(&row); err != nil {
			if muster.CodeOf(err) == muster.NotFound {
				return errChanged
			}
			return err
		}
		next, may := nextTry(row.Tries, tx.Now())
		if allowed = may; !may {
			return nil
		}
		return tx.SaveTries(row, next)
	})
	return allowed, err
}

// giveTriesBack begins the count anew after the right password.
func (a *Access) giveTriesBack(ctx context.Context, s *signing) error {
	return a.st.Update(ctx, s.tenant, func(tx *store.Tx) error { return tx.SaveTries(s.SignInRow, store.Tries{}) })
}
