// Package intake turns the rows of a file or body into people: it says what each column means, reads the cells, finds who is meant, and gives
// the rows as ops to internal/roster, chunk by chunk as internal/batch drives it. It also writes the answer: the user's own file with what became
// of each row. A surface whose files have rules and words of their own registers a Profile for their rows.
//
// Reading file formats is internal/sheet's. Rules of the directory are internal/roster's.
package intake

import (
	"encoding/json"
	"sync"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// Intake is the worker of import batches.
type Intake struct {
	store  *store.Store
	engine *batch.Engine
	roster *roster.Roster

	profilesMutex sync.RWMutex
	profiles      map[string]Profile
}

// New makes an Intake and has the engine give it its batches.
func New(s *store.Store, e *batch.Engine, r *roster.Roster) *Intake {
	in := &Intake{store: s, engine: e, roster: r, profiles: map[string]Profile{}}
	e.Register(in)
	return in
}

// Options are what is remembered of an import besides its rows.
type Options struct {
	Matching    muster.Matching `json:"matching"`
	Source      string          `json:"source,omitempty"`       // of source ids that come without one
	SharedEmail bool            `json:"shared_email,omitempty"` // addresses that somebody holds are taken without claiming them
	EmptyClears bool            `json:"empty_clears,omitempty"` // an empty cell clears the field, and does not leave it as it is
	Dates       string          `json:"dates,omitempty"`        // order of dates such as 03/04/2010: dmy or mdy; "" accepts only 2010-04-03

	Unit          uuid.UUID           `json:"unit,omitzero"`            // that everybody in the file joins; the zero UUID is none
	UnitNames     []string            `json:"unit_names,omitempty"`     // what a cell may call it: its id, its code, its kind and code
	AccountsAsked bool                `json:"accounts_asked,omitempty"` // nobody gets an account before it is ordered
	Rules         roster.AdmitOptions `json:"rules,omitzero"`
	Profile       string              `json:"profile,omitempty"`   // by which rows are read, see Profile
	Report        bool                `json:"report,omitempty"`    // whoever submitted it is mailed what became of it
	Submitter     int64               `json:"submitter,omitempty"` // seq of the person whose credential it came with; 0 is nobody
	Extra         json.RawMessage     `json:"extra,omitempty"`     // the surface's own, see Array
	Noted         []string            `json:"noted,omitempty"`     // which of the members that Array.Note names are in some row
	Secret        string              `json:"secret,omitempty"`    // the member that was cut out of the rows, see Array

	Format  sheet.Format   `json:"format"`
	Header  []string       `json:"header,omitempty"`
	Columns []sheet.Column `json:"columns,omitempty"`
	// Addresses says that the usernames are e-mail addresses, and that no column has others.
	Addresses bool `json:"addresses,omitempty"`
	// Notes are what the user should know of the file as a whole, such as columns that nobody recognised.
	Notes muster.Errors `json:"notes,omitempty"`
}

// Unrecognised lists the columns that are kept and not used, but for those that the user left out.
func (o Options) Unrecognised() []string {
	var list []string
	for _, c := range o.Columns {
		if unrecognised(c) {
			list = append(list, c.Header)
		}
	}
	return list
}
