package provision

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/outbound"
	"github.com/musterid/muster/internal/store"
)

// reach is as much of a target as may let it get at the machine that Muster runs on, and at the networks around it. These are the operators', not a
// tenant's: whoever manages the targets of a tenant may keep the reach of one, or lessen it, but not extend it.
type reach struct {
	kind   connector.Kind
	policy muster.TargetPolicy
	config any // the kind's own struct
}

// reachOf gives the reach of a target. Stored settings that are not understood any more reach nothing, as the target cannot be opened with them.
func (p *Provision) reachOf(row *store.TargetRow) (reach, error) {
	kind, err := p.kind(row.Kind)
	if err != nil {
		return reach{}, err
	}
	config, err := p.settings(kind, row)
	if err != nil {
		config = kind.Config()
	}
	return reach{kind, row.Policy, config}, nil
}

// allowed says with nil that the caller may make a target reach so far, and else names, with muster.Forbidden, all that only an operator may set.
func (r reach) allowed(tx *store.Tx, caller muster.Caller, before reach) error {
	var faults muster.Errors
	if outbound.Widened(before.policy.Allow, r.policy.Allow) {
		faults = append(faults, muster.Errorf(muster.Forbidden, "policy.allow",
			"Only an operator may allow addresses on this machine or in private networks: a caller of the installation's first tenant with the privilege %s.", muster.ManageTenants))
	}
	for _, name := range connector.Reserved(r.kind, before.config, r.config) {
		faults = append(faults, muster.Errorf(muster.Forbidden, "config."+name,
			"Only an operator may set %s: a caller of the installation's first tenant with the privilege %s.", name, muster.ManageTenants))
	}
	if len(faults) == 0 {
		return nil
	}
	operator, err := access.Operator(tx, caller)
	if err != nil || operator {
		return err
	}
	return faults
}
