package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// insert writes new people in one transaction, giving each seq, id and what a person cannot be without.
func insert(tx *store.Tx, people ...*store.PersonRow) error {
	seqs, err := tx.NextPeople(len(people))
	if err != nil {
		return err
	}
	for i, p := range people {
		p.Seq, p.ID, p.Version = seqs[i], muster.PersonID(seqs[i], tx.Now()), 1
		p.CreatedAt, p.UpdatedAt = tx.Now(), tx.Now()
		if p.State == "" {
			p.State = muster.Active
		}
		p.Mode = muster.Standard
		p.Keys.Username, p.Keys.Email = muster.FoldKey(p.Username), muster.FoldKey(p.Email)
		if p.EmailShared {
			p.Keys.Email = ""
		}
	}
	return tx.InsertPeople(people)
}

func named(username, first, last string) *store.PersonRow {
	return &store.PersonRow{Person: muster.Person{Username: username, FirstName: first, LastName: last}}
}

// fullPerson has every column set.
func fullPerson(n int) *store.PersonRow {
	p := named(fmt.Sprintf("Jean.Dupont%03d", n), "Jean", "Dupont")
	p.Generated, p.Email, p.EmailVerified, p.EmployeeID, p.Code = true, fmt.Sprintf("Jean%d@example.org", n), true, fmt.Sprint("E", n), fmt.Sprint("C", n)
	p.Source, p.SourceID, p.DisplayName, p.Reason, p.Absent, p.Locale = "hr", fmt.Sprint(n), "Jean D.", "new", true, "fr"
	p.Keys = store.Keys{Phone: fmt.Sprint("+33", n), Employee: p.EmployeeID, Code: p.Code, Source: store.SourceKeyOf(p.Source, p.SourceID)}
	p.Profile = muster.Profile{Nickname: "Jo", Phones: []muster.Phone{{Type: "work", Number: "1"}}, Attributes: map[string]string{"class": "6A"}, Flags: map[string]any{"sudo": true}}
	return p
}

func TestPeopleComeBackAsTheyWere(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for _, n := range []int{1, 40} { // PostgreSQL writes few in one way and many in another
			var people []*store.PersonRow
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				people = nil
				for i := range n {
					people = append(people, fullPerson(n*1000+i))
				}
				if err := insert(tx, people...); err != nil {
					return err
				}
				last := people[n-1]
				last.Manager, last.ManagerSeq, last.Version = people[0].ID, people[0].Seq, 2
				return tx.UpdatePeople([]*store.PersonRow{last})
			})
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				var seqs []int64
				for _, p := range people {
					seqs = append(seqs, p.Seq)
				}
				found, err := tx.People(append(seqs, 999_999))
				if len(found) != n {
					t.Errorf("%d of %d found", len(found), n)
				}
				for _, p := range people {
					if diff := cmp.Diff(*p, found[p.Seq]); diff != "" {
						t.Error(diff)
					}
				}
				return err
			})
		}
	})
}

func TestPeopleByIDCompareTheWholeID(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		ada := named("ada", "Ada", "L")
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, ada) })
		other := muster.PersonID(ada.Seq, clock.Now().Add(time.Second))
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			found, err := tx.PeopleByID([]uuid.UUID{ada.ID, other, uuid.New()})
			if _, wrong := found[other]; wrong || found[ada.ID].Username != "ada" {
				t.Errorf("found %v", found)
			}
			_, missing := tx.Person(other)
			wantCode(t, "an id with the right seq only", missing, muster.NotFound)
			return err
		})
	})
}

func TestKeysClash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, fullPerson(1)) })
		for name, set := range map[string]func(p *store.PersonRow){
			"username": func(p *store.PersonRow) { p.Username = "jean.DUPONT001" },
			"email":    func(p *store.PersonRow) { p.Email = "jean1@EXAMPLE.org" },
			"phone":    func(p *store.PersonRow) { p.Keys.Phone = "+331" },
			"employee": func(p *store.PersonRow) { p.Keys.Employee = "E1" },
			"code":     func(p *store.PersonRow) { p.Keys.Code = "C1" },
			"source":   func(p *store.PersonRow) { p.Keys.Source = store.SourceKeyOf("hr", "1") },
		} {
			for _, crowd := range []int{0, 20} {
				write(t, st, storetest.Tenant, func(tx *store.Tx) error {
					people := make([]*store.PersonRow, crowd, crowd+1)
					for i := range people {
						people[i] = fullPerson(1000 + i)
					}
					twin := fullPerson(2)
					set(twin)
					err := tx.Try(func() error { return insert(tx, append(people, twin)...) })
					if !errors.Is(err, store.ErrClash) {
						t.Errorf("%s among %d: inserting gives %v", name, crowd, err)
					}
					err = tx.Try(func() error { // by an update, too; and the transaction goes on
						other := fullPerson(3)
						if err := insert(tx, other); err != nil {
							return err
						}
						set(other)
						other.Keys.Username, other.Keys.Email, other.Version = muster.FoldKey(other.Username), muster.FoldKey(other.Email), 2
						return tx.UpdatePeople([]*store.PersonRow{other})
					})
					if !errors.Is(err, store.ErrClash) {
						t.Errorf("%s: updating gives %v", name, err)
					}
					return nil
				})
			}
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			list, err := tx.ListPeople(store.PeopleQuery{Limit: 100})
			if len(list) != 1 {
				t.Errorf("%d people are there", len(list))
			}
			return err
		})
	})
}

