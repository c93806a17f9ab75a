package scopetest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// right is what an operation asks of a caller whose rights are over units.
type right int

const (
	reads   right = iota // people.read over the unit that the object belongs to
	writes               // people.write over it
	asks                 // people.read over any unit: nothing of anybody is told
	tenants              // a right over the whole tenant: it is not offered over units, or is about what belongs to none
	anybody              // nothing: it is about the caller, or of no one
)

// operation is one exported operation that takes a caller. do has it done for a caller to something of the unit mine, and gives how much came back.
type operation struct {
	right right
	do    func(w *world, c muster.Caller) (int, error)
}

func the(n int, err error) (int, error) { return n, err }

func one(err error) (int, error) { return 1, err }

func results(list []roster.Result, err error) (int, error) {
	for _, r := range list {
		err = errors.Join(err, r.Err)
	}
	return len(list), err
}

func memberships(list []roster.MembershipResult, err error) (int, error) {
	for _, r := range list {
		err = errors.Join(err, r.Faults.Or())
	}
	return len(list), err
}

func units(list []roster.UnitResult, err error) (int, error) {
	for _, r := range list {
		err = errors.Join(err, r.Faults.Or())
	}
	return len(list), err
}

func groups(list []roster.GroupResult, err error) (int, error) {
	for _, r := range list {
		err = errors.Join(err, r.Faults.Or())
	}
	return len(list), err
}

func wish(p roster.Person, d muster.Draft) []roster.Wish {
	return []roster.Wish{{Person: p.ID, Draft: d}}
}

// role is a role that somebody new in mine holds.
func role(w *world) (roster.Person, roster.AssignmentView) {
	p := w.person("role", w.mine)
	list, err := w.roster.Assignments(w.Context(), w.admin, p.ID, w.mine.ID)
	w.must(err)
	return p, list[0]
}

// account is an account of ann's.
func account(w *world) provision.AccountView {
	ctx, cancel := context.WithTimeout(w.Context(), storetest.Patience)
	defer cancel()
	for {
		list, err := w.provision.Accounts(w.Context(), w.admin, provision.AccountQuery{Person: w.ann.ID, Limit: 1})
		w.must(err)
		if len(list) > 0 {
			return list[0]
		}
		select {
		case <-ctx.Done():
			w.Fatal("ann has no account")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

var errStop = errors.New("seen")

var engine = map[string]operation{
	"Get": {reads, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Get(w.Context(), c, w.done.ID)))
	}},
	"Numbered": {reads, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Numbered(w.Context(), c, w.done.Seq)))
	}},
	"List": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.engine.List(w.Context(), c, "", "", 0, 100)
		return the(len(l), err)
	}},
	"Listing": {reads, func(w *world, c muster.Caller) (int, error) {
		_, n, err := w.engine.Listing(w.Context(), c, batch.Query{Limit: 100})
		return the(n, err)
	}},
	"Following": {reads, func(w *world, c muster.Caller) (int, error) {
		_, _, err := w.engine.Following(w.Context(), c, w.done)
		return one(err)
	}},
	"Origins": {reads, func(w *world, c muster.Caller) (int, error) {
		_, _, err := w.engine.Origins(w.Context(), c, w.ordered.Batch)
		return one(err)
	}},
	"Items": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.engine.Items(w.Context(), c, w.done, "", 0, 10)
		return the(len(l), err)
	}},
	"Page": {reads, func(w *world, c muster.Caller) (int, error) {
		l, _, err := w.engine.Page(w.Context(), c, w.done, nil, 0, 10)
		return the(len(l), err)
	}},
	"Rows": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.engine.Rows(w.Context(), c, w.done, 0, 10)
		return the(len(l), err)
	}},
	"Watch": {reads, func(w *world, c muster.Caller) (int, error) {
		err := w.engine.Watch(w.Context(), c, w.done.ID, time.Millisecond, func(batch.Batch) error { return errStop })
		if errors.Is(err, errStop) {
			err = nil
		}
		return one(err)
	}},
	"Receive": {writes, func(w *world, c muster.Caller) (int, error) {
		r, err := w.engine.Receive(w.Context(), c, batch.Submission{Surface: "native", Name: "x", Unit: w.mine.Seq})
		if err == nil {
			err = r.Abort(w.Context())
		}
		return one(err)
	}},
	"Plan": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Plan(w.Context(), c, w.resting().ID)))
	}},
	"Run": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Run(w.Context(), c, w.resting().ID)))
	}},
	"Release": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Release(w.Context(), c, w.done.ID)))
	}},
	"Cancel": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Cancel(w.Context(), c, w.resting().ID)))
	}},
	"Retry": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.engine.Retry(w.Context(), c, w.done.ID, batch.Rest)))
	}},
}

