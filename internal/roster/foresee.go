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
	c        *carry // nil once nothing more is to be told or decided
	numbered bool   // usernames, codes and seqs are theirs already
	presumed []string
	states   map[muster.State]int // how many are enrolled in each
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
	f := &Foreseen{c: newCarry(tx, rules, ops), states: map[muster.State]int{}}
	for _, step := range []func() error{f.c.load, f.c.claim} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if !f.clear() {
		return nil, nil
	}
	if tx.TakesNumbersBeside() {
		f.numbered = true
		if err := f.number(); err != nil || !f.clear() {
			return nil, err
		}
	}
	f.presumed = f.c.claims.presumed
	for i, p := range f.c.state {
		f.states[p.State]++
		f.c.ops[i].Draft, f.c.ops[i].New = nil, nil // they may go: many wait at the same time
	}
	f.c.first, f.c.claims = nil, claims{held: map[store.KeyColumn]map[string]int64{store.UsernameKey: {}, store.CodeKey: {}}}
	var err error
	f.packed, err = tx.PackPeople(f.c.state, f.numbered)
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
	return f.c.identify(f.c.at)
}

// Numbered says whether everything of the people is known, and not only after Number.
func (f *Foreseen) Numbered() bool { return f.numbered }

// Enrolled gives the seq and the change of op i, which was made from no version. Others may be asked for at the same time, also while Write is at work.
func (f *Foreseen) Enrolled(i int) (seq, version int64, change muster.Change) {
	p := f.c.state[i]
	return p.Seq, 0, p.Creation()
}

// Told says that Enrolled will not be asked again, of people who are numbered: what only that tells is forgotten.
func (f *Foreseen) Told() { f.c = nil }

// Number settles, in the transaction that is to write the people, what was not known before. store.ErrClash says that they were not foreseen well:
// nothing of what the transaction did may stay then, and Carry is to decide. It is called once, and so is Write, which may say the same.
func (f *Foreseen) Number(tx *store.Tx) error {
	if f.numbered {
		return nil
	}
	f.c.tx = tx
	if err := f.number(); err != nil {
		return err
	}
	if !f.clear() {
		return fmt.Errorf("%w: the numbers of a username are used up", store.ErrClash)
	}
	return nil
}

// Write enrols the people. Which usernames are out of use is asked once these stand: whoever gave one up while they were written is seen then.
func (f *Foreseen) Write(tx *store.Tx) error {
	if err := tx.InsertPackedPeople(f.packed); err != nil {
		return err
	}
	retired, err := tx.RetiredAmong(f.presumed)
	if err != nil {
		return err
	}
	if len(retired) > 0 {
		return fmt.Errorf("%w: a username is out of use", store.ErrClash)
	}
	return tx.CountPeople(f.states)
}
