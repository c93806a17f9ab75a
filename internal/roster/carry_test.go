package roster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

var stories = []struct {
	name  string
	rules roster.Rules
	text  string
}{
	{"UsernameIsGenerated", roster.Rules{}, `
		a first_name=Jean last_name=Dupont -> jean.dupont001
		b first_name=Jean last_name=Dupont -> jean.dupont002

		c first_name=JEAN last_name=DUPONT -> jean.dupont003
		d email=zoe.martin@x.test -> zoe.martin001`},
	{"GivenNameRaisesTheCounter", roster.Rules{}, `
		a username=Jean.Dupont005 -> Jean.Dupont005
		b first_name=Jean last_name=Dupont -> jean.dupont006

		c username=jean.dupont0041 -> jean.dupont0041

		d first_name=Jean last_name=Dupont -> jean.dupont042`},
	{"GeneratedAndGivenMeetInOneCall", roster.Rules{}, `
		a first_name=Jean last_name=Dupont -> jean.dupont002
		b username=jean.dupont001 -> jean.dupont001`},
	{"NamesIgnoreCase", roster.Rules{}, `
		a username=Boss -> Boss
		b username=boss -> !username already that of row 1
		c username=bOSS2 -> bOSS2

		d username=BOSS -> !username already that of Boss
		a username=BOSS -> BOSS`},
	{"DeletedGivenNameIsFree", roster.Rules{}, `
		a username=boss email=a@x.test -> boss

		a state=deleted -> boss
		b username=boss email=b@x.test -> boss

		a state=active -> !username already that of boss`},
	{"RenamedGivenNameIsFree", roster.Rules{}, `
		a username=boss -> boss

		a username=chief -> chief

		b username=boss -> boss`},
	{"DeliveredGivenNameIsRetired", roster.Rules{}, `
		a username=boss email=a@x.test -> boss

		a delivered

		a username=chief -> chief
		b username=boss -> !username was the username of boss

		b username=boss -> !username was the username of chief
		a username=boss -> boss

		a state=deleted -> boss
		b username=boss -> !username was the username of boss
		c username=BOSS email=A@x.test -> BOSS

		c state=deleted -> BOSS

		d username=boss -> !username was the username of BOSS
		e username=boss email=a@x.test -> boss`},
	{"GeneratedNameNeverGoesOn", roster.Rules{}, `
		a first_name=Jean last_name=Dupont employee_id=7 -> jean.dupont001

		a username=boss -> boss
		b username=jean.dupont001 -> !username was the username of Jean Dupont

		c username=jean.dupont001 -> !username was the username of Jean Dupont
		a username=jean.dupont001 -> jean.dupont001

		a state=deleted -> jean.dupont001

		d username=jean.dupont001 -> !username was the username of Jean Dupont
		e username=jean.dupont001 employee_id=7 -> jean.dupont001

		a state=active -> !username already that of jean.dupont001 & !employee_id already that of jean.dupont001
		e state=deleted -> jean.dupont001
		f username=jean.dupont001 -> !username was the username of jean.dupont001`},
	{"WritingAGeneratedNameInOtherCaseKeepsItOurs", roster.Rules{}, `
		a first_name=Jean last_name=Dupont -> jean.dupont001

		a username=Jean.Dupont001 -> Jean.Dupont001

		a state=deleted -> Jean.Dupont001

		b username=jean.dupont001 -> !username was the username of Jean Dupont`},
	{"GeneratedNameDeletedAndTakenInOneCall", roster.Rules{}, `
		a first_name=Jean last_name=Dupont email=j@x.test -> jean.dupont001

		a state=deleted -> jean.dupont001
		b username=jean.dupont001 -> !username was the username of Jean Dupont
		c username=jean.dupont001 email=j@x.test -> jean.dupont001`},
	{"ASharedAddressIsNotTheSameHuman", roster.Rules{SharedEmail: true}, `
		a first_name=Jean last_name=Dupont email=j@x.test -> jean.dupont001

		a state=deleted -> jean.dupont001

		b username=bea email=j@x.test -> bea

		c username=jean.dupont001 email=j@x.test -> !username was the username of Jean Dupont
		b username=jean.dupont001 -> jean.dupont001`},
	{"NumberOnClash", roster.Rules{Usernames: muster.UsernamePolicy{Number: muster.NumberOnClash}}, `
		a first_name=Jean last_name=Dupont -> jean.dupont
		b first_name=Jean last_name=Dupont -> jean.dupont001

		c first_name=Jean last_name=Dupont -> jean.dupont002
		a state=deleted -> jean.dupont

		d first_name=Jean last_name=Dupont -> jean.dupont003
		e username=jean.dupont -> !username was the username of Jean Dupont`},
	{"NumberOnClashAfterAGivenName", roster.Rules{Usernames: muster.UsernamePolicy{Number: muster.NumberOnClash}}, `
		a username=Jean.Dupont -> Jean.Dupont
		b first_name=Jean last_name=Dupont -> jean.dupont001

		a state=deleted -> Jean.Dupont
		c first_name=Jean last_name=Dupont -> jean.dupont`},
	{"FirstNumber", roster.Rules{Usernames: muster.UsernamePolicy{FirstNumber: 100, Digits: 4}}, `
		a first_name=Jean last_name=Dupont -> jean.dupont0100
		b first_name=Jean last_name=Dupont -> jean.dupont0101

		c first_name=Jean last_name=Dupont -> jean.dupont0102
		d first_name=Ann last_name=Lee -> ann.lee0100`},
	{"NumbersRunOut", roster.Rules{}, `
		a username=jean.dupont999999 -> jean.dupont999999
		b first_name=Jean last_name=Dupont email=b@x.test -> !username used up
		c first_name=Ann last_name=Lee -> ann.lee001

		d username=d email=b@x.test -> d`},
	{"NoUsername", roster.Rules{NoUsername: true}, `
		a first_name=Jean -> none
		b email=a@x.test -> none

		a username=jean -> jean

		a username=- -> !username can be changed and not be taken away`},
	{"EmailIsUniqueIgnoringCase", roster.Rules{}, `
		a username=a email=Ann@X.test -> a
		b username=b email=ann@x.TEST -> !email already that of row 1

		c username=c email=ANN@x.test -> !email already that of a
		a email=ANN@x.test -> a`},
	{"EmployeeAndSourceAreUnique", roster.Rules{}, `
		a username=a employee_id=E1 source=hr source_id=1 -> a
		b username=b employee_id=E1 -> !employee_id already that of row 1
		c username=c source=hr source_id=1 -> !source_id already that of row 1
		d username=d source=school source_id=1 employee_id=e1 -> d

		e username=a email=- employee_id=E1 source=hr source_id=1 -> !username that of a & !employee_id that of a & !source_id that of a
		d source=hr -> !source_id already that of a
		a source_id=- -> !source_id A source needs`},
	{"SharedEmail", roster.Rules{SharedEmail: true}, `
		a username=a email=x@x.test -> a
		b username=b email=x@x.test -> b

		b email=x@x.test -> =
		a state=deleted -> a
		b email=x@x.test -> =
		c username=c email=X@x.test -> c

		b last_name=B -> b
		c state=deleted -> c
		b last_name=BB -> b
		d username=d email=x@x.test -> d`},
	{"AnUnchangedSharedAddressIsNoFault", roster.Rules{}, `
		a username=a email=x@x.test -> a

		b username=b email=y@x.test -> b
		b email=x@x.test -> !email already that of a`},
	{"AFailsThenBTakes", roster.Rules{}, `
		x username=x email=x@x.test -> x

		a username=a email=x@x.test employee_id=1 -> !email already that of x
		b username=a employee_id=1 -> a`},
	{"SwapThroughAThird", roster.Rules{}, `
		a username=a email=a@x.test -> a
		b username=b email=b@x.test -> b

		a username=c email=- -> c
		b username=a email=a@x.test -> a
		a username=b email=b@x.test -> b

		a username=a -> !username already that of a
		b username=b -> !username already that of b`},
	{"SamePersonTwice", roster.Rules{}, `
		a username=a email=a@x.test -> a

		a email=b@x.test -> a
		b username=b email=a@x.test -> b
		a email=a@x.test -> !email already that of row 2
		a last_name=A -> a
		a last_name=A -> =`},
	{"ThereAndBackAgain", roster.Rules{}, `
		a first_name=Jean last_name=Dupont email=j@x.test -> jean.dupont001

		a username=x email=x@x.test -> x
		a username=jean.dupont001 email=j@x.test -> jean.dupont001

		a state=deleted -> jean.dupont001
		a state=active -> jean.dupont001

		b username=jean.dupont001 -> !username already that of Jean Dupont`},
	{"States", roster.Rules{}, `
		a username=a -> a
		b username=b state=staged -> b
		c username=c state=suspended -> c
		d username=d state=archived -> !state cannot be archived
		e username=e state=deleted -> !state cannot be deleted

		a state=suspended -> a
		b state=active -> b
		c state=archived reason=left -> c

		a state=suspended -> =
		c state=active reason=- -> c
		b state=wrong -> !state is none of`},
	{"DeletionReleasesAndRestoringClaims", roster.Rules{}, `
		a username=a email=a@x.test employee_id=1 source=hr source_id=9 -> a

		a state=deleted -> a
		b username=a email=a@x.test employee_id=1 source=hr source_id=9 -> a

		a last_name=X -> ! Restore first
		a state=deleted -> ! Restore first
		a state=active -> !username that of a & !email that of a & !employee_id that of a & !source_id that of a

		b state=deleted -> a
		a state=suspended last_name=X -> a

		b state=active -> !username that of X & !email that of X & !employee_id that of X & !source_id that of X
		b state=active username=b email=b@x.test employee_id=- source=- source_id=- -> b`},
	{"Managers", roster.Rules{}, `
		a username=a -> a
		b username=b -> b

		a manager=@b -> a
		b manager=@b -> !manager Nobody is their own
		b manager=nobody -> !manager is not the id
		c username=c manager=019a0000-0000-7000-8000-000000000000 -> !manager There is no person
		c username=c manager=@a -> c

		a manager=@b -> =
		a manager=@c -> a
		a manager=@b -> a
		b state=deleted -> b

		a manager=@b -> =
		a manager=@b last_name=A -> a
		c manager=@b -> !manager There is no person

		a manager=- -> a`},
	{"Guards", roster.Rules{}, `
		a username=a -> a

		a guard=2 last_name=A -> ! version 1, not 2
		a guard=1 last_name=A -> a

		a guard=1 last_name=A -> ! version 2, not 1
		a guard=2 last_name=A -> =
		a guard=2 last_name=B -> a
		a guard=2 last_name=C -> ! earlier in the same request
		a last_name=D -> a`},
	{"AllFaultsAtOnce", roster.Rules{}, `
		x username=x email=x@x.test employee_id=1 -> x

		a username=x email=x@x.test employee_id=1 mode=wrong birth_date=tomorrow state=archived source=hr -> !birth_date not a date & !mode is none of & !state cannot be archived & !source_id A source needs & !username that of x & !email that of x & !employee_id that of x
		b email=bad -> !email is not an e-mail address & ! at least a name & !first_name No username can be made`},
	{"NothingIsAPersonWithoutAName", roster.Rules{NoUsername: true}, `
		a employee_id=1 -> ! at least a name`},
}

