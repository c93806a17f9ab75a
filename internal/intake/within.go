package intake

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// bind finds over what the rows may reach: an import of somebody whose rights are over units does no more than they may.
func (m *match) bind(b *store.BatchRow) error {
	reach, err := batch.Within(m.tx, b)
	m.bounds = roster.BoundsWithin(reach)
	return err
}

// seeStrangers finds those among the people whom rows mean that the rows may not reach.
func (m *match) seeStrangers(present map[int64]*store.PersonRow) error {
	if m.bounds == nil || len(present) == 0 {
		return nil
	}
	seqs := make([]int64, 0, len(present))
	for seq := range present {
		seqs = append(seqs, seq)
	}
	_, known, err := m.bounds.People(m.tx, seqs)
	m.strangers = make(map[int64]bool, len(seqs))
	for _, seq := range seqs {
		m.strangers[seq] = !known[seq]
	}
	return err
}

// strange refuses row i when it means somebody whom it may not reach, without a word of who that is.
func (m *match) strange(i int, found ...*store.PersonRow) bool {
	fields := []string{"source_id", "email", "username"}
	for n, p := range found {
		if p != nil && m.strangers[p.Seq] {
			m.faults[i] = append(m.faults[i], muster.Errorf(muster.Forbidden, fields[n],
				"This is somebody who is in the directory and in none of your units. Ask who may change people of the whole tenant to add them."))
			return true
		}
	}
	return false
}
