package roster

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Op is what is wanted of one person.
type Op struct {
	Person int64        // seq; 0 enrols somebody new, and less is passed over
	Draft  muster.Draft // the fields to set. state deleted deletes, and leaving it restores
	Guard  int64        // the version that the caller saw; 0 accepts any
	Row    int          // of the file, to name this op by when another one clashes with it; 0 when there is none

	// ID is the 24-digit id (see muster.HexID) that Person was taken from. The op is refused when it leads to nobody who is present; "" asks nothing.
	ID string
	// Refused says that the caller has found fault with the op already. What else is wrong with its fields is told, and which of its keys others hold,
	// and it takes none.
	Refused bool

	// Adapt is asked for the draft as it is to be carried out, once the ops before have left their mark on the person, and for the faults that only
	// show then. It must not alter d, and depend on nothing else, as it may be asked several times. nil leaves the draft as it is.
	Adapt func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors)

	// New is Fresh().With(Draft), for a caller who has worked that out already and found no fault. It serves when somebody new is enrolled.
	New *muster.Person
}

// Fresh is somebody new of whom nothing is known yet.
func Fresh() muster.Person { return muster.Person{State: muster.Active, Mode: muster.Standard} }

// Outcome is what became of one Op.
type Outcome struct {
	Person  store.PersonRow // as it is (or would be) afterwards
	Change  muster.Change
	Faults  muster.Errors // why nothing was done
	Version int64         // that the change was computed from; 0 for somebody new
	Met     bool          // it wants a key that an op before it enrols somebody with: one of the Faults says so
}

// Rules say how Carry decides where surfaces differ.
type Rules struct {
	Usernames   muster.UsernamePolicy
	NoUsername  bool   // do not generate a username for somebody who is enrolled without
	ClaimPhone  bool   // nobody else may hold the first phone number
	ClaimCode   bool   // nobody else may hold the code
	CodePrefix  string // of the code for somebody who is enrolled without; "" gives none
	SharedEmail bool   // an address that somebody holds is taken without claiming it, and is no fault
	DryRun      bool   // decide, and write nothing; usernames are forecasts
	FromZero    bool   // rows are spoken of as whoever submitted them counts them: from 0
	Batch       int64  // that the ops are rows of; 0 is none
	Plan        int64  // of a dry run: the batch whose earlier rows are to count as if they had been carried out

	// People are those whom ops may name, as the caller has just read them in the same transaction: they need not be read again. They are not written to.
	People map[int64]*store.PersonRow

	// Holders are who holds keys, as the caller has just read it in the same transaction (0: nobody), so that they need not be asked for again.
	// The maps are Carry's from then on.
	Holders map[store.KeyColumn]map[string]int64

	Bounds *Bounds // of who wants it; nil when they may do anything

	late     bool // people who are here already and have no username get one too
	presumed bool // nobody is asked who holds keys: see Foresee
}

// RulesOf are the rules of a tenant.
func RulesOf(s muster.Settings) Rules { return Rules{Usernames: s.Usernames.WithDefaults()} }

// Carry decides on every op, in order, as if they were carried out one after the other, and writes what came of it. A fault in one op leaves
// the others alone. The error is for what makes all of them impossible; store.ErrClash has the transaction repeated.
//
// It costs a fixed number of statements, whatever the number of ops, but for one UPDATE on SQLite for each person that changes.
func (r *Roster) Carry(tx *store.Tx, rules Rules, ops []Op) ([]Outcome, error) {
	c := newCarry(tx, rules, ops)
	for _, step := range []func() error{c.load, c.managers, c.bound, c.claim, c.code, c.name, c.write} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	out := make([]Outcome, len(ops))
	for i := range out {
		out[i].Change, out[i].Faults, out[i].Version, out[i].Met = c.out[i].Change, c.out[i].Faults, c.out[i].Version, c.out[i].Met
		if c.state[i] != nil && len(c.out[i].Faults) == 0 {
			out[i].Person = *c.state[i]
		}
	}
	return out, nil
}

func newCarry(tx *store.Tx, rules Rules, ops []Op) *carry {
	return &carry{
		tx: tx, rules: rules, ops: ops, out: make([]result, len(ops)), people: map[int64]*working{}, at: make([]*working, len(ops)),
		state: make([]*store.PersonRow, len(ops)), first: make([]wanted, len(ops)), bosses: make([]int64, len(ops)), counts: map[string]int{}, raise: map[string]int{},
	}
}

