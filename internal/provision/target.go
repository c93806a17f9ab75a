package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// TargetView is a target as users see it: secrets are masked.
type TargetView struct {
	muster.Target
	Config json.RawMessage
}

// NewTarget describes a target to be made. Fields of Policy that are absent have their defaults.
type NewTarget struct {
	Name, Kind string
	Config     json.RawMessage
	Policy     json.RawMessage
	Paused     bool
}

// TargetChange is what is to be different about a target. What is nil stays; settings and policy are merged over what is stored, and a masked
// secret that is sent back keeps the stored one.
type TargetChange struct {
	Name    *string
	Config  json.RawMessage
	Policy  json.RawMessage
	Paused  *bool
	Version int64 // that the caller saw; 0 accepts any
}

// SettingView and KindView describe the kinds there are, for forms.
type (
	SettingView = connector.Setting
	KindView    struct {
		Name     string
		Label    string
		Settings []SettingView
	}
)

// Kinds lists the kinds of targets.
func (p *Provision) Kinds() []KindView {
	list := make([]KindView, len(p.kinds))
	for i, k := range p.kinds {
		list[i] = KindView{Name: k.Name, Label: k.Label, Settings: connector.Describe(k.Config())}
	}
	return list
}

// Targets lists the tenant's targets by name.
func (p *Provision) Targets(ctx context.Context, caller muster.Caller) ([]TargetView, error) {
	var rows []store.TargetRow
	err := p.look(ctx, caller, func(tx *store.Tx) (err error) {
		rows, err = tx.Targets()
		return err
	})
	if err != nil {
		return nil, err
	}
	views := make([]TargetView, len(rows))
	for i := range rows {
		if views[i], err = p.view(&rows[i]); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// Target gives one target by id.
func (p *Provision) Target(ctx context.Context, caller muster.Caller, id uuid.UUID) (TargetView, error) {
	row, err := p.target(ctx, caller, id)
	if err != nil {
		return TargetView{}, err
	}
	return p.view(&row)
}

func (p *Provision) target(ctx context.Context, caller muster.Caller, id uuid.UUID) (row store.TargetRow, err error) {
	err = p.look(ctx, caller, func(tx *store.Tx) (err error) {
		row, err = tx.Target(id)
		return err
	})
	return row, err
}

func (p *Provision) view(row *store.TargetRow) (TargetView, error) {
	kind, err := p.kind(row.Kind)
	if err != nil {
		return TargetView{}, err
	}
	config, err := p.settings(kind, row)
	if err != nil {
		return TargetView{}, err
	}
	shown, err := connector.Redact(config)
	return TargetView{Target: row.Target, Config: shown}, err
}

// settings gives the settings of a target in clear, as the kind's own struct.
func (p *Provision) settings(kind connector.Kind, row *store.TargetRow) (any, error) {
	raw, err := p.key.Open(configPurpose(row), row.Config)
	if err != nil {
		return nil, fmt.Errorf("provision: settings of target %d: %w", row.Seq, err)
	}
	return connector.Decode(kind, raw)
}

// CreateTarget makes a target. Its settings are checked for form; CheckTarget tries them.
func (p *Provision) CreateTarget(ctx context.Context, caller muster.Caller, n NewTarget) (TargetView, error) {
	if err := access.Can(caller, muster.ManageTargets); err != nil {
		return TargetView{}, err
	}
	kind, err := p.kind(n.Kind)
	if err != nil {
		return TargetView{}, err
	}
	row := store.TargetRow{}
	row.Name, row.Kind, row.Paused = strings.TrimSpace(n.Name), n.Kind, n.Paused
	row.Policy, err = mergePolicy(muster.DefaultTargetPolicy(), n.Policy)
	if err != nil {
		return TargetView{}, err
	}
	if err := checkMailer(&row.Policy, kind); err != nil {
		return TargetView{}, err
	}
	if err := checkName(row.Name); err != nil {
		return TargetView{}, err
	}
	raw := n.Config
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	config, err := connector.Decode(kind, raw)
	if err != nil {
		return TargetView{}, err
	}
	wish := reach{kind: kind, policy: row.Policy, config: config}
	row.ID = uuid.Must(uuid.NewV7())
	row.Config = p.key.Seal(configPurpose(&row), raw)
	err = p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := wish.allowed(tx, caller, reach{policy: muster.DefaultTargetPolicy(), config: kind.Config()}); err != nil {
			return err
		}
		if err := tx.CreateTarget(&row); err != nil {
			return err
		}
		return audit(tx, caller, "target.create", row.ID, muster.Diff(nil, recordOf(&row)))
	})
	if err != nil {
		return TargetView{}, err
	}
	return p.view(&row)
}

