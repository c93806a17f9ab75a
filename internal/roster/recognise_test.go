package roster_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// What was decided on from people as they were is not written once one of them has moved on, whether or not it changes that one.
func TestRecognisedPeopleWhoMoveOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		r := roster.New(st, nil)
		carry := func(ops ...roster.Op) (out []roster.Outcome) {
			t.Helper()
			err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) (err error) {
				out, err = r.Carry(tx, roster.Rules{}, ops)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for n, moves := range []int{-1, 0, 1, 2} {
			var ops []roster.Op
			for i := range 3 {
				out := carry(roster.Op{Draft: muster.Draft{"first_name": "Ann", "last_name": fmt.Sprint("Lee", n), "email": fmt.Sprintf("ann%d%d@x.test", n, i)}})
				ops = append(ops, roster.Op{Person: out[0].Person.Seq, Draft: muster.Draft{"last_name": fmt.Sprint("Lee", n)}})
			}
			ops[1].Draft["first_name"] = "Zoe"
			there := []int64{ops[0].Person, ops[1].Person, ops[2].Person}
			var rec *roster.Recognised
			recognise := func(tx *store.Tx, ops []roster.Op) (*roster.Recognised, error) {
				rules := roster.Rules{People: map[int64]*store.PersonRow{}}
				err := tx.EachPerson(there, func(p *store.PersonRow) { rules.People[p.Seq] = p })
				if err != nil {
					return nil, err
				}
				return r.Recognise(tx, rules, ops)
			}
			err := st.Ahead(t.Context(), storetest.Tenant, func(tx *store.Tx) (err error) {
				if rec, err = recognise(tx, ops[:2]); rec == nil || err != nil {
					return fmt.Errorf("not recognised: %w", err)
				}
				rec.AlsoRest([]int64{ops[2].Person}, 1)
				for what, d := range map[string]muster.Draft{
					"an address": {"email": "other@x.test"}, "a name to sign in by": {"username": "zoe"}, "a state": {"state": "archived"}, "a fault": {"birth_date": "soon"}, "a code": {"code": "C7"},
					"a manager": {"manager": muster.PersonID(ops[0].Person, tx.Now()).String()},
				} {
					other, err := recognise(tx, []roster.Op{ops[0], {Person: ops[1].Person, Draft: d}, ops[2]})
					if other != nil || err != nil {
						t.Errorf("%s is decided on ahead, %v", what, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if moves >= 0 {
				carry(roster.Op{Person: ops[moves].Person, Draft: muster.Draft{"display_name": "Somebody"}})
			}
			first := true
			err = st.Bulk(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				if !first {
					return errAgain
				}
				first = false
				return rec.Write(tx)
			})
			var written store.PersonRow
			if err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				people, err := tx.People([]int64{ops[1].Person})
				written = people[ops[1].Person]
				return err
			}); err != nil {
				t.Fatal(err)
			}
			switch {
			case moves < 0 && (err != nil || written.FirstName != "Zoe" || written.Version != 2):
				t.Errorf("nobody moved on: %v, %+v", err, written)
			case moves >= 0 && (!errors.Is(err, errAgain) && !errors.Is(err, store.ErrClash) || written.FirstName != "Ann"):
				t.Errorf("person %d moved on: %v, %+v", moves, err, written)
			}
		}
	})
}
