// Package roster is the only place for the rules of the directory: enrolling people, changing, retiring and restoring them, their usernames, and
// units, groups and memberships.
//
// Every operation takes a slice and answers a result per element; a single call is a slice of one, so there is no second, bulk version of a
// rule. What is decided is written together with the record of it and the job that follows, in one transaction.
//
// It knows nothing of files (internal/intake), of batches (internal/batch) or of targets (internal/provision, which it wakes by a job of the
// kind AccountsJob). Start at Carry, the heart, in carry.go. Requests that enrol one person each share a transaction: line.go.
package roster

import (
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/store"
)

// Roster holds what the operations need.
type Roster struct {
	store *store.Store
	queue *queue.Queue

	searches turns
	lines    lines
}

// New makes a Roster.
func New(s *store.Store, q *queue.Queue) *Roster {
	return &Roster{store: s, queue: q, lines: lines{of: map[lineKey]*line{}}}
}

// AccountsJob is the kind of job that has internal/provision look at what targets are owed. Its arguments are an AccountsArgs.
const AccountsJob = "accounts"

// AccountsArgs says for whom: the people of an import as far as it has come, or the people named.
type AccountsArgs struct {
	Tenant int64   `json:"tenant"`
	Batch  int64   `json:"batch,omitempty"`
	People []int64 `json:"people,omitempty"`
	By     string  `json:"by,omitempty"`  // who caused it
	Via    string  `json:"via,omitempty"` // the surface
	At     int64   `json:"at,omitempty"`  // microseconds; makes the job of each change its own
}

// accountsChanged has the accounts of people looked at once the transaction is durable.
func (r *Roster) accountsChanged(tx *store.Tx, by, via string, people []int64) error {
	if len(people) == 0 {
		return nil
	}
	tx.AfterCommit(r.queue.Nudge)
	return r.queue.Enqueue(tx.Context(), tx.SQL(), AccountsJob, AccountsArgs{Tenant: tx.Tenant(), People: people, By: by, Via: via, At: tx.Now().UnixMicro()})
}

// AccountsOfBatch has the accounts of an import's people looked at once the transaction is durable.
func (r *Roster) AccountsOfBatch(tx *store.Tx, batch int64) error {
	tx.AfterCommit(r.queue.Nudge)
	return r.queue.Enqueue(tx.Context(), tx.SQL(), AccountsJob, AccountsArgs{Tenant: tx.Tenant(), Batch: batch}, queue.Once())
}
