package store

// ByPersonSQL gives the queries that look for items by the person, for tests of their plans.
func (tx *Tx) ByPersonSQL(batch, person int64) map[string][]any {
	queries := map[string][]any{}
	add := func(query string, args []any) { queries[query] = args }
	add(tx.itemsOfPersonSQL(person, 0, 10))
	add(tx.itemsInSQL(batch, []int64{person}))
	add(tx.plannedRowsSQL(batch, []int64{person}))
	add(tx.inOrderSQL(batch, person))
	return queries
}
