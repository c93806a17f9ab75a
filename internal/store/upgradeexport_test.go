package store

import "context"

// MigrateTo brings an empty database to an older version of the schema.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// OrdersPlan and the others give how the engine reads a page of orders, a page of the items of one, whom a batch is about, and whom a run repeats.
func (s *Store) OrdersPlan(tx *Tx, unit int64, within []string, skip, limit int) ([]string, error) {
	query, args := tx.ordersSQL(unit, within, skip, limit)
	return s.ReadPlan(tx, query, args)
}

func (s *Store) OrderItemsPlan(tx *Tx, batch int64, from, limit int) ([]string, error) {
	query, args := tx.orderItemsSQL(batch, from, limit)
	return s.ReadPlan(tx, query, args)
}

func (s *Store) PeopleInPlan(tx *Tx, batch int64, done bool, from, end int) ([]string, error) {
	query, args := tx.peopleInSQL(batch, done, from, end)
	return s.ReadPlan(tx, query, args)
}

func (s *Store) ToRepeatPlan(tx *Tx, order int64) ([]string, error) {
	query, args := tx.toRepeatSQL(order)
	return s.ReadPlan(tx, query, args)
}
