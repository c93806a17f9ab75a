package provision

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// taking is what a run makes of some items of an order.
type taking struct {
	order  *store.BatchRow
	target *store.TargetRow // that the order follows
	others []store.TargetRow
	items  map[int64]muster.Item // by person: those that the run takes up
	people []int64               // whose account is looked at, in the order of the items
	out    []muster.Item         // those that have changed
	remind []int64               // accounts whose people are to be mailed again
}

// take makes accounts due for the items that a run takes up, on every target that applies, and gives the items as they then are. Those that are
// left alone are not among them.
func (p *Provision) take(tx *store.Tx, b *store.BatchRow, items []muster.Item) ([]muster.Item, error) {
	target, err := p.orderTarget(tx)
	if err != nil {
		return nil, err
	}
	t := &taking{order: b, target: &target, items: map[int64]muster.Item{}}
	if err := t.choose(tx, items); err != nil || len(t.items) == 0 {
		return t.out, err
	}
	if t.others, err = targetsBut(tx, target.Seq); err != nil {
		return nil, err
	}
	if err := p.nameThem(tx, t); err != nil {
		return nil, err
	}
	if err := p.followOrder(tx, t); err != nil {
		return nil, err
	}
	if err := p.followOthers(tx, t); err != nil {
		return nil, err
	}
	return t.out, p.remind(tx, t.remind)
}

// choose decides which items a run takes up: those that nobody has run, that failed, whose account failed or went with its target since, or whose
// person was mailed in vain. One person has one item.
func (t *taking) choose(tx *store.Tx, items []muster.Item) error {
	var seqs []int64
	for i := range items {
		if items[i].Account != 0 {
			seqs = append(seqs, items[i].Account)
		}
	}
	accounts, err := tx.Accounts(seqs)
	if err != nil {
		return err
	}
	for _, item := range items {
		a, has := accounts[item.Account]
		mailed := has && (a.Activation.State == muster.ActivationExpired || a.Activation.State == muster.ActivationFailed)
		var up bool
		switch item.State {
		case muster.PendingItem:
			up = item.Account == 0
		case muster.FailedItem:
			up = true
		case muster.DoneItem:
			up = item.Account != 0 && (!has || mailed || a.State == muster.FailedAccount || a.State == muster.ConflictAccount)
		case muster.SkippedItem:
			up = item.Account != 0 && !has
		}
		if !up {
			continue
		}
		t.items[item.Person] = item
		t.people = append(t.people, item.Person)
		if mailed {
			t.remind = append(t.remind, a.Seq)
		}
	}
	return nil
}

func targetsBut(tx *store.Tx, seq int64) ([]store.TargetRow, error) {
	targets, err := tx.Targets()
	var others []store.TargetRow
	for _, t := range targets {
		if t.Seq != seq {
			others = append(others, t)
		}
	}
	return others, err
}

// nameThem gives usernames to those who have none and are to have an account somewhere. Whose name makes none has failed.
func (p *Provision) nameThem(tx *store.Tx, t *taking) error {
	rows, err := tx.People(t.people)
	if err != nil {
		return err
	}
	var nameless, able []int64
	for _, seq := range t.people {
		row, present := rows[seq]
		switch {
		case !present:
			t.fail(seq, muster.Errorf(muster.NotFound, "", "This person is there no more."))
			continue
		case row.Username != "":
		case t.applies(&row):
			nameless = append(nameless, seq)
		}
		able = append(able, seq)
	}
	t.people = able
	if len(nameless) == 0 {
		return nil
	}
	outcomes, err := p.roster.Name(tx, nameless)
	if err != nil {
		return err
	}
	t.keepNamed(nameless, outcomes)
	return nil
}

// keepNamed drops those who could not be named.
func (t *taking) keepNamed(nameless []int64, outcomes []roster.Outcome) {
	faults := make(map[int64]muster.Errors, len(nameless))
	for i, seq := range nameless {
		faults[seq] = outcomes[i].Faults
	}
	var named []int64
	for _, seq := range t.people {
		if reasons := faults[seq]; len(reasons) > 0 {
			t.fail(seq, reasons...)
			continue
		}
		named = append(named, seq)
	}
	t.people = named
}

// applies says whether somebody is to have an account on any target, but for a username.
func (t *taking) applies(row *store.PersonRow) bool {
	if allows(row, t.target) {
		return true
	}
	for i := range t.others {
		if allows(row, &t.others[i]) {
			return true
		}
	}
	return false
}

// followOrder makes the accounts due on the order's own target.
func (p *Provision) followOrder(tx *store.Tx, t *taking) error {
	rows, err := tx.People(t.people)
	if err != nil {
		return err
	}
	groups, err := groupCodes(tx, t.people)
	if err != nil {
		return err
	}
	accounts, err := tx.AccountsOf(t.target.Seq, t.people)
	if err != nil {
		return err
	}
	work := planned{targets: []int64{t.target.Seq}}
	for _, seq := range t.people {
		row := rows[seq]
		a, has := accounts[seq]
		if !allows(&row, t.target) && a.ExternalID == "" && a.Intent == nil {
			t.fail(seq, muster.Errorf(muster.Policy, "state", "People who are %s get no account on %s.", row.State, t.target.Name))
			continue
		}
		work.look(tx, t.target, &row, groups[seq], a, has)
	}
	if err := p.makeDue(tx, &work); err != nil {
		return err
	}
	for _, now := range work.items {
		item := t.items[now.Person]
		was := item
		item.State, item.Account, item.Change, item.Guard, item.Reasons = now.State, now.Account, now.Change, now.Guard, now.Reasons
		if now.State == muster.DoneItem && was.State == muster.DoneItem {
			item.Change = was.Change // what the order did stays what it did
		}
		t.out = append(t.out, item)
	}
	return nil
}

// followOthers makes the accounts due on the other targets, in a batch of its own, as a change of these people would.
func (p *Provision) followOthers(tx *store.Tx, t *taking) error {
	work, err := p.planOn(tx, t.others, t.people)
	if err != nil || work.unchanged == len(work.items) {
		return err
	}
	b := newBatch(t.order.Surface, t.order.Name, t.order.Batch.Owner, tx)
	b.Unit = t.order.Unit
	if err := tx.CreateBatch(&b); err != nil {
		return err
	}
	if err := p.add(tx, &b, work); err != nil {
		return err
	}
	b.NextIndex = b.Total
	finish(tx, &b)
	return tx.SaveBatch(&b)
}

// fail gives the item of a person a bad outcome.
func (t *taking) fail(person int64, reasons ...*muster.Error) {
	t.out = append(t.out, failedItem(t.items[person], reasons...))
}

func failedItem(item muster.Item, reasons ...*muster.Error) muster.Item {
	item.State, item.Change, item.Reasons = muster.FailedItem, muster.Change{}, reasons
	return item
}
