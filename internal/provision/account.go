package provision

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// AccountView is an account with the ids that the outside knows.
type AccountView struct {
	muster.Account
	PersonID   uuid.UUID
	TargetID   uuid.UUID
	TargetName string
}

// AccountQuery is which accounts to list: those of a person, or those on a target.
type AccountQuery struct {
	Person, Target uuid.UUID
	State          muster.AccountState
	After          int64 // seq of the last one of the page before
	Limit          int
}

// Accounts lists accounts in the order of Seq.
func (p *Provision) Accounts(ctx context.Context, caller muster.Caller, q AccountQuery) (views []AccountView, err error) {
	if q.Person == uuid.Nil && q.Target == uuid.Nil {
		return nil, muster.Errorf(muster.Required, "target", "Say of which target or of which person.")
	}
	q.Limit = min(max(q.Limit, 1), 1000)
	err = p.look(ctx, caller, func(tx *store.Tx) error {
		rows, err := accountsFor(tx, q)
		if err != nil {
			return err
		}
		views, err = viewsOf(tx, rows)
		return err
	})
	return views, err
}

func accountsFor(tx *store.Tx, q AccountQuery) ([]store.AccountRow, error) {
	var target store.TargetRow
	var err error
	if q.Target != uuid.Nil {
		if target, err = tx.Target(q.Target); err != nil {
			return nil, err
		}
		if q.Person == uuid.Nil {
			return tx.AccountsOn(target.Seq, q.State, q.After, q.Limit)
		}
	}
	person, err := tx.Person(q.Person)
	if err != nil {
		return nil, err
	}
	all, err := tx.AccountsOfPeople([]int64{person.Seq})
	var rows []store.AccountRow
	for _, a := range all[person.Seq] {
		if a.Seq > q.After && (q.State == "" || a.State == q.State) && (target.Seq == 0 || a.Target == target.Seq) && len(rows) < q.Limit {
			rows = append(rows, a)
		}
	}
	return rows, err
}

// AccountsOf gives all accounts of people, by person.
func (p *Provision) AccountsOf(ctx context.Context, caller muster.Caller, people []int64) (views map[int64][]AccountView, err error) {
	err = p.look(ctx, caller, func(tx *store.Tx) error {
		found, err := tx.AccountsOfPeople(people)
		if err != nil {
			return err
		}
		var rows []store.AccountRow
		for _, list := range found {
			rows = append(rows, list...)
		}
		list, err := viewsOf(tx, rows)
		views = make(map[int64][]AccountView, len(found))
		for _, v := range list {
			views[v.Person] = append(views[v.Person], v)
		}
		return err
	})
	return views, err
}

// Account gives one account by id.
func (p *Provision) Account(ctx context.Context, caller muster.Caller, id uuid.UUID) (view AccountView, err error) {
	err = p.look(ctx, caller, func(tx *store.Tx) error {
		row, err := tx.Account(id)
		if err != nil {
			return err
		}
		view, err = viewOf(tx, row)
		return err
	})
	return view, err
}

func viewOf(tx *store.Tx, row store.AccountRow) (AccountView, error) {
	views, err := viewsOf(tx, []store.AccountRow{row})
	if err != nil {
		return AccountView{}, err
	}
	return views[0], nil
}

func viewsOf(tx *store.Tx, rows []store.AccountRow) ([]AccountView, error) {
	targets, err := tx.Targets()
	if err != nil {
		return nil, err
	}
	byTarget := make(map[int64]store.TargetRow, len(targets))
	for _, t := range targets {
		byTarget[t.Seq] = t
	}
	people := make([]int64, len(rows))
	for i, r := range rows {
		people[i] = r.Person
	}
	byPerson, err := tx.People(people)
	views := make([]AccountView, len(rows))
	for i, r := range rows {
		t := byTarget[r.Target]
		views[i] = AccountView{Account: r.Account, PersonID: byPerson[r.Person].ID, TargetID: t.ID, TargetName: t.Name}
	}
	return views, err
}

// Deliver has one account delivered again now, all of it, also one that failed or is in conflict. One that somebody deleted at the target is made
// anew, and whoever was mailed in vain is mailed again.
func (p *Provision) Deliver(ctx context.Context, caller muster.Caller, id uuid.UUID) (view AccountView, err error) {
	if err := access.Can(caller, muster.WritePeople); err != nil {
		return view, err
	}
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		row, err := tx.Account(id)
		if err != nil {
			return err
		}
		if row.State == muster.UnmanagedAccount {
			return muster.Errorf(muster.Policy, "", "This account was taken out of our hands.")
		}
		if err := tx.ForgetPushed(row.Seq); err != nil {
			return err
		}
		if err := tx.Owe([]int64{row.Seq}, false); err != nil {
			return err
		}
		if err := p.remind(tx, []int64{row.Seq}); err != nil {
			return err
		}
		if row, err = tx.Account(id); err != nil {
			return err
		}
		if view, err = viewOf(tx, row); err != nil {
			return err
		}
		return p.wake(tx, row.Target)
	})
	return view, err
}

// RetryBatch has the failed accounts of a provision batch delivered again: their items are pending once more.
func (p *Provision) RetryBatch(ctx context.Context, caller muster.Caller, id uuid.UUID) (b store.BatchRow, err error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return b, err
	}
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := tx.Batch(id)
		if err == nil {
			err = access.Change(tx, caller, found.Unit, muster.Errorf(muster.NotFound, "id", "There is no batch %s.", id))
		}
		if err != nil {
			return err
		}
		if b, err = tx.LockBatch(found.Seq); err != nil {
			return err
		}
		if b.Kind != muster.ProvisionBatch {
			return muster.Errorf(muster.Unsupported, "", "Rows of an import are retried in a new batch.")
		}
		if b.Order {
			_, _, err := p.beginRun(tx, caller, &b, 0)
			return err
		}
		return p.retry(tx, &b)
	})
	return b, err
}

func (p *Provision) retry(tx *store.Tx, b *store.BatchRow) error {
	targets := map[int64]bool{}
	for from := 0; ; {
		items, err := tx.Items(b.Seq, muster.FailedItem, from, 1000)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			break
		}
		from = items[len(items)-1].Index + 1
		accounts, err := p.oweAgain(tx, items)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			targets[a.Target] = true
		}
		b.Counts.Failed -= len(accounts)
	}
	if len(targets) == 0 {
		return nil
	}
	b.State, b.FinishedAt = muster.Running, time.Time{}
	for target := range targets {
		if err := p.wake(tx, target); err != nil {
			return err
		}
	}
	return tx.SaveBatch(b)
}

// oweAgain makes the accounts of failed items due and the items pending, but for accounts that are no longer there or in our hands. It gives the
// account of each item that it took up.
func (p *Provision) oweAgain(tx *store.Tx, items []muster.Item) ([]store.AccountRow, error) {
	seqs := make([]int64, len(items))
	for i := range items {
		seqs[i] = items[i].Account
	}
	rows, err := tx.Accounts(seqs)
	if err != nil {
		return nil, err
	}
	var accounts []store.AccountRow
	var again []muster.Item
	var owed []int64
	for _, item := range items {
		a, there := rows[item.Account]
		if !there || a.State == muster.UnmanagedAccount {
			continue
		}
		item.State, item.Reasons = muster.PendingItem, nil
		accounts, again, owed = append(accounts, a), append(again, item), append(owed, a.Seq)
	}
	if err := tx.Owe(owed, false); err != nil {
		return nil, err
	}
	return accounts, tx.UpdateItems(again)
}