func TestCarryByRule(t *testing.T) {
	eachCampus(t, func(c *campus) {
		for _, s := range stories {
			c.t.Run(s.name, func(t *testing.T) {
				own := muster.Tenant{Code: strings.ToLower(s.name), Name: s.name, Settings: muster.DefaultSettings()}
				if err := c.st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&own) }); err != nil {
					t.Fatal(err)
				}
				there := *c
				there.t, there.caller.Tenant = t, own.Seq
				s.rules.Usernames = s.rules.Usernames.WithDefaults()
				tale := story{t: t, c: &there, rules: s.rules, people: map[string]store.PersonRow{}}
				tale.tell(strings.ReplaceAll(s.text, "\t", ""))
			})
		}
	})
}

// What changes nothing is not written: the version stays.
func TestUnchangedWritesChangeNothing(t *testing.T) {
	eachCampus(t, func(c *campus) {
		rules := roster.RulesOf(muster.DefaultSettings())
		out, err := c.carry(rules, []roster.Op{{Draft: muster.Draft{
			"first_name": "Jean", "last_name": "Dupont", "email": "j@x.test", "phones": []any{map[string]any{"type": "work", "number": "+33 1"}},
			"attributes.class": "6A", "absent": true, "employee_id": "7",
		}}})
		if err != nil || len(out[0].Faults) > 0 {
			t.Fatal(err, out)
		}
		p := out[0].Person
		all := muster.Draft{}
		for field, value := range p.Record() {
			all[field] = value
		}
		for _, draft := range []muster.Draft{{}, all, {"email": " j@x.test "}, {"state": "ACTIVE"}, {"nickname": nil}} {
			again, err := c.carry(rules, []roster.Op{{Person: p.Seq, Draft: draft, Guard: 1}})
			if err != nil || len(again[0].Faults) > 0 || !again[0].Change.Empty() || again[0].Person.Version != 1 {
				t.Errorf("%v: %v %+v", draft, err, again[0])
			}
		}
		c.check(map[string]store.PersonRow{"a": p})
	})
}

