package roster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/musterid/muster"
)

// catalogue gives what roles are held to, when links give any. Nothing is read for those that give none.
func (b *ledger) catalogue(links []link) (Catalogue, error) {
	for i := range links {
		l := &links[i]
		if len(l.faults) == 0 && l.unit != nil && (len(l.roles) > 0 || l.edit != nil && !l.edit.gone) {
			tenant, err := b.tx.Own()
			return muster.CatalogueOf(tenant.Settings), err
		}
	}
	return Catalogue{}, nil
}

// holdToCatalogue refuses roles, pairs of roles and cycles that units of this kind do not have, and puts the catalogue's own word for each cycle.
// What somebody holds already is not looked at: it stays when the catalogue changes.
func (h *held) holdToCatalogue(l *link, c Catalogue) {
	if l.unit == nil || !c.Has(l.unit.Kind) {
		return
	}
	m := h.in(l.unit.Seq)
	if l.edit != nil {
		if a := m.roleOf(l.edit.role); a != nil && !l.edit.gone {
			g := l.edit.grant(a)
			l.faults = append(l.faults, checkGrant(c, l.unit.Kind, "", &g, l.edit.same(a))...)
			if g.Cycles != nil {
				l.edit.change.Cycles = &g.Cycles
			}
		}
		return
	}
	l.roles = slices.Clone(l.roles)
	for i := range l.roles {
		g := &l.roles[i]
		l.faults = append(l.faults, checkGrant(c, l.unit.Kind, fmt.Sprintf("roles[%d].", i), g, m.role(g.Role, g.Secondary))...)
	}
}

// checkGrant gives the faults of a role that is to be held, and rewrites its cycles. held is the role as it is held already; nil when it is not.
func checkGrant(c Catalogue, kind, at string, g *RoleGrant, held *heldRole) (faults muster.Errors) {
	if held == nil {
		faults = append(faults, checkPair(c, kind, at, g)...)
	}
	if len(c.Cycles(kind)) == 0 || len(g.Cycles) == 0 {
		return faults
	}
	cycles := make([]string, 0, len(g.Cycles))
	for _, word := range g.Cycles {
		e, known := c.Cycle(kind, word)
		had := held != nil && (slices.Contains(held.row.Cycles, word) || known && slices.Contains(held.row.Cycles, e.Code))
		switch {
		case known && (had || !e.Inactive):
			word = e.Code
		case !had:
			faults = append(faults, muster.Errorf(muster.Invalid, at+"cycles", "There is no cycle %q here; there are %s.", word, codesOf(c.Cycles(kind))))
		}
		if !slices.Contains(cycles, word) {
			cycles = append(cycles, word)
		}
	}
	g.Cycles = cycles
	return faults
}

func checkPair(c Catalogue, kind, at string, g *RoleGrant) (faults muster.Errors) {
	role, known := c.Role(kind, g.Role)
	if !known || role.Inactive {
		faults = append(faults, muster.Errorf(muster.Invalid, at+"role", "There is no role %q here; there are %s.", g.Role, codesOf(c.Roles(kind))))
	}
	if g.Secondary == "" {
		return faults
	}
	secondary, has := c.Secondary(kind, g.Secondary)
	switch {
	case !has || secondary.Inactive:
		faults = append(faults, muster.Errorf(muster.Invalid, at+"secondary", "There is no secondary role %q here; there are %s.", g.Secondary, codesOf(c.Secondaries(kind))))
	case known && !secondary.GoesWith(g.Role):
		faults = append(faults, muster.Errorf(muster.Invalid, at+"secondary", "The secondary role does not go with the role."))
	}
	return faults
}

func codesOf(list []muster.CatalogueEntry) string {
	var codes []string
	for _, e := range list {
		if !e.Inactive {
			codes = append(codes, e.Code)
		}
	}
	return strings.Join(codes, ", ")
}

// grant is the role as it is to be.
func (e *edit) grant(a *heldRole) RoleGrant {
	g := RoleGrant{Role: a.row.Role, Secondary: a.row.Secondary}
	if e.change.Role != nil {
		g.Role = *e.change.Role
	}
	if e.change.Secondary != nil {
		g.Secondary = *e.change.Secondary
	}
	if e.change.Cycles != nil {
		g.Cycles = append([]string{}, *e.change.Cycles...)
	}
	if e.change.Subjects != nil {
		g.Subjects = append([]string{}, *e.change.Subjects...)
	}
	return g
}

// same gives the role when it stays the role that it is, and nil when it becomes another one.
func (e *edit) same(a *heldRole) *heldRole {
	if g := e.grant(a); g.Role != a.row.Role || g.Secondary != a.row.Secondary {
		return nil
	}
	return a
}

// editRole changes a role that is held, or takes it away.
func (h *held) editRole(l *link) {
	m := h.in(l.unit.Seq)
	a := m.roleOf(l.edit.role)
	if a == nil {
		l.faults = append(l.faults, muster.Errorf(muster.NotFound, "id", "This role is not held any more."))
		return
	}
	l.member = m
	if l.edit.gone {
		a.gone = true
		return
	}
	g := l.edit.grant(a)
	if other := m.role(g.Role, g.Secondary); other != nil && other != a {
		l.faults = append(l.faults, muster.Errorf(muster.Conflict, "role", "This role is held in %s already.", l.unit.Name))
		return
	}
	if g.Role != a.row.Role || g.Secondary != a.row.Secondary {
		a.row.Role, a.row.Secondary, a.changed = g.Role, g.Secondary, true
	}
	a.set(&a.row.Cycles, g.Cycles)
	a.set(&a.row.Subjects, g.Subjects)
	if l.title != nil {
		m.row.Title = *l.title
	}
}

// roleOf gives the role of a number, or nil.
func (m *member) roleOf(seq int64) *heldRole {
	if m == nil {
		return nil
	}
	for _, a := range m.roles {
		if !a.gone && a.row.Seq == seq {
			return a
		}
	}
	return nil
}