func TestSharedAddressAndMissingKeysDoNotClash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			holder, sharer, nobody, nobodyElse := named("a", "", ""), named("b", "", ""), named("", "Ana", ""), named("", "Ana", "")
			holder.Email, sharer.Email, sharer.EmailShared = "x@example.org", "x@example.org", true
			return insert(tx, holder, sharer, nobody, nobodyElse)
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			list, err := tx.ListPeople(store.PeopleQuery{Email: "X@example.org", Limit: 10})
			if len(list) != 1 || list[0].Username != "a" || list[0].EmailShared {
				t.Errorf("the address leads to %+v", list)
			}
			list, _ = tx.ListPeople(store.PeopleQuery{Username: "b", Limit: 10})
			if len(list) != 1 || !list[0].EmailShared {
				t.Errorf("the sharer is %+v", list)
			}
			return err
		})
	})
}

func TestUpdatePeopleIsGuarded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ada := named("ada", "Ada", "L")
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, ada) })
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			ada.Version, ada.LastName = 2, "Lovelace"
			return tx.UpdatePeople([]*store.PersonRow{ada})
		})
		err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			ada.LastName = "Stale"
			return tx.UpdatePeople([]*store.PersonRow{ada})
		})
		if !errors.Is(err, store.ErrClash) {
			t.Errorf("a version that has passed gives %v", err)
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			p, err := tx.Person(ada.ID)
			if p.LastName != "Lovelace" || p.Version != 2 {
				t.Errorf("%+v", p)
			}
			return err
		})
	})
}

func TestHolders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		p := fullPerson(7)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return insert(tx, p) })
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for column, key := range map[store.KeyColumn]string{
				store.UsernameKey: "jean.dupont007", store.EmailKey: "jean7@example.org", store.PhoneKey: "+337", store.EmployeeKey: "E7", store.CodeKey: "C7",
				store.SourceKey: store.SourceKeyOf("hr", "7"),
			} {
				got, err := tx.Holders(column, []string{"nobody", key, "a\"b\\c", "é"})
				if diff := cmp.Diff(map[string]int64{key: p.Seq}, got); diff != "" || err != nil {
					t.Errorf("%s: %v %s", column, err, diff)
				}
			}
			return nil
		})
	})
}

func TestNextPeopleNeverGivesANumberTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var seen []int64
		for range 3 {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				a, err := tx.NextPeople(3)
				if err != nil {
					return err
				}
				b, err := tx.NextPeople(2)
				seen = append(append(seen, a...), b...)
				return err
			})
		}
		if len(seen) != 15 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 15 {
			t.Errorf("numbers %v", seen)
		}
		if !slices.IsSorted(seen) {
			t.Errorf("numbers go back: %v", seen)
		}
	})
}

func TestCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		other := secondTenant(t, st)
		for range 20 {
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				return tx.CountPeople(map[muster.State]int{muster.Active: 2, muster.Staged: -1, muster.Deleted: 0})
			})
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.PeopleCounts()
			if diff := cmp.Diff(map[muster.State]int{muster.Active: 40, muster.Staged: -20}, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		look(t, st, other, func(tx *store.Tx) error {
			got, err := tx.PeopleCounts()
			if len(got) != 0 {
				t.Errorf("another tenant counts %v", got)
			}
			return err
		})
	})
}

func TestPeopleOfAnotherTenantAreNotThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		other := secondTenant(t, st)
		p := fullPerson(1)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := insert(tx, p); err != nil {
				return err
			}
			return tx.Retire([]store.Retired{{Key: "gone", Person: p.Seq}})
		})
		write(t, st, other, func(tx *store.Tx) error {
			if found, err := tx.People([]int64{p.Seq}); err != nil || len(found) != 0 {
				t.Errorf("by seq: %v, %v", found, err)
			}
			_, err := tx.Person(p.ID)
			wantCode(t, "by id", err, muster.NotFound)
			if found, err := tx.Holders(store.UsernameKey, []string{p.Keys.Username}); err != nil || len(found) != 0 {
				t.Errorf("holders: %v, %v", found, err)
			}
			for _, q := range []store.PeopleQuery{{}, {Username: p.Username}, {Name: "dupont"}, {State: muster.Active}, {CreatedSince: time.Unix(1, 0)}, {UpdatedSince: time.Unix(1, 0)}} {
				q.Limit = 10
				if list, err := tx.ListPeople(q); err != nil || len(list) != 0 {
					t.Errorf("%+v: %v, %v", q, list, err)
				}
			}
			if found, err := tx.RetiredAmong([]string{"gone"}); err != nil || len(found) != 0 {
				t.Errorf("retired: %v, %v", found, err)
			}
			if err := tx.Unretire([]string{"gone"}); err != nil {
				t.Error(err)
			}
			stolen := *p
			stolen.Version, stolen.LastName = 2, "Stolen"
			if err := tx.Try(func() error { return tx.UpdatePeople([]*store.PersonRow{&stolen}) }); !errors.Is(err, store.ErrClash) {
				t.Errorf("update: %v", err)
			}
			return insert(tx, fullPerson(1)) // the same keys are free here
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.Person(p.ID)
			if diff := cmp.Diff(*p, got); diff != "" {
				t.Error(diff)
			}
			if found, _ := tx.RetiredAmong([]string{"gone"}); len(found) != 1 {
				t.Error("another tenant gave a retired name back")
			}
			return err
		})
	})
}
