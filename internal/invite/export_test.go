package invite

import (
	"context"

	"github.com/musterid/muster/internal/provision"
)

// AfterAnswer has f called between the mail server's yes and our record of it.
func (i *Invite) AfterAnswer(f func()) { i.sent = f }

// Sweep looks for mails that became due now, and not when its time comes.
func (i *Invite) Sweep(ctx context.Context) error { return i.sweep(ctx) }

// Activation does the job of a wish.
func (i *Invite) Activation(ctx context.Context, args provision.ActivationArgs) error {
	return i.activation(ctx, args)
}
