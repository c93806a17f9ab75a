package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestReserveGivesEveryNumberOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		const callers, times = 8, 10
		bases := []string{"jean.dupont", "ana", "zoe", "bob"}
		var mu sync.Mutex
		taken := map[string][]int{}
		var done sync.WaitGroup
		for caller := range callers {
			done.Go(func() {
				for n := range times {
					take := map[string]int{bases[0]: 1 + n%3, bases[1+(caller+n)%3]: 2}
					var last map[string]int
					err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) (err error) {
						last, err = tx.Reserve(take, nil)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for base, count := range take {
						for i := range count {
							taken[base] = append(taken[base], last[base]-i)
						}
					}
					mu.Unlock()
				}
			})
		}
		done.Wait()
		for base, numbers := range taken {
			slices.Sort(numbers)
			for i, n := range numbers {
				if n != i+1 {
					t.Fatalf("%s: numbers %v", base, numbers)
				}
			}
		}
	})
}

func TestReserveRaises(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		other := secondTenant(t, st)
		reserve := func(tenant int64, take, raise map[string]int) (last map[string]int) {
			write(t, st, tenant, func(tx *store.Tx) (err error) {
				last, err = tx.Reserve(take, raise)
				return err
			})
			return last
		}
		reserve(storetest.Tenant, nil, map[string]int{"ana": 7, "bob": 3})
		reserve(storetest.Tenant, nil, map[string]int{"ana": 2}) // never goes back
		got := reserve(storetest.Tenant, map[string]int{"ana": 1, "bob": 2}, map[string]int{"bob": 10, "zoe": 5})
		if diff := cmp.Diff(map[string]int{"ana": 8, "bob": 12}, got); diff != "" {
			t.Error(diff)
		}
		if got := reserve(other, map[string]int{"ana": 1}, nil); got["ana"] != 1 {
			t.Errorf("another tenant's counter stands at %d", got["ana"])
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.Counters([]string{"ana", "zoe", "nobody"})
			if diff := cmp.Diff(map[string]int{"ana": 8, "zoe": 5}, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
	})
}

// A chunk that reserves holds no lock that a single create waits for.
func TestReserveDoesNotWaitForTheTransaction(t *testing.T) {
	st := storetest.Open(t, store.Postgres)
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if _, err := tx.Reserve(map[string]int{"ana": 5}, nil); err != nil {
			return err
		}
		var second map[string]int
		write(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
			second, err = tx.Reserve(map[string]int{"ana": 1}, nil)
			return err
		})
		if second["ana"] != 6 {
			t.Errorf("the second one got %d", second["ana"])
		}
		return nil
	})
}

func TestRetiredUsernames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			err := tx.Retire([]store.Retired{{Key: "ana001", Person: 1, EmailKey: "ana@example.org"}, {Key: "bob001", Person: 2, EmployeeKey: "E2"}})
			if err != nil {
				return err
			}
			return tx.Retire([]store.Retired{{Key: "ana001", Person: 9}}) // stays with the first
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.RetiredAmong([]string{"ana001", "bob001", "zoe001"})
			want := map[string]store.Retired{
				"ana001": {Key: "ana001", Person: 1, EmailKey: "ana@example.org"}, "bob001": {Key: "bob001", Person: 2, EmployeeKey: "E2"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.Unretire([]string{"ana001"}) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.RetiredAmong([]string{"ana001", "bob001"})
			if len(got) != 1 || got["bob001"].Person != 2 {
				t.Errorf("retired: %v", got)
			}
			return err
		})
	})
}

func TestManyTextsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		raise, bases := map[string]int{}, []string{}
		for i := range 5000 {
			bases = append(bases, fmt.Sprintf("base%d", i))
			raise[bases[i]] = i + 1
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			_, err := tx.Reserve(nil, raise)
			return err
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.Counters(bases)
			if diff := cmp.Diff(raise, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
	})
}
