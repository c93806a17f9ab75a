package store

import "time"

// LineSQL gives the statements about passwords that came with rows, by name, for tests of their plans.
func (tx *Tx) LineSQL(batch, person int64, at time.Time) map[string]SQL {
	people := tx.numbers([]int64{person})
	return map[string]SQL{
		"any":             {anyWaiting, []any{micros(at)}},
		"next tenant":     {nextWaiting, []any{int64(0), micros(at)}},
		"no other tenant": {nextWaiting, []any{tx.tenant, micros(at)}},
		"waiting":         {waitingOf, []any{tx.tenant, micros(at), 8}},
		"lease":           {tx.leaseQuery(), []any{tx.numbers([]int64{batch << 26}), "owner", micros(at)}},
		"old":             {dropOld, []any{micros(at.Add(-24 * time.Hour)), 1000}},
		"first unsettled": {firstUnsettled, []any{batch, 100}},
		"settle":          {settleSealed, []any{batch, 100, tx.tenant}},
		"of a person":     {waitingFor, []any{person, tx.tenant}},
		"drop a person's": {dropWaiting, []any{person, tx.tenant}},
		"of people":       {tx.perNumber("t.created_at", "sealed_password", "t.person = k.value AND t.person > 0 AND t.tenant = $2"), []any{people, tx.tenant}},
	}
}
