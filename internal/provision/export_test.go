package provision

import "context"

// Sweep is the look for due accounts that the queue asks for each second; tests do not wait for it.
func (p *Provision) Sweep(ctx context.Context) error { return p.sweep(ctx) }
