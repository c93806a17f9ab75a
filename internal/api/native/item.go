package native

import (
	"context"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
)

// knowledge is what is known of the people of some items, and of the rows that have none.
type knowledge struct {
	people   map[int64]roster.Person
	accounts map[int64][]provision.AccountView
	labels   map[int]string // of rows that have no person
}

func (s *surface) knowledge(ctx context.Context, caller muster.Caller, b *batch.Batch, items []muster.Item) (k knowledge, err error) {
	if k.labels, err = s.Intake.Labels(ctx, caller, *b, items); err != nil {
		return k, err
	}
	var seqs []int64
	for i := range items {
		if items[i].Person != 0 {
			seqs = append(seqs, items[i].Person)
		}
	}
	if len(seqs) == 0 {
		return k, nil
	}
	if k.people, err = s.Roster.BySeq(ctx, caller, seqs); err != nil {
		return k, err
	}
	k.accounts, err = s.Provision.AccountsOf(ctx, caller, seqs)
	if muster.CodeOf(err) == muster.Forbidden { // who may not see targets still sees people
		err = nil
	}
	return k, err
}

func (k knowledge) view(b *batch.Batch, i *muster.Item) Item {
	v := Item{
		ID: muster.ItemID(i.Batch, i.Index, b.CreatedAt), Index: i.Index, Row: i.Row, State: i.State, Change: changeView(i.Change), Reasons: faultViews(i.Reasons), At: i.At,
	}
	after := muster.Record{}.Apply(i.Change)
	v.Username = after.Text("username")
	v.Name = muster.Person{DisplayName: after.Text("display_name"), FirstName: after.Text("first_name"), LastName: after.Text("last_name"), Email: after.Text("email")}.Shown()
	if p, known := k.people[i.Person]; known {
		v.Person, v.Name = &p.ID, p.Shown()
		if b.Kind == muster.ImportBatch && i.State != muster.PlannedItem || v.Username == "" {
			v.Username = p.Username
		}
	}
	v.Name, v.Label = strings.TrimSpace(v.Name), k.labels[i.Index]
	for n := range k.accounts[i.Person] {
		a := &k.accounts[i.Person][n]
		switch {
		case b.Kind == muster.ImportBatch && i.State == muster.DoneItem:
			v.Accounts = append(v.Accounts, accountView(a))
		case i.Account != 0 && a.Seq == i.Account:
			v.Account, v.Target = &a.ID, a.TargetName
		}
	}
	return v
}