// ChangeTarget changes a target.
func (p *Provision) ChangeTarget(ctx context.Context, caller muster.Caller, id uuid.UUID, c TargetChange) (TargetView, error) {
	if err := access.Can(caller, muster.ManageTargets); err != nil {
		return TargetView{}, err
	}
	var row store.TargetRow
	err := p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		if row, err = tx.Target(id); err != nil {
			return err
		}
		if c.Version != 0 && c.Version != row.Version {
			return muster.Errorf(muster.Stale, "", "The target was changed meanwhile (version %d, not %d). Read it again.", row.Version, c.Version)
		}
		before := recordOf(&row)
		settings := row.Config
		if err := p.apply(tx, caller, &row, c); err != nil {
			return err
		}
		change := muster.Diff(before, recordOf(&row))
		if !bytes.Equal(settings, row.Config) {
			change.Action = muster.Update
			change.Fields = append(change.Fields, muster.FieldChange{Field: "config", After: "changed"})
		}
		if change.Empty() {
			return nil
		}
		if err := tx.SaveTarget(&row); err != nil {
			return err
		}
		if err := audit(tx, caller, "target.update", row.ID, change); err != nil {
			return err
		}
		return p.wake(tx, row.Seq) // what was paused may go on
	})
	if err != nil {
		return TargetView{}, err
	}
	return p.view(&row)
}

// apply lays a change over a target, as far as the caller may.
func (p *Provision) apply(tx *store.Tx, caller muster.Caller, row *store.TargetRow, c TargetChange) error {
	before, err := p.reachOf(row)
	if err != nil {
		return err
	}
	if err := p.merge(row, c); err != nil {
		return err
	}
	after, err := p.reachOf(row)
	if err != nil {
		return err
	}
	return after.allowed(tx, caller, before)
}

func (p *Provision) merge(row *store.TargetRow, c TargetChange) (err error) {
	if c.Name != nil {
		row.Name = strings.TrimSpace(*c.Name)
		if err := checkName(row.Name); err != nil {
			return err
		}
	}
	if c.Paused != nil {
		row.Paused = *c.Paused
	}
	kind, err := p.kind(row.Kind)
	if err != nil {
		return err
	}
	mailer := row.Policy.Activation
	if row.Policy, err = mergePolicy(row.Policy, c.Policy); err != nil {
		return err
	}
	if row.Policy.Activation != mailer {
		if err := checkMailer(&row.Policy, kind); err != nil {
			return err
		}
	}
	if len(c.Config) == 0 {
		return nil
	}
	stored, err := p.key.Open(configPurpose(row), row.Config)
	if err != nil {
		return fmt.Errorf("provision: settings of target %d: %w", row.Seq, err)
	}
	merged, err := connector.Merge(kind, stored, c.Config)
	if err != nil {
		return err
	}
	if bytes.Equal(merged, stored) {
		return nil
	}
	if _, err := connector.Decode(kind, merged); err != nil {
		return err
	}
	row.Config = p.key.Seal(configPurpose(row), merged)
	return nil
}

