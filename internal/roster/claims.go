package roster

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// claims is who holds which unique key while ops are carried out: what the database says, and on top what the ops before took and gave up.
type claims struct {
	held      map[store.KeyColumn]map[string]int64 // key to holder(); 0 is known to be free
	retired   map[string]store.Retired             // usernames out of use, and those that are back with the human they were retired from
	leaving   map[string]store.Retired             // usernames that ops put out of use
	delivered map[int64]bool                       // people who give up a username that is known at a target
	open      []openConflict
	presumed  []string // usernames of which it is yet to be seen whether they are out of use
	passed    bool     // a key given up by one person was taken by another: their rows cannot be written in any order
	freed     map[store.KeyColumn]map[string]bool
	taken     map[takenKey]int // by which op
}

// takenKey is a key that an op has taken.
type takenKey struct {
	column store.KeyColumn
	key    string
}

// openConflict is a conflict whose other party is in the database and has yet to be named.
type openConflict struct {
	op           int
	field, value string
	holder       int64
	before       bool // the username is held no longer, but retired
}

// uniques are the keys that Carry claims, with the field that an error names.
var uniques = []struct {
	column store.KeyColumn
	field  string
	of     func(*store.Keys) *string
	value  func(*store.PersonRow) string
	stays  bool // a value that does not change is kept without its key where another one holds that
}{
	{store.UsernameKey, "username", func(k *store.Keys) *string { return &k.Username }, func(p *store.PersonRow) string { return p.Username }, false},
	{store.EmailKey, "email", func(k *store.Keys) *string { return &k.Email }, func(p *store.PersonRow) string { return p.Email }, true},
	{store.EmployeeKey, "employee_id", func(k *store.Keys) *string { return &k.Employee }, func(p *store.PersonRow) string { return p.EmployeeID }, false},
	{store.SourceKey, "source_id", func(k *store.Keys) *string { return &k.Source }, func(p *store.PersonRow) string { return p.SourceID }, false},
	{store.PhoneKey, "phones", func(k *store.Keys) *string { return &k.Phone }, firstPhone, true},
	{store.CodeKey, "code", func(k *store.Keys) *string { return &k.Code }, func(p *store.PersonRow) string { return p.Code }, true},
}

func firstPhone(p *store.PersonRow) string {
	if len(p.Profile.Phones) == 0 {
		return ""
	}
	return p.Profile.Phones[0].Number
}

// phoneField is the field of the draft that the first phone comes from.
func (c *carry) phoneField(i int, next *store.PersonRow) string {
	field := "phones." + next.Profile.Phones[0].Type
	if _, given := c.ops[i].Draft[field]; given {
		return field
	}
	return "phones"
}

// keysOf gives the keys that somebody would like to hold who becomes next. Deletion gives all of them up. Phone and code are claimed where that is
// asked for, and stay claimed from then on: by those who hold them, and by those who did when they were deleted.
func (c *carry) keysOf(w *working, next *store.PersonRow) store.Keys {
	if next.State == muster.Deleted {
		return store.Keys{}
	}
	keys := store.Keys{
		Username: muster.FoldKey(next.Username), Email: muster.FoldKey(next.Email), Employee: next.EmployeeID, Source: store.SourceKeyOf(next.Source, next.SourceID),
	}
	if c.rules.ClaimPhone || w.claimed.Phone {
		keys.Phone = next.PhoneKey()
	}
	if c.rules.ClaimCode || w.claimed.Code {
		keys.Code = muster.FoldKey(next.Code)
	}
	return keys
}

// claimOf is what somebody holds that not everybody claims.
func claimOf(p *store.PersonRow) store.ReleasedClaim {
	return store.ReleasedClaim{Phone: p.Keys.Phone != "", Code: p.Keys.Code != ""}
}

// mayShare says whether somebody may have a value whose key another one holds, and holds no key for it then.
func (c *carry) mayShare(column store.KeyColumn, w *working) bool {
	switch column {
	case store.EmailKey:
		return c.rules.SharedEmail
	case store.PhoneKey:
		return !c.rules.ClaimPhone && w.row.State != muster.Deleted
	case store.CodeKey:
		return !c.rules.ClaimCode && w.row.State != muster.Deleted
	}
	return false
}

// claim carries the ops out in order, in memory: each sees what those before it left.
func (c *carry) claim() error {
	if err := c.lookUp(); err != nil {
		return err
	}
	for i := range c.ops {
		if c.at[i] == nil {
			continue
		}
		next, faults := c.first[i].row, c.first[i].faults
		switch same := c.at[i].row == c.first[i].of; {
		case same && c.first[i].rests:
			c.rest(i)
			continue
		case !same:
			next, faults = c.next(i) // an op before has changed the person
		}
		c.fail(i, append(faults, c.notTheirs(c.at[i], next)...)...)
		open := len(c.claims.open)
		if err := c.settleKeys(i, next); err != nil {
			return err
		}
		if c.ops[i].Refused {
			continue
		}
		c.chooseName(i, next)
		if len(c.out[i].Faults) > 0 || len(c.claims.open) > open {
			continue
		}
		c.finish(i, next)
	}
	return c.nameHolders()
}

