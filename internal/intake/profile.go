package intake

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/sheet"
)

// Profile is what a surface knows of the rows of its files and nobody else does: rules between columns, and words of its own.
type Profile struct {
	// Prepare is shown what stands in a row, by field and without blanks around: every column that means something is in cells, also where the cell
	// is empty. It may change, add and take away cells; what it leaves is read as if it stood in the file. It gives the row's faults, about fields; a
	// cell that it has found fault with it should take away, so that nobody finds another one in it. It is called for rows of all batches that were
	// sent under the profile's name, also after a restart, at any time and for the same row more than once, so it must depend on nothing else.
	Prepare func(o *Options, cells map[string]string) muster.Errors

	// Object gives what reads the rows of a batch that are JSON objects, and all of each: the members mean what it says and nothing else. What is said
	// of Prepare about when it is called holds for it too. Members of the name Array.Secret are not there any more; secret says whether a value of one
	// was kept. nil has objects read as those of other files.
	Object func(o *Options) func(raw json.RawMessage, secret bool) Asked
	// Field says what the rows call a field of a person, for the faults that the directory finds; nil leaves the fields as they are.
	Field func(core string) string

	object func(raw json.RawMessage, secret bool) Asked // of the batch at hand
}

// Asked is what a row asks for that is an object. The fields of faults and warnings are the rows' own paths, such as attributes[1].name.
type Asked struct {
	Draft   muster.Draft
	Person  string // whom the row names: a 24-digit id, see muster.HexID; "" is nobody. Only of imports that match by id
	Manager string // who becomes the manager, by such an id; "" leaves the manager to the draft

	// Adapt is called when the row's turn comes, with the person as the rows before left them, and gives the draft as it is to be carried out, without
	// what would change nothing in the surface's words, and the faults that only show then. It must not alter d in place. nil leaves the draft as it is.
	Adapt func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors)

	Faults   muster.Errors // any of them fails the row
	Warnings muster.Errors
}

// RegisterProfile makes a profile known under the name that uploads and their batches refer to it by. It comes before the queue runs, in every
// process, whichever surfaces that offers: a batch whose profile is not known fails.
func (in *Intake) RegisterProfile(name string, p Profile) {
	in.profilesMutex.Lock()
	defer in.profilesMutex.Unlock()
	in.profiles[name] = p
}

// profile gives the profile of a name; nil for no name.
func (in *Intake) profile(name string) (*Profile, error) {
	if name == "" {
		return nil, nil
	}
	in.profilesMutex.RLock()
	defer in.profilesMutex.RUnlock()
	p, known := in.profiles[name]
	if !known {
		return nil, muster.Errorf(muster.Unsupported, "", "The rows of this import are to be read by the profile %q, which this server does not know. Ask its operator.", cut(name))
	}
	return &p, nil
}

// profileOf gives the profile of an import, ready for its rows; nil when it has none.
func (in *Intake) profileOf(o *Options) (*Profile, error) {
	p, err := in.profile(o.Profile)
	if p != nil && p.Object != nil {
		p.object = p.Object(o)
	}
	return p, err
}

// prepared reads cells as a profile leaves them.
func (w *wish) prepared(o *Options, p *Profile, row []string) {
	columns, cells := make(map[string]sheet.Column, len(o.Columns)), make(map[string]string, len(o.Columns)+2)
	for _, c := range o.Columns {
		if c.Field != "" && !isSecret(c.Field) {
			columns[c.Field], cells[c.Field] = c, ""
			if c.Index < len(row) {
				cells[c.Field] = strings.TrimSpace(row[c.Index])
			}
		}
	}
	w.faults = append(w.faults, p.Prepare(o, cells)...)
	var pairs map[string]string
	for _, field := range slices.Sorted(maps.Keys(cells)) {
		c, known := columns[field]
		if !known {
			c = sheet.Column{Field: field}
		}
		w.readCell(o, c, strings.TrimSpace(cells[field]), &pairs)
	}
	w.readPairs(pairs)
}