// carry is one run of Carry. Its steps are methods, in this file and in claims.go, lookup.go, names.go and write.go.
type carry struct {
	tx     *store.Tx
	rules  Rules
	ops    []Op
	out    []result
	people map[int64]*working // present people, by seq
	at     []*working         // of each op; nil when there is nobody
	state  []*store.PersonRow // of each op: the person after it
	first  []wanted           // of each op: what it comes to if no other op has changed the person
	bosses []int64            // of each op: seq of the manager it names
	claims claims
	counts map[string]int // of new usernames, by base
	raise  map[string]int // what given usernames lift counters to
	coded  []int          // ops that were given a code

	released map[int64]store.ReleasedClaim // of deleted people: what they claimed beside what everybody does
}

// result is what is to be said of an op, besides the person.
type result struct {
	Change  muster.Change
	Faults  muster.Errors
	Version int64
	Met     bool
}

// working is a person while ops are carried out. The rows are not written to once they stand here, but for those of somebody new.
type working struct {
	row     *store.PersonRow // as of the last op that succeeded
	before  *store.PersonRow // as stored; without a seq for somebody new
	op      int              // of somebody new: the op that enrols
	isNew   bool
	changed bool
	shared  bool   // in units of the caller's, and in others
	base    string // of a username to be generated
	number  int    // of the base, counted from 1 within this run

	wantsCode bool                // a code is to be allocated
	claimed   store.ReleasedClaim // what is held that not everybody claims; of somebody deleted: what was
}

// wanted is what an op makes of a person.
type wanted struct {
	row    *store.PersonRow
	faults muster.Errors
	of     *store.PersonRow // the person as it was
	rests  bool             // it asks for nothing but what is so already
}

// holder is how claims refer to a person: the seq, or the op that enrols.
func (w *working) holder() int64 {
	if w.isNew {
		return -int64(w.op) - 1
	}
	return w.before.Seq
}

func (c *carry) fail(i int, faults ...*muster.Error) {
	c.out[i].Faults = append(c.out[i].Faults, faults...)
}

// load reads the people that ops name, and refuses the ops that name nobody or an old version.
func (c *carry) load() error {
	var seqs, deleted []int64
	take := func(row *store.PersonRow) {
		c.people[row.Seq] = &working{row: row, before: row, claimed: claimOf(row)}
		if row.State == muster.Deleted {
			deleted = append(deleted, row.Seq)
		}
	}
	for _, op := range c.ops {
		if row := c.rules.People[op.Person]; row != nil {
			take(row)
		} else if op.Person > 0 {
			seqs = append(seqs, op.Person)
		}
	}
	err := c.tx.EachPerson(seqs, take)
	if err != nil {
		return err
	}
	if c.released, err = c.tx.ReleasedClaims(deleted); err != nil {
		return err
	}
	for seq, claim := range c.released {
		c.people[seq].claimed = claim
	}
	nobody, fresh := &store.PersonRow{}, &store.PersonRow{Person: Fresh()}
	fresh.CreatedAt = c.tx.Now()
	for i, op := range c.ops {
		w := c.people[op.Person]
		switch {
		case op.Person < 0: // the caller has refused it already
		case op.ID != "" && (w == nil || w.before.State == muster.Deleted || muster.HexID(w.before.Seq, w.before.CreatedAt) != op.ID):
			c.fail(i, muster.Errorf(muster.NotFound, "id", "There is no person %s.", op.ID))
			w = nil
		case op.Person == 0:
			w = &working{row: fresh, before: nobody, isNew: true, op: i}
		case w == nil:
			c.fail(i, muster.Errorf(muster.NotFound, "id", "There is no such person."))
		case op.Guard != 0 && op.Guard != w.before.Version:
			c.fail(i, muster.Errorf(muster.Stale, "", "%s was changed meanwhile (version %d, not %d). Read it again.", w.row.Shown(), w.before.Version, op.Guard))
			w = nil
		}
		c.at[i] = w
	}
	return nil
}

// overtaken refuses an op whose person an op before it has changed: its caller saw neither.
func (c *carry) overtaken(i int) muster.Errors {
	w := c.at[i]
	if c.ops[i].Guard == 0 || !w.changed {
		return nil
	}
	return muster.Errors{muster.Errorf(muster.Stale, "", "%s was changed earlier in the same request. Read it again.", w.row.Shown())}
}

