package connectortest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// PasswordHarness is what a kind with the power Passwords brings besides the Harness.
type PasswordHarness struct {
	Harness
	// SignIn says whether the account can be signed in to with a password, asked from outside.
	SignIn func(t testing.TB, externalID, username, password string) bool
	// Weak is a password that the target's own rules refuse; "" when it takes any.
	Weak string
	// Made gives the external id of an account of a username; nil makes one by Apply.
	Made func(t testing.TB, username string) (externalID string)
}

// Passwords is the suite of kinds that set passwords. It is run besides Run.
func Passwords(t *testing.T, h PasswordHarness) {
	if !h.Kind.Powers.Passwords {
		t.Fatal("the kind does not have the power Passwords")
	}
	c, err := h.Kind.Open(t.Context(), h.Config, h.Env)
	if err != nil {
		t.Fatalf("Open with good settings: %v", err)
	}
	setter, ok := c.(connector.PasswordSetter)
	if !ok {
		t.Fatal("the kind has the power Passwords, but its connector is no PasswordSetter")
	}
	s := &passwordSuite{PasswordHarness: h, suite: suite{Harness: h.Harness, c: c}, setter: setter}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run("01_Set", s.set)
	t.Run("02_SetAgain", s.setAgain)
	t.Run("03_OddPasswords", s.odd)
	t.Run("04_Nobody", s.nobody)
	t.Run("05_Refused", s.refused)
	t.Run("06_CancelledContext", s.cancelledPassword)
	t.Run("07_OnlyThePassword", s.only)
}

type passwordSuite struct {
	PasswordHarness
	suite
	setter connector.PasswordSetter
}

func (s *passwordSuite) account(t testing.TB, word string) (externalID, username string) {
	t.Helper()
	username = name(word)
	if s.Made != nil {
		return s.Made(t, username), username
	}
	return s.mustApply(t, creation(person(username), "urn:uuid:"+uuid.NewString())).ExternalID, username
}

func (s *passwordSuite) mustSet(t testing.TB, id, password string) {
	t.Helper()
	if err := s.setter.SetPassword(t.Context(), id, password); err != nil {
		t.Fatalf("SetPassword: %v", err)
	}
}

const firstPassword, nextPassword = "Trois-petits-chats-12", "Chapeau-de-paille-34"

func (s *passwordSuite) set(t *testing.T) {
	id, username := s.account(t, "pass")
	other, otherName := s.account(t, "other")
	if s.SignIn(t, id, username, firstPassword) {
		t.Fatal("a new account can be signed in to with a password that nobody set")
	}
	s.mustSet(t, id, firstPassword)
	if !s.SignIn(t, id, username, firstPassword) {
		t.Error("the account cannot be signed in to with the password that was set")
	}
	if s.SignIn(t, id, username, nextPassword) || s.SignIn(t, other, otherName, firstPassword) {
		t.Error("another password, or another account, is good as well")
	}
}

func (s *passwordSuite) setAgain(t *testing.T) {
	id, username := s.account(t, "again")
	for _, password := range []string{firstPassword, firstPassword, nextPassword} {
		s.mustSet(t, id, password)
		if !s.SignIn(t, id, username, password) {
			t.Errorf("setting a password once more: it is not good")
		}
	}
	if s.SignIn(t, id, username, firstPassword) {
		t.Error("the password before is still good")
	}
}

// Whatever people type goes there as it is.
func (s *passwordSuite) odd(t *testing.T) {
	id, username := s.account(t, "odd")
	for _, password := range []string{"  blanks around 1A  ", "Grüße, ça va? 12", "“quotes” 'and' \\back 1", "パスワード-Ab1-長い", `a"b<c>&d;e%20F1`} {
		s.mustSet(t, id, password)
		if !s.SignIn(t, id, username, password) {
			t.Errorf("%q was not set as it is", password)
		}
	}
	// What looks like a hash is a password like any other, or refused as one: never taken for the hash of another.
	const hashed = "{SSHA}notAHash1"
	if err := s.setter.SetPassword(t.Context(), id, hashed); err == nil && !s.SignIn(t, id, username, hashed) {
		t.Errorf("%q was not set as it is", hashed)
	} else if err != nil && !connector.Verdict(err).Permanent {
		t.Errorf("%q gives %v; want it set, or refused for good", hashed, err)
	}
}

func (s *passwordSuite) nobody(t *testing.T) {
	for _, id := range []string{uuid.NewString(), "no id of this target"} {
		if err := s.setter.SetPassword(t.Context(), id, firstPassword); !errors.Is(err, connector.ErrNotFound) {
			t.Errorf("SetPassword of an account that is not there gives %v; want ErrNotFound", err)
		}
	}
}

func (s *passwordSuite) refused(t *testing.T) {
	if s.Weak == "" {
		t.Log("this target takes any password")
		return
	}
	id, username := s.account(t, "weak")
	s.mustSet(t, id, firstPassword)
	err := s.setter.SetPassword(t.Context(), id, s.Weak)
	var said *muster.Error
	if !errors.As(err, &said) || said.Field != "password" || !connector.Verdict(err).Permanent {
		t.Errorf("a password that the rules refuse gives %v; want a muster.Error of the field password, marked Permanent", err)
	}
	s.wantNoSecret(t, err)
	if !s.SignIn(t, id, username, firstPassword) {
		t.Error("a password that was refused took the place of the one before")
	}
}

func (s *passwordSuite) cancelledPassword(t *testing.T) {
	id, username := s.account(t, "cancelled")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := ended(t, func() error { return s.setter.SetPassword(ctx, id, firstPassword) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("SetPassword with a cancelled context gives %v; want context.Canceled", err)
	}
	if s.SignIn(t, id, username, firstPassword) {
		t.Error("SetPassword with a cancelled context set the password")
	}
}

func (s *passwordSuite) only(t *testing.T) {
	if s.Made != nil {
		t.Log("accounts of this kind are not made here")
		return
	}
	id, _ := s.account(t, "only")
	before := s.mustFind(t, connector.Query{ExternalID: id})
	s.mustSet(t, id, firstPassword)
	after := s.mustFind(t, connector.Query{ExternalID: id})
	if before.Username != after.Username || before.Enabled != after.Enabled || before.Marker != after.Marker || !muster.Diff(before.Attributes, after.Attributes).Empty() {
		t.Errorf("setting the password changed more: %+v, then %+v", before, after)
	}
}
