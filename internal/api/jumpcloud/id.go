package jumpcloud

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// Ids are 24 hexadecimal digits (contract §1.4): the time of creation in seconds and a number. Numbers of users are the person's; those of other kinds
// of objects begin with a digit that tells the kind, so that no id of one leads to another, as it would when somebody mixes up a user and a job.
const (
	jobIDs          = 1 << 56
	resultIDs       = 2 << 56
	organizationIDs = 3 << 56
	keyIDs          = 4 << 56
	entryIDs        = 5 << 56
	numberBits      = 1<<56 - 1
)

// JobID is the id of a job that was made from a batch.
func JobID(seq int64, created time.Time) string { return muster.HexID(jobIDs|seq, created) }

// jobNumber undoes JobID. created is to the second and must be held against the batch's.
func jobNumber(id string) (seq int64, created time.Time, ok bool) {
	number, created, ok := muster.ParseHexID(id)
	return number & numberBits, created, ok && number&^numberBits == jobIDs && id == strings.ToLower(id)
}

// userID is the id that a person has here.
func userID(id uuid.UUID) string {
	return muster.HexID(muster.PersonSeq(id), muster.PersonCreated(id))
}

// orgID is the organization's id.
func (q *request) orgID() string { return muster.HexID(organizationIDs|q.org.Seq, q.org.CreatedAt) }

// resultID is the id of the result of a row.
func resultID(i muster.Item, created time.Time) string {
	return muster.HexID(resultIDs|muster.ItemKey(i.Batch, i.Index), created)
}

// The lists whose entries have ids.
const (
	phoneEntries = iota
	addressEntries
	keyEntries
)

// entryID is an id for an entry of a list, which has none of its own: it leads nowhere.
func entryID(p *muster.Person, list, i int) string {
	return muster.HexID(entryIDs|(p.Seq<<16|int64(list)<<8|int64(i))&numberBits, p.CreatedAt)
}

// isID says whether a text has the form of an id.
func isID(s string) bool {
	_, _, ok := muster.ParseHexID(s)
	return ok
}
