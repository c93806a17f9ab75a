package scopetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// wants compares the code of an error, "" for none.
func (w *world) wants(what string, err error, code muster.Code) {
	w.Helper()
	got := muster.CodeOf(err)
	if err == nil {
		got = ""
	}
	if got != code {
		w.Errorf("%s: %v, want %q", what, err, code)
	}
}

func (w *world) change(c muster.Caller, p roster.Person, d muster.Draft) error {
	_, err := results(w.roster.Change(w.Context(), c, wish(p, d)))
	return err
}

// What somebody is everywhere takes all of their units; what is told of them takes one.
func TestPeopleInSeveralUnits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		mine, both := writer(w.mine), writer(w.mine)
		both.Grants = append(both.Grants, writer(w.other).Grants...)
		for _, c := range []struct {
			draft muster.Draft
			alone muster.Code // for who may change people of one unit
			both  muster.Code // of both
		}{
			{muster.Draft{"nickname": "Sammy", "attributes.house": "red"}, "", ""},
			{muster.Draft{"email": w.sam.Email, "username": w.sam.Username, "state": "active"}, "", ""}, // what was read, written back
			{muster.Draft{"email": "sam2@x.test"}, muster.Forbidden, ""},
			{muster.Draft{"username": "sammy"}, muster.Forbidden, ""},
			{muster.Draft{"employee_id": "E1"}, muster.Forbidden, ""},
			{muster.Draft{"state": "suspended"}, muster.Forbidden, ""},
			{muster.Draft{"mode": "rest"}, muster.Forbidden, muster.Forbidden},
			{muster.Draft{"flags.sudo": true}, muster.Forbidden, muster.Forbidden},
			{muster.Draft{"manager": w.ann.ID.String()}, "", ""},
			{muster.Draft{"manager": w.nil.ID.String()}, muster.NotFound, muster.NotFound},
		} {
			w.wants("one unit", w.change(mine, w.sam, c.draft), c.alone)
			w.wants("both units", w.change(both, w.sam, c.draft), c.both)
		}
		retire := func(c muster.Caller) error {
			_, err := results(w.roster.Retire(t.Context(), c, "left", wish(w.sam, nil)))
			return err
		}
		w.wants("archive from one unit", retire(mine), muster.Forbidden)
		w.wants("archive from both", retire(both), "")
		w.wants("change of somebody of one's own", w.change(mine, w.ann, muster.Draft{"email": "ann2@x.test", "state": "suspended"}), "")
		w.wants("mode of somebody of one's own", w.change(mine, w.ann, muster.Draft{"mode": "root_visible"}), muster.Forbidden)
		w.wants("change of a stranger", w.change(mine, w.bob, muster.Draft{"nickname": "x"}), muster.NotFound)
		_, err := results(w.roster.Change(t.Context(), mine, []roster.Wish{{Person: w.bob.ID, Version: 99, Draft: muster.Draft{"nickname": "x"}}}))
		w.wants("change of a stranger as they were", err, muster.NotFound)
		if strings.Contains(err.Error(), "changed meanwhile") {
			t.Errorf("a stranger's version is told: %v", err)
		}
		w.wants("change of somebody in no unit", w.change(mine, w.nil, muster.Draft{"nickname": "x"}), muster.NotFound)
	})
}

