package roster

import (
	"context"
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// change runs an operation that writes, when the caller may. f may run more than once.
func (r *Roster) change(ctx context.Context, caller muster.Caller, f func(tx *store.Tx) error) error {
	if err := access.Can(caller, muster.WritePeople); err != nil {
		return err
	}
	return r.store.Update(ctx, caller.Tenant, f)
}

// look runs an operation that reads, when the caller may.
func (r *Roster) look(ctx context.Context, caller muster.Caller, f func(tx *store.Tx) error) error {
	if err := access.Can(caller, muster.ReadPeople); err != nil {
		return err
	}
	return r.store.View(ctx, caller.Tenant, f)
}

func entryOf(caller muster.Caller, action, object string, change muster.Change) muster.AuditEntry {
	return muster.AuditEntry{Actor: caller.Name, Surface: caller.Surface, Request: caller.RequestID, Action: action, Object: object, Change: change}
}

// peopleInJob is how many people one job names at most.
const peopleInJob = 5000

// cause is who causes work on accounts, and through which surface.
type cause struct{ name, surface string }

// causeOf is a caller as a cause.
func causeOf(caller muster.Caller) cause { return cause{caller.Name, caller.Surface} }

// wakeFor has the accounts of people looked at because of what a caller did. Where there is no target there are none, and a job for each request would
// be a quarter of what it costs; a target that is made later is for those who change from then on.
func (r *Roster) wakeFor(tx *store.Tx, by cause, people []int64) error {
	if len(people) == 0 {
		return nil
	}
	if has, err := tx.HasTargets(); err != nil || !has {
		return err
	}
	slices.Sort(people)
	for part := range slices.Chunk(slices.Compact(people), peopleInJob) {
		if err := r.accountsChanged(tx, by.name, by.surface, part); err != nil {
			return err
		}
	}
	return nil
}

// pageLimit is how many rows a page has, from how many were asked for.
func pageLimit(asked int) int {
	if asked <= 0 {
		return 50
	}
	return min(asked, 1000)
}

func appendFault(faults muster.Errors, fault *muster.Error) muster.Errors {
	if fault == nil {
		return faults
	}
	return append(faults, fault)
}
