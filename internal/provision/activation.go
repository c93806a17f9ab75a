package provision

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// An account that was made for somebody is of no use until they can sign in to it. Its activation is how far that has come: a mail is owed, sent by the
// target (activationmail.go) or by Muster (internal/invite, by ActivationJob), and what becomes of it is read back from the target
// (activationlook.go) or ends with the password that the person sets here (activationpassword.go).
//
// The state none with a mailer (Activation.By) is an account that will be mailed for as soon as that is possible: its person has no address yet, or
// may not sign in.

// ActivationJob is the kind of the job that has Muster's own mail sent for an account. Its arguments are ActivationArgs. Who sends mail handles it,
// and tells what came of it by Mailed or MailFailed.
const ActivationJob = "activation"

// ActivationArgs name an account whose person is to be mailed. Nonce is different for every mail that is owed, and the same when a job is done
// again.
type ActivationArgs struct {
	Tenant  int64 `json:"tenant"`
	Account int64 `json:"account"`
	Nonce   int64 `json:"nonce"`
}

// mailer says who mails the people of a target.
func mailer(t *store.TargetRow) muster.Mailer {
	if t.Policy.Activation == "" {
		return muster.MailByNobody
	}
	return t.Policy.Activation
}

// mailerOf is the mailer of a kind's targets for which nothing was said.
func mailerOf(kind connector.Kind) muster.Mailer {
	switch {
	case kind.Powers.Activation:
		return muster.MailByTarget
	case kind.Name == directoryKind:
		return muster.MailByMuster
	}
	return ""
}

// checkMailer gives a policy its mailer where it has none, and refuses one that the kind cannot work with.
func checkMailer(policy *muster.TargetPolicy, kind connector.Kind) error {
	switch policy.Activation {
	case "":
		policy.Activation = mailerOf(kind)
	case muster.MailByTarget:
		if !kind.Powers.Activation {
			return muster.Errorf(muster.Unsupported, "policy.activation", "A target of kind %s sends no mail by itself. Set this to muster or none.", kind.Name)
		}
	case muster.MailByMuster:
		if !kind.Powers.Passwords {
			return muster.Errorf(muster.Unsupported, "policy.activation", "Passwords cannot be set on a target of kind %s, so Muster has nothing to mail. Set this to none.", kind.Name)
		}
	}
	return nil
}

