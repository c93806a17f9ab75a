package provision

import (
	"context"
	"errors"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// passwordTime is how long somebody who set a password waits for the target's answer at most.
const passwordTime = 20 * time.Second

// AccountToActivate gives an account, and whose it is, for the mail and the page by which it is activated. One that there is nothing to activate
// of is muster.Gone: it is no more, not in our hands, or its person may not sign in.
func (p *Provision) AccountToActivate(ctx context.Context, tenant, account int64) (view AccountView, person muster.Person, err error) {
	err = p.store.View(ctx, tenant, func(tx *store.Tx) error {
		row, _, whose, err := activating(tx, account)
		if err != nil {
			return err
		}
		person = whose
		view, err = viewOf(tx, row)
		return err
	})
	return view, person, err
}

// activating reads an account that its person may activate.
func activating(tx *store.Tx, account int64) (row store.AccountRow, t store.TargetRow, person muster.Person, err error) {
	rows, err := tx.Accounts([]int64{account})
	if err != nil {
		return row, t, person, err
	}
	row, there := rows[account]
	if !there || !ourHands(&row) {
		return row, t, person, muster.Errorf(muster.Gone, "", "This account is there no more. Ask whoever looks after accounts.")
	}
	people, err := tx.People([]int64{row.Person})
	if err != nil {
		return row, t, person, err
	}
	person = people[row.Person].Person
	if !person.CanSignIn() {
		return row, t, person, muster.Errorf(muster.Gone, "", "This account may not be used at the moment. Ask whoever looks after accounts.")
	}
	t, err = tx.TargetBySeq(row.Target)
	return row, t, person, err
}

// SetPassword gives an account the password that its person chose, which activates it. A password that the target refuses is an error of the field
// password; a target that cannot be worked with now is muster.Unavailable, and nothing has changed then.
func (p *Provision) SetPassword(ctx context.Context, tenant, account int64, password string) error {
	var row store.AccountRow
	var t store.TargetRow
	err := p.store.View(ctx, tenant, func(tx *store.Tx) (err error) {
		row, t, _, err = activating(tx, account)
		return err
	})
	if err != nil {
		return err
	}
	if t.Paused {
		return muster.Errorf(muster.Unavailable, "", "Passwords cannot be set at the moment. Try again later.")
	}
	if err := p.setPassword(ctx, &t, &row, password); err != nil {
		return err
	}
	return p.store.Update(context.WithoutCancel(ctx), tenant, func(tx *store.Tx) error {
		rows, err := tx.LockAccounts([]int64{account})
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := activated(tx, &rows[0], mailer(&t)); err != nil {
			return err
		}
		return tx.Audit([]muster.AuditEntry{{
			Actor: "person", Surface: "activation", Action: "account.password", Object: "account " + row.ID.String(), Person: row.Person,
		}})
	})
}

// setPassword tells the target, in its turn and within a time that somebody can wait.
func (p *Provision) setPassword(ctx context.Context, t *store.TargetRow, row *store.AccountRow, password string) error {
	ctx, cancel := context.WithTimeout(ctx, passwordTime)
	defer cancel()
	conn, done, err := p.use(ctx, t)
	if err != nil {
		return p.passwordRefused(ctx, t, err)
	}
	defer done()
	kind, err := p.kind(t.Kind)
	if err != nil {
		return err
	}
	setter, can := power[connector.PasswordSetter](conn)
	if !can || !kind.Powers.Passwords {
		return muster.Errorf(muster.Unsupported, "", "Passwords of this account cannot be set here.")
	}
	err = p.paced(ctx, t, conn).call(ctx, func(ctx context.Context) error { return setter.SetPassword(ctx, row.ExternalID, password) })
	if err != nil {
		return p.passwordRefused(ctx, t, err)
	}
	return nil
}

// passwordRefused says to the person what came of their password.
func (p *Provision) passwordRefused(ctx context.Context, t *store.TargetRow, err error) error {
	verdict := connector.Verdict(err)
	var said *muster.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, connector.ErrNotFound):
		return muster.Errorf(muster.Gone, "", "This account is there no more. Ask whoever looks after accounts.").Because(err)
	case verdict.Permanent && errors.As(err, &said) && said.Field == "password":
		return said
	}
	p.log.Warn("a password was not set", "target", t.ID, "kind", t.Kind, "error", err)
	if verdict.Down {
		if err := p.trouble(context.WithoutCancel(ctx), t, err); err != nil {
			return err
		}
	}
	return muster.Errorf(muster.Unavailable, "", "Passwords cannot be set at the moment. Try again later.").Because(err)
}
