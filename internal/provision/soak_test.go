package provision_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/store"
)

// Whatever happens to people while targets fail, lose answers, ask to wait and go down: once the trouble is over, every target has what is wanted,
// nobody has two accounts, and no stranger was touched.
func TestAfterAnyTroubleTargetsAreAsWanted(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			eachYard(t, func(y *yard) {
				random := rand.New(rand.NewPCG(seed, 7))
				const policy = `{"attempts":100}`
				spies := []*spy{y.aim(marked, policy), y.aim(marked, `{"attempts":100,"on_delete":"delete"}`), y.aim(unmarked, policy)}
				for _, s := range spies {
					s.Plant(connector.Account{ExternalID: "stranger", Username: "jean.dupont002", Enabled: true})
				}
				var people []store.PersonRow
				for step := range 20 {
					for n, s := range spies {
						s.Set(trouble(random, int64(step+n)))
					}
					y.happen(random, &people, step)
					if random.IntN(3) == 0 {
						y.until("it is followed", y.followed)
					}
					y.clock.Advance(time.Duration(random.IntN(3000)) * time.Millisecond)
					if err := y.provision.Sweep(y.t.Context()); err != nil {
						y.t.Fatal(err)
					}
				}
				for _, s := range spies {
					s.Set(faultsNone)
				}
				y.until("all is delivered", func() bool {
					y.clock.Advance(time.Minute)
					done := y.followed()
					for _, b := range y.batches() {
						done = done && b.State.Final()
					}
					return done
				})
				y.audit()
				y.compare(spies, people)
			})
		})
	}
}

func trouble(random *rand.Rand, seed int64) rehearsal.Faults {
	f := rehearsal.Faults{Seed: seed}
	switch random.IntN(6) {
	case 0:
		f.Down = true
	case 1:
		f.LimitEvery = 5
	case 2, 3:
		f.FailAfterCommitPercent = 50
	case 4:
		f.FailBeforeCommitPercent = 50
	}
	return f
}

// happen does something to somebody.
func (y *yard) happen(random *rand.Rand, people *[]store.PersonRow, step int) {
	y.t.Helper()
	if len(*people) < 4 || random.IntN(4) == 0 {
		*people = append(*people, y.enrol(fmt.Sprintf("first_name=Jean last_name=Dupont email=p%d@x.test", step))...)
		return
	}
	p := y.person((*people)[random.IntN(len(*people))])
	texts := []string{fmt.Sprint("last_name=N", step), fmt.Sprint("username=n", step), "state=suspended", "state=archived", "state=deleted", fmt.Sprintf("email=q%d@x.test", step)}
	text := texts[random.IntN(len(texts))]
	if p.State != muster.Active {
		text = "state=active"
	}
	y.change(p, text)
}

// compare holds what stands at targets to what is wanted of people.
func (y *yard) compare(spies []*spy, people []store.PersonRow) {
	y.t.Helper()
	for n, s := range spies {
		owner := map[string]store.PersonRow{}
		for _, p := range people {
			p = y.person(p)
			owner[p.Username] = p
			a, ok := s.account(p.Username)
			if a.ExternalID == "stranger" {
				a, ok = connector.Account{}, false // theirs, whatever the name
			}
			switch {
			case p.State == muster.Active && (!ok || !a.Enabled || a.Attributes["email"] != p.Email || a.Attributes["last_name"] != p.LastName):
				y.t.Errorf("target %d: %s %q is to have an account: %+v %v; %+v", n, p.State, p.Username, a, ok, y.accountOn(p, s))
			case p.State != muster.Active && a.Enabled:
				y.t.Errorf("target %d: %s %q is to have none that works: %+v", n, p.State, p.Username, a)
			case n == 1 && p.State == muster.Deleted && ok:
				y.t.Errorf("target %d: the account of %q is to be gone: %+v", n, p.Username, a)
			case n < 2 && ok && a.Marker != p.ID.String():
				y.t.Errorf("target %d: %q carries the marker of somebody else: %+v", n, p.Username, a)
			}
		}
		for _, a := range s.Accounts() {
			if _, ours := owner[a.Username]; !ours && a.ExternalID != "stranger" {
				y.t.Errorf("target %d: the account %q is nobody's: %+v", n, a.Username, a)
			}
		}
		if a, _ := s.Account("stranger"); a.Username != "jean.dupont002" || !a.Enabled || a.Marker != "" || len(a.Attributes) > 0 {
			y.t.Errorf("target %d: the stranger's account was written: %+v", n, a)
		}
	}
}

func (y *yard) accountOn(p store.PersonRow, s *spy) (found store.AccountRow) {
	y.t.Helper()
	err := y.store.View(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) error {
		accounts, err := tx.AccountsOfPeople([]int64{p.Seq})
		for _, a := range accounts[p.Seq] {
			if a.Target == s.view.Seq {
				found = a
			}
		}
		return err
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return found
}
