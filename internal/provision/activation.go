package provision

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

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

// Mailed notes that the mail server has taken the mail by which the person of an account activates it, and until when its link works.
func (p *Provision) Mailed(tx *store.Tx, account int64, expires time.Time) error {
	return muster.Errorf(muster.Unsupported, "", "Mail is not noted yet.")
}

// MailFailed notes that the mail could not be sent, for good.
func (p *Provision) MailFailed(tx *store.Tx, account int64, reason *muster.Error) error {
	return muster.Errorf(muster.Unsupported, "", "Mail is not noted yet.")
}

// Begun notes that the person has begun, and is not through: their password was refused.
func (p *Provision) Begun(tx *store.Tx, account int64) error {
	return muster.Errorf(muster.Unsupported, "", "Mail is not noted yet.")
}

// AccountToActivate gives an account, and whose it is, for the mail and the page by which it is activated.
func (p *Provision) AccountToActivate(ctx context.Context, tenant, account int64) (AccountView, muster.Person, error) {
	return AccountView{}, muster.Person{}, muster.Errorf(muster.Unsupported, "", "Accounts cannot be activated yet.")
}

// SetPassword gives an account the password that its person chose, which activates it.
func (p *Provision) SetPassword(ctx context.Context, tenant, account int64, password string) error {
	return muster.Errorf(muster.Unsupported, "", "Passwords cannot be set yet.")
}

// Remind has the mail by which an account is activated sent once more.
func (p *Provision) Remind(ctx context.Context, caller muster.Caller, id uuid.UUID) (AccountView, error) {
	return AccountView{}, muster.Errorf(muster.Unsupported, "", "Nobody can be reminded yet.")
}

// Look has a target asked now how far people have come with their accounts, instead of when its turn comes.
func (p *Provision) Look(ctx context.Context, caller muster.Caller, target uuid.UUID) error {
	return muster.Errorf(muster.Unsupported, "", "Targets cannot be looked at yet.")
}

// remind makes the activation of accounts owed again where it has failed or its life is over.
func (p *Provision) remind(tx *store.Tx, accounts []int64) error { return nil }
