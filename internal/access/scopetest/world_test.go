// Package scopetest holds the law of scoped grants over everything that floor 2 offers: what a caller may do whose rights end at some units. It has
// tests only; the rules themselves are in internal/access/over.go.
package scopetest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/connector/all"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// world is a tenant with two schools, mine and other, the first of which has a class. Ann is in mine, bob in other, sam in both, and nil in none.
type world struct {
	*testing.T
	store     *store.Store
	engine    *batch.Engine
	roster    *roster.Roster
	intake    *intake.Intake
	provision *provision.Provision
	admin     muster.Caller

	mine, class, other muster.Unit
	club               muster.Group
	ann, bob, sam, nil roster.Person
	target             provision.TargetView

	done    batch.Batch // an import for mine, which has ended
	ordered provision.OrderView
}

func open(t *testing.T, st *store.Store) *world {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	o := queue.Options{Engine: string(st.Engine()), DSN: st.DSN(), Log: log, Workers: map[string]int{batch.Lane: 2, provision.FollowLane: 1, provision.DeliverLane: 1}}
	if st.Engine() == store.SQLite {
		o.Writer = st.Handle()
	}
	q, err := queue.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: st, admin: muster.Caller{Tenant: storetest.Tenant, Name: "key:admin", Surface: "native", Grants: muster.AdminScope.Grants()}}
	w.engine, w.roster = batch.New(st, q, secret.NewKey(), log), roster.New(st, q)
	w.intake = intake.New(st, w.engine, w.roster)
	w.provision = provision.New(provision.Options{Store: st, Queue: q, Roster: w.roster, Key: secret.NewKey(), Kinds: all.Kinds(), Log: log})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, w.provision.Close(), q.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	w.fill()
	return w
}

func (w *world) fill() {
	w.Helper()
	units, err := w.roster.CreateUnits(w.Context(), w.admin, []roster.NewUnit{
		{Kind: "school", Code: "mine", Name: "Mine"},
		{Kind: "class", Code: "6A", Name: "6A", Parent: roster.UnitRef{Kind: "school", Code: "mine"}},
		{Kind: "school", Code: "other", Name: "Other"},
	})
	w.must(err)
	w.mine, w.class, w.other = units[0].Unit, units[1].Unit, units[2].Unit
	groups, err := w.roster.CreateGroups(w.Context(), w.admin, []roster.NewGroup{{Code: "club", Label: "Club"}})
	w.must(err)
	w.club = groups[0].Group
	w.ann, w.bob, w.sam, w.nil = w.person("ann", w.mine), w.person("bob", w.other), w.person("sam", w.mine, w.other), w.person("nil")
	config, err := json.Marshal(map[string]any{"instance": uuid.NewString()})
	w.must(err)
	w.target, err = w.provision.CreateTarget(w.Context(), w.admin, provision.NewTarget{Name: "rehearsal", Kind: "rehearsal", Config: config})
	w.must(err)
	w.done = w.wait(w.upload(w.admin, w.mine, batch.CarryIt, "email,last_name\n"+uuid.NewString()+"@x.test,Done\nbad,Bad\n"))
	w.ordered = w.order(w.done)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// person enrols somebody into units.
func (w *world) person(name string, units ...muster.Unit) roster.Person {
	w.Helper()
	a := roster.Admission{Draft: muster.Draft{"first_name": name, "last_name": name, "email": name + uuid.NewString() + "@x.test"}}
	for _, u := range units {
		a.Joins = append(a.Joins, roster.Place{Unit: roster.UnitRef{ID: u.ID}, Roles: []roster.RoleGrant{{Role: "player"}}})
	}
	out, err := w.roster.Admit(w.Context(), w.admin, roster.AdmitOptions{}, []roster.Admission{a})
	w.must(err)
	w.must(out[0].Err)
	return out[0].Person
}

func (w *world) upload(caller muster.Caller, unit muster.Unit, then batch.Then, content string) batch.Batch {
	w.Helper()
	b, err := w.intake.Receive(w.Context(), caller, strings.NewReader(content), intake.Upload{Name: "p.csv", Unit: roster.UnitRef{ID: unit.ID}, Then: then, AccountsAsked: true})
	w.must(err)
	return b
}

func (w *world) wait(b batch.Batch) batch.Batch {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), storetest.Patience)
	defer cancel()
	w.must(w.engine.Watch(ctx, w.admin, b.ID, 5*time.Millisecond, func(now batch.Batch) error { b = now; return nil }))
	return b
}

func (w *world) order(b batch.Batch) provision.OrderView {
	w.Helper()
	v, err := w.provision.Order(w.Context(), w.admin, b.ID)
	w.must(err)
	return v
}

// resting is an import for mine that waits to be planned or run.
func (w *world) resting() batch.Batch {
	w.Helper()
	return w.upload(w.admin, w.mine, batch.Rest, "email,last_name\n"+uuid.NewString()+"@x.test,Rest\n")
}

// over is a caller with privileges over one unit and all below.
func over(unit muster.Unit, privileges ...muster.Privilege) muster.Caller {
	c := muster.Caller{Tenant: storetest.Tenant, Name: "login:" + unit.Code, Surface: "native"}
	for _, p := range privileges {
		c.Grants = append(c.Grants, muster.Grant{Privilege: p, Scope: muster.UnitScope, Object: unit.Seq})
	}
	return c
}

func writer(unit muster.Unit) muster.Caller { return over(unit, muster.ReadPeople, muster.WritePeople) }