// life is how long the link of a mail works.
func life(t *store.TargetRow) time.Duration {
	days := t.Policy.ActivationDays
	if days == 0 {
		days = muster.DefaultTargetPolicy().ActivationDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// meetPerson asks, of an account that was found and is this person's, whether they use it already: then nobody is to be mailed.
func (p *Provision) meetPerson(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery, found connector.Account, kind connector.Kind) error {
	if mailer(t) == muster.MailByNobody {
		return nil
	}
	activator, can := power[connector.Activator](conn)
	if !can || !kind.Powers.Activation {
		taken := found.Marker != p.marker(d) && d.account.Intent == nil // over from whoever made it, for the address
		d.fresh, d.active = !taken || !found.Enabled, taken && found.Enabled
		return nil
	}
	progress, err := progressOf(ctx, conn, activator, found.ExternalID)
	d.active = progress == connector.Activated
	d.fresh = err == nil && !d.active
	return err
}

// progressOf asks how far the person of one account has come.
func progressOf(ctx context.Context, conn connector.Connector, activator connector.Activator, externalID string) (progress connector.Progress, err error) {
	ask := func(ctx context.Context) error {
		return activator.Activations(ctx, []string{externalID}, func(_ string, p connector.Progress) error {
			progress = p
			return nil
		})
	}
	if calls, ok := conn.(*paced); ok {
		return progress, calls.call(ctx, ask)
	}
	return progress, ask(ctx)
}

// settleActivation does what a delivery that was settled means for the account's activation. row is locked by having been settled.
func (p *Provision) settleActivation(tx *store.Tx, t *store.TargetRow, d *delivery, settled *store.AccountRow) error {
	before, by := d.account.Activation, mailer(t)
	gone := settled.State == muster.ReleasedAccount
	ready := settled.State == muster.DeliveredAccount && d.wanted["enabled"] == true
	waits := before.State == muster.NoActivation && mails(before.By)
	moved := ready && d.person.Email != "" && otherAddress(d.change) && by != muster.MailByNobody
	switch {
	case gone && (before.State != muster.NoActivation || before.By != ""):
	case (d.fresh || d.active) && (by != muster.MailByNobody || before.State != muster.NoActivation):
	case waits && ready && d.person.Email != "":
	case moved && before.State != muster.NoActivation && before.State != muster.ActivationDone:
	case before.State == muster.ActivationOwed && settled.State == muster.DeliveredAccount: // it may be stopped by now, or has to be
	default:
		return nil
	}
	rows, err := tx.LockAccounts([]int64{settled.Seq})
	if err != nil || len(rows) == 0 {
		return err
	}
	row := &rows[0]
	switch {
	case gone:
		return stopActivation(tx, row, "")
	case d.active:
		return activated(tx, row, by)
	case d.fresh && !ready:
		return stopActivation(tx, row, by)
	case d.fresh, ready && row.Activation.State == muster.NoActivation && mails(row.Activation.By):
		return p.invite(tx, t, row, &d.person.Person)
	case moved && (row.Activation.Open() || row.Activation.State == muster.ActivationFailed):
		return p.invite(tx, t, row, &d.person.Person) // whoever has the other address is not to have the link
	case row.Activation.State == muster.ActivationOwed && (!ready || d.person.Email == ""): // there is nobody to mail any more
		return stopActivation(tx, row, row.Activation.By)
	}
	return nil
}

// otherAddress says whether a delivery gave an account that was there another e-mail address in the place of one that it had.
func otherAddress(c muster.Change) bool {
	return slices.ContainsFunc(c.Fields, func(f muster.FieldChange) bool {
		before, _ := f.Before.(string)
		after, _ := f.After.(string)
		return f.Field == "email" && before != "" && muster.FoldKey(before) != muster.FoldKey(after)
	})
}

func mails(by muster.Mailer) bool { return by == muster.MailByMuster || by == muster.MailByTarget }

// stopActivation takes an activation back to its beginning: nobody is mailed. With a mailer somebody will be, once that is possible.
func stopActivation(tx *store.Tx, row *store.AccountRow, by muster.Mailer) error {
	row.Activation, row.ActivationDue, row.ActivationAttempts = muster.Activation{State: muster.NoActivation, By: by}, time.Time{}, 0
	return tx.SaveActivation(row)
}

// activated notes that the person of an account can sign in to it.
func activated(tx *store.Tx, row *store.AccountRow, by muster.Mailer) error {
	row.Activation.State, row.Activation.DoneAt, row.Activation.LastError = muster.ActivationDone, tx.Now(), nil
	if row.Activation.By == "" {
		row.Activation.By = by
	}
	row.ActivationDue, row.ActivationAttempts = time.Time{}, 0
	return tx.SaveActivation(row)
}

// invite has the mail of an account sent, by whoever does so on its target and as soon as there is somebody to mail. row is locked.
func (p *Provision) invite(tx *store.Tx, t *store.TargetRow, row *store.AccountRow, person *muster.Person) error {
	by := mailer(t)
	if by == muster.MailByNobody || person.Email == "" || !person.CanSignIn() || row.ExternalID == "" {
		return stopActivation(tx, row, by)
	}
	row.Activation = muster.Activation{State: muster.ActivationOwed, By: by, SentAt: row.Activation.SentAt}
	row.ActivationDue, row.ActivationAttempts = time.Time{}, 0
	switch {
	case by == muster.MailByTarget:
		row.ActivationDue = tx.Now()
	case !p.canMail:
		row.Activation.State = muster.ActivationPending
		if err := tx.LookBy(t.Seq, tx.Now().Add(firstLook), firstLook); err != nil {
			return err
		}
	default:
		args := ActivationArgs{Tenant: tx.Tenant(), Account: row.Seq, Nonce: rand.Int64N(1 << 53)}
		if err := p.queue.Enqueue(tx.Context(), tx.SQL(), ActivationJob, args); err != nil {
			return err
		}
		tx.AfterCommit(p.queue.Nudge)
	}
	return tx.SaveActivation(row)
}

// Mailed notes that the mail server has taken the mail by which the person of an account activates it, and until when its link works. An account
// whose activation has ended meanwhile, or is to be begun anew, stays as it is.
func (p *Provision) Mailed(tx *store.Tx, account int64, expires time.Time) error {
	return p.note(tx, account, func(row *store.AccountRow) (bool, error) {
		a := &row.Activation
		if a.State != muster.ActivationOwed && !a.Open() {
			return false, nil
		}
		if a.State == muster.ActivationOwed {
			a.State = muster.ActivationSent
		}
		a.SentAt, a.ExpiresAt, a.LastError = tx.Now(), expires, nil
		return true, tx.LookBy(row.Target, tx.Now().Add(firstLook), firstLook)
	})
}

// MailFailed notes that the mail of an account could not be sent, for good.
func (p *Provision) MailFailed(tx *store.Tx, account int64, reason *muster.Error) error {
	return p.note(tx, account, func(row *store.AccountRow) (bool, error) {
		if row.Activation.State != muster.ActivationOwed {
			return false, nil
		}
		row.Activation.State, row.Activation.LastError = muster.ActivationFailed, reason
		return true, nil
	})
}

// NobodyToMail notes that the mail of an account was given up because its person may not sign in, or the account is not in our hands. Once they may,
// they are mailed.
func (p *Provision) NobodyToMail(tx *store.Tx, account int64) error {
	return p.note(tx, account, func(row *store.AccountRow) (bool, error) {
		if row.Activation.State != muster.ActivationOwed {
			return false, nil
		}
		row.Activation = muster.Activation{State: muster.NoActivation, By: row.Activation.By, SentAt: row.Activation.SentAt}
		return true, nil
	})
}

// Begun notes that the person has begun, and is not through: the target did not take their password.
func (p *Provision) Begun(tx *store.Tx, account int64) error {
	return p.note(tx, account, func(row *store.AccountRow) (bool, error) {
		if row.Activation.State != muster.ActivationSent {
			return false, nil
		}
		row.Activation.State = muster.ActivationPending
		return true, nil
	})
}

// note changes the activation of one account that Muster mails for. An account that is gone is nobody's concern any more.
func (p *Provision) note(tx *store.Tx, account int64, change func(row *store.AccountRow) (bool, error)) error {
	rows, err := tx.LockAccounts([]int64{account})
	if err != nil || len(rows) == 0 || rows[0].Activation.By != muster.MailByMuster {
		return err
	}
	changed, err := change(&rows[0])
	if err != nil || !changed {
		return err
	}
	return tx.SaveActivation(&rows[0])
}

// remind makes the activation of accounts owed again where it has failed or its life is over; the others stay as they are.
func (p *Provision) remind(tx *store.Tx, accounts []int64) error {
	rows, err := tx.LockAccounts(accounts)
	if err != nil || len(rows) == 0 {
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
	targets, err := tx.Targets()
	if err != nil {
		return err
	}
	bySeq := make(map[int64]*store.TargetRow, len(targets))
	for i := range targets {
		bySeq[targets[i].Seq] = &targets[i]
	}
	woken := map[int64]bool{}
	for i := range rows {
		row, t := &rows[i], bySeq[rows[i].Target]
		person, known := found[row.Person]
		if s := row.Activation.State; t == nil || !known || !ourHands(row) || s != muster.ActivationExpired && s != muster.ActivationFailed {
			continue
		}
		if err := p.invite(tx, t, row, &person.Person); err != nil {
			return err
		}
		if !row.ActivationDue.IsZero() && !woken[t.Seq] {
			woken[t.Seq] = true
			if err := p.wake(tx, t.Seq); err != nil {
				return err
			}
		}
	}
	return nil
}

func ourHands(row *store.AccountRow) bool {
	return row.ExternalID != "" && row.State != muster.UnmanagedAccount && row.State != muster.ReleasedAccount
}

// Remind has the mail by which an account is activated sent once more, wherever its activation stands but for done.
func (p *Provision) Remind(ctx context.Context, caller muster.Caller, id uuid.UUID) (view AccountView, err error) {
	if err := access.Can(caller, muster.WritePeople); err != nil {
		return view, err
	}
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := tx.Account(id)
		if err != nil {
			return err
		}
		rows, err := tx.LockAccounts([]int64{found.Seq})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return muster.Errorf(muster.NotFound, "id", "There is no account %s.", id)
		}
		row := &rows[0]
		t, err := tx.TargetBySeq(row.Target)
		if err != nil {
			return err
		}
		people, err := tx.People([]int64{row.Person})
		if err != nil {
			return err
		}
		person := people[row.Person].Person
		if err := p.remindable(&t, row, &person); err != nil {
			return err
		}
		if row.Activation.State != muster.ActivationOwed { // else it is on its way
			if err := p.invite(tx, &t, row, &person); err != nil {
				return err
			}
			if err := p.wake(tx, t.Seq); err != nil {
				return err
			}
			err := tx.Audit([]muster.AuditEntry{{
				Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: "account.remind", Object: "account " + row.ID.String(), Person: row.Person,
			}})
			if err != nil {
				return err
			}
		}
		view, err = viewOf(tx, *row)
		return err
	})
	return view, err
}

// remindable says with nil that somebody can be mailed for an account, and else what stands in the way.
func (p *Provision) remindable(t *store.TargetRow, row *store.AccountRow, person *muster.Person) error {
	switch by := mailer(t); {
	case row.State == muster.UnmanagedAccount:
		return muster.Errorf(muster.Policy, "", "This account was taken out of our hands.")
	case row.Activation.State == muster.ActivationDone:
		return muster.Errorf(muster.Conflict, "", "The account is activated already.")
	case by == muster.MailByNobody:
		return muster.Errorf(muster.Policy, "", "Nobody mails the people of target %s: the activation in its policy is none.", t.Name)
	case by == muster.MailByMuster && !p.canMail:
		return muster.Errorf(muster.Policy, "", "Muster cannot send mail: no mail server is set.")
	case row.ExternalID == "" || row.State == muster.ReleasedAccount:
		return muster.Errorf(muster.Policy, "", "There is no account at the target yet.")
	case !person.CanSignIn():
		return muster.Errorf(muster.Policy, "", "This person may not sign in, so there is nothing to activate.")
	case person.Email == "":
		return muster.Errorf(muster.Required, "email", "This person has no e-mail address. Give them one first.")
	}
	return nil
}
