package roster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// request is one caller's wish to enrol somebody, and what came of it.
type request struct {
	ctx    context.Context
	caller muster.Caller
	draft  muster.Draft
	result roster.Result
	err    error
}

// requests are wishes of different callers, in the order in which they arrive.
func (c *campus) requests(drafts ...muster.Draft) []*request {
	list := make([]*request, len(drafts))
	for i, d := range drafts {
		list[i] = &request{ctx: c.t.Context(), caller: c.caller, draft: d}
		list[i].caller.Name, list[i].caller.RequestID = fmt.Sprintf("key:%d", i%2), fmt.Sprintf("r%d", i)
	}
	return list
}

// together has the requests wait for each other and then be carried out in one transaction. while is called when all of them wait.
func (c *campus) together(o roster.AdmitOptions, list []*request, while func()) {
	c.t.Helper()
	waiting, let := c.Gather(c.caller.Tenant, o)
	var working sync.WaitGroup
	for i, q := range list {
		working.Go(func() {
			results, err := c.EnrolWith(q.ctx, q.caller, o, []roster.Wish{{Draft: q.draft}})
			if q.err = err; err == nil {
				q.result = results[0]
			}
		})
		for waiting() == i {
			runtime.Gosched()
		}
	}
	while()
	let()
	working.Wait()
	if n := c.Lines(); n != 0 {
		c.t.Errorf("%d lines are left", n)
	}
}

func nothing() {}

// enrolled gives those of the requests that were carried out, by request.
func enrolled(list []*request) map[string]store.PersonRow {
	people := map[string]store.PersonRow{}
	for _, q := range list {
		if q.err == nil && q.result.Err == nil {
			people[q.caller.RequestID] = q.result.Person
		}
	}
	return people
}

// wantRecorded wants one entry of everybody who was enrolled, of whoever enrolled them.
func (c *campus) wantRecorded(list []*request) {
	c.t.Helper()
	for _, q := range list {
		if q.err != nil || q.result.Err != nil {
			continue
		}
		events, err := c.History(c.t.Context(), c.caller, q.result.Person.ID)
		if err != nil || len(events) != 1 {
			c.t.Fatalf("%s: %d entries, %v", q.caller.RequestID, len(events), err)
		}
		e := events[0].Entry
		after, _ := e.Change.Field("username")
		if e.Actor != q.caller.Name || e.Request != q.caller.RequestID || e.Surface != "native" || e.Action != "person.create" || after.After != q.result.Person.Username {
			c.t.Errorf("%s is recorded as %+v", q.caller.RequestID, e)
		}
	}
}

// Those who arrive at the same time each get what is theirs: a number of their own, their faults, and a record in their name. Who wants what another
// one of them has is told of that one as of anybody in the directory.
func TestRequestsTogether(t *testing.T) {
	eachCampus(t, func(c *campus) {
		jean := func(email string) muster.Draft {
			return muster.Draft{"first_name": "Jean", "last_name": "Dupont", "email": email}
		}
		there := c.requests(muster.Draft{"username": "boss", "email": "boss@x.test"})
		c.together(roster.AdmitOptions{}, there, nothing)
		list := c.requests(
			jean("a@x.test"), jean("b@x.test"),
			jean("A@x.test"),                // the first one's
			muster.Draft{"username": "Ana"}, //
			muster.Draft{"username": "ana"}, // the one before
			muster.Draft{"username": "BOSS", "email": "c@x.test"},
			muster.Draft{"email": "bad", "last_name": "X"},
			jean("c@x.test"),
		)
		c.together(roster.AdmitOptions{}, list, nothing)
		wants := []string{"jean.dupont001", "jean.dupont002", "", "Ana", "", "", "", "jean.dupont003"}
		faults := []string{
			2: fmt.Sprintf("%q is already that of Jean Dupont (%s).", "A@x.test", list[0].result.Person.ID), 4: fmt.Sprintf("%q is already that of Ana (%s).", "ana", list[3].result.Person.ID),
			5: fmt.Sprintf("%q is already that of boss (%s).", "BOSS", there[0].result.Person.ID), 6: "not an e-mail address", 7: "",
		}
		for i, q := range list {
			switch {
			case q.err != nil:
				t.Errorf("%d: %v", i, q.err)
			case faults[i] == "" && (q.result.Err != nil || q.result.Person.Username != wants[i] || q.result.Change.Action != muster.Create):
				t.Errorf("%d: %v %+v", i, q.result.Err, q.result)
			case faults[i] != "" && (q.result.Err == nil || !strings.Contains(q.result.Err.Error(), faults[i])):
				t.Errorf("%d: %v, want %s", i, q.result.Err, faults[i])
			}
		}
		c.wantRecorded(list)
		all := enrolled(list)
		all["there"] = there[0].result.Person
		var seqs []int64
		for _, p := range all {
			seqs = append(seqs, p.Seq)
		}
		woken := c.woken()
		slices.Sort(seqs)
		slices.Sort(woken)
		if !slices.Equal(seqs, woken) {
			t.Errorf("accounts of %v are looked at, want %v", woken, seqs)
		}
		c.check(all)
	})
}

