package muster

import (
	"time"

	"github.com/google/uuid"
)

// BatchKind says what the items of a batch are.
type BatchKind string

const (
	ImportBatch    BatchKind = "import"    // rows of a file or body, each becoming or changing a person
	ProvisionBatch BatchKind = "provision" // accounts, one item per person and target
)

// BatchState is where a batch stands. See docs/glossary.md for the picture.
type BatchState string

const (
	Receiving BatchState = "receiving" // rows are arriving; no surface shows it
	Ready     BatchState = "ready"     // all rows are here; nobody asked for more yet
	Planning  BatchState = "planning"
	Planned   BatchState = "planned" // the changes are stored and may be looked at
	Running   BatchState = "running"
	HeldBatch BatchState = "held"      // past a limit; waits for a release
	Finished  BatchState = "finished"  // every item is final
	Cancelled BatchState = "cancelled" // stopped by somebody; what was done stays done, the rest is skipped
	Failed    BatchState = "failed"    // given up as a whole, with a reason; the rest is skipped
)

// Final says that nothing more will happen.
func (s BatchState) Final() bool { return s == Finished || s == Cancelled || s == Failed }

// Matching says what an import may do with a row.
type Matching string

const (
	CreateOnly Matching = "create" // a row that matches somebody fails
	UpdateOnly Matching = "update" // a row that matches nobody fails
	Upsert     Matching = "upsert"

	// Those of surfaces whose rows are requests, and not lines of a list. An upload cannot ask for them.
	EachNew Matching = "new" // every row is somebody new, and nobody is looked for: a key that somebody holds is a fault of the row
	ByID    Matching = "id"  // every row names its person by id. Several may name the same one, and take effect in turn
)

// Batch is people submitted together.
type Batch struct {
	Seq int64
	ID  uuid.UUID

	Kind        BatchKind
	Surface     string
	Name        string // as people know it, such as the file's name
	Owner       string // who submitted it
	Ordered     bool   // rows take effect in order, and batches of this surface one after the other
	SourceBatch int64  // of a provision batch: the import it follows; 0 is none
	RetryOf     int64  // the import whose failed rows these are; 0 is none

	State   BatchState
	Message string // why it is held or failed
	Counts  Counts

	Total     int // rows, or items
	NextIndex int // of the first row not decided yet

	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
}

// Counts are kept as items become final, so that they add up at every moment: Done + Failed + Skipped + pending = Total. The finer ones split
// Done: Created + Updated + Unchanged.
type Counts struct {
	Done, Failed, Skipped       int
	Created, Updated, Unchanged int
	Disables, Renames           int // what the limits look at
	Warnings                    int
}

// Pending is how many of total are not final.
func (c Counts) Pending(total int) int { return total - c.Done - c.Failed - c.Skipped }

// ItemState is the outcome of one item.
type ItemState string

const (
	PendingItem ItemState = "pending"
	PlannedItem ItemState = "planned" // its change is known and not made
	DoneItem    ItemState = "done"
	FailedItem  ItemState = "failed"  // with reasons
	SkippedItem ItemState = "skipped" // with a reason
)

// Final says that the state is an outcome.
func (s ItemState) Final() bool { return s == DoneItem || s == FailedItem || s == SkippedItem }

// Item is one row of a batch, with its own outcome.
type Item struct {
	Batch   int64
	Index   int // from 0
	Row     int // as the user sees it in the file; 0 when there is no file
	State   ItemState
	Person  int64 // seq; 0 when there is none (yet)
	Account int64 // of a provision item
	Change  Change
	// Guard is the version of the person that a planned change was computed from.
	Guard   int64
	Reasons Errors // why it failed or was skipped; warnings of an item that is done
	At      time.Time
}

// Plan is what a batch would do: the counts of its planned items, and what the limits say of them. The changes themselves are the items'.
type Plan struct {
	Create    int    `json:"create"`
	Update    int    `json:"update"`
	Unchanged int    `json:"unchanged"`
	Disables  int    `json:"disables"`
	Renames   int    `json:"renames"`
	Hold      string `json:"hold,omitempty"` // why it will be, or is, held; "" when it is not
}

// Add counts one more planned change.
func (p *Plan) Add(c Change) {
	switch c.Action {
	case Create:
		p.Create++
	case Update, Delete:
		p.Update++
	default:
		p.Unchanged++
	}
	if c.Disables() {
		p.Disables++
	}
	if c.Renames() {
		p.Renames++
	}
}

// Limits bound what a batch may do unasked. Past one of them it is held until somebody releases it.
type Limits struct {
	MaxDisables int `json:"max_disables"` // of people, at most
	MaxRenames  int `json:"max_renames"`
	Percent     int `json:"percent"` // of the people there are; counts of up to LimitFloor are never too many
}

// LimitFloor is the count up to which percentages are not looked at: one leaver in a school of five is no accident.
const LimitFloor = 5

// DefaultLimits are those of a tenant that has set none.
func DefaultLimits() Limits { return Limits{MaxDisables: 500, MaxRenames: 500, Percent: 10} }

// Exceeded says in a sentence which limit is passed, and "" when none is. people is how many there are.
func (l Limits) Exceeded(disables, renames, people int) string {
	for _, look := range []struct {
		what  string
		n     int
		limit int
	}{{"people would be disabled", disables, l.MaxDisables}, {"usernames would change", renames, l.MaxRenames}} {
		if look.n > look.limit {
			return Errorf(Policy, "", "%d %s; the limit is %d.", look.n, look.what, look.limit).Message
		}
		if look.n > LimitFloor && look.n*100 > l.Percent*people {
			return Errorf(Policy, "", "%d %s of %d; the limit is %d percent.", look.n, look.what, people, l.Percent).Message
		}
	}
	return ""
}
