package roster

import (
	"cmp"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// write stores what the ops came to.
func (c *carry) write() error {
	if c.rules.DryRun {
		if c.rules.Plan == 0 {
			return nil
		}
		return c.tx.AddPlanClaims(c.rules.Plan, c.planClaims())
	}
	var enrolled []*working
	var changed []store.PersonChange
	delta := map[muster.State]int{}
	for i, w := range c.at {
		if w == nil || !w.isNew || !w.changed || len(c.out[i].Faults) > 0 {
			continue
		}
		enrolled = append(enrolled, w)
		delta[w.row.State]++
	}
	for _, w := range c.inOrder() {
		changed = append(changed, store.PersonChange{Before: w.before, After: w.row})
		delta[w.before.State]--
		delta[w.row.State]++
	}
	if err := c.retireNames(); err != nil {
		return err
	}
	if err := c.enrol(enrolled); err != nil {
		return err
	}
	if err := c.tx.ChangePeople(changed); err != nil {
		return err
	}
	if err := c.noteReleased(); err != nil {
		return err
	}
	return c.tx.CountPeople(delta)
}

// enrol writes the new people. When keys were passed on, those who gave them up hold none until they are written.
func (c *carry) enrol(list []*working) error {
	if err := c.identify(list); err != nil {
		return err
	}
	rows := make([]*store.PersonRow, len(list))
	for n, w := range list {
		rows[n] = w.row
	}
	if c.claims.passed {
		if err := c.tx.ReleaseKeys(c.givenUp()); err != nil {
			return err
		}
	}
	return c.tx.InsertPeople(rows)
}

// identify gives new people their number and id.
func (c *carry) identify(list []*working) error {
	seqs, err := c.tx.NextPeople(len(list))
	if err != nil {
		return err
	}
	for n, w := range list {
		w.row.Seq, w.row.Version = seqs[n], 1
		w.row.ID = muster.PersonID(w.row.Seq, w.row.CreatedAt)
	}
	return nil
}

// givenUp lists the stored people who no longer hold a key they held.
func (c *carry) givenUp() []int64 {
	var seqs []int64
	for _, w := range c.inOrder() {
		if w.row.Keys != w.before.Keys {
			seqs = append(seqs, w.before.Seq)
		}
	}
	return seqs
}

// retireNames puts the usernames out of use that people gave up and that nobody else is to have.
func (c *carry) retireNames() error {
	var retired []store.Retired
	var again []string
	for _, w := range c.inOrder() {
		r, leaves := c.claims.leaving[w.before.Keys.Username]
		if !leaves || w.row.Keys.Username == r.Key {
			continue
		}
		if _, was := c.claims.retired[r.Key]; was {
			again = append(again, r.Key) // it is retired from this person now
		}
		retired = append(retired, r)
	}
	if err := c.tx.Unretire(again); err != nil {
		return err
	}
	return c.tx.Retire(retired)
}

// inOrder lists the stored people who changed in the order in which rows are locked.
func (c *carry) inOrder() []*working {
	var list []*working
	for _, w := range c.people {
		if w.changed {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b *working) int { return cmp.Compare(a.before.Seq, b.before.Seq) })
	return list
}

// noteReleased keeps in mind what those held who are deleted and not everybody claims, until they are restored.
func (c *carry) noteReleased() error {
	for _, w := range c.inOrder() {
		var claim store.ReleasedClaim
		if w.row.State == muster.Deleted {
			claim = w.claimed
		}
		if claim == c.released[w.before.Seq] {
			continue
		}
		if err := c.tx.SaveReleasedClaim(w.before.Seq, claim); err != nil {
			return err
		}
	}
	return nil
}
