package intake

import (
	"maps"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// match says which person of the directory each row of a chunk means: by source id, else by e-mail, else by username.
type match struct {
	tx      *store.Tx
	options Options
	profile *Profile // nil when there is none
	wishes  []wish
	skip    map[int]bool // by index in the batch
	first   int
	rowsOf  func(people []int64) (map[int64]int, error) // gives the rows that some people have had in the batch

	person  []int64  // of each row: seq, 0 for somebody new
	by      []string // of each row of somebody who is here: the field that says so
	gone    []bool   // of each row: it says that somebody left who is not here
	holders map[store.KeyColumn]map[string]int64
	present map[int64]*store.PersonRow // everybody whom a key of a row led to
	faults  []muster.Errors            // of each row

	bounds    *roster.Bounds // of who submitted the rows; nil when they may do anything
	strangers map[int64]bool // people beyond the bounds

	warnings []muster.Errors // of each row
}

// passOver says that a row is not carried out: it has its outcome, there is nobody to take out, or it has faults.
func (m *match) passOver(i int) bool { return m.skip[m.first+i] || m.gone[i] || len(m.faults[i]) > 0 }

func (m *match) find() error {
	m.person, m.faults, m.gone = make([]int64, len(m.wishes)), make([]muster.Errors, len(m.wishes)), make([]bool, len(m.wishes))
	m.by = make([]string, len(m.wishes))
	if m.options.Matching == muster.EachNew || m.options.Matching == muster.ByID {
		return m.named()
	}
	for i := range m.wishes {
		m.faults[i] = append(m.faults[i], m.wishes[i].faults...)
	}
	m.holders, m.present = map[store.KeyColumn]map[string]int64{}, map[int64]*store.PersonRow{}
	bySource, err := m.holding(store.SourceKey, nil, func(w *wish) string { return w.source })
	if err != nil {
		return err
	}
	known := map[string]*store.PersonRow{} // whoever has the source id has the address too, as a rule: then nobody is asked who has that
	for i := range m.wishes {
		if p := bySource[m.wishes[i].source]; p != nil && p.Keys.Email != "" && p.Keys.Email == m.wishes[i].email {
			known[p.Keys.Email] = p
		}
	}
	byEmail, err := m.holding(store.EmailKey, known, func(w *wish) string { return w.email })
	if err != nil {
		return err
	}
	byUsername, err := m.holding(store.UsernameKey, nil, func(w *wish) string {
		if w.byUsername() {
			return w.username
		}
		return ""
	})
	if err != nil {
		return err
	}
	if err := m.seeStrangers(m.present); err != nil {
		return err
	}
	for i := range m.wishes {
		w := &m.wishes[i]
		m.person[i] = m.decide(i, bySource[w.source], byEmail[w.email], byUsername[w.username])
	}
	return m.oncePerPerson(m.present)
}

// holding finds who holds a key that each row may name, but for those of whom it is known.
func (m *match) holding(column store.KeyColumn, known map[string]*store.PersonRow, of func(*wish) string) (map[string]*store.PersonRow, error) {
	held := make(map[string]int64, len(m.wishes))
	keys := make([]string, 0, len(m.wishes))
	for key, p := range known {
		held[key] = p.Seq
	}
	for i := range m.wishes {
		key := of(&m.wishes[i])
		if _, asked := held[key]; key != "" && !asked {
			keys, held[key] = append(keys, key), 0 // free, unless somebody turns up
		}
	}
	found, err := m.tx.PeopleHolding(column, keys)
	for key, p := range found {
		if same := m.present[p.Seq]; same != nil {
			p, found[key] = same, same // whom another key led to
		}
		held[key], m.present[p.Seq] = p.Seq, p
	}
	maps.Copy(found, known)
	m.holders[column] = held
	return found, err
}

// presentAmong reads everybody who was found.
func (m *match) presentAmong(found ...map[string]int64) (map[int64]*store.PersonRow, error) {
	present := map[int64]*store.PersonRow{}
	for _, f := range found {
		for _, seq := range f {
			if seq != 0 {
				present[seq] = nil
			}
		}
	}
	err := m.tx.EachPerson(slices.Collect(maps.Keys(present)), func(p *store.PersonRow) { present[p.Seq] = p })
	return present, err
}

// decide gives the person that row i means, and its faults.
func (m *match) decide(i int, bySource, byEmail, byUsername *store.PersonRow) int64 {
	if m.strange(i, bySource, byEmail, byUsername) {
		return 0
	}
	w := &m.wishes[i]
	fail := func(code muster.Code, field, format string, args ...any) {
		m.faults[i] = append(m.faults[i], muster.Errorf(code, field, format, args...))
	}
	by := "source_id"
	if w.byUsername() {
		bySource, by = byUsername, "username"
		if w.address != "" && byUsername != nil {
			byEmail = nil // the row says who it means by username; whether the address is free is seen later
		}
	}
	found := bySource
	if found == nil && byEmail != nil && !(m.options.SharedEmail && w.source != "") {
		found, by = byEmail, "email"
		if w.source != "" && found.Keys.Source != "" && found.Source == w.text("source") {
			fail(muster.Conflict, "source_id", "The e-mail address is that of %s (%s), who has the source id %q and not %q.", found.Shown(), found.ID, found.SourceID, w.text("source_id"))
		}
	}
	if bySource != nil && byEmail != nil && bySource.Seq != byEmail.Seq && !m.options.SharedEmail {
		fail(muster.Conflict, "", "This row means two people: %s (%s) has the source id, %s (%s) has the e-mail address.", bySource.Shown(), bySource.ID, byEmail.Shown(), byEmail.ID)
	}
	w.takeAddress(found)
	named := w.source != "" || w.email != "" || w.username != ""
	switch {
	case found == nil && w.leaves() && (named || m.options.Matching == muster.CreateOnly):
		m.gone[i] = true
	case found == nil && m.options.Matching == muster.UpdateOnly:
		fail(muster.NotFound, "", "Nobody in the directory has this source id, e-mail address or username, and this import only updates.")
	case found == nil && m.options.Matching == muster.Upsert && !named:
		fail(muster.Required, "email", "Nothing says whether this person is in the directory already: give a source id, an e-mail address or a username, or import in the mode create.")
	case found != nil && m.options.Matching == muster.CreateOnly:
		fail(muster.Conflict, by, "%s is in the directory already (%s), and this import only creates.", found.Shown(), found.ID)
	case found != nil:
		m.by[i] = by
		return found.Seq
	}
	return 0
}

// byUsername says whether the username tells who is meant: where nothing better is given.
func (w *wish) byUsername() bool { return w.source == "" && (w.email == "" || w.address != "") }

// leaves says whether the row is of somebody who left.
func (w *wish) leaves() bool {
	state := muster.State(w.text("state"))
	return state == muster.Archived || state == muster.Deleted
}

func (w *wish) text(field string) string { s, _ := w.draft[field].(string); return s }

// oncePerPerson refuses a second row for the same person, in this chunk or one before.
func (m *match) oncePerPerson(present map[int64]*store.PersonRow) error {
	var seqs []int64
	for i, seq := range m.person {
		if seq != 0 && !m.passOver(i) {
			seqs = append(seqs, seq)
		}
	}
	seen, err := m.rowsOf(seqs)
	if err != nil {
		return err
	}
	for i, seq := range m.person {
		if seq == 0 || m.passOver(i) {
			continue
		}
		row, twice := seen[seq]
		if twice && row != m.wishes[i].row {
			m.faults[i] = append(m.faults[i], muster.Errorf(muster.Conflict, m.by[i], "This is the same person as row %d: %s (%s).", row, present[seq].Shown(), present[seq].ID))
			continue
		}
		seen[seq] = m.wishes[i].row
	}
	return nil
}
