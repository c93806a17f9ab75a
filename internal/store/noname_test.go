package store_test

import (
	"testing"

	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A name of which nothing is left to compare is nobody's: it is no filter left out.
func TestNameWithoutLettersListsNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			return insert(tx, named("a", "Ana", "Lee"), named("b", "", ""))
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for name, want := range map[string]int{"": 2, "%": 0, "---": 0, " ": 0, "lee": 1} {
				for _, sort := range []store.PeopleSort{store.BySeq, store.ByName, store.ByUsername} {
					list, err := tx.ListPeople(store.PeopleQuery{Name: name, Sort: sort, Limit: 10})
					if err != nil || len(list) != want {
						t.Errorf("%q by %s: %d people, want %d, %v", name, sort, len(list), want, err)
					}
				}
			}
			return nil
		})
	})
}
