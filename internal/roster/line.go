package roster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Requests that enrol one person each come in crowds, and most of what a transaction costs it costs once, whether it enrols one person or fifty. So
// while transactions of such requests are under way, those who arrive stand in line, and the next transaction takes all of them. Whoever arrives while
// nothing is under way goes at once, but for the moment in which those are expected back who have just been answered. Each has faults and a record of
// their own; where a transaction as a whole comes to nothing, each of its requests is carried out alone, so that none fails because of another one.

// lines are the requests that wait, by what they must have in common.
type lines struct {
	mu   sync.Mutex
	of   map[lineKey]*line // those in which somebody is
	took time.Duration     // what the last transaction took
}

// lineKey is what requests have in common that share a transaction.
type lineKey struct {
	tenant  int64
	options AdmitOptions
}

type line struct {
	waiting []*arrival
	workers int
	expects *expected // nil while nobody waits for others to come
}

// expected are those whom a transaction waits for.
type expected struct {
	there int           // how many stand in line when all have come
	come  chan struct{} // closed then
}

const (
	mostTogether = 64 // requests in one transaction
	workersMost  = 2  // transactions of one line at the same time

	// long is what a transaction takes that mostly waits, for a slow disk or a database that is far away: then another one may go on beside it. Else one
	// at a time is better, because more requests share it.
	long = 8 * time.Millisecond

	// patience is how long a transaction waits at the most for those to come back who have just been answered, and never longer than the last one took.
	patience = time.Millisecond
)

// workers is how many transactions of a line may go on at the same time.
func (s *lines) workers() int {
	if s.took < long {
		return 1
	}
	return workersMost
}

// arrival is a request in a line.
type arrival struct {
	ctx    context.Context
	caller *muster.Caller
	draft  muster.Draft

	ride   *ride // once its work begins; guarded by lines.mu
	result Result
	err    error         // nobody knows whether it was done
	alone  bool          // nothing was done for it: it is to be carried out alone
	done   chan struct{} // closed when result, err or alone is known
}

// ride is a transaction of several arrivals. It is given up when none of them waits for it any longer.
type ride struct {
	left   int // how many of them wait
	cancel context.CancelFunc
}

// goesTogether says whether wishes are of the kind that may share a transaction with those of others: to enrol one person who has nothing but their own
// fields, by somebody whose rights have no bounds.
func goesTogether(caller muster.Caller, action string, wishes []Wish) bool {
	if action != "person.create" || len(wishes) != 1 || access.Can(caller, muster.WritePeople) != nil {
		return false
	}
	w := &wishes[0]
	return len(w.Joins) == 0 && len(w.Faults) == 0 && w.Adapt == nil && w.PasswordHash == ""
}

// enrolTogether enrols somebody together with others who arrive at the same time. It says with alone that nothing was done, and that act is to do it.
func (r *Roster) enrolTogether(ctx context.Context, caller *muster.Caller, o AdmitOptions, draft muster.Draft) (result Result, alone bool, err error) {
	if err := ctx.Err(); err != nil {
		return Result{}, false, err
	}
	a := &arrival{ctx: ctx, caller: caller, draft: draft, done: make(chan struct{})}
	r.arrive(lineKey{caller.Tenant, o}, a)
	select {
	case <-a.done:
		return a.result, a.alone, a.err
	case <-ctx.Done():
	}
	if !r.lines.leave(a) { // its work has not begun, and will not
		return Result{}, false, ctx.Err()
	}
	<-a.done // whoever is told that nothing was done may have it done again
	return a.result, a.alone, a.err
}

// arrive puts a request in its line, and has somebody work there.
func (r *Roster) arrive(key lineKey, a *arrival) {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	l := r.lines.of[key]
	if l == nil {
		l = &line{}
		r.lines.of[key] = l
	}
	l.waiting = append(l.waiting, a)
	if e := l.expects; e != nil && len(l.waiting) >= e.there {
		close(e.come)
		l.expects = nil
	}
	if l.workers < r.lines.workers() {
		l.workers++
		go r.serve(key, l)
	}
}