// One address may be everybody's, where that is asked for: the first one holds it.
func TestRequestsTogetherWithOneAddress(t *testing.T) {
	eachCampus(t, func(c *campus) {
		o := roster.AdmitOptions{SharedEmail: true, CodePrefix: "IDT", ClaimCode: true}
		var drafts []muster.Draft
		for n := range 20 {
			drafts = append(drafts, muster.Draft{"first_name": "Zoé", "last_name": "Bâ", "email": "family@x.test", "locale": []string{"fr", "en"}[n%2]})
		}
		list := c.requests(drafts...)
		c.together(o, list, nothing)
		for i, q := range list {
			p := &q.result.Person
			if q.err != nil || q.result.Err != nil || p.EmailShared != (i > 0) || p.Username != fmt.Sprintf("zoe.ba%03d", i+1) || p.Code != fmt.Sprintf("IDT%06d", i+1) {
				t.Errorf("%d: %v %v %+v", i, q.err, q.result.Err, p.Person)
			}
		}
		c.wantRecorded(list)
		c.check(enrolled(list))
	})
}

// breakLastName has the database refuse everybody of the last name Broken.
func (c *campus) breakLastName() {
	c.t.Helper()
	statements := []string{"CREATE TRIGGER broken BEFORE INSERT ON person WHEN NEW.last_name = 'Broken' BEGIN SELECT RAISE(ABORT, 'broken'); END"}
	if c.st.Engine() == store.Postgres {
		statements = []string{
			"CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.last_name = 'Broken' THEN RAISE 'broken'; END IF; RETURN NEW; END $$",
			"CREATE TRIGGER broken BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION broken()",
		}
	}
	for _, s := range statements {
		if _, err := c.st.Handle().ExecContext(c.t.Context(), s); err != nil {
			c.t.Fatal(err)
		}
	}
}

// One that the database refuses fails by itself.
func TestOneRequestBreaksTheTransaction(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.breakLastName()
		list := c.requests(muster.Draft{"last_name": "Un"}, muster.Draft{"last_name": "Broken"}, muster.Draft{"last_name": "Deux"}, muster.Draft{"last_name": "Broken"})
		c.together(roster.AdmitOptions{}, list, nothing)
		for i, q := range list {
			if broken := i%2 == 1; broken != (q.err != nil) || q.result.Err != nil || broken && !strings.Contains(q.err.Error(), "broken") {
				t.Errorf("%d: %v %v", i, q.err, q.result.Err)
			}
		}
		c.wantRecorded(list)
		c.check(enrolled(list))
		alone := c.requests(muster.Draft{"last_name": "Broken"})
		c.together(roster.AdmitOptions{}, alone, nothing)
		if alone[0].err == nil {
			t.Error("nobody is refused")
		}
	})
}

