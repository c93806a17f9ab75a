// Package connector says what a target must be able to do, so that the rest of the product never learns what an LDAP server or a Keycloak is.
//
// A kind of target is a folder below this one; internal/connector/all lists them, and internal/connector/connectortest is the suite that every
// kind passes. Deciding what an account should look like, whose it is, when to try again and how fast to go is not done here: that is
// internal/provision.
package connector

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/outbound"
)

// Connector is an open target. Its methods may be called at the same time from several goroutines. Every call honours its context; none tries
// again by itself.
type Connector interface {
	// Check proves address, credentials and rights as far as it can, and changes nothing.
	Check(ctx context.Context) error

	// Find gives the account that the query leads to, or ErrNotFound. It looks by external id when there is one, and then by nothing else;
	// otherwise by marker, then by username. It must find an account created by an Apply whose answer was lost, at once.
	Find(ctx context.Context, q Query) (Account, error)

	// Apply carries out one step and gives the account as it is now known.
	//
	// With intent Create an account of that name must not exist: one that does is ErrExists, and is not touched. With intent Ensure the account
	// named by the external id must exist: when it does not, ErrNotFound. Repeating a step that was carried out is harmless: Ensure sets the
	// fields of the change to their After, whatever stands there.
	//
	// An error does not say that nothing happened: an answer may have been lost, and a step of several calls may have stopped midway. Where the
	// account is known to exist in spite of the error it is given together with it, so that its external id is not lost.
	Apply(ctx context.Context, s Step) (Account, error)

	Close() error
}

// Lister is a connector that can enumerate all accounts, for reconciliation. A listing that a server cut short ends in ErrIncomplete: what is
// missing from it has not been deleted. The accounts of a listing are without their groups. An error of each ends the listing and is given back.
type Lister interface {
	List(ctx context.Context, each func(Account) error) error
}

// Query says whom Find looks for.
type Query struct {
	ExternalID string
	Marker     string
	Username   string
}

// Account is an account as the target has it.
type Account struct {
	ExternalID string // never changes, and is never given to another account
	Username   string
	Marker     string // what Step.Marker left there; "" for a stranger's account, or when the kind cannot store one
	Enabled    bool
	Attributes muster.Record // in our field names, as far as the kind maps them
}

// Intent says whether a step makes an account or brings one that is known to what is wanted.
type Intent string

const (
	Create Intent = "create"
	Ensure Intent = "ensure"
)

// Step is one change of one account, as data.
type Step struct {
	Intent     Intent
	ExternalID string // of the account; "" for Create
	Marker     string // to be kept with the account where the kind can
	Username   string // wanted
	// Change is what differs, in our field names. "username" is among its fields when the account is to be renamed, "enabled" when it is to be
	// enabled or disabled (After true or anything else; a Create that says nothing makes an enabled account), "groups" (a list of codes) when
	// memberships change. Groups of After are joined, groups of Before that are not in After are left, and all others are not ours to touch.
	// Action delete, with intent Ensure, removes the account; it being gone already is success. Fields that the kind has no place for are ignored.
	Change muster.Change
	// Wanted is the whole record after the change, for kinds that can only write whole objects.
	Wanted muster.Record
}

var (
	// ErrNotFound: there is no such account.
	ErrNotFound = errors.New("no such account on the target")
	// ErrExists: an account holds the username (or another unique value) that a Create or a rename asks for.
	ErrExists = errors.New("an account of this name exists on the target")
	// ErrIncomplete: the target did not give all it has.
	ErrIncomplete = errors.New("the target gave an incomplete answer")
)

// Failure is how a connector marks what it makes of an error. An error that is not marked is tried again with back-off.
type Failure struct {
	Err       error
	Permanent bool          // trying again cannot help until somebody changes something
	Down      bool          // the target as a whole cannot be worked with (no connection, bad credentials): the breaker counts it, the item does not
	After     time.Duration // the target asked to wait so long
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the error that was marked.
func (f *Failure) Unwrap() error { return f.Err }

// Permanent marks an error that trying again cannot mend.
func Permanent(err error) error { return &Failure{Err: err, Permanent: true} }

// Down marks an error of the target as a whole.
func Down(err error) error { return &Failure{Err: err, Down: true} }

// RetryAfter marks an error after which the target asked to wait.
func RetryAfter(d time.Duration, err error) error { return &Failure{Err: err, After: d} }

// Verdict gives the mark of an error, or an empty one.
func Verdict(err error) Failure {
	var f *Failure
	if errors.As(err, &f) {
		return *f
	}
	return Failure{Err: err}
}

// Environment is what a kind gets to work with besides its own settings.
type Environment struct {
	// Tenant is whose target it is. What a kind keeps in this process belongs to one tenant; 0 and 1 are the installation's own.
	Tenant  int64
	Target  int64          // its number: 0 when it is none that is stored
	Guard   outbound.Guard // for every address that settings name
	Timeout time.Duration  // of one call
	Log     *slog.Logger   // ids only
	Size    int            // how many calls run at once; pools are made for it
}

// Kind describes a sort of target. Config gives a pointer to the kind's settings struct with its defaults; the struct's tags (see Setting) are
// what forms, docs and redaction are made from. Open takes what Decode gave and calls nobody: a target that is down can be opened.
type Kind struct {
	Name   string // the word used in settings and on the wire
	Label  string
	Config func() any
	Open   func(ctx context.Context, config any, env Environment) (Connector, error)
	Powers Powers
}

// Powers are what a kind can do beyond the four methods. The conformance suite holds it to them.
type Powers struct {
	Marker bool // stores Step.Marker and finds by it
	Rename bool
	Groups bool
	List   bool // the connector is a Lister
	// Passwords: the connector is a PasswordSetter. Activation: it is an Activator.
	Passwords  bool
	Activation bool
}

// PasswordSetter is a connector that can give an account a password.
type PasswordSetter interface {
	// SetPassword sets the password that the person chose, for good: nothing is required of them at the next sign-in on its account. A password
	// that the target's own rules refuse is a *muster.Error of the field password, marked Permanent; an account that is gone is ErrNotFound.
	SetPassword(ctx context.Context, externalID, password string) error
}

// Activator is a connector whose target mails people a link by which they activate their account, and can tell how far they have come.
type Activator interface {
	// Invite has the target send its mail, with a link that works for life. Each call sends one. An address that the target refuses is Permanent.
	Invite(ctx context.Context, externalID string, life time.Duration) error

	// Activations says how far some accounts have come, by external id; how many it asks for at once is its own affair. Accounts that are gone are
	// not among those given. An error of each ends the reading and is given back; an incomplete reading ends in an error.
	Activations(ctx context.Context, externalIDs []string, each func(externalID string, p Progress) error) error
}

// Progress is how far the person of an account has come, as the target knows it.
type Progress int

const (
	NotBegun  Progress = iota // nothing has been done by anybody
	Begun                     // a part of what is required was done, or the address was confirmed
	Activated                 // nothing more is required and the account can be signed in to, or somebody has signed in
)
