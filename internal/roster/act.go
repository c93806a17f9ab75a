package roster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// acting is wishes being carried out in one transaction.
type acting struct {
	tx      *store.Tx
	caller  muster.Caller
	action  string
	rules   Rules
	wishes  []Wish
	results []Result
	ops     []Op
	links   []link
	of      []int // of each link: its wish
}

// act carries wishes out in one transaction, with the record of each and the job that follows.
func (r *Roster) act(ctx context.Context, caller muster.Caller, action string, o AdmitOptions, wishes []Wish) ([]Result, error) {
	if goesTogether(caller, action, wishes) {
		result, alone, err := r.enrolTogether(ctx, &caller, o, wishes[0].Draft)
		if !alone {
			return []Result{result}, err
		}
	}
	return r.actAlone(ctx, caller, action, o, wishes)
}

// actAlone is act in a transaction that nobody else's wishes are in.
func (r *Roster) actAlone(ctx context.Context, caller muster.Caller, action string, o AdmitOptions, wishes []Wish) ([]Result, error) {
	var results []Result
	err := r.changeFew(ctx, caller, func(tx *store.Tx, b *Bounds) error {
		tenant, err := tx.Own()
		if err != nil {
			return err
		}
		a := &acting{tx: tx, caller: caller, action: action, rules: o.Rules(tenant.Settings), wishes: wishes, results: make([]Result, len(wishes))}
		results, a.rules.Bounds = a.results, b
		for _, step := range []func() error{a.findPeople, a.boundPasswords, a.findPlaces} {
			if err := step(); err != nil {
				return err
			}
		}
		outcomes, err := r.Carry(tx, a.rules, a.ops)
		if err != nil {
			return err
		}
		for i, out := range outcomes {
			if a.results[i].Err == nil {
				a.results[i] = Result{Person: out.Person, Change: out.Change, Err: append(slices.Clone(wishes[i].Faults), out.Faults...).Or()}
			}
		}
		if err := r.explain(a); err != nil {
			return err
		}
		if err := a.join(); err != nil {
			return err
		}
		if err := a.setPasswords(); err != nil {
			return err
		}
		deeds := make([]deed, len(a.results))
		for i := range deeds {
			deeds[i] = deed{&a.caller, &a.results[i]}
		}
		return r.record(tx, action, deeds)
	})
	return results, err
}

// findPeople finds the people that wishes name. One that is not there has its result at once, and its op is passed over.
func (a *acting) findPeople() error {
	ids := make([]uuid.UUID, 0, len(a.wishes))
	for _, w := range a.wishes {
		if w.Person != uuid.Nil {
			ids = append(ids, w.Person)
		}
	}
	found, err := a.tx.PeopleByID(ids)
	if err != nil {
		return err
	}
	if err := a.rules.Bounds.forget(a.tx, found); err != nil {
		return err
	}
	a.ops = make([]Op, len(a.wishes))
	for i, w := range a.wishes {
		p, known := found[w.Person]
		if a.action != "person.create" && !known {
			a.results[i].Err = muster.Errorf(muster.NotFound, "id", "There is no person %s.", w.Person)
			a.ops[i] = Op{Person: -1}
			continue
		}
		a.ops[i] = Op{Person: p.Seq, Draft: w.Draft, Guard: w.Version, Adapt: w.Adapt, Refused: len(w.Faults) > 0}
		if a.rules.Bounds != nil && p.Seq == 0 && len(w.Joins) == 0 {
			a.results[i].Err = muster.Errorf(muster.Forbidden, "joins", "Who may change people of some units only enrols people into one of these. Name the unit.")
			a.ops[i] = Op{Person: -1}
		}
	}
	return nil
}