// Who does not wait any longer before the transaction begins is not enrolled, and the others are.
func TestRequestsThatLeave(t *testing.T) {
	eachCampus(t, func(c *campus) {
		gone := errors.New("gone")
		list := c.requests(muster.Draft{"last_name": "Un"}, muster.Draft{"last_name": "Deux"}, muster.Draft{"last_name": "Trois"})
		ctx, cancel := context.WithCancelCause(t.Context())
		list[1].ctx = ctx
		c.together(roster.AdmitOptions{}, list, func() { cancel(gone) })
		if !errors.Is(list[1].err, context.Canceled) || list[0].err != nil || list[2].err != nil {
			t.Errorf("%v, %v, %v", list[0].err, list[1].err, list[2].err)
		}
		c.check(enrolled(list))
		all := c.requests(muster.Draft{"last_name": "Quatre"}, muster.Draft{"last_name": "Cinq"})
		all[0].ctx, all[1].ctx = ctx, ctx
		for _, q := range all {
			if _, err := c.EnrolWith(q.ctx, q.caller, roster.AdmitOptions{}, []roster.Wish{{Draft: q.draft}}); !errors.Is(err, context.Canceled) {
				t.Errorf("who has left already: %v", err)
			}
		}
		c.check(enrolled(list))
	})
}

// Whoever is told that nothing was done may have it done again: so it was not, whenever they left.
func TestWhatIsToldToThoseWhoLeave(t *testing.T) {
	eachCampus(t, func(c *campus) {
		var mu sync.Mutex
		told := map[string]error{}
		var working sync.WaitGroup
		for g := range 16 {
			working.Go(func() {
				for n := range 20 {
					name := fmt.Sprintf("g%dn%d", g, n)
					ctx, cancel := context.WithCancel(c.t.Context())
					if (g+n)%2 == 0 {
						time.AfterFunc(time.Duration((g*20+n)*37%12_000)*time.Microsecond, cancel)
					}
					_, err := c.EnrolWith(ctx, c.caller, roster.AdmitOptions{}, []roster.Wish{{Draft: muster.Draft{"first_name": "X", "display_name": name}}})
					cancel()
					mu.Lock()
					told[name] = err
					mu.Unlock()
				}
			})
		}
		working.Wait()
		there := map[string]int{}
		err := c.st.View(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
			rows, err := tx.SQL().QueryContext(tx.Context(), "SELECT display_name FROM person")
			if err != nil {
				return err
			}
			defer rows.Close() //nolint:errcheck // Err tells
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				there[name]++
			}
			return rows.Err()
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for name, err := range told {
			if want := map[bool]int{true: 1}[err == nil]; there[name] != want && !errors.Is(err, store.ErrUncertain) {
				c.t.Errorf("%s was told %v, and is there %d times", name, err, there[name])
			}
		}
	})
}

// Each tenant has a line of its own, and each way of enrolling.
func TestLinesAreApart(t *testing.T) {
	eachCampus(t, func(c *campus) {
		other := muster.Tenant{Code: "other", Name: "Other", Settings: muster.DefaultSettings()}
		if err := c.st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			t.Fatal(err)
		}
		draft := muster.Draft{"last_name": "Un", "email": "un@x.test"}
		ours, theirs := c.requests(draft, muster.Draft{"last_name": "Un"}), c.requests(draft)
		theirs[0].caller.Tenant = other.Seq
		c.together(roster.AdmitOptions{}, ours, func() {
			if _, err := c.EnrolWith(t.Context(), c.caller, roster.AdmitOptions{NoUsername: true}, []roster.Wish{{Draft: muster.Draft{"last_name": "Deux"}}}); err != nil {
				t.Error(err)
			}
			results, err := c.EnrolWith(t.Context(), theirs[0].caller, roster.AdmitOptions{}, []roster.Wish{{Draft: draft}})
			if err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
			theirs[0].result = results[0]
		})
		if ours[0].result.Person.Username != "un001" || ours[1].result.Person.Username != "un002" {
			t.Errorf("%+v %+v", ours[0], ours[1])
		}
		c.wantRecorded(ours)
		c.caller.Tenant = other.Seq
		c.check(enrolled(theirs))
		c.wantRecorded(theirs)
	})
}

