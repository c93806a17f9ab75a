package muster

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Target is a configured outside system. Its kind's own settings are sealed in storage and are not part of this.
type Target struct {
	Seq     int64
	ID      uuid.UUID
	Version int64

	Name   string
	Kind   string
	Paused bool
	Policy TargetPolicy

	// The breaker: after failures in a row a target is left alone until Until.
	Failures int
	Until    time.Time
	Message  string // of the last failure of the target as a whole

	CreatedAt time.Time
	UpdatedAt time.Time
}

// TargetPolicy is what every kind has: pace, limits, and what to do with people who go.
type TargetPolicy struct {
	Concurrency int      `json:"concurrency"`      // calls at once, per process
	Rate        float64  `json:"rate,omitempty"`   // calls started per second over all processes; 0 is no limit
	OnDelete    string   `json:"on_delete"`        // disable or delete: what becomes of the account of a deleted person
	Groups      bool     `json:"groups,omitempty"` // group memberships are delivered too
	TimeoutSecs int      `json:"timeout_secs"`     // of one call
	Attempts    int      `json:"attempts"`         // how often an unexplained failure is tried before the item fails
	Allow       []string `json:"allow,omitempty"`  // private address ranges that may be called
	Match       string   `json:"match,omitempty"`  // "" or email: take over an account that is nobody's and has this address
	States      []State  `json:"states,omitempty"` // of people who get an account; empty: active ones
	// Activation says who mails people of a new account; empty is nobody. ActivationDays is how long that mail's link works.
	Activation     Mailer `json:"activation,omitempty"`
	ActivationDays int    `json:"activation_days,omitempty"`
}

// OnDelete choices.
const (
	DisableAccount = "disable"
	DeleteAccount  = "delete"
)

// DefaultTargetPolicy is that of a target for which nothing was said.
func DefaultTargetPolicy() TargetPolicy {
	return TargetPolicy{Concurrency: 8, OnDelete: DisableAccount, TimeoutSecs: 30, Attempts: 8, ActivationDays: 7}
}

// AccountState is where an account stands.
type AccountState string

const (
	PlannedAccount   AccountState = "planned"   // wanted, nothing sent yet
	DeliveredAccount AccountState = "delivered" // the target has it as it was wanted last
	PendingAccount   AccountState = "pending"   // the target has it; a change is owed
	FailedAccount    AccountState = "failed"    // the last delivery failed for good; a change or a retry tries again
	ConflictAccount  AccountState = "conflict"  // somebody else's account has the name
	UnmanagedAccount AccountState = "unmanaged" // taken out of our hands on purpose
	ReleasedAccount  AccountState = "released"  // deleted at the target
)

// Account is a person's account on a target.
type Account struct {
	Seq     int64
	ID      uuid.UUID
	Version int64

	Target     int64
	Person     int64
	Username   string // on the target; it may differ from the person's
	ExternalID string // the target's own id; "" until it exists
	State      AccountState
	Pushed     Record // what the target was told last; nil when nothing was
	LastError  *Error
	Activation Activation

	Attempts  int
	Due       time.Time // of the next delivery; zero when nothing is owed
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Validate gives every fault of the policy.
func (p TargetPolicy) Validate() Errors {
	var faults Errors
	bound := func(field string, n, least, most int) {
		if n < least || n > most {
			faults = append(faults, Errorf(Invalid, "policy."+field, "This must be %d to %d.", least, most))
		}
	}
	bound("concurrency", p.Concurrency, 1, 256)
	bound("timeout_secs", p.TimeoutSecs, 1, 300)
	bound("attempts", p.Attempts, 1, 100)
	if p.Rate < 0 || p.Rate > 100_000 {
		faults = append(faults, Errorf(Invalid, "policy.rate", "This must be 0 (no limit) to 100000 calls per second."))
	}
	if p.OnDelete != DisableAccount && p.OnDelete != DeleteAccount {
		faults = append(faults, Errorf(Invalid, "policy.on_delete", "This is %s or %s.", DisableAccount, DeleteAccount))
	}
	if p.Match != "" && p.Match != "email" {
		faults = append(faults, Errorf(Invalid, "policy.match", "This is email, or empty."))
	}
	if p.Activation != "" && p.Activation != MailByNobody && p.Activation != MailByMuster && p.Activation != MailByTarget {
		faults = append(faults, Errorf(Invalid, "policy.activation", "This is muster, target or none."))
	}
	bound("activation_days", p.ActivationDays, 0, 365)
	for _, s := range p.States {
		if !slices.Contains(States, s) || s == Deleted {
			faults = append(faults, Errorf(Invalid, "policy.states", "%s is none of staged, active, suspended, archived.", quoted(string(s))))
		}
	}
	return faults
}