func TestTenantsAreWalls(t *testing.T) {
	eachCampus(t, func(c *campus) {
		rules := roster.RulesOf(muster.DefaultSettings())
		draft := muster.Draft{"first_name": "Jean", "last_name": "Dupont", "email": "j@x.test", "employee_id": "7"}
		ours, err := c.carry(rules, []roster.Op{{Draft: draft}})
		if err != nil {
			t.Fatal(err)
		}
		other := muster.Tenant{Code: "other", Name: "Other", Settings: muster.DefaultSettings()}
		if err := c.st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) }); err != nil {
			t.Fatal(err)
		}
		c.caller.Tenant = other.Seq
		theirs, err := c.carry(rules, []roster.Op{{Draft: draft}, {Person: ours[0].Person.Seq, Draft: muster.Draft{"last_name": "X"}}, {Draft: muster.Draft{"username": "m", "manager": ours[0].Person.ID.String()}}})
		if err != nil {
			t.Fatal(err)
		}
		if theirs[0].Person.Username != "jean.dupont001" || muster.CodeOf(theirs[1].Faults) != muster.NotFound || muster.CodeOf(theirs[2].Faults) != muster.NotFound {
			t.Errorf("another tenant sees %+v", theirs)
		}
		results, err := c.Change(t.Context(), c.caller, []roster.Wish{{Person: ours[0].Person.ID, Draft: muster.Draft{"last_name": "X"}}})
		if err != nil || muster.CodeOf(results[0].Err) != muster.NotFound {
			t.Errorf("another tenant changes: %v %v", err, results)
		}
		c.check(map[string]store.PersonRow{"a": theirs[0].Person})
		c.caller.Tenant = storetest.Tenant
		c.check(map[string]store.PersonRow{"a": ours[0].Person})
	})
}