// More than one transaction takes are carried out in turn. Everybody is counted once and has a number of their own, whatever they want.
func TestCrowdOfRequests(t *testing.T) {
	eachCampus(t, func(c *campus) {
		const crowd = 150
		var drafts []muster.Draft
		for n := range crowd {
			d := muster.Draft{"first_name": "Jean", "last_name": "Dupont", "email": fmt.Sprintf("p%d@x.test", n%100)}
			if n%5 == 0 {
				d["username"] = fmt.Sprintf("given%d", n%20)
			}
			drafts = append(drafts, d)
		}
		list := c.requests(drafts...)
		c.together(roster.AdmitOptions{}, list, nothing)
		people := enrolled(list)
		held := map[string]string{}
		for id, p := range people {
			for _, key := range []string{"u" + p.Keys.Username, "e" + p.Keys.Email} {
				if with, twice := held[key]; twice {
					t.Errorf("%s is of %s and %s", key, id, with)
				}
				held[key] = id
			}
		}
		for i, q := range list {
			if q.err != nil || q.result.Err != nil && !strings.Contains(q.result.Err.Error(), "is already that of ") {
				t.Errorf("%d: %v %v", i, q.err, q.result.Err)
			}
		}
		if len(people) < 80 {
			t.Errorf("%d people", len(people))
		}
		c.check(people)
		c.wantRecorded(list)
	})
}

// Where transactions are short there is one at a time, so that many requests share it.
func TestTransactionsBesideEachOther(t *testing.T) {
	for took, want := range map[time.Duration]int{0: 1, 4 * time.Millisecond: 1, 20 * time.Millisecond: 2} {
		if got := roster.WorkersAfter(took); got != want {
			t.Errorf("after %s: %d", took, got)
		}
	}
}

// Those who have just been answered are waited for, but not for long, and whoever is alone is not.
func TestThoseWhoComeBack(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		name                   string
		took                   time.Duration
		answered, left, coming int
		every                  time.Duration
		stand                  int
		after                  time.Duration
	}{
		{"all of them", 5 * time.Millisecond, 3, 1, 5, 100 * us, 4, 300 * us},
		{"some of them", 5 * time.Millisecond, 3, 1, 1, 100 * us, 2, 1000 * us},
		{"none of them", 5 * time.Millisecond, 3, 0, 0, 0, 0, 1000 * us},
		{"not longer than a transaction takes", 250 * us, 3, 1, 9, 100 * us, 3, 250 * us},
		{"one who is alone", 5 * time.Millisecond, 1, 0, 1, 100 * us, 0, 0},
		{"nobody where transactions go on beside each other", 20 * time.Millisecond, 3, 1, 1, 100 * us, 1, 0},
		{"after nobody", 5 * time.Millisecond, 0, 2, 1, 100 * us, 2, 0},
		{"as many as share a transaction", 5 * time.Millisecond, 40, 60, 100, 100 * us, 64, 400 * us},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stand, after := roster.Awaited(c.took, c.answered, c.left, c.coming, c.every)
				if stand != c.stand || after != c.after {
					t.Errorf("%d stand after %s, want %d after %s", stand, after, c.stand, c.after)
				}
			})
		})
	}
}

// A store that is closed gives everybody an error, and nobody stays in the line.
func TestRequestsAfterTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := newCampus(t, st)
		list := c.requests(muster.Draft{"last_name": "Un"}, muster.Draft{"last_name": "Deux"})
		c.together(roster.AdmitOptions{}, list, func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		for _, q := range list {
			if q.err == nil {
				t.Errorf("%s was enrolled", q.caller.RequestID)
			}
		}
	})
}
