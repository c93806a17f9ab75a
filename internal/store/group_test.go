package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		staff, lower := &muster.Group{Code: "Staff", Label: "Élus"}, &muster.Group{Code: "staff", Label: "People"}
		update(t, st, func(tx *store.Tx) error { return tx.InsertGroups([]*muster.Group{staff, lower}) })
		if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return tx.InsertGroups([]*muster.Group{{Code: "staff", Label: "x"}}) }); !errors.Is(err, store.ErrClash) {
			t.Errorf("held code: %v", err)
		}
		read := *staff
		update(t, st, func(tx *store.Tx) error {
			byCode, err1 := tx.GroupsByCode([]string{"staff", "Staff", "STAFF"})
			byID, err2 := tx.GroupsByID([]uuid.UUID{staff.ID, uuid.New()})
			if len(byCode) != 2 || byCode["Staff"].ID != staff.ID || len(byID) != 1 || byID[staff.ID].Label != "Élus" {
				t.Errorf("found %v, %v", byCode, byID)
			}
			byLabel, err3 := tx.ListGroups(store.GroupQuery{Label: "elu", Limit: 10})
			second, err4 := tx.ListGroups(store.GroupQuery{AfterSeq: staff.Seq, Limit: 10})
			if len(byLabel) != 1 || byLabel[0].Code != "Staff" || len(second) != 1 || second[0].Code != "staff" {
				t.Errorf("listed %v, %v", byLabel, second)
			}
			staff.Label = "Elected"
			return errors.Join(err1, err2, err3, err4, tx.UpdateGroup(staff))
		})
		if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error { old := read; return tx.UpdateGroup(&old) }); !errors.Is(err, store.ErrClash) {
			t.Errorf("old version: %v", err)
		}
	})
}

func TestGroupMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		staff, elect := &muster.Group{Code: "staff", Label: "Staff"}, &muster.Group{Code: "elect", Label: "Elected"}
		names := make([]string, 12)
		for i := range names {
			names[i] = fmt.Sprintf("p%02d", i)
		}
		people := enrol(t, st, names...)
		update(t, st, func(tx *store.Tx) error {
			if err := tx.InsertGroups([]*muster.Group{staff, elect}); err != nil {
				return err
			}
			if err := tx.KeepGroups([]int64{elect.Seq, staff.Seq}); err != nil {
				return err
			}
			list := []store.GroupMember{{Group: elect.Seq, Person: people[0].Seq}}
			for _, p := range people {
				list = append(list, store.GroupMember{Group: staff.Seq, Person: p.Seq, Title: "member"})
			}
			return tx.AddGroupMembers(list)
		})
		if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			return tx.AddGroupMembers([]store.GroupMember{{Group: elect.Seq, Person: people[0].Seq}})
		}); !errors.Is(err, store.ErrClash) {
			t.Errorf("twice: %v", err)
		}
		update(t, st, func(tx *store.Tx) error {
			if err := tx.UpdateGroupMembers([]store.GroupMember{{Group: elect.Seq, Person: people[0].Seq, Title: "mayor"}}); err != nil {
				return err
			}
			if err := tx.RemoveGroupMembers(staff.Seq, []int64{people[1].Seq, people[2].Seq, 999}); err != nil {
				return err
			}
			return remove(tx, people[3])
		})
		update(t, st, func(tx *store.Tx) error {
			of, err1 := tx.GroupsOf([]int64{people[0].Seq, people[1].Seq, people[4].Seq})
			if got := of[people[0].Seq]; len(got) != 2 || got[0].Code != "elect" || got[0].Title != "mayor" || got[1].Code != "staff" {
				t.Errorf("groups of the first: %+v", got)
			}
			if len(of[people[1].Seq]) != 0 || len(of[people[4].Seq]) != 1 {
				t.Errorf("groups: %+v", of)
			}
			first, err2 := tx.GroupMembers(staff.Seq, 0, 2)
			if len(first) != 2 || first[1].Person != people[4].Seq || first[1].PersonID != people[4].ID || first[1].Title != "member" {
				t.Errorf("first page %+v", first)
			}
			rest, err3 := tx.GroupMembers(staff.Seq, people[4].Seq, 100)
			if len(rest) != 7 {
				t.Errorf("second page %+v", rest)
			}
			return errors.Join(err1, err2, err3, tx.KeepOutOfGroups([]int64{staff.Seq}), tx.DeleteGroup(staff.Seq))
		})
		update(t, st, func(tx *store.Tx) error {
			left, err := tx.ListGroups(store.GroupQuery{Limit: 10})
			if len(left) != 1 || left[0].Code != "elect" {
				t.Errorf("left: %+v", left)
			}
			return err
		})
	})
}