// Whoever enrols at the same time gets a number of their own, and one address goes to one of them.
func TestEnrolAtTheSameTime(t *testing.T) {
	eachCampus(t, func(c *campus) {
		const callers, each = 8, 12
		errs, results := make(chan error, callers), make(chan []roster.Result, callers)
		for n := range callers {
			go func() {
				drafts := make([]muster.Draft, each)
				for i := range drafts {
					key := (i + n) % each // the same keys, in another order
					drafts[i] = muster.Draft{"first_name": "Jean", "last_name": "Dupont", "email": fmt.Sprintf("P%d@x.test", key)}
					if i%3 == 0 {
						drafts[i] = muster.Draft{"username": fmt.Sprintf("given%d", key)}
					}
				}
				list, err := c.Enrol(t.Context(), c.caller, false, drafts)
				errs <- err
				results <- list
			}()
		}
		keys, people := map[string]bool{}, map[string]store.PersonRow{}
		for range callers {
			if err := storetest.Await(t, errs, "a caller"); err != nil {
				t.Errorf("enrol: %v", err)
			}
			for _, r := range storetest.Await(t, results, "a result") {
				if r.Err != nil {
					if muster.CodeOf(r.Err) != muster.Conflict || !strings.Contains(r.Err.Error(), "is already that of") {
						t.Errorf("lost to somebody: %v", r.Err)
					}
					continue
				}
				for _, key := range []string{"u:" + r.Person.Keys.Username, "e:" + r.Person.Keys.Email} {
					if keys[key] && key != "e:" {
						t.Errorf("%s is twice", key)
					}
					keys[key] = true
				}
				people[r.Person.Username] = r.Person
			}
		}
		var emails int
		for key := range keys {
			if strings.HasPrefix(key, "e:p") {
				emails++
			}
		}
		if emails != each {
			t.Errorf("%d of %d addresses went to somebody", emails, each)
		}
		c.check(people)
	})
}