// findPlaces finds the units that wishes name and tries the memberships out: a wish with a fault there is not carried out at all.
func (a *acting) findPlaces() error {
	var refs []UnitRef
	for i, w := range a.wishes {
		if a.results[i].Err != nil {
			continue
		}
		if state, _ := w.Draft["state"].(string); len(w.Joins) > 0 && strings.EqualFold(strings.TrimSpace(state), string(muster.Deleted)) {
			a.refuse(i, "", muster.Errors{muster.Errorf(muster.Invalid, "state", "Nobody joins a unit by being deleted.")})
			continue
		}
		for n, place := range w.Joins {
			person := a.ops[i].Person
			if person == 0 {
				person = int64(-i) - 1
			}
			refs = append(refs, place.Unit)
			a.of = append(a.of, i)
			a.links = append(a.links, link{at: fmt.Sprintf("joins[%d].", n), person: person, bounds: a.rules.Bounds, want: want{primary: place.Primary, title: place.Title, roles: place.Roles, instead: place.Instead}})
		}
	}
	if len(a.links) == 0 {
		return nil
	}
	units, err := findUnits(a.tx, refs)
	if err != nil {
		return err
	}
	units.hideFrom(a.rules.Bounds)
	tried := make([]link, len(a.links))
	for n := range a.links {
		l := &a.links[n]
		var fault *muster.Error
		l.unit, fault = units.find("unit", refs[n])
		l.faults = append(appendFault(nil, fault), l.check()...)
		tried[n] = *l
	}
	if err := applyLinks(a.tx, tried, true); err != nil {
		return err
	}
	for n, l := range tried {
		a.refuse(a.of[n], l.at, l.faults)
	}
	return nil
}

// refuse has a wish not carried out, because of faults of a place.
func (a *acting) refuse(i int, at string, faults muster.Errors) {
	if len(faults) == 0 {
		return
	}
	all := muster.Errors{}
	if a.results[i].Err != nil {
		all = muster.Faults(a.results[i].Err)
	}
	for _, f := range faults {
		f.Field = at + f.Field
		all = append(all, f)
	}
	a.results[i].Err = all
	a.ops[i].Person = -1
}

// explain adds to the faults of places those of the people themselves, so that all are told at once.
func (r *Roster) explain(a *acting) error {
	var refused []int
	var ops []Op
	for n, i := range a.of {
		if a.results[i].Err == nil || a.ops[i].Person != -1 || slices.Contains(refused, i) {
			continue
		}
		refused = append(refused, i)
		ops = append(ops, Op{Person: max(a.links[n].person, 0), Draft: a.wishes[i].Draft, Guard: a.wishes[i].Version})
	}
	if len(ops) == 0 {
		return nil
	}
	rules := a.rules
	rules.DryRun = true
	outcomes, err := r.Carry(a.tx, rules, ops)
	if err != nil {
		return err
	}
	for n, i := range refused {
		a.results[i].Err = append(outcomes[n].Faults, muster.Faults(a.results[i].Err)...)
	}
	return nil
}

// join puts those who were written into their units.
func (a *acting) join() error {
	var links []link
	var of []int
	for n, l := range a.links {
		i := a.of[n]
		if a.results[i].Err != nil {
			continue
		}
		l.person, l.id = a.results[i].Person.Seq, a.results[i].Person.ID
		links, of = append(links, l), append(of, i)
	}
	if len(links) == 0 {
		return nil
	}
	if err := applyLinks(a.tx, links, false); err != nil {
		return err
	}
	for n := range links {
		if len(links[n].faults) > 0 { // it had none when it was tried, in this transaction
			return fmt.Errorf("%w: place of person %d: %v", store.ErrClash, links[n].person, links[n].faults)
		}
		result := &a.results[of[n]]
		result.Change = together(result.Change, links[n].change)
	}
	return nil
}

// deed is what came of somebody's wish.
type deed struct {
	caller *muster.Caller
	result *Result
}

// record writes what was done into the history and has the accounts looked at.
func (r *Roster) record(tx *store.Tx, action string, deeds []deed) error {
	var entries []muster.AuditEntry
	touched := map[cause][]int64{}
	for _, d := range deeds {
		if d.result.Err != nil || d.result.Change.Empty() {
			continue
		}
		p := &d.result.Person
		entry := entryOf(*d.caller, action, "person "+p.ID.String(), d.result.Change)
		entry.Person = p.Seq
		entries = append(entries, entry)
		by := causeOf(*d.caller)
		touched[by] = append(touched[by], p.Seq)
	}
	if err := tx.Audit(entries); err != nil {
		return err
	}
	for by, people := range touched {
		if err := r.wakeFor(tx, by, people); err != nil {
			return err
		}
	}
	return nil
}

// together is the change of a person and of what they belong to as one.
func together(of, places muster.Change) muster.Change {
	if places.Empty() {
		return of
	}
	if of.Empty() {
		return places
	}
	of.Fields = append(slices.Clone(of.Fields), places.Fields...)
	slices.SortStableFunc(of.Fields, func(x, y muster.FieldChange) int { return strings.Compare(x.Field, y.Field) })
	return of
}
