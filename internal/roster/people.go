package roster

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Wish is one person's part of an operation.
type Wish struct {
	Person  uuid.UUID    // of somebody present; the zero UUID enrols
	Draft   muster.Draft // fields to set
	Version int64        // that the caller saw; 0 accepts any
	Joins   []Place      // units to be in

	// Faults are what whoever wishes has found wrong with it already: it is not carried out, and what else is wrong with it is told with them.
	Faults muster.Errors
	// Adapt gives the draft as it is to be carried out, from the person as they are then (see Op); nil leaves it as it is.
	Adapt func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors)

	// PasswordHash is what is stored of a new password (see access.HashFor); "" leaves the password as it is.
	PasswordHash string
}

// Result is what became of one Wish: the person as they are now, and what changed; or the faults.
type Result struct {
	Person store.PersonRow
	Change muster.Change
	Err    error // *muster.Error or muster.Errors; nil when it was done
}

// Enrol makes people. Those without a username get one.
func (r *Roster) Enrol(ctx context.Context, caller muster.Caller, shared bool, drafts []muster.Draft) ([]Result, error) {
	wishes := make([]Wish, len(drafts))
	for i, d := range drafts {
		wishes[i].Draft = d
	}
	return r.act(ctx, caller, "person.create", AdmitOptions{SharedEmail: shared}, wishes)
}

// EnrolWith is Enrol with the options of a surface, and with all that a wish can hold.
func (r *Roster) EnrolWith(ctx context.Context, caller muster.Caller, o AdmitOptions, wishes []Wish) ([]Result, error) {
	return r.act(ctx, caller, "person.create", o, wishes)
}

// Change sets fields of people. Setting what is set already changes nothing, and is no fault.
func (r *Roster) Change(ctx context.Context, caller muster.Caller, wishes []Wish) ([]Result, error) {
	return r.act(ctx, caller, "person.update", AdmitOptions{}, wishes)
}

// Retire archives people, for a reason: their accounts no longer work, and they are kept for reference.
func (r *Roster) Retire(ctx context.Context, caller muster.Caller, reason string, wishes []Wish) ([]Result, error) {
	return r.move(ctx, caller, "person.retire", muster.Draft{"state": string(muster.Archived), "reason": reason}, wishes)
}

// Restore brings people back who were archived, suspended or deleted. A key that somebody took meanwhile fails them, naming the holder.
func (r *Roster) Restore(ctx context.Context, caller muster.Caller, wishes []Wish) ([]Result, error) {
	return r.move(ctx, caller, "person.restore", muster.Draft{"state": string(muster.Active), "reason": nil}, wishes)
}

// Delete deletes people; for a while they can be restored. Their e-mail address and other keys are free at once.
func (r *Roster) Delete(ctx context.Context, caller muster.Caller, wishes []Wish) ([]Result, error) {
	return r.move(ctx, caller, "person.delete", muster.Draft{"state": string(muster.Deleted)}, wishes)
}

func (r *Roster) move(ctx context.Context, caller muster.Caller, action string, d muster.Draft, wishes []Wish) ([]Result, error) {
	moves := make([]Wish, len(wishes))
	for i, w := range wishes {
		moves[i] = Wish{Person: w.Person, Version: w.Version, Draft: d}
	}
	return r.act(ctx, caller, action, AdmitOptions{}, moves)
}

// Preview gives the username that somebody of these names would get now. Nothing is reserved: two calls give the same.
func (r *Roster) Preview(ctx context.Context, caller muster.Caller, n muster.Names) (string, error) {
	var username string
	err := r.lookIn(ctx, caller, func(tx *store.Tx, _ access.Reach) error {
		tenant, err := tx.Own()
		if err != nil {
			return err
		}
		rules := RulesOf(tenant.Settings)
		rules.DryRun = true
		draft := muster.Draft{"first_name": n.First, "middle_name": n.Middle, "last_name": n.Last, "display_name": n.Display, "email": n.Email, "source_id": n.SourceID}
		outcomes, err := r.Carry(tx, rules, []Op{{Draft: draft}})
		if err != nil {
			return err
		}
		faults := outcomes[0].Faults
		if len(faults) == 0 {
			username = outcomes[0].Person.Username
			return nil
		}
		if muster.CodeOf(faults) != muster.Conflict {
			return faults
		}
		// Somebody has this address or id. The name is for somebody else then, or again for them: what it is made from stays the same.
		elsewhere := uuid.NewString()
		if n.SourceID != "" {
			draft["source"] = elsewhere
		}
		if at := strings.LastIndexByte(n.Email, '@'); at >= 0 {
			draft["email"] = n.Email[:at] + "@" + elsewhere + ".invalid"
		}
		again, err := r.Carry(tx, rules, []Op{{Draft: draft}})
		if err != nil {
			return err
		}
		username = again[0].Person.Username
		return again[0].Faults.Or()
	})
	return username, err
}

// Renumber gives somebody whose generated username turned out to be taken at a target the next one, and retires the taken one. It runs in the
// transaction of whoever found out. A username that was given is the user's to change: that is muster.Conflict.
func (r *Roster) Renumber(tx *store.Tx, person int64) (Outcome, error) {
	tenant, err := tx.Own()
	if err != nil {
		return Outcome{}, err
	}
	people, err := tx.People([]int64{person})
	if err != nil {
		return Outcome{}, err
	}
	p, known := people[person]
	if !known || !p.Generated || p.Keys.Username == "" { // somebody deleted holds no name
		return Outcome{}, muster.Errorf(muster.Conflict, "username", "The username %q is taken at the target.", p.Username)
	}
	policy := RulesOf(tenant.Settings).Usernames
	base, err := policy.Base(namesOf(&p))
	if err != nil {
		return Outcome{}, err
	}
	last, err := tx.Reserve(map[string]int{base: 1}, map[string]int{base: policy.FirstNumber - 1})
	if err != nil {
		return Outcome{}, err
	}
	username, err := policy.Format(base, last[base])
	if err != nil {
		return Outcome{}, err
	}
	before := p.Person.Record()
	taken := store.Retired{Key: p.Keys.Username, Person: 0}
	p.Username, p.Keys.Username = username, muster.FoldKey(username)
	p.Version, p.UpdatedAt = p.Version+1, tx.Now()
	if err := tx.Retire([]store.Retired{taken}); err != nil {
		return Outcome{}, err
	}
	return Outcome{Person: p, Change: muster.Diff(before, p.Record()), Version: p.Version - 1}, tx.UpdatePeople([]*store.PersonRow{&p})
}