// Nobody hands out more than they have: units, roles, groups, or being primary.
func TestHandingOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		yes := true
		mine, looking := writer(w.mine), writer(w.class)
		looking.Grants = append(looking.Grants, over(w.mine, muster.ReadPeople).Grants...)
		join := func(c muster.Caller, op roster.JoinOp) error {
			_, err := memberships(w.roster.Join(t.Context(), c, []roster.JoinOp{op}))
			return err
		}
		w.wants("into the class", join(mine, roster.JoinOp{Person: w.ann.ID, Unit: w.class.ID, Roles: []roster.RoleGrant{{Role: "head"}}}), "")
		w.wants("into another school", join(mine, roster.JoinOp{Person: w.ann.ID, Unit: w.other.ID}), muster.NotFound)
		w.wants("a stranger", join(mine, roster.JoinOp{Person: w.bob.ID, Unit: w.mine.ID}), muster.NotFound)
		w.wants("a role above", join(looking, roster.JoinOp{Person: w.ann.ID, Unit: w.mine.ID, Roles: []roster.RoleGrant{{Role: "head"}}}), muster.Forbidden)
		w.wants("primary in place of another school", join(writer(w.other), roster.JoinOp{Person: w.sam.ID, Unit: w.other.ID, Primary: &yes}), muster.Forbidden)
		w.wants("primary as it is", join(mine, roster.JoinOp{Person: w.sam.ID, Unit: w.mine.ID, Primary: &yes}), "")
		leave := func(p roster.Person, u muster.Unit) error {
			_, err := memberships(w.roster.Leave(t.Context(), mine, []roster.LeaveOp{{Person: p.ID, Unit: u.ID}}))
			return err
		}
		w.wants("out of another school", leave(w.sam, w.other), muster.NotFound)
		w.wants("out of one's own", leave(w.sam, w.mine), "")

		admit := func(email string, units ...muster.Unit) error {
			a := roster.Admission{Draft: muster.Draft{"last_name": "New", "email": email}}
			for _, u := range units {
				a.Joins = append(a.Joins, roster.Place{Unit: roster.UnitRef{ID: u.ID}})
			}
			_, err := results(w.roster.Admit(t.Context(), mine, roster.AdmitOptions{}, []roster.Admission{a}))
			return err
		}
		w.wants("nowhere", admit("n@x.test"), muster.Forbidden)
		w.wants("elsewhere", admit("n@x.test", w.other), muster.NotFound)
		w.wants("here and elsewhere", admit("n@x.test", w.mine, w.other), muster.NotFound)
		if err := admit(w.bob.Email, w.mine); muster.CodeOf(err) != muster.Conflict || strings.Contains(err.Error(), w.bob.ID.String()) || strings.Contains(err.Error(), "bob bob") {
			t.Errorf("somebody with a stranger's address: %v", err)
		}
		w.wants("here", admit("n@x.test", w.mine), "")
		list, err := w.roster.People(t.Context(), w.admin, roster.Query{Email: "n@x.test"})
		if err != nil || len(list) != 1 {
			t.Errorf("%d people were enrolled, %v", len(list), err)
		}
	})
}

// What is shown of people is what belongs to the caller's units.
func TestWhatIsShown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		_, err := memberships(w.roster.AddToGroups(t.Context(), w.admin, []roster.GroupOp{{Person: w.sam.ID, Group: w.club.ID}}))
		w.must(err)
		names := func(c muster.Caller) (names []string) {
			list, err := w.roster.People(t.Context(), c, roster.Query{Sort: "name"})
			w.must(err)
			for _, p := range list {
				names = append(names, p.LastName)
			}
			n, err := w.roster.CountPeople(t.Context(), c, roster.Query{})
			counts, countsErr := w.roster.Counts(t.Context(), c)
			if err != nil || countsErr != nil || n != len(list) || counts[muster.Active] != len(list) {
				t.Errorf("%s: counted %d, %v, %v, %v; listed %d", c.Name, n, counts, err, countsErr, len(list))
			}
			return names
		}
		own := muster.Caller{Tenant: storetest.Tenant, Name: "person:bob", Person: w.bob.Seq, Grants: []muster.Grant{{Privilege: muster.ReadPeople, Scope: muster.OwnUnitsScope}}}
		for _, c := range []struct {
			caller muster.Caller
			want   string
		}{{writer(w.mine), "ann Done sam"}, {writer(w.other), "bob sam"}, {own, "bob sam"}, {writer(w.class), ""}, {w.admin, "ann bob Done nil sam"}} {
			if got := strings.Join(names(c.caller), " "); got != c.want {
				t.Errorf("%s sees %q, want %q", c.caller.Name, got, c.want)
			}
		}
		out, err := w.roster.BelongingsOf(t.Context(), writer(w.mine), []uuid.UUID{w.sam.ID, w.bob.ID})
		w.must(err)
		if b := out[0]; len(b.Memberships) != 1 || b.Memberships[0].Unit.ID != w.mine.ID || len(b.Groups) != 0 || muster.CodeOf(out[1].Faults) != muster.NotFound {
			t.Errorf("belongings: %+v", out)
		}
		for _, who := range []muster.Caller{writer(w.mine), w.admin} {
			events, err := w.roster.History(t.Context(), who, w.sam.ID)
			w.must(err)
			elsewhere := slices.ContainsFunc(events, func(e roster.Event) bool {
				return e.Batch.Seq != 0 || slices.ContainsFunc(e.Entry.Change.Fields, func(f muster.FieldChange) bool {
					return strings.HasPrefix(f.Field, "units.school:other") || strings.HasPrefix(f.Field, "groups.")
				})
			})
			if len(events) == 0 || elsewhere != who.Has(muster.ReadPeople) {
				t.Errorf("history for %s: %+v", who.Name, events)
			}
		}
		found, err := w.roster.FindUnits(t.Context(), writer(w.mine), []roster.UnitRef{{ID: w.class.ID}, {Code: "other"}})
		if err != nil || len(found[0].Faults) > 0 || muster.CodeOf(found[1].Faults) != muster.NotFound {
			t.Errorf("units: %+v, %v", found, err)
		}
		w.moveAndRemove()
	})
}