func second[T any](_ T, err error) error { return err }

var people = map[string]operation{
	"Person": {reads, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.Person(w.Context(), c, w.ann.ID)))
	}},
	"People": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.People(w.Context(), c, roster.Query{Email: w.ann.Email})
		return the(len(l), err)
	}},
	"CountPeople": {reads, func(w *world, c muster.Caller) (int, error) {
		return w.roster.CountPeople(w.Context(), c, roster.Query{Email: w.ann.Email})
	}},
	"BySeq": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.BySeq(w.Context(), c, []int64{w.ann.Seq})
		return the(len(l), err)
	}},
	"Find": {reads, func(w *world, c muster.Caller) (int, error) {
		l, total, err := w.roster.Find(w.Context(), c, roster.Filter{Where: roster.Condition{Field: "email", Op: roster.Is, Values: []any{w.ann.Email}}})
		if total != len(l) {
			w.Errorf("found %d of %d", len(l), total)
		}
		return the(len(l), err)
	}},
	"Passwords": {reads, func(w *world, c muster.Caller) (int, error) {
		_, err := w.roster.Change(w.Context(), w.admin, []roster.Wish{{Person: w.ann.ID, PasswordHash: "hash"}})
		w.must(err)
		l, err := w.roster.Passwords(w.Context(), c, []int64{w.ann.Seq})
		return the(len(l), err)
	}},
	"Counts": {asks, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.Counts(w.Context(), c)
		return the(len(l), err)
	}},
	"History": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.History(w.Context(), c, w.ann.ID)
		return the(len(l), err)
	}},
	"BelongingsOf": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.BelongingsOf(w.Context(), c, []uuid.UUID{w.ann.ID})
		if err != nil {
			return 0, err
		}
		return len(l[0].Memberships), l[0].Faults.Or()
	}},
	"Members": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.Members(w.Context(), c, w.mine.ID, 0, 10)
		return the(len(l), err)
	}},
	"Assignment": {reads, func(w *world, c muster.Caller) (int, error) {
		p, a := role(w)
		return one(second(w.roster.Assignment(w.Context(), c, p.ID, a.ID)))
	}},
	"Assignments": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.Assignments(w.Context(), c, w.ann.ID, uuid.Nil)
		return the(len(l), err)
	}},
	"Own": {anybody, func(w *world, c muster.Caller) (int, error) {
		c.Person = w.ann.Seq
		_, _, err := w.roster.Own(w.Context(), c)
		return one(err)
	}},
	"Preview": {asks, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.Preview(w.Context(), c, muster.Names{First: "A", Last: "B"})))
	}},
	"LastCode": {asks, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.LastCode(w.Context(), c, "IDT")))
	}},
	"Catalogue": {anybody, func(w *world, c muster.Caller) (int, error) { return one(second(w.roster.Catalogue(w.Context(), c))) }},

	"Units": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.Units(w.Context(), c, roster.UnitQuery{Code: "mine"})
		return the(len(l), err)
	}},
	"Unit": {reads, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.Unit(w.Context(), c, roster.UnitRef{Code: "mine"})))
	}},
	"FindUnits": {reads, func(w *world, c muster.Caller) (int, error) {
		return units(w.roster.FindUnits(w.Context(), c, []roster.UnitRef{{ID: w.mine.ID}}))
	}},
	"CreateUnits": {tenants, func(w *world, c muster.Caller) (int, error) {
		return units(w.roster.CreateUnits(w.Context(), c, []roster.NewUnit{{Kind: "class", Code: uuid.NewString(), Name: "x", Parent: roster.UnitRef{ID: w.mine.ID}}}))
	}},
	"ChangeUnits": {tenants, func(w *world, c muster.Caller) (int, error) {
		return units(w.roster.ChangeUnits(w.Context(), c, []roster.UnitChange{{Unit: w.mine.ID}}))
	}},
	"CreateUnitsTogether": {tenants, func(w *world, c muster.Caller) (int, error) {
		return units(w.roster.CreateUnitsTogether(w.Context(), c, []roster.NewUnit{{Kind: "class", Code: uuid.NewString(), Name: "x", Parent: roster.UnitRef{ID: w.mine.ID}}}))
	}},
	"DeleteUnits": {tenants, func(w *world, c muster.Caller) (int, error) {
		return units(w.roster.DeleteUnits(w.Context(), c, []roster.UnitDelete{{Unit: w.class.ID, Version: 99}}))
	}},

	"Groups": {tenants, func(w *world, c muster.Caller) (int, error) {
		l, err := w.roster.Groups(w.Context(), c, roster.GroupQuery{})
		return the(len(l), err)
	}},
	"Group": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.Group(w.Context(), c, roster.GroupRef{Code: "club"})))
	}},
	"FindGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return groups(w.roster.FindGroups(w.Context(), c, []roster.GroupRef{{Code: "club"}}))
	}},
	"GroupMembers": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.GroupMembers(w.Context(), c, w.club.ID, 0, 10)))
	}},
	"CreateGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return groups(w.roster.CreateGroups(w.Context(), c, []roster.NewGroup{{Code: uuid.NewString(), Label: "x"}}))
	}},
	"ChangeGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return groups(w.roster.ChangeGroups(w.Context(), c, []roster.GroupChange{{Group: w.club.ID}}))
	}},
	"DeleteGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return groups(w.roster.DeleteGroups(w.Context(), c, []roster.GroupDelete{{Group: w.club.ID, Version: 99}}))
	}},
	"AddToGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return memberships(w.roster.AddToGroups(w.Context(), c, []roster.GroupOp{{Person: w.ann.ID, Group: w.club.ID}}))
	}},
	"RemoveFromGroups": {tenants, func(w *world, c muster.Caller) (int, error) {
		return memberships(w.roster.RemoveFromGroups(w.Context(), c, []roster.GroupOp{{Person: w.ann.ID, Group: w.club.ID}}))
	}},

	"Enrol": {tenants, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.Enrol(w.Context(), c, false, []muster.Draft{{"last_name": "New"}}))
	}},
	"EnrolWith": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.EnrolWith(w.Context(), c, roster.AdmitOptions{}, []roster.Wish{
			{Draft: muster.Draft{"last_name": "New"}, Joins: []roster.Place{{Unit: roster.UnitRef{ID: w.mine.ID}}}},
		}))
	}},
	"Admit": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.Admit(w.Context(), c, roster.AdmitOptions{}, []roster.Admission{
			{Draft: muster.Draft{"last_name": "New"}, Joins: []roster.Place{{Unit: roster.UnitRef{ID: w.mine.ID}}}},
		}))
	}},
	"Change": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.Change(w.Context(), c, wish(w.ann, muster.Draft{"nickname": c.Name})))
	}},
	"ChangeWith": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.ChangeWith(w.Context(), c, roster.AdmitOptions{}, wish(w.ann, muster.Draft{"initials": c.Name})))
	}},
	"Retire": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.Retire(w.Context(), c, "left", wish(w.person("old", w.mine), nil)))
	}},
	"Delete": {writes, func(w *world, c muster.Caller) (int, error) {
		return results(w.roster.Delete(w.Context(), c, wish(w.person("old", w.mine), nil)))
	}},
	"Restore": {writes, func(w *world, c muster.Caller) (int, error) {
		p := w.person("old", w.mine)
		_, err := results(w.roster.Delete(w.Context(), w.admin, wish(p, nil)))
		w.must(err)
		return results(w.roster.Restore(w.Context(), c, wish(p, nil)))
	}},
	"Join": {writes, func(w *world, c muster.Caller) (int, error) {
		return memberships(w.roster.Join(w.Context(), c, []roster.JoinOp{{Person: w.ann.ID, Unit: w.class.ID}}))
	}},
	"Leave": {writes, func(w *world, c muster.Caller) (int, error) {
		return memberships(w.roster.Leave(w.Context(), c, []roster.LeaveOp{{Person: w.ann.ID, Unit: w.class.ID}}))
	}},
	"Assign": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.roster.Assign(w.Context(), c, w.ann.ID, w.mine.ID, roster.RoleGrant{Role: "captain"}, nil)))
	}},
	"ChangeAssignment": {writes, func(w *world, c muster.Caller) (int, error) {
		p, a := role(w)
		return one(second(w.roster.ChangeAssignment(w.Context(), c, p.ID, a.ID, roster.AssignmentChange{Cycles: &[]string{"x"}})))
	}},
	"RemoveAssignment": {writes, func(w *world, c muster.Caller) (int, error) {
		p, a := role(w)
		return one(w.roster.RemoveAssignment(w.Context(), c, p.ID, a.ID))
	}},
}

