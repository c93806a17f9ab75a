package roster

import (
	"maps"
	"slices"

	"github.com/musterid/muster/internal/store"
)

// write stores what has become different: what goes first, then what changes, then what is new, because unique keys pass from one to another.
func (b *ledger) write() error {
	if err := b.writeMembers(); err != nil {
		return err
	}
	if err := b.writeRoles(); err != nil {
		return err
	}
	return b.writeGroups()
}

func (b *ledger) writeMembers() error {
	var gone []int64
	var changed, added []*store.MembershipRow
	for _, h := range b.order {
		for _, m := range h.members {
			switch {
			case m.isNew && !m.gone:
				added = append(added, &m.row)
			case !m.isNew && m.gone:
				gone = append(gone, m.row.Seq)
			case !m.isNew && m.changed():
				changed = append(changed, &m.row)
			}
		}
	}
	if err := b.tx.DeleteMemberships(gone); err != nil {
		return err
	}
	if err := b.tx.UpdateMemberships(changed); err != nil {
		return err
	}
	if len(added) == 0 {
		return nil
	}
	seqs, err := b.tx.NextMemberships(len(added))
	if err != nil {
		return err
	}
	for i, row := range added {
		row.Seq = seqs[i]
	}
	return b.tx.InsertMemberships(added)
}

func (m *member) changed() bool {
	if m.row.Primary != m.was.Primary || m.row.Title != m.was.Title {
		return true
	}
	return slices.ContainsFunc(m.roles, func(a *heldRole) bool { return a.isNew != a.gone || a.changed })
}

func (b *ledger) writeRoles() error {
	var gone []int64
	var changed, added []*store.AssignmentRow
	for _, h := range b.order {
		for _, m := range h.members {
			if m.gone { // its roles went with it
				continue
			}
			for _, a := range m.roles {
				a.row.MembershipSeq, a.row.Membership = m.row.Seq, m.row.ID
				switch {
				case a.isNew && !a.gone:
					added = append(added, &a.row)
				case !a.isNew && a.gone:
					gone = append(gone, a.row.Seq)
				case !a.isNew && a.changed:
					changed = append(changed, &a.row)
				}
			}
		}
	}
	if err := b.tx.DeleteAssignments(gone); err != nil {
		return err
	}
	if err := b.tx.UpdateAssignments(changed); err != nil {
		return err
	}
	return b.tx.InsertAssignments(added)
}

func (b *ledger) writeGroups() error {
	gone := map[int64][]int64{}
	var changed, added []store.GroupMember
	for _, h := range b.order {
		for _, g := range h.groups {
			switch {
			case g.isNew && !g.gone:
				added = append(added, g.row)
			case !g.isNew && g.gone:
				gone[g.row.Group] = append(gone[g.row.Group], h.person)
			case !g.isNew && g.row.Title != g.was.Title:
				changed = append(changed, g.row)
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(gone)) {
		if err := b.tx.RemoveGroupMembers(group, gone[group]); err != nil {
			return err
		}
	}
	if err := b.tx.UpdateGroupMembers(changed); err != nil {
		return err
	}
	return b.tx.AddGroupMembers(added)
}
