package invite

import (
	"context"

	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
)

// AfterAnswer has f called between the mail server's yes and our record of it.
func (i *Invite) AfterAnswer(f func()) { i.sent = f }

// Sweep looks for mails that became due now, and not when its time comes.
func (i *Invite) Sweep(ctx context.Context) error { return i.sweep(ctx) }

// Drop ends a mail that is claimed and that nobody is to have any longer.
func (i *Invite) Drop(ctx context.Context, m store.MailRow) error { return i.drop(ctx, m, 0) }

// Activation does the job of a wish.
func (i *Invite) Activation(ctx context.Context, args provision.ActivationArgs) error {
	return i.activation(ctx, args)
}

// Report does the job of telling an import's end.
func (i *Invite) Report(ctx context.Context, args intake.ReportArgs) error {
	return i.report(ctx, args)
}
