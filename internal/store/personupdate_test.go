package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// changes are ways in which a person becomes another one. Each touches other columns.
var changes = []func(p *store.PersonRow){
	func(p *store.PersonRow) { p.LastName = "Martin" },
	func(p *store.PersonRow) { p.FirstName, p.DisplayName = "", "" },
	func(p *store.PersonRow) { p.Profile.Department = "HR" },
	func(p *store.PersonRow) { p.Profile = muster.Profile{} },
	func(p *store.PersonRow) { p.Profile.Flags = map[string]any{"sudo": false} },
	func(p *store.PersonRow) { p.State, p.Reason = muster.Suspended, "leave" },
	func(p *store.PersonRow) {
		p.State, p.Keys, p.EmailShared = muster.Deleted, store.Keys{}, false
	},
	func(p *store.PersonRow) {
		p.Username, p.Keys.Username, p.Generated = "new."+p.Username, "new."+p.Keys.Username, false
	},
	func(p *store.PersonRow) { p.Email, p.Keys.Email, p.EmailVerified = "", "", false },
	func(p *store.PersonRow) { p.Keys.Phone, p.EmployeeID, p.Keys.Employee = "", "", "" },
	func(p *store.PersonRow) { p.Code, p.Keys.Code = "K"+p.Code, "k"+p.Keys.Code },
	func(p *store.PersonRow) { p.Source, p.SourceID, p.Keys.Source = "", "", "" },
	func(p *store.PersonRow) { p.Absent, p.Mode, p.Locale = false, muster.Rest, "" },
	func(p *store.PersonRow) { p.Manager, p.ManagerSeq = uuid.Nil, 0 },
}

// stored inserts people and gives them as they are read.
func stored(t *testing.T, st *store.Store, first, n int) []*store.PersonRow {
	people := make([]*store.PersonRow, n)
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		for i := range people {
			people[i] = fullPerson(first + i)
			people[i].Keys.Username, people[i].Keys.Email = muster.FoldKey(people[i].Username), muster.FoldKey(people[i].Email)
		}
		if err := insert(tx, people...); err != nil {
			return err
		}
		for _, p := range people {
			p.Manager, p.ManagerSeq, p.Version = people[0].ID, people[0].Seq, 2
		}
		return tx.UpdatePeople(people)
	})
	return people
}

func TestChangePeopleWritesWhatDiffers(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for round, n := range []int{1, 60} { // PostgreSQL writes one in one way and many in another
			r := rand.New(rand.NewPCG(1, uint64(n)))
			before := stored(t, st, 1000*(round+1), n)
			after := make([]*store.PersonRow, n)
			clock.Advance(time.Minute)
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				list := make([]store.PersonChange, n)
				for i, b := range before {
					p := *b
					for range 1 + r.IntN(3) {
						changes[r.IntN(len(changes))](&p)
					}
					p.Version, p.UpdatedAt = b.Version+1, tx.Now()
					after[i], list[i] = &p, store.PersonChange{Before: b, After: &p}
				}
				return tx.ChangePeople(list)
			})
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for _, want := range after {
					got, err := tx.Person(want.ID)
					if err != nil {
						return err
					}
					want.EmailShared = got.EmailShared // worked out from the keys
					if diff := cmp.Diff(*want, got); diff != "" {
						t.Error(diff)
					}
				}
				return nil
			})
		}
	})
}

// What a change did not read is not written over: only the columns that differ are.
func TestChangePeopleLeavesOtherColumns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := stored(t, st, 0, 2)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.Exec("UPDATE person SET locale = 'nl' WHERE tenant = $1", int64(storetest.Tenant)); err != nil {
				return err
			}
			var list []store.PersonChange
			for _, b := range people {
				p := *b
				p.Version, p.LastName = b.Version+1, "Martin"
				list = append(list, store.PersonChange{Before: b, After: &p})
			}
			return tx.ChangePeople(list)
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, p := range people {
				if got, err := tx.Person(p.ID); err != nil || got.Locale != "nl" || got.LastName != "Martin" {
					t.Errorf("%v, %+v", err, got)
				}
			}
			return nil
		})
	})
}

func TestChangePeopleIsGuarded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := stored(t, st, 0, 20)
		change := func(tx *store.Tx) error {
			var list []store.PersonChange
			for i, b := range people {
				p := *b
				p.Version, p.LastName = b.Version+1, fmt.Sprint("Name", i)
				list = append(list, store.PersonChange{Before: b, After: &p})
			}
			return tx.ChangePeople(list)
		}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { // somebody is faster for one of them
			p := *people[13]
			p.Version++
			return tx.UpdatePeople([]*store.PersonRow{&p})
		})
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if err := tx.Try(func() error { return change(tx) }); !errors.Is(err, store.ErrClash) {
				t.Errorf("a version that has passed gives %v", err)
			}
			return nil
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, p := range people {
				if got, err := tx.Person(p.ID); err != nil || got.LastName != "Dupont" {
					t.Errorf("%v: %s was written", err, got.Shown())
				}
			}
			return nil
		})
	})
}

// People who swap a key keep those that they do not swap.
func TestChangePeopleAfterKeysWereReleased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := stored(t, st, 0, 2)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			a, b := *people[0], *people[1]
			a.Username, b.Username = b.Username, a.Username
			a.Keys.Username, b.Keys.Username = b.Keys.Username, a.Keys.Username
			a.Version, b.Version = a.Version+1, b.Version+1
			list := []store.PersonChange{{Before: people[0], After: &a}, {Before: people[1], After: &b}}
			if err := tx.Try(func() error { return tx.ChangePeople(list) }); !errors.Is(err, store.ErrClash) {
				t.Errorf("without a release: %v", err)
			}
			if err := tx.ReleaseKeys([]int64{a.Seq, b.Seq}); err != nil {
				return err
			}
			return tx.ChangePeople(list)
		})
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for i, p := range people {
				other, want := people[1-i], p.Keys
				want.Username = other.Keys.Username
				got, err := tx.Person(p.ID)
				if err != nil || got.Username != other.Username || got.Keys != want {
					t.Errorf("%v: %s holds %+v, want %+v", err, got.Username, got.Keys, want)
				}
			}
			return nil
		})
	})
}
