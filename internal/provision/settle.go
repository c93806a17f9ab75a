package provision

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// The waits between tries: first, and at most.
const (
	firstWait  = time.Second
	longestTry = 10 * time.Minute
	longestOff = 5 * time.Minute // of a target that is down
)

// failed notes an error of one account: for good, or to be tried again.
func (p *Provision) failed(t *store.TargetRow, d *delivery, err error) {
	verdict := connector.Verdict(err)
	d.reason = muster.Errorf(muster.Invalid, "", "%s", upperFirst(err.Error())).Because(err)
	if muster.CodeOf(err) != muster.Internal {
		d.reason = muster.Faults(err)[0]
	}
	d.account.LastError = d.reason
	d.account.Attempts++
	if verdict.Permanent || d.account.Attempts >= max(t.Policy.Attempts, 1) {
		d.state, d.account.State, d.account.Due = muster.FailedItem, muster.FailedAccount, time.Time{}
		return
	}
	d.account.Due = p.store.Now().Add(backoff(firstWait, d.account.Attempts, longestTry))
}

// backoff doubles with each attempt and varies by a quarter, so that many do not come back at once.
func backoff(first time.Duration, attempt int, most time.Duration) time.Duration {
	wait := min(first<<min(attempt-1, 20), most)
	return wait*3/4 + time.Duration(rand.Int64N(int64(wait)/2+1))
}

// trouble leaves a target alone for a while: as long as it asked, or longer each time.
func (p *Provision) trouble(ctx context.Context, t *store.TargetRow, cause error) error {
	verdict := connector.Verdict(cause)
	wait := verdict.After
	if wait <= 0 {
		wait = backoff(firstWait, t.Failures+1, longestOff)
	}
	p.log.Warn("target is left alone for a while", "target", t.ID, "kind", t.Kind, "for", wait.Round(time.Millisecond), "error", cause)
	return p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error {
		return tx.TargetTrouble(t.Seq, tx.Now().Add(wait), sentence(cause))
	})
}

// settle records some deliveries: the accounts, the items that wait for them, and the counts of their batches.
func (p *Provision) settle(ctx context.Context, t *store.TargetRow, group []*delivery) error {
	slices.SortFunc(group, func(a, b *delivery) int { return cmp.Compare(a.account.Seq, b.account.Seq) }) // the order in which rows are locked
	return p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error {
		work := make([]settling, len(group)) // settling may be repeated
		for i, d := range group {
			work[i] = settling{delivery: *d, row: d.account}
		}
		if err := p.settleAccounts(tx, work); err != nil {
			return err
		}
		final := make(map[int64]*settling, len(work))
		for i := range work {
			s := &work[i]
			if !s.held {
				continue
			}
			if err := p.settleActivation(tx, t, &s.delivery, &s.row); err != nil {
				return err
			}
			if s.state.Final() {
				final[s.row.Seq] = s
			}
		}
		return p.settleItems(tx, final)
	})
}

// settling is a delivery that is being recorded.
type settling struct {
	delivery
	row  store.AccountRow
	held bool // the claim was still ours
	due  bool // there is more to deliver
}

// settleAccounts writes the accounts: together where nothing is special about any of them, else each by itself.
func (p *Provision) settleAccounts(tx *store.Tx, work []settling) error {
	if !slices.ContainsFunc(work, func(s settling) bool { return s.taken }) {
		err := tx.Try(func() error { return settleTogether(tx, work) })
		if !errors.Is(err, store.ErrClash) {
			return err
		}
	}
	seqs := make([]int64, len(work))
	for i := range work {
		s := &work[i]
		seqs[i] = s.row.Seq
		if s.taken {
			ours, err := holds(tx, &s.row)
			if err == nil && ours {
				err = p.renumber(tx, &s.delivery, &s.row)
			}
			if err != nil {
				return err
			}
		}
		var err error
		if s.held, err = p.settleAccount(tx, &s.delivery, &s.row); err != nil {
			return err
		}
	}
	now, err := tx.Accounts(seqs) // giving somebody another name may have made others due again
	for i := range work {
		work[i].due = !now[work[i].row.Seq].Due.IsZero()
	}
	return err
}

func settleTogether(tx *store.Tx, work []settling) error {
	rows := make([]*store.AccountRow, len(work))
	for i := range work {
		rows[i] = &work[i].row
	}
	due, err := tx.SettleAccounts(rows)
	for i := range work {
		var at time.Time
		at, work[i].held = due[work[i].row.Seq]
		work[i].due = !at.IsZero()
	}
	return err
}

// holds says whether a claim is still ours, and keeps it so until the transaction ends. Who lost it must not give anybody another name: the account
// that has the present one may be the person's own, made by whoever has the claim now.
func holds(tx *store.Tx, claimed *store.AccountRow) (bool, error) {
	if err := tx.RenewAccounts([]int64{claimed.Seq}, claimed.Owner, tx.Now().Add(leaseTime)); err != nil {
		return false, err
	}
	now, err := tx.Accounts([]int64{claimed.Seq})
	return err == nil && now[claimed.Seq].Owner == claimed.Owner, err
}

