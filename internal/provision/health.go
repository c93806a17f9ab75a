package provision

import (
	"context"

	"github.com/musterid/muster/internal/store"
)

// Reach is how the targets of one kind are, all tenants together.
type Reach struct {
	Targets int // that are not paused
	Down    int // of those, the ones that are left alone because they could not be worked with
}

// Reachable says how the targets of a kind are, by what was last found out; it calls none of them.
func (p *Provision) Reachable(ctx context.Context, kind string) (Reach, error) {
	var reach Reach
	err := p.store.View(ctx, store.Everyone, func(tx *store.Tx) error {
		reach = Reach{}
		rows, err := tx.TargetsOfKind(kind)
		for _, t := range rows {
			if t.Paused {
				continue
			}
			reach.Targets++
			if t.Failures > 0 && tx.Now().Before(t.Until) {
				reach.Down++
			}
		}
		return err
	})
	return reach, err
}