// serve carries out what stands in a line until nobody does.
func (r *Roster) serve(key lineKey, l *line) {
	for r.lines.goOn(key, l) {
		r.lines.await(l, r.carryNext(key, l))
	}
}

// await waits a moment until so many stand in line: those who have just been answered, and those who were not among them. Where several clients enrol
// one person after the other, the next transaction takes all of them, and not now one half and then the other. One who is alone is not waited for, and
// nobody is where transactions may go on beside each other.
func (s *lines) await(l *line, there int) {
	s.mu.Lock()
	if there < 2 || len(l.waiting) >= there || l.workers > 1 || s.workers() > 1 {
		s.mu.Unlock()
		return
	}
	e := &expected{there, make(chan struct{})}
	l.expects = e
	over := time.NewTimer(min(s.took, patience))
	s.mu.Unlock()
	defer over.Stop()
	select {
	case <-e.come:
	case <-over.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		if l.expects == e {
			l.expects = nil
		}
	}
}

// goOn says whether somebody waits. Else the worker is gone, and with the last one the line.
func (s *lines) goOn(key lineKey, l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.waiting) > 0 {
		return true
	}
	if l.workers--; l.workers == 0 {
		delete(s.of, key)
	}
	return false
}

// carryNext carries out those who wait when the transaction begins. It says how many stand in line again when these come back at once.
func (r *Roster) carryNext(key lineKey, l *line) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var group []*arrival
	var began time.Time
	taken := false
	err := r.store.Together(ctx, key.tenant, func(tx *store.Tx) error {
		if !taken {
			group, taken, began = r.lines.take(l, cancel), true, time.Now()
		}
		return r.enrolAll(tx, key.options, group)
	})
	if taken {
		r.lines.note(time.Since(began))
	} else { // there is no transaction to be had: each finds out why
		group = r.lines.take(l, cancel)
	}
	again := r.lines.withBack(l, len(group))
	for _, a := range group {
		switch {
		case errors.Is(err, store.ErrUncertain):
			a.alone, a.err = false, err
		case err != nil:
			a.alone = true
		}
		close(a.done)
	}
	return again
}

// withBack is how many stand in line once some more do, as far as one transaction takes them.
func (s *lines) withBack(l *line, more int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(len(l.waiting)+more, mostTogether)
}

// note keeps what a transaction took.
func (s *lines) note(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = took
}

// take gives the next of a line. Those who have left it are passed over.
func (s *lines) take(l *line, cancel context.CancelFunc) []*arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(l.waiting), mostTogether)
	group := make([]*arrival, 0, n)
	shared := &ride{cancel: cancel}
	for _, a := range l.waiting[:n] {
		if a.ctx.Err() == nil {
			a.ride = shared
			group = append(group, a)
		}
	}
	l.waiting = append(l.waiting[:0:0], l.waiting[n:]...)
	shared.left = len(group)
	return group
}

// leave is for a request whose caller does not wait any longer. It says whether its work is under way: then what comes of it is to be waited for all the
// same, which is not for long when nobody else wants it.
func (s *lines) leave(a *arrival) (begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.ride == nil {
		return false // take passes it over
	}
	if a.ride.left--; a.ride.left == 0 {
		a.ride.cancel()
	}
	return true
}

// enrolAll carries out what several requests want, as if one came after the other.
func (r *Roster) enrolAll(tx *store.Tx, o AdmitOptions, group []*arrival) error {
	if len(group) == 0 {
		return nil
	}
	tenant, err := tx.Own()
	if err != nil {
		return err
	}
	ops := make([]Op, len(group))
	for i, a := range group {
		ops[i].Draft = a.draft
	}
	outcomes, err := r.Carry(tx, o.Rules(tenant.Settings), ops)
	if err != nil {
		return err
	}
	deeds := make([]deed, len(group))
	for i, out := range outcomes {
		a := group[i]
		// Who meets somebody of the same transaction is to be told of them as of anybody in the directory.
		a.alone, a.result = out.Met, Result{Person: out.Person, Change: out.Change, Err: out.Faults.Or()}
		deeds[i] = deed{a.caller, &a.result}
	}
	return r.record(tx, "person.create", deeds)
}
