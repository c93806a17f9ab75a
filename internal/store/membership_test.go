package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// enrol makes people with these usernames.
func enrol(t testing.TB, st *store.Store, usernames ...string) []*store.PersonRow {
	t.Helper()
	people := make([]*store.PersonRow, len(usernames))
	update(t, st, func(tx *store.Tx) error {
		seqs, err := tx.NextPeople(len(usernames))
		if err != nil {
			return err
		}
		for i, name := range usernames {
			p := &store.PersonRow{Keys: store.Keys{Username: name}}
			p.Seq, p.ID, p.Version, p.Username = seqs[i], muster.PersonID(seqs[i], tx.Now()), 1, name
			p.State, p.Mode, p.CreatedAt, p.UpdatedAt = muster.Active, muster.Standard, tx.Now(), tx.Now()
			people[i] = p
		}
		return tx.InsertPeople(people)
	})
	return people
}

func remove(tx *store.Tx, p *store.PersonRow) error {
	p.State, p.Version, p.Keys = muster.Deleted, p.Version+1, store.Keys{}
	return tx.UpdatePeople([]*store.PersonRow{p})
}

func join(tx *store.Tx, p *store.PersonRow, u *store.UnitRow, primary bool) error {
	seqs, err := tx.NextMemberships(1)
	if err != nil {
		return err
	}
	m := &store.MembershipRow{PersonSeq: p.Seq, UnitSeq: u.Seq, UnitKind: u.Kind}
	m.Seq, m.Primary = seqs[0], primary
	return tx.InsertMemberships([]*store.MembershipRow{m})
}

func TestMemberships(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units := plant(t, st, nil, "class:6A", "class:6B", "club:chess")
		people := enrol(t, st, "ana", "bob", "eve")
		ana := people[0]
		update(t, st, func(tx *store.Tx) error {
			if err := tx.KeepUnits([]int64{units["6A"].Seq, units["6B"].Seq}); err != nil {
				return err
			}
			if err := tx.LockPeople([]int64{ana.Seq, people[1].Seq, ana.Seq}); err != nil {
				return err
			}
			return errors.Join(join(tx, ana, units["6A"], true), join(tx, ana, units["6B"], false), join(tx, ana, units["chess"], true), join(tx, people[1], units["6A"], true),
				join(tx, people[2], units["6A"], true))
		})
		for name, again := range map[string]func(tx *store.Tx) error{
			"same pair":      func(tx *store.Tx) error { return join(tx, ana, units["6A"], false) },
			"second primary": func(tx *store.Tx) error { return join(tx, people[1], units["6B"], true) },
		} {
			if err := st.Update(t.Context(), storetest.Tenant, again); !errors.Is(err, store.ErrClash) {
				t.Errorf("%s: %v", name, err)
			}
		}
		update(t, st, func(tx *store.Tx) error {
			held, err := tx.MembershipsOf([]int64{ana.Seq, people[1].Seq, ana.Seq})
			if err != nil {
				return err
			}
			list := held[ana.Seq]
			if len(list) != 3 || list[0].UnitCode != "6A" || !list[0].Primary || list[1].Primary || list[0].Person != ana.ID || list[0].Unit != units["6A"].ID || list[2].UnitKind != "club" {
				return fmt.Errorf("ana: %+v", list)
			}
			byID, err := tx.MembershipsByID([]uuid.UUID{list[1].ID})
			if err != nil || byID[list[1].ID].UnitCode != "6B" {
				t.Errorf("by id: %+v %v", byID, err)
			}
			list[0].Primary, list[1].Primary, list[1].Title = false, true, "Delegate"
			old := list[1]
			if err := tx.UpdateMemberships([]*store.MembershipRow{&list[1], &list[0]}); err != nil { // the new primary is given first
				return err
			}
			if err := tx.Try(func() error { return tx.UpdateMemberships([]*store.MembershipRow{&old}) }); !errors.Is(err, store.ErrClash) {
				t.Errorf("old version: %v", err)
			}
			return nil
		})
		update(t, st, func(tx *store.Tx) error { return remove(tx, people[1]) })
		update(t, st, func(tx *store.Tx) error {
			held, err := tx.MembershipsOf([]int64{ana.Seq})
			if got := held[ana.Seq][1]; !got.Primary || got.Title != "Delegate" || got.Version != 2 {
				t.Errorf("after: %+v", got)
			}
			first, err1 := tx.MembersOf(units["6A"].Seq, 0, 1)
			second, err2 := tx.MembersOf(units["6A"].Seq, ana.Seq, 10)
			if len(first) != 1 || first[0].PersonSeq != ana.Seq || len(second) != 1 || second[0].PersonSeq != people[2].Seq {
				t.Errorf("pages %+v, %+v: want ana, then eve without bob, who is deleted", first, second)
			}
			return errors.Join(err, err1, err2, tx.DeleteMemberships([]int64{held[ana.Seq][0].Seq, held[ana.Seq][2].Seq}))
		})
		update(t, st, func(tx *store.Tx) error {
			held, err := tx.MembershipsOf([]int64{ana.Seq})
			if len(held[ana.Seq]) != 1 || held[ana.Seq][0].UnitCode != "6B" {
				t.Errorf("left: %+v", held)
			}
			return err
		})
	})
}

func TestAssignments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units, people := plant(t, st, nil, "school:lycee"), enrol(t, st, "ana")
		update(t, st, func(tx *store.Tx) error { return join(tx, people[0], units["lycee"], true) })
		update(t, st, func(tx *store.Tx) error {
			held, err := tx.MembershipsOf([]int64{people[0].Seq})
			if err != nil {
				return err
			}
			m := held[people[0].Seq][0].Seq
			teacher := &store.AssignmentRow{Assignment: muster.Assignment{Role: "teacher", Cycles: []string{"middle", "high"}}, MembershipSeq: m}
			head := &store.AssignmentRow{Assignment: muster.Assignment{Role: "teacher", Secondary: "head"}, MembershipSeq: m}
			if err := tx.InsertAssignments([]*store.AssignmentRow{teacher, head}); err != nil {
				return err
			}
			again := &store.AssignmentRow{Assignment: muster.Assignment{Role: "teacher"}, MembershipSeq: m}
			if err := tx.Try(func() error { return tx.InsertAssignments([]*store.AssignmentRow{again}) }); !errors.Is(err, store.ErrClash) {
				t.Errorf("twice: %v", err)
			}
			teacher.Cycles, teacher.Subjects = nil, []string{"maths"}
			if err := tx.UpdateAssignments([]*store.AssignmentRow{teacher}); err != nil {
				return err
			}
			if err := tx.DeleteAssignments([]int64{head.Seq}); err != nil {
				return err
			}
			got, err := tx.AssignmentsOf([]int64{m})
			if err != nil {
				return err
			}
			if list := got[m]; len(list) != 1 || list[0].Membership != held[people[0].Seq][0].ID || list[0].Role != "teacher" || len(list[0].Cycles) != 0 ||
				!slices.Equal(list[0].Subjects, []string{"maths"}) || list[0].ID != teacher.ID {
				t.Errorf("assignments %+v", got)
			}
			if err := tx.DeleteMemberships([]int64{m}); err != nil {
				return err
			}
			if got, err = tx.AssignmentsOf([]int64{m}); len(got) != 0 {
				t.Errorf("outlived their membership: %+v", got)
			}
			return err
		})
	})
}