// DeleteTarget forgets a target and what we know of its accounts. The accounts over there stay as they are.
func (p *Provision) DeleteTarget(ctx context.Context, caller muster.Caller, id uuid.UUID) error {
	if err := access.Can(caller, muster.ManageTargets); err != nil {
		return err
	}
	return p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		row, err := tx.Target(id)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { p.open.forget(row.Seq) })
		if err := tx.LockTarget(row.Seq); err != nil {
			return err
		}
		if err := p.abandon(tx, row.Seq); err != nil {
			return err
		}
		if err := tx.DeleteTarget(row.Seq); err != nil {
			return err
		}
		return audit(tx, caller, "target.delete", row.ID, muster.Diff(recordOf(&row), nil))
	})
}

// abandon gives the items that wait for a target that goes their outcome.
func (p *Provision) abandon(tx *store.Tx, target int64) error {
	for after := int64(0); ; {
		accounts, err := tx.AccountsOn(target, "", after, 1000)
		if err != nil || len(accounts) == 0 {
			return err
		}
		seqs := make([]int64, len(accounts))
		for i, a := range accounts {
			seqs[i] = a.Seq
		}
		after = seqs[len(seqs)-1]
		items, err := tx.OpenItemsOf(seqs)
		if err != nil {
			return err
		}
		counts := map[int64]*muster.Counts{}
		for i := range items {
			items[i].State, items[i].Reasons = muster.SkippedItem, muster.Errors{muster.Errorf(muster.Gone, "", "The target was deleted.")}
			if counts[items[i].Batch] == nil {
				counts[items[i].Batch] = &muster.Counts{}
			}
			tally(counts[items[i].Batch], &items[i])
		}
		if err := tx.UpdateItems(items); err != nil {
			return err
		}
		if err := addCounts(tx, counts); err != nil {
			return err
		}
	}
}

// CheckTarget proves that a target can be worked with, and changes nothing there. What is wrong is told in the error.
func (p *Provision) CheckTarget(ctx context.Context, caller muster.Caller, id uuid.UUID) error {
	if err := access.Can(caller, muster.ManageTargets); err != nil {
		return err
	}
	row, err := p.target(ctx, caller, id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(row.Policy.TimeoutSecs)*time.Second)
	defer cancel()
	conn, done, err := p.use(ctx, &row)
	if err == nil {
		defer done()
		err = conn.Check(ctx)
	}
	if err != nil {
		return muster.Errorf(muster.Unavailable, "", "%s.", strings.TrimSuffix(sentence(err), ".")).Because(err)
	}
	return p.store.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := tx.TargetWell(row.Seq); err != nil {
			return err
		}
		return p.wake(tx, row.Seq)
	})
}

func checkName(name string) error {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return muster.Errorf(muster.Invalid, "name", "A target needs a name of 1 to 64 characters.")
	}
	return nil
}

func recordOf(t *store.TargetRow) muster.Record {
	r := muster.Record{
		"name": t.Name, "kind": t.Kind, "concurrency": t.Policy.Concurrency, "on_delete": t.Policy.OnDelete, "timeout_secs": t.Policy.TimeoutSecs,
		"attempts": t.Policy.Attempts, "rate": t.Policy.Rate, "groups": t.Policy.Groups, "match": t.Policy.Match, "paused": t.Paused, "allow": t.Policy.Allow,
		"activation": string(t.Policy.Activation), "activation_days": t.Policy.ActivationDays,
	}
	states := make([]string, len(t.Policy.States))
	for i, s := range t.Policy.States {
		states[i] = string(s)
	}
	r["states"] = states
	return r
}

func audit(tx *store.Tx, caller muster.Caller, action string, id uuid.UUID, change muster.Change) error {
	return tx.Audit([]muster.AuditEntry{{
		Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: action, Object: "target " + id.String(), Change: change,
	}})
}

func (p *Provision) look(ctx context.Context, caller muster.Caller, f func(*store.Tx) error) error {
	if err := access.Can(caller, muster.ReadTargets); err != nil {
		return err
	}
	return p.store.View(ctx, caller.Tenant, f)
}
