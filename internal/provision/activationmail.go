package provision

import (
	"context"
	"errors"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// An invitation is one claimed account whose target is to mail its person.
type invitation struct {
	account store.AccountRow

	// What came of it; none of these when it was not tried.
	sentAt time.Time
	active bool // the person was there without another mail
	reason *muster.Error
	final  bool      // reason is final
	again  time.Time // when to try again, after a reason that is not
}

// inviteSome claims accounts whose mail the target is to send, and has it sent. more says that it is worth looking again.
func (p *Provision) inviteSome(ctx context.Context, t *store.TargetRow, conn connector.Connector, owner string) (more bool, err error) {
	list, claimed, err := p.claimInvitations(ctx, t, owner)
	if err != nil || len(list) == 0 {
		return claimed > 0 && err == nil, err
	}
	accounts := make([]int64, len(list))
	for i, v := range list {
		accounts[i] = v.account.Seq
	}
	return work(ctx, p, t, conn, shift[*invitation]{
		list:   list,
		do:     func(ctx context.Context, conn *paced, v *invitation) error { return p.send(ctx, t, conn, v) },
		settle: func(ctx context.Context, group []*invitation) error { return p.settleInvitations(ctx, t, group) },
		renew:  func(tx *store.Tx) error { return tx.RenewInvitations(accounts, owner, tx.Now().Add(leaseTime)) },
	})
}

// claimInvitations takes accounts whose mail is due. Those of people who cannot be mailed any more are given back at once.
func (p *Provision) claimInvitations(ctx context.Context, t *store.TargetRow, owner string) (list []*invitation, claimed int, err error) {
	err = p.store.Bulk(ctx, t.Tenant, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.ClaimInvitations(t.Seq, owner, tx.Now().Add(leaseTime), atOnce(t))
		claimed = len(rows)
		if err != nil || claimed == 0 {
			return err
		}
		people := make([]int64, len(rows))
		for i := range rows {
			people[i] = rows[i].Person
		}
		found, err := tx.People(people)
		if err != nil {
			return err
		}
		for i := range rows {
			row, person := &rows[i], found[rows[i].Person]
			if ourHands(row) && person.Email != "" && person.CanSignIn() {
				list = append(list, &invitation{account: *row})
				continue
			}
			if err := stopActivation(tx, row, row.Activation.By); err != nil {
				return err
			}
		}
		return nil
	})
	return list, claimed, err
}

// send has the target mail the person of an account, and notes in v what came of it. The error is only for what keeps the whole target from being
// worked with. Nobody is mailed again who has come through meanwhile.
func (p *Provision) send(ctx context.Context, t *store.TargetRow, conn *paced, v *invitation) error {
	activator, can := power[connector.Activator](conn)
	if !can {
		v.reason, v.final = muster.Errorf(muster.Unsupported, "", "This target sends no mail by itself."), true
		return nil
	}
	id := v.account.ExternalID
	if !v.account.Activation.SentAt.IsZero() {
		progress, err := progressOf(ctx, conn, activator, id)
		if err != nil {
			return p.unsent(ctx, t, v, err)
		}
		if v.active = progress == connector.Activated; v.active {
			return nil
		}
	}
	err := conn.call(ctx, func(ctx context.Context) error { return activator.Invite(ctx, id, life(t)) })
	if err != nil {
		return p.unsent(ctx, t, v, err)
	}
	v.sentAt = p.store.Now()
	return nil
}

// unsent notes why a mail was not sent.
func (p *Provision) unsent(ctx context.Context, t *store.TargetRow, v *invitation, err error) error {
	if errors.Is(err, errStopped) || ctx.Err() != nil {
		return nil // it stays due, and nothing counts against it
	}
	if verdict := connector.Verdict(err); verdict.Down || verdict.After > 0 {
		return err
	}
	if errors.Is(err, connector.ErrNotFound) {
		v.reason, v.final = muster.Errorf(muster.Gone, "", "The account is no longer at the target. Deliver it again to have it made anew."), true
		return nil
	}
	v.reason = muster.Errorf(muster.Invalid, "", "%s", upperFirst(err.Error())).Because(err)
	if muster.CodeOf(err) != muster.Internal {
		v.reason = muster.Faults(err)[0]
	}
	attempt := v.account.ActivationAttempts + 1
	v.final = connector.Verdict(err).Permanent || attempt >= max(t.Policy.Attempts, 1)
	v.again = p.store.Now().Add(backoff(firstWait, attempt, longestTry))
	return nil
}

// settleInvitations records what came of some invitations. Who lost the claim records a mail that was sent all the same, as long as it is owed.
func (p *Provision) settleInvitations(ctx context.Context, t *store.TargetRow, group []*invitation) error {
	seqs, bySeq := make([]int64, len(group)), make(map[int64]*invitation, len(group))
	for i, v := range group {
		seqs[i], bySeq[v.account.Seq] = v.account.Seq, v
	}
	return p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error {
		rows, err := tx.LockAccounts(seqs)
		if err != nil {
			return err
		}
		sent := false
		for i := range rows {
			row, v := &rows[i], bySeq[rows[i].Seq]
			if row.Activation.State != muster.ActivationOwed || row.ActivationOwner != v.account.ActivationOwner && v.sentAt.IsZero() {
				continue
			}
			sent = sent || !v.sentAt.IsZero()
			v.outcome(row, tx.Now(), life(t))
			if err := tx.SaveActivation(row); err != nil {
				return err
			}
		}
		if !sent {
			return nil
		}
		return tx.LookBy(t.Seq, tx.Now().Add(firstLook), firstLook)
	})
}

// outcome lays what came of an invitation over the account.
func (v *invitation) outcome(row *store.AccountRow, now time.Time, life time.Duration) {
	a := &row.Activation
	switch {
	case !v.sentAt.IsZero():
		a.State, a.SentAt, a.ExpiresAt, a.LastError = muster.ActivationSent, v.sentAt, v.sentAt.Add(life), nil
		row.ActivationDue, row.ActivationAttempts = time.Time{}, 0
	case v.active:
		a.State, a.DoneAt, a.LastError = muster.ActivationDone, now, nil
		row.ActivationDue, row.ActivationAttempts = time.Time{}, 0
	case v.reason != nil && v.final:
		a.State, a.LastError = muster.ActivationFailed, v.reason
		row.ActivationDue, row.ActivationAttempts = time.Time{}, row.ActivationAttempts+1
	case v.reason != nil:
		a.LastError = v.reason
		row.ActivationDue, row.ActivationAttempts = v.again, row.ActivationAttempts+1
	}
}