// settleKeys gives next the keys it may hold, or op i the faults. An unchanged value is never checked.
func (c *carry) settleKeys(i int, next *store.PersonRow) error {
	w := c.at[i]
	keys := c.keysOf(w, next)
	for _, u := range uniques {
		key, own := u.of(&keys), *u.of(&w.row.Keys)
		if *key == "" || *key == own {
			continue
		}
		holder, err := c.holderOf(u.column, *key)
		if err != nil {
			return err
		}
		unchanged := own == "" && u.value(next) == u.value(w.row) && w.row.State != muster.Deleted && !w.isNew
		switch {
		case holder == 0 || holder == w.holder():
		case c.mayShare(u.column, w), unchanged && u.stays:
			*key = ""
		default:
			field := u.field
			if u.column == store.PhoneKey {
				field = c.phoneField(i, next)
			}
			c.conflict(i, field, u.value(next), holder, takenKey{u.column, *key})
		}
	}
	next.Keys = keys
	next.EmailShared = next.Email != "" && keys.Email == "" && next.State != muster.Deleted
	if keys.Username != w.row.Keys.Username && c.claims.held[store.UsernameKey][keys.Username] == 0 {
		c.checkRetired(i, next)
	}
	return nil
}

// checkRetired refuses a username that went out of use, but to the human who had it: the same person, or the holder of the same address or
// employee identifier.
func (c *carry) checkRetired(i int, next *store.PersonRow) {
	r, retired := c.claims.outOfUse(next.Keys.Username)
	if !retired || r.Person == next.Seq && next.Seq != 0 || r.EmailKey != "" && r.EmailKey == next.Keys.Email || r.EmployeeKey != "" && r.EmployeeKey == next.Keys.Employee {
		return
	}
	c.claims.open = append(c.claims.open, openConflict{op: i, field: "username", value: next.Username, holder: r.Person, before: true})
}

// outOfUse says whose username was that nobody else is to have.
func (c *claims) outOfUse(username string) (store.Retired, bool) {
	r, retired := c.leaving[username]
	if !retired {
		r, retired = c.retired[username]
	}
	return r, retired
}

// conflict refuses op i a key that another one holds: an op before it, a row planned before it, or somebody in the database.
func (c *carry) conflict(i int, field, value string, holder int64, key takenKey) {
	row := 0
	switch taker, here := c.claims.taken[key]; {
	case here && holder > 0:
		row = c.ops[taker].Row
	case holder > plannedRow && holder < 0:
		row, c.out[i].Met = c.ops[-holder-1].Row, true
	case holder < 0:
		row = int(plannedRow - holder)
	}
	if row == 0 && holder > 0 {
		c.claims.open = append(c.claims.open, openConflict{op: i, field: field, value: value, holder: holder})
		return
	}
	c.takenBy(i, field, value, row)
}

// takenBy refuses op i a key that a row before it has taken; 0 is one without a number.
func (c *carry) takenBy(i int, field, value string, row int) {
	switch {
	case row == 0:
		c.fail(i, muster.Errorf(muster.Conflict, field, "%q is already that of somebody earlier in the same request.", value))
	case c.rules.FromZero:
		c.fail(i, muster.Errorf(muster.Conflict, field, "%q is already that of the row with index %d.", value, row-1))
	default:
		c.fail(i, muster.Errorf(muster.Conflict, field, "%q is already that of row %d.", value, row))
	}
}

// take records the keys that op i gives up and takes.
func (c *carry) take(i int, next *store.PersonRow) {
	w := c.at[i]
	if next.State != muster.Deleted {
		w.claimed = claimOf(next)
	}
	for _, u := range uniques {
		old, key := *u.of(&w.row.Keys), *u.of(&next.Keys)
		if old == key {
			continue
		}
		if old != "" {
			c.claims.held[u.column][old] = 0
			delete(c.claims.taken, takenKey{u.column, old})
			c.claims.freed[u.column][old] = true
			if u.column == store.UsernameKey {
				c.leave(w, old)
			}
		}
		if key != "" {
			c.claims.held[u.column][key] = w.holder()
			if !w.isNew {
				c.claims.taken[takenKey{u.column, key}] = i
			}
			c.claims.passed = c.claims.passed || c.claims.freed[u.column][key]
		}
	}
	if next.Username != "" && next.Keys.Username != w.row.Keys.Username {
		if base, n, ok := c.rules.Usernames.Split(next.Username); ok {
			c.raise[base] = max(c.raise[base], n)
		}
	}
}

// leave puts a stored username out of use that its holder gives up, when it was generated, is known at a target, or was out of use before: a name
// that is back with its human is still nobody else's. Others become free.
func (c *carry) leave(w *working, username string) {
	b := w.before
	_, again := c.claims.retired[username]
	if username == b.Keys.Username && (b.Generated || c.claims.delivered[b.Seq] || again) {
		c.claims.leaving[username] = store.Retired{Key: username, Person: b.Seq, EmailKey: b.Keys.Email, EmployeeKey: b.Keys.Employee}
	}
}
