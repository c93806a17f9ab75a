package connectortest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// ActivationHarness is what a kind with the power Activation brings besides the Harness: how the person of an account, and the mails that the target
// sent, look from outside.
type ActivationHarness struct {
	Harness
	Mailed func(t testing.TB, address string) int // how many mails the target has sent there
	Begin  func(t testing.TB, address string)     // the person follows the last mail's link, and stops midway
	Finish func(t testing.TB, address string)     // the person follows it to the end
	Many   int                                    // so many accounts are more than the kind asks for at once
}

// Activations is the suite of kinds whose target mails people. It is run besides Run.
func Activations(t *testing.T, h ActivationHarness) {
	if !h.Kind.Powers.Activation {
		t.Fatal("the kind does not have the power Activation")
	}
	c, err := h.Kind.Open(t.Context(), h.Config, h.Env)
	if err != nil {
		t.Fatalf("Open with good settings: %v", err)
	}
	activator, ok := c.(connector.Activator)
	if !ok {
		t.Fatal("the kind has the power Activation, but its connector is no Activator")
	}
	s := &activationSuite{ActivationHarness: h, suite: suite{Harness: h.Harness, c: c}, activator: activator}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run("01_FromMailToSignIn", s.whole)
	t.Run("02_InviteAgain", s.again)
	t.Run("03_NoAddress", s.noAddress)
	t.Run("04_Nobody", s.noAccount)
	t.Run("05_ManyAtOnce", s.many)
	t.Run("06_Stopped", s.stopped)
}

type activationSuite struct {
	ActivationHarness
	suite
	activator connector.Activator
}

const week = 7 * 24 * time.Hour

// fresh makes an account that nobody was told of.
func (s *activationSuite) fresh(t testing.TB, word string) (externalID, address string) {
	t.Helper()
	wanted := person(name(word))
	return s.mustApply(t, creation(wanted, "urn:uuid:"+uuid.NewString())).ExternalID, wanted.Text("email")
}

func (s *activationSuite) mustInvite(t testing.TB, id string) {
	t.Helper()
	if err := s.activator.Invite(t.Context(), id, week); err != nil {
		t.Fatalf("Invite: %v", err)
	}
}

// progress reads some accounts, each of which must be given once at most.
func (s *activationSuite) progress(t testing.TB, ids ...string) map[string]connector.Progress {
	t.Helper()
	read := map[string]connector.Progress{}
	err := s.activator.Activations(t.Context(), ids, func(id string, p connector.Progress) error {
		if _, twice := read[id]; twice {
			t.Errorf("account %s is given twice", id)
		}
		read[id] = p
		return nil
	})
	if err != nil {
		t.Fatalf("Activations: %v", err)
	}
	return read
}

func (s *activationSuite) whole(t *testing.T) {
	id, address := s.fresh(t, "invited")
	other, _ := s.fresh(t, "other")
	expect := func(when string, want connector.Progress) {
		t.Helper()
		read := s.progress(t, id, other)
		if got, ok := read[id]; !ok || got != want {
			t.Errorf("%s: progress is %d (given: %v), want %d", when, got, ok, want)
		}
		if got, ok := read[other]; !ok || got != connector.NotBegun {
			t.Errorf("%s: the progress of somebody else is %d (given: %v), want NotBegun", when, got, ok)
		}
	}
	expect("made", connector.NotBegun)
	s.mustInvite(t, id)
	if n := s.Mailed(t, address); n != 1 {
		t.Errorf("Invite sent %d mails, want 1", n)
	}
	expect("invited", connector.NotBegun)
	s.Begin(t, address)
	expect("begun", connector.Begun)
	// Keeping the account does not undo what its person did.
	wanted := person(address[:len(address)-len("@example.org")])
	s.mustApply(t, correction(id, "", wanted, with(wanted, map[string]any{s.suite.Clear: "changed meanwhile"})))
	expect("changed meanwhile", connector.Begun)
	s.Finish(t, address)
	expect("finished", connector.Activated)
	s.mustApply(t, correction(id, "", wanted, with(wanted, map[string]any{s.suite.Clear: nil})))
	expect("changed afterwards", connector.Activated)
}

func (s *activationSuite) again(t *testing.T) {
	id, address := s.fresh(t, "reminded")
	for n := range 3 {
		s.mustInvite(t, id)
		if got := s.Mailed(t, address); got != n+1 {
			t.Errorf("after %d calls %d mails were sent", n+1, got)
		}
	}
	s.Finish(t, address)
	if got := s.progress(t, id)[id]; got != connector.Activated {
		t.Errorf("whoever follows the last mail comes to %d, want Activated", got)
	}
}

func (s *activationSuite) noAddress(t *testing.T) {
	wanted := person(name("unreachable"))
	delete(wanted, "email")
	made := s.mustApply(t, creation(wanted, "urn:uuid:"+uuid.NewString()))
	err := s.activator.Invite(t.Context(), made.ExternalID, week)
	var said *muster.Error
	if !errors.As(err, &said) || !connector.Verdict(err).Permanent {
		t.Errorf("Invite of somebody without an address gives %v; want a muster.Error, marked Permanent", err)
	}
}

func (s *activationSuite) noAccount(t *testing.T) {
	id, _ := s.fresh(t, "there")
	for _, nobody := range []string{uuid.NewString(), "no id of this target"} {
		if err := s.activator.Invite(t.Context(), nobody, week); !errors.Is(err, connector.ErrNotFound) {
			t.Errorf("Invite of an account that is not there gives %v; want ErrNotFound", err)
		}
		read := s.progress(t, nobody, id)
		if _, given := read[nobody]; given || len(read) != 1 {
			t.Errorf("Activations gives %v; want only the account that is there", read)
		}
	}
	if read := s.progress(t); len(read) != 0 {
		t.Errorf("Activations of nobody gives %v", read)
	}
}

func (s *activationSuite) many(t *testing.T) {
	ids := make([]string, s.Many)
	for i := range ids {
		ids[i], _ = s.fresh(t, "crowd")
	}
	if read := s.progress(t, ids...); len(read) != len(ids) {
		t.Errorf("of %d accounts %d are given", len(ids), len(read))
	}
}

func (s *activationSuite) stopped(t *testing.T) {
	id, address := s.fresh(t, "stopped")
	stop := errors.New("stop")
	if err := s.activator.Activations(t.Context(), []string{id}, func(string, connector.Progress) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Activations whose receiver stops gives %v; want the receiver's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for label, call := range map[string]func() error{
		"Invite": func() error { return s.activator.Invite(ctx, id, week) },
		"Activations": func() error {
			return s.activator.Activations(ctx, []string{id}, func(string, connector.Progress) error { return nil })
		},
	} {
		if err := ended(t, call); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context gives %v; want context.Canceled", label, err)
		}
	}
	if n := s.Mailed(t, address); n != 0 {
		t.Errorf("%d mails were sent by a call that was cancelled", n)
	}
}
