package store

import "time"

// ActivationSQL gives the queries that are asked each second and each minute, by name, with the index that each is to use, for tests of their plans.
func (tx *Tx) ActivationSQL(target int64) map[string]SQL {
	claim, claimArgs := tx.claimInvitations(target, "owner", tx.now.Add(time.Minute), 100)
	open, openArgs := tx.openActivations(target, 10, 500)
	return map[string]SQL{
		"account_activation_due claim":    {claim, claimArgs},
		"account_activation_open list":    {open, openArgs},
		"account_activation_open expiry":  {nextExpiry, []any{target, tx.tenant}},
		"account_activation_due sweeping": {dueTargets(), []any{tx.now.UnixMicro()}},
		"account_activation_due start":    {freeInvitations, nil},
	}
}
