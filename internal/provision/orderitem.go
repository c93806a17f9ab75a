package provision

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// OrderItem is an item of an order with whom it is about. Its own Person and Account are numbers, which these stand in place of.
type OrderItem struct {
	muster.Item
	ID      uuid.UUID
	Person  roster.Person   // the zero Person when there is nobody any more
	Account *muster.Account // on the order's target; nil until a run has taken the item
	Unit    uuid.UUID       // the order's
	Role    string          // the code of the person's role in that unit; "" when they have none

	CreatedAt time.Time
	UpdatedAt time.Time // of the item or its account, whichever changed last
}

// OrderItems gives one page of an order's items by their index, from a place on. A page shorter than limit is the last one.
func (p *Provision) OrderItems(ctx context.Context, caller muster.Caller, id uuid.UUID, skip, limit int) (items []OrderItem, err error) {
	err = p.store.View(ctx, caller.Tenant, func(tx *store.Tx) error {
		b, err := order(tx, caller, id)
		if err != nil || limit <= 0 || skip >= b.Total {
			return err
		}
		rows, err := tx.OrderItems(b.Seq, max(skip, 0), min(limit, 1000))
		if err != nil {
			return err
		}
		items, err = orderItems(tx, &b, rows)
		return err
	})
	return items, err
}

// AddToOrder adds a person to an order, and gives the item they have when they are in it already.
func (p *Provision) AddToOrder(ctx context.Context, caller muster.Caller, id, person uuid.UUID) (item OrderItem, err error) {
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := orderToChange(tx, caller, id)
		if err != nil {
			return err
		}
		who, err := personInReach(tx, caller, person)
		if err != nil {
			return err
		}
		b, err := tx.LockBatch(found.Seq)
		if err != nil {
			return err
		}
		index, has, err := tx.InOrder(b.Seq, who)
		if err != nil {
			return err
		}
		if !has {
			index = b.Total
			if err := addToOrder(tx, &b, []int64{who}); err != nil {
				return err
			}
		}
		item, err = orderItemOf(tx, &b, index)
		return err
	})
	return item, err
}

// personInReach gives the number of a person who is to be there and whom a caller may change: they get an account, and a username where they have none.
func personInReach(tx *store.Tx, caller muster.Caller, id uuid.UUID) (int64, error) {
	missing := muster.Errorf(muster.NotFound, "person", "There is no person %s.", id)
	row, err := tx.Person(id)
	if muster.CodeOf(err) == muster.NotFound || err == nil && row.State == muster.Deleted {
		err = missing
	}
	if err != nil {
		return 0, err
	}
	known, err := access.Known(tx, caller)
	if err != nil {
		return 0, err
	}
	parts, err := known.People(tx, []int64{row.Seq})
	if err == nil && parts[row.Seq] == access.Outside {
		err = missing
	}
	if err != nil {
		return 0, err
	}
	reach, err := access.ReachOf(tx, caller, muster.WritePeople)
	if err != nil {
		return 0, err
	}
	parts, err = reach.People(tx, []int64{row.Seq})
	if err == nil && parts[row.Seq] == access.Outside {
		err = access.Over(tx, caller, muster.WritePeople) // they are in units of others only: no less than the tenant would do
	}
	return row.Seq, err
}

func orderItemOf(tx *store.Tx, b *store.BatchRow, index int) (OrderItem, error) {
	rows, err := tx.OrderItems(b.Seq, index, 1)
	if err != nil {
		return OrderItem{}, err
	}
	items, err := orderItems(tx, b, rows)
	if err != nil {
		return OrderItem{}, err
	}
	return items[0], nil
}

// orderItems puts items together with whom they are about, in a number of queries that does not grow with them.
func orderItems(tx *store.Tx, b *store.BatchRow, rows []store.OrderItemRow) ([]OrderItem, error) {
	var people, seqs []int64
	for i := range rows {
		people = append(people, rows[i].Person)
		if rows[i].Account != 0 {
			seqs = append(seqs, rows[i].Account)
		}
	}
	persons, err := tx.People(people)
	if err != nil {
		return nil, err
	}
	accounts, err := tx.Accounts(seqs)
	if err != nil {
		return nil, err
	}
	units, err := tx.Units([]int64{b.Unit})
	if err != nil {
		return nil, err
	}
	roles, err := tx.RolesIn(b.Unit, people)
	if err != nil {
		return nil, err
	}
	items := make([]OrderItem, len(rows))
	for i := range rows {
		row := &rows[i]
		items[i] = OrderItem{
			Item: row.Item, ID: muster.ItemID(b.Seq, row.Index, b.CreatedAt), Person: persons[row.Person], Unit: units[b.Unit].ID, Role: roles[row.Person],
			CreatedAt: row.CreatedAt, UpdatedAt: row.At,
		}
		if a, has := accounts[row.Account]; has {
			items[i].Account = &a.Account
			if a.UpdatedAt.After(row.At) {
				items[i].UpdatedAt = a.UpdatedAt
			}
		}
	}
	return items, nil
}