var imports = map[string]operation{
	"Receive": {writes, func(w *world, c muster.Caller) (int, error) {
		content := strings.NewReader("email,last_name\n" + uuid.NewString() + "@x.test,Up\n")
		return one(second(w.intake.Receive(w.Context(), c, content, intake.Upload{Name: "p.csv", Unit: roster.UnitRef{ID: w.mine.ID}})))
	}},
	"ReceiveArray": {tenants, func(w *world, c muster.Caller) (int, error) {
		w.intake.RegisterProfile("objects", intake.Profile{Object: func(*intake.Options) func(json.RawMessage, bool) intake.Asked {
			return func(json.RawMessage, bool) intake.Asked { return intake.Asked{} }
		}})
		return one(second(w.intake.ReceiveArray(w.Context(), c, strings.NewReader("[]"), intake.Array{Name: "x", Profile: "objects", Matching: muster.EachNew})))
	}},
	"Result": {reads, func(w *world, c muster.Caller) (int, error) {
		r, err := w.intake.Result(c, w.done)
		if err == nil {
			err = r.Write(w.Context(), io.Discard)
		}
		return one(err)
	}},
	"RowsOf": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.intake.RowsOf(w.Context(), c, w.done, []muster.Item{{Index: 0}})
		return the(len(l), err)
	}},
	"Find": {reads, func(w *world, c muster.Caller) (int, error) {
		l, _, err := w.intake.Find(w.Context(), c, w.done, "x.test", nil, 0, 10)
		return the(len(l), err)
	}},
	"Labels": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.intake.Labels(w.Context(), c, w.done, []muster.Item{{Index: 0}})
		return the(len(l), err)
	}},
}

