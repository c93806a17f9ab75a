package roster

import (
	"fmt"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// A code that is allocated is a prefix and a number of at least codeDigits digits, from one counter per prefix. The counter only rises, also by
// codes of that form which are given: so an allocated code is nobody's.
const (
	codeDigits    = 6
	maxCodeDigits = 12
)

func formatCode(prefix string, n int) string { return fmt.Sprintf("%s%0*d", prefix, codeDigits, n) }

// codeBase is the key of a prefix's counter.
func codeBase(prefix string) string { return muster.FoldKey(prefix) }

// codeNumber reads the number of a code of this prefix.
func codeNumber(prefix, code string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(muster.FoldKey(code), codeBase(prefix))
	if !ok || len(digits) < codeDigits || len(digits) > maxCodeDigits || digits[0] == '0' && len(digits) > codeDigits {
		return 0, false
	}
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = 10*n + int(d-'0')
	}
	return n, true
}

// wantsCode says whether op i is to get a code.
func (c *carry) wantsCode(w *working, next *store.PersonRow) bool {
	return w.isNew && c.rules.CodePrefix != "" && next.Code == ""
}

// code allocates the codes of those who want one, in the order of the ops, and has the counter know the codes that were given.
func (c *carry) code() error {
	if c.rules.CodePrefix == "" {
		return nil
	}
	var ops []int
	given := 0
	for i, w := range c.at {
		switch {
		case w == nil || !w.changed || len(c.out[i].Faults) > 0:
		case w.wantsCode:
			ops = append(ops, i)
		case w.row.Code != w.before.Code:
			if n, ok := codeNumber(c.rules.CodePrefix, w.row.Code); ok {
				given = max(given, n)
			}
		}
	}
	before, err := c.codesTaken(len(ops), given)
	if err != nil {
		return err
	}
	for n, i := range ops {
		w := c.at[i]
		w.row.Code = formatCode(c.rules.CodePrefix, before+1+n) // nobody else refers to this row
		if c.rules.ClaimCode {
			w.row.Keys.Code = muster.FoldKey(w.row.Code)
			c.claims.held[store.CodeKey][w.row.Keys.Code] = w.holder()
		}
		if w.base == "" { // else name tells, with the username
			c.created(i, w.row)
		}
	}
	c.coded = ops
	return nil
}

// codesTaken gives the last number before ours.
func (c *carry) codesTaken(take, given int) (int, error) {
	base := codeBase(c.rules.CodePrefix)
	if !c.rules.DryRun {
		taken, raised := map[string]int{}, map[string]int{}
		if take > 0 {
			taken[base] = take
		}
		if given > 0 {
			raised[base] = given
		}
		last, err := c.tx.ReserveCodes(taken, raised)
		return last[base] - take, err
	}
	counters, err := c.tx.CodeCounters([]string{base})
	if err != nil {
		return 0, err
	}
	planned, err := c.tx.PlanClaims(c.rules.Plan, []string{"codes:" + base})
	return max(counters[base], given) + planned["codes:"+base], err
}
