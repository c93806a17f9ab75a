package roster_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

var (
	plainly  = roster.Rules{NoUsername: true}
	claiming = roster.Rules{NoUsername: true, ClaimPhone: true, ClaimCode: true}
)

// chapters are stories whose calls follow different rules.
var chapters = []struct {
	name string
	told []struct {
		rules roster.Rules
		text  string
	}
}{
	{"OnlyWhoAsksClaims", []chapter{
		{claiming, `
		a last_name=A phones.mobile=+221_77_1 code=IDT000001 -> none
		b last_name=B phones.mobile=00221771 -> !phones.mobile already that of row 1

		b last_name=B phones.mobile=00221-77-1 -> !phones.mobile already that of A
		b last_name=B code=idt000001 -> !code already that of A
		b last_name=B phones.mobile=77_1 code=IDT000002 -> none
		c last_name=C -> none`},
		{plainly, `
		d last_name=D phones.mobile=+221771 code=IDT000001 -> none`},
		{claiming, `
		d last_name=Dd -> none
		d phones.mobile=+221771 -> =
		d phones.mobile=+221772 code=IDT000004 -> none

		e last_name=E phones.work=+221772 -> !phones.work already that of Dd
		e last_name=E code=IDT000004 -> !code already that of Dd`},
	}},
	{"OnlyTheFirstPhoneCounts", []chapter{
		{claiming, `
		a last_name=A phones.mobile=+1234 -> none

		b last_name=B phones.home=+9 phones.mobile=+1234 -> none

		b phones.home=- -> !phones already that of A`},
	}},
	{"WhoHoldsStaysHolder", []chapter{
		{claiming, `
		a last_name=A phones.mobile=+1 code=X1 -> none
		b last_name=B phones.mobile=+2 code=X2 -> none`},
		{plainly, `
		a phones.mobile=+3 code=X3 -> none

		b phones.mobile=+3 code=X3 -> none`},
		{claiming, `
		c last_name=C phones.mobile=+3 code=X1 -> !phones.mobile already that of A
		c last_name=C phones.mobile=+1 code=X3 -> !code already that of A
		c last_name=C phones.mobile=+2 code=X2 -> none

		b last_name=Bb -> none`},
	}},
	{"DeletionFreesAndRestoringClaimsAgain", []chapter{
		{claiming, `
		a last_name=A phones.mobile=+1 code=X1 email=a@x.test employee_id=7 -> none

		a state=deleted -> none

		b last_name=B phones.mobile=+1 code=X1 email=a@x.test employee_id=7 -> none`},
		{plainly, `
		a state=active -> !email already that of B & !employee_id already that of B & !phones already that of B & !code already that of B

		b phones.mobile=+7 code=- email=- employee_id=- -> none

		a state=active -> none`},
		{claiming, `
		c last_name=C phones.mobile=+1 -> !phones.mobile already that of A
		d last_name=D code=x1 -> !code already that of A`},
	}},
	{"WhoNeverClaimedClaimsNothingByBeingRestored", []chapter{
		{plainly, `
		a last_name=A phones.mobile=+1 code=X1 -> none

		a state=deleted -> none`},
		{claiming, `
		b last_name=B phones.mobile=+1 code=X1 -> none`},
		{plainly, `
		a state=active -> none`},
	}},
	{"TwoSwap", []chapter{
		{claiming, `
		a last_name=A phones.mobile=+1 code=X1 -> none
		b last_name=B phones.mobile=+2 code=X2 -> none

		a phones.mobile=+3 code=X3 -> none
		b phones.mobile=+1 code=X1 -> none
		a phones.mobile=+2 code=X2 -> none`},
	}},
	{"NumberWithoutDigitsIsNobodys", []chapter{
		{claiming, `
		a last_name=A phones.mobile=none -> none
		b last_name=B phones.mobile=none -> none`},
	}},
}

type chapter = struct {
	rules roster.Rules
	text  string
}

