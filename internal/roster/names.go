package roster

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// wantsName says whether op i is to get a generated username.
func (c *carry) wantsName(w *working, next *store.PersonRow) bool {
	return next.Username == "" && (w.isNew && !c.rules.NoUsername || c.rules.late && next.State != muster.Deleted)
}

func namesOf(p *store.PersonRow) muster.Names {
	return muster.Names{First: p.FirstName, Middle: p.Profile.MiddleName, Last: p.LastName, Display: p.DisplayName, Email: p.Email, SourceID: p.SourceID}
}

// bareName is the name without a number that the policy would try first, if it is one that does.
func (c *carry) bareName(w *working, next *store.PersonRow) string {
	if c.rules.Usernames.Number != muster.NumberOnClash || !c.wantsName(w, next) {
		return ""
	}
	base, err := c.rules.Usernames.Base(namesOf(next))
	if err != nil {
		return ""
	}
	return base
}

// chooseName decides what a username for op i is made from. The number comes later, for all ops at once.
func (c *carry) chooseName(i int, next *store.PersonRow) {
	w := c.at[i]
	if !c.wantsName(w, next) {
		return
	}
	base, err := c.rules.Usernames.Base(namesOf(next))
	if err != nil {
		c.fail(i, muster.Faults(err)...)
		return
	}
	next.Generated = true
	if c.rules.Usernames.Number == muster.NumberOnClash {
		_, retired := c.claims.outOfUse(base)
		if holder, known := c.claims.held[store.UsernameKey][base]; known && holder == 0 && !retired {
			next.Username, next.Keys.Username = base, base
			return
		}
	}
	w.base = base
}

// name numbers the usernames that are to be generated: one statement for all bases, whatever the number of namesakes.
func (c *carry) name() error {
	var ops []int
	for i, w := range c.at {
		if w == nil || !w.changed || w.base == "" || len(c.out[i].Faults) > 0 {
			continue
		}
		c.counts[w.base]++
		w.number = c.counts[w.base]
		if first := c.rules.Usernames.FirstNumber - 1; first > 0 {
			c.raise[w.base] = max(c.raise[w.base], first)
		}
		ops = append(ops, i)
	}
	before, err := c.numbersTaken()
	if err != nil {
		return err
	}
	for _, i := range ops {
		w := c.at[i]
		username, err := c.rules.Usernames.Format(w.base, before[w.base]+w.number)
		if err != nil {
			c.fail(i, muster.Faults(err)...)
			w.changed = false
			continue
		}
		key := muster.FoldKey(username)
		w.row.Username, w.row.Keys.Username = username, key // nobody else refers to this row
		c.claims.held[store.UsernameKey][key] = w.holder()
		c.claims.passed = c.claims.passed || c.claims.freed[store.UsernameKey][key]
		if w.isNew {
			c.created(i, w.row)
		} else {
			c.out[i].Change = muster.Diff(w.before.Record(), w.row.Record())
		}
	}
	if c.rules.DryRun {
		c.markForecasts("username", ops)
		c.markForecasts("code", c.coded)
	}
	return nil
}

// numbersTaken gives, for each base, the last number before ours.
func (c *carry) numbersTaken() (map[string]int, error) {
	before := make(map[string]int, len(c.counts))
	if c.rules.DryRun {
		bases := make([]string, 0, len(c.counts))
		for base := range c.counts {
			bases = append(bases, base)
		}
		counters, err := c.tx.Counters(bases)
		if err != nil {
			return nil, err
		}
		asked := make([]string, len(bases))
		for i, base := range bases {
			asked[i] = "base:" + base
		}
		planned, err := c.tx.PlanClaims(c.rules.Plan, asked)
		for _, base := range bases {
			before[base] = max(counters[base], c.raise[base]) + planned["base:"+base]
		}
		return before, err
	}
	last, err := c.tx.Reserve(c.counts, c.raise)
	for base, n := range last {
		before[base] = n - c.counts[base]
	}
	return before, err
}

func (c *carry) markForecasts(field string, ops []int) {
	for _, i := range ops {
		fields := c.out[i].Change.Fields
		for n := range fields {
			if fields[n].Field == field {
				fields[n].Forecast = true
			}
		}
	}
}

// Name gives usernames to those of some people who have none, by the tenant's policy, and records it. It answers for each person in turn: who has
// a username keeps it, with an empty change; a fault says why somebody has none, such as that no name of theirs can be written. It runs in the
// transaction of whoever needs the names, and may be repeated.
func (r *Roster) Name(tx *store.Tx, people []int64) ([]Outcome, error) {
	tenant, err := tx.Own()
	if err != nil {
		return nil, err
	}
	rules := RulesOf(tenant.Settings)
	rules.late = true
	at := make(map[int64]int, len(people))
	var ops []Op
	for _, seq := range people {
		if _, twice := at[seq]; !twice && seq > 0 {
			at[seq] = len(ops)
			ops = append(ops, Op{Person: seq})
		}
	}
	outcomes, err := r.Carry(tx, rules, ops)
	if err != nil {
		return nil, err
	}
	var entries []muster.AuditEntry
	for _, o := range outcomes {
		if len(o.Faults) == 0 && !o.Change.Empty() {
			entries = append(entries, muster.AuditEntry{
				Actor: "muster", Surface: "provision", Action: "person.name", Object: "person " + o.Person.ID.String(), Person: o.Person.Seq, Change: o.Change,
			})
		}
	}
	out := make([]Outcome, len(people))
	for i, seq := range people {
		if n, asked := at[seq]; asked {
			out[i] = outcomes[n]
			continue
		}
		out[i].Faults = muster.Errors{muster.Errorf(muster.NotFound, "id", "There is no such person.")}
	}
	return out, tx.Audit(entries)
}