// managers turns the ids of managers into numbers.
func (c *carry) managers() error {
	var ids []uuid.UUID
	for i := range c.ops {
		if id := c.newManager(i); id != uuid.Nil {
			ids = append(ids, id)
		}
	}
	found, err := c.tx.PeopleByID(ids)
	if err != nil {
		return err
	}
	for i, op := range c.ops {
		id := c.newManager(i)
		if id == uuid.Nil {
			continue
		}
		switch manager, known := found[id]; {
		case !known || manager.State == muster.Deleted:
			c.fail(i, muster.Errorf(muster.NotFound, "manager", "There is no person %s to be the manager.", id))
		case manager.Seq == op.Person:
			c.fail(i, muster.Errorf(muster.Invalid, "manager", "Nobody is their own manager."))
		default:
			c.bosses[i] = manager.Seq
		}
	}
	return nil
}

// newManager is the id of the manager that op i asks for. It is the zero UUID when it asks for none, for the one there is already, or for what is
// no id, which is With's to refuse.
func (c *carry) newManager(i int) uuid.UUID {
	text, ok := c.ops[i].Draft["manager"].(string)
	id, err := uuid.Parse(strings.TrimSpace(text))
	if !ok || err != nil || c.at[i] == nil || id == c.at[i].before.Manager && !c.at[i].isNew {
		return uuid.Nil
	}
	return id
}

// next computes what op i makes of its person as it is now, with every fault that can be seen in the person alone.
func (c *carry) next(i int) (*store.PersonRow, muster.Errors) {
	w := c.at[i]
	next := new(store.PersonRow)
	var faults, adapted muster.Errors
	if w.isNew && c.ops[i].New != nil {
		next.Person, next.CreatedAt = *c.ops[i].New, w.row.CreatedAt
	} else {
		*next = *w.row
		draft := c.ops[i].Draft
		if adapt := c.ops[i].Adapt; adapt != nil {
			draft, adapted = adapt(&w.row.Person, draft)
		}
		if w.isNew || !w.row.Has(draft) {
			next.Person, faults = w.row.With(draft)
		}
	}
	if next.Username != w.row.Username && muster.FoldKey(next.Username) != muster.FoldKey(w.row.Username) {
		next.Generated = false
	}
	switch {
	case next.Manager == uuid.Nil:
		next.ManagerSeq = 0
	case c.bosses[i] != 0:
		next.ManagerSeq = c.bosses[i]
	case next.Manager == w.before.Manager:
		next.ManagerSeq = w.before.ManagerSeq
	}
	if faults = slices.Concat(adapted, faults); c.ops[i].Refused {
		return next, faults
	}
	faults = append(faults, checkPerson(w, next)...)
	return next, append(faults, c.overtaken(i)...)
}

// checkPerson holds a person to what every surface demands.
func checkPerson(w *working, p *store.PersonRow) muster.Errors {
	var faults muster.Errors
	if w.row.State == muster.Deleted && p.State == muster.Deleted {
		faults = append(faults, muster.Errorf(muster.Gone, "", "%s was deleted. Restore first, then change.", w.row.Shown()))
	}
	if w.isNew && (p.State == muster.Deleted || p.State == muster.Archived) {
		faults = append(faults, muster.Errorf(muster.Invalid, "state", "Somebody new cannot be %s.", p.State))
	}
	if p.Username == "" && p.Email == "" && p.FirstName == "" && p.LastName == "" && p.DisplayName == "" {
		faults = append(faults, muster.Errorf(muster.Required, "", "A person needs at least a name, an e-mail address or a username."))
	}
	if w.row.Username != "" && p.Username == "" {
		faults = append(faults, muster.Errorf(muster.Required, "username", "A username can be changed and not be taken away."))
	}
	if p.Source != "" && p.SourceID == "" {
		faults = append(faults, muster.Errorf(muster.Required, "source_id", "A source needs the person's id there."))
	}
	return faults
}

// created says what op i comes to, which enrols somebody. Foreseen says it later.
func (c *carry) created(i int, p *store.PersonRow) {
	if !c.rules.presumed {
		c.out[i].Change = p.Creation()
	}
}

// finish records that op i made next of its person, and what that changed. What changes nothing takes no key either: nothing is written of it.
func (c *carry) finish(i int, next *store.PersonRow) {
	w := c.at[i]
	c.out[i].Version = w.before.Version
	switch {
	case w.isNew:
		if w.wantsCode = c.wantsCode(w, next); !w.wantsCode && w.base == "" { // else code or name tells
			c.created(i, next)
		}
	case w.base != "" && w.row.Username == "": // name tells, with the username
	default:
		c.out[i].Change = w.row.ChangeTo(&next.Person)
		if c.out[i].Change.Empty() {
			c.state[i] = w.row
			return
		}
	}
	c.take(i, next)
	w.changed = true
	next.UpdatedAt = c.tx.Now()
	next.Version = w.before.Version + 1
	w.row, c.state[i] = next, next
}
