// Package connectortest is the suite that every kind of target passes. It is written for the author of a new kind: it begins with the first
// easy step and ends in the strangest corner, and a test that fails says what the contract in package connector wants.
//
// It runs against a target, real or rehearsed, that the Harness opens and looks at from outside. It does not test what only one kind has: that
// belongs to the kind's own tests.
package connectortest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Harness is what a kind brings to the suite: how to open a target, and how to look at it and put things there behind the connector's back.
type Harness struct {
	Kind   connector.Kind
	Config any // settings of a target that works, as Decode gives them
	Env    connector.Environment
	Wrong  any    // settings whose credentials are wrong; nil when the kind has none
	Secret string // the secret in Config or Wrong that no message may contain

	Fields []string // which fields of the sample person the kind stores and gives back
	Clear  string   // one of them that can be cleared

	Plant  func(t testing.TB, username string) (externalID string) // makes a stranger's account
	Raw    func(t testing.TB, externalID string) string            // all that the target knows of an account, to compare before and after
	Names  func(t testing.TB) []string                             // the usernames of all accounts
	Writes func(t testing.TB) int                                  // changes made at the target so far, tried ones too if it cannot tell

	Groups      []string                                       // two codes that may be joined; empty without the power
	PlantMember func(t testing.TB, group, externalID string)   // somebody else puts the account into a group
	Members     func(t testing.TB, externalID string) []string // sorted codes of all groups the account is in

	CutList func(t testing.TB, cut bool) // makes listings end early; nil without the power
	Refuses func(username string) bool   // names that the target's own rules forbid; nil for none
}

// Required says that tests may not be skipped for want of a server: MUSTER_TEST_REQUIRE=1.
func Required() bool { return os.Getenv("MUSTER_TEST_REQUIRE") == "1" }

// Missing skips a test for want of something, such as "slapd is not installed (Debian package slapd)", or fails it where skips are forbidden.
func Missing(t testing.TB, what string) {
	t.Helper()
	if Required() {
		t.Fatal(what + ", and MUSTER_TEST_REQUIRE=1 forbids to skip")
	}
	t.Skip(what)
}

// suite is one run over one harness.
type suite struct {
	Harness
	c connector.Connector
}

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	c, err := h.Kind.Open(t.Context(), h.Config, h.Env)
	if err != nil {
		t.Fatalf("Open with good settings: %v", err)
	}
	s := &suite{Harness: h, c: c}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for _, test := range []struct {
		name string
		run  func(*testing.T)
		when bool
	}{
		{"01_Check", s.check, true},
		{"02_CheckWithWrongCredentials", s.checkWrong, h.Wrong != nil},
		{"03_FindNobody", s.findNobody, true},
		{"04_Create", s.create, true},
		{"05_CreateWhereTheNameIsTaken", s.createTaken, true},
		{"06_CreateWhoseAnswerIsLost", s.lostAnswer, h.Kind.Powers.Marker},
		{"07_EnsureSetsAndClears", s.ensure, true},
		{"08_EnsureTwice", s.ensureTwice, true},
		{"09_EnsureNobody", s.ensureNobody, true},
		{"10_DisableAndEnable", s.disable, true},
		{"11_Rename", s.rename, h.Kind.Powers.Rename},
		{"12_RenameWhereTheNameIsTaken", s.renameTaken, h.Kind.Powers.Rename},
		{"13_Delete", s.delete, true},
		{"14_Groups", s.groups, h.Kind.Powers.Groups},
		{"15_List", s.list, h.Kind.Powers.List},
		{"16_ListCutShort", s.listCut, h.Kind.Powers.List},
		{"17_CancelledContext", s.cancelled, true},
		{"18_ManyAtOnceForOneName", s.parallel, true},
		{"19_HostileNames", s.hostile, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.when {
				t.Log("not a power of this kind")
				return
			}
			test.run(t)
		})
	}
}

var serial atomic.Int64

// name gives a username that nobody has.
func name(word string) string { return fmt.Sprintf("%s%03d", word, serial.Add(1)) }

// person is the sample: names as they are in real files.
func person(username string) muster.Record {
	return muster.Record{
		"username": username, "enabled": true,
		"first_name": "Zoé", "last_name": "D'Almeida-Sørensen", "display_name": "Zoé D'Almeida-Sørensen",
		"email": username + "@example.org", "department": "Langues & lettres",
	}
}

