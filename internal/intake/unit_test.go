package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// club makes a unit of a kind that has no catalogue.
func (h *house) club(code string) muster.Unit {
	h.t.Helper()
	out, err := h.roster.CreateUnits(h.t.Context(), h.caller, []roster.NewUnit{{Kind: "club", Code: code, Name: code}})
	if err != nil || len(out[0].Faults) > 0 {
		h.t.Fatal(err, out)
	}
	return out[0].Unit
}

// places says in which units everybody is, with their roles.
func (h *house) places() []string {
	h.t.Helper()
	people := h.people()
	ids := make([]uuid.UUID, len(people))
	for i := range people {
		ids[i] = people[i].ID
	}
	belongings, err := h.roster.BelongingsOf(h.t.Context(), h.caller, ids)
	if err != nil {
		h.t.Fatal(err)
	}
	list := make([]string, len(people))
	for i, b := range belongings {
		list[i] = people[i].Email
		for _, m := range b.Memberships {
			list[i] += " " + m.Unit.Code
			for _, a := range m.Assignments {
				list[i] += fmt.Sprintf(":%s/%s%v%v", a.Role, a.Secondary, a.Cycles, a.Subjects)
			}
		}
	}
	return list
}

func TestEverybodyJoinsTheUnit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				tennis, chess := h.club("tennis"), h.club("chess")
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				file := "email,last_name,role,secondary role,cycles,subjects,club\n" +
					"a@x.test,A,player,captain,\"young, old\",serve,\n" +
					"b@x.test,B,,,,,tennis\n" +
					"c@x.test,C,player,,,,CLUB:tennis\n" +
					"d@x.test,D,player,,,," + strings.ToUpper(tennis.ID.String()) + "\n" +
					"e@x.test,E,player,,,,chess\n" +
					"f@x.test,F,player,,,,\"tennis, chess\"\n" +
					"g@x.test,G," + strings.Repeat("x", 65) + ",,,,\n"
				u := intake.Upload{Unit: roster.UnitRef{ID: tennis.ID}, Mapping: map[string]string{"club": "unit"}}
				b := do(file, u)
				want := []string{
					"2 created", "3 created", "4 created", "5 created",
					`6 failed club: Everybody in this file joins tennis, and this row names "chess".`, `7 failed club: Everybody in this file joins tennis, and this row names "chess".`,
					"8 failed role: At most 64 characters fit here.",
				}
				if got := h.told(b); !slices.EqualFunc(got, want, isTold) {
					t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if b.Unit != tennis.Seq {
					t.Errorf("the batch is for unit %d, want %d", b.Unit, tennis.Seq)
				}
				places := []string{"a@x.test tennis:player/captain[young old][serve]", "b@x.test tennis", "c@x.test tennis:player/[][]", "d@x.test tennis:player/[][]"}
				if got := h.places(); !slices.Equal(got, places) {
					t.Errorf("places %q, want %q", got, places)
				}
				if again := do(file, u); again.Counts.Unchanged != 4 {
					t.Errorf("again: %+v", again.Counts)
				}
				elsewhere := do("email,role\na@x.test,player\n", intake.Upload{Unit: roster.UnitRef{Kind: "club", Code: "chess"}})
				if got := h.places()[0]; elsewhere.Counts.Updated != 1 || elsewhere.Unit != chess.Seq || got != places[0]+" chess:player/[][]" {
					t.Errorf("in another unit too: %+v %q", elsewhere.Counts, got)
				}
				retried, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.CarryIt)
				if err != nil {
					t.Fatal(err)
				}
				if retried = h.wait(retried); retried.Unit != tennis.Seq || retried.Counts.Failed != 3 || !strings.Contains(h.told(retried)[0], "joins tennis") {
					t.Errorf("tried again: unit %d, %v", retried.Unit, h.told(retried))
				}
			})
		}
		t.Run("NoSuchUnit", func(t *testing.T) {
			h := all.in(t)
			for _, ref := range []roster.UnitRef{{ID: uuid.New()}, {Kind: "club", Code: "golf"}} {
				if _, err := h.upload("email\na@x.test\n", intake.Upload{Unit: ref, Then: batch.CarryIt}); muster.CodeOf(err) != muster.NotFound {
					t.Errorf("unit %s gives %v", ref, err)
				}
			}
			list, err := h.engine.List(t.Context(), h.caller, "", "", 0, 10)
			if err != nil || len(list) != 0 {
				t.Errorf("%d batches are left, %v", len(list), err)
			}
		})
	})
}