func TestOperationsAreRecordedAndRefused(t *testing.T) {
	eachCampus(t, func(c *campus) {
		t := c.t
		made, err := c.Enrol(t.Context(), c.caller, false, []muster.Draft{{"username": "a"}, {"email": "bad"}, {"username": "b"}})
		if err != nil || made[0].Err != nil || made[1].Err == nil || made[2].Err != nil {
			t.Fatalf("%v %+v", err, made)
		}
		a, b := made[0].Person.ID, made[2].Person.ID
		unknown := muster.PersonID(99, made[0].Person.CreatedAt)
		changed, err := c.Change(t.Context(), c.caller, []roster.Wish{{Person: unknown, Draft: muster.Draft{"last_name": "X"}}, {Person: a, Draft: muster.Draft{"last_name": "A"}}, {Draft: muster.Draft{"last_name": "Z"}}})
		if err != nil || muster.CodeOf(changed[0].Err) != muster.NotFound || changed[1].Err != nil || muster.CodeOf(changed[2].Err) != muster.NotFound {
			t.Fatalf("%v %+v", err, changed)
		}
		if out, err := c.Retire(t.Context(), c.caller, "left", []roster.Wish{{Person: b}}); err != nil || out[0].Person.State != muster.Archived || out[0].Person.Reason != "left" {
			t.Fatalf("%v %+v", err, out)
		}
		if out, err := c.Restore(t.Context(), c.caller, []roster.Wish{{Person: b}}); err != nil || out[0].Person.State != muster.Active || out[0].Person.Reason != "" {
			t.Fatalf("%v %+v", err, out)
		}
		if out, err := c.Delete(t.Context(), c.caller, []roster.Wish{{Person: b}, {Person: b}}); err != nil || out[0].Err != nil || muster.CodeOf(out[1].Err) != muster.Gone {
			t.Fatalf("%v %+v", err, out)
		}
		events, err := c.History(t.Context(), c.caller, b)
		var actions []string
		for _, e := range events {
			actions = append(actions, e.Entry.Action)
		}
		if want := []string{"person.delete", "person.restore", "person.retire", "person.create"}; err != nil || !slices.Equal(actions, want) {
			t.Errorf("history %v %v", actions, err)
		}
		var refused *muster.Error
		nobody := c.caller
		nobody.Grants = nil
		if _, err := c.Enrol(t.Context(), nobody, false, []muster.Draft{{"username": "c"}}); !errors.As(err, &refused) || refused.Code != muster.Forbidden {
			t.Errorf("without grants: %v", err)
		}
	})
}