var accounts = map[string]operation{
	"Order": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Order(w.Context(), c, w.done.ID)))
	}},
	"Orders": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.provision.Orders(w.Context(), c, uuid.Nil, 0, 10)
		return the(len(l), err)
	}},
	"RunOrder": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.RunOrder(w.Context(), c, w.ordered.ID)))
	}},
	"OrderItems": {reads, func(w *world, c muster.Caller) (int, error) {
		l, err := w.provision.OrderItems(w.Context(), c, w.ordered.ID, 0, 10)
		return the(len(l), err)
	}},
	"AddToOrder": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.AddToOrder(w.Context(), c, w.ordered.ID, w.person("item", w.mine).ID)))
	}},

	"Account": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Account(w.Context(), c, account(w).ID)))
	}},
	"Accounts": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Accounts(w.Context(), c, provision.AccountQuery{Person: w.ann.ID})))
	}},
	"AccountsOf": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.AccountsOf(w.Context(), c, []int64{w.ann.Seq})))
	}},
	"Deliver": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Deliver(w.Context(), c, account(w).ID)))
	}},
	"Remind": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Remind(w.Context(), c, account(w).ID)))
	}},
	"RetryBatch": {writes, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.RetryBatch(w.Context(), c, w.done.ID)))
	}},

	"Targets": {tenants, func(w *world, c muster.Caller) (int, error) { return one(second(w.provision.Targets(w.Context(), c))) }},
	"Target": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.Target(w.Context(), c, w.target.ID)))
	}},
	"Look": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(w.provision.Look(w.Context(), c, w.target.ID))
	}},
	"CreateTarget": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.CreateTarget(w.Context(), c, provision.NewTarget{Kind: "unknown"})))
	}},
	"ChangeTarget": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(second(w.provision.ChangeTarget(w.Context(), c, w.target.ID, provision.TargetChange{})))
	}},
	"DeleteTarget": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(w.provision.DeleteTarget(w.Context(), c, uuid.New()))
	}},
	"CheckTarget": {tenants, func(w *world, c muster.Caller) (int, error) {
		return one(w.provision.CheckTarget(w.Context(), c, w.target.ID))
	}},
}