// moveAndRemove proves that grants follow their units: out of a unit that was moved, and to nowhere with one that was removed.
func (w *world) moveAndRemove() {
	w.Helper()
	kid := w.person("kid", w.class)
	seen := func(c muster.Caller) error { return second(w.roster.Person(w.Context(), c, kid.ID)) }
	w.wants("below", seen(writer(w.mine)), "")
	_, err := units(w.roster.ChangeUnits(w.Context(), w.admin, []roster.UnitChange{{Unit: w.class.ID, Parent: &roster.UnitRef{ID: w.other.ID}}}))
	w.must(err)
	w.wants("no longer below", seen(writer(w.mine)), muster.NotFound)
	w.wants("below the other", seen(writer(w.other)), "")
	_, err = memberships(w.roster.Leave(w.Context(), w.admin, []roster.LeaveOp{{Person: kid.ID, Unit: w.class.ID}}))
	w.must(err)
	_, err = units(w.roster.DeleteUnits(w.Context(), w.admin, []roster.UnitDelete{{Unit: w.class.ID}}))
	w.must(err)
	w.wants("over a unit that is gone", seen(writer(w.class)), muster.Forbidden)
}

// The rows of an import do no more than who submitted it may, whoever runs it or tries it again.
func TestRowsOfAnImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		mine := writer(w.mine)
		file := "email,last_name,nickname,groups,manager_email\n" +
			w.ann.Email + ",,Annie,,\n" + // of mine
			w.bob.Email + ",,Bobby,,\n" + // of the other
			w.nil.Email + ",,Nilly,,\n" + // of none
			"new@x.test,New,,,\n" +
			"grouped@x.test,Grouped,,club,\n"
		for _, then := range []batch.Then{batch.CarryIt, batch.PlanIt} {
			if then == batch.PlanIt {
				w.must(w.change(w.admin, w.ann, muster.Draft{"nickname": nil}))
				file = strings.ReplaceAll(file, "new@", "new2@")
			}
			b := w.upload(mine, w.mine, then, file)
			if then == batch.PlanIt {
				b = w.planned(b)
			} else {
				b = w.wait(b)
			}
			w.told(mine, b, "done/planned  forbidden: forbidden: done/planned  forbidden:")
		}
		for _, p := range []roster.Person{w.bob, w.nil} {
			now, err := w.roster.Person(t.Context(), w.admin, p.ID)
			if err != nil || now.Version != p.Version {
				t.Errorf("%s was changed: %+v, %v", p.LastName, now, err)
			}
		}
		b := w.wait(w.upload(mine, w.mine, batch.CarryIt, file))
		again, err := w.engine.Retry(t.Context(), w.admin, b.ID, batch.CarryIt)
		w.must(err)
		if again = w.wait(again); again.Counts.Failed != 3 || again.Unit != w.mine.Seq {
			t.Errorf("the administrator's retry of somebody else's rows: %+v", again)
		}
		_, err = w.intake.Receive(t.Context(), mine, strings.NewReader(file), intake.Upload{Name: "p.csv"})
		w.wants("an import for no unit", err, muster.Forbidden)
		_, err = w.intake.Receive(t.Context(), mine, strings.NewReader(file), intake.Upload{Name: "p.csv", Unit: roster.UnitRef{Code: "other"}})
		w.wants("an import for another unit", err, muster.NotFound)
	})
}

