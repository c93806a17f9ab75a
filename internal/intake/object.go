package intake

import (
	"encoding/json"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// This file is the way of rows that are requests: objects that a profile reads, each for somebody new or for the person whose id it gives.

// askObject has a profile read the row.
func (w *wish) askObject(p *Profile, raw json.RawMessage) {
	asked := p.object(raw, w.secret)
	w.asked, w.draft = &asked, asked.Draft
	w.faults, w.warnings = append(w.faults, asked.Faults...), append(w.warnings, asked.Warnings...)
}

// complete works out what somebody new becomes. What becomes of somebody who is here depends on the rows before.
func (w *wish) complete(o *Options, p *Profile) {
	if o.Matching == muster.ByID {
		return
	}
	fresh, draft := roster.Fresh(), w.draft
	if adapt := w.asked.Adapt; adapt != nil {
		var faults muster.Errors
		draft, faults = adapt(&fresh, draft)
		w.faults = append(w.faults, faults...)
	}
	made, faults := fresh.With(draft)
	w.made = &made
	for n := range faults {
		faults[n] = p.inRow(faults[n])
	}
	w.faults = withOthers(w.faults, faults)
}

// withOthers adds faults of fields with which none was found yet.
func withOthers(known, more muster.Errors) muster.Errors {
	all := known
	for _, fault := range more {
		if !slices.ContainsFunc(known, func(k *muster.Error) bool { return k.Field == fault.Field }) {
			all = append(all, fault)
		}
	}
	return all
}

// inRow says a fault of the directory in the words of the rows. p may be nil.
func (p *Profile) inRow(fault *muster.Error) *muster.Error {
	if p == nil || p.Field == nil {
		return fault
	}
	own := *fault
	own.Field = p.Field(fault.Field)
	return &own
}

// named is find for rows that are for somebody new, or give an id. Whether there is somebody of that id the roster says.
func (m *match) named() error {
	for i := range m.wishes {
		w := &m.wishes[i]
		m.faults[i] = slices.Clip(w.faults)
		if m.options.Matching == muster.EachNew || w.asked == nil {
			continue
		}
		switch seq, _, ok := muster.ParseHexID(w.asked.Person); {
		case ok && seq > 0: // an op of person 0 would enrol somebody
			m.person[i] = seq
		case w.asked.Person != "":
			m.person[i] = -1
			m.fault(i, muster.Errorf(muster.NotFound, "id", "There is no person %s.", cut(w.asked.Person)))
		default:
			m.person[i] = -1
			if len(m.faults[i]) == 0 {
				m.fault(i, muster.Errorf(muster.Required, "id", "The row does not say who is meant: an id is needed."))
			}
		}
	}
	return m.findBosses()
}

func (m *match) fault(i int, fault *muster.Error) {
	m.faults[i] = append(m.faults[i], m.profile.inRow(fault))
}

// findBosses says who the managers are that rows name by id. It may be called again for the same rows.
func (m *match) findBosses() error {
	var seqs []int64
	for i := range m.wishes {
		if asked := m.wishes[i].asked; asked != nil && asked.Manager != "" {
			if seq, _, ok := muster.ParseHexID(asked.Manager); ok {
				seqs = append(seqs, seq)
			}
		}
	}
	people, err := m.tx.People(seqs)
	if err != nil {
		return err
	}
	present := make(map[int64]*store.PersonRow, len(people))
	for seq, p := range people {
		present[seq] = &p
	}
	if err := m.seeStrangers(present); err != nil {
		return err
	}
	for i := range m.wishes {
		if asked := m.wishes[i].asked; asked != nil && asked.Manager != "" {
			m.setBoss(i, asked.Manager, present)
		}
	}
	return nil
}

func (m *match) setBoss(i int, id string, present map[int64]*store.PersonRow) {
	seq, _, ok := muster.ParseHexID(id)
	p := present[seq]
	switch {
	case !ok || p == nil || p.State == muster.Deleted || m.strangers[seq] || muster.HexID(p.Seq, p.CreatedAt) != id:
		m.fault(i, muster.Errorf(muster.NotFound, "manager", "There is no person %s to be the manager.", cut(id)))
		return
	case seq == m.person[i]:
		m.fault(i, muster.Errorf(muster.Invalid, "manager", "Nobody is their own manager."))
		return
	}
	w := &m.wishes[i]
	if w.draft == nil {
		w.draft = muster.Draft{}
	}
	w.draft["manager"] = p.ID.String()
	if w.made != nil {
		w.made.Manager = p.ID
	}
}

// adaptations remember what profiles have said when rows had their turn.
type adaptations struct {
	own   map[*muster.Error]bool // faults that a profile itself has found: these are in the words of the rows already
	asked map[*roster.Op]bool    // whose profile was asked
}

func newAdaptations() adaptations {
	return adaptations{map[*muster.Error]bool{}, map[*roster.Op]bool{}}
}

// complete makes an op of what a row asks for. refused says that it has faults already.
func (a adaptations) complete(op *roster.Op, asked *Asked, refused bool) {
	op.Refused, op.ID = refused, asked.Person
	if asked.Adapt == nil {
		return
	}
	op.Adapt = func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors) {
		a.asked[op] = true
		draft, faults := asked.Adapt(now, d)
		for _, fault := range faults {
			a.own[fault] = true
		}
		return draft, faults
	}
}

// unasked are the faults in the form of a row whose profile nobody has asked, because whom the row names is not there: what can be said of anybody.
func (a adaptations) unasked(op *roster.Op, p *Profile) muster.Errors {
	if op.Adapt == nil || op.New != nil || a.asked[op] {
		return nil
	}
	fresh := roster.Fresh()
	draft, own := op.Adapt(&fresh, op.Draft)
	_, faults := fresh.With(draft)
	return withOthers(own, a.inRow(p, faults))
}

// inRow says faults that the roster gave in the words of the rows. profile may be nil.
func (a adaptations) inRow(p *Profile, faults muster.Errors) muster.Errors {
	if p == nil || p.Field == nil || len(faults) == 0 {
		return faults
	}
	own := make(muster.Errors, len(faults))
	for n, fault := range faults {
		if own[n] = fault; !a.own[fault] {
			own[n] = p.inRow(fault)
		}
	}
	return own
}