func TestPhonesAndCodesAreClaimedWhereAsked(t *testing.T) {
	eachCampus(t, func(c *campus) {
		for _, s := range chapters {
			c.t.Run(s.name, func(t *testing.T) {
				own := muster.Tenant{Code: strings.ToLower(s.name), Name: s.name, Settings: muster.DefaultSettings()}
				if err := c.st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&own) }); err != nil {
					t.Fatal(err)
				}
				there := *c
				there.t, there.caller.Tenant = t, own.Seq
				tale := story{t: t, c: &there, people: map[string]store.PersonRow{}}
				for _, part := range s.told {
					tale.rules = part.rules
					tale.rules.Usernames = tale.rules.Usernames.WithDefaults()
					tale.tell(strings.ReplaceAll(part.text, "\t", ""))
				}
			})
		}
	})
}

// admitted are results by the last name of who was admitted, or would have been.
func (c *campus) admit(o roster.AdmitOptions, list ...roster.Admission) []roster.Result {
	c.t.Helper()
	out, err := c.Admit(c.t.Context(), c.caller, o, list)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

var idt = roster.AdmitOptions{NoUsername: true, ClaimPhone: true, ClaimCode: true, CodePrefix: "IDT"}

func TestCodesAreAllocated(t *testing.T) {
	eachCampus(t, func(c *campus) {
		last := func(prefix string) string {
			c.t.Helper()
			code, err := c.LastCode(c.t.Context(), c.caller, prefix)
			if err != nil {
				c.t.Fatal(err)
			}
			return code
		}
		if got := last("IDT"); got != "" {
			c.t.Errorf("before anybody: %q", got)
		}
		of := func(code string) roster.Admission {
			return roster.Admission{Draft: muster.Draft{"last_name": "Bâ", "code": code}}
		}
		for _, step := range []struct {
			name  string
			o     roster.AdmitOptions
			given []string
			want  string
			last  string
		}{
			{"FromTheFirst", idt, []string{"", ""}, "IDT000001 IDT000002", "IDT000002"},
			{"GivenRaises", idt, []string{"", "IDT000150", ""}, "IDT000151 IDT000150 IDT000152", "IDT000152"},
			{"GivenInOtherCase", idt, []string{"idt000200", ""}, "idt000200 IDT000201", "IDT000201"},
			{"GivenOfAnotherForm", idt, []string{"IDT99", "IDT0000999", "X000999", "IDT00099x", ""}, "IDT99 IDT0000999 X000999 IDT00099x IDT000202", "IDT000202"},
			{"GivenBelow", idt, []string{"IDT000100", ""}, "IDT000100 IDT000203", "IDT000203"},
			{"TakenFails", idt, []string{"IDT000100", ""}, "conflict code IDT000204", "IDT000204"},
			{"NotAsked", roster.AdmitOptions{NoUsername: true}, []string{"", "IDT000500"}, " IDT000500", "IDT000204"},
			{"SevenDigits", idt, []string{"IDT999999", ""}, "IDT999999 IDT1000000", "IDT1000000"},
		} {
			list := make([]roster.Admission, len(step.given))
			for i, code := range step.given {
				list[i] = of(code)
			}
			var got []string
			for _, r := range c.admit(step.o, list...) {
				if r.Err != nil {
					got = append(got, fault(muster.Faults(r.Err)))
					continue
				}
				got = append(got, r.Person.Code)
				if f, said := r.Change.Field("code"); r.Person.Code != "" && (!said || f.After != r.Person.Code) {
					c.t.Errorf("%s: the change says %v", step.name, f)
				}
				if stored, err := c.Person(c.t.Context(), c.caller, r.Person.ID); err != nil || stored.Code != r.Person.Code || (stored.Keys.Code != "") != step.o.ClaimCode {
					c.t.Errorf("%s: stored %q with key %q, %v", step.name, stored.Code, stored.Keys.Code, err)
				}
			}
			if text := strings.Join(got, " "); text != step.want {
				c.t.Errorf("%s: %s, want %s", step.name, text, step.want)
			}
			if got := last("IDT"); got != step.last {
				c.t.Errorf("%s: last %s, want %s", step.name, got, step.last)
			}
		}
		if got := last("X"); got != "" {
			c.t.Errorf("of another prefix: %q", got)
		}
	})
}

// A plan forecasts, over its chunks, the codes that a run would give and the clashes it would meet, and takes nothing.
func TestPlansForecastCodesAndClashes(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.admit(idt, roster.Admission{Draft: muster.Draft{"last_name": "A", "phones.mobile": "+1"}})
		rules := idt.Rules(muster.DefaultSettings())
		rules.DryRun = true
		b := store.BatchRow{Batch: muster.Batch{Kind: muster.ImportBatch, State: muster.Planning}}
		if err := c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error { return tx.CreateBatch(&b) }); err != nil {
			c.t.Fatal(err)
		}
		rules.Plan = b.Seq
		for chunk, want := range []string{
			"IDT000002 IDT000003 conflict phones.mobile", // +1 is A's
			"IDT000004 conflict phones.mobile conflict code",
		} {
			rows := []muster.Draft{{"last_name": "B", "phones.mobile": "+2"}, {"last_name": "C"}, {"last_name": "D", "phones.mobile": "+1"}}
			if chunk == 1 {
				rows = []muster.Draft{{"last_name": "E"}, {"last_name": "F", "phones.mobile": "+2"}, {"last_name": "G", "code": "idt000003"}}
			}
			ops := make([]roster.Op, len(rows))
			for i, draft := range rows {
				ops[i] = roster.Op{Draft: draft, Row: 3*chunk + i + 1}
			}
			out, err := c.carry(rules, ops)
			if err != nil {
				c.t.Fatal(err)
			}
			var got []string
			for i, o := range out {
				f, _ := o.Change.Field("code")
				if len(o.Faults) > 0 {
					got = append(got, fault(o.Faults))
					continue
				}
				got = append(got, fmt.Sprint(f.After))
				if !f.Forecast {
					c.t.Errorf("chunk %d: the code of op %d is no forecast", chunk, i)
				}
			}
			if text := strings.Join(got, " "); text != want {
				c.t.Errorf("chunk %d: %s, want %s", chunk, text, want)
			}
		}
		if last, err := c.LastCode(c.t.Context(), c.caller, "IDT"); err != nil || last != "IDT000001" {
			c.t.Errorf("after a plan the last code is %q, %v", last, err)
		}
	})
}