// Where accounts are ordered, an import makes none and names nobody.
func TestAccountsAreAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		view := h.aim("")
		target := h.target
		h.target = nil // nothing follows, so nothing is waited for
		u := intake.Upload{AccountsAsked: true, Rules: roster.AdmitOptions{NoUsername: true}}
		b := h.run(three, u)
		if b.Counts.Created != 3 {
			t.Fatalf("%v", h.told(b))
		}
		cancelled, err := h.upload(three, u)
		if err == nil {
			_, err = h.engine.Cancel(t.Context(), h.caller, cancelled.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []store.BatchRow{b, cancelled} {
			if following, ok, err := h.engine.Following(t.Context(), h.caller, b); ok || err != nil {
				t.Errorf("a batch follows: %+v %v", following, err)
			}
		}
		for _, p := range h.people() {
			if p.Username != "" {
				t.Errorf("%s is called %s", p.Shown(), p.Username)
			}
		}
		// Others' imports go on as ever, and owe people without a username nothing.
		h.target = target
		h.run("email,last_name\nnew@school.test,New\n", intake.Upload{})
		if accounts := target.Accounts(); len(accounts) != 1 || accounts[0].Username != "new001" {
			t.Errorf("accounts on %s: %+v", view.Name, accounts)
		}
	})
}

// The first row of somebody wins, in the same chunk and in a later one, whether they are new or known; the others say so, and which row it was.
func TestRepeatedAddressesAndPhones(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				h.run("email,last_name,mobile\nknown@x.test,Known,+33 1 11 11 11 11\nother@x.test,Other,+33 1 22 22 22 22\n", intake.Upload{Rules: roster.AdmitOptions{ClaimPhone: true}})
				var file strings.Builder
				file.WriteString("Mail,last_name,Numéro\nknown@x.test,Known,\nnew@x.test,New,0\nKNOWN@x.test,Twice,\nNew@x.test,Twice,\n")
				for i := range 5_000 {
					fmt.Fprintf(&file, "p%d@x.test,P,\n", i)
				}
				file.WriteString("known@x.test,Thrice,\nnew@x.test,Thrice,\nx@x.test,X,+33 (1) 11.11-11.11\nother@x.test,Other,+33111111111\ny@x.test,Y,0033 5\nz@x.test,Z,00335\nfree@x.test,Free,+33 5\n")
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				b := do(file.String(), intake.Upload{Rules: roster.AdmitOptions{ClaimPhone: true}, Mapping: map[string]string{"Numéro": "phones.mobile"}})
				failed, total, err := h.engine.Page(t.Context(), h.caller, b, []batch.ItemOutcome{batch.OutcomeFailed}, 0, 20)
				if err != nil || total != len(failed) {
					t.Fatal(total, err)
				}
				want := []struct {
					row           int
					field, column string
					says          string
				}{
					{4, "email", "Mail", "row 2"},
					{5, "email", "Mail", "row 3"},
					{5006, "email", "Mail", "row 2"},
					{5007, "email", "Mail", "row 3"},
					{5008, "phones.mobile", "Numéro", "Known"},
					{5009, "phones.mobile", "Numéro", "Known"},
					{5011, "phones.mobile", "Numéro", "row 5010"},
					{5012, "phones.mobile", "Numéro", "row 5010"},
				}
				for i, item := range failed {
					if i >= len(want) {
						t.Errorf("row %d failed: %v", item.Row, item.Reasons)
						continue
					}
					w, r := want[i], item.Reasons[0]
					if item.Row != w.row || len(item.Reasons) != 1 || r.Code != muster.Conflict || r.Field != w.field || r.Column != w.column || !strings.Contains(r.Message, w.says) {
						t.Errorf("row %d: %s of %s in column %q: %v, want row %d about %s in column %q with %q", item.Row, r.Code, r.Field, r.Column, item.Reasons, w.row, w.field, w.column, w.says)
					}
				}
				if len(failed) != len(want) || b.Counts.Created != 5_002 || b.Counts.Unchanged != 1 {
					t.Errorf("%d rows failed; counts %+v", len(failed), b.Counts)
				}
			})
		}
	})
}
