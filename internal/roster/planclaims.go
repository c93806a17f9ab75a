package roster

import "github.com/musterid/muster/internal/store"

// plannedRow is the holder of a key that row 0 of the batch being planned would claim; row n is that less n.
const plannedRow = -1 << 40

// claimedByPlan has keys count as held that earlier rows of the batch being planned would claim.
func (c *carry) claimedByPlan(column store.KeyColumn, held map[string]int64) error {
	if c.rules.Plan == 0 {
		return nil
	}
	var asked []string
	for key, holder := range held {
		if holder == 0 {
			asked = append(asked, string(column)+":"+key)
		}
	}
	claimed, err := c.tx.PlanClaims(c.rules.Plan, asked)
	for claim, row := range claimed {
		held[claim[len(column)+1:]] = plannedRow - int64(row)
	}
	return err
}

// planClaims are what the ops of a dry run would claim, for the chunks of the plan that come after.
func (c *carry) planClaims() map[string]int {
	claims := map[string]int{}
	for i, w := range c.at {
		if w == nil || len(c.out[i].Faults) > 0 {
			continue
		}
		for _, u := range uniques {
			before, after := *u.of(&w.before.Keys), *u.of(&w.row.Keys)
			if after != "" && after != before && (u.column != store.UsernameKey || w.base == "") {
				claims[string(u.column)+":"+after] = c.ops[i].Row
			}
		}
	}
	for base, n := range c.counts {
		claims["base:"+base] = n
	}
	if len(c.coded) > 0 {
		claims["codes:"+codeBase(c.rules.CodePrefix)] = len(c.coded)
	}
	return claims
}
