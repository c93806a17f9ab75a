package intake

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// Recognise decides on rows before their turn all of which are of people in the directory: as it was read then, which those people's versions tell when
// it is written. It gives nil for rows on which anything else has a say: somebody new, faults, units, groups, managers, keys that change hands.
func (in *Intake) Recognise(tx *store.Tx, b *store.BatchRow, decoded any, first int) (*batch.Foreseen, error) {
	rows, ok := decoded.(chunk)
	if !ok || !rows.ofKnown() {
		return nil, nil
	}
	tenant, err := wholeTenant(tx, b)
	if tenant == nil || err != nil {
		return nil, err
	}
	people, meant, err := in.recognise(tx, b, tenant, &rows)
	if people == nil || err != nil {
		return nil, err
	}
	return foreseen(people, tenant, meant, doneItems(rows.briefs(), b.Seq, first, people.Outcome)), nil
}

// recognise decides on rows that are ofKnown, and gives the person of each.
func (in *Intake) recognise(tx *store.Tx, b *store.BatchRow, tenant *muster.Tenant, rows *chunk) (*roster.Recognised, []int64, error) {
	m := match{tx: tx, options: rows.options, profile: rows.profile, wishes: rows.wishes}
	m.rowsOf = func([]int64) (map[int64]int, error) { return map[int64]int{}, nil } // that is asked when they are written
	if err := m.find(); err != nil || !m.foundAll() {
		return nil, nil, err
	}
	rules := rows.options.rules(tenant.Settings, b)
	rules.People = m.present
	ops := make([]roster.Op, len(rows.wishes))
	for i := range rows.wishes {
		ops[i] = roster.Op{Person: m.person[i], Draft: rows.wishes[i].draft, Row: rows.wishes[i].row}
	}
	people, err := in.roster.Recognise(tx, rules, ops)
	return people, m.person, err
}

// foreseen is what rows of people in the directory come to.
func foreseen(people *roster.Recognised, read *muster.Tenant, meant []int64, items []muster.Item) *batch.Foreseen {
	return &batch.Foreseen{
		Number: func(tx *store.Tx) error { return unsettled(tx, read.Settings) },
		Write:  people.Write,
		Known:  items,
		People: meant,
	}
}

// ofKnown says whether the rows could all be of people in the directory and nothing else.
func (c *chunk) ofKnown() bool {
	if m := c.options.Matching; m != muster.UpdateOnly && m != muster.Upsert {
		return false
	}
	for i := range c.wishes {
		w := &c.wishes[i]
		if len(w.faults)+len(w.groups)+len(w.units) > 0 || w.manager != "" || w.asked != nil {
			return false
		}
	}
	return true
}

// foundAll says whether every row means somebody, and no two the same.
func (m *match) foundAll() bool {
	for i, person := range m.person {
		if person == 0 || m.passOver(i) {
			return false
		}
	}
	return true
}
