package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// deliver brings one account at the target to what is wanted, and notes in d what came of it. The error is only for what keeps the whole target
// from being worked with; everything else is d's.
func (p *Provision) deliver(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery) error {
	if ctx.Err() != nil {
		return nil
	}
	err := p.bring(ctx, t, conn, d)
	if err == nil || errors.Is(err, errStopped) || ctx.Err() != nil && d.state == muster.PendingItem {
		return nil // when we are stopping, the account stays due, and nothing counts against it
	}
	var f *connector.Failure
	if errors.As(err, &f) && (f.Down || f.After > 0) {
		return err
	}
	p.failed(t, d, err)
	return nil
}

// bring decides which steps lead from what we know of the account to what is wanted, and takes them.
func (p *Provision) bring(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery) error {
	if d.account.ExternalID != "" {
		err := p.maintain(ctx, t, conn, d)
		if !errors.Is(err, connector.ErrNotFound) {
			return err
		}
		// Somebody deleted it over there. Who is to have an account gets a new one.
		d.account.ExternalID, d.account.Pushed, d.account.Intent = "", nil, nil
	}
	kind, err := p.kind(t.Kind)
	if err != nil {
		return err
	}
	found, err := p.find(ctx, conn, d)
	switch {
	case err == nil:
		return p.meet(ctx, t, conn, d, found, kind)
	case !errors.Is(err, connector.ErrNotFound):
		return err
	case !deserves(&d.person, t):
		return p.nothing(d, muster.PlannedAccount)
	}
	return p.create(ctx, t, conn, d, kind)
}

// find looks for an account that is ours though we do not know its id: by the marker, by the name that an unanswered create asked for, and by
// the name it is to have.
func (p *Provision) find(ctx context.Context, conn connector.Connector, d *delivery) (connector.Account, error) {
	if asked := d.account.Intent.Text("username"); asked != "" && muster.FoldKey(asked) != muster.FoldKey(d.person.Username) {
		found, err := conn.Find(ctx, connector.Query{Marker: p.marker(d), Username: asked})
		if err != nil && !errors.Is(err, connector.ErrNotFound) || err == nil && intended(d, found) {
			return found, err
		}
	}
	return conn.Find(ctx, connector.Query{Marker: p.marker(d), Username: d.person.Username})
}

// marker is what we leave with an account to know it again: the person's id, which nobody else has.
func (p *Provision) marker(d *delivery) string { return d.person.ID.String() }

// ensure brings an account that is ours from what it has to what is wanted.
func (p *Provision) ensure(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery, has muster.Record) error {
	if has = maps.Clone(has); !t.Policy.Groups {
		delete(has, "groups") // not ours to touch, or no longer
	}
	change := muster.Diff(has, d.wanted)
	if change.Empty() {
		return p.nothing(d, muster.DeliveredAccount)
	}
	step := connector.Step{
		Intent: connector.Ensure, ExternalID: d.account.ExternalID, Marker: p.marker(d), Username: d.person.Username, Change: change, Wanted: d.wanted,
	}
	before := d.account.Intent
	d.account.Intent = asked(d.wanted) // until the answer is known
	account, err := conn.Apply(ctx, step)
	switch {
	case errors.Is(err, errStopped):
		d.account.Intent = before
	case errors.Is(err, connector.ErrExists):
		return p.conflict(d, fmt.Errorf("the username %q is taken there", d.person.Username))
	}
	if errors.Is(err, connector.ErrNotFound) && d.wanted["enabled"] != true {
		return p.nothing(d, muster.ReleasedAccount) // it is gone, and nobody misses it
	}
	if err != nil {
		return err
	}
	p.delivered(d, account, change)
	return nil
}

// nothing notes that there is nothing to do.
func (p *Provision) nothing(d *delivery, state muster.AccountState) error {
	d.account.State, d.state = state, muster.DoneItem
	d.account.Due, d.account.LastError, d.account.Attempts, d.account.Intent = time.Time{}, nil, 0, nil
	switch state {
	case muster.DeliveredAccount:
		d.account.Pushed = d.wanted
	case muster.ReleasedAccount:
		d.account.Pushed = nil // what the target was told is gone with it
	}
	return nil
}

// delivered notes that the target has what was wanted.
func (p *Provision) delivered(d *delivery, a connector.Account, change muster.Change) {
	d.state, d.change = muster.DoneItem, change
	d.account.State, d.account.Pushed, d.account.Intent = muster.DeliveredAccount, d.wanted, nil
	d.account.Due, d.account.LastError, d.account.Attempts = time.Time{}, nil, 0
	d.account.Username = d.person.Username
	if a.ExternalID != "" {
		d.account.ExternalID = a.ExternalID
	}
	if a.Username != "" {
		d.account.Username = a.Username
	}
	if change.Action == muster.Delete {
		d.account.State, d.account.Pushed = muster.ReleasedAccount, nil
	}
}

