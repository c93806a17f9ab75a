package store

import "github.com/musterid/muster"

// TogetherSQL gives the statements that write people and items together, for tests of their plans.
func (tx *Tx) TogetherSQL(changes []PersonChange, items []muster.Item) (map[string][]any, error) {
	people, sets := make([]*PersonRow, len(changes)), make([]columnSet, len(changes))
	for i, c := range changes {
		people[i], sets[i] = c.After, c.changed()
	}
	u, query, err := tx.updateTogetherSQL(people, sets)
	if err != nil {
		return nil, err
	}
	texts, err := packItems(items)
	if err != nil {
		return nil, err
	}
	of, update := tx.updateItemsSQL(items, texts)
	return map[string][]any{query: u.args, update: of.args}, nil
}
