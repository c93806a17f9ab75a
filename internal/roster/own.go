package roster

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Own gives the caller's own person, and the roles they hold in units. Everybody may ask that about themselves; a caller who is nobody in the
// directory is muster.NotFound.
func (r *Roster) Own(ctx context.Context, caller muster.Caller) (p Person, held []AssignmentView, err error) {
	if caller.Person == 0 {
		return p, nil, muster.Errorf(muster.NotFound, "person", "Nobody in the directory belongs to this credential.")
	}
	err = r.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := tx.People([]int64{caller.Person})
		if err != nil {
			return err
		}
		p, held = found[caller.Person], nil
		roles, err := rolesOf(tx, p.ID)
		if err != nil {
			return err
		}
		for _, m := range roles.members {
			for _, a := range roles.roles[m.Seq] {
				held = append(held, AssignmentView{Assignment: a.Assignment, Unit: m.Unit, Kind: m.UnitKind, Title: m.Title})
			}
		}
		return nil
	})
	return p, held, err
}

// PublicUnits lists units of a kind that are in use, for somebody who has not signed in: whoever shows them chooses what of them is everybody's to know.
func (r *Roster) PublicUnits(ctx context.Context, tenant int64, kind string) (list []muster.Unit, err error) {
	open := false
	err = r.store.View(ctx, tenant, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.ListUnits(store.UnitQuery{Kind: kind, Closed: &open, Limit: publicUnits})
		for _, u := range rows {
			list = append(list, u.Unit)
		}
		return err
	})
	return list, err
}

// publicUnits is how many units are shown to whoever comes.
const publicUnits = 1000
