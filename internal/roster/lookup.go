package roster

import (
	"maps"

	"github.com/musterid/muster/internal/store"
)

// lookUp asks the database once for every key that the ops may claim.
func (c *carry) lookUp() error {
	c.claims.held = map[store.KeyColumn]map[string]int64{}
	c.claims.freed = map[store.KeyColumn]map[string]bool{}
	c.claims.leaving = map[string]store.Retired{}
	c.claims.taken = map[takenKey]int{}
	asked := map[store.KeyColumn][]string{}
	var leaving []int64
	for i := range c.ops {
		w := c.at[i]
		if w == nil {
			continue
		}
		if c.rests(i) {
			c.first[i] = wanted{row: w.row, of: w.row, rests: true}
			continue
		}
		next, faults := c.next(i)
		c.first[i] = wanted{row: next, faults: faults, of: w.row}
		keys := c.keysOf(w, next)
		for _, u := range uniques {
			if key := *u.of(&keys); key != "" && key != *u.of(&w.before.Keys) {
				asked[u.column] = append(asked[u.column], key)
			}
		}
		if bare := c.bareName(w, next); bare != "" {
			asked[store.UsernameKey] = append(asked[store.UsernameKey], bare)
		}
		if own := w.before.Keys.Username; own != "" && own != keys.Username {
			asked[store.UsernameKey], leaving = append(asked[store.UsernameKey], own), append(leaving, w.before.Seq)
		}
	}
	if err := c.ask(asked); err != nil {
		return err
	}
	for _, u := range uniques {
		held, err := c.holders(u.column, asked[u.column])
		if err != nil {
			return err
		}
		if err := c.claimedByPlan(u.column, held); err != nil {
			return err
		}
		c.claims.held[u.column], c.claims.freed[u.column] = held, map[string]bool{}
	}
	if c.rules.presumed {
		c.claims.presumed = asked[store.UsernameKey]
		return nil
	}
	var err error
	if c.claims.delivered, err = c.tx.DeliveredUsernames(leaving); err != nil {
		return err
	}
	c.claims.retired, err = c.tx.RetiredAmong(asked[store.UsernameKey])
	return err
}

// ask asks for all keys with one statement where that is a journey less, unless the caller has asked.
func (c *carry) ask(asked map[store.KeyColumn][]string) (err error) {
	if c.rules.Holders != nil || c.rules.presumed {
		return nil
	}
	look := c.tx.HoldersTogether
	if len(c.ops) == 1 {
		look = c.tx.HoldersOf
	}
	c.rules.Holders, err = look(asked)
	return err
}

// holders gives who holds keys, 0 for nobody, asking for those that the caller has not asked for already.
func (c *carry) holders(column store.KeyColumn, keys []string) (map[string]int64, error) {
	known := c.rules.Holders[column]
	if known == nil {
		known = make(map[string]int64, len(keys))
	}
	var ask []string
	for _, key := range keys {
		if _, has := known[key]; !has {
			known[key] = 0
			ask = append(ask, key)
		}
	}
	if c.rules.presumed {
		return known, nil
	}
	held, err := c.tx.Holders(column, ask)
	maps.Copy(known, held)
	return known, err
}

// holderOf says who holds a key now, asking the database when an unusual sequence of ops leads to a key that was not looked up.
func (c *carry) holderOf(column store.KeyColumn, key string) (int64, error) {
	if holder, known := c.claims.held[column][key]; known {
		return holder, nil
	}
	held, err := c.tx.Holders(column, []string{key})
	if err != nil {
		return 0, err
	}
	c.claims.held[column][key] = held[key]
	if column == store.UsernameKey {
		retired, err := c.tx.RetiredAmong([]string{key})
		if err != nil {
			return 0, err
		}
		for k, r := range retired {
			c.claims.retired[k] = r
		}
	}
	return held[key], nil
}
