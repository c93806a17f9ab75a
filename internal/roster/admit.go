package roster

import (
	"context"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// AdmitOptions say how a surface wants people to be written, where surfaces differ. They are kept with an import.
type AdmitOptions struct {
	NoUsername  bool   `json:"no_username,omitempty"`  // people are enrolled without one, and get it by Name
	SharedEmail bool   `json:"shared_email,omitempty"` // an address that somebody holds is taken without claiming it, and is no fault
	ClaimPhone  bool   `json:"claim_phone,omitempty"`  // nobody else may have the first phone number
	ClaimCode   bool   `json:"claim_code,omitempty"`   // nobody else may have the code
	FromZero    bool   `json:"from_zero,omitempty"`    // rows are spoken of as whoever submitted them counts them: from 0
	CodePrefix  string `json:"code_prefix,omitempty"`  // somebody enrolled without a code gets the next one of this prefix, such as IDT000151
}

// Rules are the rules of a tenant with these options.
func (o AdmitOptions) Rules(s muster.Settings) Rules {
	rules := RulesOf(s)
	rules.NoUsername, rules.SharedEmail, rules.ClaimPhone, rules.ClaimCode, rules.CodePrefix = o.NoUsername, o.SharedEmail, o.ClaimPhone, o.ClaimCode, o.CodePrefix
	rules.FromZero = o.FromZero
	return rules
}

// Place is a unit for somebody to be in.
type Place struct {
	Unit    UnitRef
	Primary *bool
	Title   *string // what is nil stays
	Roles   []RoleGrant
	// Instead has somebody who holds a single role there hold the one that is named in its place, and not beside it.
	Instead bool
}

// Admission is somebody new with the units they are to be in.
type Admission struct {
	Draft muster.Draft
	Joins []Place
}

// Admit enrols people together with their memberships and roles. Where a place is at fault, such as a unit that is not there, that person is not
// enrolled and the others are. A fault of a place names it, such as joins[0].unit or joins[0].roles[0].role.
func (r *Roster) Admit(ctx context.Context, caller muster.Caller, o AdmitOptions, list []Admission) ([]Result, error) {
	wishes := make([]Wish, len(list))
	for i, a := range list {
		wishes[i] = Wish{Draft: a.Draft, Joins: a.Joins}
	}
	return r.act(ctx, caller, "person.create", o, wishes)
}

// ChangeWith is Change with the options of a surface, and with the units that people are to be in.
func (r *Roster) ChangeWith(ctx context.Context, caller muster.Caller, o AdmitOptions, wishes []Wish) ([]Result, error) {
	return r.act(ctx, caller, "person.update", o, wishes)
}

// LastCode gives the last code of a prefix that was allocated, or given to somebody where the prefix was asked for: "" when there is none.
func (r *Roster) LastCode(ctx context.Context, caller muster.Caller, prefix string) (code string, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, _ access.Reach) error {
		counters, err := tx.CodeCounters([]string{codeBase(prefix)})
		if n := counters[codeBase(prefix)]; n > 0 {
			code = formatCode(prefix, n)
		}
		return err
	})
	return code, err
}
