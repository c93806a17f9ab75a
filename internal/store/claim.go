package store

// ReleasedClaim is what a deleted person claimed beside what everybody does: restoring them claims it again.
type ReleasedClaim struct{ Phone, Code bool }

// ReleasedClaims gives what deleted people claimed.
func (tx *Tx) ReleasedClaims(people []int64) (map[int64]ReleasedClaim, error) {
	if len(people) == 0 {
		return nil, nil
	}
	found := make(map[int64]ReleasedClaim, len(people))
	query := tx.perNumber("t.phone, t.code", "released_claim", "t.person = k.value AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(people), tx.tenant}, func(scan func(...any) error) error {
		var person, phone, code int64
		err := scan(&person, &phone, &code)
		found[person] = ReleasedClaim{Phone: phone == 1, Code: code == 1}
		return err
	})
	return found, err
}

// SaveReleasedClaim notes what somebody claimed who is deleted now. The zero ReleasedClaim forgets it.
func (tx *Tx) SaveReleasedClaim(person int64, c ReleasedClaim) error {
	if c == (ReleasedClaim{}) {
		return tx.exec("DELETE FROM released_claim WHERE person = $1 AND tenant = $2", person, tx.tenant)
	}
	return tx.exec(`INSERT INTO released_claim (person, tenant, phone, code) VALUES ($1, $2, $3, $4)
 ON CONFLICT (person) DO UPDATE SET phone = excluded.phone, code = excluded.code`, person, tx.tenant, flag(c.Phone), flag(c.Code))
}
