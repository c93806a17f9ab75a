package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// update runs f in a transaction of the test's tenant.
func update(t testing.TB, st *store.Store, f func(tx *store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), storetest.Tenant, f); err != nil {
		t.Fatal(err)
	}
}

// plant makes units given as kind:code, each under the one that parents names by code.
func plant(t testing.TB, st *store.Store, parents map[string]string, names ...string) map[string]*store.UnitRow {
	t.Helper()
	units := map[string]*store.UnitRow{}
	update(t, st, func(tx *store.Tx) error {
		seqs, err := tx.NextUnits(len(names))
		if err != nil {
			return err
		}
		rows := make([]*store.UnitRow, len(names))
		for i, name := range names {
			kind, code, _ := strings.Cut(name, ":")
			rows[i] = &store.UnitRow{Unit: muster.Unit{Seq: seqs[i], Kind: kind, Code: code, Name: "Unit " + code}}
			parent := units[parents[code]]
			rows[i].Path = store.UnitPath(parent, seqs[i])
			if parent != nil {
				rows[i].ParentSeq = parent.Seq
			}
			units[code] = rows[i]
		}
		return tx.InsertUnits(rows)
	})
	return units
}

func codes(list []store.UnitRow) []string {
	var all []string
	for _, u := range list {
		all = append(all, u.Code)
	}
	return all
}

func TestUnitsAreFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units := plant(t, st, map[string]string{"6A": "lycee", "6B": "lycee"}, "school:lycee", "class:6A", "class:6B", "club:6A-chess", "club:chess", "class:chess")
		update(t, st, func(tx *store.Tx) error {
			u := units["6A"]
			u.Attributes, u.Closed, u.Name = map[string]string{"level": "6"}, true, "Sixième A"
			return tx.UpdateUnit(u)
		})
		err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			byID, err := tx.UnitsByID([]uuid.UUID{units["6A"].ID, units["lycee"].ID, uuid.New()})
			if err != nil {
				return err
			}
			got := byID[units["6A"].ID]
			if len(byID) != 2 || got.Parent != units["lycee"].ID || got.ParentSeq != units["lycee"].Seq || got.Version != 2 || !got.Closed || got.Attributes["level"] != "6" {
				t.Errorf("by id: %+v", byID)
			}
			bySeq, err := tx.Units([]int64{units["6B"].Seq, 999})
			if err != nil {
				return err
			}
			if len(bySeq) != 1 || bySeq[units["6B"].Seq].Code != "6B" {
				t.Errorf("by seq: %+v", bySeq)
			}
			byCode, err := tx.UnitsByCode([]string{"chess", "6A", "6a", "chess"})
			if err != nil {
				return err
			}
			if len(byCode["chess"]) != 2 || byCode["chess"][0].Kind != "class" || byCode["chess"][1].Kind != "club" || len(byCode["6A"]) != 1 || len(byCode["6a"]) != 0 {
				t.Errorf("by code: %+v", byCode)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		for name, c := range map[string]struct {
			q    store.UnitQuery
			want string
		}{
			"all":      {store.UnitQuery{}, "lycee 6A 6B 6A-chess chess chess"},
			"kind":     {store.UnitQuery{Kind: "class"}, "6A 6B chess"},
			"parent":   {store.UnitQuery{Parent: units["lycee"].Seq}, "6A 6B"},
			"top":      {store.UnitQuery{Top: true, Kind: "class"}, "chess"},
			"below":    {store.UnitQuery{Below: units["lycee"].Path}, "lycee 6A 6B"},
			"code":     {store.UnitQuery{Code: "chess"}, "chess chess"},
			"name":     {store.UnitQuery{Name: "SIXIEME"}, "6A"},
			"no name":  {store.UnitQuery{Name: "§"}, ""},
			"closed":   {store.UnitQuery{Closed: &yes}, "6A"},
			"open":     {store.UnitQuery{Closed: &no, Kind: "class"}, "6B chess"},
			"page two": {store.UnitQuery{AfterSeq: units["6A"].Seq, Limit: 2}, "6B 6A-chess"},
		} {
			if c.q.Limit == 0 {
				c.q.Limit = 100
			}
			err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				list, err := tx.ListUnits(c.q)
				if got := strings.Join(codes(list), " "); got != c.want {
					t.Errorf("%s: %q, want %q", name, got, c.want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestUnitsOfAnotherTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units := plant(t, st, nil, "class:6A")
		other := muster.Tenant{Code: "other", Name: "Other"}
		if err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			t.Fatal(err)
		}
		err := st.Update(t.Context(), other.Seq, func(tx *store.Tx) error {
			byID, err1 := tx.UnitsByID([]uuid.UUID{units["6A"].ID})
			bySeq, err2 := tx.Units([]int64{units["6A"].Seq})
			byCode, err3 := tx.UnitsByCode([]string{"6A"})
			list, err4 := tx.ListUnits(store.UnitQuery{Limit: 10})
			if len(byID)+len(bySeq)+len(byCode)+len(list) != 0 {
				t.Errorf("seen: %v %v %v %v", byID, bySeq, byCode, list)
			}
			row := *units["6A"]
			err5 := tx.UpdateUnit(&row)
			if !errors.Is(err5, store.ErrClash) {
				t.Errorf("written: %v", err5)
			}
			return errors.Join(err1, err2, err3, err4)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestUpdateUnitIsGuarded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units := plant(t, st, nil, "class:6A", "class:6B")
		read := *units["6A"]
		update(t, st, func(tx *store.Tx) error { return tx.UpdateUnit(units["6A"]) })
		for name, change := range map[string]func(tx *store.Tx) error{
			"old version": func(tx *store.Tx) error { old := read; return tx.UpdateUnit(&old) },
			"held code": func(tx *store.Tx) error {
				u := *units["6A"]
				u.Code = "6B"
				return tx.UpdateUnit(&u)
			},
		} {
			if err := st.Update(t.Context(), storetest.Tenant, change); !errors.Is(err, store.ErrClash) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestDeleteUnitsWithoutMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		units := plant(t, st, map[string]string{"6A": "lycee"}, "school:lycee", "class:6A", "class:6B")
		people := enrol(t, st, "ana", "bob")
		update(t, st, func(tx *store.Tx) error {
			return join(tx, people[0], units["6A"], true)
		})
		update(t, st, func(tx *store.Tx) error {
			use, err := tx.UnitsInUse([]int64{units["lycee"].Seq, units["6A"].Seq, units["6B"].Seq})
			want := map[int64]store.Use{units["lycee"].Seq: {Children: 1}, units["6A"].Seq: {Members: true}, units["6B"].Seq: {}}
			if fmt.Sprint(use) != fmt.Sprint(want) {
				t.Errorf("use %v, want %v", use, want)
			}
			return err
		})
		update(t, st, func(tx *store.Tx) error {
			if err := tx.KeepOutOfUnits([]int64{units["lycee"].Seq}); err != nil {
				return err
			}
			return tx.DeleteUnits([]int64{units["6A"].Seq, units["lycee"].Seq})
		})
		update(t, st, func(tx *store.Tx) error {
			left, err := tx.ListUnits(store.UnitQuery{Limit: 10})
			if !slices.Equal(codes(left), []string{"6B"}) {
				t.Errorf("left: %v", codes(left))
			}
			held, err2 := tx.MembershipsOf([]int64{people[0].Seq})
			if len(held) != 0 {
				t.Errorf("memberships left: %v", held)
			}
			return errors.Join(err, err2)
		})
	})
}

// A tree after any moves is the tree that the parents tell: every path is the parent's path and the own seq.
func TestMovesKeepPathsTrue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		names := make([]string, 12)
		for i := range names {
			names[i] = fmt.Sprintf("class:u%d", i)
		}
		units := plant(t, st, nil, names...)
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 4).Draw(rt, "moves") {
				moved := units[fmt.Sprintf("u%d", rapid.IntRange(0, 11).Draw(rt, "unit"))].Seq
				under := units[fmt.Sprintf("u%d", rapid.IntRange(0, 11).Draw(rt, "parent"))].Seq
				top := rapid.Bool().Draw(rt, "top")
				update(t, st, func(tx *store.Tx) error { return move(tx, moved, under, top) })
			}
			err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				list, err := tx.ListUnits(store.UnitQuery{Limit: 100})
				bySeq := map[int64]*store.UnitRow{}
				for i := range list {
					bySeq[list[i].Seq] = &list[i]
				}
				for seq, u := range bySeq {
					if want := store.UnitPath(bySeq[u.ParentSeq], seq); u.Path != want {
						rt.Fatalf("%s under %d has path %s, want %s", u.Code, u.ParentSeq, u.Path, want)
					}
					below, err := tx.ListUnits(store.UnitQuery{Below: u.Path, Limit: 100})
					if err != nil {
						return err
					}
					deepest := 0
					for _, b := range below {
						deepest = max(deepest, store.UnitDepth(b.Path))
					}
					if depth, err := tx.DepthBelow(u.Path); err != nil || depth != deepest {
						rt.Fatalf("depth below %s is %d (%v), want %d", u.Path, depth, err, deepest)
					}
				}
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
		})
	})
}

// move moves a unit unless that would make a circle.
func move(tx *store.Tx, moved, under int64, top bool) error {
	if err := tx.LockTree(); err != nil {
		return err
	}
	rows, err := tx.Units([]int64{moved, under})
	if err != nil {
		return err
	}
	u, parent := rows[moved], rows[under]
	switch {
	case top:
		return tx.MoveUnit(&u, nil)
	case strings.HasPrefix(parent.Path, u.Path):
		return nil
	}
	return tx.MoveUnit(&u, &parent)
}