// personAt is the sample with an address of its own: that of a hostile name would be hostile too.
func personAt(username, email string) muster.Record {
	p := person(username)
	p["email"] = email
	return p
}

func creation(wanted muster.Record, marker string) connector.Step {
	return connector.Step{
		Intent: connector.Create, Marker: marker, Username: wanted.Text("username"),
		Change: muster.Diff(nil, wanted), Wanted: wanted,
	}
}

func correction(externalID, marker string, current, wanted muster.Record) connector.Step {
	return connector.Step{
		Intent: connector.Ensure, ExternalID: externalID, Marker: marker, Username: wanted.Text("username"),
		Change: muster.Diff(current, wanted), Wanted: wanted,
	}
}

func removal(externalID string, current muster.Record) connector.Step {
	return connector.Step{
		Intent: connector.Ensure, ExternalID: externalID, Username: current.Text("username"), Change: muster.Diff(current, nil),
	}
}

// with gives a record with some fields changed; nil clears one.
func with(r muster.Record, change map[string]any) muster.Record {
	c := muster.Change{Action: muster.Update}
	for field, after := range change {
		c.Fields = append(c.Fields, muster.FieldChange{Field: field, Before: r[field], After: after})
	}
	return r.Apply(c)
}

func (s *suite) mustApply(t testing.TB, step connector.Step) connector.Account {
	t.Helper()
	a, err := s.c.Apply(t.Context(), step)
	if err != nil {
		t.Fatalf("Apply %s %q: %v", step.Intent, step.Username, err)
	}
	return a
}

func (s *suite) mustFind(t testing.TB, q connector.Query) connector.Account {
	t.Helper()
	a, err := s.c.Find(t.Context(), q)
	if err != nil {
		t.Fatalf("Find %+v: %v", q, err)
	}
	return a
}

func (s *suite) wantNotFound(t testing.TB, q connector.Query) {
	t.Helper()
	if a, err := s.c.Find(t.Context(), q); !errors.Is(err, connector.ErrNotFound) {
		t.Fatalf("Find %+v gave %+v and error %v; want ErrNotFound", q, a, err)
	}
}

// wantPerson compares what the kind stores of a person.
func (s *suite) wantPerson(t testing.TB, a connector.Account, wanted muster.Record) {
	t.Helper()
	if a.ExternalID == "" {
		t.Errorf("account %q has no external id", a.Username)
	}
	if a.Username != wanted.Text("username") {
		t.Errorf("username is %q, want %q", a.Username, wanted.Text("username"))
	}
	if a.Enabled != (wanted["enabled"] == true) {
		t.Errorf("enabled is %v, want %v", a.Enabled, wanted["enabled"])
	}
	for _, field := range s.Fields {
		got, want := muster.Record{}, muster.Record{}
		if v, ok := a.Attributes[field]; ok {
			got[field] = v
		}
		if v, ok := wanted[field]; ok {
			want[field] = v
		}
		if !muster.Diff(got, want).Empty() {
			t.Errorf("%s is %v, want %v", field, got[field], want[field])
		}
	}
}

// untouched remembers an account, and gives the check that it is as it was.
func (s *suite) untouched(t testing.TB, externalID string) (check func()) {
	t.Helper()
	before := s.Raw(t, externalID)
	return func() {
		t.Helper()
		if after := s.Raw(t, externalID); after != before {
			t.Errorf("a stranger's account was touched.\nbefore: %s\nafter:  %s", before, after)
		}
	}
}

func (s *suite) wantNoSecret(t testing.TB, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if s.Secret != "" && strings.Contains(fmt.Sprintf("%v %+v", e, e), s.Secret) {
			t.Errorf("the error contains the secret: %v", strings.ReplaceAll(e.Error(), s.Secret, "<secret>"))
		}
	}
}

// soon is how long a call may take that is not to wait for anything, on a machine that is busy with other things too.
const soon = time.Minute

// ended gives what a call gives, which must be soon.
func ended(t testing.TB, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(soon):
		t.Fatalf("the call did not end within %s", soon)
		return nil
	}
}