// create makes an account. Where the kind leaves no marker, what is asked for is recorded first: that is how we know our own account again when
// the answer is lost.
func (p *Provision) create(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery, kind connector.Kind) error {
	if !kind.Powers.Marker {
		d.account.Intent, d.account.Username = intentOf(d), d.person.Username
		if err := p.store.Update(ctx, t.Tenant, func(tx *store.Tx) error { return tx.SaveIntent(&d.account) }); err != nil {
			return err
		}
	}
	change := muster.Diff(nil, d.wanted)
	account, err := conn.Apply(ctx, connector.Step{Intent: connector.Create, Marker: p.marker(d), Username: d.person.Username, Change: change, Wanted: d.wanted})
	if errors.Is(err, connector.ErrExists) {
		d.account.Intent = nil
		return p.taken(ctx, t, conn, d, kind)
	}
	if err != nil {
		if account.ExternalID != "" { // made, but not finished
			d.account.ExternalID, d.account.State, d.fresh = account.ExternalID, muster.PendingAccount, true
		}
		return err
	}
	d.fresh = true
	p.delivered(d, account, change)
	return nil
}

// taken notes that a create met somebody else's account. Only when that has the username does another username help.
func (p *Provision) taken(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery, kind connector.Kind) error {
	found, err := conn.Find(ctx, connector.Query{Username: d.person.Username})
	switch {
	case err == nil && kind.Powers.Marker && found.Marker == p.marker(d):
		return p.meet(ctx, t, conn, d, found, kind) // another process was faster
	case errors.Is(err, connector.ErrNotFound):
		return p.refused(d, fmt.Errorf("another account there has the e-mail address or another value that must be unique"))
	case err != nil:
		return err
	}
	return p.conflict(d, fmt.Errorf("an account %q is there already (%s) and is not ours", found.Username, found.ExternalID))
}

// intentOf is what a create asks for, as far as it makes our account recognisable.
func intentOf(d *delivery) muster.Record {
	intent := muster.Record{}
	for _, field := range []string{"username", "first_name", "last_name", "email"} {
		if v, ok := d.wanted[field]; ok {
			intent[field] = v
		}
	}
	return intent
}

// meet decides whose the account is that has our marker or our username: ours, to be brought to what is wanted, or a stranger's, which is never
// written.
func (p *Provision) meet(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery, found connector.Account, kind connector.Kind) error {
	if !ours(t, d, found, kind) {
		if !deserves(&d.person, t) {
			return p.nothing(d, muster.PlannedAccount) // whoever it is may keep the name
		}
		return p.conflict(d, fmt.Errorf("an account %q is there already (%s) and is not ours", found.Username, found.ExternalID))
	}
	if err := p.meetPerson(ctx, t, conn, d, found, kind); err != nil {
		return err
	}
	d.account.ExternalID, d.account.Username, d.account.State = found.ExternalID, found.Username, muster.PendingAccount
	has, err := p.standing(ctx, t, d, found)
	if err != nil {
		return err
	}
	return p.ensure(ctx, t, conn, d, has)
}

// ours is design rule 5.
func ours(t *store.TargetRow, d *delivery, found connector.Account, kind connector.Kind) bool {
	if kind.Powers.Marker && found.Marker != "" {
		return found.Marker == d.person.ID.String()
	}
	if d.account.Intent != nil {
		return intended(d, found)
	}
	email := found.Attributes.Text("email")
	return t.Policy.Match == "email" && email != "" && muster.FoldKey(email) == muster.FoldKey(d.person.Email)
}

// intended says whether an account is the one that an unanswered create asked for.
func intended(d *delivery, found connector.Account) bool {
	for _, field := range []string{"first_name", "last_name", "email"} {
		if d.account.Intent.Text(field) != found.Attributes.Text(field) {
			return false
		}
	}
	return muster.FoldKey(found.Username) == muster.FoldKey(d.account.Intent.Text("username"))
}

// conflict notes that somebody else's account has the name. A generated name that nobody has seen yet is given up for the next one.
func (p *Provision) conflict(d *delivery, cause error) error {
	if d.person.Generated && d.account.ExternalID == "" {
		d.taken = true
		return nil
	}
	return p.refused(d, cause)
}

// refused notes that only somebody can help.
func (p *Provision) refused(d *delivery, cause error) error {
	d.state = muster.FailedItem
	d.reason = muster.Errorf(muster.Conflict, "username", "%s.", upperFirst(cause.Error()))
	d.account.State, d.account.LastError, d.account.Due = muster.ConflictAccount, d.reason, time.Time{}
	return nil
}
