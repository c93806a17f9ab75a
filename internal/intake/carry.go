package intake

import (
	"fmt"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// Carry finds who each row means, has the roster carry the rows out, and gives their items.
func (in *Intake) Carry(tx *store.Tx, b *store.BatchRow, decoded any, c batch.Chunk) ([]muster.Item, error) {
	rows, ok := decoded.(chunk)
	if !ok {
		return nil, fmt.Errorf("intake: batch %d: rows of type %T", b.Seq, decoded)
	}
	tenant, err := tx.Own()
	if err != nil {
		return nil, err
	}
	m := match{tx: tx, options: rows.options, profile: rows.profile, wishes: rows.wishes, skip: c.Skip, first: c.First, rowsOf: c.RowsOf}
	if err := m.bind(b); err != nil {
		return nil, err
	}
	if err := m.find(); err != nil {
		return nil, err
	}
	if err := m.findManagers(); err != nil {
		return nil, err
	}
	rules := rows.options.rules(tenant.Settings, b)
	rules.Holders, rules.Bounds, rules.DryRun = m.holders, m.bounds, c.Dry
	if c.Dry {
		rules.Plan = b.Seq
	}
	rules.People = m.present
	faults, err := in.checkPlaces(tx, &m)
	if err != nil {
		return nil, err
	}
	ops := make([]roster.Op, len(rows.wishes))
	adapted := newAdaptations()
	for i := range rows.wishes {
		w := &rows.wishes[i]
		ops[i] = roster.Op{Person: m.person[i], Draft: w.draft, Row: w.row, New: w.made}
		switch {
		case m.skip[m.first+i]:
			ops[i].Person = -1
		case w.asked != nil:
			adapted.complete(&ops[i], w.asked, len(faults[i]) > 0)
		case m.passOver(i) || len(faults[i]) > 0:
			ops[i].Person = -1
		}
	}
	outcomes, err := in.roster.Carry(tx, rules, ops)
	if err != nil {
		return nil, err
	}
	items := make([]muster.Item, len(ops))
	for i := range items {
		faults[i] = withOthers(faults[i], adapted.inRow(rows.profile, outcomes[i].Faults))
		if len(faults[i]) > 0 {
			faults[i] = withOthers(faults[i], adapted.unasked(&ops[i], rows.profile))
		}
		items[i] = itemOf(b.Seq, c, i, &rows.wishes[i], outcomes[i], faults[i], m.warnings[i])
		if m.gone[i] && len(m.faults[i]) == 0 {
			items[i].State, items[i].Reasons, items[i].Change = muster.SkippedItem, muster.Errors{nobodyToTakeOut}, muster.Change{}
		}
		if rows.wishes[i].secret && len(faults[i]) == 0 {
			items[i].Change = items[i].Change.With("password")
		}
		items[i].Reasons = rows.options.inColumns(items[i].Reasons)
	}
	return items, in.putInPlaces(tx, &m, items, c.Dry)
}

// rules are those that rows of a batch are carried out by.
func (o *Options) rules(s muster.Settings, b *store.BatchRow) roster.Rules {
	rules := o.Rules.Rules(s)
	rules.SharedEmail, rules.Batch = o.SharedEmail, b.Seq
	return rules
}

// nobodyToTakeOut is the reason of rows of people who left and are not in the directory: lists keep their leavers, and that is no fault.
var nobodyToTakeOut = muster.Errorf(muster.NotFound, "", "Nobody in the directory matches this row, so there is nobody to take out.")

// itemOf is the item of one row.
func itemOf(b int64, c batch.Chunk, i int, w *wish, out roster.Outcome, faults, warnings muster.Errors) muster.Item {
	item := muster.Item{Batch: b, Index: c.First + i, Row: w.row, State: muster.DoneItem, Reasons: warnings, Person: out.Person.Seq, Guard: out.Version, Change: out.Change}
	switch {
	case len(faults) > 0:
		item.State, item.Reasons, item.Person, item.Change = muster.FailedItem, faults, 0, muster.Change{}
	case c.Dry:
		item.State = muster.PlannedItem
	}
	return item
}

// Written puts the passwords that came with the rows in line to be hashed, and has the accounts of the batch's people looked at, where there is a
// target at all and they are not to be asked for first, and the end of the batch told.
func (in *Intake) Written(tx *store.Tx, b *store.BatchRow) error {
	o, err := OptionsOf(*b)
	if err != nil {
		return err
	}
	if o.Secret != "" {
		if err := access.Settle(tx, b.Seq, b.NextIndex); err != nil {
			return err
		}
	}
	if err := in.report(tx, b, o); err != nil || o.AccountsAsked {
		return err
	}
	targets, err := tx.Targets()
	if err != nil || len(targets) == 0 {
		return err
	}
	if err := provision.Begin(tx, b); err != nil {
		return err
	}
	return in.roster.AccountsOfBatch(tx, b.Seq)
}
