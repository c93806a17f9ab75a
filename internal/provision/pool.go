package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/outbound"
	"github.com/musterid/muster/internal/store"
)

// pool keeps connectors open, one for each target, as long as the target's settings stay the same.
type pool struct {
	mu   sync.Mutex
	list map[int64]*opened
}

// opened is an open connector. It is closed when its target has new settings and nobody uses it any more.
type opened struct {
	connector.Connector
	version int64
	users   int
	old     bool
}

// use gives the connector of a target. done must be called after.
func (p *Provision) use(ctx context.Context, t *store.TargetRow) (c connector.Connector, done func(), err error) {
	p.open.mu.Lock()
	defer p.open.mu.Unlock()
	o := p.open.list[t.Seq]
	if o == nil || o.version != t.Version {
		conn, err := p.dial(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		p.open.retire(o)
		o = &opened{Connector: conn, version: t.Version}
		p.open.list[t.Seq] = o
	}
	o.users++
	return o, func() { p.open.leave(o) }, nil
}

func (l *pool) leave(o *opened) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.users--
	if o.old && o.users == 0 {
		_ = o.Close() // nothing more is asked of it
	}
}

// retire closes a connector once nobody uses it. The caller holds the pool.
func (l *pool) retire(o *opened) {
	if o == nil {
		return
	}
	o.old = true
	if o.users == 0 {
		_ = o.Close()
	}
}

// forget closes the connector of a target that is no more.
func (l *pool) forget(target int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retire(l.list[target])
	delete(l.list, target)
}

func (l *pool) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for seq, o := range l.list {
		err = errors.Join(err, o.Close())
		delete(l.list, seq)
	}
	return err
}

// dial opens a target with its stored settings.
func (p *Provision) dial(ctx context.Context, t *store.TargetRow) (connector.Connector, error) {
	raw, err := p.key.Open(configPurpose(t), t.Config)
	if err != nil {
		return nil, fmt.Errorf("provision: settings of target %d: %w", t.Seq, err)
	}
	return p.openKind(ctx, t, raw)
}

// openKind opens a target with settings in clear.
func (p *Provision) openKind(ctx context.Context, t *store.TargetRow, raw json.RawMessage) (connector.Connector, error) {
	kind, err := p.kind(t.Kind)
	if err != nil {
		return nil, err
	}
	config, err := connector.Decode(kind, raw)
	if err != nil {
		return nil, err
	}
	allow, err := outbound.ParseAllow(t.Policy.Allow)
	if err != nil {
		return nil, err
	}
	env := connector.Environment{
		Tenant: t.Tenant, Target: t.Seq, Guard: outbound.Guard{Allow: allow}, Timeout: time.Duration(t.Policy.TimeoutSecs) * time.Second,
		Log: p.log, Size: t.Policy.Concurrency,
	}
	return kind.Open(ctx, config, env)
}

func (p *Provision) kind(name string) (connector.Kind, error) {
	names := make([]string, 0, len(p.kinds))
	for _, k := range p.kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return connector.Kind{}, muster.Errorf(muster.Invalid, "kind", "There is no kind of target %q; there are %v.", name, names)
}

// configPurpose binds sealed settings to their target.
func configPurpose(t *store.TargetRow) string { return "target/" + t.ID.String() + "/config" }