// settleAccount writes an account. When another account of ours has the same external id, this one is in conflict.
func (p *Provision) settleAccount(tx *store.Tx, d *delivery, row *store.AccountRow) (held bool, err error) {
	err = tx.Try(func() error {
		held, err = tx.SettleAccount(row)
		return err
	})
	if !errors.Is(err, store.ErrClash) {
		return held, err
	}
	row.State, row.ExternalID, row.Pushed, row.Due = muster.ConflictAccount, "", nil, time.Time{}
	row.LastError = muster.Errorf(muster.Conflict, "", "The account at the target is that of another person here.")
	d.state, d.reason, d.change = muster.FailedItem, row.LastError, muster.Change{}
	return tx.SettleAccount(row)
}

// renumber gives the person the next generated username, and leaves the account due with it.
func (p *Provision) renumber(tx *store.Tx, d *delivery, row *store.AccountRow) error {
	elsewhere, err := tx.AccountsOfPeople([]int64{d.person.Seq})
	if err != nil {
		return err
	}
	var out roster.Outcome
	if knownElsewhere(elsewhere[d.person.Seq], row.Seq) {
		err = muster.Errorf(muster.Conflict, "username", "The username %q is a stranger's there, and is this person's on another target already.", d.person.Username)
	} else {
		out, err = p.roster.Renumber(tx, d.person.Seq)
	}
	if err != nil {
		if muster.CodeOf(err) == muster.Internal {
			return err
		}
		d.state, d.reason = muster.FailedItem, muster.Faults(err)[0]
		row.State, row.LastError, row.Due = muster.ConflictAccount, d.reason, time.Time{}
		return nil
	}
	row.Due, row.Username = tx.Now(), out.Person.Username
	if err := p.oweOthers(tx, elsewhere[d.person.Seq], row.Seq); err != nil {
		return err
	}
	return tx.Audit([]muster.AuditEntry{{
		Actor: "muster", Surface: "provision", Action: "person.renumber", Object: "person " + out.Person.ID.String(), Person: out.Person.Seq, Change: out.Change,
	}})
}

// oweOthers has a person's other accounts delivered again: one may be on its way with the old username.
func (p *Provision) oweOthers(tx *store.Tx, accounts []store.AccountRow, but int64) error {
	for _, a := range accounts {
		if a.Seq == but || a.State == muster.UnmanagedAccount {
			continue
		}
		if err := tx.Owe([]int64{a.Seq}, false); err != nil {
			return err
		}
		if err := p.wake(tx, a.Target); err != nil {
			return err
		}
	}
	return nil
}

// knownElsewhere says whether one of the accounts but this one may carry the username already.
func knownElsewhere(accounts []store.AccountRow, but int64) bool {
	return slices.ContainsFunc(accounts, func(a store.AccountRow) bool { return a.Seq != but && (a.ExternalID != "" || a.Intent != nil) })
}

// settleItems gives the items that waited for these accounts their outcome.
func (p *Provision) settleItems(tx *store.Tx, final map[int64]*settling) error {
	accounts := slices.Sorted(maps.Keys(final))
	items, err := tx.OpenItemsOf(accounts)
	if err != nil || len(items) == 0 {
		return err
	}
	counts := map[int64]*muster.Counts{}
	var settled []muster.Item
	for _, item := range items {
		d := final[item.Account]
		if item.Guard > d.person.Version || d.due && item.At.After(d.claimed) {
			continue // it asks for something newer than what was delivered, and its turn comes
		}
		item.State, item.Change, item.Reasons = d.state, d.change, nil
		if d.reason != nil {
			item.Reasons = muster.Errors{d.reason}
		}
		settled = append(settled, item)
		if counts[item.Batch] == nil {
			counts[item.Batch] = &muster.Counts{}
		}
		tally(counts[item.Batch], &item)
	}
	if err := tx.UpdateItems(settled); err != nil {
		return err
	}
	return addCounts(tx, counts)
}

// addCounts adds to batches, in the order in which rows are locked, and closes those that are through.
func addCounts(tx *store.Tx, counts map[int64]*muster.Counts) error {
	batches := make([]int64, 0, len(counts))
	for batch := range counts {
		batches = append(batches, batch)
	}
	slices.Sort(batches)
	for _, batch := range batches {
		b, err := tx.AddCounts(batch, 0, *counts[batch])
		if err != nil {
			return err
		}
		if finish(tx, &b) {
			if err := tx.SaveBatch(&b); err != nil {
				return err
			}
		}
	}
	return nil
}

// sentence says an error to people. The setting that is at fault stands in its message where that helps.
func sentence(err error) string {
	if muster.CodeOf(err) != muster.Internal {
		if fault := muster.Faults(err)[0]; fault.Message != "" {
			return fault.Message
		}
	}
	return upperFirst(err.Error())
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToValidUTF8(string(unicode.ToUpper(r))+s[n:], "�")
}
