package provision

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/store"
)

// An account is in doubt while a step was sent whose answer is not known: the target may have what it was told last, or what the step asked for,
// or some of both. The intent of an account says so. It is not enough to send the step again: the person may have changed back meanwhile, and
// then nothing would seem to differ.

// asked is what a step asks for, as an intent.
func asked(wanted muster.Record) muster.Record {
	if wanted == nil {
		return muster.Record{}
	}
	return wanted
}

// maintain brings an account that is ours to what is wanted: from what it was told last or, in doubt, from what stands there.
func (p *Provision) maintain(ctx context.Context, t *store.TargetRow, conn connector.Connector, d *delivery) error {
	if d.account.Pushed != nil && d.account.Intent == nil {
		return p.ensure(ctx, t, conn, d, d.account.Pushed)
	}
	found, err := conn.Find(ctx, connector.Query{ExternalID: d.account.ExternalID})
	if errors.Is(err, connector.ErrNotFound) && d.wanted["enabled"] != true {
		return p.nothing(d, muster.ReleasedAccount)
	}
	if err != nil {
		return err
	}
	has, err := p.standing(ctx, t, d, found)
	if err != nil {
		return err
	}
	return p.ensure(ctx, t, conn, d, has)
}

// standing is what stands at the target, as far as it is ours to change. Fields that the kind does not read are told again, or cleared again: that
// cannot harm.
func (p *Provision) standing(ctx context.Context, t *store.TargetRow, d *delivery, found connector.Account) (muster.Record, error) {
	has := muster.Record{}
	for _, told := range []muster.Record{d.account.Pushed, d.account.Intent} {
		for field, value := range told {
			if _, still := d.wanted[field]; !still {
				has[field] = value
			}
		}
	}
	maps.Copy(has, found.Attributes)
	has["username"], has["enabled"] = found.Username, found.Enabled
	delete(has, "groups")
	groups, err := p.standingGroups(ctx, t, d, found)
	if len(groups) > 0 {
		has["groups"] = groups
	}
	return has, err
}

// standingGroups are the groups at the target that are ours to leave: those of our codes that stand there or, where the kind does not read them,
// those it may have been told and that are not wanted.
func (p *Provision) standingGroups(ctx context.Context, t *store.TargetRow, d *delivery, found connector.Account) (groups []string, err error) {
	stand := texts(found.Attributes["groups"])
	if stand == nil {
		for _, code := range append(texts(d.account.Pushed["groups"]), texts(d.account.Intent["groups"])...) {
			if !slices.Contains(texts(d.wanted["groups"]), code) {
				groups = append(groups, code)
			}
		}
		slices.Sort(groups)
		return slices.Compact(groups), nil
	}
	err = p.store.View(ctx, t.Tenant, func(tx *store.Tx) error {
		ours, err := tx.GroupsByCode(stand)
		for _, code := range stand {
			if _, known := ours[code]; known {
				groups = append(groups, code)
			}
		}
		slices.Sort(groups)
		return err
	})
	return groups, err
}

// texts reads a list of texts, also one that has been through JSON.
func texts(v any) (list []string) {
	switch x := v.(type) {
	case []string:
		return slices.Clone(x)
	case []any:
		for _, e := range x {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}
