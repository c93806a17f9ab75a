package roster_test

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// A preview gives the name that enrolling would, as often as it is asked for, and also for somebody who is there already.
func TestPreview(t *testing.T) {
	eachCampus(t, func(c *campus) {
		jean := muster.Names{First: "Jean", Last: "Dupont", Email: "j@x.test", SourceID: "7"}
		look := func(n muster.Names, want string) {
			c.t.Helper()
			for range 2 {
				if got, err := c.Preview(c.t.Context(), c.caller, n); got != want || err != nil {
					c.t.Errorf("%+v: %q %v, want %q", n, got, err, want)
				}
			}
		}
		look(jean, "jean.dupont001")
		if _, err := c.Enrol(c.t.Context(), c.caller, false, []muster.Draft{{"first_name": "Jean", "last_name": "Dupont", "email": "j@x.test", "source_id": "7"}, {"username": "zoe.martin004"}}); err != nil {
			c.t.Fatal(err)
		}
		look(jean, "jean.dupont002")
		look(muster.Names{Email: "zoe.martin@x.test"}, "zoe.martin005")
		look(muster.Names{Email: "J@x.test"}, "j001")
		if _, err := c.Preview(c.t.Context(), c.caller, muster.Names{}); muster.CodeOf(err) != muster.Required {
			c.t.Errorf("of nobody: %v", err)
		}
		if _, err := c.Preview(c.t.Context(), c.caller, muster.Names{First: "A", Email: "bad"}); muster.CodeOf(err) != muster.Invalid {
			c.t.Errorf("of a wrong address: %v", err)
		}
	})
}

// A generated name that is a stranger's at a target goes to nobody any more, and its holder gets the next.
func TestRenumber(t *testing.T) {
	eachCampus(t, func(c *campus) {
		rules := roster.RulesOf(muster.DefaultSettings())
		out, err := c.carry(rules, []roster.Op{{Draft: muster.Draft{"first_name": "Jean", "last_name": "Dupont", "email": "j@x.test"}}, {Draft: muster.Draft{"username": "boss"}}})
		if err != nil {
			c.t.Fatal(err)
		}
		again := func(p store.PersonRow) (o roster.Outcome, err error) {
			err = c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) (err error) {
				o, err = c.Renumber(tx, p.Seq)
				return err
			})
			return o, err
		}
		moved, err := again(out[0].Person)
		if err != nil || moved.Person.Username != "jean.dupont002" || !moved.Change.Renames() || moved.Person.Version != 2 {
			c.t.Fatalf("%+v %v", moved, err)
		}
		if _, err := again(out[1].Person); muster.CodeOf(err) != muster.Conflict {
			c.t.Errorf("a given name: %v", err)
		}
		people := map[string]store.PersonRow{"a": moved.Person, "b": out[1].Person}
		c.check(people)
		for _, draft := range []muster.Draft{{"username": "jean.dupont001"}, {"username": "JEAN.dupont001", "email": "other@x.test"}} {
			if o, err := c.carry(rules, []roster.Op{{Draft: draft}}); err != nil || muster.CodeOf(o[0].Faults) != muster.Conflict {
				c.t.Errorf("the name of a stranger went to somebody: %+v %v", o, err)
			}
		}
		gone, err := c.carry(rules, []roster.Op{{Person: moved.Person.Seq, Draft: muster.Draft{"state": "deleted"}}})
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := again(gone[0].Person); muster.CodeOf(err) != muster.Conflict {
			c.t.Errorf("of somebody deleted: %v", err)
		}
	})
}
