package roster

import (
	"slices"

	"github.com/musterid/muster"
)

// nameHolders writes the conflicts with people in the database, naming them.
func (c *carry) nameHolders() error {
	seqs := make([]int64, len(c.claims.open))
	for i, o := range c.claims.open {
		seqs[i] = o.holder
	}
	slices.Sort(seqs)
	seqs = slices.Compact(seqs)
	holders, err := c.tx.People(seqs)
	if err != nil {
		return err
	}
	hidden, err := c.unknown(seqs)
	if err != nil {
		return err
	}
	rows, err := c.rowsOf(seqs)
	if err != nil {
		return err
	}
	for _, o := range c.claims.open {
		h, known := holders[o.holder]
		row := rows.gave(o)
		switch {
		case row != 0 && !o.before:
			c.takenBy(o.op, o.field, o.value, row)
		case hidden[o.holder]:
			c.fail(o.op, muster.Errorf(muster.Conflict, o.field, "%q is that of somebody who is in none of your units, or was.", o.value))
		case !known:
			c.fail(o.op, muster.Errorf(muster.Conflict, o.field, "%q was somebody's before and is not given again.", o.value))
		case o.before:
			c.fail(o.op, muster.Errorf(muster.Conflict, o.field, "%q was the username of %s (%s) before and is not given to anybody else.", o.value, h.Shown(), h.ID))
		default:
			c.fail(o.op, muster.Errorf(muster.Conflict, o.field, "%q is already that of %s (%s).", o.value, h.Shown(), h.ID))
		}
	}
	return nil
}

// earlier are the items of people in the batch that the ops are rows of: those of its chunks before.
type earlier map[int64][]muster.Item

func (c *carry) rowsOf(people []int64) (earlier, error) {
	if c.rules.Batch == 0 || len(people) == 0 {
		return nil, nil
	}
	return c.tx.ItemsIn(c.rules.Batch, people)
}

// gave is the last row that gave the holder of a key the value that is asked for; 0 when they have it from elsewhere.
func (e earlier) gave(o openConflict) (row int) {
	for _, item := range e[o.holder] {
		if f, ok := item.Change.Field(o.field); ok {
			if text, _ := f.After.(string); muster.FoldKey(text) == muster.FoldKey(o.value) {
				row = item.Row
			}
		}
	}
	return row
}
