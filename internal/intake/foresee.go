package intake

import (
	"fmt"
	"reflect"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// Foresee decides on rows before their turn, as if nobody in the directory held a key that they name. It gives nil for rows of which any other one
// might become something else than somebody new: those with faults, with units or groups, of leavers, of people to be changed.
func (in *Intake) Foresee(tx *store.Tx, b *store.BatchRow, decoded any, first int) (*batch.Foreseen, error) {
	rows, ok := decoded.(chunk)
	if !ok || !rows.new() {
		return nil, nil
	}
	tenant, err := wholeTenant(tx, b)
	if tenant == nil || err != nil {
		return nil, err
	}
	rules := rows.options.rules(tenant.Settings, b)
	ops := make([]roster.Op, len(rows.wishes))
	for i := range rows.wishes {
		w := &rows.wishes[i]
		ops[i] = roster.Op{Draft: w.draft, Row: w.row, New: w.made}
	}
	people, err := in.roster.Foresee(tx, rules, ops)
	if people == nil || err != nil {
		return nil, err
	}
	briefs := rows.briefs()
	foreseen := &batch.Foreseen{
		Number: func(tx *store.Tx) error {
			if err := unsettled(tx, tenant.Settings); err != nil {
				return err
			}
			return people.Number(tx)
		},
		Write: people.Write,
		Items: func() []muster.Item { return doneItems(briefs, b.Seq, first, people.Enrolled) },
	}
	if people.Numbered() {
		foreseen.Known, foreseen.Items = foreseen.Items(), nil
		people.Told()
	}
	return foreseen, nil
}

// unsettled says that settings of the tenant have changed since they were read.
func unsettled(tx *store.Tx, read muster.Settings) error {
	now, err := tx.Own()
	if err == nil && !reflect.DeepEqual(now.Settings, read) {
		err = fmt.Errorf("%w: the tenant's settings have changed", store.ErrClash)
	}
	return err
}

// new says whether every row enrols somebody new, unless somebody is here who has a key of theirs.
func (c *chunk) new() bool {
	m := c.options.Matching
	if m == muster.UpdateOnly || m == muster.ByID {
		return false
	}
	for i := range c.wishes {
		w := &c.wishes[i]
		if len(w.faults)+len(w.groups)+len(w.units) > 0 || w.manager != "" || w.made == nil {
			return false
		}
		if w.asked != nil && w.asked.Manager != "" || m == muster.Upsert && w.source == "" && w.email == "" && w.username == "" || w.leaves() {
			return false
		}
	}
	return true
}

// brief is what the item of a row has from the row itself.
type brief struct {
	row     int
	reasons muster.Errors
	secret  bool
}

func (c *chunk) briefs() []brief {
	list := make([]brief, len(c.wishes))
	for i := range list {
		w := &c.wishes[i]
		list[i] = brief{w.row, c.options.inColumns(w.warnings), w.secret}
	}
	return list
}

// doneItems are the items of rows all of which are done; outcome gives the person of each, the version that the change was made from, and the change.
func doneItems(rows []brief, b int64, first int, outcome func(i int) (person, guard int64, change muster.Change)) []muster.Item {
	items := make([]muster.Item, len(rows))
	for i, row := range rows {
		items[i] = muster.Item{Batch: b, Index: first + i, Row: row.row, State: muster.DoneItem, Reasons: row.reasons}
		items[i].Person, items[i].Guard, items[i].Change = outcome(i)
		if row.secret {
			items[i].Change = items[i].Change.With("password")
		}
	}
	return items
}

// wholeTenant gives the tenant of a batch whose rows may reach all of it. It is nil for one that is for some units: rows of that wait for their turn.
func wholeTenant(tx *store.Tx, b *store.BatchRow) (*muster.Tenant, error) {
	if reach, err := batch.Within(tx, b); err != nil || reach != nil {
		return nil, err
	}
	tenant, err := tx.Own()
	return &tenant, err
}
