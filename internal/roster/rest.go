package roster

import (
	"slices"

	"github.com/musterid/muster"
)

// Most rows of a list that comes every night ask for nothing but what is so already. They come to what all others do, and it takes less to see.

// rests says whether op i leaves its person as they are and holding the keys they hold, whatever else there is: next and settleKeys would find nothing
// to do.
func (c *carry) rests(i int) bool {
	op, w := &c.ops[i], c.at[i]
	return !w.isNew && !op.Refused && op.Adapt == nil && w.row.Has(op.Draft) && !c.wantsName(w, w.row) && c.keysOf(w, w.row) == w.row.Keys
}

// rest records that op i changes nothing.
func (c *carry) rest(i int) {
	w := c.at[i]
	faults := slices.Concat(checkPerson(w, w.row), c.overtaken(i), c.notTheirs(w, w.row))
	if c.fail(i, faults...); len(faults) == 0 {
		c.out[i].Version, c.out[i].Change, c.state[i] = w.before.Version, muster.Change{Action: muster.Nothing}, w.row
	}
}
