package roster_test

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// story tells what is asked of Carry and what comes of it: one op a line, calls parted by blank lines.
//
//	NAME FIELD=VALUE … -> WANT
//
// NAME is the test's own for a person: who is not known yet is enrolled. In a value _ is a space, @NAME the id of a person and - clears. guard=N is
// the guard and not a field. WANT is the username afterwards ("none" when there is none), "=" when nothing is to change, or "!FIELD TEXT" for a fault of that field with that
// text in it ("!" alone for one of no field); several are parted by " & ". NAME delivered makes the username known at a target.
type story struct {
	t      *testing.T
	c      *campus
	rules  roster.Rules
	people map[string]store.PersonRow
	target store.TargetRow
}

func (s *story) tell(text string) {
	s.t.Helper()
	for _, call := range strings.Split(strings.TrimSpace(text), "\n\n") {
		var ops []roster.Op
		var names, wants []string
		for _, line := range strings.Split(call, "\n") {
			order, want, asks := strings.Cut(strings.TrimSpace(line), " -> ")
			words := strings.Fields(order)
			if !asks {
				s.deliver(words[0])
				continue
			}
			ops, names, wants = append(ops, s.op(words, len(ops))), append(names, words[0]), append(wants, want)
		}
		if len(ops) > 0 {
			s.carry(ops, names, wants)
		}
	}
}

func (s *story) op(words []string, n int) roster.Op {
	op := roster.Op{Draft: muster.Draft{}, Row: n + 1, Person: s.people[words[0]].Seq}
	for _, w := range words[1:] {
		field, value, _ := strings.Cut(w, "=")
		value = strings.ReplaceAll(value, "_", " ")
		switch {
		case field == "guard":
			fmt.Sscan(value, &op.Guard)
		case value == "-":
			op.Draft[field] = nil
		case strings.HasPrefix(value, "@"):
			op.Draft[field] = s.people[value[1:]].ID.String()
		default:
			op.Draft[field] = value
		}
	}
	return op
}

func (s *story) carry(ops []roster.Op, names, wants []string) {
	s.t.Helper()
	out, err := s.c.carry(s.rules, ops)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, o := range out {
		if got := told(o, wants[i]); got != wants[i] {
			s.t.Errorf("%s %v: got %s, want %s", names[i], ops[i].Draft, got, wants[i])
		}
		if len(o.Faults) == 0 {
			s.people[names[i]] = o.Person
		}
	}
	s.c.check(s.people)
}

// told is an outcome in the words of a story.
func told(o roster.Outcome, want string) string {
	if len(o.Faults) == 0 {
		if o.Change.Empty() {
			return "="
		}
		return cmp.Or(o.Person.Username, "none")
	}
	var parts []string
	wanted := strings.Split(want, " & ")
	for i, f := range o.Faults {
		text := "!" + f.Field + " " + f.Message
		if i < len(wanted) {
			if field, part, _ := strings.Cut(wanted[i], " "); field == "!"+f.Field && strings.Contains(f.Message, part) {
				text = wanted[i]
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " & ")
}

// deliver makes the username of somebody known at a target.
func (s *story) deliver(name string) {
	s.t.Helper()
	err := s.c.st.Update(s.t.Context(), s.c.caller.Tenant, func(tx *store.Tx) error {
		if s.target.Seq == 0 {
			s.target.Name, s.target.Kind, s.target.Config, s.target.Policy = "t", "rehearsal", []byte("x"), muster.DefaultTargetPolicy()
			s.target.ID = muster.PersonID(1, tx.Now())
			if err := tx.CreateTarget(&s.target); err != nil {
				return err
			}
		}
		a := store.AccountRow{Account: muster.Account{Target: s.target.Seq, Person: s.people[name].Seq, State: muster.PlannedAccount}}
		if err := tx.CreateAccounts([]*store.AccountRow{&a}); err != nil {
			return err
		}
		a.Intent, a.Username = muster.Record{"username": s.people[name].Username}, s.people[name].Username
		return tx.SaveIntent(&a)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// carry is Carry in a transaction of its own.
func (c *campus) carry(rules roster.Rules, ops []roster.Op) (out []roster.Outcome, err error) {
	err = c.st.Bulk(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) (err error) {
		out, err = c.Carry(tx, rules, ops)
		return err
	})
	return out, err
}

// check holds what is stored to what outcomes said, and the counts to what is stored.
func (c *campus) check(people map[string]store.PersonRow) {
	c.t.Helper()
	err := c.st.View(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
		var seqs []int64
		for _, p := range people {
			seqs = append(seqs, p.Seq)
		}
		stored, err := tx.People(seqs)
		if err != nil {
			return err
		}
		counts := map[muster.State]int{}
		for name, said := range people {
			is := stored[said.Seq]
			counts[is.State]++
			if !reflect.DeepEqual(said, is) {
				c.t.Errorf("%s: the outcome was\n%+v\nand stored is\n%+v", name, said, is)
			}
		}
		got, err := tx.PeopleCounts()
		for state, n := range got {
			if n != counts[state] {
				c.t.Errorf("%d people are counted as %s, there are %d", n, state, counts[state])
			}
		}
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
}
