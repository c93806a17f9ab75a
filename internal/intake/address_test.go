package intake_test

import (
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// What Microsoft 365 has its administrators fill in.
const microsoft365 = "Username,First name,Last name,Display name,Job title,Department,Office number,Office phone,Mobile phone,Fax,Alternate email address,Address,City,State or province,ZIP or postal code,Country or region\n"

func TestUsernamesThatAreAddresses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, c := range []struct {
			name, file string
			noted      bool
			email      string
		}{
			{"Microsoft365", microsoft365 + "Chris@contoso.test,Chris,Green,Chris Green,Manager,IT,123451,,,,chris@home.test,1 Way,Redmond,WA,98052,United States\n", true, "Chris@contoso.test"},
			{"PrincipalName", "User principal name,Display name\nchris@contoso.test,Chris Green\n", true, "chris@contoso.test"},
			{"Plain", "User name,Display name\nchris,Chris Green\n", false, ""},
			{"Some", "User name,Display name\nchris@contoso.test,Chris Green\nben,Ben\n", false, ""},
			{"OwnAddress", "User name,Mail,Display name\nchris@contoso.test,c@x.test,Chris Green\n", false, "c@x.test"},
			{"NoMailbox", "User name,Display name\nchris@.contoso.test,Chris Green\n", true, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := all.in(t)
				b := h.run(c.file, intake.Upload{})
				o, err := intake.OptionsOf(b)
				noted := false
				for _, n := range o.Notes {
					noted = noted || strings.Contains(n.Message, "The usernames are addresses and are taken as e-mail addresses too.")
				}
				if p := h.people(); err != nil || b.Counts.Failed != 0 || noted != c.noted || p[0].Email != c.email {
					t.Errorf("noted %v, e-mail %q, %v, %v", noted, p[0].Email, h.told(b), err)
				}
				again := h.planned(c.file, intake.Upload{})
				if again.Counts.Unchanged != again.Total {
					t.Errorf("again: %v", h.told(again))
				}
				if c.email == "" {
					return
				}
				later := h.run("email,last_name\n"+strings.ToUpper(c.email)+",Brown\n", intake.Upload{})
				if later.Counts.Updated != 1 || h.people()[0].LastName != "Brown" {
					t.Errorf("by address: %v", h.told(later))
				}
			})
		}
	})
}

// Who is known by the username keeps their own address, and who is known by the address is found by it.
func TestUsernamesThatAreAddressesOfPeopleWhoAreHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				h.run("username,email,last_name\na@x.test,own@x.test,A\nb@x.test,,B\n,c@x.test,C\n", intake.Upload{Matching: muster.CreateOnly})
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				b := do("User name,Last name\na@x.test,A\nb@x.test,B\nc@x.test,C\nown@x.test,A\n", intake.Upload{})
				want := []string{"2 unchanged", "3 updated", "4 updated", "5 failed This is the same person as row 2"}
				for i, got := range h.told(b) {
					if !isTold(got, want[i]) {
						t.Errorf("got %s, want %s", got, want[i])
					}
				}
				if p := h.people(); len(p) != 3 || p[0].Email != "own@x.test" || p[1].Email != "b@x.test" || p[2].Username != "c@x.test" {
					t.Errorf("people %+v", p)
				}
			})
		}
	})
}
