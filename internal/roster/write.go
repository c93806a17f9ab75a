package roster

import (
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
	var changed []*store.PersonRow
	delta := map[muster.State]int{}
	for i, w := range c.at {
		if w == nil || !w.isNew || !w.changed || len(c.out[i].Faults) > 0 {
			continue
		}
		enrolled = append(enrolled, w)
		delta[w.row.State]++
	}
	for _, w := range c.people {
		if !w.changed {
			continue
		}
		changed = append(changed, &w.row)
		delta[w.before.State]--
		delta[w.row.State]++
	}
	if err := c.retireNames(); err != nil {
		return err
	}
	if err := c.enrol(enrolled); err != nil {
		return err
	}
	if err := c.update(changed); err != nil {
		return err
	}
	return c.tx.CountPeople(delta)
}

// enrol writes the new people. When keys were passed on, those who gave them up are written first (update).
func (c *carry) enrol(list []*working) error {
	seqs, err := c.tx.NextPeople(len(list))
	if err != nil {
		return err
	}
	rows := make([]*store.PersonRow, len(list))
	for n, w := range list {
		w.row.Seq, w.row.Version = seqs[n], 1
		w.row.ID = muster.PersonID(w.row.Seq, w.row.CreatedAt)
		c.state[w.op] = w.row
		rows[n] = &w.row
	}
	if c.claims.passed {
		if err := c.tx.ReleaseKeys(c.givenUp()); err != nil {
			return err
		}
	}
	return c.tx.InsertPeople(rows)
}

func (c *carry) update(rows []*store.PersonRow) error { return c.tx.UpdatePeople(rows) }

// givenUp lists the stored people who no longer hold a key they held.
func (c *carry) givenUp() []int64 {
	var seqs []int64
	for seq, w := range c.people {
		if w.changed && w.row.Keys != w.before.Keys {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// retireNames puts the usernames out of use that people gave up, when they were generated or are known at a target; others become free. It lets
// those return that went back to their human.
func (c *carry) retireNames() error {
	if err := c.tx.Unretire(c.back); err != nil {
		return err
	}
	var leaving []int64
	for seq, w := range c.people {
		if old := w.before.Keys.Username; w.changed && old != "" && old != w.row.Keys.Username {
			leaving = append(leaving, seq)
		}
	}
	delivered, err := c.tx.DeliveredUsernames(leaving)
	if err != nil {
		return err
	}
	var retired []store.Retired
	for _, seq := range leaving {
		b := c.people[seq].before
		if b.Generated || delivered[seq] {
			retired = append(retired, store.Retired{Key: b.Keys.Username, Person: seq, EmailKey: b.Keys.Email, EmployeeKey: b.Keys.Employee})
		}
	}
	return c.tx.Retire(retired)
}