// However many are admitted at once, a phone, a code and an address have one holder, and codes that are allocated are never given twice.
func TestNothingIsClaimedTwiceAtOnce(t *testing.T) {
	eachCampus(t, func(c *campus) {
		const callers, each = 8, 12
		var mu sync.Mutex
		done := map[string]int{}
		codes := map[string]bool{}
		var work sync.WaitGroup
		for n := range callers {
			work.Go(func() {
				for i := range each {
					list := []roster.Admission{
						{Draft: muster.Draft{"last_name": "P", "phones.mobile": fmt.Sprintf("+221 77 %03d", i)}},
						{Draft: muster.Draft{"last_name": "C", "code": fmt.Sprintf("Z%d", i)}},
						{Draft: muster.Draft{"last_name": "E", "email": fmt.Sprintf("e%d@x.test", i)}},
					}
					out, err := c.Admit(t.Context(), c.caller, idt, list)
					if err != nil {
						t.Errorf("caller %d: %v", n, err)
						return
					}
					mu.Lock()
					for k, r := range out {
						if r.Err != nil {
							if muster.CodeOf(r.Err) != muster.Conflict {
								t.Errorf("caller %d: %v", n, r.Err)
							}
							continue
						}
						done[fmt.Sprint(k, " ", i)]++
						if codes[r.Person.Code] {
							t.Errorf("%s was given twice", r.Person.Code)
						}
						codes[r.Person.Code] = true
					}
					mu.Unlock()
				}
			})
		}
		work.Wait()
		if len(done) != 3*each {
			t.Errorf("%d of %d were admitted by anybody", len(done), 3*each)
		}
		for what, n := range done {
			if n != 1 {
				t.Errorf("%s was admitted %d times", what, n)
			}
		}
	})
}

