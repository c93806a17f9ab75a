package intake

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
)

// members looks through the members of the rows of one body, as they come: it cuts out what is secret and notes which names there are.
type members struct {
	secret  string
	check   func(string) *muster.Error
	reset   bool // null stands for a password that is to be taken away
	note    []string
	seen    []bool // of note
	rows    int
	names   map[string]memberName // by how a name is written
	scanned []member              // of the row at hand that are the secret, in order
	others  bool                  // the row at hand has secrets under other names, or further down
}

// memberName is what there is to know of a name.
type memberName struct {
	secret bool // it is Array.Secret
	like   bool // something of this name may hold a password all the same
	note   int  // its place in Array.Note; -1 is none
}

// member is where one stands: from the quote of its name on, and its value.
type member struct{ start, value, end int }

// namesKept bounds how many names are remembered, for bodies in which every member has another one, and nameKept how long these may be: a name may be as
// long as a row.
const (
	namesKept = 1_000
	nameKept  = 100
)

func newMembers(a Array) *members {
	return &members{secret: a.Secret, check: a.CheckSecret, reset: a.Matching == muster.ByID, note: a.Note, seen: make([]bool, len(a.Note)), names: map[string]memberName{}}
}

// noted lists the members of Array.Note that were in some row.
func (m *members) noted() []string {
	var list []string
	for n, name := range m.note {
		if m.seen[n] {
			list = append(list, name)
		}
	}
	return list
}

// row makes a row of the next object, which is valid JSON, and gives the password that came with it; nil is none.
func (m *members) row(raw []byte) (row batch.Row, password []byte) {
	m.rows++
	m.look(raw)
	row = batch.Row{Number: m.rows}
	if sheet.HalfCharacter(raw) {
		row.Faults = append(row.Faults, muster.Errorf(muster.Invalid, "", `There is half a character in it: a \ud8… escape without its other half.`))
	}
	if len(m.scanned) > 0 {
		password = m.take(&row, raw)
		raw = without(raw, m.scanned)
	} else {
		raw = slices.Clone(raw)
	}
	if m.others {
		if cut, found := cutSecrets(raw); found {
			raw = cut
		}
	}
	row.JSON = raw
	return row, password
}

// look goes over all members of the next object.
func (m *members) look(raw []byte) {
	m.scanned, m.others = m.scanned[:0], false
	s := scanner{raw: raw, see: m.see}
	s.value(0)
}

// see is shown every member.
func (m *members) see(depth int, name []byte, at member) {
	known, ok := m.names[string(name)]
	if !ok {
		known = m.recognise(name)
		if len(m.names) < namesKept && len(name) <= nameKept {
			m.names[string(name)] = known
		}
	}
	switch {
	case depth == 1 && known.secret:
		m.scanned = append(m.scanned, at)
	case known.like || known.secret:
		m.others = true
	}
	if depth == 1 && known.note >= 0 {
		m.seen[known.note] = true
	}
}

func (m *members) recognise(name []byte) memberName {
	text := string(name)
	if bytes.IndexByte(name, '\\') >= 0 {
		_ = json.Unmarshal(slices.Concat([]byte{'"'}, name, []byte{'"'}), &text) // of valid JSON
	}
	return memberName{secret: m.secret != "" && text == m.secret, like: secretName(text), note: slices.Index(m.note, text)}
}

// take gives the password of a row, of several the last one, or finds fault with it.
func (m *members) take(row *batch.Row, raw []byte) []byte {
	last := m.scanned[len(m.scanned)-1]
	value := raw[last.value:last.end]
	if string(value) == "null" {
		if m.reset {
			row.Warnings = append(row.Warnings, muster.Errorf(muster.Unsupported, m.secret, "A password cannot be taken away. It was left as it is."))
		}
		return nil
	}
	var text string
	var fault *muster.Error
	switch {
	case value[0] != '"' || json.Unmarshal(value, &text) != nil:
		fault = muster.Errorf(muster.Invalid, m.secret, "A text is expected here.")
	case text == "":
		fault = muster.Errorf(muster.Invalid, m.secret, "A password cannot be empty. Leave it out to set none.")
	case m.check != nil:
		if found := m.check(text); found != nil {
			own := *found
			own.Field, fault = m.secret, &own
		}
	}
	if fault != nil {
		row.Faults = append(row.Faults, fault)
		return nil
	}
	return []byte(text)
}

// without is an object without some of its members, which are given in order: there may be as many as fit into a row.
func without(raw []byte, cut []member) []byte {
	kept := make([]byte, 0, len(raw))
	kept = append(kept, '{')
	s := scanner{raw: raw, see: func(depth int, _ []byte, at member) {
		if depth != 1 {
			return
		}
		if len(cut) > 0 && cut[0] == at {
			cut = cut[1:]
			return
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, raw[at.start:at.end]...)
	}}
	s.value(0)
	return append(kept, '}')
}

// scanner walks over valid JSON and shows every member of every object, those further in first. Nesting is bounded by whoever read the text.
type scanner struct {
	raw []byte
	at  int
	see func(depth int, name []byte, at member)
}

// value goes over one value, inside of so many objects and lists, and over the space before it.
func (s *scanner) value(depth int) {
	switch s.space(); s.raw[s.at] {
	case '{':
		s.list(depth+1, '}', s.member)
	case '[':
		s.list(depth+1, ']', s.value)
	case '"':
		s.text()
	default:
		for s.at < len(s.raw) && bytes.IndexByte([]byte(",]} \t\r\n"), s.raw[s.at]) < 0 {
			s.at++
		}
	}
}

// list goes over what stands between brackets.
func (s *scanner) list(depth int, end byte, one func(depth int)) {
	s.at++
	if s.space(); s.raw[s.at] == end {
		s.at++
		return
	}
	for {
		one(depth)
		s.space()
		s.at++ // a comma, or the end
		if s.raw[s.at-1] == end {
			return
		}
	}
}

func (s *scanner) member(depth int) {
	s.space()
	at := member{start: s.at}
	s.text()
	name := s.raw[at.start+1 : s.at-1]
	s.space()
	s.at++ // the colon
	s.space()
	at.value = s.at
	s.value(depth)
	at.end = s.at
	s.see(depth, name, at)
}

func (s *scanner) text() {
	for s.at++; s.raw[s.at] != '"'; s.at++ {
		if s.raw[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

func (s *scanner) space() {
	for s.at < len(s.raw) && (s.raw[s.at] == ' ' || s.raw[s.at] == '\t' || s.raw[s.at] == '\r' || s.raw[s.at] == '\n') {
		s.at++
	}
}
