package roster

import (
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
)

// boundPasswords refuses the passwords that are not the caller's to set. Whoever has somebody's password is that person: it takes all of their units, as
// all does that they sign in by, and of people who may have rights over the whole tenant it takes the tenant.
func (a *acting) boundPasswords() error {
	if a.rules.Bounds == nil {
		return nil
	}
	var seqs []int64
	for i, w := range a.wishes {
		if w.PasswordHash != "" && w.Person != uuid.Nil && a.results[i].Err == nil {
			seqs = append(seqs, a.ops[i].Person)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	parts, _, err := a.rules.Bounds.People(a.tx, seqs)
	if err != nil {
		return err
	}
	people, err := a.tx.People(seqs)
	if err != nil {
		return err
	}
	for i, w := range a.wishes {
		if w.PasswordHash == "" || w.Person == uuid.Nil || a.results[i].Err != nil {
			continue
		}
		p := people[a.ops[i].Person]
		switch {
		case parts[p.Seq] == access.Outside: // Carry says so
		case parts[p.Seq] == access.Shared:
			a.refuse(i, "", muster.Errors{muster.Errorf(muster.Forbidden, "password", "%s is in other units, too. Only who may change people in all of them may change this.", p.Shown())})
		case p.Mode != muster.Standard || len(p.Profile.Flags) > 0:
			a.refuse(i, "", muster.Errors{muster.Errorf(muster.Forbidden, "password", "Only who may change people of the whole tenant may set this.")})
		}
	}
	return nil
}

// setPasswords keeps the passwords of those who were written. The record says that there is a new one, and nothing of it.
func (a *acting) setPasswords() error {
	for i, w := range a.wishes {
		if w.PasswordHash == "" || a.results[i].Err != nil {
			continue
		}
		result := &a.results[i]
		if err := a.tx.SetCredential(result.Person.Seq, w.PasswordHash); err != nil {
			return err
		}
		result.Change = result.Change.With("password")
	}
	return nil
}
