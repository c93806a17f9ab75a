package roster

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Recognised is what ops come to that are all of people who are here, decided on before it is their turn: from those people as they were read, and from
// nothing else. So it holds as long as they have not moved on, which is asked when it is written.
type Recognised struct {
	c        *carry
	everyone []int64
	versions int64 // of everyone, in sum
	rest     bool  // somebody does not change; who does is held to the version that was read when written
}

// Recognise is Carry without the writing, for ops on people whom Rules.People has, read in any transaction. It gives nil when more than those people has
// a say: when an op is at fault, or enrols, or claims or gives up a key, names a manager anew, or takes away what a batch may be held for.
// No two ops are of the same person.
func (r *Roster) Recognise(tx *store.Tx, rules Rules, ops []Op) (*Recognised, error) {
	if rules.Bounds != nil || rules.DryRun {
		return nil, nil
	}
	for i := range ops {
		if p := rules.People[ops[i].Person]; p == nil || p.State == muster.Deleted || ops[i].Refused || ops[i].ID != "" {
			return nil, nil
		}
	}
	rules.presumed, rules.Holders = true, nil
	c := newCarry(tx, rules, ops)
	if err := c.load(); err != nil {
		return nil, err
	}
	for i := range ops {
		if c.newManager(i) != uuid.Nil {
			return nil, nil
		}
	}
	if err := c.claim(); err != nil || !c.aloneDecide() {
		return nil, err
	}
	rec := &Recognised{c: c}
	for _, w := range c.at {
		rec.everyone, rec.versions = append(rec.everyone, w.before.Seq), rec.versions+w.before.Version
		rec.rest = rec.rest || !w.changed
	}
	return rec, nil
}

// aloneDecide says whether the ops came to what they did whoever else is here.
func (c *carry) aloneDecide() bool {
	for _, keys := range c.claims.held {
		if len(keys) > 0 { // somebody would have been asked for
			return false
		}
	}
	for i, w := range c.at {
		out := &c.out[i]
		if w == nil || len(out.Faults) > 0 || w.base != "" || out.Change.Disables() || out.Change.Renames() {
			return false
		}
		if w.row.Code != w.before.Code { // the counter of codes may have to know
			return false
		}
	}
	return len(c.claims.open)+len(c.claims.leaving) == 0
}

// AlsoRest adds people of whom nothing changes, and the sum of the versions with which they were read.
func (r *Recognised) AlsoRest(people []int64, versions int64) {
	r.everyone, r.versions = append(r.everyone, people...), r.versions+versions
	r.rest = r.rest || len(people) > 0
}

// Outcome gives the person of op i, the version that was read, and the change.
func (r *Recognised) Outcome(i int) (person, version int64, change muster.Change) {
	return r.c.at[i].before.Seq, r.c.out[i].Version, r.c.out[i].Change
}

// Write writes the people who change. store.ErrClash says that one of them all has moved on since: nothing of what the transaction did may stay then, and
// Carry is to decide. It is called once.
func (r *Recognised) Write(tx *store.Tx) error {
	if r.rest {
		unmoved, err := tx.Unmoved(r.everyone, r.versions)
		if err != nil {
			return err
		}
		if !unmoved {
			return fmt.Errorf("%w: people have moved on", store.ErrClash)
		}
	}
	r.c.tx = tx
	for _, w := range r.c.people {
		if w.changed {
			w.row.UpdatedAt = tx.Now()
		}
	}
	return r.c.write()
}
