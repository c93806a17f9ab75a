package provision

import (
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// The kinds of targets that may stand behind an order without being named.
const (
	keycloakKind  = "keycloak"
	directoryKind = "directory"
)

// orderTarget gives the target that stands behind orders: the one that the tenant's settings name, else the only one of kind keycloak, else the
// accounts that are held here, which are set up when they are first needed.
func (p *Provision) orderTarget(tx *store.Tx) (store.TargetRow, error) {
	own, err := tx.Own()
	if err != nil {
		return store.TargetRow{}, err
	}
	targets, err := tx.Targets()
	if err != nil {
		return store.TargetRow{}, err
	}
	name := own.Settings.Provisioning.Target
	var found, held []store.TargetRow
	for _, t := range targets {
		switch {
		case name != "" && t.Name == name:
			return t, nil
		case t.Kind == keycloakKind:
			found = append(found, t)
		case t.Kind == directoryKind:
			held = append(held, t)
		}
	}
	switch {
	case name != "":
		return store.TargetRow{}, muster.Errorf(muster.Policy, "provisioning.target", "There is no target %q, which the settings name as the one for accounts that are ordered. Make it, or name another.", name)
	case len(found) == 1:
		return found[0], nil
	case len(held) > 0:
		return held[0], nil
	}
	return p.makeDirectory(tx, targets)
}

// makeDirectory sets up the accounts that are held here.
func (p *Provision) makeDirectory(tx *store.Tx, targets []store.TargetRow) (store.TargetRow, error) {
	kind, err := p.kind(directoryKind)
	if err != nil {
		return store.TargetRow{}, err
	}
	taken := make(map[string]bool, len(targets))
	for _, t := range targets {
		taken[t.Name] = true
	}
	row := store.TargetRow{}
	row.Name, row.Kind, row.ID, row.Policy = directoryKind, kind.Name, uuid.Must(uuid.NewV7()), muster.DefaultTargetPolicy()
	for n := 2; taken[row.Name]; n++ {
		row.Name = directoryKind + "-" + strconv.Itoa(n)
	}
	row.Policy.Activation = muster.MailByMuster
	row.Config = p.key.Seal(configPurpose(&row), json.RawMessage("{}"))
	if err := tx.CreateTarget(&row); err != nil {
		if muster.CodeOf(err) == muster.Conflict {
			return row, store.ErrClash // another process was faster: look again
		}
		return row, err
	}
	return row, tx.Audit([]muster.AuditEntry{{
		Actor: "muster", Surface: "provision", Action: "target.create", Object: "target " + row.ID.String(), Change: muster.Diff(nil, recordOf(&row)),
	}})
}