// packages are the types whose operations the law is over.
var packages = []struct {
	of         any
	operations map[string]operation
}{
	{&batch.Engine{}, engine}, {&roster.Roster{}, people}, {&intake.Intake{}, imports}, {&provision.Provision{}, accounts},
}

// Whoever adds an operation that takes a caller says here what it asks of one whose rights are over units.
func TestEveryOperationIsListed(t *testing.T) {
	t.Parallel()
	caller := reflect.TypeFor[muster.Caller]()
	for _, p := range packages {
		of := reflect.TypeOf(p.of)
		there := map[string]bool{}
		for i := range of.NumMethod() {
			m := of.Method(i)
			for n := 1; n < m.Type.NumIn(); n++ {
				if m.Type.In(n) != caller {
					continue
				}
				if there[m.Name] = true; p.operations[m.Name].do == nil {
					t.Errorf("%s.%s takes a caller and is not listed: say what it asks of one whose rights are over units.", of, m.Name)
				}
			}
		}
		for name := range p.operations {
			if !there[name] {
				t.Errorf("%s has no operation %s that takes a caller.", of, name)
			}
		}
	}
}

// The law: without rights everything is forbidden; with rights over another unit what belongs to this one is not there, or is forbidden; with the right
// over the unit itself, or over the tenant, the operation is carried out.
func TestScopedGrants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		for _, p := range packages {
			for name, o := range p.operations {
				t.Run(reflect.TypeOf(p.of).Elem().Name()+"/"+name, func(t *testing.T) {
					here := *w
					here.T = t
					here.hold(o)
				})
			}
		}
	})
}

func (w *world) hold(o operation) {
	w.Helper()
	nobody := muster.Caller{Tenant: storetest.Tenant, Name: "login:nobody", Surface: "native"}
	is := func(who string, c muster.Caller, want func(int, muster.Code) bool) {
		w.Helper()
		n, err := o.do(w, c)
		code := muster.CodeOf(err)
		if err == nil {
			code = ""
		}
		if !want(n, code) {
			w.Errorf("%s: %d came back, %v", who, n, err)
		}
	}
	forbidden := func(_ int, code muster.Code) bool { return code == muster.Forbidden }
	unknown := func(n int, code muster.Code) bool { return code == muster.NotFound || n == 0 && code == "" }
	refused := func(_ int, code muster.Code) bool { return code == muster.NotFound || code == muster.Forbidden }
	done := func(n int, code muster.Code) bool {
		return n > 0 && code != muster.Forbidden && code != muster.NotFound && code != muster.Unauthenticated
	}
	let := func(_ int, code muster.Code) bool { return code != muster.Forbidden }
	if o.right == anybody {
		is("nobody", nobody, done)
		return
	}
	is("nobody", nobody, forbidden)
	switch o.right {
	case reads:
		is("over another unit", writer(w.other), unknown)
		is("over the unit", over(w.mine, muster.ReadPeople), done)
	case writes:
		is("over another unit", writer(w.other), refused)
		is("who may read the unit", over(w.mine, muster.ReadPeople), forbidden)
		both := over(w.mine, muster.ReadPeople)
		both.Grants = append(both.Grants, writer(w.other).Grants...)
		is("who may read the unit and change another", both, forbidden)
		is("over the unit", writer(w.mine), done)
	case asks:
		is("over another unit", writer(w.other), done)
	case tenants:
		is("over the unit", writer(w.mine), forbidden)
	}
	is("over the tenant", w.admin, let)
}
