package roster

import (
	"slices"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// RoleGrant is a catalogue role to be held in a unit.
type RoleGrant struct {
	Role      string
	Secondary string
	Cycles    []string // nil leaves those of a role that is held already; an empty list clears them
	Subjects  []string // likewise
}

// link is one thing wanted of a person: to be in a unit or group, or not to be. It is what all operations on memberships come down to.
type link struct {
	id     uuid.UUID // of the person, for the record; the zero UUID where the caller keeps the record
	at     string    // what the fields of faults begin with
	person int64     // not positive for somebody who is not written yet
	unit   *store.UnitRow
	group  *muster.Group // when unit is nil
	want
	bounds *Bounds // of who wants it

	faults muster.Errors // why nothing is done
	change muster.Change // what it came to
	member *member       // of who is now in a unit
}

// want is how somebody is to be in a unit or group. What is nil stays.
type want struct {
	leave     bool // not at all
	primary   *bool
	title     *string
	roles     []RoleGrant
	onlyRoles bool // roles that are not named are taken away
	instead   bool // a single role that is held becomes the one that is named
	edit      *edit
	version   int64 // of the membership that the caller saw; 0 accepts any
}

// edit is what is to become of one role that is held, in place of joining.
type edit struct {
	role   int64 // seq
	gone   bool  // it is taken away
	change AssignmentChange
}

// ledger is what some people belong to: read once, changed in memory link by link, and written back once.
type ledger struct {
	tx     *store.Tx
	people map[int64]*held
	order  []*held
}

// held is what one person belongs to.
type held struct {
	person  int64
	members []*member // oldest first
	groups  []*groupMember
}

type member struct {
	row, was    store.MembershipRow
	roles       []*heldRole
	isNew, gone bool
}

type heldRole struct {
	row         store.AssignmentRow
	isNew, gone bool
	changed     bool
}

type groupMember struct {
	row, was    store.GroupMember
	isNew, gone bool
}

// applyLinks carries links out in order: each sees what those before it left. A link with faults is left alone. Nothing is written when dry.
//
// Everybody in a unit has one primary unit of its kind: the first they joined, unless another is asked for. When that is left, the oldest
// remaining one takes its place.
func applyLinks(tx *store.Tx, links []link, dry bool) error {
	b := &ledger{tx: tx, people: map[int64]*held{}}
	if !dry {
		if err := lockLinks(tx, links); err != nil {
			return err
		}
	}
	if err := b.read(links); err != nil {
		return err
	}
	if err := b.bound(links); err != nil {
		return err
	}
	catalogue, err := b.catalogue(links)
	if err != nil {
		return err
	}
	for i := range links {
		l := &links[i]
		if len(l.faults) > 0 {
			continue
		}
		h := b.people[l.person]
		if h.holdToCatalogue(l, catalogue); len(l.faults) > 0 {
			continue
		}
		if h.holdToVersion(l); len(l.faults) > 0 {
			continue
		}
		before := h.record()
		h.apply(l)
		l.change = muster.Diff(before, h.record())
	}
	if dry {
		return nil
	}
	return b.write()
}

// lockLinks keeps what links lead to from going away, and the people in them from being changed by others meanwhile.
func lockLinks(tx *store.Tx, links []link) error {
	var units, groups, people []int64
	for i := range links {
		l := &links[i]
		if len(l.faults) > 0 {
			continue
		}
		people = append(people, l.person)
		switch {
		case l.leave:
		case l.unit != nil:
			units = append(units, l.unit.Seq)
		default:
			groups = append(groups, l.group.Seq)
		}
	}
	if err := tx.KeepUnits(units); err != nil {
		return err
	}
	if err := tx.KeepGroups(groups); err != nil {
		return err
	}
	return tx.LockPeople(people)
}

// read loads what the people in links belong to now.
func (b *ledger) read(links []link) error {
	var people []int64
	for i := range links {
		l := &links[i]
		if len(l.faults) > 0 || b.people[l.person] != nil {
			continue
		}
		h := &held{person: l.person}
		b.people[l.person] = h
		b.order = append(b.order, h)
		if l.person > 0 {
			people = append(people, l.person)
		}
	}
	memberships, err := b.tx.MembershipsOf(people)
	if err != nil {
		return err
	}
	var seqs []int64
	for _, list := range memberships {
		for _, m := range list {
			seqs = append(seqs, m.Seq)
		}
	}
	roles, err := b.tx.AssignmentsOf(seqs)
	if err != nil {
		return err
	}
	groups, err := b.tx.GroupsOf(people)
	if err != nil {
		return err
	}
	for _, h := range b.order {
		for _, row := range memberships[h.person] {
			m := &member{row: row, was: row}
			for _, a := range roles[row.Seq] {
				m.roles = append(m.roles, &heldRole{row: a})
			}
			h.members = append(h.members, m)
		}
		for _, g := range groups[h.person] {
			h.groups = append(h.groups, &groupMember{row: g, was: g})
		}
	}
	return nil
}

// record is what a person belongs to, for Diff.
func (h *held) record() muster.Record {
	r := make(muster.Record, 2*len(h.members)+len(h.groups))
	for _, m := range h.members {
		if m.gone {
			continue
		}
		at := "units." + m.row.UnitKind + ":" + m.row.UnitCode
		r[at+".primary"] = m.row.Primary
		if m.row.Title != "" {
			r[at+".title"] = m.row.Title
		}
		for _, role := range m.roles {
			if !role.gone {
				role.record(at+".roles.", r)
			}
		}
	}
	for _, g := range h.groups {
		if g.gone {
			continue
		}
		r["groups."+g.row.Code] = true
		if g.row.Title != "" {
			r["groups."+g.row.Code+".title"] = g.row.Title
		}
	}
	return r
}

func (a *heldRole) record(at string, r muster.Record) {
	at += a.row.Role
	if a.row.Secondary != "" {
		at += "+" + a.row.Secondary
	}
	r[at] = true
	if len(a.row.Cycles) > 0 {
		r[at+".cycles"] = a.row.Cycles
	}
	if len(a.row.Subjects) > 0 {
		r[at+".subjects"] = a.row.Subjects
	}
}

func (h *held) apply(l *link) {
	switch {
	case l.unit != nil && l.leave:
		h.leaveUnit(l.unit)
	case l.unit != nil && l.edit != nil:
		h.editRole(l)
	case l.unit != nil:
		h.joinUnit(l)
	default:
		h.setGroup(l)
	}
}

// in gives the membership in a unit, or nil.
func (h *held) in(unit int64) *member {
	for _, m := range h.members {
		if !m.gone && m.row.UnitSeq == unit {
			return m
		}
	}
	return nil
}

func (h *held) joinUnit(l *link) {
	m := h.in(l.unit.Seq)
	if m == nil {
		m = &member{isNew: true}
		m.row.PersonSeq, m.row.Person = h.person, l.id
		m.row.UnitSeq, m.row.Unit, m.row.UnitKind, m.row.UnitCode = l.unit.Seq, l.unit.ID, l.unit.Kind, l.unit.Code
		h.members = append(h.members, m)
	}
	if l.title != nil {
		m.row.Title = *l.title
	}
	if l.instead {
		m.become(l.roles)
	}
	m.grant(l.roles, l.onlyRoles)
	var wanted, unwanted *member
	if l.primary != nil {
		if *l.primary {
			wanted = m
		} else {
			unwanted = m
		}
	}
	h.settlePrimary(l.unit.Kind, wanted, unwanted)
	l.member = m
}

func (h *held) leaveUnit(unit *store.UnitRow) {
	m := h.in(unit.Seq)
	if m == nil {
		return
	}
	m.gone, m.row.Primary = true, false
	h.settlePrimary(unit.Kind, nil, nil)
}

// settlePrimary sees to it that there is one primary among the units of a kind: the wanted one, else the one that was, else the oldest, and an
// unwanted one only when it is alone.
func (h *held) settlePrimary(kind string, wanted, unwanted *member) {
	var current, oldest *member
	for _, m := range h.members {
		if m.gone || m.row.UnitKind != kind {
			continue
		}
		if m.row.Primary {
			current = m
		}
		if oldest == nil || oldest == unwanted {
			oldest = m
		}
	}
	next := current
	if wanted != nil {
		next = wanted
	} else if current == nil || current == unwanted {
		next = oldest
	}
	if current != nil {
		current.row.Primary = false
	}
	if next != nil {
		next.row.Primary = true
	}
}

// grant gives roles, and takes away those not named when only these are wanted.
func (m *member) grant(roles []RoleGrant, only bool) {
	named := map[*heldRole]bool{}
	for _, g := range roles {
		a := m.role(g.Role, g.Secondary)
		if a == nil {
			a = &heldRole{isNew: true}
			a.row.Role, a.row.Secondary = g.Role, g.Secondary
			m.roles = append(m.roles, a)
		}
		a.set(&a.row.Cycles, g.Cycles)
		a.set(&a.row.Subjects, g.Subjects)
		named[a] = true
	}
	for _, a := range m.roles {
		if only && !named[a] {
			a.gone = true
		}
	}
}

// become has a single role that is held become the one that is named, unless that one is held.
func (m *member) become(roles []RoleGrant) {
	var single *heldRole
	for _, a := range m.roles {
		switch {
		case a.gone:
		case single != nil:
			return
		default:
			single = a
		}
	}
	if single == nil || len(roles) != 1 || m.role(roles[0].Role, roles[0].Secondary) != nil {
		return
	}
	single.row.Role, single.row.Secondary, single.changed = roles[0].Role, roles[0].Secondary, true
}

func (m *member) role(role, secondary string) *heldRole {
	if m == nil {
		return nil
	}
	for _, a := range m.roles {
		if !a.gone && a.row.Role == role && a.row.Secondary == secondary {
			return a
		}
	}
	return nil
}

func (a *heldRole) set(to *[]string, list []string) {
	if list != nil && !slices.Equal(*to, list) {
		*to, a.changed = list, true
	}
}

func (h *held) setGroup(l *link) {
	var found *groupMember
	for _, g := range h.groups {
		if !g.gone && g.row.Group == l.group.Seq {
			found = g
		}
	}
	switch {
	case l.leave:
		if found != nil {
			found.gone = true
		}
		return
	case found == nil:
		found = &groupMember{row: store.GroupMember{Group: l.group.Seq, Code: l.group.Code, Person: h.person}, isNew: true}
		h.groups = append(h.groups, found)
	}
	if l.title != nil {
		found.row.Title = *l.title
	}
}