func (w *world) planned(b batch.Batch) batch.Batch {
	w.Helper()
	err := w.engine.Watch(w.Context(), w.admin, b.ID, 0+1e6, func(now batch.Batch) error {
		if b = now; now.State == muster.Planned || now.State == muster.HeldBatch {
			return errStop
		}
		return nil
	})
	if err != errStop {
		w.Fatal(err)
	}
	return b
}

// told compares what became of rows: the state, and the code of the reason.
func (w *world) told(c muster.Caller, b batch.Batch, want string) {
	w.Helper()
	items, err := w.engine.Items(w.Context(), c, b, "", 0, 100)
	w.must(err)
	var words []string
	for _, i := range items {
		switch {
		case i.State == muster.FailedItem:
			words = append(words, string(i.Reasons[0].Code)+":")
			if strings.Contains(i.Reasons.Error(), w.bob.ID.String()) || strings.Contains(i.Reasons.Error(), "bob bob") {
				w.Errorf("a row names a stranger: %v", i.Reasons)
			}
		default:
			words = append(words, "done/planned ")
		}
	}
	if got := strings.Join(words, " "); got != want {
		w.Errorf("rows: %s, want %s; %+v", got, want, items)
	}
}

func TestOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		missing := muster.Errorf(muster.NotFound, "", "missing")
		nobody := muster.Caller{Tenant: storetest.Tenant}
		for _, c := range []struct {
			name                 string
			caller               muster.Caller
			units                []int64
			over, see, mayChange muster.Code
		}{
			{"tenant, no unit", w.admin, nil, "", "", ""},
			{"tenant, unit", w.admin, []int64{w.mine.Seq}, "", "", ""},
			{"nobody", nobody, []int64{w.mine.Seq}, muster.Forbidden, muster.Forbidden, muster.Forbidden},
			{"unit", writer(w.mine), []int64{w.mine.Seq}, "", "", ""},
			{"below", writer(w.mine), []int64{w.class.Seq}, "", "", ""},
			{"above", writer(w.class), []int64{w.mine.Seq}, muster.Forbidden, muster.NotFound, muster.NotFound},
			{"other", writer(w.mine), []int64{w.other.Seq}, muster.Forbidden, muster.NotFound, muster.NotFound},
			{"one of two", writer(w.mine), []int64{w.mine.Seq, w.other.Seq}, muster.Forbidden, "", ""},
			{"no unit", writer(w.mine), nil, muster.Forbidden, muster.NotFound, muster.NotFound},
			{"unit 0", writer(w.mine), []int64{0}, muster.Forbidden, muster.NotFound, muster.NotFound},
			{"unknown unit", writer(w.mine), []int64{1 << 40}, muster.Forbidden, muster.NotFound, muster.NotFound},
			{"reader", over(w.mine, muster.ReadPeople), []int64{w.mine.Seq}, muster.Forbidden, "", muster.Forbidden},
		} {
			unit := int64(0)
			if len(c.units) > 0 {
				unit = c.units[0]
			}
			w.must(st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				w.wants(c.name+": over", access.Over(tx, c.caller, muster.WritePeople, c.units...), c.over)
				w.wants(c.name+": see", access.See(tx, c.caller, unit, missing), c.see)
				w.wants(c.name+": change", access.Change(tx, c.caller, unit, missing), c.mayChange)
				return nil
			}))
		}
	})
}