func TestNamingLate(t *testing.T) {
	eachCampus(t, func(c *campus) {
		out := c.admit(idt,
			roster.Admission{Draft: muster.Draft{"first_name": "Jean", "last_name": "Dupont"}},
			roster.Admission{Draft: muster.Draft{"first_name": "JEAN", "last_name": "Dupônt"}},
			roster.Admission{Draft: muster.Draft{"email": "zoe.martin@x.test"}},
			roster.Admission{Draft: muster.Draft{"last_name": "!!!"}},
			roster.Admission{Draft: muster.Draft{"last_name": "Given", "username": "boss"}},
			roster.Admission{Draft: muster.Draft{"last_name": "Gone"}},
		)
		var seqs []int64
		for _, r := range out {
			if r.Err != nil {
				c.t.Fatal(r.Err)
			}
			seqs = append(seqs, r.Person.Seq)
		}
		if _, err := c.Delete(c.t.Context(), c.caller, []roster.Wish{{Person: out[5].Person.ID}}); err != nil {
			c.t.Fatal(err)
		}
		seqs = append(seqs, seqs[0], 999_999, 0)
		for _, want := range []string{
			"jean.dupont001/update jean.dupont002/update zoe.martin001/update required first_name boss/nothing gone jean.dupont001/update not_found id not_found id",
			"jean.dupont001/nothing jean.dupont002/nothing zoe.martin001/nothing required first_name boss/nothing gone jean.dupont001/nothing not_found id not_found id",
		} {
			var named []roster.Outcome
			err := c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) (err error) {
				named, err = c.Name(tx, seqs)
				return err
			})
			if err != nil {
				c.t.Fatal(err)
			}
			var got []string
			for _, o := range named {
				if len(o.Faults) > 0 {
					got = append(got, fault(o.Faults))
					continue
				}
				got = append(got, o.Person.Username+"/"+string(o.Change.Action))
				if stored, err := c.Person(c.t.Context(), c.caller, o.Person.ID); err != nil || stored.Username != o.Person.Username || stored.Version != o.Person.Version || stored.Generated != (stored.Username != "boss") {
					c.t.Errorf("stored %+v, %v", stored, err)
				}
			}
			if text := strings.Join(got, " "); text != want {
				c.t.Errorf("got  %s\nwant %s", text, want)
			}
		}
		events, err := c.History(c.t.Context(), c.caller, out[0].Person.ID)
		if err != nil || len(events) != 2 || events[0].Entry.Action != "person.name" || events[0].Entry.Change.Names()[0] != "username" {
			c.t.Errorf("%+v, %v", events, err)
		}
	})
}

// Where the policy gives the bare name first, it does so late, too, but for a name that somebody has.
func TestNamingLateWithoutNumbers(t *testing.T) {
	eachCampus(t, func(c *campus) {
		err := c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
			own, err := tx.Own()
			own.Settings.Usernames.Number = muster.NumberOnClash
			return errors.Join(err, tx.SaveTenant(own))
		})
		if err != nil {
			c.t.Fatal(err)
		}
		jean := muster.Draft{"first_name": "Jean", "last_name": "Dupont"}
		out := c.admit(idt, roster.Admission{Draft: jean}, roster.Admission{Draft: jean})
		err = c.st.Update(c.t.Context(), c.caller.Tenant, func(tx *store.Tx) error {
			named, err := c.Name(tx, []int64{out[0].Person.Seq, out[1].Person.Seq})
			if err == nil && (named[0].Person.Username != "jean.dupont" || named[1].Person.Username != "jean.dupont001") {
				c.t.Errorf("%s and %s", named[0].Person.Username, named[1].Person.Username)
			}
			return err
		})
		if err != nil {
			c.t.Error(err)
		}
	})
}

func TestAdmittingIntoUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("establishment:lycee", "establishment:college")
		school := roster.UnitRef{ID: units["establishment:lycee"].ID}
		in := func(roles ...roster.RoleGrant) []roster.Place {
			return []roster.Place{{Unit: school, Title: ptr("Prof"), Roles: roles}}
		}
		teacher := roster.RoleGrant{Role: "teacher", Secondary: "enseignant", Cycles: []string{"collège", "high"}, Subjects: []string{"latin"}}
		draft := muster.Draft{"first_name": "Ana", "last_name": "Lee", "email": "ana@x.test"}
		for _, step := range []struct {
			name  string
			draft muster.Draft
			joins []roster.Place
			want  string
		}{
			{"InAUnit", draft, in(teacher), "ok: lycee*(Prof)[teacher/enseignant [middle high] [latin]]"},
			{"NoSuchUnit", muster.Draft{"last_name": "B"}, []roster.Place{{Unit: roster.UnitRef{ID: uuid.New()}}}, "not_found joins[0].unit"},
			{"SecondUnitAtFault", muster.Draft{"last_name": "B"}, append(in(), roster.Place{Unit: roster.UnitRef{Code: "nowhere"}}), "not_found joins[1].unit"},
			{"NoSuchRole", muster.Draft{"last_name": "B"}, in(roster.RoleGrant{Role: "pilot"}), "invalid joins[0].roles[0].role"},
			{"NoSuchSecondary", muster.Draft{"last_name": "B"}, in(roster.RoleGrant{Role: "teacher", Secondary: "pilot"}), "invalid joins[0].roles[0].secondary"},
			{"PairThatDoesNotGo", muster.Draft{"last_name": "B"}, in(roster.RoleGrant{Role: "teacher", Secondary: "secretaire"}), "invalid joins[0].roles[0].secondary"},
			{"NoSecondaryForStudents", muster.Draft{"last_name": "B"}, in(roster.RoleGrant{Role: "student", Secondary: "enseignant"}), "invalid joins[0].roles[0].secondary"},
			{"NoSuchCycle", muster.Draft{"last_name": "B"}, in(roster.RoleGrant{Role: "student", Cycles: []string{"primaire", "kindergarten"}}), "invalid joins[0].roles[0].cycles"},
			{"AllFaultsAtOnce", muster.Draft{"last_name": "B", "email": "ANA@x.test", "birth_date": "x"}, in(roster.RoleGrant{Role: "pilot"}), "invalid birth_date, conflict email, invalid joins[0].roles[0].role"},
			{"PersonAtFault", muster.Draft{"last_name": "B", "email": "ANA@x.test"}, in(teacher), "conflict email"},
			{"DeletedByJoining", muster.Draft{"last_name": "B", "state": "deleted"}, in(), "invalid state"},
			{"NoUnit", muster.Draft{"last_name": "C"}, nil, "ok: "},
			{"InTwo", muster.Draft{"last_name": "D"}, append(in(), roster.Place{Unit: roster.UnitRef{Code: "college"}, Primary: ptr(true)}), "ok: lycee(Prof) college*"},
		} {
			before, after := c.staff(), 0
			woken := len(c.woken())
			out := c.admit(idt, roster.Admission{Draft: muster.Draft{"last_name": "Before " + step.name}}, roster.Admission{Draft: step.draft, Joins: step.joins}, roster.Admission{Draft: muster.Draft{"last_name": "After"}})
			if out[0].Err != nil || out[2].Err != nil {
				c.t.Errorf("%s: the others: %v %v", step.name, out[0].Err, out[2].Err)
			}
			got := ""
			if after = c.staff() - before; out[1].Err != nil {
				got = fault(muster.Faults(out[1].Err))
			} else {
				got, after = "ok: "+c.shown(out[1].Person.ID), after-1
			}
			if got != step.want || after != 2 {
				c.t.Errorf("%s: %s (%d others), want %s", step.name, got, after, step.want)
			}
			if n := len(c.woken()) - woken; n != 2 && out[1].Err != nil || n != 3 && out[1].Err == nil {
				c.t.Errorf("%s: accounts of %d people were looked at", step.name, n)
			}
		}
		entries := c.recorded("person")
		if got := entries[1]; !strings.HasPrefix(got, "person.create") || !strings.Contains(got, " email first_name ") || !strings.Contains(got, "units.establishment:lycee.roles.teacher+enseignant.cycles") {
			c.t.Errorf("recorded as %s", got)
		}
	})
}

