package provision

import (
	"context"
	"errors"
)

// Sweep is the look for due accounts, and for activations to be read back, that the queue asks for each second; tests do not wait for it.
func (p *Provision) Sweep(ctx context.Context) error {
	return errors.Join(p.sweep(ctx), p.sweepLooks(ctx))
}

// OrderChunk carries out some of an order's run in the name of an owner.
func (p *Provision) OrderChunk(ctx context.Context, tenant, order int64, owner string, rows int) (bool, error) {
	return p.orderChunk(ctx, orderArgs{Tenant: tenant, Batch: order}, owner, rows)
}
