package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A page of an order shows each person's role in the unit. It is read through the membership, statistics or not, and never by going through all
// assignments in the order in which they came.
func TestPlansOfRoles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		unit := plant(t, st, nil, "establishment:A")["A"]
		names := make([]string, 10_000)
		for i := range names {
			names[i] = fmt.Sprint("p", i)
		}
		people := enrol(t, st, names...)
		seqs := make([]int64, len(people))
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			memberships, err := tx.NextMemberships(len(people))
			if err != nil {
				return err
			}
			members := make([]*store.MembershipRow, len(people))
			roles := make([]*store.AssignmentRow, 0, len(people)+1)
			for i, p := range people {
				seqs[i] = p.Seq
				members[i] = &store.MembershipRow{PersonSeq: p.Seq, UnitSeq: unit.Seq, UnitKind: unit.Kind}
				members[i].Seq = memberships[i]
				roles = append(roles, assigned(memberships[i], "student"))
			}
			roles = append(roles, assigned(memberships[7], "admin_staff")) // later than the other, and before it by name
			if err := tx.InsertMemberships(members); err != nil {
				return err
			}
			return tx.InsertAssignments(roles)
		})
		for _, known := range []bool{false, true} {
			if known {
				if err := st.Analyze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				plan, err := st.RolesInPlan(tx, unit.Seq, seqs[9_900:])
				text := strings.Join(plan, "\n")
				if !strings.Contains(text, "assignment_role") || strings.Contains(text, "assignment_pkey") || strings.Contains(text, "Seq Scan") || strings.Contains(text, "SCAN a") || strings.Contains(text, "SCAN t") {
					t.Errorf("with statistics %v:\n%s", known, text)
				}
				return err
			})
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			roles, err := tx.RolesIn(unit.Seq, seqs[:100])
			if len(roles) != 100 || roles[seqs[7]] != "student" {
				t.Errorf("%d people have roles, the eighth %q", len(roles), roles[seqs[7]])
			}
			return err
		})
	})
}

func assigned(membership int64, role string) *store.AssignmentRow {
	a := &store.AssignmentRow{MembershipSeq: membership}
	a.Role = role
	return a
}
