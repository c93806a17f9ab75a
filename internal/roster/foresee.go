package roster

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Foreseen are people who are to be enrolled, decided on before it is their turn: as if nobody held a key that one of them claims. Nobody is asked
// about that, because writing them tells: a key that is held after all is refused then, and Carry decides anew.
type Foreseen struct {
	c        *carry
	enrolled []*working
	numbered bool // usernames, codes and seqs are theirs already
	packed   *store.PackedPeople
}

// Foresee is Carry without the writing, for ops that all enrol somebody new, in any transaction. It gives nil when that cannot be foreseen: when an op
// is of somebody who is here, or at fault, or names what only the directory knows. On PostgreSQL numbers of usernames are taken for good, which
// nobody minds when the people come to nothing.
func (r *Roster) Foresee(tx *store.Tx, rules Rules, ops []Op) (*Foreseen, error) {
	if rules.Bounds != nil || rules.DryRun || rules.Usernames.Number == muster.NumberOnClash {
		return nil, nil
	}
	for i := range ops {
		if ops[i].Person != 0 || ops[i].Refused || ops[i].New == nil || ops[i].New.Manager != uuid.Nil {
			return nil, nil
		}
	}
	rules.presumed = true
	f := &Foreseen{c: newCarry(tx, rules, ops)}
	for _, step := range []func() error{f.c.load, f.c.claim} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if !f.clear() {
		return nil, nil
	}
	f.enrolled = f.c.at
	if tx.TakesNumbersBeside() {
		f.numbered = true
		if err := f.number(); err != nil || !f.clear() {
			return nil, err
		}
	}
	rows := make([]*store.PersonRow, len(f.enrolled))
	for i, w := range f.enrolled {
		rows[i] = w.row
	}
	var err error
	f.packed, err = tx.PackPeople(rows, f.numbered)
	return f, err
}

// clear says whether every op has come to somebody.
func (f *Foreseen) clear() bool {
	if len(f.c.claims.open) > 0 {
		return false
	}
	for i, w := range f.c.at {
		if w == nil || !w.changed || len(f.c.out[i].Faults) > 0 {
			return false
		}
	}
	return true
}

// number gives the people what comes from counters.
func (f *Foreseen) number() error {
	for _, step := range []func() error{f.c.code, f.c.name} {
		if err := step(); err != nil {
			return err
		}
	}
	return f.c.identify(f.enrolled)
}

// Numbered says whether everything of the people is known, and not only after Number.
func (f *Foreseen) Numbered() bool { return f.numbered }

// Enrolled gives the seq and the change of op i. Others may be asked for at the same time, also while Write is at work.
func (f *Foreseen) Enrolled(i int) (seq int64, change muster.Change) {
	p := f.c.state[i]
	return p.Seq, p.Creation()
}

// Number settles, in the transaction that is to write the people, what was not known before. store.ErrClash says that they were not foreseen well:
// nothing of what the transaction did may stay then, and Carry is to decide. It is called once, and so is Write, which may say the same.
func (f *Foreseen) Number(tx *store.Tx) error {
	f.c.tx = tx
	retired, err := tx.RetiredAmong(f.c.claims.presumed)
	if err != nil {
		return err
	}
	if len(retired) > 0 {
		return fmt.Errorf("%w: a username is out of use", store.ErrClash)
	}
	if f.numbered {
		return nil
	}
	if err := f.number(); err != nil {
		return err
	}
	if !f.clear() {
		return fmt.Errorf("%w: the numbers of a username are used up", store.ErrClash)
	}
	return nil
}

// Write enrols the people.
func (f *Foreseen) Write(tx *store.Tx) error {
	if err := tx.InsertPackedPeople(f.packed); err != nil {
		return err
	}
	delta := map[muster.State]int{}
	for _, w := range f.enrolled {
		delta[w.row.State]++
	}
	return tx.CountPeople(delta)
}
