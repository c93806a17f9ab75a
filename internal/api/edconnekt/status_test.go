package edconnekt

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
)

// Each value of prov_status, and what an item, its account and its person's activation have to be for it.
func TestStatusOf(t *testing.T) {
	t.Parallel()
	const made, found = muster.Create, muster.Update
	account := func(a muster.ActivationState, change func(*muster.Account)) *muster.Account {
		it := &muster.Account{State: muster.DeliveredAccount, ExternalID: "kc", Pushed: muster.Record{"enabled": true}, Activation: muster.Activation{State: a}}
		if change != nil {
			change(it)
		}
		return it
	}
	wrong := muster.Errorf(muster.Conflict, "username", "Taken\nthere.")
	for _, c := range []struct {
		name    string
		state   muster.ItemState
		action  muster.Action
		account *muster.Account
		reasons muster.Errors
		want    string
		error   string
	}{
		{"not run yet", muster.PendingItem, "", nil, nil, enqueued, ""},
		{"on its way", muster.PendingItem, made, account(muster.NoActivation, nil), nil, enqueued, ""},
		{"made, and not mailed yet", muster.DoneItem, made, account(muster.ActivationOwed, nil), nil, kcCreated, ""},
		{"found, and not mailed yet", muster.DoneItem, found, account(muster.ActivationOwed, nil), nil, kcUpdated, ""},
		{"mailed", muster.DoneItem, made, account(muster.ActivationSent, nil), nil, sent, ""},
		{"begun", muster.DoneItem, made, account(muster.ActivationPending, nil), nil, pending, ""},
		{"nobody mails", muster.DoneItem, made, account(muster.NoActivation, nil), nil, pending, ""},
		{"signed in", muster.DoneItem, made, account(muster.ActivationDone, nil), nil, activated, ""},
		{"let it pass", muster.DoneItem, made, account(muster.ActivationExpired, nil), nil, expired, ""},
		{"disabled", muster.DoneItem, found, account(muster.ActivationDone, func(a *muster.Account) { a.Pushed["enabled"] = false }), nil, disabled, ""},
		{"deleted over there", muster.DoneItem, found, account(muster.ActivationDone, func(a *muster.Account) { a.State, a.Pushed = muster.ReleasedAccount, nil }), nil, disabled, ""},
		{"failed", muster.FailedItem, "", nil, muster.Errors{wrong}, failed, "Taken there."},
		{"refused a mail", muster.DoneItem, made, account(muster.ActivationFailed, func(a *muster.Account) { a.Activation.LastError = wrong }), nil, failed, "Taken there."},
		{"failed later", muster.DoneItem, made, account(muster.ActivationDone, func(a *muster.Account) { a.State, a.LastError = muster.FailedAccount, wrong }), nil, failed, "Taken there."},
		{"failed without a word", muster.FailedItem, "", nil, nil, failed, "Échec du provisioning."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := &provision.OrderItem{Item: muster.Item{State: c.state, Change: muster.Change{Action: c.action}, Reasons: c.reasons}, Account: c.account}
			if got := statusOf(i); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := lastError(i); got != c.error {
				t.Errorf("last_error %q, want %q", got, c.error)
			}
		})
	}
}