// staff is how many people there are.
func (c *campus) staff() int {
	c.t.Helper()
	n, err := c.CountPeople(c.t.Context(), c.caller, roster.Query{})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// Changing somebody together with their units is one thing: it is done, or nothing of it is.
func TestChangingWithUnits(t *testing.T) {
	eachCampus(t, func(c *campus) {
		c.grow("establishment:lycee")
		ana := c.admit(idt, roster.Admission{Draft: muster.Draft{"last_name": "Lee", "phones.mobile": "+1"}})[0].Person
		c.admit(idt, roster.Admission{Draft: muster.Draft{"last_name": "Other", "phones.mobile": "+2"}})
		for _, step := range []struct {
			name string
			wish roster.Wish
			want string
		}{
			{"Both", roster.Wish{Draft: muster.Draft{"last_name": "Li"}, Joins: []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Roles: []roster.RoleGrant{{Role: "teacher"}}}}}, "Li lycee*[teacher/ [] []] 2 fields 3"},
			{"Again", roster.Wish{Draft: muster.Draft{"last_name": "Li"}, Joins: []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Roles: []roster.RoleGrant{{Role: "teacher"}}}}}, "Li lycee*[teacher/ [] []] 2 fields 0"},
			{"OnlyTheUnit", roster.Wish{Joins: []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Title: ptr("Prof")}}}, "Li lycee*(Prof)[teacher/ [] []] 2 fields 1"},
			{"UnitAtFault", roster.Wish{Draft: muster.Draft{"last_name": "Lo"}, Joins: []roster.Place{{Unit: roster.ParseUnitRef("nowhere")}}}, "not_found joins[0].unit"},
			{"PhoneOfAnother", roster.Wish{Draft: muster.Draft{"last_name": "Lo", "phones.mobile": "+2"}, Joins: []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Title: ptr("X")}}}, "conflict phones.mobile"},
			{"Stale", roster.Wish{Version: 1, Draft: muster.Draft{"last_name": "Lo"}, Joins: []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Title: ptr("X")}}}, "stale"},
		} {
			step.wish.Person = ana.ID
			out, err := c.ChangeWith(c.t.Context(), c.caller, idt, []roster.Wish{step.wish})
			if err != nil {
				c.t.Fatal(err)
			}
			got := ""
			if out[0].Err != nil {
				got = fault(muster.Faults(out[0].Err))
			} else {
				got = fmt.Sprintf("%s %s %d fields %d", out[0].Person.LastName, c.shown(ana.ID), out[0].Person.Version, len(out[0].Change.Fields))
			}
			if got != step.want {
				c.t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
		if p, err := c.Person(c.t.Context(), c.caller, ana.ID); err != nil || p.LastName != "Li" || c.shown(ana.ID) != "lycee*(Prof)[teacher/ [] []]" {
			c.t.Errorf("in the end %+v %s, %v", p.LastName, c.shown(ana.ID), err)
		}
	})
}
