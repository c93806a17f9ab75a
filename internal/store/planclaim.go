package store

// PlanClaims gives those of the claims that rows of a batch have made while it is planned: a key with the row that claims it, or a count.
func (tx *Tx) PlanClaims(batch int64, claims []string) (map[string]int, error) {
	found := make(map[string]int, len(claims))
	if len(claims) == 0 {
		return found, nil
	}
	query := tx.perText("t.n", "plan_claim", "t.batch = $2 AND t.claim = k.value")
	err := tx.each(query, []any{tx.texts(claims), batch}, func(scan func(...any) error) error {
		var claim string
		var n int
		err := scan(&claim, &n)
		found[claim] = n
		return err
	})
	return found, err
}

// AddPlanClaims makes claims for a batch that is planned. Numbers of a claim that is there are added up.
func (tx *Tx) AddPlanClaims(batch int64, claims map[string]int) error {
	if len(claims) == 0 {
		return nil
	}
	insert := "INSERT INTO plan_claim (batch, claim, n) " + tx.pairs() + " ON CONFLICT (batch, claim) DO UPDATE SET n = plan_claim.n + excluded.n"
	return tx.exec(insert, append([]any{batch}, tx.pairArgs(claims)...)...)
}

// DropPlanClaims forgets the claims of a batch whose plan is done.
func (tx *Tx) DropPlanClaims(batch int64) error {
	return tx.exec("DELETE FROM plan_claim WHERE batch = $1", batch)
}
