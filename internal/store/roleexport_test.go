package store

// RolesInPlan gives how the engine reads the roles that people have in a unit.
func (s *Store) RolesInPlan(tx *Tx, unit int64, people []int64) ([]string, error) {
	query, args := tx.rolesInSQL(unit, people)
	return s.ReadPlan(tx, query, args)
}
