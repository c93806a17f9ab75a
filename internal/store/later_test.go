package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// enrolOne writes somebody new as one request does.
func enrolOne(t *testing.T, st *store.Store, p *store.PersonRow) error {
	return st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
		seqs, err := tx.NextPeople(1)
		if err != nil {
			return err
		}
		p.Seq, p.Version, p.State, p.Mode, p.CreatedAt = seqs[0], 1, muster.Active, muster.Standard, tx.Now()
		p.ID, p.Keys = muster.PersonID(p.Seq, tx.Now()), store.Keys{Username: muster.FoldKey(p.Username)}
		if err := tx.InsertPeople([]*store.PersonRow{p}); err != nil {
			return err
		}
		if err := tx.CountPeople(map[muster.State]int{p.State: 1}); err != nil {
			return err
		}
		return tx.Audit([]muster.AuditEntry{{Actor: "a", Surface: "s", Request: "r", Action: "person.create", Object: "o", Person: p.Seq}})
	})
}

// What one request writes is there when it is done, is seen within the transaction, and leaves nothing when it fails.
func TestSingles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		first := named("ana", "", "")
		if err := enrolOne(t, st, first); err != nil {
			t.Fatal(err)
		}
		err := enrolOne(t, st, named("ana", "", "")) // the key is held
		if !errors.Is(err, store.ErrClash) {
			t.Errorf("a name was given twice: %v", err)
		}
		gone := errors.New("gone")
		err = st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.CountPeople(map[muster.State]int{muster.Active: 5}); err != nil {
				return err
			}
			if counts, err := tx.PeopleCounts(); err != nil || counts[muster.Active] != 6 {
				t.Errorf("within: %v %v", counts, err)
			}
			if err := tx.CountPeople(map[muster.State]int{muster.Active: 7}); err != nil {
				return err
			}
			return gone
		})
		if !errors.Is(err, gone) {
			t.Error(err)
		}
		err = st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error { // what is undone under a savepoint does not come back
			err := tx.Try(func() error {
				if err := tx.CountPeople(map[muster.State]int{muster.Active: 9}); err != nil {
					return err
				}
				return gone
			})
			if !errors.Is(err, gone) {
				return err
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if counts, err := tx.PeopleCounts(); err != nil || counts[muster.Active] != 1 {
				t.Errorf("afterwards: %v %v", counts, err)
			}
			entries, err := tx.AuditOfPerson(first.Seq, 0, 10)
			if len(entries) != 1 {
				t.Errorf("recorded: %+v", entries)
			}
			return err
		})
	})
}

// Many at the same time get different numbers, and all of them are counted.
func TestSinglesAtTheSameTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		const clients, each = 8, 12
		var working sync.WaitGroup
		var mu sync.Mutex
		var seqs []int64
		for c := range clients {
			working.Go(func() {
				for n := range each {
					p := named(string(rune('a'+c))+string(rune('a'+n)), "", "")
					if err := enrolOne(t, st, p); err != nil {
						t.Error(err)
					}
					mu.Lock()
					seqs = append(seqs, p.Seq)
					mu.Unlock()
				}
			})
		}
		working.Wait()
		slices.Sort(seqs)
		if got := len(slices.Compact(seqs)); got != clients*each {
			t.Errorf("%d numbers", got)
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			counts, err := tx.PeopleCounts()
			if counts[muster.Active] != clients*each {
				t.Errorf("counted: %v", counts)
			}
			return err
		})
	})
}

// A key that is looked up among others leads to its holder, and one that nobody holds to nobody.
func TestHoldersOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ana, eva := named("ana", "", ""), named("eva", "", "")
		eva.Email = "ana@example.org"
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, ana, eva) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.HoldersOf(map[store.KeyColumn][]string{store.UsernameKey: {"ana", "nobody"}, store.EmailKey: {"ana", "ana@example.org"}, store.SourceKey: nil})
			if err != nil {
				return err
			}
			if got[store.UsernameKey]["ana"] != ana.Seq || got[store.EmailKey]["ana@example.org"] != eva.Seq || len(got[store.SourceKey]) != 0 {
				t.Errorf("%+v", got)
			}
			for column, key := range map[store.KeyColumn]string{store.UsernameKey: "nobody", store.EmailKey: "ana"} {
				if seq, asked := got[column][key]; !asked || seq != 0 {
					t.Errorf("%s %s: %d %t", column, key, seq, asked)
				}
			}
			many, err := tx.HoldersOf(map[store.KeyColumn][]string{store.UsernameKey: {"1", "2", "3", "4", "5", "6", "7", "8", "9"}})
			if many != nil {
				t.Errorf("many: %+v", many)
			}
			return err
		})
	})
}

// Many keys are looked up with one statement, too, where its plan is kept.
func TestHoldersOfMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		asked := map[store.KeyColumn][]string{store.EmailKey: {"nobody@example.org"}, store.SourceKey: nil}
		var people []*store.PersonRow
		for n := range 12 {
			p := named(string(rune('a'+n)), "", "")
			p.Email = p.Username + "@example.org"
			people, asked[store.UsernameKey], asked[store.EmailKey] = append(people, p), append(asked[store.UsernameKey], p.Username), append(asked[store.EmailKey], p.Email)
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, people...) })
		err := st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.HoldersTogether(asked)
			if st.Engine() == store.SQLite {
				if got != nil {
					t.Errorf("%+v", got)
				}
				return err
			}
			if none, err := tx.HoldersTogether(nil); err != nil || none == nil || len(none) > 0 {
				t.Errorf("no keys: %v %v", none, err)
			}
			for _, p := range people {
				if got[store.UsernameKey][p.Username] != p.Seq || got[store.EmailKey][p.Email] != p.Seq {
					t.Errorf("%s: %+v", p.Username, got)
				}
			}
			if seq, known := got[store.EmailKey]["nobody@example.org"]; !known || seq != 0 {
				t.Errorf("nobody holds a key: %+v", got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// What several requests share is tried once, and does not wait for long.
func TestTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		times := 0
		err := st.Together(t.Context(), storetest.Tenant, func(*store.Tx) error {
			times++
			return store.ErrClash
		})
		if !errors.Is(err, store.ErrClash) || times != 1 {
			t.Errorf("%d times, %v", times, err)
		}
		take := func(tx *store.Tx) error {
			_, err := tx.Reserve(map[string]int{"a": 1}, nil)
			return err
		}
		if err := st.Together(t.Context(), storetest.Tenant, take); err != nil {
			t.Error(err)
		}
		if st.Engine() == store.SQLite {
			return
		}
		err = st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			if err := take(tx); err != nil {
				return err
			}
			if err := st.Together(t.Context(), storetest.Tenant, take); err == nil {
				t.Error("a number is taken that another transaction takes")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Rows that are copied come after what waits: they may refer to it.
func TestCopiesComeAfterWhatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		err := st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			group := muster.Group{Code: "g", Label: "G"}
			if err := tx.InsertGroups([]*muster.Group{&group}); err != nil {
				return err
			}
			members := make([]store.GroupMember, 100)
			for i := range members {
				members[i] = store.GroupMember{Group: group.Seq, Person: int64(i) + 1}
			}
			return tx.AddGroupMembers(members)
		})
		if err != nil {
			t.Error(err)
		}
	})
}
